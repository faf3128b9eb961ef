"""Texts that come from anywhere made fit to be shown: bounded, no control characters; numbers with their nouns."""

from __future__ import annotations

import re
from collections.abc import Iterable

_CONTROL = re.compile(
    r"\x1b\[[0-9;?]*[ -/]*[@-~]|[^\x09\x0a\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
)


def printable(text: str) -> str:
    """Without colours and other control characters, and with no character that XML forbids."""
    return _CONTROL.sub(lambda found: "" if found[0].startswith("\x1b[") or found[0] == "\r" else "\ufffd", text)


def bounded(text: str, most: int) -> str:
    """At most so many characters, with a word on what was left out."""
    rest = len(text) - most
    return text if rest <= 0 else f"{text[:most]}\n… {rest:,} characters more"


def last(text: str, most: int) -> str:
    """The last so many lines, with a word on what was left out."""
    lines = text.rstrip().splitlines()
    gone = len(lines) - most
    return "\n".join(([f"… {gone:,} lines before"] if gone > 0 else []) + lines[-most:])


def many(number: int, noun: str, nouns: str = "") -> str:
    """`1 call`, `2 calls`."""
    return f"{number:,} {noun if number == 1 else nouns or noun + 's'}"


def seconds(milliseconds: float) -> str:
    """`0.13 s`, `4.2 s`, `75 s`."""
    value = milliseconds / 1000
    return f"{value:.2f} s" if value < 1 else f"{value:.1f} s" if value < 10 else f"{value:.0f} s"


def shown(items: Iterable[str], most: int) -> str:
    """The first of them, and how many more there are."""
    listed = list(items)
    rest = len(listed) - most
    return ", ".join(listed[:most]) + (f" and {rest:,} more" if rest > 0 else "")
