"""What happens to a return by itself and through acts: whom each transition tells, in order (section 6.3 of the facts),
and what it leaves behind."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from loopsim.domain.orders import Location, Variant
from loopsim.domain.policy import WorkflowActions, WorkflowRule
from loopsim.errors import Refusal

Shop = Any
CLOSED = ["return.updated", "return.closed"]


def rule(**then: Any) -> Any:
    return (WorkflowRule(then=WorkflowActions(**then)),)


def opened(open_shop: Any, **own: Any) -> Shop:
    shop = open_shop(**{"carrier": "manual", **own})
    shop.subscribe()
    return shop


def an_exchange(shop: Shop, variant: str = "MUG-WHT", **own: Any) -> int:
    items = [{"outcome": "exchange", "exchange_variant": variant}]
    return int(shop.act("customerSubmitsReturn", items=items, **own)["id"])


# the label and its journey


def test_a_label_follows_four_seconds_after_the_return_and_a_subscriber_of_both_hears_so(shop: Shop) -> None:
    shop.subscribe()
    shop.submit()
    assert shop.triggers() == ["return.created"]
    shop.advance(seconds=3)
    assert shop.heard() == []
    shop.advance(seconds=1)
    told = shop.heard()
    assert [trigger for trigger, _ in told] == ["label.created", "return.updated"]
    assert (told[0][1]["label_status"], told[1][1]["label_status"]) == ("new", "new")


def test_the_seeded_carrier_carries_a_return_to_its_end(open_shop: Any) -> None:
    shop = opened(open_shop, carrier="auto")
    id_ = shop.submit()["id"]
    shop.idle()
    told = shop.heard()
    journey = ["return.created", "label.created", "return.updated", *["label.updated", "return.updated"] * 4, *CLOSED]
    assert [trigger for trigger, _ in told] == journey
    statuses = [payload["label_status"] for trigger, payload in told if trigger == "label.updated"]
    assert statuses == ["pre_transit", "in_transit", "out_for_delivery", "delivered"]
    assert shop.return_(id_).state == "closed"
    assert shop.now - shop.return_(id_).created_at < timedelta(days=11)


@pytest.mark.parametrize(
    ("event", "status"),
    [("pre_transit", "pre_transit"), ("in_transit", "in_transit"), ("out_for_delivery", "out_for_delivery"),
     ("delivered", "delivered"), ("in_transit", "delivered")],
)  # fmt: skip
def test_the_policy_s_event_starts_the_processing(event: str, status: str, open_shop: Any) -> None:
    shop = opened(open_shop, processing_event=event)
    id_ = shop.submit()["id"]
    shop.advance(seconds=4)
    shop.act("carrierScans", return_id=id_, status="new")
    assert not shop.return_(id_).pending
    shop.act("carrierScans", return_id=id_, status=status)
    assert shop.return_(id_).pending.source is None
    shop.advance(seconds=2)
    assert shop.return_(id_).state == "closed"


@pytest.mark.parametrize("own", [{"processing_event": "disabled"}, {"workflows": rule(processing_event="disabled")}])
def test_disabled_processing_waits_for_the_warehouse(own: Any, open_shop: Any) -> None:
    shop = opened(open_shop, carrier="auto", **own)
    id_ = shop.submit()["id"]
    shop.idle()
    assert (shop.return_(id_).state, shop.return_(id_).labels[0].status) == ("open", "delivered")


def test_immediate_processing_pays_first_and_still_makes_the_label(open_shop: Any) -> None:
    shop = opened(open_shop, processing_event="immediate", carrier="auto")
    id_ = shop.submit()["id"]
    shop.advance(seconds=2)
    assert shop.triggers() == ["return.created", *CLOSED]
    assert shop.call("getReturnDetails", query={"return_id": id_}).body["label_status"] == "pending"
    shop.advance(seconds=2)
    assert shop.triggers() == ["label.created", "return.updated"]
    shop.idle()
    assert (shop.return_(id_).state, shop.return_(id_).labels[0].status) == ("closed", "delivered")
    assert set(shop.triggers()) == {"label.updated", "return.updated"}


def test_a_label_change_can_leave_the_return_silent(open_shop: Any) -> None:
    shop = opened(open_shop, quirks={"label_change_fires_return_updated": "off"})
    id_ = shop.submit()["id"]
    shop.advance(seconds=4)
    shop.act("carrierScans", return_id=id_, status="in_transit")
    assert shop.triggers() == ["return.created", "label.created", "label.updated", "label.updated"]


def test_a_scan_includes_those_that_the_road_has_before_it(shop: Shop) -> None:
    shop.subscribe("label")
    id_ = shop.submit()["id"]
    shop.advance(seconds=4)
    shop.heard()
    shop.act("carrierScans", return_id=id_, status="delivered")
    statuses = [payload["label_status"] for trigger, payload in shop.heard() if trigger == "label.updated"]
    assert statuses == ["pre_transit", "in_transit", "out_for_delivery", "delivered"]
    shop.act("carrierScans", return_id=id_, status="pre_transit")
    assert shop.return_(id_).labels[0].status == "pre_transit"


def test_a_scan_by_hand_is_not_repeated_by_the_carrier(open_shop: Any) -> None:
    shop = opened(open_shop, carrier="auto", processing_event="disabled")
    id_ = shop.submit()["id"]
    shop.advance(seconds=4)
    shop.act("carrierScans", return_id=id_, status="in_transit")
    shop.heard()
    shop.idle()
    told = [payload["label_status"] for trigger, payload in shop.heard() if trigger == "label.updated"]
    assert told == ["out_for_delivery", "delivered"]


def test_a_failed_label_stops_the_carrier(open_shop: Any) -> None:
    shop = opened(open_shop, carrier="auto")
    id_ = shop.submit()["id"]
    shop.advance(seconds=4)
    shop.act("carrierScans", return_id=id_, status="failure")
    shop.heard()
    shop.advance(days=20)
    assert shop.heard() == []


def test_scans_are_refused_without_a_label_and_for_cancelled_returns(shop: Shop) -> None:
    id_ = shop.submit()["id"]
    scan = {"return_id": id_, "status": "in_transit"}
    early = shop.call("carrierScans", scan)
    assert early.refusal == "label_not_made"
    assert "clock advance --next-event" in str(early.body)
    shop.advance(seconds=4)
    assert shop.call("carrierScans", {**scan, "label_id": 5}).refusal == "label_not_found"
    shop.act("staffCancels", return_id=id_)
    assert shop.call("carrierScans", scan).refusal == "unprocessable"


# expiry


def test_a_return_whose_parcel_never_moved_expires_28_days_after_its_label(shop: Shop) -> None:
    shop.subscribe()
    id_ = shop.submit()["id"]
    shop.advance(seconds=4)
    shop.act("carrierScans", return_id=id_, status="pre_transit")
    shop.heard()
    shop.advance(days=28, seconds=-1)
    assert (shop.return_(id_).state, shop.heard()) == ("open", [])
    shop.advance(seconds=1)
    ((trigger, told),) = shop.heard()
    assert (trigger, told["state"]) == ("return.updated", "expired")
    assert shop.call("listReturns", query={"state": "expired", "filter": "updated_at"}).body[0]["id"] == str(id_)


@pytest.mark.parametrize("case", ["moved", "review", "flagged and moved", "queued", "no label", "error"])
def test_other_returns_do_not_expire(case: str, open_shop: Any) -> None:
    policy = {"workflows": rule(send_to_review=True)} if case == "review" else {}
    policy |= {"label_source": "none"} if case == "no label" else {}
    shop = opened(open_shop, **policy)
    id_ = shop.submit()["id"]
    shop.advance(seconds=4)
    if "moved" in case:
        shop.act("carrierScans", return_id=id_, status="in_transit")
    if case == "error":
        shop.act("carrierScans", return_id=id_, status="error")
    if case == "queued":
        shop.advance(days=27, hours=23, minutes=59, seconds=59)
        shop.call("processReturn", id=id_)
    state = "review" if case == "review" else "open"
    shop.advance(days=0 if case == "queued" else 60, seconds=1)
    assert shop.return_(id_).state == state


def test_an_expired_parcel_that_is_scanned_after_all_stays_expired(shop: Shop) -> None:
    id_ = shop.submit()["id"]
    shop.advance(days=29)
    shop.act("carrierScans", return_id=id_, status="delivered")
    shop.advance(days=1)
    assert shop.return_(id_).state == "expired"


def test_expiry_goes_by_the_shop_s_own_days(open_shop: Any) -> None:
    shop = opened(open_shop, expiry_days=2)
    id_ = shop.submit()["id"]
    shop.advance(days=2, seconds=4)
    assert shop.return_(id_).state == "expired"


# review


def test_a_workflow_sends_a_return_to_review_where_only_staff_moves_it(open_shop: Any) -> None:
    shop = opened(open_shop, workflows=rule(send_to_review=True))
    id_ = shop.submit()["id"]
    ((_, told),) = shop.heard()
    assert told["state"] == "review"
    shop.advance(seconds=4)
    shop.act("carrierScans", return_id=id_, status="delivered")
    shop.advance(days=1)
    assert shop.return_(id_).state == "review"
    shop.heard()
    shop.act("staffResolvesReview", return_id=id_)
    assert (shop.return_(id_).state, shop.triggers()) == ("open", ["return.updated"])
    assert shop.call("staffResolvesReview", {"return_id": id_}).refusal == "unprocessable"
    assert shop.call("processReturn", id=id_).body is True
    shop.advance(seconds=2)
    assert shop.return_(id_).state == "closed"


def test_out_of_stock_leads_to_review_and_staff_finishes_what_is_missing(shop: Shop) -> None:
    shop.subscribe()
    shop.act("stockSets", variant="MUG-WHT", available=0)
    items = [{"outcome": "exchange", "exchange_variant": "MUG-WHT"}, {"outcome": "refund"}]
    order = shop.act("ordersMakes", lines=[{"variant": "MUG-BLU", "quantity": 2}])["order"]["id"]
    id_ = shop.act("customerSubmitsReturn", order=order, items=items)["id"]
    shop.call("processReturn", id=id_)
    shop.heard()
    shop.advance(seconds=2)
    ((trigger, told),) = shop.heard()
    assert (trigger, told["state"]) == ("return.updated", "review")
    assert told["exchanges"][0]["out_of_stock"] is True
    assert told["refunds"][0]["amount"] == told["refund"]
    shop.act("staffProcesses", return_id=id_)
    shop.advance(seconds=2)
    assert (shop.triggers(), shop.return_(id_).state) == (
        ["label.created", "return.updated", "return.updated"],
        "review",
    )
    shop.act("stockSets", variant="MUG-WHT", available=1)
    shop.act("staffProcesses", return_id=id_)
    shop.advance(seconds=2)
    assert (shop.triggers(), shop.return_(id_).state) == (CLOSED, "closed")
    assert sorted(shop.ledger(id_)) == ["exchange_order", "refund", "restock", "return_closed", "return_opened"]
    assert shop.act("stockSets", variant="MUG-WHT", available=7)["available"] == 7


def test_a_failed_payment_leads_to_review_and_staff_may_close_instead(shop: Shop) -> None:
    id_ = shop.submit()["id"]
    shop.act("paymentFailsNext")
    shop.call("processReturn", id=id_)
    shop.advance(seconds=2)
    assert shop.return_(id_).state == "review"
    shop.act("staffCloses", return_id=id_)
    assert shop.return_(id_).state == "closed"
    assert "refund" not in shop.ledger(id_)


# processing, by platform and provider


def test_closing_by_processing_tells_of_stock_and_cards_first(open_shop: Any) -> None:
    shop = opened(open_shop, restock="webhook", gift_card_provider="third_party")
    id_ = shop.submit("credit")["id"]
    shop.call("processReturn", id=id_)
    shop.heard()
    shop.advance(seconds=2)
    told = shop.heard()
    assert [trigger for trigger, _ in told] == ["restock.requested", "giftcard.requested", *CLOSED]
    restock, card = told[0][1], told[1][1]
    return_ = shop.return_(id_)
    assert (restock["id"], restock["restock_items"][0]["variant_id"]) == (id_, return_.lines[0].variant_id)
    assert (card["return_id"], card["total_credit_issued"]) == (str(id_), shop.call(
        "getReturnDetails", query={"return_id": id_}
    ).body["gift_card"])  # fmt: skip
    assert card["external_order_number"] == int(return_.order.number)


def test_stock_leaves_with_the_exchange_and_comes_back_with_the_return(shop: Shop) -> None:
    def left(sku: str) -> int:
        variants = shop.call("listVariants").body["variants"]
        return sum(next(each for each in variants if each["sku"] == sku)["available"].values())

    order = shop.act("ordersMakes", lines=[{"variant": "MUG-BLU"}])["order"]["id"]
    before = left("MUG-WHT"), left("MUG-BLU")
    id_ = an_exchange(shop, order=order)
    shop.call("processReturn", id=id_)
    shop.advance(seconds=2)
    assert (left("MUG-WHT"), left("MUG-BLU")) == (before[0] - 1, before[1] + 1)


def test_outside_shopify_exchanges_have_no_order_even_when_closed(open_shop: Any) -> None:
    shop = open_shop("eu-multi-currency", carrier="manual", workflows=(), processing_events={}, handling_fee=0)
    variant = shop.records.resources("variant", Variant)[0]
    order = shop.act("ordersMakes", lines=[{"variant": variant.id}])["order"]["id"]
    id_ = an_exchange(shop, variant.sku, order=order)
    shop.call("processReturn", id=id_)
    shop.advance(seconds=2)
    details = shop.call("getReturnDetails", query={"return_id": id_}).body
    assert (details["state"], details["exchange_order_id"]) == ("closed", [])
    assert details["exchanges"][0]["exchange_order_id"] is None
    assert shop.ledger() == []


def test_kept_items_have_no_label_and_are_paid_at_once(open_shop: Any) -> None:
    shop = opened(open_shop, keep_item_below=10_000_00)
    id_ = shop.submit()["id"]
    shop.advance(days=1)
    assert shop.triggers() == ["return.created", *CLOSED]
    row = shop.call("getReturnDetails", query={"return_id": id_}).body
    assert (row["line_items"][0]["outcome"], row["label_status"], row["labels"]) == ("keep", "N/A", [])
    assert shop.ledger(id_) == ["return_opened", "refund", "return_closed"]


# instant exchange


def test_an_instant_exchange_is_sent_at_submit_and_paid_with_the_parcel(shop: Shop) -> None:
    shop.subscribe()
    id_ = an_exchange(shop, instant=True)
    ((_, told),) = shop.heard()
    assert (told["state"], told["exchanges"][0]["exchange_order_name"]) == ("open", "EXC-1001-1")
    shop.advance(seconds=4)
    shop.act("carrierScans", return_id=id_, status="in_transit")
    assert shop.ledger(id_) == ["return_opened", "exchange_order", "hold", "hold_released"]
    shop.advance(days=40)
    assert shop.ledger(id_).count("hold_released") == 1
    assert "charge" not in shop.ledger(id_)
    shop.act("carrierScans", return_id=id_, status="delivered")
    shop.advance(seconds=2)
    assert shop.return_(id_).state == "closed"
    assert shop.ledger(id_).count("exchange_order") == 1


def test_without_a_parcel_in_time_the_card_is_charged_in_full(shop: Shop) -> None:
    id_ = an_exchange(shop, instant=True)
    shop.advance(days=7)
    assert shop.ledger(id_)[-1] == "hold_released"
    assert shop.return_(id_).instant.state == "lapsed"
    shop.advance(days=7)
    charge = shop.records.ledger(id_)[-1]
    assert (charge["kind"], charge["amount"]) == ("charge", shop.return_(id_).totals.exchange_total)
    assert shop.return_(id_).state == "open"
    shop.act("carrierScans", return_id=id_, status="in_transit")
    assert shop.ledger(id_)[-1] == "charge"


def test_a_parcel_that_moves_after_the_hold_ended_is_in_time_and_nothing_is_released_twice(shop: Shop) -> None:
    id_ = an_exchange(shop, instant=True)
    shop.advance(days=9)
    shop.act("carrierScans", return_id=id_, status="in_transit")
    shop.advance(days=30)
    assert shop.ledger(id_) == ["return_opened", "exchange_order", "hold", "hold_released"]


def test_a_charge_may_fail(shop: Shop) -> None:
    id_ = an_exchange(shop, instant=True)
    shop.act("paymentFailsNext")
    shop.advance(days=14)
    assert shop.ledger(id_)[-1] == "charge_failed"
    assert shop.return_(id_).instant.state == "charge_failed"


@pytest.mark.parametrize("end", ["processReturn", "cancelReturn"])
def test_a_return_that_arrived_or_was_cancelled_is_not_charged(end: str, shop: Shop) -> None:
    id_ = an_exchange(shop, instant=True)
    shop.call(end, id=id_)
    shop.advance(days=40)
    assert (shop.ledger(id_).count("hold_released"), "charge" in shop.ledger(id_)) == (1, False)


def test_an_exchange_that_is_closed_without_a_parcel_is_charged(shop: Shop) -> None:
    id_ = an_exchange(shop, instant=True)
    shop.call("closeReturn", id=id_)
    shop.advance(days=14)
    assert "charge" in shop.ledger(id_)


def test_paying_at_once_does_not_spare_the_card(open_shop: Any) -> None:
    shop = opened(open_shop, processing_event="immediate")
    id_ = an_exchange(shop, instant=True)
    shop.advance(seconds=2)
    assert (shop.return_(id_).state, shop.return_(id_).instant.state) == ("closed", "held")
    shop.advance(days=14)
    assert shop.ledger(id_)[-1] == "charge"


@pytest.mark.parametrize("method", ["happy_returns", "in_store"])
def test_handing_the_items_over_releases_the_hold(method: str, open_shop: Any) -> None:
    shop = opened(open_shop, processing_event="disabled")
    id_ = an_exchange(shop, instant=True, method=method)
    shop.act("customerDropsOff", return_id=id_)
    shop.advance(days=30)
    assert (shop.ledger(id_).count("hold_released"), "charge" in shop.ledger(id_)) == (1, False)


# edits


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
    shop = opened(open_shop, processing_events={"credit": "immediate"})
    id_ = shop.submit("refund")["id"]
    shop.act("customerEditsReturn", return_id=id_, items=[{"outcome": "credit"}])
    shop.advance(seconds=2)
    assert (shop.return_(id_).state, shop.return_(id_).outcome) == ("closed", "credit")


def test_an_edit_that_leaves_all_at_home_needs_no_label(open_shop: Any) -> None:
    shop = opened(open_shop, keep_item_below=20_00, processing_event="disabled")
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
    shop = opened(open_shop, keep_item_below=20_00, processing_event="disabled", label_source="third_party")
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


def test_staff_acts_refuse_what_the_state_forbids(shop: Shop) -> None:
    id_ = shop.submit()["id"]
    shop.act("staffCloses", return_id=id_)
    before = shop.dump()
    for act in ("staffProcesses", "staffFlags", "staffCloses", "staffCancels", "staffResolvesReview"):
        reply = shop.call(act, {"return_id": id_})
        assert (reply.status, reply.refusal) == (409, "unprocessable")
        assert shop.call(act, {"return_id": 5}).refusal == "return_not_found"
    assert shop.dump() == before
