"""Subscriptions, secrets, faults and deliveries through the control API."""

from __future__ import annotations

import pytest

from loopsim.bootstrap import Running
from loopsim.client import ControlError, Shop
from loopsim.domain.events import SHIP_TOPIC, SHIP_TRIGGERS, TOPICS, TRIGGERS
from loopsim.domain.faults import AnswerFault, DeliveryFault
from loopsim.operations.control.subscriptions import NATURAL
from tests.server.control.conftest import Receiver, call_loop

# subscriptions


def test_a_receiver_hears_everything_with_one_call(shop: Shop) -> None:
    made = shop.subscribe("http://127.0.0.1:9/hook")
    assert {(each["topic"], each["trigger"]) for each in made} == {(t, g) for t in TOPICS for g in NATURAL[t]}
    assert shop.subscriptions() == made


def test_naming_topic_or_trigger_narrows_it(shop: Shop) -> None:
    url = "http://127.0.0.1:9/hook"
    assert [each["trigger"] for each in shop.subscribe(url, "label")] == ["label.created", "label.updated"]
    assert [each["topic"] for each in shop.subscribe(url, trigger="return.closed")] == ["return"]
    (odd,) = shop.subscribe(url, "return", "label.created", "inactive")
    assert (odd["topic"], odd["trigger"], odd["status"]) == ("return", "label.created", "inactive")


def test_a_shop_can_be_made_with_its_receiver(shop: Shop) -> None:
    made = shop.server.create_shop(webhook={"url": "http://127.0.0.1:9/hook"}, clock={"mode": "manual"})
    assert len(made.subscriptions()) == len(TRIGGERS)
    made.delete()


def test_a_subscription_is_the_one_that_loops_api_shows(shop: Shop) -> None:
    (made,) = shop.subscribe("http://127.0.0.1:9/hook", "return", "return.created")
    (seen,) = call_loop(shop, "/webhooks")["webhooks"]
    assert {name: seen[name] for name in ("id", "topic", "trigger", "url", "status")} == {
        name: made[name] for name in ("id", "topic", "trigger", "url", "status")
    }


def test_a_subscription_is_changed_and_deleted(shop: Shop) -> None:
    (made,) = shop.subscribe("http://127.0.0.1:9/hook", "return", "return.created")
    changed = shop.update_subscription(made["id"], status="inactive", url="http://127.0.0.1:9/other")
    assert changed == made | {"status": "inactive", "url": "http://127.0.0.1:9/other"}
    shop.unsubscribe(made["id"])
    assert shop.subscriptions() == []
    for gone in (lambda: shop.unsubscribe(made["id"]), lambda: shop.update_subscription(made["id"])):
        with pytest.raises(ControlError) as refused:
            gone()
        assert refused.value.code == "webhook_not_found"


def test_natural_pairs_are_those_of_the_contract(running: Running) -> None:
    webhooks = running.runtime.contract.document("loop")["webhooks"].values()
    declared = {each["post"]["x-topic"]: tuple(each["post"]["x-triggers"]) for each in webhooks}
    assert declared == {**NATURAL, SHIP_TOPIC: SHIP_TRIGGERS}


# secrets


def test_a_shops_secret_is_rotated_for_all_its_subscriptions(shop: Shop) -> None:
    shop.subscribe("http://127.0.0.1:9/hook", "label")
    before = shop.secrets()
    assert before["secret"] == shop.secret
    after = shop.rotate_secret()
    assert after["secret"] == shop.secret != before["secret"]
    assert {each["secret"] for each in after["subscriptions"]} == {after["secret"]}


def test_one_subscription_can_get_a_secret_of_its_own(shop: Shop) -> None:
    first, second = shop.subscribe("http://127.0.0.1:9/hook", "label")
    secrets = {each["id"]: each for each in shop.rotate_secret(first["id"])["subscriptions"]}
    assert secrets[first["id"]]["own"]
    assert secrets[first["id"]]["secret"] != secrets[second["id"]]["secret"] == shop.secret


def test_the_quirk_gives_every_subscription_its_own_secret_and_takes_it_away(shop: Shop) -> None:
    shop.subscribe("http://127.0.0.1:9/hook", "label")
    shop.update(quirks={"webhook_secret": "per_webhook"})
    shop.subscribe("http://127.0.0.1:9/hook", "restock")
    own = [each["secret"] for each in shop.secrets()["subscriptions"]]
    assert len({*own, shop.secret}) == 4
    shop.update(quirks={"webhook_secret": "shop"})
    assert {each["secret"] for each in shop.secrets()["subscriptions"]} == {shop.secret}


# faults


