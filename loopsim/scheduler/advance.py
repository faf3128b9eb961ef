"""Advancing a shop's clock: due timers one by one, each at its own moment, and patience for the partner in between.

    quiet ─▶ next timer due by the goal? ──no──▶ the clock stands at the goal
      ▲             │ yes: clock to its moment, run it, hand its deliveries out
      └── deliveries, and patient ◀─┘

A partner that answers a webhook with a call does so at that moment of the story. Without patience the timers run
straight through. Those that follow each other with nothing to wait for share a commit.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Literal

from msgspec import Struct

from loopsim.clock import END_MS, Wall, from_ms, in_ms
from loopsim.errors import Refusal
from loopsim.operations.perform import RECURRING, Performed
from loopsim.scheduler.due import Ran, run_due
from loopsim.scheduler.quiet import Counted, Quiet
from loopsim.store.deliveries import Delivery
from loopsim.store.shop import Shop

Stopped = Literal["goal", "idle", "interrupted", "nothing"]
MOST_TIMERS = 100_000
LONGEST_MS = timedelta(days=3653) // timedelta(milliseconds=1)
KEEP_CLOCK_EVERY = 100  # timers; what a timer writes already keeps its moment
SLICE = 0.02  # seconds of work before the event loop gets its turn


class Goal(Struct, frozen=True, kw_only=True):
    """Where to: exactly one of these. `by_ms` and `to_ms` in milliseconds of the shop's clock."""

    by_ms: int | None = None
    to_ms: int | None = None
    next_event: bool = False
    until_idle: bool = False


class Advanced(Struct, frozen=True, kw_only=True):
    """Where the clock came to stand (milliseconds), what ran on the way, and why it stopped there."""

    now_ms: int
    timers_run: int
    deliveries: int
    stopped: Stopped


class Advance:
    """One advance of one shop. `interrupt` stops it between two timers; `abandon` also when the shop itself is gone."""

    def __init__(
        self, shop: Shop, goal: Goal, *, quiet: Quiet | None, wall: Wall, after: Callable[[Shop, Performed], None]
    ) -> None:
        self._shop = shop
        self._goal = goal
        self._quiet = quiet
        self._wall = wall
        self._after = after
        self._stop = asyncio.Event()
        self._gone = False
        self._timers_run = 0
        self._deliveries = 0

    def interrupt(self) -> None:
        """Stop before the next timer."""
        self._stop.set()

    def abandon(self) -> None:
        """Stop, and touch the shop no more: its database is about to be closed."""
        self._gone = True
        self._stop.set()

    async def run(self) -> Advanced:
        """Go there. Raises `Refusal` `clock_backwards`, or `never_idle` where new timers keep coming."""
        started_ms = self._now_ms()
        if self._goal.to_ms is not None and self._goal.to_ms < started_ms:
            now, asked = from_ms(started_ms).isoformat(), from_ms(self._goal.to_ms).isoformat()
            raise Refusal("clock_backwards", now=now, asked=asked)
        try:
            stopped = await self._run(started_ms)
        finally:
            if not self._gone:
                self._shop.set_clock(self._shop.clock)
        now_ms = started_ms if self._gone else self._now_ms()
        return Advanced(now_ms=now_ms, timers_run=self._timers_run, deliveries=self._deliveries, stopped=stopped)

    async def _run(self, started_ms: int) -> Stopped:
        await self._patience("first")
        if self._stop.is_set():
            return "interrupted"
        until_ms = self._until(started_ms)
        if until_ms is None:
            return "nothing"
        until_ms = min(until_ms, END_MS)
        slice_end = time.perf_counter() + SLICE
        while not self._stop.is_set():
            if self._goal.until_idle:
                self._check_bounds(started_ms)
            due_ms = self._next_due()
            if due_ms is None or due_ms > until_ms:
                if self._quiet is None or not self._quiet.has_open():
                    break
                await self._quiet.wait_for_all(self._stop)
                continue
            deliveries = self._run_timers(started_ms, until_ms, slice_end)
            if deliveries and self._quiet is not None:
                await self._patience("open" if any(delivery.attempts for delivery in deliveries) else "first")
                slice_end = time.perf_counter() + SLICE
            elif time.perf_counter() > slice_end:
                await asyncio.sleep(0)
                slice_end = time.perf_counter() + SLICE
        if self._stop.is_set():
            return "interrupted"
        if self._goal.until_idle:
            return "idle"
        self._move_clock(until_ms)
        return "goal"

    def _until(self, started_ms: int) -> int | None:
        """The moment to go to; None where there is no next event."""
        goal = self._goal
        if goal.until_idle:
            return started_ms + LONGEST_MS * 2
        if goal.next_event:
            return self._next_counting()
        return goal.to_ms if goal.to_ms is not None else started_ms + (goal.by_ms or 0)

    def _next_due(self) -> int | None:
        if self._goal.until_idle and self._next_counting() is None:
            return None
        return self._shop.next_due_ms()

    def _next_counting(self) -> int | None:
        """When the next timer is due that does not recur for ever."""
        return self._shop.next_due_ms(without=RECURRING)

    def _run_timers(self, started_ms: int, until_ms: int, slice_end: float) -> list[Delivery]:
        """Run the next timers, each at its own moment: to the end of the slice, but no further than one that sent what
        has to be waited for. The deliveries that they sent."""

        def enough(ran: list[Ran]) -> bool:
            if time.perf_counter() > slice_end or (self._quiet is not None and ran[-1].sends):
                return True
            if not self._goal.until_idle:
                return False
            at_bounds = self._timers_run + len(ran) >= MOST_TIMERS or ran[-1].at_ms - started_ms > LONGEST_MS
            return at_bounds or self._next_counting() is None

        batch = run_due(self._shop, until_ms, enough)
        written_ms = self._shop.last_ms
        deliveries = list[Delivery]()
        try:
            for ran in batch:
                # Handed out as if it had run alone: at its own moment.
                self._shop.last_ms = ran.at_ms
                deliveries += self._hand_out(ran)
        finally:
            self._shop.last_ms = written_ms
        return deliveries

    def _hand_out(self, ran: Ran) -> tuple[Delivery, ...]:
        self._move_clock(ran.at_ms)
        self._timers_run += 1
        if self._timers_run % KEEP_CLOCK_EVERY == 0:
            self._shop.set_clock(self._shop.clock)
        performed = ran.told(self._shop)
        self._deliveries += len(performed.deliveries)
        self._after(self._shop, performed)
        return performed.deliveries

    async def _patience(self, counted: Counted) -> None:
        if self._quiet is not None and not self._stop.is_set():
            await self._quiet.wait(self._stop, counted)

    def _check_bounds(self, started_ms: int) -> None:
        now_ms = self._now_ms()
        if self._timers_run >= MOST_TIMERS or now_ms - started_ms > LONGEST_MS:
            raise Refusal("never_idle", timers=self._timers_run, now=from_ms(now_ms).isoformat())

    def _move_clock(self, to_ms: int) -> None:
        # In memory only: the database is told at the end, and by what the timers write.
        self._shop.clock = self._shop.clock.at(to_ms, in_ms(self._wall))

    def _now_ms(self) -> int:
        return self._shop.now_ms(in_ms(self._wall))
