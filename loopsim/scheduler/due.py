"""Running due timers, whatever becomes of them."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from loopsim.clock import to_ms
from loopsim.errors import Damaged
from loopsim.operations.perform import Answer, Performed, take_next_timer, timer_performed
from loopsim.store.journal import Entry
from loopsim.store.shop import Shop
from loopsim.store.timers import next_timers, take_timer
from loopsim.store.transaction import Transaction

_log = logging.getLogger("loopsim.scheduler")


class Ran(NamedTuple):
    """A timer that ran at a moment of the shop's clock (milliseconds): what it did, or how it broke."""

    at_ms: int
    done: Transaction | Entry

    @property
    def sends(self) -> bool:
        """Whether it sent a webhook."""
        return isinstance(self.done, Transaction) and bool(self.done.deliveries)

    def told(self, shop: Shop) -> Performed:
        """What came of it, with what the journal has to say."""
        if isinstance(self.done, Transaction):
            return timer_performed(self.done)
        shop.journal.add(self.done)
        return Performed(Answer(), (), True)


def run_due(shop: Shop, until_ms: int, enough: Callable[[list[Ran]], bool]) -> list[Ran]:
    """Run the shop's next timers that are due by `until_ms`, each at its own moment, with one commit: until there are
    none, or those that ran are `enough`. Nobody was told of them yet. Raises `sqlite3.Error` where not even the first
    can be written."""
    try:
        with suppress(_Broke):
            return _run_together(shop, until_ms, enough, separable=False)
        return _run_together(shop, until_ms, enough, separable=True)
    except sqlite3.Error:
        # Alone the first may find room.
        one = _run_safely(shop, until_ms)
        return [] if one is None else [one]


class _Broke(Exception):
    """A timer did, among others from which it is not to be separated."""


def _run_together(shop: Shop, until_ms: int, enough: Callable[[list[Ran]], bool], *, separable: bool) -> list[Ran]:
    run = _run_safely if separable else _run
    ran: list[Ran] = []
    with shop.one_commit(separable=separable):
        while (one := run(shop, until_ms)) is not None:
            ran.append(one)
            if enough(ran):
                break
    return ran


def _run(shop: Shop, until_ms: int) -> Ran | None:
    """Run the next timer. Raises `_Broke`, and `sqlite3.Error`."""
    try:
        transaction = take_next_timer(shop, until_ms)
    except sqlite3.Error:
        raise
    except Exception as error:
        raise _Broke from error
    return None if transaction is None else Ran(to_ms(transaction.now), transaction)


def _run_safely(shop: Shop, until_ms: int) -> Ran | None:
    """Run the next timer. One that breaks is a bug of ours, or its records are damaged. It is logged, noted in the
    journal and taken away: it would break again for ever and stop the shop's time. A database that cannot be written is
    no fault of the timer, and raised.
    """
    try:
        transaction = take_next_timer(shop, until_ms)
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
        at_ms = max(timer.due, shop.last_ms)
        return Ran(at_ms, Entry(at=timer.due, direction="clock", kind="clock", error="timer_broke", note=note))
    return None if transaction is None else Ran(to_ms(transaction.now), transaction)
