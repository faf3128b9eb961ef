"""Every duration of the simulator, in one table: what it is, how long, and how sure we are.

Seconds of the shop's clock, unless a row says real time. The grades are those of `openapi/FACTS.md`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from msgspec import Struct

Grade = Literal["captured", "documented", "reported", "assumed"]
_HOUR = 3600
_DAY = 24 * _HOUR


class Duration(Struct, frozen=True):
    """A span between `low` and `high` seconds (equal where it is fixed); a seeded draw picks the second in between."""

    low: int
    high: int
    grade: Grade
    fact: str

    @property
    def fixed(self) -> timedelta:
        """The span of a duration that does not vary."""
        return timedelta(seconds=self.low)


DURATIONS: dict[str, Duration] = {
    "label_made": Duration(4, 4, "captured", "duration-label"),
    "process_done": Duration(2, 2, "assumed", "duration-process"),
    "expiry": Duration(28 * _DAY, 28 * _DAY, "documented", "duration-expiry"),
    "hold": Duration(7 * _DAY, 7 * _DAY, "documented", "duration-hold"),
    "happy_returns_processed": Duration(12 * _HOUR, 12 * _HOUR, "documented", "duration-happy-returns"),
    "instant_exchange_window": Duration(14 * _DAY, 14 * _DAY, "assumed", "duration-instant-window"),
    "draft_expiry": Duration(1 * _DAY, 1 * _DAY, "assumed", "duration-draft"),
    "webhook_first_retry": Duration(30, 30, "assumed", "duration-retry"),
    "webhook_longest_retry_after": Duration(1800, 1800, "documented", "duration-retry-after"),
    # Of real time, as a receiver's sockets live in it.
    "webhook_attempt": Duration(10, 10, "assumed", "duration-attempt"),
    "bulk_begins": Duration(2, 2, "assumed", "bulk-pace"),
    "oauth_code": Duration(600, 600, "assumed", "auth-oauth-code"),
    "oauth_token": Duration(_HOUR, _HOUR, "documented", "auth-oauth-life"),
    "rate_limit_window": Duration(60, 60, "assumed", "rate-limit-window"),
}

# What the carrier does, by service: for each scan the time since the scan before it (the first since the label was
# made).
CARRIER: dict[str, tuple[tuple[str, Duration], ...]] = {
    "express": (
        ("pre_transit", Duration(1 * _HOUR, 12 * _HOUR, "assumed", "duration-carrier")),
        ("in_transit", Duration(6 * _HOUR, 30 * _HOUR, "assumed", "duration-carrier")),
        ("out_for_delivery", Duration(16 * _HOUR, 36 * _HOUR, "assumed", "duration-carrier")),
        ("delivered", Duration(2 * _HOUR, 8 * _HOUR, "assumed", "duration-carrier")),
    ),
    "ground": (
        ("pre_transit", Duration(2 * _HOUR, 2 * _DAY, "assumed", "duration-carrier")),
        ("in_transit", Duration(8 * _HOUR, 2 * _DAY, "assumed", "duration-carrier")),
        ("out_for_delivery", Duration(2 * _DAY, 6 * _DAY, "assumed", "duration-carrier")),
        ("delivered", Duration(2 * _HOUR, 10 * _HOUR, "assumed", "duration-carrier")),
    ),
    "economy": (
        ("pre_transit", Duration(4 * _HOUR, 4 * _DAY, "assumed", "duration-carrier")),
        ("in_transit", Duration(1 * _DAY, 4 * _DAY, "assumed", "duration-carrier")),
        ("out_for_delivery", Duration(5 * _DAY, 12 * _DAY, "assumed", "duration-carrier")),
        ("delivered", Duration(2 * _HOUR, 10 * _HOUR, "assumed", "duration-carrier")),
    ),
}

# Happy Returns sends its boxes off about twice a week (documented); which days is assumed. Monday is 0, hours UTC.
HAPPY_RETURNS_SHIPS: tuple[tuple[int, int], ...] = ((1, 12), (4, 12))
