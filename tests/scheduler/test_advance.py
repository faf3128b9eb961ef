"""Advancing a clock: order, moments, and every way to stop."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import datetime, timedelta

import pytest

from loopsim.clock import to_ms
from loopsim.domain.events import Timer
from loopsim.errors import Refusal
from loopsim.scheduler import advance as advancing
from loopsim.scheduler.advance import Goal
from tests.scheduler.conftest import HOUR, RECURS, START, Bench, kept_now, ring, story


@story
async def test_due_timers_run_in_order_each_at_its_own_moment(bench: Bench) -> None:
    shop = bench.shop(ring(2 * HOUR, "second"), ring(HOUR, "first"), ring(4 * HOUR, "too late"))
    advanced = await bench.advance(shop, 3 * HOUR)
    assert bench.ran == [("one", "first", START + HOUR), ("one", "second", START + 2 * HOUR)]
    assert bench.now(shop) == kept_now(shop) == START + 3 * HOUR
    assert (advanced.timers_run, advanced.stopped) == (2, "goal")


@story
async def test_a_timer_set_on_the_way_runs_if_it_is_due_by_the_goal(bench: Bench) -> None:
    await bench.advance(bench.shop(ring(HOUR, "tick", again=1800)), 2 * HOUR)
    assert [moment - START for _, _, moment in bench.ran] == [HOUR, 1.5 * HOUR, 2 * HOUR]


@story
async def test_without_patience_nothing_is_waited_for_but_everything_is_handed_out(bench: Bench) -> None:
    shop = bench.shop(ring(HOUR, "sends", delivers=2), ring(2 * HOUR, "after"))
    advanced = await bench.advance(shop, 3 * HOUR, patient=False)
    assert bench.said() == ["sends", "after"]
    assert advanced.deliveries == len(bench.worker.taken) == 2


@story
async def test_the_next_event_is_everything_of_its_moment(bench: Bench) -> None:
    shop = bench.shop(
        ring(5 * HOUR, "one of two"),
        ring(5 * HOUR, "two of two"),
        ring(6 * HOUR, "another event"),
    )
    advanced = await bench.scheduler.advance(shop, Goal(next_event=True))
    assert bench.said() == ["one of two", "two of two"]
    assert bench.now(shop) == START + 5 * HOUR
    assert advanced.stopped == "goal"


@story
async def test_without_a_next_event_nothing_moves(bench: Bench) -> None:
    shop = bench.shop(ring(HOUR, "recurs", kind=RECURS))
    advanced = await bench.scheduler.advance(shop, Goal(next_event=True))
    assert (advanced.stopped, advanced.timers_run, bench.now(shop)) == ("nothing", 0, START)


@story
async def test_until_idle_runs_recurring_timers_on_the_way_but_not_for_their_own_sake(bench: Bench) -> None:
    shop = bench.shop(ring(HOUR, "recurs", kind=RECURS), ring(timedelta(days=5), "last"))
    advanced = await bench.scheduler.advance(shop, Goal(until_idle=True))
    assert bench.said() == ["recurs", "recurs", "last"]
    assert bench.now(shop) == START + timedelta(days=5)
    assert advanced.stopped == "idle"


@story
async def test_a_shop_that_never_comes_to_rest_is_given_up(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(advancing, "MOST_TIMERS", 50)
    shop = bench.shop(ring(HOUR, "for ever", again=60))
    with pytest.raises(Refusal) as refused:
        await bench.scheduler.advance(shop, Goal(until_idle=True))
    assert (refused.value.code, refused.value.params["timers"]) == ("never_idle", 50)
    assert not bench.scheduler.advancing(shop)


@story
async def test_time_does_not_go_back(bench: Bench) -> None:
    with pytest.raises(Refusal) as refused:
        await bench.scheduler.advance(bench.shop(), Goal(to_ms=to_ms(START - HOUR)))
    assert refused.value.code == "clock_backwards"


@story
async def test_a_shop_is_advanced_by_one_caller_at_a_time(bench: Bench) -> None:
    shop = bench.shop(ring(HOUR, "sends", delivers=1))
    first = await bench.advance_to_webhook(shop, HOUR)
    with pytest.raises(Refusal) as refused:
        await bench.advance(shop, HOUR)
    assert refused.value.code == "clock_busy"
    bench.worker.answer()
    assert (await first).stopped == "goal"


@story
async def test_an_interrupted_advance_stays_where_it_came(bench: Bench) -> None:
    shop = bench.shop(ring(HOUR, "sends", delivers=1), ring(2 * HOUR, "after"))
    advance = await bench.advance_to_webhook(shop, 3 * HOUR)
    bench.scheduler.interrupt(shop)
    assert (await advance).stopped == "interrupted"
    assert bench.said() == ["sends"]
    assert kept_now(shop) == START + HOUR


@story
async def test_an_advance_whose_caller_goes_away_lets_the_next_one_in(bench: Bench) -> None:
    shop = bench.shop(ring(HOUR, "sends", delivers=1))
    advance = await bench.advance_to_webhook(shop, 3 * HOUR)
    advance.cancel()
    await asyncio.gather(advance, return_exceptions=True)
    assert kept_now(shop) == START + HOUR
    bench.worker.answer()
    await bench.advance(shop, HOUR)
    assert bench.now(shop) == START + 2 * HOUR


@story
async def test_a_shop_that_is_deleted_meanwhile_is_not_touched_again(bench: Bench) -> None:
    shop = bench.shop(ring(HOUR, "sends", delivers=1), ring(2 * HOUR, "after"))
    advance = await bench.advance_to_webhook(shop, 3 * HOUR)
    bench.scheduler.forget(shop)
    shop.close()
    assert (await advance).stopped == "interrupted"
    assert bench.said() == ["sends"]


@pytest.mark.parametrize(("mode", "rate"), [("real", 1.0), ("scaled", 60.0)])
@story
async def test_a_running_clock_is_set_forward(bench: Bench, mode: str, rate: float) -> None:
    shop = bench.shop(ring(HOUR, "due"), mode=mode, rate=rate)
    await bench.advance(shop, 2 * HOUR)
    assert bench.ran == [("one", "due", START + HOUR)]
    assert bench.now(shop) == START + 2 * HOUR
    await bench.time.passes(1)
    assert bench.now(shop) == START + 2 * HOUR + timedelta(seconds=rate)


@story
async def test_a_timer_that_breaks_does_not_stop_time(bench: Bench) -> None:
    shop = bench.shop(ring(HOUR, "breaks", breaks=True), ring(2 * HOUR, "after"))
    await bench.advance(shop, 3 * HOUR)
    assert bench.said() == ["after"]
    assert [entry["error"] for entry in shop.journal.read() if "error" in entry] == ["timer_broke"]


@story
async def test_an_overdue_timer_that_breaks_does_not_set_time_back(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = bench.shop(ring(HOUR, "breaks", breaks=True), ring(3 * HOUR, "sends", delivers=1))
    with shop.transaction(START + 2 * HOUR):
        pass
    told: list[int] = []
    monkeypatch.setattr(bench.scheduler, "_after", lambda of, _performed: told.append(of.last_ms))
    await bench.advance(shop, 3 * HOUR, patient=False)
    assert told == [to_ms(START + 2 * HOUR), to_ms(START + 3 * HOUR)]


@story
async def test_the_journal_tells_of_an_advance(bench: Bench) -> None:
    shop = bench.shop(ring(HOUR, "due"))
    await bench.advance(shop, 2 * HOUR)
    (entry,) = shop.journal.read(kind="clock")
    assert (entry["at"], entry["note"]) == (to_ms(START + 2 * HOUR), "advanced by 1 timers: goal")


@story
async def test_timers_with_nothing_to_wait_for_share_a_commit(bench: Bench) -> None:
    shop = bench.shop(*(ring(number * HOUR, "due", delivers=number == 3) for number in range(1, 6)))
    commits: list[str] = []
    shop.connection.set_trace_callback(lambda text: commits.append(text) if text.lower() == "commit" else None)
    advance = await bench.advance_to_webhook(shop, 6 * HOUR)
    assert (len(bench.ran), len(commits), bench.now(shop)) == (3, 1, START + 3 * HOUR)
    bench.worker.answer()
    await advance
    assert (len(bench.ran), len(commits)) == (5, 2)
    shop.connection.set_trace_callback(None)


@story
async def test_what_each_timer_sent_is_handed_out_at_its_moment(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = bench.shop(*(ring(number * HOUR, "sends", delivers=1) for number in (1, 2)))
    moments: list[datetime] = []
    monkeypatch.setattr(bench.worker, "take", lambda taken, _: moments.append(bench.now(taken)))
    await bench.advance(shop, 3 * HOUR, patient=False)
    assert moments == [START + HOUR, START + 2 * HOUR]


@story
async def test_what_fits_on_a_full_disk_is_done_and_told_once(bench: Bench) -> None:
    grows = Timer("test.rings", START + 3 * HOUR, 1, {"what": "grows", "delivers": 1, "body": 100_000})
    shop = bench.shop(ring(HOUR, "first", delivers=1), ring(2 * HOUR, "second", delivers=1), grows)
    size = shop.connection.execute("pragma page_count").fetchone()[0]
    shop.connection.execute(f"pragma max_page_count = {size + 8}")
    with pytest.raises(sqlite3.OperationalError, match="full"):
        await bench.advance(shop, 4 * HOUR, patient=False)
    assert [delivery.id for delivery in bench.worker.taken] == [1, 2]
    assert kept_now(shop) == START + 2 * HOUR
    shop.connection.execute("pragma max_page_count = 1000000")
    await bench.advance(shop, 4 * HOUR, patient=False)
    assert [delivery.id for delivery in bench.worker.taken] == [1, 2, 3]
