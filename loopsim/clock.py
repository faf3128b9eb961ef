"""The one clock of a shop: what its time is, given the wall's.

`real` follows the wall, `scaled` runs `rate` times as fast, `manual` stands still until it is set. A clock is a value:
an anchor (this shop moment was at that wall moment) and a mode. It never goes back.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Literal

from msgspec import Struct, structs

Wall = Callable[[], float]  # seconds since 1970, as time.time()
Mode = Literal["real", "scaled", "manual"]

wall: Wall = time.time

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
END = datetime(2999, 12, 31, tzinfo=UTC)
"""Where every clock comes to stand: what is counted from there (expiry, retries) is still a date."""
_MILLISECOND = timedelta(milliseconds=1)


def to_ms(moment: datetime) -> int:
    """Milliseconds since 1970, whole."""
    return (moment - EPOCH) // _MILLISECOND


@lru_cache(maxsize=64)
def from_ms(ms: int) -> datetime:
    """The aware UTC moment of whole milliseconds since 1970."""
    return EPOCH + timedelta(milliseconds=ms)


END_MS = to_ms(END)
MOST_RATE = 1_000_000
"""How many times as fast as the wall a scaled clock may run: eleven days in a second."""


def in_ms(wall: Wall) -> int:
    """What the wall shows, in whole milliseconds since 1970."""
    return int(wall() * 1000)


def never_back(wall: Wall) -> Wall:
    """The wall, but where it goes back, as a corrected one does, this one stands still, and so it does at `END`."""
    latest, end = -math.inf, END_MS / 1000

    def show() -> float:
        nonlocal latest
        now = wall()
        if now > latest:
            latest = now if now < end else end
        return latest

    return show


class Clock(Struct, frozen=True, kw_only=True):
    """`shop_ms` of the shop's time was at `wall_ms` of the wall's."""

    mode: Mode = "real"
    rate: float = 1.0
    shop_ms: int = 0
    wall_ms: int = 0

    def now_ms(self, wall_ms: int) -> int:
        """The shop's time in milliseconds, when the wall shows `wall_ms`."""
        if self.mode == "manual":
            return self.shop_ms
        passed = max(0, wall_ms - self.wall_ms)
        went = passed if self.mode == "real" else int(min(passed * self.rate, END_MS))
        return min(self.shop_ms + went, END_MS)

    def at(self, shop_ms: int, wall_ms: int) -> Clock:
        """The same clock, set forward to `shop_ms`; a moment that is past leaves it where it is."""
        return structs.replace(self, shop_ms=max(min(shop_ms, END_MS), self.now_ms(wall_ms)), wall_ms=wall_ms)

    def switched(self, mode: Mode, rate: float, wall_ms: int) -> Clock:
        """In another mode, from now on."""
        return Clock(mode=mode, rate=rate, shop_ms=self.now_ms(wall_ms), wall_ms=wall_ms)

    def wall_delay(self, shop_ms: int, wall_ms: int) -> float | None:
        """Seconds of the wall until the clock shows `shop_ms`; None if it never will by itself."""
        if self.mode == "manual" or shop_ms > END_MS:
            return None
        left = max(0, shop_ms - self.now_ms(wall_ms)) / 1000
        return left if self.mode == "real" else left / self.rate
