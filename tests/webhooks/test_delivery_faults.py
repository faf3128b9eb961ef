"""Deliveries that a fault strikes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from loopsim.webhooks.signing import sign
from tests.webhooks.conftest import Rig, Story, answering, in_turn

Play = Callable[[Story], None]


def fault(kind: str, **params: Any) -> dict[str, Any]:
    return {"id": 1, "kind": kind, **params}


@pytest.mark.parametrize(("params", "copies"), [({}, 2), ({"copies": 3}, 3)])
def test_a_duplicate_is_the_same_bytes_again_before_the_next(play: Play, params: dict[str, int], copies: int) -> None:
    async def story(rig: Rig) -> None:
        receiver = await rig.receiver()
        rig.subscribe(receiver.url)
        doubled = rig.queue(b"1", fault=fault("duplicate", **params))
        rig.send(doubled, rig.queue(b"2"))
        await rig.idle()
        assert receiver.bodies == [b"1"] * copies + [b"2"]
        assert len({request.headers["x-loop-signature"] for request in receiver.requests}) == 2
        assert [attempt.number for attempt in rig.attempts(doubled.id)] == list(range(1, copies + 1))
        assert (rig.now(doubled.id).state, rig.now(doubled.id).attempts) == ("delivered", copies)
        assert [entry.get("fault") for entry in rig.entries()] == ["duplicate"] * copies + [None]

    play(story)


@pytest.mark.parametrize(
    ("statuses", "state"), [((200, 500), "delivered"), ((400, 200), "failed"), ((500, 200), "queued")]
)
def test_of_duplicates_the_first_answer_decides(play: Play, statuses: tuple[int, int], state: str) -> None:
    async def story(rig: Rig) -> None:
        receiver = await rig.receiver(in_turn(*[answering(status) for status in statuses]))
        rig.subscribe(receiver.url)
        delivery = rig.queue(fault=fault("duplicate"))
        rig.send(delivery)
        await rig.idle()
        assert rig.now(delivery.id).state == state
        assert (delivery.id in rig.waiting()) == (state == "queued")
        assert rig.subscription().failures == (statuses[0] != 200)

    play(story)


def test_a_duplicate_is_retried_once_and_as_often_as_any_other(play: Play) -> None:
    async def story(rig: Rig) -> None:
        receiver = await rig.receiver(answering(500))
        rig.subscribe(receiver.url)
        delivery = rig.queue(fault=fault("duplicate"))
        rig.send(delivery)
        await rig.idle()
        while rig.waiting():
            rig.bring_back(delivery.id)
            await rig.idle()
        assert (rig.now(delivery.id).state, len(receiver.requests)) == ("failed", 2 + 5)

    play(story)


@pytest.mark.parametrize("returns", [(100, 100, 100), (100, 101, 100), (None, None, None)])
def test_a_swap_lets_the_next_go_first(play: Play, returns: tuple[int | None, ...]) -> None:
    async def story(rig: Rig) -> None:
        receiver = await rig.receiver()
        rig.subscribe(receiver.url)
        held = rig.queue(b"1", of=returns[0], fault=fault("swap"))
        rig.send(held)
        assert (rig.worker.open_count(rig.shop), rig.worker.open_count(rig.shop, "first")) == (1, 0)
        assert rig.worker.open_count(rig.shop, "moving") == 0
        rig.send(rig.queue(b"2", of=returns[1]))
        await rig.idle()
        rig.send(rig.queue(b"3", of=returns[2]))
        await rig.idle()
        assert receiver.bodies == [b"2", b"1", b"3"]
        assert rig.now(held.id).state == "delivered"

    # The rig holds back for so short a time that only the order shows what released it.
    play(story)


def test_two_swaps_in_a_row_are_one_swap(play: Play) -> None:
    async def story(rig: Rig) -> None:
        receiver = await rig.receiver()
        rig.subscribe(receiver.url)
        swaps = [rig.queue(b"%d" % number, fault=fault("swap")) for number in (1, 2, 3, 4)]
        rig.send(*swaps)
        await rig.idle()
        assert receiver.bodies == [b"2", b"1", b"4", b"3"]

    play(story)


def test_a_swap_goes_out_though_the_next_was_never_posted(play: Play) -> None:
    async def story(rig: Rig) -> None:
        held, next_ = rig.queue(b"1", fault=fault("swap")), rig.queue(b"2")
        rig.subscribe("http://wms.example.com/")
        rig.send(held, next_)
        await rig.idle()
        assert (rig.now(held.id).state, rig.now(next_.id).state) == ("blocked", "blocked")

    play(story)


def test_a_swap_goes_after_the_next_even_if_that_one_failed(play: Play) -> None:
    async def story(rig: Rig) -> None:
        receiver = await rig.receiver(in_turn(answering(500), answering()))
        rig.subscribe(receiver.url)
        rig.send(rig.queue(b"1", fault=fault("swap")), rig.queue(b"2"))
        await rig.idle()
        assert receiver.bodies == [b"2", b"1"]

    play(story)


def test_a_swap_is_not_released_by_another_subscription(play: Play) -> None:
    async def story(rig: Rig) -> None:
        receiver = await rig.receiver()
        rig.worker = rig.new_worker(hold=60.0)
        await rig.worker.start()
        rig.subscribe(receiver.url, 1)
        rig.subscribe(receiver.url, 2)
        rig.send(rig.queue(b"1", fault=fault("swap")), rig.queue(b"other", to=2))
        await receiver.got(1)
        assert await rig.worker.idle(rig.shop, 5, "moving")
        assert (receiver.bodies, rig.worker.open_count(rig.shop)) == ([b"other"], 1)
        rig.send(rig.queue(b"2"))
        await rig.idle()
        assert receiver.bodies == [b"other", b"2", b"1"]

    play(story)


def test_a_swap_is_never_lost_though_nothing_comes_after_it(play: Play) -> None:
    async def story(rig: Rig) -> None:
        receiver = await rig.receiver()
        rig.subscribe(receiver.url)
        delivery = rig.queue(fault=fault("swap"))
        rig.send(delivery)
        await rig.idle()
        assert rig.now(delivery.id).state == "delivered"

    play(story)


def test_a_delay_is_a_timer_of_the_shop(play: Play) -> None:
    async def story(rig: Rig) -> None:
        receiver = await rig.receiver()
        rig.subscribe(receiver.url)
        late = rig.queue(b"1", fault=fault("delay", seconds=90))
        rig.send(late, rig.queue(b"2"))
        await rig.idle()
        assert (receiver.bodies, rig.waiting(), rig.timers_told) == ([b"2"], {late.id: 90.0}, 1)
        assert (rig.now(late.id).state, rig.now(late.id).attempts) == ("queued", 0)
        rig.bring_back(late.id)
        await rig.idle()
        assert receiver.bodies == [b"2", b"1"]
        assert (rig.now(late.id).state, rig.waiting()) == ("delivered", {})

    play(story)


def test_a_delayed_delivery_that_fails_is_retried_without_another_delay(play: Play) -> None:
    async def story(rig: Rig) -> None:
        receiver = await rig.receiver(in_turn(answering(503, Retry_After="7"), answering()))
        rig.subscribe(receiver.url)
        late = rig.queue(fault=fault("delay", seconds=90))
        rig.send(late)
        await rig.idle()
        rig.bring_back(late.id)
        await rig.idle()
        assert rig.waiting() == {late.id: 97.0}
        rig.bring_back(late.id)
        await rig.idle()
        assert rig.now(late.id).state == "delivered"

    play(story)


@pytest.mark.parametrize("what", ["signature", "body", "reserialised", "unsigned"])
def test_a_tampered_delivery_does_not_verify(play: Play, what: str) -> None:
    body = b'{"id":41}'

    async def story(rig: Rig) -> None:
        receiver = await rig.receiver(in_turn(answering(500), answering()))
        rig.subscribe(receiver.url)
        delivery = rig.queue(body, fault=fault("tamper", what=what))
        rig.send(delivery)
        await rig.idle()
        rig.bring_back(delivery.id)
        await rig.idle()
        for request in receiver.requests:
            assert request.headers.get("x-loop-signature") != sign(request.body, rig.shop.settings.secret)
            assert (request.body == body) == (what not in ("body", "reserialised"))
            assert "id" in json.loads(request.body)
        # What is recorded is what was sent.
        sent = [request.body.decode() for request in receiver.requests]
        assert [attempt.request_body for attempt in rig.attempts(delivery.id)] == sent
        assert [entry["request_body"] for entry in rig.entries()] == sent

    play(story)


def test_a_dropped_delivery_is_never_sent_and_the_journal_says_so(play: Play) -> None:
    async def story(rig: Rig) -> None:
        receiver = await rig.receiver()
        rig.subscribe(receiver.url)
        dropped = rig.queue(b"1", fault=fault("drop"))
        rig.send(dropped, rig.queue(b"2"))
        await rig.idle()
        assert receiver.bodies == [b"2"]
        assert (rig.now(dropped.id).state, rig.attempts(dropped.id)) == ("dropped", [])
        (entry,) = [entry for entry in rig.entries() if entry["delivery_id"] == dropped.id]
        assert entry["fault"] == "drop"
        assert "attempt" not in entry
        assert "Never sent" in entry["note"]

    play(story)


@pytest.mark.parametrize("kind", ["drop", "tamper", "duplicate", "delay", "swap"])
def test_a_resend_is_spared_by_faults(play: Play, kind: str) -> None:
    async def story(rig: Rig) -> None:
        receiver = await rig.receiver()
        rig.subscribe(receiver.url)
        delivery = rig.queue(b'{"id":41}', fault=fault(kind))
        answer = rig.worker.resend(rig.shop, delivery.id)
        assert answer is not None
        await answer
        (request,) = receiver.requests
        assert request.headers["x-loop-signature"] == sign(b'{"id":41}', rig.shop.settings.secret)
        assert rig.now(delivery.id).state == "delivered"
        assert "fault" not in rig.entries()[0]

    play(story)
