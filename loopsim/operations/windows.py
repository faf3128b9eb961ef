"""The moments of a window that a call asks for, where a shop's setting `shift_windows` translates them too."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from loopsim.operations.perform import Call
from loopsim.wire import times


def asked_moment(text: str, call: Call, now: datetime, *, end_of_day: bool = False) -> datetime | None:
    """What the text means on the shop's clock, which shows `now`; None where it is no date. The partner's own clock may
    show another time, `call.shift` before or behind it."""
    moment = times.parse(text, now - call.shift, end_of_day=end_of_day)
    with suppress(OverflowError):
        return None if moment is None else moment + call.shift
    return moment
