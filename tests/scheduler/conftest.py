"""Shops in memory whose timers do nothing but say that they ran, and a worker that answers when the test says so."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from loopsim.clock import Clock, from_ms, to_ms
from loopsim.domain.events import Event, Timer
from loopsim.domain.shop import Settings
from loopsim.operations.perform import TIMERS, Performed
from loopsim.operations.timers import RECURRING
from loopsim.scheduler.scheduler import Scheduler
from loopsim.store.deliveries import Delivery
from loopsim.store.shop import Shop, blank_pages
from loopsim.store.transaction import Transaction

START = datetime.fromisoformat("2026-06-01T09:00:00+00:00")
RECURS = next(iter(RECURRING))
PAGES = blank_pages()


class FakeWorker:
    """Takes deliveries and holds them until `answer`."""

    def __init__(self) -> None:
        self.taken: list[Delivery] = []
        self.open: dict[str, int] = {}
        self.held = 0
        self.taking = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def take(self, shop: Shop, deliveries: Iterable[Delivery]) -> None:
        new = list(deliveries)
        self.taken += new
        self.open[shop.name] = self.open.get(shop.name, 0) + len(new)
        self._idle.clear()
        self.taking.set()

    def answer(self) -> None:
        self.open.clear()
        self.held = 0
        self.taking.clear()
        self._idle.set()

    def open_count(self, shop: Shop, first_only: bool = False) -> int:
        return self.open.get(shop.name, 0) + (0 if first_only else self.held)

    async def idle(self, _shop: Shop, timeout: float | None, _first_only: bool = False) -> bool:
        await asyncio.wait_for(self._idle.wait(), timeout)
        return True


class Bench:
    """One scheduler, its worker and its shops. `ran` lists (shop, what, moment) of every timer that ran."""

    def __init__(self) -> None:
        self.worker = FakeWorker()
        self.world: Any = SimpleNamespace(shops={})
        self.ran: list[tuple[str, str, datetime]] = []
        self.ringing = asyncio.Event()
        self.wall = lambda: self.wall_ms / 1000
        self.wall_ms = to_ms(START)
        self.scheduler = Scheduler(self.world, wall=self.wall, after=self.after, worker=self.worker)

    def after(self, shop: Shop, performed: Performed) -> None:
        if performed.deliveries:
            self.worker.take(shop, performed.deliveries)
        if performed.timers_changed:
            self.scheduler.wake(shop)

    def shop(self, name: str = "one", mode: Any = "manual", rate: float = 1.0) -> Shop:
        clock = Clock(mode=mode, rate=rate, shop_ms=to_ms(START), wall_ms=to_ms(START))
        settings = Settings(id=1, subdomain=name, seed=1, quiet_for=0)
        shop = Shop.create(name, None, PAGES, settings, clock)
        self.world.shops[name] = shop
        return shop

    def now(self, shop: Shop) -> datetime:
        return shop.now(self.wall_ms)

    def set(self, shop: Shop, after: timedelta, what: str, kind: str = "test.rings", **data: Any) -> None:
        """Let a timer ring that long after the start."""
        with shop.transaction(self.now(shop)) as tx:
            tx.schedule(Timer(kind, START + after, 1, {"what": what, **data}))

    def said(self) -> list[str]:
        return [what for _, what, _ in self.ran]


@pytest.fixture
def timers(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Bench]]:
    """The benches whose timers ring; a test adds its own."""
    benches: list[Bench] = []

    def rings(tx: Transaction, _entity: int, data: dict[str, Any]) -> None:
        if data.get("breaks"):
            raise RuntimeError("this timer is meant to break")
        for _ in range(data.get("delivers", 0)):
            tx.add_delivery(1, Event("return.created"), "return", tx.add_payload(b"{}"))
        if "again" in data:
            tx.schedule(Timer("test.rings", tx.now + timedelta(seconds=data["again"]), 1, data))
        benches[0].ran.append((tx.shop.name, data["what"], tx.now))
        benches[0].ringing.set()

    def recurs(tx: Transaction, _entity: int, data: dict[str, Any]) -> None:
        tx.schedule(Timer(RECURS, tx.now + timedelta(days=3), 1, data))
        benches[0].ran.append((tx.shop.name, data["what"], tx.now))

    monkeypatch.setitem(TIMERS, "test.rings", rings)
    monkeypatch.setitem(TIMERS, RECURS, recurs)
    yield benches
    for bench in benches:
        for shop in bench.world.shops.values():
            shop.close()


def kept_now(shop: Shop) -> datetime:
    """What the database says the shop's manual clock shows."""
    from loopsim.store.codec import decode

    clock, now = shop.connection.execute("select clock, now from shop").fetchone()
    return from_ms(max(decode(Clock, clock).shop_ms, now))
