"""Is the partner quiet? What an advance waits for after each timer that sent webhooks.

Quiet is: no delivery in hand, and since a receiver last answered as long without a call of the partner as it ever took
to react (`quiet_for` at least). Real time throughout. Waiting is for events and one computed moment, never in steps.

Where the partner itself says whether it is idle, its word counts instead: it is asked again until it says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Literal, Protocol

from loopsim.store.deliveries import Delivery
from loopsim.store.shop import Shop

Now = Callable[[], float]  # seconds of real time since whenever, as time.monotonic()
Sleep = Callable[[float], Coroutine[Any, Any, None]]  # for so many seconds of real time, as asyncio.sleep()
Probe = Callable[[], Coroutine[Any, Any, bool | None]]  # does the partner say that it is idle? None: it cannot be asked
Counted = Literal["open", "first"]  # whatever is in hand, or only first attempts that no swap holds back
SLOWEST_REACTION = 5.0  # seconds; a call that comes later is taken for a rhythm of its own
RHYTHM = 3  # times that the same is asked for, with nothing done in between, before that is taken for a poll
MOST_READS = 1000  # different ones that are told apart
RESTLESS = 10.0  # seconds; a partner that never stops calling does not stop time for ever
ASK_AGAIN, ASK_SELDOM = 0.01, 0.1  # seconds between two questions to a partner that is not idle
SELDOM_AFTER = 1.0  # seconds


class Deliverer(Protocol):
    """What the scheduler needs of the webhook worker."""

    def take(self, shop: Shop, deliveries: Iterable[Delivery]) -> None: ...
    def open_count(self, shop: Shop, counted: Counted = "open") -> int: ...
    async def idle(self, shop: Shop, timeout: float | None, counted: Counted = "open") -> bool: ...
    def release(self, shop: Shop) -> None: ...


class Watch:
    """What was seen of a shop's partner: its last call, the last answer of a receiver, how long reacting took it."""

    def __init__(self, now: Now) -> None:
        self.now = now
        self.called_at: float | None = None
        self.answered_at: float | None = None
        self.slowest = 0.0
        self._awaited = False
        self._reads: dict[bytes, int] = {}

    def called(self, read: Callable[[], bytes] | None = None) -> None:
        """The partner called Loop's API. The first call since an answer is its reaction. `read` tells what it asked
        for, where it only asked: the same over and over is the rhythm of one that polls, which never ends."""
        if self.answered_at is None:
            # Nobody waits for one that was sent nothing.
            return
        if read is None or len(self._reads) > MOST_READS:
            self._reads.clear()
        else:
            what = read()
            times = self._reads[what] = self._reads.get(what, 0) + 1
            if times > RHYTHM:
                return
        self.called_at = self.now()
        if self._awaited:
            self._awaited = False
            took = self.called_at - self.answered_at
            if took <= SLOWEST_REACTION:
                self.slowest = max(self.slowest, took)

    def answered(self) -> None:
        """A receiver answered a delivery, or it failed."""
        self.answered_at = self.now()
        self._awaited = True
        self._reads.clear()

    def quiet_at(self, quiet_for: float) -> float:
        """When the partner counts as quiet if nothing more happens; the past where it does already."""
        if self.answered_at is None:
            return 0.0
        moment = self.answered_at + max(quiet_for, self.slowest)
        return moment if self.called_at is None else max(moment, self.called_at + quiet_for)


class Quiet:
    """Waiting for one shop's partner to be quiet, with `quiet_for` in seconds; `probe` where it can be asked."""

    def __init__(
        self, shop: Shop, watch: Watch, worker: Deliverer, quiet_for: float, sleep: Sleep, probe: Probe | None = None
    ) -> None:
        self._shop = shop
        self._watch = watch
        self._worker = worker
        self._quiet_for = quiet_for
        self._sleep = sleep
        self._probe = probe

    def has_open(self) -> bool:
        """Whether a delivery is in hand, be it a retry or held back by the fault `swap`."""
        return self._worker.open_count(self._shop) > 0

    async def wait_for_all(self, stop: asyncio.Event) -> None:
        """As `wait`, with nothing held back any more: when the partner is quiet, no later delivery will come to pass
        what a swap holds back."""
        await self.wait(stop, "first")
        if not stop.is_set():
            self._worker.release(self._shop)
            await self.wait(stop)

    async def wait(self, stop: asyncio.Event, counted: Counted = "open") -> None:
        """Return when quiet, or when `stop` is set. A partner that was sent nothing needs no waiting for.

        `first`: leave out retries, and what a swap holds back until a later delivery has passed it.
        """
        began = None
        while not stop.is_set():
            if self._worker.open_count(self._shop, counted):
                await first_of(stop, self._worker.idle(self._shop, None, counted))
                self._watch.answered()
                began = None
                continue
            if began is None:
                began = self._watch.now()
            left = await self._left(began + RESTLESS)
            if left > 0:
                await first_of(stop, self._sleep(left))
            elif not self._worker.open_count(self._shop, counted):
                return

    async def _left(self, patience_ends: float) -> float:
        """Seconds until the partner may be quiet; nothing where it is, or where patience has ended."""
        asked = self._watch.now()
        if self._probe is not None and asked < patience_ends:
            idle = await self._probe()
            if idle is not None:
                seldom = patience_ends - asked < RESTLESS - SELDOM_AFTER
                # What it called while it was asked (a poller may look first) it was done with when it answered.
                return 0.0 if idle else ASK_SELDOM if seldom else ASK_AGAIN
            self._probe = None
        return min(self._watch.quiet_at(self._quiet_for), patience_ends) - self._watch.now()


async def first_of(event: asyncio.Event, other: Coroutine[Any, Any, object]) -> None:
    """Wait until the event is set or the other is done, whichever is first. What is left is cancelled."""
    setting, work = asyncio.ensure_future(event.wait()), asyncio.ensure_future(other)
    try:
        await asyncio.wait((setting, work), return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            work.result()
    finally:
        setting.cancel()
        work.cancel()
        await asyncio.gather(setting, work, return_exceptions=True)
