"""Deliveries on their way: order, independence, what is recorded, and being patient."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable

import pytest

from loopsim.webhooks.endpoints import IN_FLIGHT
from loopsim.webhooks.signing import sign
from tests.webhooks.conftest import START_MS, Request, Rig, Story, answering, in_turn, new_shop

Play = Callable[[Story], None]


class Gate:
    """Answers that wait until the gate is opened."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self.waiting = 0
        self.most = 0

    async def answer(self, request: Request) -> bytes | None:
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        await self.opened.wait()
        self.waiting -= 1
        return await answering()(request)


def test_a_delivery_arrives_with_the_bytes_of_the_event_signed(play: Play) -> None:
    body = rb'{"url":"https:\/\/x\/y","name":"Zo\u00eb"}'

    async def story(rig: Rig) -> None:
        receiver = await rig.receiver()
        rig.subscribe(receiver.url)
        rig.send(rig.queue(body))
        await rig.idle()
        (request,) = receiver.requests
        assert request.body == body
        assert request.headers["x-loop-signature"] == sign(body, rig.shop.settings.secret)
        assert request.headers["content-type"] == "application/json"
        assert request.headers["user-agent"].startswith("loopsim/")

    play(story)


def test_a_delivery_is_signed_with_the_secret_of_the_moment_it_is_sent(play: Play) -> None:
    async def story(rig: Rig) -> None:
        receiver = await rig.receiver()
        rig.subscribe(receiver.url)
        first, second, third = rig.queue(b"1"), rig.queue(b"2"), rig.queue(b"3")
        rig.send(first)
        await rig.idle()
        rig.configure(secret="rotated")
        rig.send(second)
        await rig.idle()
        rig.subscribe(receiver.url, secret="its own")
        rig.send(third)
        await rig.idle()
        signatures = [request.headers["x-loop-signature"] for request in receiver.requests]
        assert signatures == [sign(b"1", "0123456789abcdef"), sign(b"2", "rotated"), sign(b"3", "its own")]

    play(story)


def test_what_came_of_it_is_recorded(play: Play) -> None:
    async def story(rig: Rig) -> None:
        receiver = await rig.receiver(answering(201, b"thanks", X_Seen="1"))
        rig.subscribe(receiver.url)
        delivery = rig.queue(b'{"a":1}')
        rig.send(delivery)
        await rig.idle()
        now = rig.now(delivery.id)
        assert (now.state, now.attempts, now.settled_at) == ("delivered", 1, delivery.created_at)
        (attempt,) = rig.attempts(delivery.id)
        assert (attempt.number, attempt.status, attempt.error, attempt.retry_at) == (1, 201, None, None)
        assert (attempt.url, attempt.request_body, attempt.response_body) == (receiver.url, '{"a":1}', "thanks")
        assert attempt.response_headers["X-Seen"] == "1"
        assert attempt.request_headers["X-Loop-Signature"] == sign(b'{"a":1}', rig.shop.settings.secret)
        (settled,) = rig.settled
        assert (settled.state, settled.attempt.delivery_id) == ("delivered", delivery.id)

    play(story)


def test_the_journal_tells_each_attempt(play: Play) -> None:
    async def story(rig: Rig) -> None:
        receiver = await rig.receiver(answering(500, b"no"))
        rig.subscribe(receiver.url)
        delivery = rig.queue(b'{"a":1}')
        rig.send(delivery)
        await rig.idle()
        (entry,) = rig.entries()
        assert entry.pop("duration_ms") > 0
        assert entry.pop("began_ms") > 0
        assert "X-Loop-Signature" in entry.pop("request_headers")
        assert entry == {
            "id": 1,
            "at": START_MS,
            "direction": "out",
            "kind": "delivery",
            "method": "POST",
            "status": 500,
            "url": receiver.url,
            "request_body": '{"a":1}',
            "response_body": "no",
            "delivery_id": delivery.id,
            "attempt": 1,
            "subscription_id": 1,
            "topic": "return",
            "trigger": "return.updated",
            "return_id": 100,
        }

    play(story)


def test_first_attempts_of_one_return_leave_in_order_one_at_a_time(play: Play) -> None:
    async def story(rig: Rig) -> None:
        gate = Gate()
        receiver = await rig.receiver(gate.answer)
        rig.subscribe(receiver.url)
        rig.send(*[rig.queue(b"%d" % number) for number in range(5)])
        await receiver.got(1)
        rig.send(rig.queue(b"5"))
        gate.opened.set()
        await rig.idle()
        assert receiver.bodies == [b"0", b"1", b"2", b"3", b"4", b"5"]
        assert gate.most == 1

    play(story)


