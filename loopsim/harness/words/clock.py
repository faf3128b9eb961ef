"""Time as words."""

from __future__ import annotations

from typing import Any

from loopsim.harness.failures import ExpectationFailed
from loopsim.harness.spans import SCHEMA as SPAN
from loopsim.harness.spans import seconds
from loopsim.harness.story import Story
from loopsim.harness.words.registry import Arguments, word

_QUIET = {
    "type": "integer",
    "minimum": 0,
    "description": "Milliseconds without a call after which the partner is done.",
}


@word(
    "clock.advances",
    {
        "by": {
            **SPAN,
            "description": f"{SPAN['description']} Or `next_event`, or `until_idle`.",
            "pattern": f"{SPAN['pattern']}|^next_event$|^until_idle$",
        },
        "to": {"type": "string", "description": "A moment, such as 2026-03-16T09:00:00Z."},
        "next_event": {"const": True, "description": "To the next thing that is due."},
        "until_idle": {"const": True, "description": "Until nothing is left to come."},
        "wait": {"type": "boolean", "default": True, "description": "Whether the partner gets its time on the way."},
        "quiet_for": _QUIET,
    },
    main="by",
    example="clock.advances: 14d",
)
def clock_advances(story: Story, arguments: Arguments) -> Any:
    """The shop's time passes: by a length, to a moment, to the next event, or until nothing is left to come. After each
    webhook the partner gets its time to react."""
    goal = dict(arguments)
    if goal.get("by") in ("next_event", "until_idle"):
        goal[goal.pop("by")] = True
    advanced = story.shop.clock.advance(**goal)
    story.check_over()
    return advanced


@word(
    "clock.settles",
    {"timeout": {**SPAN, "default": "20s"}, "quiet_for": _QUIET},
    main="timeout",
    example="clock.settles",
)
def clock_settles(story: Story, arguments: Arguments) -> Any:
    """Nothing happens until every delivery is answered and the partner is quiet; no time passes in the shop."""
    timeout = seconds(arguments.get("timeout", 20.0))
    if not story.settle(timeout, arguments.get("quiet_for")):
        raise ExpectationFailed(f"The partner did not come to rest within {timeout:g} s.")
    return None
