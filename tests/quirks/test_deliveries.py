"""How webhooks are delivered: order, retries, secrets, and bytes that stay."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest

from tests.quirks.bench import Answer, Bench, Received, signature
from tests.quirks.catalogue import shows
from tests.quirks.conftest import OpenShop

CREATED = ("return", "return.created")
UPDATED = ("return", "return.updated")
FAILS, WORKS = Answer(500), Answer()


def attempts(shop: Bench) -> list[Any]:
    """The attempts of the one delivery."""
    (delivery,) = shop.control.deliveries()
    found: list[Any] = shop.control.delivery(delivery["id"])["attempts"]
    return found


def state(shop: Bench) -> str:
    """What became of the one delivery."""
    shop.settle()
    (delivery,) = shop.control.deliveries()
    return str(delivery["state"])


def gaps(shop: Bench) -> list[float]:
    """Seconds of the shop's time between the attempts of the one delivery."""
    moments = [datetime.fromisoformat(attempt["at"]) for attempt in attempts(shop)]
    return [(late - early).total_seconds() for early, late in pairwise(moments)]


def until_idle(shop: Bench) -> None:
    """Let time pass until nothing is retried any more. In-store returns have no other timers."""
    shop.settle()
    shop.control.clock.advance(until_idle=True)
    shop.settle()


def fail_once(shop: Bench, answer: Answer = FAILS) -> None:
    """A return whose `return.created` is answered so, whenever it comes."""
    shop.receiver.answers(answer)
    shop.listen(CREATED)
    shop.submit(method="in_store")
    shop.settle()


# secrets


@shows("secret-shared")
def test_the_webhooks_of_a_shop_share_one_secret(shop: Bench) -> None:
    shop.listen(CREATED, ("label", "label.created"))
    shop.submit()
    shop.advance(5)

    heard = shop.heard()

    assert len(heard) == 2
    for each in heard:
        assert each.headers["x-loop-signature"] == signature(each.body, shop.control.secret)


@shows("signed-when-sent")
def test_a_retry_is_signed_with_the_secret_of_its_own_moment(shop: Bench) -> None:
    shop.receiver.answers(FAILS, WORKS)
    shop.listen(CREATED)
    shop.submit(method="in_store")
    shop.settle()
    old = shop.control.secret
    shop.control.rotate_secret()
    shop.advance(60)

    first, second = shop.heard()

    assert shop.control.secret != old
    assert first.headers["x-loop-signature"] == signature(first.body, old)
    assert second.headers["x-loop-signature"] == signature(second.body, shop.control.secret)


# bytes


@shows("payload-at-event")
def test_retry_and_resend_send_the_bytes_made_at_the_event(shop: Bench) -> None:
    shop.receiver.answers(FAILS, WORKS)
    shop.listen(CREATED)
    return_id = shop.submit(method="in_store")
    shop.settle()
    shop.act(return_id, "close")
    shop.advance(60)
    shop.settle()
    shop.control.resend(shop.control.deliveries()[0]["id"])

    bodies = [each.body for each in shop.heard()]

    assert len(bodies) == 3
    assert len(set(bodies)) == 1
    assert b'"state":"open"' in bodies[0]
    assert shop.details(return_id)["state"] == "closed"


# order


@shows("first-in-order")
def test_first_attempts_leave_in_order_and_one_at_a_time(shop: Bench) -> None:
    under_way, overlap, lock = [0], threading.Event(), threading.Lock()

    def answer(_received: Received) -> Answer:
        with lock:
            under_way[0] += 1
            if under_way[0] > 1:
                overlap.set()
        overlap.wait(0.1)
        with lock:
            under_way[0] -= 1
        return WORKS

    shop.receiver.answer = answer
    shop.listen(UPDATED)
    return_id = shop.submit(method="in_store")
    for number in range(3):
        shop.control.staff.flags(return_id=return_id)
        shop.advance(number + 1)
        shop.control.staff.unflags(return_id=return_id)

    times = [each.json["updated_at"] for each in shop.heard()]

    assert len(times) == 6
    assert times == sorted(times)
    assert not overlap.is_set(), "a second was on its way before the first was answered"