def test_returns_do_not_wait_for_each_other_nor_do_subscriptions(play: Play) -> None:
    async def story(rig: Rig) -> None:
        gate = Gate()
        receiver = await rig.receiver(gate.answer)
        rig.subscribe(receiver.url, 1)
        rig.subscribe(receiver.url, 2)
        rig.send(rig.queue(of=100, to=1), rig.queue(of=101, to=1), rig.queue(of=100, to=2))
        await receiver.got(3)
        assert len(receiver.requests) == 3
        gate.opened.set()
        await rig.idle()

    play(story)


def test_deliveries_without_a_return_wait_for_nothing(play: Play) -> None:
    async def story(rig: Rig) -> None:
        gate = Gate()
        receiver = await rig.receiver(gate.answer)
        rig.subscribe(receiver.url)
        rig.send(rig.queue(of=None), rig.queue(of=None))
        await receiver.got(2)
        assert len(receiver.requests) == 2
        gate.opened.set()
        await rig.idle()

    play(story)


def test_a_failed_first_attempt_holds_nothing_back(play: Play) -> None:
    async def story(rig: Rig) -> None:
        receiver = await rig.receiver(in_turn(answering(503), answering()))
        rig.subscribe(receiver.url)
        first, second = rig.queue(b"1"), rig.queue(b"2")
        rig.send(first, second)
        await rig.idle()
        assert (rig.now(first.id).state, rig.now(second.id).state) == ("queued", "delivered")
        rig.bring_back(first.id)
        await rig.idle()
        assert receiver.bodies == [b"1", b"2", b"1"]

    play(story)


def test_an_endpoint_that_hangs_delays_no_other(play: Play) -> None:
    async def story(rig: Rig) -> None:
        gate = Gate()
        hanging, healthy = await rig.receiver(gate.answer), await rig.receiver()
        rig.subscribe(hanging.url, 1)
        rig.subscribe(healthy.url, 2)
        rig.send(*[rig.queue(of=number, to=1) for number in range(100)])
        await hanging.got(IN_FLIGHT)
        rig.send(*[rig.queue(of=number, to=2) for number in range(100)])
        await healthy.got(100)
        assert gate.waiting == IN_FLIGHT
        gate.opened.set()
        await rig.idle()
        assert len(hanging.requests) == 100

    play(story)


def test_no_more_than_a_few_posts_are_in_flight_to_one_endpoint(play: Play) -> None:
    async def story(rig: Rig) -> None:
        gate = Gate()
        receiver = await rig.receiver(gate.answer)
        rig.subscribe(receiver.url)
        rig.send(*[rig.queue(of=number) for number in range(IN_FLIGHT * 3)])
        await receiver.got(IN_FLIGHT)
        gate.opened.set()
        await rig.idle()
        assert gate.most == IN_FLIGHT

    play(story)


def test_shops_do_not_wait_for_each_other(play: Play) -> None:
    async def story(rig: Rig) -> None:
        gate = Gate()
        hanging, healthy = await rig.receiver(gate.answer), await rig.receiver()
        other = new_shop("other")
        rig.subscribe(hanging.url)
        rig.subscribe(healthy.url, shop=other)
        rig.send(rig.queue())
        await hanging.got(1)
        rig.send(rig.queue(shop=other), shop=other)
        await rig.idle(other)
        assert (rig.worker.open_count(rig.shop), rig.worker.open_count(other)) == (1, 0)
        rig.worker.forget(other)
        other.close()

    play(story)


def test_idle_waits_until_what_is_in_hand_is_written_down(play: Play) -> None:
    async def story(rig: Rig) -> None:
        gate = Gate()
        receiver = await rig.receiver(gate.answer)
        rig.subscribe(receiver.url)
        delivery = rig.queue()
        assert await rig.worker.idle(rig.shop, 0)
        rig.send(delivery)
        assert (rig.worker.open_count(rig.shop), rig.worker.open_count(rig.shop, "first")) == (1, 1)
        await receiver.got(1)
        assert not await rig.worker.idle(rig.shop, 0.01)
        gate.opened.set()
        assert await rig.worker.idle(rig.shop, None)
        assert rig.now(delivery.id).state == "delivered"
        assert (rig.worker.open_count(rig.shop), rig.worker.open_count(rig.shop, "first")) == (0, 0)

    play(story)


