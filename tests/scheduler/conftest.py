"""Shops in memory whose timers do nothing but say that they ran, a worker that answers when the test says so, and real
time that passes when the test says so.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, ParamSpec, cast

import pytest

from loopsim.clock import Clock, from_ms, to_ms
from loopsim.domain.events import Event, Timer
from loopsim.domain.shop import IdleProbe, Settings
from loopsim.operations.perform import RECURRING, TIMERS, Performed
from loopsim.scheduler.advance import Advanced, Goal
from loopsim.scheduler.quiet import Counted
from loopsim.scheduler.scheduler import Scheduler
from loopsim.store.codec import decode
from loopsim.store.deliveries import Delivery
from loopsim.store.shop import Shop, blank_pages
from loopsim.store.transaction import Transaction
from loopsim.store.world import World

START = datetime.fromisoformat("2026-06-01T09:00:00+00:00")
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
RECURS = next(iter(RECURRING))
PAGES = blank_pages()
TURNS = 30  # of the event loop: more than anything here takes that waits neither for time nor for an answer

Given = ParamSpec("Given")


def story(test: Callable[Given, Coroutine[Any, Any, None]]) -> Callable[Given, None]:
    """Let a coroutine be a test."""

    @functools.wraps(test)
    def told(*args: Given.args, **kwargs: Given.kwargs) -> None:
        asyncio.run(asyncio.wait_for(test(*args, **kwargs), 10))

    return told


async def settled() -> None:
    """Let everything happen that needs no time to pass."""
    for _ in range(TURNS):
        await asyncio.sleep(0)


class RealTime:
    """Real time, in whole seconds: `now` and `sleep` are what the scheduler is given, `passes` is the test's."""

    def __init__(self) -> None:
        self.seconds = 0
        self._sleepers: list[tuple[float, asyncio.Event]] = []

    def now(self) -> float:
        return float(self.seconds)

    async def sleep(self, seconds: float) -> None:
        sleeper = (self.seconds + seconds, asyncio.Event())
        self._sleepers.append(sleeper)
        try:
            await sleeper[1].wait()
        finally:
            self._sleepers.remove(sleeper)

    async def passes(self, seconds: int) -> None:
        """Second by second, each with all that it brings."""
        await settled()
        for _ in range(seconds):
            self.seconds += 1
            for due, woken in self._sleepers:
                if due <= self.seconds:
                    woken.set()
            await settled()


class FakeWorker:
    """Takes deliveries and holds them until `answer`."""

    def __init__(self) -> None:
        self.taken: list[Delivery] = []
        self.open: dict[str, int] = {}
        self.held = 0
        self.released = 0
        self.taking = asyncio.Event()
        self._answered = asyncio.Event()

    def take(self, shop: Shop, deliveries: Iterable[Delivery]) -> None:
        new = list(deliveries)
        self.taken += new
        self.open[shop.name] = self.open.get(shop.name, 0) + len(new)
        self.taking.set()

    def answer(self) -> None:
        self.open.clear()
        self.held = 0
        self.taking.clear()
        self._answered.set()

    def open_count(self, shop: Shop, counted: Counted = "open") -> int:
        return self.open.get(shop.name, 0) + (self.held if counted == "open" else 0)

    def release(self, _shop: Shop) -> None:
        self.released += 1

    async def idle(self, shop: Shop, timeout: float | None, counted: Counted = "open") -> bool:
        assert timeout is None
        while self.open_count(shop, counted):
            self._answered.clear()
            await self._answered.wait()
        return True


def ring(after: timedelta, what: str, kind: str = "test.rings", **data: Any) -> Timer:
    """A timer that rings so long after the start. `delivers`: so many webhooks, with a `body` of so many bytes;
    `again`: every so many seconds; `breaks`: it raises."""
    return Timer(kind, START + after, 1, {"what": what, **data})


