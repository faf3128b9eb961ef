"""Time, for all shops of a server: what is due next on clocks that run by themselves, and advances of any clock.

One heap holds, for each shop with a running clock, the wall's moment of its next timer. A shop whose timers or clock
change is put in again; what it had in the heap before is passed over.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
import sqlite3
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from loopsim.clock import Wall, in_ms
from loopsim.errors import Refusal
from loopsim.operations.perform import Performed
from loopsim.scheduler.advance import SLICE, Advance, Advanced, Goal
from loopsim.scheduler.due import run_due
from loopsim.scheduler.quiet import Deliverer, Now, Quiet, Sleep, Watch, first_of
from loopsim.store.journal import Entry
from loopsim.store.shop import Shop
from loopsim.store.world import World

SaysIdle = Callable[[Shop], Coroutine[Any, Any, bool | None]]

_log = logging.getLogger("loopsim.scheduler")
_AFTER_TROUBLE = 5.0  # seconds until a shop whose database cannot be written is tried again
_LONGEST_SLEEP = 3600.0


class _State:
    """What the scheduler knows of one shop."""

    def __init__(self, now: Now) -> None:
        self.watch = Watch(now)
        self.planned: int | None = None
        self.advance: Advance | None = None


class Scheduler:
    """The scheduler of a server. `after` is called with what each timer did, right after its commit; `now` and `sleep`
    are real time. `says_idle` asks a shop's partner whether it is idle (None: it cannot be asked)."""

    def __init__(
        self,
        world: World,
        *,
        wall: Wall,
        after: Callable[[Shop, Performed], None],
        worker: Deliverer,
        says_idle: SaysIdle | None = None,
        now: Now = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._world = world
        self._wall = wall
        self._after = after
        self._worker = worker
        self._says_idle = says_idle
        self._now = now
        self._sleep = sleep
        self._states: dict[Shop, _State] = {}
        self._heap: list[tuple[float, int, Shop]] = []
        self._numbers = itertools.count()
        self._changed = asyncio.Event()
        self._stopping = False

    # what others tell it

    def wake(self, shop: Shop) -> None:
        """The shop's timers or its clock changed."""
        state = self._state(shop)
        state.planned = None
        stands = state.advance is not None or shop.clock.mode == "manual"
        due_ms = None if stands else shop.next_due_ms()
        delay = None if due_ms is None else shop.clock.wall_delay(due_ms, in_ms(self._wall))
        if delay is not None:
            self._plan(shop, state, self._wall() + delay)

    def forget(self, shop: Shop) -> None:
        """The shop is about to be closed: its database is not touched again."""
        state = self._states.pop(shop, None)
        if state is not None and state.advance is not None:
            state.advance.abandon()

    def touched(self, shop: Shop, read: Callable[[], bytes] | None = None) -> None:
        """The partner called Loop's API: it is not quiet. `read` tells what it asked for, where it only asked."""
        self._state(shop).watch.called(read)

    def settled(self, shop: Shop) -> None:
        """A receiver answered a delivery, or the attempt failed: the partner may react to it."""
        self._state(shop).watch.answered()

    def advancing(self, shop: Shop) -> bool:
        """Whether an advance of the shop is under way."""
        return self._state(shop).advance is not None

    def interrupt(self, shop: Shop) -> None:
        """Let the advance under way stop between two timers."""
        advance = self._state(shop).advance
        if advance is not None:
            advance.interrupt()

    # advancing

    async def advance(
        self, shop: Shop, goal: Goal, *, patient: bool = True, quiet_for: float | None = None
    ) -> Advanced:
        """Let time pass on a shop's clock, whatever its mode. `quiet_for`: seconds of real time; None: the shop's own.

        Raises `Refusal`: `clock_busy` while another advance of the shop runs, `clock_backwards`, `never_idle`.
        Cancelled, it leaves the clock where it came to.
        """
        state = self._state(shop)
        if state.advance is not None:
            raise Refusal("clock_busy")
        quiet = self._quiet(shop, quiet_for) if patient else None
        advance = state.advance = Advance(shop, goal, quiet=quiet, wall=self._wall, after=self._after)
        try:
            advanced = await advance.run()
        finally:
            state.advance = None
            if self._states.get(shop) is state:
                self.wake(shop)
        if self._states.get(shop) is state:
            note = f"advanced by {advanced.timers_run} timers: {advanced.stopped}"
            shop.journal.add(Entry(at=advanced.now_ms, direction="clock", kind="clock", note=note))
        return advanced

    async def quiet(self, shop: Shop, timeout: float, quiet_for: float | None = None) -> bool:
        """Wait until the shop's partner is quiet; whether it was before `timeout` seconds of real time were over."""
        try:
            await asyncio.wait_for(self._quiet(shop, quiet_for).wait_for_all(asyncio.Event()), timeout)
        except TimeoutError:
            return False
        return True

    def _quiet(self, shop: Shop, quiet_for: float | None) -> Quiet:
        seconds = shop.settings.quiet_for / 1000 if quiet_for is None else quiet_for
        asks = self._says_idle is not None and shop.settings.idle_probe is not None
        probe = partial(self._says_idle, shop) if asks and self._says_idle else None
        return Quiet(shop, self._state(shop).watch, self._worker, seconds, self._sleep, probe)

    # clocks that run by themselves

    async def run(self) -> None:
        """Run what falls due, until `stop`."""
        for shop in self._world.shops.values():
            self.wake(shop)
        while not self._stopping:
            wait = self._run_heap()
            if wait <= 0:
                await asyncio.sleep(0)
                continue
            # What was planned while the heap ran was in the heap then.
            self._changed.clear()
            await first_of(self._changed, self._sleep(wait))

    async def stop(self) -> None:
        """Let `run` and every advance end."""
        self._stopping = True
        self._changed.set()
        for state in self._states.values():
            if state.advance is not None:
                state.advance.interrupt()

    def _run_heap(self) -> float:
        """Run what is due, for one slice of work; seconds until there is more to do."""
        slice_end = time.perf_counter() + SLICE
        while self._heap:
            due, number, shop = self._heap[0]
            state = self._states.get(shop)
            if state is None or state.planned != number:
                heapq.heappop(self._heap)
                continue
            left = due - self._wall()
            if left > 0:
                return min(left, _LONGEST_SLEEP)
            heapq.heappop(self._heap)
            self._run_shop(shop, state, slice_end)
            if time.perf_counter() > slice_end:
                return 0.0
        return _LONGEST_SLEEP

    def _run_shop(self, shop: Shop, state: _State, slice_end: float) -> None:
        if shop.busy is not None:
            # It is woken at the end of what keeps it busy.
            return
        now_ms = shop.now_ms(in_ms(self._wall))
        try:
            while batch := run_due(shop, now_ms, lambda _: time.perf_counter() > slice_end):
                for ran in batch:
                    self._after(shop, ran.told(shop))
                if time.perf_counter() > slice_end:
                    break
        except sqlite3.Error:
            _log.exception("shop %s: its database cannot be written; trying again in %s s", shop.name, _AFTER_TROUBLE)
            self._plan(shop, state, self._wall() + _AFTER_TROUBLE)
            return
        self.wake(shop)

    def _plan(self, shop: Shop, state: _State, at: float) -> None:
        state.planned = next(self._numbers)
        heapq.heappush(self._heap, (at, state.planned, shop))
        if self._heap[0][1] == state.planned:
            self._changed.set()

    def _state(self, shop: Shop) -> _State:
        state = self._states.get(shop)
        if state is None:
            state = self._states[shop] = _State(self._now)
        return state
