"""The ids of Loop's newer resources: snowflakes beyond 2^53, which most JavaScript cannot hold (captured).

`id >> 22` is milliseconds since 2019-08-08T08:08:08Z; then ten bits that look random per machine, then a sequence of
twelve.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from loopsim.domain import chance

EPOCH = datetime(2019, 8, 8, 8, 8, 8, tzinfo=UTC)
SHIFT = 22
"""The bits below the moment: of machine and sequence."""

_SEQUENCE = 12
_MACHINES = 1 << (SHIFT - _SEQUENCE)
_MOMENTS = 1 << (63 - SHIFT)  # milliseconds, 69 years: before and after them the ids of others come round again
_MILLISECOND = timedelta(milliseconds=1)


def snowflake_at(moment: datetime, low: int = 0) -> int:
    """The id of something made at `moment`; `low` fills the bits below it."""
    return _begins_at(moment) | low


def snowflake(moment: datetime, number: int, seed: int) -> int:
    """The id of the `number`-th thing made, at a moment; unique for four million of them in one millisecond."""
    machine = ((number >> _SEQUENCE) + _machine(seed)) % _MACHINES
    return _begins_at(moment) | (machine << _SEQUENCE) | (number & ((1 << _SEQUENCE) - 1))


# An order takes one of each for its lines and shipments: many of one moment, and all of one shop.
@lru_cache(maxsize=64)
def _begins_at(moment: datetime) -> int:
    return (moment - EPOCH) // _MILLISECOND % _MOMENTS << SHIFT


@lru_cache(maxsize=64)
def _machine(seed: int) -> int:
    return chance.draw(seed, "machine")
