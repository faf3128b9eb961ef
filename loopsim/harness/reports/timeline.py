"""The timeline of a scenario as data: what stands in which lane, in which order, with the findings where they belong.

    story     steps, and what moved the clock          call   what the partner asked Loop
    webhook   what Loop sent it, attempt by attempt    move   what became of returns and labels

It is bounded: so many items and so many characters of bodies over a whole page, spent on what went wrong first.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Literal

import msgspec
from msgspec import Struct, field

from loopsim.harness.reports import traffic
from loopsim.harness.reports.summary import Problem, problems
from loopsim.harness.reports.texts import bounded, printable, seconds
from loopsim.harness.results import ScenarioResult, StepResult

Lane = Literal["story", "webhook", "call", "move"]
Tone = Literal["good", "bad", "warn", "plain"]
Entry = dict[str, Any]

BODY = 12_000
"""Characters of one body, raw and pretty each."""
_SHORT = 90
ITEMS = 600
"""Items of one scenario: its beginning, its end, and what findings point at."""


class Body(Struct, frozen=True):
    """Bytes that were sent: as they were, and laid out where they are JSON. Numbers keep every digit."""

    name: str
    raw: str
    pretty: str = ""


class Note(Struct, frozen=True):
    """A problem at the place in the timeline that shows it; `number` is its place in the list of the scenario's."""

    number: int
    problem: Problem


class Item(Struct, frozen=True, kw_only=True):
    """One thing that happened. `moment` is the shop's time, `day` is given where it is another than before."""

    key: str
    lane: Lane
    title: str
    detail: str = ""
    moment: datetime | None = None
    day: str = ""
    status: str = ""
    tone: Tone = "plain"
    facts: tuple[tuple[str, str], ...] = ()
    bodies: tuple[Body, ...] = ()
    notes: tuple[Note, ...] = ()


class Gap(Struct, frozen=True):
    """Items that are left out."""

    left_out: int


class Budget(Struct):
    """What a page may still spend."""

    items: int = 5_000
    characters: int = 6_000_000

    def body(self, name: str, text: str) -> list[Body]:
        """The body, where it has one and there is still room for it; otherwise a word on why not."""
        if not text:
            return []
        if self.characters <= 0:
            return [Body(name, f"{len(text):,} characters, left out: the page is full. Run this scenario alone.")]
        raw = printable(bounded(text, BODY))
        pretty = _pretty(text)
        pretty = printable(bounded(pretty, BODY)) if pretty else ""
        self.characters -= len(raw) + len(pretty)
        return [Body(name, raw, pretty)]


class Timeline(Struct, frozen=True, kw_only=True):
    """What to draw. `loose` are problems that no item shows."""

    items: tuple[Item | Gap, ...] = ()
    loose: tuple[Note, ...] = field(default_factory=tuple)


def timeline(scenario: ScenarioResult, budget: Budget) -> Timeline:
    """The scenario's steps and journal, in the order in which they happened."""
    notes = [Note(number, problem) for number, problem in enumerate(problems(scenario), 1)]
    at_entry, at_step, loose = _placed(scenario, notes)
    # With steps, what the harness asked of the control API is their echo.
    entries = [entry for entry in scenario.journal if not (scenario.steps and entry.get("kind") == "control")]
    shown, left_out = _chosen(entries, set(at_entry), min(ITEMS, budget.items))
    budget.items -= len(shown) + len(scenario.steps)
    sent = {each["delivery"]["id"]: each for each in scenario.deliveries if "delivery" in each}
    items: list[Item | Gap] = []
    steps = list(enumerate(scenario.steps))
    for place, entry in enumerate(shown):
        if left_out and place == left_out[0]:
            items.append(Gap(left_out[1]))
        while steps and steps[0][1].status != "not_run" and steps[0][1].after_entry < entry.get("id", 0):
            items.append(_step(*steps.pop(0), at_step, budget))
        item = _entry(entry, sent, tuple(at_entry.get(entry.get("id", 0), ())), budget)
        items.append(msgspec.structs.replace(item, moment=traffic.moment(entry.get("at", 0))))
    if left_out and left_out[0] == len(shown):
        items.append(Gap(left_out[1]))
    items += [_step(number, step, at_step, budget) for number, step in steps]
    return Timeline(items=tuple(_with_days(items)), loose=tuple(loose))


