"""A worker that ends, and the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from tests.webhooks.conftest import Rig, Story, answering, in_turn
from tests.webhooks.test_worker import Gate

Play = Callable[[Story], None]


async def restart(rig: Rig, grace: float = 0) -> None:
    await rig.worker.stop(grace=grace)
    rig.worker = rig.new_worker()
    await rig.worker.start()


def test_what_was_not_settled_is_sent_again(play: Play) -> None:
    async def story(rig: Rig) -> None:
        gate = Gate()
        receiver = await rig.receiver(gate.answer)
        rig.subscribe(receiver.url)
        deliveries = [rig.queue(b"%d" % number) for number in range(3)]
        rig.send(*deliveries)
        await receiver.got(1)
        await restart(rig)
        assert {rig.now(delivery.id).state for delivery in deliveries} == {"queued"}
        gate.opened.set()
        rig.worker.recover(rig.shop)
        await rig.idle()
        assert receiver.bodies == [b"0", b"0", b"1", b"2"]
        assert {rig.now(delivery.id).state for delivery in deliveries} == {"delivered"}

    play(story)


def test_what_a_timer_will_bring_back_is_left_to_it(play: Play) -> None:
    async def story(rig: Rig) -> None:
        receiver = await rig.receiver(in_turn(answering(503), answering()))
        rig.subscribe(receiver.url)
        delivery = rig.queue()
        rig.send(delivery)
        await rig.idle()
        await restart(rig)
        rig.worker.recover(rig.shop)
        assert rig.worker.open_count(rig.shop) == 0
        rig.bring_back(delivery.id)
        await rig.idle()
        assert (rig.now(delivery.id).state, rig.now(delivery.id).attempts) == ("delivered", 2)

    play(story)


def test_a_retry_that_was_cut_off_is_sent_again(play: Play) -> None:
    async def story(rig: Rig) -> None:
        gate = Gate()
        receiver = await rig.receiver(in_turn(answering(503), gate.answer))
        rig.subscribe(receiver.url)
        delivery = rig.queue()
        rig.send(delivery)
        await rig.idle()
        rig.bring_back(delivery.id)
        await receiver.got(2)
        await restart(rig)
        gate.opened.set()
        rig.worker.recover(rig.shop)
        await rig.idle()
        assert (rig.now(delivery.id).state, rig.now(delivery.id).attempts) == ("delivered", 2)
        assert len(receiver.requests) == 3

    play(story)


def test_what_is_in_hand_is_not_taken_twice(play: Play) -> None:
    async def story(rig: Rig) -> None:
        gate = Gate()
        receiver = await rig.receiver(gate.answer)
        rig.subscribe(receiver.url)
        delivery, other = rig.queue(), rig.queue(of=101)
        rig.send(delivery, delivery)
        await receiver.got(1)
        rig.worker.recover(rig.shop)
        gate.opened.set()
        await rig.idle()
        assert len(receiver.requests) == 2
        assert rig.now(other.id).state == "delivered"

    play(story)


def test_stopping_lets_posts_in_flight_end_and_writes_them_down(play: Play) -> None:
    async def story(rig: Rig) -> None:
        gate = Gate()
        receiver = await rig.receiver(gate.answer)
        rig.subscribe(receiver.url)
        first, second = rig.queue(), rig.queue()
        rig.send(first, second)
        await receiver.got(1)
        stopping = asyncio.create_task(rig.worker.stop(grace=10))
        gate.opened.set()
        await stopping
        assert (rig.now(first.id).state, rig.now(second.id).state) == ("delivered", "queued")
        assert len(receiver.requests) == 1

    play(story)


def test_stopping_lets_nobody_wait_any_longer(play: Play) -> None:
    async def story(rig: Rig) -> None:
        gate = Gate()
        receiver = await rig.receiver(gate.answer)
        rig.subscribe(receiver.url)
        delivery = rig.queue()
        rig.send(delivery)
        answer = rig.worker.resend(rig.shop, delivery.id)
        assert answer is not None
        await receiver.got(2)
        waiting = asyncio.create_task(rig.worker.idle(rig.shop, None))
        await rig.worker.stop(grace=0)
        assert await waiting
        assert answer.cancelled()

    play(story)


def test_a_stopped_worker_takes_nothing_and_loses_nothing(play: Play) -> None:
    async def story(rig: Rig) -> None:
        receiver = await rig.receiver()
        rig.subscribe(receiver.url)
        await rig.worker.stop()
        delivery = rig.queue()
        rig.send(delivery)
        with pytest.raises(RuntimeError, match="not running"):
            rig.worker.resend(rig.shop, delivery.id)
        await rig.worker.start()
        rig.worker.recover(rig.shop)
        await rig.idle()
        assert rig.now(delivery.id).state == "delivered"

    play(story)


@pytest.mark.parametrize(("kind", "times"), [("swap", 1), ("duplicate", 2), ("tamper", 1)])
def test_a_struck_delivery_is_recovered_with_its_fault(play: Play, kind: str, times: int) -> None:
    async def story(rig: Rig) -> None:
        receiver = await rig.receiver()
        rig.subscribe(receiver.url)
        delivery = rig.queue(fault={"id": 1, "kind": kind})
        rig.worker.recover(rig.shop)
        await rig.idle()
        assert (rig.now(delivery.id).state, len(receiver.requests)) == ("delivered", times)

    play(story)


def test_a_swap_is_not_held_back_any_more_after_a_restart(play: Play) -> None:
    async def story(rig: Rig) -> None:
        receiver = await rig.receiver()
        rig.subscribe(receiver.url)
        rig.worker = rig.new_worker(hold=60.0)
        await rig.worker.start()
        delivery = rig.queue(fault={"id": 1, "kind": "swap"})
        rig.send(delivery)
        await rig.worker.stop()
        rig.worker = rig.new_worker(hold=60.0)
        await rig.worker.start()
        rig.worker.recover(rig.shop)
        await rig.idle()
        assert rig.now(delivery.id).state == "delivered"

    play(story)


def test_a_delay_that_was_not_written_down_is_set_again_and_runs_from_the_event(play: Play) -> None:
    async def story(rig: Rig) -> None:
        delivery = rig.queue(fault={"id": 1, "kind": "delay", "seconds": 30})
        rig.worker.recover(rig.shop)
        await rig.idle()
        assert rig.waiting() == {delivery.id: 30.0}
        await restart(rig)
        rig.worker.recover(rig.shop)
        await rig.idle()
        assert rig.waiting() == {delivery.id: 30.0}

    play(story)
