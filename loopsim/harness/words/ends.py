"""The end of a story, as a word."""

from __future__ import annotations

from typing import Any

from loopsim.harness.failures import ExpectationFailed
from loopsim.harness.journal import call_line
from loopsim.harness.story import Story
from loopsim.harness.words.names import OPERATION
from loopsim.harness.words.registry import Arguments, word

_READING = {"GET", "HEAD", "OPTIONS"}


@word(
    "expect.nothing_else",
    {
        "except": {
            "type": "array",
            "items": OPERATION,
            "description": "Operations that do not count.",
        },
        "reads": {"type": "boolean", "default": False, "description": "Whether reading calls count, too."},
        "after": {"type": "string", "description": "Only what came after: a saved step, a trigger, an operation."},
    },
    main="except",
    example="expect.nothing_else",
)
def expect_nothing_else(story: Story, arguments: Arguments) -> Any:
    """The partner made no call that changes something beside those that were expected before; judged when it has come
    to rest."""
    story.settle()
    allowed = arguments.get("except", [])
    others = [
        entry
        for entry in story.calls(story.position(arguments.get("after")))
        if entry["id"] not in story.accounted
        and entry.get("operation") not in allowed
        and (arguments.get("reads") or entry.get("method") not in _READING)
    ]
    if others:
        raise ExpectationFailed(
            f"{story.partner.name} did more than it should.",
            expected="no call that changes something beside the expected ones",
            actual="; ".join(call_line(entry) for entry in others[:5]),
            entries=tuple(entry["id"] for entry in others),
        )
    return None