def _with_days(items: list[Item | Gap]) -> Iterator[Item | Gap]:
    """Say the day where it is another than before."""
    before = ""
    for item in items:
        today = f"{item.moment:%A, %d %B %Y}" if isinstance(item, Item) and item.moment else before
        yield item if isinstance(item, Gap) or today == before else msgspec.structs.replace(item, day=today)
        before = today


def _placed(
    scenario: ScenarioResult, notes: list[Note]
) -> tuple[dict[int, list[Note]], dict[int, list[Note]], list[Note]]:
    """Each problem at the last entry that shows it, else at the step it stands in, else nowhere."""
    there = {entry.get("id", 0) for entry in scenario.journal}
    lines = {step.line: number for number, step in enumerate(scenario.steps)}
    at_entry: dict[int, list[Note]] = {}
    at_step: dict[int, list[Note]] = {}
    loose: list[Note] = []
    for note in notes:
        shows = [id_ for id_ in note.problem.entries if id_ in there]
        if shows:
            at_entry.setdefault(max(shows), []).append(note)
        elif not note.problem.rule and note.problem.line in lines:
            at_step.setdefault(lines[note.problem.line], []).append(note)
        else:
            loose.append(note)
    return at_entry, at_step, loose


def _chosen(entries: list[Entry], flagged: set[int], most: int) -> tuple[list[Entry], tuple[int, int] | None]:
    """The entries to show, and where how many of them are left out."""
    if len(entries) <= most:
        return entries, None
    most = max(0, most)
    half = most // 2
    middle = [entry for entry in entries[half : len(entries) - half] if entry.get("id") in flagged][:most]
    shown = entries[:half] + middle + (entries[len(entries) - half :] if half else [])
    return shown, (half + len(middle), len(entries) - len(shown))


def _step(number: int, step: StepResult, notes: dict[int, list[Note]], budget: Budget) -> Item:
    tones: dict[str, Tone] = {"passed": "good", "failed": "bad", "not_run": "plain"}
    arguments = msgspec.json.encode(step.arguments).decode() if step.arguments else ""
    facts = [("Where", f"{step.file}:{step.line}"), ("Saved", step.gave), ("Took", seconds(step.duration_ms))]
    return Item(
        key=f"step{number}",
        lane="story",
        title=step.word,
        detail=_short(step.arguments),
        moment=datetime.fromisoformat(step.at) if step.at else None,
        status=step.status.replace("_", " "),
        tone=tones[step.status],
        facts=tuple((name, value) for name, value in facts if value),
        bodies=tuple(budget.body("Arguments", arguments)),
        notes=tuple(notes.get(number, ())),
    )


def _short(arguments: dict[str, Any]) -> str:
    """The arguments in a few words."""
    said = ", ".join(f"{name}: {value}" for name, value in arguments.items() if not isinstance(value, dict | list))
    return printable(said if len(said) <= _SHORT else f"{said[:_SHORT]}…")


def _entry(entry: Entry, sent: dict[int, Entry], notes: tuple[Note, ...], budget: Budget) -> Item:
    kind = entry.get("kind")
    made = {"call": _call, "delivery": _delivery}.get(str(kind))
    if made is not None:
        return made(entry, sent, notes, budget)
    if kind == "move":
        return Item(key=f"e{entry.get('id')}", lane="move", title=traffic.move(entry), notes=notes)
    title = str(entry.get("note") or entry.get("operation") or kind)
    bodies = budget.body("Request", str(entry.get("request_body") or ""))
    status = "" if kind in ("clock", "note") else traffic.answer(entry)
    shown = f"{str(kind).title()}: {title}" if kind in ("clock", "note") else title
    return Item(key=f"e{entry.get('id')}", lane="story", title=shown, status=status, bodies=tuple(bodies), notes=notes)


