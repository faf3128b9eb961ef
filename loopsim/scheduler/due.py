"""Running one due timer, whatever becomes of it."""

from __future__ import annotations

import logging
import sqlite3

from loopsim.errors import Damaged
from loopsim.operations.perform import Answer, Performed, run_next_timer
from loopsim.store.journal import Entry
from loopsim.store.shop import Shop
from loopsim.store.timers import next_timers, take_timer

_log = logging.getLogger("loopsim.scheduler")


def run_due(shop: Shop, until_ms: int) -> Performed | None:
    """Run the shop's next timer if it is due by `until_ms`. None: nothing is due.

    A timer that breaks is a bug of ours, or its records are damaged. It is logged, noted in the journal and taken away:
    it would break again for ever and stop the shop's time. A database that cannot be written is no fault of the timer,
    and raised.
    """
    try:
        return run_next_timer(shop, until_ms)
    except sqlite3.Error:
        raise
    except Exception as error:
        damaged = isinstance(error, Damaged)
        (timer,) = next_timers(shop.connection)
        reason = shop.damaged() if damaged else error
        told = "the timer %s of %s in shop %s broke and was dropped: %s"
        _log.error(told, timer.kind, timer.entity, shop.name, reason, exc_info=None if damaged else error)
        take_timer(shop.connection, timer)
        note = f"{timer.kind} of {timer.entity}"
        shop.journal.add(Entry(at=timer.due, direction="clock", kind="clock", error="timer_broke", note=note))
        return Performed(Answer(), (), True)
