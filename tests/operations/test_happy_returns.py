"""Happy Returns: dropped off, looked at, sent in boxes; and the two kinds of ids on neighbouring paths."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

Shop = Any


@pytest.fixture
def shop(open_shop: Any) -> Shop:
    shop = open_shop(carrier="manual")
    shop.subscribe()
    return shop


def dropped(shop: Shop, *outcomes: str) -> int:
    id_ = int(shop.submit(*outcomes, method="happy_returns")["id"])
    shop.act("customerDropsOff", return_id=id_)
    return id_


def test_a_drop_off_gives_the_bag_a_barcode_and_leads_to_the_refund_twelve_hours_later(shop: Shop) -> None:
    id_ = shop.submit(method="happy_returns")["id"]
    assert shop.triggers() == ["return.created"]
    shop.advance(days=3)
    assert shop.heard() == []  # no label, no expiry
    shop.act("customerDropsOff", return_id=id_)
    ((trigger, told),) = shop.heard()
    assert (trigger, told["return_method"]["state"]) == ("return.updated", "in_transit")
    assert told["package_reference"].startswith("HRB")
    shop.advance(hours=12)
    told = [payload for trigger, payload in shop.heard() if trigger == "return.updated"]
    assert told[0]["return_method"]["state"] == "delivered"
    assert told[0]["state"] == "open"
    shop.advance(seconds=2)
    assert shop.return_(id_).state == "closed"


def test_a_bag_is_dropped_off_once_and_only_by_happy_returns(shop: Shop) -> None:
    id_ = dropped(shop)
    assert shop.call("customerDropsOff", {"return_id": id_}).refusal == "nothing_to_drop_off"
    parcel = shop.submit()["id"]
    assert shop.call("customerDropsOff", {"return_id": parcel}).refusal == "nothing_to_drop_off"
    cancelled = shop.submit(method="happy_returns")["id"]
    shop.call("cancelReturn", id=cancelled)
    assert shop.call("customerDropsOff", {"return_id": cancelled}).refusal == "unprocessable"


def test_cancelling_calls_off_a_drop_off_that_has_not_happened(shop: Shop) -> None:
    ids = [shop.submit(method="happy_returns")["id"], dropped(shop), shop.submit(method="in_store")["id"]]
    shop.heard()
    for id_ in ids:
        shop.call("cancelReturn", id=id_)
    told = [payload["return_method"]["state"] for _, payload in shop.heard()]
    assert told == ["canceled", "in_transit", "canceled"]
    assert shop.call("getReturnDetails", query={"return_id": ids[0]}).body["return_method"]["state"] == "canceled"


@pytest.mark.parametrize("stop", ["flag", "disabled", "close"])
def test_what_stops_processing_stops_it_here_too(stop: str, open_shop: Any) -> None:
    shop = open_shop(processing_event="disabled" if stop == "disabled" else "delivered")
    id_ = dropped(shop)
    if stop == "flag":
        shop.call("flagReturn", id=id_)
    if stop == "close":
        shop.call("closeReturn", id=id_)
    shop.advance(days=2)
    assert shop.return_(id_).state == ("closed" if stop == "close" else "open")
    assert shop.return_(id_).return_method.state == "delivered"
    assert "refund" not in shop.ledger(id_)


def test_items_handed_over_in_a_store_have_arrived(open_shop: Any) -> None:
    shop = open_shop(processing_event="disabled")
    id_ = shop.submit(method="in_store")["id"]
    shop.act("customerDropsOff", return_id=id_)
    assert shop.return_(id_).return_method.state == "delivered"
    shop.advance(days=1)
    assert shop.return_(id_).state == "open"
    shop = open_shop()
    id_ = shop.submit(method="in_store")["id"]
    shop.advance(seconds=2)
    assert shop.return_(id_).state == "closed"


def test_boxes_leave_on_tuesdays_and_fridays_at_noon(shop: Shop) -> None:
    """The story begins on Monday, 1 June 2026, at nine."""
    first, second = dropped(shop, "refund", "credit"), dropped(shop)
    shop.heard()
    shop.run(datetime(2026, 6, 2, 11, 59, 59, tzinfo=UTC))
    assert "shipment.processed" not in shop.triggers()
    shop.run(datetime(2026, 6, 2, 12, tzinfo=UTC))
    told = shop.heard()
    assert [trigger for trigger, _ in told] == ["return.updated", "return.updated", "shipment.processed"]
    assert told[0][1]["happy_returns_shipment_id"] == told[2][1]["happy_returns_shipment_id"]
    late = dropped(shop)
    shop.heard()
    shop.run(datetime(2026, 6, 5, 12, tzinfo=UTC))
    assert shop.triggers()[-1] == "shipment.processed"
    shipments = shop.call("listHappyReturnsShipments", query={"from": "2026-06-01", "to": "2026-06-06"}).body
    counted = [(each["return_count"], each["line_item_count"]) for each in shipments["data"]]
    assert counted == [(2, 3), (1, 1)]
    ids = [shop.return_(id_).happy_returns_shipment_id for id_ in (first, second, late)]
    assert ids[0] == ids[1] != ids[2]


def test_boxes_leave_when_somebody_says_so_and_only_with_something_in_them(shop: Shop) -> None:
    assert shop.call("happyReturnsShips", {}).refusal == "nothing_to_ship"
    dropped(shop)
    shipped = shop.call("happyReturnsShips", {}).body
    assert (shipped["return_count"], shipped["line_item_count"]) == (1, 1)
    assert shop.call("happyReturnsShips", {}).refusal == "nothing_to_ship"
    shop.heard()
    shop.advance(days=7)
    assert "shipment.processed" not in shop.triggers()


def test_a_shipment_is_found_by_their_id_and_its_items_by_loop_s(shop: Shop) -> None:
    id_ = dropped(shop, "refund", "refund")
    shipped = shop.call("happyReturnsShips", {}).body
    theirs, ours = shipped["happy_returns_shipment_id"], shipped["loop_shipment_id"]
    shipment = shop.call("getHappyReturnsShipment", happy_returns_shipment_id=theirs).body
    assert (shipment["loop_shipment_id"], shipment["created_at"]) == (ours, "2026-06-01T09:00:00+00:00")
    page = shop.call("listHappyReturnsShipmentItems", id=ours).body
    assert (page["total"], page["per_page"], page["next_page_url"]) == (2, 200, None)
    assert page["path"] == f"http://127.0.0.1:8484/api/v1/happy-returns/shipments/{ours}/items"
    item, return_ = page["data"][0], shop.return_(id_)
    assert (item["return_id"], item["shipment_id"], item["happy_returns_shipment_id"]) == (id_, ours, theirs)
    assert item["happy_returns_return_bag_barcodes"] == [return_.package_reference]
    assert item["happy_returns_rma_id"] == return_.return_method.rma_id
    assert item["sku"] == return_.lines[0].sku


@pytest.mark.parametrize(
    ("operation", "path"),
    [("getHappyReturnsShipment", {"happy_returns_shipment_id": "nope"}), ("listHappyReturnsShipmentItems", {"id": 5}),
     ("listHappyReturnsShipmentItems", {"id": "abc"}), ("listHappyReturnsShipmentItems", {"id": 10**30})],
)  # fmt: skip
def test_an_unknown_shipment_is_not_found(operation: str, path: Any, shop: Shop) -> None:
    reply = shop.call(operation, **path)
    assert (reply.status, reply.body) == (404, {"code": "NOT_FOUND", "message": "The shipment could not be found."})


def test_shipments_of_the_last_24_hours_unless_asked_otherwise(shop: Shop) -> None:
    dropped(shop)
    shop.call("happyReturnsShips", {})
    listed = shop.call("listHappyReturnsShipments").body
    assert (listed["total"], listed["from"], listed["to"]) == (1, 1, 1)
    assert listed["first_page_url"].startswith("http://127.0.0.1:8484/api/v1/happy-returns/shipments/list?")
    shop.advance(hours=25)
    assert shop.call("listHappyReturnsShipments").body["total"] == 0
    edge = {"from": "2026-06-01T09:00:00Z", "to": "2026-06-01T09:00:00Z"}
    assert shop.call("listHappyReturnsShipments", query=edge).body["total"] == 1
    assert shop.call("listHappyReturnsShipments", query={**edge, "page": "7"}).body["data"] == []
    reply = shop.call("listHappyReturnsShipments", query={"from": "soon", "to": "later"})
    assert (reply.status, list(reply.body["errors"])) == (422, ["from", "to"])
