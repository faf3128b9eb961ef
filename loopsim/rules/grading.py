"""Whether items are graded in calls that Loop takes."""

from __future__ import annotations

from loopsim.rules.rule import Judgement, Rule, failed, not_judged
from loopsim.rules.traffic import Call, Traffic, shows

MOST = 30


def _items(call: Call) -> int:
    items = call.body.get("items") if isinstance(call.body, dict) else None
    return len(items) if isinstance(items, list) else 0


def _in_batches(traffic: Traffic) -> Judgement:
    calls = traffic.of("gradeItems", "assessItems")
    if not calls:
        return not_judged("The partner graded and assessed nothing in this story.")
    said = "It sent {} items in one {}; Loop takes {}."
    return failed(*(shows(said.format(_items(c), c.operation, MOST), c) for c in calls if _items(c) > MOST))


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
)
