"""Whether items are graded in calls that Loop takes."""

from __future__ import annotations

from loopsim.rules.rule import Judgement, Rule, failed, not_judged
from loopsim.rules.traffic import Call, Delivery, Traffic, moment, shows

MOST = 30
_AHEAD_MS = 15 * 60 * 1000


def _items(call: Call) -> int:
    items = call.body.get("items") if isinstance(call.body, dict) else None
    return len(items) if isinstance(items, list) else 0


def _in_batches(traffic: Traffic) -> Judgement:
    calls = traffic.of("gradeItems", "assessItems")
    if not calls:
        return not_judged("The partner graded and assessed nothing in this story.")
    said = "It sent {} items in one {}; Loop takes {}."
    return failed(*(shows(said.format(_items(c), c.operation, MOST), c) for c in calls if _items(c) > MOST))


def _dated(traffic: Traffic) -> Judgement:
    inspected = [(call, at) for call in traffic.of("gradeItems", "assessItems") for at in _inspections(call)]
    if not inspected:
        return not_judged("The partner said of no item when it was inspected.")
    begun = min((at for at in map(_made, traffic.deliveries) if at is not None), default=None)
    findings = []
    for call, at in inspected:
        if at > call.at + _AHEAD_MS:
            findings.append(shows(f"It says that items are inspected {_hours(at - call.at)} from now.", call))
        elif begun is not None and at < begun:
            said = f"It says that items were inspected {_hours(begun - at)} before their return was made."
            findings.append(shows(said, call))
    return failed(*findings[:5])


def _inspections(call: Call) -> set[int]:
    items = call.body.get("items") if isinstance(call.body, dict) else None
    rows = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    return {at for row in rows if (at := moment(row.get("inspected_at"))) is not None}


def _made(told: Delivery) -> int | None:
    payload = told.payload
    return moment(payload.get("created_at")) if told.topic == "return" and isinstance(payload, dict) else None


def _hours(span: int) -> str:
    return f"{span / 3_600_000:.3g} h"


RULES = (
    Rule(
        name="graded-in-batches",
        level="error",
        needs="traffic",
        title="Grade and assess at most 30 items a call",
        reason="A call with more is refused as a whole, so a large return is not graded at all.",
        mend="Cut the items into batches of 20 or 30.",
        fact="grade-most",
        judge=_in_batches,
    ),
    Rule(
        name="inspections-dated-right",
        level="error",
        needs="traffic",
        title="Say in UTC when items were inspected",
        reason="inspected_at has no zone and is taken for UTC. Local times show items that were inspected before they "
        "came, or that will be tomorrow.",
        mend="Write the moment in UTC, as 2026-05-30 14:05:00.",
        fact="time-space",
        judge=_dated,
    ),
)
