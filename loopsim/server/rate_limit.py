"""The rate limit of a key: a fixed window of a minute that begins with its first call (`FACTS.md#rate-limit-window`).

It lives on real time, whatever the shop's clock does.
"""

from __future__ import annotations

import math

from loopsim.domain.durations import DURATIONS

WINDOW = float(DURATIONS["rate_limit_window"].low)
"""Seconds."""


class Window:
    """The calls of one key in its present window. Moments are seconds of a clock that never goes back."""

    __slots__ = ("began", "used")

    def __init__(self) -> None:
        self.began = -math.inf
        self.used = 0

    def take(self, now: float, limit: int) -> bool:
        """Count a call; whether it is within the limit. One that is not does not count."""
        if now - self.began >= WINDOW:
            self.began = now
            self.used = 0
        if self.used >= limit:
            return False
        self.used += 1
        return True

    def remaining(self, now: float, limit: int) -> int:
        """How many more calls the key has now."""
        return limit if now - self.began >= WINDOW else max(0, limit - self.used)

    def retry_after(self, now: float) -> int:
        """Whole seconds until the window has ended; at least one."""
        return max(1, math.ceil(self.began + WINDOW - now))
