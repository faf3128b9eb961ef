"""Customers change an open return: what it tells, what it frees, what becomes of its labels."""

from __future__ import annotations

from typing import Any

Shop = Any


def test_an_edit_says_when_and_tells(shop: Shop) -> None:
    shop.subscribe()
    order = shop.act("ordersMakes", lines=[{"variant": "MUG-BLU", "quantity": 3}])["order"]["id"]
    id_ = shop.submit("refund", order=order)["id"]
    shop.heard()
    shop.advance(minutes=5)
    shop.heard()
    first = shop.return_(id_).lines[0].id
    shop.act("customerEditsReturn", return_id=id_, items=[{"outcome": "credit", "quantity": 2}])
    ((trigger, told),) = shop.heard()
    assert (trigger, told["edited_at"], told["outcome"]) == ("return.updated", "2026-06-01T09:05:00+00:00", "credit")
    assert told["line_items"][0]["line_item_id"] == str(first)
    assert told["labels"][0]["line_items"] == [int(line["line_item_id"]) for line in told["line_items"]]


def test_an_edit_frees_what_it_leaves_out(shop: Shop) -> None:
    order = shop.act("ordersMakes", lines=[{"variant": "MUG-BLU", "quantity": 2}])["order"]["id"]
    id_ = shop.submit("refund", "refund", order=order)["id"]
    shop.act("customerEditsReturn", return_id=id_, items=[{"outcome": "refund"}])
    assert shop.submit("refund", order=order)["id"] != id_
    more = {"return_id": id_, "items": [{"quantity": 2}]}
    assert shop.call("customerEditsReturn", more).refusal == "unit_already_returned"


def test_an_edit_of_one_thing_keeps_the_rest(shop: Shop) -> None:
    order = shop.act("ordersMakes", lines=[{"variant": "HOOD-NVY-L", "quantity": 2}])["order"]["id"]
    items = [{"outcome": "shop_now", "reason": "Too big"}, {"outcome": "exchange", "exchange_variant": "MUG-WHT"}]
    bought = [{"variant": "TEE-RED-M"}, {"variant": "MUG-BLU"}]
    id_ = shop.act("customerSubmitsReturn", order=order, items=items, shop_now=bought)["id"]
    before = shop.return_(id_)
    shop.act("customerEditsReturn", return_id=id_, leftover="credit")
    after = shop.return_(id_)
    assert after.lines == before.lines
    assert [item.sku for item in after.exchanges] == ["MUG-WHT", "TEE-RED-M", "MUG-BLU"]
    assert (before.totals.refund, before.totals.gift_card) == (after.totals.gift_card, after.totals.refund) != (0, 0)
    shop.act("customerEditsReturn", return_id=id_, items=[{"outcome": "refund"}])
    assert shop.return_(id_).exchanges == ()


def test_an_edit_may_bring_a_return_to_what_is_processed_at_once(open_shop: Any) -> None:
    shop = open_shop(carrier="manual", processing_events={"credit": "immediate"})
    id_ = shop.submit("refund")["id"]
    shop.act("customerEditsReturn", return_id=id_, items=[{"outcome": "credit"}])
    shop.advance(seconds=2)
    assert (shop.return_(id_).state, shop.return_(id_).outcome) == ("closed", "credit")


def test_an_edit_that_leaves_all_at_home_needs_no_label(open_shop: Any) -> None:
    shop = open_shop(carrier="manual", keep_item_below=20_00, processing_event="disabled")
    order = shop.act("ordersMakes", lines=[{"variant": "MUG-BLU", "quantity": 2}])["order"]["id"]
    id_ = shop.submit("refund", "refund", order=order)["id"]
    shop.act("customerEditsReturn", return_id=id_, items=[{"outcome": "refund"}])
    shop.advance(days=1)
    row = shop.call("getReturnDetails", query={"return_id": id_}).body
    assert (row["line_items"][0]["outcome"], row["label_status"], row["labels"]) == ("keep", "N/A", [])
    shop.act("customerEditsReturn", return_id=id_, items=[{"quantity": 2}])
    assert shop.call("getReturnDetails", query={"return_id": id_}).body["label_status"] == "pending"
    shop.advance(seconds=4)
    row = shop.call("getReturnDetails", query={"return_id": id_}).body
    assert row["labels"][0]["line_items"] == [line["line_item_id"] for line in row["line_items"]]


def test_an_edit_that_leaves_all_at_home_withdraws_the_request_for_a_label(open_shop: Any) -> None:
    asks_others = {"processing_event": "disabled", "label_source": "third_party", "carrier": "manual"}
    shop = open_shop(keep_item_below=20_00, **asks_others)
    shop.subscribe()
    order = shop.act("ordersMakes", lines=[{"variant": "MUG-BLU", "quantity": 2}])["order"]["id"]
    id_ = shop.submit("refund", "refund", order=order)["id"]
    shop.advance(seconds=4)
    shop.heard()
    shop.act("customerEditsReturn", return_id=id_, items=[{"outcome": "refund"}])
    assert shop.triggers() == ["return.updated", "label.request.cancelled"]
    shop.act("customerEditsReturn", return_id=id_, items=[{"quantity": 2}])
    shop.act("customerEditsReturn", return_id=id_, leftover="credit")
    shop.advance(seconds=4)
    assert shop.triggers() == ["return.updated", "return.updated", "label.request.issued"]


def test_edits_are_for_open_returns(shop: Shop) -> None:
    id_ = shop.submit()["id"]
    shop.call("processReturn", id=id_)
    assert shop.call("customerEditsReturn", {"return_id": id_}).refusal == "not_editable"
    assert shop.call("customerEditsReturn", {"return_id": 5}).refusal == "return_not_found"
