"""Journal entries in the words of people: one line each."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from loopsim.harness.results import ScenarioResult

Entry = dict[str, Any]

LINES = 6
"""As many lines of traffic show a problem; more are counted."""
_BODY = 110


def moment(at: int) -> datetime:
    """The shop's time of an entry."""
    return datetime.fromtimestamp(at / 1000, UTC)


def path(entry: Entry) -> str:
    """Path and query as the partner knows them."""
    whole = str(entry.get("path", ""))
    return whole + (f"?{entry['query']}" if entry.get("query") else "")


def answer(entry: Entry) -> str:
    """The status, or why there was none."""
    return str(entry.get("error") or entry.get("status") or "no answer")


def says(entry: Entry) -> str:
    """What happened, without its time."""
    kind = entry.get("kind")
    if kind == "call":
        refusal = f" ({entry['refusal']})" if entry.get("refusal") else ""
        said = (
            f"asks to wait {entry['retry_after']} s" if entry.get("retry_after") is not None else "",
            f"{entry['count']} rows" if entry.get("count") is not None else "",
            "more on the next page" if entry.get("more") else "",
            _short(entry.get("response_body")),
        )
        more = "".join(f"  {part}" for part in said if part)
        return f"← {entry.get('method', '')} {path(entry)}  {answer(entry)}{refusal}{more}"
    if kind == "delivery":
        about = f" of return {entry['return_id']}" if entry.get("return_id") else ""
        attempt = f", attempt {entry['attempt']}" if entry.get("attempt", 1) > 1 else ""
        fault = f" [{entry['fault']}]" if entry.get("fault") else ""
        return f"→ {entry.get('trigger') or entry.get('topic', 'webhook')}{about}{attempt}{fault}  {answer(entry)}"
    if kind == "move":
        return f"• {move(entry)}"
    if kind in ("clock", "note"):
        return f"{'◷' if kind == 'clock' else '!'} {entry.get('note', '')}"
    return f"· {entry.get('operation') or kind}  {answer(entry)}"


def move(entry: Entry) -> str:
    """`return 5: open → closed by process_done`."""
    entity = str(entry.get("entity", "return")).replace("_", " ")
    about = f" {entry['return_id']}" if entity == "return" and entry.get("return_id") else ""
    before = f"{entry['state']} → " if entry.get("state") else ""
    return f"{entity}{about}: {before}{entry.get('to', '')} by {entry.get('action', '')}"


def line(entry: Entry) -> str:
    """What happened, with its time and its id."""
    return f"{moment(entry.get('at', 0)):%m-%d %H:%M:%S}  {says(entry)}"


def showing(scenario: ScenarioResult, entries: Collection[int], most: int = LINES) -> list[str]:
    """The traffic that shows a problem, a line for each entry, oldest first."""
    wanted = set(entries)
    found = [entry for entry in scenario.journal if entry.get("id") in wanted]
    gone = len(wanted) - len(found)
    lines = [line(entry) for entry in found[:most]]
    if len(found) > most:
        lines.append(f"… and {len(found) - most:,} more")
    if gone > 0:
        lines.append(f"… {gone:,} of it fell out of the journal")
    return lines


def _short(body: Any) -> str:
    text = " ".join(str(body or "").split())
    return text if len(text) <= _BODY else text[: _BODY - 1] + "…"