class Bench:
    """One scheduler, its worker and its shops, on a wall that goes with real time. `ran` lists (shop, what, moment) of
    every timer that ran."""

    def __init__(self) -> None:
        self.worker = FakeWorker()
        self.time = RealTime()
        self.world: Any = SimpleNamespace(shops={})
        self.ran: list[tuple[str, str, datetime]] = []
        self.scheduler = Scheduler(
            cast(World, self.world),
            wall=lambda: self.wall_ms() / 1000,
            after=self.after,
            worker=self.worker,
            now=self.time.now,
            sleep=self.time.sleep,
            says_idle=self.says_idle,
        )
        self.asked = 0
        self.idle: bool | None = False

    async def says_idle(self, _shop: Shop) -> bool | None:
        """The word of a partner that can be asked."""
        self.asked += 1
        return self.idle

    def wall_ms(self) -> int:
        return to_ms(START) + self.time.seconds * 1000

    def after(self, shop: Shop, performed: Performed) -> None:
        if performed.deliveries:
            self.worker.take(shop, performed.deliveries)
        if performed.timers_changed:
            self.scheduler.wake(shop)

    def shop(
        self,
        *timers: Timer,
        name: str = "one",
        mode: Any = "manual",
        rate: float = 1.0,
        probe: IdleProbe | None = None,
    ) -> Shop:
        clock = Clock(mode=mode, rate=rate, shop_ms=to_ms(START), wall_ms=to_ms(START))
        settings = Settings(id=1, subdomain=name, seed=1, quiet_for=0, idle_probe=probe)
        shop = Shop.create(name, None, PAGES, settings, clock)
        self.world.shops[name] = shop
        self.set(shop, *timers)
        return shop

    def now(self, shop: Shop) -> datetime:
        return shop.now(self.wall_ms())

    def set(self, shop: Shop, *timers: Timer) -> None:
        with shop.transaction(self.now(shop)) as tx:
            tx.schedule(*timers)

    def said(self) -> list[str]:
        return [what for _, what, _ in self.ran]

    def advance(self, shop: Shop, by: timedelta, **options: Any) -> asyncio.Task[Advanced]:
        """Begin to advance a shop's clock."""
        goal = Goal(by_ms=by // timedelta(milliseconds=1))
        return asyncio.create_task(self.scheduler.advance(shop, goal, **options))

    async def advance_to_webhook(self, shop: Shop, by: timedelta, **options: Any) -> asyncio.Task[Advanced]:
        """Begin to advance a shop's clock, as far as the first webhook."""
        advance = self.advance(shop, by, **options)
        await self.worker.taking.wait()
        return advance

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The scheduler runs what falls due."""
        task = asyncio.create_task(self.scheduler.run())
        await settled()
        try:
            yield
        finally:
            await self.scheduler.stop()
            await task


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A bench whose timers ring."""
    bench = Bench()

    def rings(tx: Transaction, _entity: int, data: dict[str, Any]) -> None:
        if data.get("breaks"):
            raise RuntimeError("this timer is meant to break")
        for _ in range(data.get("delivers", 0)):
            tx.add_delivery(1, Event("return.created"), "return", tx.add_payload(b" " * data.get("body", 2)))
        if "again" in data:
            tx.schedule(Timer("test.rings", tx.now + timedelta(seconds=data["again"]), 1, data))
        bench.ran.append((tx.shop.name, data["what"], tx.now))

    def recurs(tx: Transaction, _entity: int, data: dict[str, Any]) -> None:
        tx.schedule(Timer(RECURS, tx.now + timedelta(days=3), 1, data))
        bench.ran.append((tx.shop.name, data["what"], tx.now))

    monkeypatch.setitem(TIMERS, "test.rings", rings)
    monkeypatch.setitem(TIMERS, RECURS, recurs)
    yield bench
    for shop in bench.world.shops.values():
        shop.close()


def kept_now(shop: Shop) -> datetime:
    """What the database says the shop's manual clock shows."""
    clock, now = shop.connection.execute("select clock, now from shop").fetchone()
    return from_ms(max(decode(Clock, clock).shop_ms, now))