def test_a_retry_in_flight_is_open_but_no_first_attempt(play: Play) -> None:
    async def story(rig: Rig) -> None:
        gate = Gate()
        receiver = await rig.receiver(in_turn(answering(500), gate.answer))
        rig.subscribe(receiver.url)
        delivery = rig.queue()
        rig.send(delivery)
        await rig.idle()
        assert rig.worker.open_count(rig.shop) == 0
        rig.bring_back(delivery.id)
        await receiver.got(2)
        assert (rig.worker.open_count(rig.shop), rig.worker.open_count(rig.shop, "first")) == (1, 0)
        assert await rig.worker.idle(rig.shop, 0, "first")
        gate.opened.set()
        await rig.idle()

    play(story)


def test_a_deleted_subscription_gets_nothing(play: Play) -> None:
    async def story(rig: Rig) -> None:
        delivery, resent = rig.queue(), rig.queue()
        rig.send(delivery)
        await rig.idle()
        assert (rig.now(delivery.id).state, rig.attempts(delivery.id)) == ("dropped", [])
        assert "deleted" in rig.entries()[0]["note"]
        answer = rig.worker.resend(rig.shop, resent.id)
        assert answer is not None
        assert await answer is None
        assert rig.now(resent.id).state == "queued"

    play(story)


def test_a_subscription_deleted_while_its_deliveries_wait_gets_no_more(play: Play) -> None:
    async def story(rig: Rig) -> None:
        gate = Gate()
        receiver = await rig.receiver(gate.answer)
        rig.subscribe(receiver.url)
        first, *others = [rig.queue() for _ in range(500)]
        rig.send(first, *others)
        await receiver.got(1)
        rig.unsubscribe()
        gate.opened.set()
        await rig.idle()
        assert rig.now(first.id).state == "delivered"
        assert {rig.now(other.id).state for other in others} == {"dropped"}

    play(story)


def test_an_inactive_subscription_still_gets_what_was_due_at_the_event(play: Play) -> None:
    async def story(rig: Rig) -> None:
        receiver = await rig.receiver()
        rig.subscribe(receiver.url, status="inactive")
        delivery = rig.queue()
        rig.send(delivery)
        await rig.idle()
        assert rig.now(delivery.id).state == "delivered"

    play(story)


def test_a_target_that_was_not_allowed_is_blocked_and_says_what_to_do(play: Play) -> None:
    async def story(rig: Rig) -> None:
        rig.subscribe("https://wms.example.com/hooks")
        delivery = rig.queue()
        rig.send(delivery)
        await rig.idle()
        now = rig.now(delivery.id)
        assert (now.state, now.attempts) == ("blocked", 1)
        (attempt,) = rig.attempts(delivery.id)
        assert (attempt.error, attempt.status, attempt.request_headers) == ("blocked", None, {})
        (entry,) = rig.entries()
        assert entry["error"] == "blocked"
        assert "--allow-target wms.example.com" in entry["note"]
        assert (rig.subscription().failures, rig.waiting()) == (0, {})

    play(story)


@pytest.mark.parametrize("listed_by", ["shop", "server"])
def test_a_listed_target_is_posted_to(play: Play, listed_by: str) -> None:
    async def story(rig: Rig) -> None:
        receiver = await rig.receiver()
        # Not a loopback address by its name, yet it leads to this machine.
        rig.subscribe(receiver.url.replace("127.0.0.1", "0.0.0.0"))
        before, after = rig.queue(), rig.queue()
        rig.send(before)
        await rig.idle()
        if listed_by == "shop":
            rig.configure(allowed_targets=("0.0.0.0",))
        else:
            await rig.worker.stop(grace=0)
            rig.worker = rig.new_worker(allow_targets=("0.0.0.0",))
            await rig.worker.start()
        rig.send(after)
        await rig.idle()
        assert (rig.now(before.id).state, rig.now(after.id).state) == ("blocked", "delivered")

    play(story)


def test_a_resend_posts_the_same_bytes_whatever_the_state(play: Play) -> None:
    async def story(rig: Rig) -> None:
        receiver = await rig.receiver(in_turn(answering(400), answering()))
        rig.subscribe(receiver.url)
        delivery = rig.queue(b'{"a":1}')
        rig.send(delivery)
        await rig.idle()
        assert rig.now(delivery.id).state == "failed"
        for number in (2, 3):
            answer = rig.worker.resend(rig.shop, delivery.id)
            assert answer is not None
            settled = await answer
            assert settled is not None
            assert (settled.state, settled.attempt.number) == ("delivered", number)
        assert receiver.bodies == [b'{"a":1}'] * 3
        assert [attempt.status for attempt in rig.attempts(delivery.id)] == [400, 200, 200]

    play(story)


