"""The log of `serve`: one line per call and delivery, read from the journals of its shops, with secrets left out."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import sqlite3
import sys
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlunsplit

import click

from loopsim.urls import split_url

if TYPE_CHECKING:
    from loopsim.store.shop import Shop
    from loopsim.store.world import World

LEVELS = ("debug", "info", "warning", "error")
LOOK_EVERY = 0.1  # seconds; the journal itself is written in batches
BATCH = 500
APART = 2.0  # seconds between the shop's time and the wall's that are worth a second clock on the line

_SECRET = re.compile(r"(?i)([?&][^=&]*(?:token|secret|key|signature|password|auth|hmac)[^=&]*=)[^&]+")
log = logging.getLogger("loopsim.wire")

Entry = dict[str, Any]


def redacted(url: str) -> str:
    """An address without what it may carry of a password or a token."""
    parts = split_url(url)
    if parts is None:
        # Loop takes any text for the address of a receiver.
        return _SECRET.sub(r"\1…", url)
    netloc = parts.netloc.rpartition("@")[2]
    return _SECRET.sub(r"\1…", urlunsplit(parts._replace(netloc=netloc)))


def set_up(level: str, form: str) -> None:
    """Send everything that loopsim logs to standard error, as text or as one JSON object per line."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if form == "json" else _Text())
    root = logging.getLogger("loopsim")
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    root.propagate = False


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        text = record.getMessage()
        if record.name != log.name:
            text = click.style(f"{record.levelname.lower()}: ", fg="yellow") + text
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        line = click.style(datetime.now().strftime("%H:%M:%S "), dim=True) + text
        return line if sys.stderr.isatty() else click.unstyle(line)


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            **getattr(record, "entry", {"message": record.getMessage(), "logger": record.name}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def wanted() -> bool:
    """Whether any line of the wire would be shown: reading the journals costs something."""
    return log.isEnabledFor(logging.WARNING)


async def follow(world: World) -> None:
    """Log what is added to the journals, until cancelled. What was there before is passed over."""
    seen: dict[str, tuple[Shop, int]] = {name: (shop, shop.journal.last_id) for name, shop in world.shops.items()}
    copied = False
    while True:
        copying = False
        for name, shop in list(world.shops.items()):
            known, after = seen.get(name, (None, 0))
            if known is not shop:
                # A fresh shop is told of from its first call on; a copy begins with the calls of the first shop.
                after = shop.journal.last_id if copied or copying else 0
            if shop.journal.last_id > after:
                entries = _read(shop, after)
                for entry in entries:
                    _write(shop, entry)
                    copying |= entry.get("operation") == "copyShop"
                after = entries[-1]["id"] if entries else shop.journal.last_id
            seen[name] = (shop, after)
        for name in seen.keys() - world.shops.keys():
            del seen[name]
        copied = copying
        await asyncio.sleep(LOOK_EVERY)


def _read(shop: Shop, after: int) -> list[Entry]:
    # A disk that is full is told of by those who have to write; here it is no reason to fall silent for good.
    with suppress(sqlite3.Error):
        return shop.journal.read(after, BATCH)
    return []


def _write(shop: Shop, entry: Entry) -> None:
    level = _level(entry)
    if not log.isEnabledFor(level):
        return
    at = datetime.fromtimestamp(entry["at"] / 1000, UTC)
    data = {"shop": shop.name, "shop_time": at.isoformat(timespec="milliseconds"), **_told(entry)}
    apart = abs((at - datetime.now(UTC)).total_seconds()) > APART
    prefix = click.style(f"[{at:%d %b %H:%M:%S}] ", dim=True) if apart else ""
    if shop.name != "default":
        prefix += click.style(f"{shop.name} ", bold=True)
    log.log(level, "%s%s", prefix, _line(entry), extra={"entry": data})


def _level(entry: Entry) -> int:
    if entry["kind"] == "delivery":
        status = entry.get("status")
        return logging.INFO if status is not None and 200 <= status < 300 else logging.WARNING
    if entry["kind"] == "note":
        return logging.WARNING
    if entry["kind"] == "move" or (entry["kind"] == "control" and entry.get("method") == "GET"):
        return logging.DEBUG
    return logging.WARNING if entry.get("status", 200) >= 500 or entry.get("error") else logging.INFO


_TOLD = (
    "kind", "operation", "method", "path", "status", "refusal", "unknown", "delivery_id", "attempt", "subscription_id",
    "topic", "trigger", "return_id", "entity", "state", "action", "to", "error", "note", "fault", "duration_ms",
)  # fmt: skip


def _told(entry: Entry) -> Entry:
    told = {name: entry[name] for name in _TOLD if entry.get(name) is not None}
    if entry.get("query"):
        told["query"] = redacted("?" + entry["query"])[1:]
    if entry.get("url"):
        told["url"] = redacted(entry["url"])
    return told


def _status(entry: Entry) -> str:
    status = entry.get("status")
    if status is None:
        return click.style(entry.get("error") or "no answer", fg="red")
    return click.style(str(status), fg="green" if status < 300 else "yellow" if status < 500 else "red")


def _line(entry: Entry) -> str:
    if entry["kind"] == "clock":
        return click.style("◷ ", fg="magenta") + str(entry.get("note") or entry.get("error") or "the clock moved")
    if entry["kind"] == "note":
        return click.style("! ", fg="yellow") + str(entry.get("note"))
    if entry["kind"] == "move":
        what = f"{entry['entity'].replace('_', ' ')} of return {entry['return_id']}"
        return f"· {what.removeprefix('return of ')} {entry['state']} → {entry['to']} ({entry['action']})"
    took = click.style(f" {entry['duration_ms']:.1f} ms", dim=True) if "duration_ms" in entry else ""
    fault = click.style(f" fault {entry['fault']}", fg="magenta") if entry.get("fault") else ""
    if entry["kind"] == "delivery":
        again = f" (attempt {entry['attempt']})" if entry.get("attempt", 1) > 1 else ""
        event = click.style(str(entry.get("trigger")), fg="cyan")
        url = redacted(entry.get("url") or "")
        return f"⇢ {event} #{entry.get('delivery_id')} {url} {_status(entry)}{took}{again}{fault}"
    query = redacted("?" + entry["query"]) if entry.get("query") else ""
    refusal = click.style(f" {entry['refusal']}", fg="yellow") if entry.get("refusal") else ""
    unknown = click.style(f" ignored {', '.join(entry['unknown'])}", fg="yellow") if entry.get("unknown") else ""
    sign = "←" if entry["kind"] == "call" else "✎"
    return f"{sign} {entry.get('method')} {entry.get('path')}{query} {_status(entry)}{took}{refusal}{unknown}{fault}"
