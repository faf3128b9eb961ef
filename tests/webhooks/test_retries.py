"""What happens after an attempt that failed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from loopsim.domain.webhooks import MAX_ATTEMPTS, judge
from loopsim.store.deliveries import Delivery
from tests.webhooks.conftest import Answer, Receiver, Request, Rig, Story, answering, in_turn

Play = Callable[[Story], None]


async def hang_up(_request: Request) -> bytes | None:
    return None


async def never(_request: Request) -> bytes | None:
    await asyncio.Event().wait()
    return None


async def strict_lane(rig: Rig, first_answer: Answer) -> tuple[Receiver, Delivery, Delivery]:
    """Two deliveries on their way in strict order, and their receiver, which says yes to whatever comes later."""
    rig.configure(quirks={"delivery_order": "strict"})
    receiver = await rig.receiver(in_turn(first_answer, answering()))
    rig.subscribe(receiver.url)
    first, second = rig.queue(b"1"), rig.queue(b"2")
    rig.send(first, second)
    return receiver, first, second


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(play: Play, status: int) -> None:
    async def story(rig: Rig) -> None:
        receiver = await rig.receiver(answering(status))
        rig.subscribe(receiver.url)
        delivery = rig.queue()
        rig.send(delivery)
        await rig.idle()
        assert (rig.now(delivery.id).state, rig.now(delivery.id).settled_at) == ("queued", None)
        decision = judge(status=status, retry_after=None, attempt=1, seed=7, delivery_id=delivery.id)
        assert decision.retry_in is not None
        assert rig.waiting()[delivery.id] == pytest.approx(decision.retry_in.total_seconds(), abs=0.001)
        (attempt,) = rig.attempts(delivery.id)
        assert attempt.retry_at is not None
        assert rig.timers_told == 1

    play(story)


@pytest.mark.parametrize("status", [300, 302, 307, 400, 401, 403, 404, 410, 422])
def test_what_will_not_pass_fails_at_once(play: Play, status: int) -> None:
    async def story(rig: Rig) -> None:
        receiver = await rig.receiver(answering(status, Location="/elsewhere"))
        rig.subscribe(receiver.url)
        delivery = rig.queue()
        rig.send(delivery)
        await rig.idle()
        assert (rig.now(delivery.id).state, rig.waiting(), rig.timers_told) == ("failed", {}, 0)
        assert rig.now(delivery.id).settled_at is not None

    play(story)


@pytest.mark.parametrize(("answer", "error", "allowed"), [(hang_up, "reset", 60_000), (never, "timeout", 100)])
def test_no_answer_is_tried_again(play: Play, answer: Answer, error: str, allowed: int) -> None:
    async def story(rig: Rig) -> None:
        rig.configure(delivery_timeout=allowed)
        receiver = await rig.receiver(answer)
        rig.subscribe(receiver.url)
        delivery = rig.queue()
        rig.send(delivery)
        await rig.idle()
        assert (rig.now(delivery.id).state, rig.attempts(delivery.id)[0].error) == ("queued", error)
        assert delivery.id in rig.waiting()

    play(story)


def test_nobody_there_is_tried_again(play: Play) -> None:
    async def story(rig: Rig) -> None:
        receiver = await rig.receiver()
        rig.subscribe(receiver.url)
        await receiver.stop()
        delivery = rig.queue()
        rig.send(delivery)
        await rig.idle()
        assert (rig.now(delivery.id).state, rig.attempts(delivery.id)[0].error) == ("queued", "refused")

    play(story)


@pytest.mark.parametrize(
    ("asked", "waits"), [("1800", 1800.0), ("5", 5.0), ("1801", None), ("Thu, 01 Jan 2099 00:00:00 GMT", None)]
)
def test_retry_after_is_honoured_and_fatal_where_it_asks_too_much(play: Play, asked: str, waits: float | None) -> None:
    async def story(rig: Rig) -> None:
        receiver = await rig.receiver(answering(503, Retry_After=asked))
        rig.subscribe(receiver.url)
        delivery = rig.queue()
        rig.send(delivery)
        await rig.idle()
        assert rig.waiting().get(delivery.id) == waits
        assert rig.now(delivery.id).state == ("failed" if waits is None else "queued")

    play(story)


def test_after_the_last_retry_it_has_failed(play: Play) -> None:
    async def story(rig: Rig) -> None:
        receiver = await rig.receiver(answering(500))
        rig.subscribe(receiver.url)
        delivery = rig.queue(b'{"a":1}')
        rig.send(delivery)
        await rig.idle()
        for _ in range(MAX_ATTEMPTS - 1):
            rig.bring_back(delivery.id)
            await rig.idle()
        assert (rig.now(delivery.id).state, rig.waiting()) == ("failed", {})
        assert receiver.bodies == [b'{"a":1}'] * MAX_ATTEMPTS
        assert [attempt.number for attempt in rig.attempts(delivery.id)] == list(range(1, MAX_ATTEMPTS + 1))

    play(story)


def test_resends_that_fail_use_up_no_retry(play: Play) -> None:
    async def story(rig: Rig) -> None:
        receiver = await rig.receiver(answering(503))
        rig.subscribe(receiver.url)
        delivery = rig.queue(fault={"kind": "duplicate"})
        rig.send(delivery)
        await rig.idle()
        for number in range(2, MAX_ATTEMPTS):
            rig.worker.resend(rig.shop, delivery.id)
            await rig.idle()
            brought_back = rig.waiting()[delivery.id]
            rig.bring_back(delivery.id)
            await rig.idle()
            decision = judge(status=503, retry_after=None, attempt=number, seed=7, delivery_id=delivery.id)
            assert decision.retry_in is not None
            waits = rig.waiting()[delivery.id] - brought_back
            assert waits == pytest.approx(decision.retry_in.total_seconds(), abs=0.002)
        rig.bring_back(delivery.id)
        await rig.idle()
        assert (rig.now(delivery.id).state, len(rig.attempts(delivery.id))) == ("failed", MAX_ATTEMPTS + 5)

    play(story)


def test_a_strict_lane_waits_until_a_delivery_is_settled_for_good(play: Play) -> None:
    async def story(rig: Rig) -> None:
        rig.configure(quirks={"delivery_order": "strict"})
        receiver = await rig.receiver(in_turn(answering(503), answering(503), answering()))
        rig.subscribe(receiver.url)
        first, second, third = rig.queue(b"1"), rig.queue(b"2"), rig.queue(b"3")
        rig.send(first, second)
        await rig.idle()
        rig.send(third)
        await rig.idle()
        # What is behind one that waits for a timer is not in hand: only time can move it.
        assert (receiver.bodies, rig.worker.open_count(rig.shop, "first")) == ([b"1"], 0)
        rig.bring_back(first.id)
        await rig.idle()
        assert receiver.bodies == [b"1", b"1"]
        rig.bring_back(first.id)
        await rig.idle()
        assert receiver.bodies == [b"1", b"1", b"1", b"2", b"3"]

    play(story)


def test_what_a_swap_holds_back_for_one_in_a_stalled_lane_waits_for_time_as_well(play: Play) -> None:
    async def story(rig: Rig) -> None:
        rig.configure(quirks={"delivery_order": "strict"})
        receiver = await rig.receiver(in_turn(answering(503), answering()))
        rig.subscribe(receiver.url)
        first, held, third = rig.queue(b"1"), rig.queue(b"2", fault={"kind": "swap"}), rig.queue(b"3")
        rig.send(first, held, third)
        await rig.idle()
        assert (receiver.bodies, rig.worker.open_count(rig.shop)) == ([b"1"], 0)
        rig.bring_back(first.id)
        await rig.idle()
        assert receiver.bodies == [b"1", b"1", b"3", b"2"]

    play(story)


def test_a_strict_lane_goes_on_after_one_that_failed_or_was_dropped(play: Play) -> None:
    async def story(rig: Rig) -> None:
        rig.configure(quirks={"delivery_order": "strict"})
        receiver = await rig.receiver(in_turn(answering(503), answering(400), answering(503), answering()))
        rig.subscribe(receiver.url)
        failing, second, third = rig.queue(b"1"), rig.queue(b"2"), rig.queue(b"3")
        rig.send(failing, second, third)
        await rig.idle()
        rig.bring_back(failing.id)
        await rig.idle()
        assert receiver.bodies == [b"1", b"1", b"2"]
        rig.unsubscribe()
        rig.bring_back(second.id)
        await rig.idle()
        assert [rig.now(one.id).state for one in (failing, second, third)] == ["failed", "dropped", "dropped"]

    play(story)


def test_a_strict_lane_goes_on_when_a_resend_delivers_what_it_waits_for(play: Play) -> None:
    async def story(rig: Rig) -> None:
        receiver, first, second = await strict_lane(rig, answering(503))
        await rig.idle()
        rig.worker.resend(rig.shop, first.id)
        await rig.idle()
        assert receiver.bodies == [b"1", b"1", b"2"]
        assert [rig.now(one.id).state for one in (first, second)] == ["delivered", "delivered"]

    play(story)


def test_a_strict_lane_goes_on_when_an_attempt_fails_after_a_resend_delivered(play: Play) -> None:
    async def story(rig: Rig) -> None:
        let_go = asyncio.Event()
        refusing = answering(503)

        async def late(request: Request) -> bytes | None:
            await let_go.wait()
            return await refusing(request)

        receiver, first, _ = await strict_lane(rig, late)
        await receiver.got(1)
        resending = rig.worker.resend(rig.shop, first.id)
        assert resending is not None
        await resending
        let_go.set()
        await rig.idle()
        assert receiver.bodies == [b"1", b"1", b"2"]
        assert rig.waiting() == {}

    play(story)


def test_a_strict_lane_still_waits_after_a_restart(play: Play) -> None:
    async def story(rig: Rig) -> None:
        receiver, first, _ = await strict_lane(rig, answering(503))
        await rig.idle()
        await rig.worker.stop()
        rig.worker = rig.new_worker()
        await rig.worker.start()
        rig.worker.recover(rig.shop)
        await rig.idle()
        assert receiver.bodies == [b"1"]
        rig.bring_back(first.id)
        await rig.idle()
        assert receiver.bodies == [b"1", b"1", b"2"]

    play(story)


def test_consecutive_failures_are_counted_until_a_success(play: Play) -> None:
    async def story(rig: Rig) -> None:
        receiver = await rig.receiver(in_turn(answering(400), answering(500), answering(400), answering()))
        rig.subscribe(receiver.url)
        for failures in (1, 2, 3, 0):
            rig.send(rig.queue())
            await rig.idle()
            assert rig.subscription().failures == failures

    play(story)


@pytest.mark.parametrize(("quirk", "status"), [("after_10_failures", "inactive"), ("never", "active")])
def test_the_eleventh_consecutive_failure_deactivates_under_the_quirk(play: Play, quirk: str, status: str) -> None:
    async def story(rig: Rig) -> None:
        rig.configure(quirks={"webhook_deactivation": quirk})
        receiver = await rig.receiver(answering(400))
        rig.subscribe(receiver.url)
        rig.send(*[rig.queue() for _ in range(10)])
        await rig.idle()
        assert rig.subscription().status == "active"
        rig.send(rig.queue())
        await rig.idle()
        assert (rig.subscription().status, rig.subscription().failures) == (status, 11)
        notes = [entry["note"] for entry in rig.entries() if "note" in entry]
        assert len(notes) == (quirk == "after_10_failures")

    play(story)


def test_a_success_writes_no_subscription_anew(play: Play) -> None:
    async def story(rig: Rig) -> None:
        receiver = await rig.receiver()
        rig.subscribe(receiver.url)
        rig.shop.connection.execute(
            "create trigger untouched before insert on records begin select raise(abort, 'written'); end"
        )
        delivery = rig.queue()
        rig.send(delivery)
        await rig.idle()
        assert rig.now(delivery.id).state == "delivered"

    play(story)
