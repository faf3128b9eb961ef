"""Numbers in queries and comma lists, as texts."""

from __future__ import annotations


def whole(text: str) -> int | None:
    """The whole number a text spells in ASCII digits, or None. Longer texts than any id are no number."""
    text = text.strip()
    digits = text[1:] if text[:1] in {"-", "+"} else text
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) <= 40 else None
