"""How often something is expected."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from loopsim.harness.words.registry import Arguments, Json

TIMES: Json = {
    "times": {
        "description": "How often: a number, or `{min, max}`. At least once where it is left out.",
        "anyOf": [
            {"type": "integer", "minimum": 0},
            {
                "type": "object",
                "additionalProperties": False,
                "properties": {"min": {"type": "integer", "minimum": 0}, "max": {"type": "integer", "minimum": 0}},
            },
        ],
    }
}


class Times(Struct, frozen=True):
    """At least, and at most (None: as often as it likes)."""

    least: int
    most: int | None

    def allows(self, count: int) -> bool:
        """Whether so many are as expected."""
        return count >= self.least and (self.most is None or count <= self.most)

    def __str__(self) -> str:
        if self.most is None:
            return f"at least {says_times(self.least)}"
        if self.most == self.least:
            return f"exactly {says_times(self.least)}"
        return f"{self.least} to {says_times(self.most)}"


def times_of(arguments: Arguments) -> Times:
    """What a step says of how often."""
    asked: Any = arguments.get("times")
    if isinstance(asked, dict):
        return Times(int(asked.get("min", 0)), asked.get("max"))
    return Times(1, None) if asked is None else Times(int(asked), int(asked))


def contradictions(arguments: Arguments) -> list[tuple[tuple[str | int, ...], str]]:
    """That nothing can be so often as a step says, with the path of what says so."""
    asked = arguments.get("times")
    least, most = (asked.get("min"), asked.get("max")) if isinstance(asked, dict) else (None, None)
    if isinstance(least, int) and isinstance(most, int) and least > most:
        return [(("times",), f"Nothing can be at least {least} and at most {most}. Swap min and max.")]
    return []


def says_times(count: int) -> str:
    """`once`, `3 times`."""
    return {0: "not once", 1: "once", 2: "twice"}.get(count, f"{count} times")
