"""What a move gives back, whole: the new return, and everything to be written, sent or done later because of it."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from loopsim.domain.events import Event, LedgerEntry, Timer, Trigger
from loopsim.domain.returns import Return

NextId = Callable[[str], int]


class Change(Struct, frozen=True, kw_only=True):
    """A return after a move. `stock` says how many of each variant left the shelf (negative: came back)."""

    return_: Return
    events: tuple[Event, ...] = ()
    timers: tuple[Timer, ...] = ()
    ledger: tuple[LedgerEntry, ...] = ()
    stock: tuple[tuple[int, int], ...] = ()


def events_of(return_: Return, triggers: tuple[Trigger, ...]) -> tuple[Event, ...]:
    """One event per trigger, all about the same moment of the return."""
    return tuple(Event(trigger, return_) for trigger in triggers)
