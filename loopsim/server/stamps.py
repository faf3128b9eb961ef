"""The shop's time as headers: `Date` and `X-Loopsim-Now`."""

from __future__ import annotations

from email.utils import format_datetime

from loopsim.clock import from_ms

Header = tuple[bytes, bytes]


class Stamp:
    """The two headers, kept while the moment is the same: shops on a manual clock stand still for long."""

    __slots__ = ("_date", "_ms", "_now")

    def __init__(self) -> None:
        self._ms = -1
        self._date: Header = (b"date", b"")
        self._now: Header = (b"x-loopsim-now", b"")

    def at(self, ms: int) -> tuple[Header, Header]:
        """The headers for a moment in milliseconds since 1970."""
        if ms != self._ms:
            moment = from_ms(ms)
            if ms // 1000 != self._ms // 1000 or not self._date[1]:
                self._date = (b"date", format_datetime(moment, usegmt=True).encode())
            self._now = (b"x-loopsim-now", f"{moment:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z".encode())
            self._ms = ms
        return self._date, self._now
