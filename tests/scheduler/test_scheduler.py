"""Clocks that run by themselves: what is due runs without anybody's asking, over all shops."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from loopsim.clock import Clock, to_ms
from loopsim.domain.events import Timer
from tests.scheduler.conftest import START, Bench

HOUR = timedelta(hours=1)


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(story, 10))


def ticking(timers: list[Bench]) -> Bench:
    """A bench whose wall runs, from the start of the story on."""
    bench = Bench()
    timers.append(bench)
    began = time.monotonic()
    bench.scheduler._wall = lambda: to_ms(START) / 1000 + time.monotonic() - began
    return bench


@asynccontextmanager
async def running(bench: Bench) -> AsyncIterator[None]:
    task = asyncio.create_task(bench.scheduler.run())
    await asyncio.sleep(0)
    try:
        yield
    finally:
        await bench.scheduler.stop()
        await task


async def rung(bench: Bench) -> None:
    await bench.ringing.wait()
    bench.ringing.clear()


def test_what_is_due_on_a_real_clock_runs_by_itself(timers: list[Bench]) -> None:
    async def story() -> None:
        bench = ticking(timers)
        shop = bench.shop(mode="real")
        bench.set(shop, timedelta(milliseconds=30), "due")
        async with running(bench):
            await rung(bench)
        assert bench.ran == [("one", "due", START + timedelta(milliseconds=30))]

    run(story())


def test_a_scaled_clock_gets_there_so_many_times_as_fast(timers: list[Bench]) -> None:
    async def story() -> None:
        bench = ticking(timers)
        shop = bench.shop(mode="scaled", rate=100_000)
        bench.set(shop, HOUR, "due")
        async with running(bench):
            await rung(bench)
        assert bench.said() == ["due"]

    run(story())


def test_a_manual_clock_waits_for_whoever_moves_it(timers: list[Bench]) -> None:
    async def story() -> None:
        bench = ticking(timers)
        manual, real = bench.shop("manual"), bench.shop("real", mode="real")
        bench.set(manual, timedelta(milliseconds=1), "never")
        bench.set(real, timedelta(milliseconds=30), "due")
        async with running(bench):
            await rung(bench)
        assert bench.said() == ["due"]

    run(story())


def test_a_sooner_timer_shortens_the_wait(timers: list[Bench]) -> None:
    async def story() -> None:
        bench = ticking(timers)
        shop = bench.shop(mode="real")
        bench.set(shop, HOUR, "in an hour")
        async with running(bench):
            bench.set(shop, timedelta(milliseconds=20), "sooner")
            bench.scheduler.wake(shop)
            await rung(bench)
        assert bench.said() == ["sooner"]

    run(story())


def test_a_clock_put_into_another_mode_is_planned_anew(timers: list[Bench]) -> None:
    async def story() -> None:
        bench = ticking(timers)
        shop = bench.shop()
        bench.set(shop, HOUR, "due")
        async with running(bench):
            shop.set_clock(Clock(mode="scaled", rate=1_000_000, shop_ms=to_ms(START), wall_ms=to_ms(START)))
            bench.scheduler.wake(shop)
            await rung(bench)
        assert bench.said() == ["due"]

    run(story())


def test_shops_share_the_scheduler_in_the_order_of_what_is_due(timers: list[Bench]) -> None:
    async def story() -> None:
        bench = ticking(timers)
        late, early = bench.shop("late", mode="real"), bench.shop("early", mode="real")
        bench.set(late, timedelta(milliseconds=40), "second")
        bench.set(early, timedelta(milliseconds=20), "first")
        async with running(bench):
            await rung(bench)
            await rung(bench)
        assert bench.said() == ["first", "second"]

    run(story())


def test_a_forgotten_shop_is_not_touched(timers: list[Bench]) -> None:
    async def story() -> None:
        bench = ticking(timers)
        gone, there = bench.shop("gone", mode="real"), bench.shop("there", mode="real")
        bench.set(gone, timedelta(milliseconds=5), "never")
        bench.set(there, timedelta(milliseconds=30), "due")
        async with running(bench):
            bench.scheduler.forget(gone)
            gone.close()
            await rung(bench)
        assert bench.said() == ["due"]

    run(story())


def test_the_event_loop_gets_its_turn_while_much_is_due(timers: list[Bench]) -> None:
    async def story() -> None:
        bench = ticking(timers)
        shop = bench.shop(mode="real")
        with shop.transaction(START) as tx:
            tx.schedule(*(Timer("test.rings", START, 1, {"what": str(number)}) for number in range(10_000)))
        turns = 0
        async with running(bench):
            while len(bench.ran) < 10_000:
                await asyncio.sleep(0)
                turns += 1
        assert turns >= 3

    run(story())