def test_a_fault_is_listed_until_it_is_forgotten(shop: Shop) -> None:
    duplicate = shop.fault("duplicate", topic="label", count=None, rate=0.5, params={"copies": 3})
    assert (duplicate["on"], duplicate["rate"], duplicate["count"], duplicate["seen"]) == ("delivery", 0.5, None, 0)
    slow = shop.fault("latency", operation="listReturns", params={"ms": 1})
    assert (slow["on"], slow["count"]) == ("answer", 1)
    assert shop.faults() == [duplicate, slow]
    shop.clear_faults(duplicate["id"])
    assert shop.faults() == [slow]
    shop.clear_faults()
    assert shop.faults() == []
    with pytest.raises(ControlError) as refused:
        shop.clear_faults(slow["id"])
    assert refused.value.code == "fault_not_found"


@pytest.mark.parametrize(
    ("kind", "asked", "field"),
    [
        ("earthquake", {}, "kind"),
        ("duplicate", {"operation": "listReturns"}, "operation"),
        ("latency", {"topic": "label"}, "topic"),
        ("latency", {"operation": "listRetruns"}, "operation"),
        ("latency", {"params": {"copies": 2}}, "params.copies"),
        ("duplicate", {"params": {"copies": 1}}, "params.copies"),
        ("duplicate", {"count": 0}, "count"),
        ("duplicate", {"rate": 2}, "rate"),
    ],
)
def test_a_fault_that_could_never_act_is_refused(shop: Shop, kind: str, asked: dict, field: str) -> None:
    with pytest.raises(ControlError) as refused:
        shop.fault(kind, **asked)
    assert list(refused.value.problem["errors"]) == [field]
    assert shop.faults() == []


def test_a_fault_acts_on_the_next_answer(shop: Shop) -> None:
    from urllib.error import HTTPError

    shop.fault("server_error", operation="listReturns")
    with pytest.raises(HTTPError, match="500"):
        call_loop(shop, "/warehouse/return/list")
    assert call_loop(shop, "/warehouse/return/list") == []
    assert shop.faults()[0]["count"] == 0


def test_the_contract_names_every_kind_of_fault(running: Running) -> None:
    schemas = running.runtime.contract.document("control")["components"]["schemas"]
    assert schemas["FaultKind"]["enum"] == [*DeliveryFault.__args__, *AnswerFault.__args__]
    assert schemas["Topic"]["enum"] == [*TOPICS, SHIP_TOPIC]
    assert schemas["Trigger"]["enum"] == [*TRIGGERS, *SHIP_TRIGGERS]


# deliveries


def test_a_delivery_tells_what_was_sent_and_what_came_back(shop: Shop, receiver: Receiver) -> None:
    shop.subscribe(receiver.url, "return", "return.created")
    made = shop.customer.submits_return()
    assert shop.settle()["settled"]
    (row,) = shop.deliveries(return_id=made["id"])
    assert (row["state"], row["attempt_count"], row["trigger"]) == ("delivered", 1, "return.created")
    shown = shop.delivery(row["id"])
    (attempt,) = shown["attempts"]
    assert shown["delivery"] == row
    assert attempt["request_body"] == shown["payload"]
    assert (attempt["status"], attempt["url"]) == (200, receiver.url)


def test_a_delivery_is_sent_again_with_the_same_bytes(shop: Shop, receiver: Receiver) -> None:
    shop.subscribe(receiver.url, "return", "return.created")
    shop.customer.submits_return()
    shop.settle()
    (row,) = shop.deliveries()
    again = shop.resend(row["id"])
    assert len({attempt["request_body"] for attempt in again["attempts"]}) == 1
    assert len(again["attempts"]) == 2
    assert receiver.received[0] == receiver.received[1]
    with pytest.raises(ControlError) as refused:
        shop.resend(row["id"] + 1)
    assert refused.value.code == "delivery_not_found"


def test_deliveries_are_read_on_from_where_one_stopped(shop: Shop, receiver: Receiver) -> None:
    receiver.answer = lambda payload: 400 if payload["topic"] == "label" else 200
    shop.subscribe(receiver.url)
    shop.customer.submits_return()
    shop.clock.advance(until_idle=True)
    every = shop.deliveries()
    assert shop.deliveries(after=every[1]["id"], limit=2) == every[2:4]
    failed = shop.deliveries(state="failed")
    assert failed
    assert {each["topic"] for each in failed} == {"label"}


def test_what_waits_for_a_retry_is_told_and_comes_with_time(shop: Shop, receiver: Receiver) -> None:
    receiver.answer = lambda _payload: 503 if len(receiver.received) == 1 else 200
    shop.subscribe(receiver.url, "return", "return.created")
    shop.customer.submits_return()
    assert shop.settle() == {"settled": True, "open": 0, "waiting": 1}
    shop.clock.advance(by="1h")
    (row,) = shop.deliveries()
    assert (row["state"], row["attempt_count"]) == ("delivered", 2)
