"""Ship by Loop: the portal asks by webhooks, the partner answers by calls, and whoever is late is passed over."""

from __future__ import annotations

from typing import Any

import pytest

from loopsim.domain.ship_by_loop import LIFECYCLE

Shop = Any
SERVICES = {
    "services": [
        {"id": "air", "name": "Air", "price": {"amount": 1500, "currency_code": "USD"}},
        {"id": "ground", "name": "Ground", "carrier": "UPS", "price": {"amount": 690, "currency_code": "USD"}},
    ]
}
ORDER = {"id": "o-1", "carrier": "UPS", "tracking_number": "1Z9", "label_url": "https://labels.example/1.pdf"}
TOPIC = "ship-by-loop"


@pytest.fixture
def asked(shop: Shop) -> tuple[Shop, int, int]:
    """A shop whose portal has just asked: the return's id and the shipment's."""
    shop.call("createSubscription", {"topic": TOPIC, "url": "http://127.0.0.1:1/hook"})
    return_id = shop.submit()["id"]
    shipment = shop.act("customerShipsByLoop", return_id=return_id)["shipment"]
    return shop, return_id, shipment["id"]


def state(shop: Shop) -> str:
    return str(shop.call("listShipByLoop").body["shipments"][-1]["state"])


def labels(shop: Shop, return_id: int) -> list[str]:
    return [label.tracking_number for label in shop.return_(return_id).labels]


def test_from_services_to_a_label_and_its_end(asked: tuple[Shop, int, int]) -> None:
    shop, return_id, id_ = asked
    ((trigger, payload),) = shop.heard()
    assert (trigger, payload["shipment_id"], payload["return_id"]) == (
        "ship-by-loop.services.requested", id_, return_id,
    )  # fmt: skip
    assert (payload["service"], payload["order"]) == (None, None)

    answer = shop.call("offerShipmentServices", SERVICES, shipmentId=id_)
    assert (answer.status, answer.body) == (200, {"shipment_id": id_, "status": "offered"})
    assert shop.heard() == []
    shop.advance(seconds=5)
    ((trigger, payload),) = shop.heard()
    assert (trigger, payload["service"]["id"]) == ("ship-by-loop.purchase.requested", "ground")

    assert shop.call("confirmShipmentOrder", {"id": "o-1"}, shipmentId=id_).status == 422
    assert shop.call("confirmShipmentOrder", ORDER, shipmentId=id_).status == 200
    assert labels(shop, return_id) == []
    shop.advance(seconds=5)
    assert labels(shop, return_id) == ["1Z9"]
    assert shop.return_(return_id).labels[0].rate == 690

    shop.act("customerShipsByLoop", return_id=return_id, cancel=True)
    ((trigger, payload),) = shop.heard()
    assert (trigger, payload["order"]["id"]) == ("ship-by-loop.cancellation.requested", "o-1")
    assert shop.call("confirmShipmentOrder", {}, shipmentId=id_).body["status"] == "cancelled"


@pytest.mark.parametrize("answers", [0, 1])
def test_whoever_does_not_answer_in_time_is_passed_over_silently(asked: tuple[Shop, int, int], answers: int) -> None:
    shop, return_id, id_ = asked
    if answers:
        shop.call("offerShipmentServices", SERVICES, shipmentId=id_)
        shop.advance(seconds=5)
    shop.heard()
    shop.advance(seconds=59)
    assert state(shop) == ("purchase_requested" if answers else "services_requested")
    shop.advance(seconds=1)
    assert state(shop) == "fell_back"
    assert shop.heard() == []
    late = shop.call("confirmShipmentOrder" if answers else "offerShipmentServices", ORDER | SERVICES, shipmentId=id_)
    assert (late.status, late.body["code"]) == (422, "SHIPMENT_NOT_OPEN")
    # Loop makes a label as for any other return.
    assert len(labels(shop, return_id)) == 1


def test_the_journal_tells_what_nobody_tells_the_partner(asked: tuple[Shop, int, int]) -> None:
    shop, return_id, _ = asked
    shop.advance(seconds=60)
    shop.shop.journal.flush()
    moves = [each for each in shop.shop.journal.read() if each.get("entity") == "shipment"]
    assert [(each["action"], each["to"], each["return_id"]) for each in moves] == [
        ("ask", "services_requested", return_id), ("give_up", "fell_back", return_id),
    ]  # fmt: skip


def test_an_error_is_answered_with_loops_own_label(asked: tuple[Shop, int, int]) -> None:
    shop, return_id, id_ = asked
    reply = shop.call("reportShipmentError", {"reason": "NO_SERVICE"}, shipmentId=id_)
    assert reply.body == {"shipment_id": id_, "status": "fell_back"}
    shop.advance(seconds=1)
    assert len(labels(shop, return_id)) == 1


def test_a_cancellation_may_fail_or_be_ignored(asked: tuple[Shop, int, int]) -> None:
    shop, return_id, id_ = asked
    shop.call("offerShipmentServices", SERVICES, shipmentId=id_)
    shop.advance(seconds=5)
    shop.call("confirmShipmentOrder", ORDER, shipmentId=id_)
    shop.advance(seconds=5)
    shop.act("customerShipsByLoop", return_id=return_id, cancel=True)
    assert shop.call("reportShipmentError", {"reason": "TOO_LATE"}, shipmentId=id_).body["status"] == "purchased"
    shop.act("customerShipsByLoop", return_id=return_id, cancel=True)
    shop.advance(seconds=60)
    assert state(shop) == "cancelled"


def test_what_is_not_asked_for_is_refused(asked: tuple[Shop, int, int]) -> None:
    shop, return_id, id_ = asked
    assert shop.call("confirmShipmentOrder", ORDER, shipmentId=id_).body["code"] == "SHIPMENT_NOT_OPEN"
    assert shop.call("offerShipmentServices", {"services": []}, shipmentId=id_).status == 422
    assert shop.call("offerShipmentServices", SERVICES, shipmentId=id_ + 1).status == 404
    assert shop.call("customerShipsByLoop", {"return_id": return_id}).status == 409
    assert shop.call("customerShipsByLoop", {"return_id": return_id, "cancel": True}).status == 409


def test_the_webhooks_api_knows_nothing_of_it(asked: tuple[Shop, int, int]) -> None:
    shop, _, _ = asked
    assert shop.call("listWebhooks").body == {"webhooks": []}
    subscriptions = shop.call("listSubscriptions").body["subscriptions"]
    assert {each["topic"] for each in subscriptions} == {TOPIC}
    assert shop.call("deleteWebhook", id=subscriptions[0]["id"]).status == 404


def test_every_state_is_reached_and_known() -> None:
    reached = {state for steps in LIFECYCLE.values() for state in steps.values()}
    assert reached | {"none"} == set(LIFECYCLE)
