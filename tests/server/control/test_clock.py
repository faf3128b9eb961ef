"""A shop's clock through the control API, with a partner that listens and calls back."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from loopsim.bootstrap import Running
from loopsim.client import ControlError, Shop
from loopsim.errors import Invalid
from loopsim.server.control.spans import moment_ms, span_ms
from tests.server.control.conftest import MOMENT, Receiver, call_loop

DAY_MS = 86_400_000


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("90s", 90_000),
        ("2h", 7_200_000),
        ("14d", 14 * DAY_MS),
        ("1d12h", int(1.5 * DAY_MS)),
        ("1 d 12 h", int(1.5 * DAY_MS)),
        ("2w", 14 * DAY_MS),
        ("P14D", 14 * DAY_MS),
        ("P2W", 14 * DAY_MS),
        ("PT2H", 7_200_000),
        ("P1DT0.5S", DAY_MS + 500),
        ("30", 30_000),
        (1.5, 1500),
        (0, 0),
    ],
)
def test_lengths_of_time_are_read_as_people_write_them(text: str | float, ms: int) -> None:
    assert span_ms("by", text) == ms


@pytest.mark.parametrize("text", ["", "soon", "5y", "P", "PT", "-1h", -1, "nan", float("nan"), "inf", "200000d"])
def test_other_lengths_are_refused(text: Any) -> None:
    with pytest.raises(Invalid) as refused:
        span_ms("by", text)
    assert list(refused.value.fields) == ["by"]


@pytest.mark.parametrize("text", ["tomorrow", "1969-12-31T23:59:59Z", "9999-01-01T00:00:00Z", "2026-13-01T00:00:00Z"])
def test_moments_out_of_range_are_refused(text: str) -> None:
    with pytest.raises(Invalid):
        moment_ms("to", text)


def test_a_manual_clock_stands_still_until_it_is_moved(shop: Shop) -> None:
    assert shop.clock.now == shop.clock.now == MOMENT
    assert shop.clock.advance(by="1d12h")["now"] == "2026-06-02T21:00:00.000Z"
    assert shop.clock.advance(to="2026-06-03T00:00:00+02:00")["now"] == "2026-06-02T22:00:00.000Z"
    assert shop.clock.now == "2026-06-02T22:00:00.000Z"


def test_the_clock_tells_what_is_due_next(shop: Shop) -> None:
    assert shop.clock.read()["next"] == []
    made = shop.customer.submits_return()
    (timer,) = shop.clock.read()["next"]
    assert timer == {"kind": "label.make", "due": "2026-06-01T09:00:04.000Z", "entity": made["id"]}
    advanced = shop.clock.advance(next_event=True)
    assert (advanced["now"], advanced["timers_run"], advanced["stopped"]) == (timer["due"], 1, "goal")
    assert len(shop.get_return(made["id"])["labels"]) == 1


def test_a_return_lives_its_life_until_nothing_is_left_to_come(shop: Shop) -> None:
    made = shop.customer.submits_return()
    assert shop.clock.advance(until_idle=True)["stopped"] == "idle"
    assert shop.get_return(made["id"])["state"] == "closed"
    assert shop.clock.read()["timers"] == 0


def test_there_is_nothing_to_go_to_without_an_event(shop: Shop) -> None:
    assert shop.clock.advance(next_event=True)["stopped"] == "nothing"


@pytest.mark.parametrize("asked", [{}, {"by": "1d", "next_event": True}, {"by": "1d", "until_idle": True}])
def test_an_advance_has_exactly_one_goal(shop: Shop, asked: dict[str, Any]) -> None:
    with pytest.raises(ControlError) as refused:
        shop.clock.advance(**asked)
    assert refused.value.problem["errors"] == {"body": ["Say exactly one of by, to, next_event, until_idle."]}


def test_time_does_not_go_back(shop: Shop) -> None:
    for move in (
        lambda: shop.clock.advance(to="2026-05-31T00:00:00Z"),
        lambda: shop.clock.set("manual", at="2026-05-31T00:00:00Z"),
    ):
        with pytest.raises(ControlError) as refused:
            move()
        assert (refused.value.status, refused.value.code) == (409, "clock_backwards")


def test_a_partner_that_answers_a_webhook_with_a_call_does_so_at_that_moment(shop: Shop, receiver: Receiver) -> None:
    def answer(payload: dict[str, Any]) -> int:
        if payload["topic"] == "label" and payload["label_status"] == "delivered":
            call_loop(shop, f"/warehouse/return/{payload['id']}/process", "POST")
        return 200

    shop.update(policy={"processing_event": "disabled"})
    shop.subscribe(receiver.url, "label")
    receiver.answer = answer
    made = shop.customer.submits_return()
    shop.clock.advance(by="28d")
    entries = shop.journal(limit=10_000)["entries"]
    called = [entry["at"] for entry in entries if entry["kind"] == "call"]
    delivered = [entry["at"] for entry in entries if entry["kind"] == "delivery"][-1]
    assert called == [delivered]
    assert shop.get_return(made["id"])["state"] == "closed"


def test_settling_waits_for_what_is_being_delivered(shop: Shop, receiver: Receiver) -> None:
    may_answer = threading.Event()

    def answer(_payload: dict[str, Any]) -> int:
        return 200 if may_answer.wait(10) else 500

    receiver.answer = answer
    shop.subscribe(receiver.url, "return", "return.created")
    shop.customer.submits_return()
    early = shop.settle(timeout=0.05)
    assert (early["settled"], early["open"]) == (False, 1)
    may_answer.set()
    assert shop.settle() == {"settled": True, "open": 0, "waiting": 0}
    assert [delivery["state"] for delivery in shop.deliveries()] == ["delivered"]


def test_an_advance_is_interrupted_from_elsewhere(shop: Shop, receiver: Receiver) -> None:
    arrived, may_answer = threading.Event(), threading.Event()

    def answer(_payload: dict[str, Any]) -> int:
        arrived.set()
        may_answer.wait(10)
        return 200

    receiver.answer = answer
    shop.subscribe(receiver.url, "label", "label.created")
    shop.customer.submits_return()
    answers: list[Any] = []
    advance = threading.Thread(target=lambda: answers.append(shop.clock.advance(by="10d")))
    advance.start()
    assert arrived.wait(10)
    assert shop.clock.read()["advancing"]
    for busy in (lambda: shop.clock.advance(by="1d"), lambda: shop.clock.set("real")):
        with pytest.raises(ControlError) as refused:
            busy()
        assert (refused.value.status, refused.value.code) == (409, "clock_busy")
    shop.clock.interrupt()
    advance.join(10)
    may_answer.set()
    assert answers == [{"now": "2026-06-01T09:00:04.000Z", "timers_run": 1, "deliveries": 1, "stopped": "interrupted"}]
    assert shop.settle()["settled"]


def test_without_waiting_an_advance_runs_straight_through(shop: Shop, receiver: Receiver) -> None:
    may_answer = threading.Event()
    receiver.answer = lambda _payload: 200 if may_answer.wait(10) else 500
    shop.subscribe(receiver.url)
    shop.customer.submits_return()
    advanced = shop.clock.advance(by="28d", wait=False)
    assert advanced["stopped"] == "goal"
    assert advanced["deliveries"] > 3
    may_answer.set()
    assert shop.settle()["settled"]


def test_a_clock_changes_its_mode_and_keeps_its_time(shop: Shop) -> None:
    clock = shop.clock.set("real", at="2026-06-05T00:00:00Z")
    assert clock["mode"] == "real"
    assert clock["now"].startswith("2026-06-05T00:00:0")
    with pytest.raises(ControlError, match="rate"):
        shop.clock.set("scaled")
    assert shop.clock.set("scaled", rate=3600)["rate"] == 3600
    stands = shop.clock.set("manual")["now"]
    assert shop.clock.now == stands


def test_a_clock_that_is_set_forward_runs_what_is_due_on_the_way(shop: Shop) -> None:
    made = shop.customer.submits_return()
    shop.clock.set("manual", at="2026-08-01T00:00:00Z")
    closed = shop.get_return(made["id"])
    assert closed["state"] == "closed"
    assert shop.clock.now == "2026-08-01T00:00:00.000Z"


def test_a_clock_that_runs_fast_is_set_to_the_very_moment(shop: Shop) -> None:
    # So often that a millisecond of the wall goes by in the middle of one.
    for year in range(2030, 2070):
        shop.clock.set("scaled", rate=1_000_000)
        assert shop.clock.set("manual", at=f"{year}-08-01T00:00:00Z")["now"] == f"{year}-08-01T00:00:00.000Z"


def test_a_clock_that_cannot_be_written_down_stays_as_it_was(shop: Shop, running: Running) -> None:
    connection = running.runtime.world.shop(shop.name).connection
    connection.execute("pragma query_only = on")
    try:
        with pytest.raises(ControlError, match="500"):
            shop.clock.set("real")
    finally:
        connection.execute("pragma query_only = off")
    assert shop.clock.read()["mode"] == "manual"


def test_a_moment_that_is_past_leaves_the_clock_running(shop: Shop) -> None:
    shop.clock.set("scaled", rate=1_000)
    with pytest.raises(ControlError, match="2020"):
        shop.clock.set("manual", at="2020-08-01T00:00:00Z")
    assert (shop.clock.read()["mode"], shop.clock.read()["rate"]) == ("scaled", 1_000)


def test_the_next_event_on_a_scaled_clock_comes_by_itself(shop: Shop) -> None:
    made = shop.customer.submits_return()
    shop.clock.set("scaled", rate=1_000_000)
    shop.subscribe("http://127.0.0.1:9/none", "return", "return.closed")
    after, closed = 0, False
    while not closed:
        page = shop.journal(after=after, wait=10)
        assert page["entries"], "the scaled clock stands still"
        after = page["last_id"]
        closed = shop.get_return(made["id"])["state"] == "closed"
