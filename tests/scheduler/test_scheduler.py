"""Clocks that run by themselves: what is due runs without anybody's asking, over all shops."""

from __future__ import annotations

import asyncio

from loopsim.clock import Clock, to_ms
from tests.scheduler.conftest import HOUR, SECOND, START, Bench, ring, story


@story
async def test_what_is_due_on_a_real_clock_runs_by_itself(bench: Bench) -> None:
    bench.shop(ring(3 * SECOND, "due"), mode="real")
    async with bench.running():
        await bench.time.passes(2)
        assert bench.ran == []
        await bench.time.passes(1)
    assert bench.ran == [("one", "due", START + 3 * SECOND)]


@story
async def test_a_scaled_clock_gets_there_so_many_times_as_fast(bench: Bench) -> None:
    bench.shop(ring(HOUR, "due"), mode="scaled", rate=1800)
    async with bench.running():
        await bench.time.passes(1)
        assert bench.said() == []
        await bench.time.passes(1)
    assert bench.said() == ["due"]


@story
async def test_a_manual_clock_waits_for_whoever_moves_it(bench: Bench) -> None:
    bench.shop(ring(SECOND, "never"), name="manual")
    bench.shop(ring(2 * SECOND, "due"), name="real", mode="real")
    async with bench.running():
        await bench.time.passes(3)
    assert bench.said() == ["due"]


@story
async def test_a_sooner_timer_shortens_the_wait(bench: Bench) -> None:
    shop = bench.shop(ring(HOUR, "in an hour"), mode="real")
    async with bench.running():
        bench.set(shop, ring(SECOND, "sooner"))
        bench.scheduler.wake(shop)
        await bench.time.passes(1)
    assert bench.said() == ["sooner"]


@story
async def test_a_clock_put_into_another_mode_is_planned_anew(bench: Bench) -> None:
    shop = bench.shop(ring(HOUR, "due"))
    async with bench.running():
        await bench.time.passes(1)
        shop.set_clock(Clock(mode="scaled", rate=3600, shop_ms=to_ms(START), wall_ms=bench.wall_ms()))
        bench.scheduler.wake(shop)
        await bench.time.passes(1)
    assert bench.said() == ["due"]


@story
async def test_shops_share_the_scheduler_in_the_order_of_what_is_due(bench: Bench) -> None:
    bench.shop(ring(2 * SECOND, "second"), name="late", mode="real")
    bench.shop(ring(SECOND, "first"), name="early", mode="real")
    async with bench.running():
        await bench.time.passes(2)
    assert bench.said() == ["first", "second"]


@story
async def test_a_forgotten_shop_is_not_touched(bench: Bench) -> None:
    gone = bench.shop(ring(SECOND, "never"), name="gone", mode="real")
    bench.shop(ring(2 * SECOND, "due"), name="there", mode="real")
    async with bench.running():
        bench.scheduler.forget(gone)
        gone.close()
        await bench.time.passes(2)
    assert bench.said() == ["due"]


@story
async def test_the_event_loop_gets_its_turn_while_much_is_due(bench: Bench) -> None:
    shop = bench.shop(mode="real")
    turns = 0  # in the middle of it
    async with bench.running():
        bench.set(shop, *(ring(0 * SECOND, str(number)) for number in range(10_000)))
        bench.scheduler.wake(shop)
        while len(bench.ran) < 10_000:
            await asyncio.sleep(0)
            turns += bool(bench.ran)
    assert turns >= 3