@shows("retry-holds-nothing")
def test_a_retry_holds_nothing_back_and_so_comes_late(shop: Bench) -> None:
    shop.receiver.answers(FAILS, WORKS)
    shop.listen(UPDATED)
    return_id = shop.submit(method="in_store")
    shop.act(return_id, "flag")
    shop.settle()
    shop.act(return_id, "close")
    assert [each.json["state"] for each in shop.heard()] == ["open", "closed"]

    shop.advance(60)

    assert [each.json["state"] for each in shop.heard()] == ["open", "closed", "open"]


# retries


@shows("retry-six")
def test_after_six_attempts_it_is_given_up(shop: Bench) -> None:
    fail_once(shop)
    until_idle(shop)

    assert len(shop.heard()) == 6
    assert (state(shop), len(attempts(shop))) == ("failed", 6)


@shows("retry-backoff")
def test_the_waits_double_from_half_a_minute_give_or_take_a_fifth(shop: Bench) -> None:
    fail_once(shop)
    until_idle(shop)

    waits = gaps(shop)

    assert len(waits) == 5
    for number, wait in enumerate(waits):
        assert 0.8 * 30 * 2**number <= wait <= 1.2 * 30 * 2**number
    assert len({round(wait / 2**number, 2) for number, wait in enumerate(waits)}) > 1, "with jitter"


@shows("retry-after")
@pytest.mark.parametrize("seconds", [1, 90, 1800])
def test_retry_after_is_honoured_up_to_half_an_hour(shop: Bench, seconds: int) -> None:
    shop.receiver.answers(Answer(429, {"Retry-After": str(seconds)}), WORKS)
    shop.listen(CREATED)
    shop.submit(method="in_store")
    until_idle(shop)

    assert gaps(shop) == [seconds]
    assert state(shop) == "delivered"


@shows("retry-after-fatal")
@pytest.mark.parametrize("seconds", [1801, 86400])
def test_a_longer_retry_after_ends_the_delivery(shop: Bench, seconds: int) -> None:
    fail_once(shop, Answer(503, {"Retry-After": str(seconds)}))

    assert (state(shop), len(shop.heard())) == ("failed", 1)


@pytest.fixture
def dead_url() -> str:
    """Where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}/"


@pytest.fixture
def silent_url() -> Iterator[str]:
    """Where connections are taken and never answered."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"


@shows("retry-statuses")
@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_these_statuses_are_retried(shop: Bench, status: int) -> None:
    fail_once(shop, Answer(status))
    shop.receiver.answers(WORKS)
    shop.advance(60)

    assert (state(shop), len(shop.heard())) == ("delivered", 2)


@shows("retry-statuses")
@pytest.mark.parametrize("where", ["dead_url", "silent_url"])
def test_refused_connections_and_silence_are_retried(
    open_shop: OpenShop, request: pytest.FixtureRequest, where: str
) -> None:
    shop = open_shop(delivery_timeout=100)
    (webhook,) = shop.listen(CREATED, url=request.getfixturevalue(where))
    shop.submit(method="in_store")
    assert state(shop) == "queued"
    shop.control.update(delivery_timeout=10_000)
    shop.control.update_subscription(webhook, url=shop.receiver.url)
    shop.advance(60)

    assert (state(shop), len(shop.heard())) == ("delivered", 1)


@shows("retry-not-4xx")
@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 410, 413, 422])
def test_other_4xx_are_not_retried(shop: Bench, status: int) -> None:
    fail_once(shop, Answer(status))

    assert state(shop) == "failed"
    until_idle(shop)
    assert len(shop.heard()) == 1


@shows("attempt-10s")
def test_an_attempt_has_ten_seconds_unless_the_shop_says_otherwise(open_shop: OpenShop, silent_url: str) -> None:
    usual, hasty = open_shop(), open_shop(delivery_timeout=150)
    hasty.listen(CREATED, url=silent_url)
    hasty.submit(method="in_store")
    hasty.settle()

    assert usual.control.view()["delivery_timeout"] == 10_000
    (attempt,) = attempts(hasty)
    assert attempt["error"] == "timeout"
    assert 100 < attempt["duration_ms"] < 5_000


@shows("never-deactivated")
def test_a_webhook_stays_active_however_often_it_fails(shop: Bench) -> None:
    fail_once(shop, Answer(410))
    for _ in range(12):
        shop.submit(method="in_store")
    shop.settle()

    assert len(shop.receiver.got) == 13
    (webhook,) = shop.get("/webhooks").json["webhooks"]
    assert webhook["status"] == "active"
