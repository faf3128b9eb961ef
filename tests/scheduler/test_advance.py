"""Advancing a clock: order, moments, patience, and every way to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

import pytest

from loopsim.clock import to_ms
from loopsim.errors import Refusal
from loopsim.scheduler import advance as advancing
from loopsim.scheduler.advance import Goal
from tests.scheduler.conftest import RECURS, START, Bench, kept_now

HOUR = timedelta(hours=1)
HOUR_MS = 3_600_000


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(story, 10))


def bench_of(timers: list[Bench]) -> Bench:
    bench = Bench()
    timers.append(bench)
    return bench


def test_due_timers_run_in_order_each_at_its_own_moment(timers: list[Bench]) -> None:
    async def story() -> None:
        bench = bench_of(timers)
        shop = bench.shop()
        bench.set(shop, 2 * HOUR, "second")
        bench.set(shop, 1 * HOUR, "first")
        bench.set(shop, 4 * HOUR, "too late")
        advanced = await bench.scheduler.advance(shop, Goal(by_ms=3 * HOUR_MS))
        assert bench.ran == [("one", "first", START + HOUR), ("one", "second", START + 2 * HOUR)]
        assert bench.now(shop) == kept_now(shop) == START + 3 * HOUR
        assert (advanced.timers_run, advanced.stopped) == (2, "goal")

    run(story())


def test_a_timer_set_on_the_way_runs_if_it_is_due_by_the_goal(timers: list[Bench]) -> None:
    async def story() -> None:
        bench = bench_of(timers)
        shop = bench.shop()
        bench.set(shop, HOUR, "tick", again=1800)
        await bench.scheduler.advance(shop, Goal(by_ms=2 * HOUR_MS))
        assert [moment - START for _, _, moment in bench.ran] == [HOUR, 1.5 * HOUR, 2 * HOUR]

    run(story())


def test_time_stands_at_the_webhook_until_it_is_answered(timers: list[Bench]) -> None:
    async def story() -> None:
        bench = bench_of(timers)
        shop = bench.shop()
        bench.set(shop, HOUR, "sends", delivers=1)
        bench.set(shop, 2 * HOUR, "after")
        advance = asyncio.create_task(bench.scheduler.advance(shop, Goal(by_ms=3 * HOUR_MS)))
        await bench.worker.taking.wait()
        await asyncio.sleep(0)
        assert bench.said() == ["sends"]
        assert bench.now(shop) == START + HOUR
        bench.set(shop, HOUR + timedelta(minutes=1), "what the partner caused")
        bench.worker.answer()
        advanced = await advance
        assert bench.said() == ["sends", "what the partner caused", "after"]
        assert advanced.deliveries == 1

    run(story())


def test_time_goes_on_only_when_the_partner_made_no_call_for_a_while(timers: list[Bench]) -> None:
    async def story() -> None:
        bench = bench_of(timers)
        shop = bench.shop()
        bench.set(shop, HOUR, "sends", delivers=1)
        bench.set(shop, 2 * HOUR, "after")
        loop = asyncio.get_running_loop()
        advance = asyncio.create_task(bench.scheduler.advance(shop, Goal(by_ms=3 * HOUR_MS), quiet_for=0.05))
        await bench.worker.taking.wait()
        bench.worker.answer()
        await asyncio.sleep(0.03)
        bench.scheduler.touched(shop)
        called_at = loop.time()
        assert bench.said() == ["sends"]
        await advance
        assert loop.time() - called_at >= 0.045

    run(story())


def test_the_wait_is_as_long_as_the_slowest_reaction_that_was_seen(timers: list[Bench]) -> None:
    async def story() -> None:
        bench = bench_of(timers)
        shop = bench.shop()
        bench.set(shop, HOUR, "sends", delivers=1)
        loop = asyncio.get_running_loop()
        bench.scheduler.settled(shop)
        await asyncio.sleep(0.08)
        bench.scheduler.touched(shop)
        advance = asyncio.create_task(bench.scheduler.advance(shop, Goal(by_ms=HOUR_MS), quiet_for=0.001))
        await bench.worker.taking.wait()
        bench.worker.answer()
        answered_at = loop.time()
        await advance
        assert loop.time() - answered_at >= 0.075

    run(story())


def test_a_partner_that_was_sent_nothing_is_not_waited_for(timers: list[Bench]) -> None:
    async def story() -> None:
        bench = bench_of(timers)
        shop = bench.shop()
        bench.set(shop, HOUR, "silent")
        bench.scheduler.touched(shop)
        loop = asyncio.get_running_loop()
        before = loop.time()
        await bench.scheduler.advance(shop, Goal(by_ms=HOUR_MS), quiet_for=5)
        assert loop.time() - before < 2

    run(story())


def test_what_is_still_being_delivered_is_waited_for_before_time_moves(timers: list[Bench]) -> None:
    async def story() -> None:
        bench = bench_of(timers)
        shop = bench.shop()
        bench.set(shop, HOUR, "later")
        bench.worker.open["one"] = 1
        bench.worker._idle.clear()
        advance = asyncio.create_task(bench.scheduler.advance(shop, Goal(by_ms=HOUR_MS)))
        await asyncio.sleep(0.01)
        assert bench.now(shop) == START
        bench.worker.answer()
        await advance
        assert bench.said() == ["later"]

    run(story())


def test_what_a_swap_holds_back_is_waited_for_only_at_the_end(timers: list[Bench]) -> None:
    async def story() -> None:
        bench = bench_of(timers)
        shop = bench.shop()
        bench.set(shop, HOUR, "before")
        bench.set(shop, 2 * HOUR, "what may pass it")
        bench.worker.held = 1
        bench.worker._idle.clear()
        advance = asyncio.create_task(bench.scheduler.advance(shop, Goal(by_ms=3 * HOUR_MS)))
        await asyncio.sleep(0.01)
        assert bench.said() == ["before", "what may pass it"]
        assert not advance.done()
        bench.worker.answer()
        await advance

    run(story())


def test_without_patience_nothing_is_waited_for_but_everything_is_handed_out(timers: list[Bench]) -> None:
    async def story() -> None:
        bench = bench_of(timers)
        shop = bench.shop()
        bench.set(shop, HOUR, "sends", delivers=2)
        bench.set(shop, 2 * HOUR, "after")
        advanced = await bench.scheduler.advance(shop, Goal(by_ms=3 * HOUR_MS), patient=False)
        assert bench.said() == ["sends", "after"]
        assert advanced.deliveries == len(bench.worker.taken) == 2

    run(story())


def test_the_next_event_is_everything_of_its_moment(timers: list[Bench]) -> None:
    async def story() -> None:
        bench = bench_of(timers)
        shop = bench.shop()
        bench.set(shop, 5 * HOUR, "one of two")
        bench.set(shop, 5 * HOUR, "two of two")
        bench.set(shop, 6 * HOUR, "another event")
        advanced = await bench.scheduler.advance(shop, Goal(next_event=True))
        assert bench.said() == ["one of two", "two of two"]
        assert bench.now(shop) == START + 5 * HOUR
        assert advanced.stopped == "goal"

    run(story())


def test_without_a_next_event_nothing_moves(timers: list[Bench]) -> None:
    async def story() -> None:
        bench = bench_of(timers)
        shop = bench.shop()
        bench.set(shop, HOUR, "recurs", kind=RECURS)
        advanced = await bench.scheduler.advance(shop, Goal(next_event=True))
        assert (advanced.stopped, advanced.timers_run, bench.now(shop)) == ("nothing", 0, START)

    run(story())


def test_until_idle_runs_recurring_timers_on_the_way_but_not_for_their_own_sake(timers: list[Bench]) -> None:
    async def story() -> None:
        bench = bench_of(timers)
        shop = bench.shop()
        bench.set(shop, HOUR, "recurs", kind=RECURS)
        bench.set(shop, timedelta(days=5), "last")
        advanced = await bench.scheduler.advance(shop, Goal(until_idle=True))
        assert bench.said() == ["recurs", "recurs", "last"]
        assert bench.now(shop) == START + timedelta(days=5)
        assert advanced.stopped == "idle"

    run(story())


def test_a_shop_that_never_comes_to_rest_is_given_up(timers: list[Bench], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(advancing, "MOST_TIMERS", 50)

    async def story() -> None:
        bench = bench_of(timers)
        shop = bench.shop()
        bench.set(shop, HOUR, "for ever", again=60)
        with pytest.raises(Refusal) as refused:
            await bench.scheduler.advance(shop, Goal(until_idle=True))
        assert (refused.value.code, refused.value.params["timers"]) == ("never_idle", 50)
        assert not bench.scheduler.advancing(shop)

    run(story())


def test_time_does_not_go_back(timers: list[Bench]) -> None:
    async def story() -> None:
        bench = bench_of(timers)
        shop = bench.shop()
        with pytest.raises(Refusal) as refused:
            await bench.scheduler.advance(shop, Goal(to_ms=to_ms(START - HOUR)))
        assert refused.value.code == "clock_backwards"

    run(story())


def test_a_shop_is_advanced_by_one_caller_at_a_time(timers: list[Bench]) -> None:
    async def story() -> None:
        bench = bench_of(timers)
        shop = bench.shop()
        bench.set(shop, HOUR, "sends", delivers=1)
        first = asyncio.create_task(bench.scheduler.advance(shop, Goal(by_ms=HOUR_MS)))
        await bench.worker.taking.wait()
        with pytest.raises(Refusal) as refused:
            await bench.scheduler.advance(shop, Goal(by_ms=HOUR_MS))
        assert refused.value.code == "clock_busy"
        bench.worker.answer()
        assert (await first).stopped == "goal"

    run(story())


def test_an_interrupted_advance_stays_where_it_came(timers: list[Bench]) -> None:
    async def story() -> None:
        bench = bench_of(timers)
        shop = bench.shop()
        bench.set(shop, HOUR, "sends", delivers=1)
        bench.set(shop, 2 * HOUR, "after")
        advance = asyncio.create_task(bench.scheduler.advance(shop, Goal(by_ms=3 * HOUR_MS)))
        await bench.worker.taking.wait()
        bench.scheduler.interrupt(shop)
        advanced = await advance
        assert advanced.stopped == "interrupted"
        assert bench.said() == ["sends"]
        assert kept_now(shop) == START + HOUR

    run(story())


def test_an_advance_whose_caller_goes_away_lets_the_next_one_in(timers: list[Bench]) -> None:
    async def story() -> None:
        bench = bench_of(timers)
        shop = bench.shop()
        bench.set(shop, HOUR, "sends", delivers=1)
        advance = asyncio.create_task(bench.scheduler.advance(shop, Goal(by_ms=3 * HOUR_MS)))
        await bench.worker.taking.wait()
        advance.cancel()
        await asyncio.gather(advance, return_exceptions=True)
        assert kept_now(shop) == START + HOUR
        bench.worker.answer()
        await bench.scheduler.advance(shop, Goal(by_ms=HOUR_MS))
        assert bench.now(shop) == START + 2 * HOUR

    run(story())


def test_a_shop_that_is_deleted_meanwhile_is_not_touched_again(timers: list[Bench]) -> None:
    async def story() -> None:
        bench = bench_of(timers)
        shop = bench.shop()
        bench.set(shop, HOUR, "sends", delivers=1)
        bench.set(shop, 2 * HOUR, "after")
        advance = asyncio.create_task(bench.scheduler.advance(shop, Goal(by_ms=3 * HOUR_MS)))
        await bench.worker.taking.wait()
        bench.scheduler.forget(shop)
        shop.close()
        assert (await advance).stopped == "interrupted"
        assert bench.said() == ["sends"]

    run(story())


@pytest.mark.parametrize(("mode", "rate"), [("real", 1.0), ("scaled", 60.0)])
def test_a_running_clock_is_set_forward(timers: list[Bench], mode: str, rate: float) -> None:
    async def story() -> None:
        bench = bench_of(timers)
        shop = bench.shop(mode=mode, rate=rate)
        bench.set(shop, HOUR, "due")
        await bench.scheduler.advance(shop, Goal(by_ms=2 * HOUR_MS))
        assert bench.ran == [("one", "due", START + HOUR)]
        assert bench.now(shop) == START + 2 * HOUR
        bench.wall_ms += 1000
        assert bench.now(shop) == START + 2 * HOUR + timedelta(seconds=rate)

    run(story())


def test_a_timer_that_breaks_does_not_stop_time(timers: list[Bench]) -> None:
    async def story() -> None:
        bench = bench_of(timers)
        shop = bench.shop()
        bench.set(shop, HOUR, "breaks", breaks=True)
        bench.set(shop, 2 * HOUR, "after")
        await bench.scheduler.advance(shop, Goal(by_ms=3 * HOUR_MS))
        assert bench.said() == ["after"]
        assert [entry["error"] for entry in shop.journal.read() if "error" in entry] == ["timer_broke"]

    run(story())


def test_the_journal_tells_of_an_advance(timers: list[Bench]) -> None:
    async def story() -> None:
        bench = bench_of(timers)
        shop = bench.shop()
        bench.set(shop, HOUR, "due")
        await bench.scheduler.advance(shop, Goal(by_ms=2 * HOUR_MS))
        (entry,) = shop.journal.read(kind="clock")
        assert (entry["at"], entry["note"]) == (to_ms(START + 2 * HOUR), "advanced by 1 timers: goal")

    run(story())
