"""What customers may send back and what they are refused; the orders, stock and switches that decide it."""

from __future__ import annotations

from typing import Any

import pytest

from loopsim.domain.orders import Location, Variant
from loopsim.errors import Refusal

Shop = Any


# what customers are refused


def test_units_are_returned_once(shop: Shop) -> None:
    order = shop.act("ordersMakes", lines=[{"variant": "MUG-BLU", "quantity": 2}, {"variant": "MUG-WHT"}])["order"][
        "name"
    ]
    shop.act("customerSubmitsReturn", order=order, items=[{"sku": "MUG-BLU", "quantity": 2}])
    again = {"order": order, "items": [{"sku": "MUG-BLU"}]}
    before = shop.dump()
    assert shop.call("customerSubmitsReturn", again).refusal == "unit_already_returned"
    assert shop.dump() == before
    assert shop.call("customerSubmitsReturn", {"order": order}).status == 200
    assert shop.call("customerSubmitsReturn", {"order": order}).refusal == "nothing_returnable"


def test_the_database_itself_lets_no_two_returns_hold_a_unit(shop: Shop) -> None:
    line = shop.return_(shop.submit()["id"]).lines[0]
    with pytest.raises(Refusal, match="unit_already_returned"), shop.shop.transaction(shop.now) as tx:
        tx.hold_units(5, [(line.id + 1, line.order_line_id, line.unit)])


def test_only_what_was_shipped_comes_back(shop: Shop) -> None:
    order = shop.act("ordersMakes", lines=[{"variant": "MUG-BLU"}], fulfilled=False)["order"]["name"]
    assert shop.call("customerSubmitsReturn", {"order": order}).refusal == "nothing_returnable"
    assert shop.act("ordersFulfils", order=order)["order"]["line_items"][0]["fulfilled"] == 1
    assert shop.call("customerSubmitsReturn", {"order": order}).status == 200


def test_unasked_for_final_sale_is_passed_over(shop: Shop) -> None:
    """However many returns are submitted without naming anything, none is refused before everything is returned."""
    for _ in range(300):
        reply = shop.call("customerSubmitsReturn", {})
        if reply.status != 200:
            break
    assert reply.refusal == "nothing_returnable"
    assert len(list(shop.records.returns())) > 40
    final = next(order for order in shop.records.orders() if any(line.final_sale for line in order.lines))
    assert shop.call("customerSubmitsReturn", {"order": final.id}).refusal == "final_sale"


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({"order": "#nope"}, "order_not_found"),
        ({"order": 12345}, "order_not_found"),
        ({"items": [{"outcome": "exchange"}]}, "exchange_variant_missing"),
        ({"items": [{"outcome": "exchange", "exchange_variant": "NOPE"}]}, "unknown_variant"),
        ({"items": [{"sku": "NOPE"}]}, "unit_already_returned"),
        ({"items": [{"line_item_id": 5}]}, "unit_already_returned"),
        ({"items": [{"quantity": 1000}]}, "unit_already_returned"),
        ({"shop_now": [{"variant": "MUG-BLU"}]}, "shop_now_needs_units"),
        ({"gift": True}, "gift_needs_credit"),
        ({"items": [{"outcome": "money"}]}, "invalid"),
        ({"items": []}, "invalid"),
        ({"colour": "red"}, "invalid"),
    ],
)
def test_a_submission_that_cannot_be_is_refused_and_changes_nothing(body: Any, refusal: str, shop: Shop) -> None:
    before = shop.dump()
    assert shop.call("customerSubmitsReturn", body).refusal == refusal
    assert shop.dump() == before


def test_without_an_order_the_next_one_is_taken_that_has_what_is_asked_for(shop: Shop) -> None:
    three = shop.submit("refund", "credit", "refund")
    assert len({line["order_line_id"] for line in three["line_items"]}) >= 1
    caps = shop.act("customerSubmitsReturn", items=[{"sku": "CAP-GRN"}])
    assert [line["sku"] for line in caps["line_items"]] == ["CAP-GRN"]
    final = shop.call("customerSubmitsReturn", {"items": [{"sku": "BEAN-RED"}]})
    assert final.refusal == "final_sale"


def test_orders_are_found_by_name_with_or_without_sign_and_by_either_id(shop: Shop) -> None:
    order = shop.act("ordersMakes", name="#X-1", lines=[{"variant": "MUG-BLU", "quantity": 5}])["order"]
    for named in ("#X-1", "X-1", order["id"], str(order["id"]), order["provider_id"]):
        assert shop.act("customerSubmitsReturn", order=named)["order_name"] == "#X-1"


# orders, stock


def test_an_order_s_tax_is_on_top_or_inside_as_the_shop_has_it(open_shop: Any) -> None:
    for world, tax in (("us-apparel", 199), ("eu-multi-currency", 0)):
        shop = open_shop(world, carrier="manual", workflows=())
        variant = shop.records.resources("variant", Variant)[0]
        made = shop.act("ordersMakes", lines=[{"variant": variant.id, "discount": 810}], tax_percent=10)["order"]
        order = shop.records.order(made["id"])
        net = variant.price - 810
        assert order.lines[0].tax == (net * 10 // 110 if order.taxes_included else net * 10 // 100)
        assert order.taxes_included is (tax == 0)


def test_impossible_orders_and_places_are_refused(shop: Shop) -> None:
    lines = [{"variant": "MUG-BLU", "discount": 999_999}]
    assert shop.call("ordersMakes", {"lines": lines}).refusal == "discount_too_large"
    assert shop.call("ordersMakes", {"lines": [{"variant": "NOPE"}]}).refusal == "unknown_variant"
    assert shop.call("ordersFulfils", {"order": "#nope"}).refusal == "order_not_found"
    stock = {"variant": "MUG-BLU", "available": 1, "location_id": 5}
    assert shop.call("stockSets", stock).refusal == "location_not_found"


def test_stock_is_set_at_one_place_or_for_all(shop: Shop) -> None:
    places = shop.records.resources("location", Location)
    assert shop.act("stockSets", variant="TEE-RED-S", available=3)["available"] == 3
    assert shop.act("stockSets", variant="TEE-RED-S", available=4, location_id=places[1].id)["available"] == 7
    assert shop.act("stockSets", variant="TEE-RED-S", available=1)["available"] == 1


def test_switches_count_down(shop: Shop) -> None:
    assert shop.act("paymentFailsNext", count=2)["count"] == 2
    for expected in ("review", "review", "closed"):
        id_ = shop.submit()["id"]
        shop.call("processReturn", id=id_)
        shop.advance(seconds=2)
        assert shop.return_(id_).state == expected
    shop.act("processingFailsNext", count=5)
    shop.act("processingFailsNext", count=0)
    id_ = shop.submit()["id"]
    shop.call("processReturn", id=id_)
    shop.advance(seconds=2)
    assert shop.return_(id_).state == "closed"
