"""Patience: the shop's time stands while a webhook is on its way and its receiver may still react."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from loopsim.domain.shop import IdleProbe
from loopsim.scheduler.quiet import RESTLESS, SLOWEST_REACTION
from tests.scheduler.conftest import HOUR, START, Bench, ring, settled, story

PROBE = IdleProbe(url="http://127.0.0.1:1/idle")
SENDS, AFTER = ring(HOUR, "sends", delivers=1), ring(2 * HOUR, "after")


@story
async def test_time_stands_at_the_webhook_until_it_is_answered(bench: Bench) -> None:
    shop = bench.shop(SENDS, AFTER)
    advance = await bench.advance_to_webhook(shop, 3 * HOUR)
    await bench.time.passes(60)
    assert bench.said() == ["sends"]
    assert bench.now(shop) == START + HOUR
    bench.set(shop, ring(HOUR + timedelta(minutes=1), "what the partner caused"))
    bench.worker.answer()
    advanced = await advance
    assert bench.said() == ["sends", "what the partner caused", "after"]
    assert advanced.deliveries == 1


@story
async def test_time_goes_on_only_when_the_partner_made_no_call_for_a_while(bench: Bench) -> None:
    shop = bench.shop(SENDS, AFTER)
    advance = await bench.advance_to_webhook(shop, 3 * HOUR, quiet_for=3)
    bench.worker.answer()
    await bench.time.passes(2)
    bench.scheduler.touched(shop)
    await bench.time.passes(2)
    assert bench.said() == ["sends"]
    await bench.time.passes(1)
    assert bench.said() == ["sends", "after"]
    assert advance.done()


@story
async def test_a_poll_that_never_ends_is_a_rhythm_and_does_not_hold_up_time(bench: Bench) -> None:
    shop = bench.shop(SENDS, AFTER)
    advance = await bench.advance_to_webhook(shop, 3 * HOUR, quiet_for=3)
    bench.worker.answer()
    for _ in range(6):
        bench.scheduler.touched(shop, lambda: b"listReturns")
        await bench.time.passes(1)
    assert bench.said() == ["sends", "after"]
    assert advance.done()


@story
async def test_what_a_poll_leads_to_is_waited_for(bench: Bench) -> None:
    shop = bench.shop(SENDS, AFTER)
    await bench.advance_to_webhook(shop, 3 * HOUR, quiet_for=3)
    bench.worker.answer()
    for _ in range(6):
        bench.scheduler.touched(shop, lambda: b"listReturns")
        bench.scheduler.touched(shop)
        await bench.time.passes(1)
    assert bench.said() == ["sends"]


@story
async def test_the_wait_is_as_long_as_the_slowest_reaction_that_was_seen(bench: Bench) -> None:
    shop = bench.shop(SENDS)
    bench.scheduler.settled(shop)
    await bench.time.passes(4)
    bench.scheduler.touched(shop)
    await bench.time.passes(1)
    advance = await bench.advance_to_webhook(shop, HOUR, quiet_for=1)
    bench.worker.answer()
    await bench.time.passes(3)
    assert not advance.done()
    await bench.time.passes(1)
    assert advance.done()


@story
async def test_a_call_that_comes_too_late_is_no_reaction(bench: Bench) -> None:
    shop = bench.shop(SENDS)
    bench.scheduler.settled(shop)
    await bench.time.passes(int(SLOWEST_REACTION) + 1)
    bench.scheduler.touched(shop)
    await bench.time.passes(1)
    advance = await bench.advance_to_webhook(shop, HOUR, quiet_for=1)
    bench.worker.answer()
    await bench.time.passes(1)
    assert advance.done()


@story
async def test_a_partner_that_never_stops_calling_does_not_stop_time_for_ever(bench: Bench) -> None:
    shop = bench.shop(SENDS)
    advance = await bench.advance_to_webhook(shop, HOUR, quiet_for=2)
    bench.worker.answer()
    for _ in range(int(RESTLESS) - 1):
        await bench.time.passes(1)
        bench.scheduler.touched(shop)
    assert not advance.done()
    await bench.time.passes(1)
    assert advance.done()


@story
async def test_a_partner_that_was_sent_nothing_is_not_waited_for(bench: Bench) -> None:
    shop = bench.shop(ring(HOUR, "silent"))
    bench.scheduler.touched(shop)
    advance = bench.advance(shop, HOUR, quiet_for=5)
    await settled()
    assert advance.done()


@story
async def test_what_is_still_being_delivered_is_waited_for_before_time_moves(bench: Bench) -> None:
    shop = bench.shop(ring(HOUR, "later"))
    bench.worker.open["one"] = 1
    advance = bench.advance(shop, HOUR)
    await settled()
    assert bench.now(shop) == START
    bench.worker.answer()
    await advance
    assert bench.said() == ["later"]


@story
async def test_what_a_swap_holds_back_is_waited_for_only_at_the_end(bench: Bench) -> None:
    shop = bench.shop(ring(HOUR, "before"), ring(2 * HOUR, "what may pass it"))
    bench.worker.held = 1
    advance = bench.advance(shop, 3 * HOUR)
    await settled()
    assert bench.said() == ["before", "what may pass it"]
    assert not advance.done()
    bench.worker.answer()
    await advance


@story
async def test_a_partner_that_can_be_asked_is_asked_until_it_says_that_it_is_idle(bench: Bench) -> None:
    bench.idle = True
    shop = bench.shop(SENDS, AFTER, probe=PROBE)
    advance = await bench.advance_to_webhook(shop, 3 * HOUR, quiet_for=60)
    bench.idle = False
    bench.worker.answer()
    await bench.time.passes(3)
    assert bench.said() == ["sends"]
    assert bench.asked > 3
    bench.idle = True
    await bench.time.passes(1)
    assert bench.said() == ["sends", "after"]
    assert advance.done()


@story
async def test_a_partner_that_is_never_idle_does_not_stop_time_for_ever(bench: Bench) -> None:
    bench.idle = True
    shop = bench.shop(SENDS, AFTER, probe=PROBE)
    advance = await bench.advance_to_webhook(shop, 3 * HOUR)
    bench.idle = False
    bench.worker.answer()
    await bench.time.passes(int(RESTLESS) - 1)
    assert not advance.done()
    await bench.time.passes(1)
    assert advance.done()


@story
async def test_a_partner_that_cannot_be_asked_is_watched(bench: Bench) -> None:
    bench.idle = None
    shop = bench.shop(SENDS, AFTER, probe=PROBE)
    advance = await bench.advance_to_webhook(shop, 3 * HOUR, quiet_for=3)
    bench.worker.answer()
    await bench.time.passes(2)
    assert not advance.done()
    await bench.time.passes(1)
    assert advance.done()


@story
async def test_what_a_swap_holds_back_is_let_go_when_the_partner_is_quiet(bench: Bench) -> None:
    shop = bench.shop()
    bench.worker.held = 1
    settling = asyncio.create_task(bench.scheduler.quiet(shop, 5))
    await settled()
    assert bench.worker.released == 1
    assert not settling.done()
    bench.worker.answer()
    assert await settling
