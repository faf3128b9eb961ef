"""Money on the wire: decimal strings with two places, in the shop's currency or the customer's."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=8192)
def decimal(minor: int) -> str:
    """`6995` as `"69.95"`."""
    sign, minor = ("-", -minor) if minor < 0 else ("", minor)
    return f"{sign}{minor // 100}.{minor % 100:02d}"


def minor(text: str) -> int:
    """`"69.95"` as `6995`. Raises `ValueError` for anything but a decimal with at most two places."""
    sign, digits = (-1, text[1:]) if text.startswith("-") else (1, text)
    whole, _, cents = digits.partition(".")
    if (
        not (whole.isascii() and whole.isdigit())
        or len(cents) > 2
        or (cents and not (cents.isascii() and cents.isdigit()))
    ):
        raise ValueError(f"{text!r} is not an amount like 69.95")
    return sign * (int(whole) * 100 + int(cents.ljust(2, "0") or "0"))


def convert(amount: int, rate: int) -> int:
    """An amount at a rate in millionths, rounded half away from zero."""
    sign = -1 if amount < 0 else 1
    return sign * ((abs(amount) * rate * 2 + 1_000_000) // 2_000_000)
