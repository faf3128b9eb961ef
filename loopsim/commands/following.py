"""What `loopsim events --follow` shows as it happens: attempts, and what the rules find wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.text import Text

from loopsim.commands.connection import Shop
from loopsim.commands.screen import MARKS

LONG, SHORT = 30.0, 1.0
"""Seconds that are waited for news: at most, and until the traffic counts as at rest."""

TRAFFIC = frozenset({"call", "delivery", "move"})


def news(shop: Shop, after: int, *, judged: bool) -> Iterator[dict[str, Any]]:
    """Attempts for ever, as entries of the journal; `judged`: also each new finding (kind `finding`), as soon as
    nothing has happened for a moment, since what is under way may look wrong."""
    known = {_name(each) for each in found(shop) if max(each["entries"], default=0) <= after} if judged else set()
    stale = judged
    while True:
        page = shop.journal(after=after, wait=SHORT if stale else LONG)
        after = page["last_id"] if page["last_id"] >= after else 0  # below it where the shop began anew
        yield from (entry for entry in page["entries"] if entry["kind"] == "delivery")
        if any(entry["kind"] in TRAFFIC for entry in page["entries"]):
            stale = judged
        elif stale and not page["entries"]:
            stale = False
            for finding in found(shop):
                if _name(finding) not in known:
                    known.add(_name(finding))
                    yield finding


def found(shop: Shop) -> Iterator[dict[str, Any]]:
    """What the rules find wrong in a shop's traffic so far."""
    for judged in shop.findings():
        about = {name: judged[name] for name in ("rule", "level", "mend", "fact")}
        yield from ({"kind": "finding", **about, **finding} for finding in judged["findings"])


def finding_line(finding: dict[str, Any]) -> Text:
    """A finding as one line."""
    sign, style = MARKS["fail" if finding["level"] == "error" else "warn"]
    return Text.assemble(
        (f"{sign} ", style), (finding["rule"], style), f" {finding['says']} ", (finding["mend"], "quiet")
    )


def _name(finding: dict[str, Any]) -> tuple[Any, ...]:
    return finding["rule"], finding["says"], tuple(finding["entries"])
