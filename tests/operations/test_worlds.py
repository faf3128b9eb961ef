"""What the worlds are for: a shop outside Shopify, one whose warehouse inspects, one that exchanges at once."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Driver, OpenShop

MONEY = {"amount": 0, "currency_code": "CAD"}


@pytest.fixture
def outside(open_shop: OpenShop) -> Driver:
    shop = open_shop("outside-shopify", carrier="manual")
    shop.subscribe()
    return shop


def order_named(shop: Driver, name: str) -> Any:
    (order,) = shop.records.orders_named(name)
    return order


def submitted(shop: Driver, order: str, *items: dict[str, Any], **own: Any) -> int:
    return int(shop.act("customerSubmitsReturn", order=order_named(shop, order).id, items=list(items), **own)["id"])


def exchange(variant: str) -> dict[str, Any]:
    return {"outcome": "exchange", "exchange_variant": variant}


def arrives(shop: Driver, id_: int) -> None:
    """The label is made, and the parcel is there."""
    shop.advance(seconds=4)
    shop.heard()
    shop.act("carrierScans", return_id=id_, status="delivered")


def details(shop: Driver, id_: int) -> Any:
    return shop.call("getReturnDetails", query={"return_id": id_}).body


# outside Shopify


def test_outside_shopify_lists_have_loops_own_ids_and_the_merchants(outside: Driver) -> None:
    page = outside.call("listCommerceOrders", query={"limit": 5}).body
    assert [order["external_id"] for order in page["orders"]] == [f"SO-{number}" for number in range(1001, 1006)]
    assert all(order["id"] > 2**53 for order in page["orders"])
    products = outside.call("listProducts", query={"limit": 250}).body["products"]
    assert len(products) == 5
    for product in products:
        variants = outside.call("listProductVariants", productId=product["id"]).body["product_variants"]
        assert all(each["id"] > 2**53 and each["external_id"] == each["sku"] for each in variants)
    id_ = submitted(outside, "N-1001", {"outcome": "refund"})
    (row,) = outside.call("listReturns").body
    assert (row["id"], row["order_number"], row["provider_order_number"]) == (str(id_), "", "")


def test_an_order_made_outside_shopify_has_ids_of_loops_own(outside: Driver) -> None:
    told = {"name": "#1", "status": "active", "taxes_included": False, "total_price": MONEY, "line_items": []}
    ids = []
    for _ in range(3):
        ids.append(outside.call("createOrder", told).body["order"]["id"])
        made = outside.act("ordersMakes", lines=[{"variant": "CUP-RED"}, {"variant": "CUP-WHT"}])["order"]
        ids += [made["id"], *(line["id"] for line in made["line_items"])]
    assert len(set(ids)) == 12
    assert all(id_ > 2**53 for id_ in ids)


def test_outside_shopify_the_merchant_carries_the_outcomes_out(outside: Driver) -> None:
    """Loop says what is due and closes; it refunds nothing, makes no order and moves no stock of its own accord."""
    id_ = submitted(outside, "N-1002", {"outcome": "refund"}, {"outcome": "credit"}, exchange("CUP-RED"))
    arrives(outside, id_)
    outside.advance(seconds=2)
    told = outside.heard()
    assert {"restock.requested", "giftcard.requested", "return.closed"} <= {trigger for trigger, _ in told}
    after = details(outside, id_)
    assert (after["state"], after["exchange_order_id"], after["exchange_order_name"]) == ("closed", [], [])
    assert [(each["exchange_order_id"], each["exchange_order_name"]) for each in after["exchanges"]] == [(None, None)]
    assert [(each["gateway"], each["provider_refund_id"]) for each in after["refunds"]] == [("manual", None)]
    assert after["shopify_refund_object"] == []
    assert outside.ledger() == []


def test_outside_shopify_restock_requests_name_what_the_shop_has(outside: Driver) -> None:
    id_ = submitted(outside, "N-1001", {"outcome": "refund"})
    arrives(outside, id_)
    outside.advance(seconds=2)
    (asked,) = (payload for trigger, payload in outside.heard() if trigger == "restock.requested")
    (item,) = asked["restock_items"]
    line = order_named(outside, "N-1001").lines[0]
    assert (item["variant_id"], item["inventory_management"]) == (line.variant_id, "custom")


# a warehouse that inspects


def test_where_the_warehouse_inspects_nothing_is_processed_before_it_says_so(open_shop: OpenShop) -> None:
    shop = open_shop("warehouse-inspects", carrier="manual")
    shop.subscribe()
    id_ = submitted(shop, "#W1001", {"outcome": "refund"})
    arrives(shop, id_)
    shop.advance(days=14)
    assert (shop.return_(id_).state, shop.ledger(id_)) == ("open", ["return_opened"])
    shop.heard()
    shop.call("processReturn", id=id_)
    shop.advance(seconds=2)
    assert shop.triggers() == ["restock.requested", "return.updated", "return.closed"]
    assert shop.ledger(id_) == ["return_opened", "refund", "return_closed"]


def test_what_is_dear_is_looked_at_by_a_person_and_ear_tips_stay_where_they_are(open_shop: OpenShop) -> None:
    shop = open_shop("warehouse-inspects", carrier="manual")
    assert shop.return_(submitted(shop, "#W1003", {"outcome": "refund"})).state == "review"
    order = shop.act("ordersMakes", lines=[{"variant": "TIPS-S"}])["order"]["id"]
    kept = shop.submit(order=order)["id"]
    assert [line.outcome for line in shop.return_(kept).lines] == ["keep"]


# instant exchange


def test_an_instant_exchange_leaves_at_once_against_the_full_price(open_shop: OpenShop) -> None:
    shop = open_shop("instant-exchange", carrier="manual")
    id_ = submitted(shop, "#1001", exchange("QUAY-NVY-8"), instant=True)
    entries = {entry["kind"]: entry for entry in shop.records.ledger(id_)}
    assert list(entries) == ["return_opened", "exchange_order", "hold"]
    assert entries["hold"]["amount"] == shop.return_(id_).totals.exchange_total > 100
    shop.advance(days=9)
    assert "charge" not in shop.ledger(id_)
    shop.advance(days=1)
    assert shop.ledger(id_)[-1] == "charge"


def test_an_instant_exchange_whose_parcel_moves_is_not_charged(open_shop: OpenShop) -> None:
    shop = open_shop("instant-exchange", carrier="manual")
    id_ = submitted(shop, "#1001", exchange("QUAY-NVY-8"), instant=True)
    shop.advance(seconds=4)
    shop.act("carrierScans", return_id=id_, status="in_transit")
    shop.advance(days=40)
    assert "hold_released" in shop.ledger(id_)
    assert "charge" not in shop.ledger(id_)


# who bought


@pytest.mark.parametrize("world", ["us-apparel", "outside-shopify"])
def test_who_bought_is_a_customer_of_the_shop_and_orders_show_who_that_is_now(world: str, open_shop: OpenShop) -> None:
    shop = open_shop(world)
    orders = shop.call("listCommerceOrders", query={"limit": 250}).body["orders"]
    customers = shop.call("listCustomers", query={"limit": 250}).body["customers"]
    assert {order["customer"]["id"] for order in orders} == {customer["id"] for customer in customers}
    shop.call("patchCustomer", {"first_name": "Renamed"}, id=orders[0]["customer"]["id"])
    after = shop.call("getOrder", id=orders[0]["id"]).body["order"]
    assert after["customer"]["first_name"] == "Renamed"