def test_a_resend_that_fails_changes_nothing_and_is_not_retried(play: Play) -> None:
    async def story(rig: Rig) -> None:
        receiver = await rig.receiver(in_turn(answering(), answering(503)))
        rig.subscribe(receiver.url)
        delivery = rig.queue()
        rig.send(delivery)
        await rig.idle()
        before = rig.now(delivery.id)
        answer = rig.worker.resend(rig.shop, delivery.id)
        assert answer is not None
        await answer
        after = rig.now(delivery.id)
        assert (after.state, after.settled_at, after.attempts) == ("delivered", before.settled_at, 2)
        assert rig.waiting() == {}

    play(story)


def test_what_a_resend_delivered_is_not_retried(play: Play) -> None:
    async def story(rig: Rig) -> None:
        receiver = await rig.receiver(in_turn(answering(503), answering()))
        rig.subscribe(receiver.url)
        delivery = rig.queue()
        rig.send(delivery)
        await rig.idle()
        assert list(rig.waiting()) == [delivery.id]
        answer = rig.worker.resend(rig.shop, delivery.id)
        assert answer is not None
        await answer
        assert (rig.now(delivery.id).state, rig.waiting()) == ("delivered", {})

    play(story)


def test_what_a_resend_delivered_does_not_leave_its_lane_any_more(play: Play) -> None:
    async def story(rig: Rig) -> None:
        gate = Gate()
        slow, quick = await rig.receiver(gate.answer), await rig.receiver()
        rig.subscribe(slow.url)
        first, second, third = rig.queue(b"1"), rig.queue(b"2"), rig.queue(b"3")
        rig.send(first, second, third)
        await slow.got(1)
        rig.subscribe(quick.url)
        answer = rig.worker.resend(rig.shop, second.id)
        assert answer is not None
        await answer
        gate.opened.set()
        await rig.idle()
        assert (slow.bodies, quick.bodies) == ([b"1"], [b"2", b"3"])
        assert [rig.now(one.id).attempts for one in (first, second, third)] == [1, 1, 1]

    play(story)


def test_there_is_no_resending_what_never_was(play: Play) -> None:
    async def story(rig: Rig) -> None:
        assert rig.worker.resend(rig.shop, 99) is None

    play(story)


def test_a_forgotten_shop_gets_nothing_more(play: Play) -> None:
    async def story(rig: Rig) -> None:
        gate = Gate()
        receiver = await rig.receiver(gate.answer)
        rig.subscribe(receiver.url)
        deliveries = [rig.queue(of=number) for number in range(IN_FLIGHT + 5)]
        rig.send(*deliveries)
        await receiver.got(IN_FLIGHT)
        waiting = asyncio.create_task(rig.worker.idle(rig.shop, None))
        rig.worker.forget(rig.shop)
        assert await waiting
        gate.opened.set()
        # Another shop may post to the same place: the broken off posts gave their places back.
        other = new_shop("other")
        rig.subscribe(receiver.url, shop=other)
        rig.send(*[rig.queue(of=number, shop=other) for number in range(IN_FLIGHT)], shop=other)
        await rig.idle(other)
        assert len(receiver.requests) == 2 * IN_FLIGHT
        assert {rig.now(delivery.id).state for delivery in deliveries} == {"queued"}
        rig.worker.forget(other)
        other.close()

    play(story)


def test_an_outcome_that_cannot_be_written_is_written_later(play: Play, caplog: pytest.LogCaptureFixture) -> None:
    async def story(rig: Rig) -> None:
        receiver = await rig.receiver()
        rig.subscribe(receiver.url)
        delivery, next_ = rig.queue(b"1"), rig.queue(b"2")
        rig.shop.connection.execute(
            "create trigger full before insert on attempts begin select raise(abort, 'full'); end"
        )
        rig.send(delivery, next_)
        await receiver.got(2)
        assert not await rig.worker.idle(rig.shop, 0.05)
        assert (rig.now(delivery.id).state, rig.entries()) == ("queued", [])
        assert "cannot be written" in caplog.text
        rig.shop.connection.execute("drop trigger full")
        await rig.idle()
        assert (rig.now(delivery.id).state, rig.now(next_.id).state) == ("delivered", "delivered")
        assert receiver.bodies == [b"1", b"2"]

    play(story)


def test_aiohttp_is_not_loaded_before_the_first_delivery() -> None:
    code = "import sys, loopsim.webhooks.worker; sys.exit('aiohttp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
