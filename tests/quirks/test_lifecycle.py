"""What time does to a return, and what stops its processing half-way."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.quirks.bench import Bench
from tests.quirks.catalogue import shows
from tests.quirks.conftest import OpenShop


def state(shop: Bench, return_id: int) -> str:
    """The state that details tell."""
    return str(shop.details(return_id)["state"])


@shows("expiry")
def test_returns_whose_label_never_moved_expire_after_28_days_and_no_others(open_shop: OpenShop) -> None:
    shop = open_shop({"processing_event": "disabled"})
    unsent, announced, moving = shop.submit(), shop.submit(), shop.submit()
    without_label = shop.submit(method="in_store")
    shop.advance(4)
    shop.control.carrier.scans(return_id=announced, status="pre_transit")
    shop.control.carrier.scans(return_id=moving, status="in_transit")

    shop.advance(28 * 86400 - 1)
    assert {state(shop, return_id) for return_id in (unsent, announced, moving, without_label)} == {"open"}
    shop.advance(2)

    assert [state(shop, return_id) for return_id in (unsent, announced)] == ["expired", "expired"]
    assert [state(shop, return_id) for return_id in (moving, without_label)] == ["open", "open"]


@shows("out-of-stock")
def test_out_of_stock_delivers_the_other_outcomes_and_moves_to_review(shop: Bench) -> None:
    shop.control.stock.sets(variant="CAP-BLK", available=0)
    items = [{"sku": "HOOD-GRY-M"}, {"sku": "SOCK-M", "outcome": "exchange", "exchange_variant": "CAP-BLK"}]
    return_id = shop.submit(*items, order="#1003")

    shop.act(return_id, "process")
    shop.advance(5)
    half = shop.details(return_id)
    shop.control.stock.sets(variant="CAP-BLK", available=3)
    shop.control.staff.processes(return_id=return_id)
    shop.advance(5)
    whole = shop.details(return_id)

    assert (half["state"], len(half["refunds"]), half["exchange_order_name"]) == ("review", 1, [])
    assert half["exchanges"][0]["out_of_stock"] is True
    assert whole["state"] == "closed"
    assert whole["refunds"] == half["refunds"], "only what was missing ran"
    assert len(whole["exchange_order_name"]) == 1


# durations


@shows("label-after-4s")
def test_a_label_is_there_four_seconds_after_submit(shop: Bench) -> None:
    return_id = shop.submit()

    shop.advance(3.9)
    assert shop.row(return_id)["labels"] == []
    shop.advance(0.1)

    row = shop.row(return_id)
    assert (row["label_status"], len(row["labels"])) == ("new", 1)
    assert row["labels"][0]["updated_at"] == "2026-06-01T12:00:04+00:00"


@shows("processed-after-2s")
def test_a_queued_process_is_done_two_seconds_later(shop: Bench) -> None:
    return_id = shop.submit()
    shop.act(return_id, "process")

    shop.advance(1.9)
    assert state(shop, return_id) == "open"
    shop.advance(0.1)

    assert state(shop, return_id) == "closed"


@shows("carrier-in-days")
@pytest.mark.parametrize(("service", "least", "most"), [("express", 1, 4), ("ground", 2, 11), ("economy", 6, 21)])
def test_the_carrier_takes_days_by_service(open_shop: OpenShop, service: str, least: float, most: float) -> None:
    shop = open_shop({"carrier": "auto", "carrier_service": service})
    shop.listen(("label", "label.created"), ("label", "label.updated"))
    shop.submit()
    for _ in range(5):
        shop.control.clock.advance(next_event=True)

    scans = [each.json for each in shop.heard()]

    assert [scan["label_status"] for scan in scans] == [
        "new",
        "pre_transit",
        "in_transit",
        "out_for_delivery",
        "delivered",
    ]
    made, delivered = (datetime.fromisoformat(scans[index]["label_updated_at"]) for index in (0, -1))
    assert least <= (delivered - made).total_seconds() / 86400 <= most