def _call(entry: Entry, _sent: dict[int, Entry], notes: tuple[Note, ...], budget: Budget) -> Item:
    status = int(entry.get("status") or 0)
    tone: Tone = "bad" if not status or status >= 400 else "warn" if entry.get("refusal") else "good"
    facts = [
        ("Operation", entry.get("operation") or "none of Loop's"),
        ("Refused by", entry.get("refusal")),
        ("Dropped silently", ", ".join(entry.get("unknown") or ())),
        ("Cut off silently", ", ".join(entry.get("truncated") or ())),
        ("Rows", _rows(entry)),
        ("Asked to wait", f"{entry['retry_after']} s" if entry.get("retry_after") is not None else ""),
        ("Note", entry.get("note")),
        ("Fault", entry.get("fault")),
        ("Error", entry.get("error")),
        ("Version", entry.get("version")),
        ("Answered in", _milliseconds(entry)),
    ]
    request = budget.body("Request body", str(entry.get("request_body") or ""))
    response = budget.body("Response body", str(entry.get("response_body") or ""))
    return Item(
        key=f"e{entry.get('id')}",
        lane="call",
        title=f"{entry.get('method', '')} {traffic.path(entry)}",
        status=traffic.answer(entry) + (f" {entry['refusal']}" if entry.get("refusal") else ""),
        tone=tone,
        facts=_given(facts) + _headers(entry),
        bodies=tuple(request + response),
        notes=notes,
    )


def _rows(entry: Entry) -> str:
    if entry.get("count") is None:
        return ""
    return f"{entry['count']:,}" + (", and there is a next page" if entry.get("more") else "")


def _delivery(entry: Entry, sent: dict[int, Entry], notes: tuple[Note, ...], budget: Budget) -> Item:
    status = int(entry.get("status") or 0)
    delivery = sent.get(entry.get("delivery_id") or 0, {})
    about = delivery.get("delivery", {})
    number = entry.get("attempt") or 1
    attempts = {attempt.get("number"): attempt for attempt in delivery.get("attempts", ())}
    of = f" of {about['attempt_count']}" if about.get("attempt_count") else ""
    headers = dict(entry.get("request_headers") or {})
    facts = [
        ("Signature", next((text for name, text in headers.items() if "signature" in name.lower()), "none")),
        ("Delivery", f"{entry.get('delivery_id')}, attempt {number}{of}"),
        ("Came to", about.get("state")),
        ("Tried again at", (attempts.get(number) or {}).get("retry_at")),
        ("Fault", entry.get("fault")),
        ("Return", entry.get("return_id")),
        ("To", entry.get("url")),
        ("Error", entry.get("error")),
        ("Answered in", _milliseconds(entry)),
    ]
    body = budget.body("Bytes sent", str(entry.get("request_body") or ""))
    answer = budget.body("Answer", str(entry.get("response_body") or ""))
    again = f" · attempt {number}" if number > 1 else ""
    return Item(
        key=f"e{entry.get('id')}",
        lane="webhook",
        title=f"{entry.get('trigger') or entry.get('topic') or 'webhook'}{again}",
        status=traffic.answer(entry) + (f" · {entry['fault']}" if entry.get("fault") else ""),
        tone="good" if 200 <= status < 300 else "bad",
        facts=_given(facts) + _headers(entry),
        bodies=tuple(body + answer),
        notes=notes,
    )


def _given(facts: list[tuple[str, Any]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, printable(str(value))) for name, value in facts if value not in (None, ""))


def _headers(entry: Entry) -> tuple[tuple[str, str], ...]:
    headers = entry.get("request_headers") or {}
    return tuple((f"{name}:", printable(str(value))) for name, value in headers.items())


def _milliseconds(entry: Entry) -> str:
    return f"{entry['duration_ms']:,.1f} ms" if entry.get("duration_ms") is not None else ""


def _pretty(text: str) -> str:
    """JSON laid out, its numbers unread, so that an id above 2^53 keeps its digits. Nothing for other texts."""
    if text[:1] not in "{[":
        return ""
    try:
        laid_out = msgspec.json.format(text.encode(), indent=2).decode().replace("\\/", "/")
    except (msgspec.DecodeError, UnicodeEncodeError):
        return ""
    return "" if laid_out == text else laid_out
