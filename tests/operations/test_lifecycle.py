"""What happens to a return by itself and through acts: whom each transition tells, in order (section 6.3 of the facts),
and what it leaves behind."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from loopsim.domain.orders import Variant
from loopsim.domain.policy import WorkflowActions, WorkflowRule

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


# staff


def test_staff_acts_refuse_what_the_state_forbids(shop: Shop) -> None:
    id_ = shop.submit()["id"]
    shop.act("staffCloses", return_id=id_)
    before = shop.dump()
    for act in ("staffProcesses", "staffFlags", "staffCloses", "staffCancels", "staffResolvesReview"):
        reply = shop.call(act, {"return_id": id_})
        assert (reply.status, reply.refusal) == (409, "unprocessable")
        assert shop.call(act, {"return_id": 5}).refusal == "return_not_found"
    assert shop.dump() == before
