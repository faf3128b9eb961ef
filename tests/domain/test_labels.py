"""Labels, label requests, the carrier's timetable, and what a parcel to be labelled looks like."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from loopsim.contract import Contract
from loopsim.domain import shipping
from loopsim.domain.durations import CARRIER, DURATIONS, HAPPY_RETURNS_SHIPS
from loopsim.domain.labels import (
    JOURNEY,
    LABEL_REQUESTS,
    LABEL_STATUSES,
    Label,
    LabelRequest,
    has_reached,
    is_ahead,
    move_request,
    scan,
    timetable,
)
from loopsim.domain.orders import Address
from loopsim.domain.policy import Policy
from loopsim.errors import Refusal

MADE = datetime(2026, 6, 1, 9, tzinfo=UTC)


def label(status: Any = "new", **own: Any) -> Label:
    values = {"carrier": "USPS", "tracking_number": "9", "created_at": MADE, "updated_at": MADE, "line_ids": (1,)}
    return Label(id=1, status=status, **{**values, **own})


# the timetable


@given(st.integers(0, 2**31), st.integers(1, 10**9), st.sampled_from([*CARRIER, "by pigeon"]))
def test_the_carrier_scans_in_order_within_its_limits_and_always_alike(seed: int, label_id: int, service: str) -> None:
    scans = timetable(service, seed, label_id, MADE)
    assert scans == timetable(service, seed, label_id, MADE)
    assert tuple(status for _, status in scans) == JOURNEY[1:]
    moments = [MADE, *(moment for moment, _ in scans)]
    limits = [span for _, span in CARRIER.get(service, CARRIER["ground"])]
    for (before, after), span in zip(pairwise(moments), limits, strict=True):
        assert timedelta(seconds=span.low) <= after - before <= timedelta(seconds=span.high)


def test_an_unknown_service_goes_by_ground() -> None:
    assert timetable("by pigeon", 1, 2, MADE) == timetable("ground", 1, 2, MADE)


def test_seeds_and_labels_differ() -> None:
    tables = {tuple(timetable("ground", seed, label_id, MADE)) for seed in range(4) for label_id in range(4)}
    assert len(tables) == 16


def test_every_duration_rests_on_a_fact(contract: Contract) -> None:
    spans = [*DURATIONS.values(), *(span for table in CARRIER.values() for _, span in table)]
    for span in spans:
        assert contract.facts[span.fact]["grade"] == span.grade
        assert 0 < span.low <= span.high
    assert all(0 <= weekday <= 6 and 0 <= hour <= 23 for weekday, hour in HAPPY_RETURNS_SHIPS)
    assert len(HAPPY_RETURNS_SHIPS) == 2


# statuses


@pytest.mark.parametrize("now", LABEL_STATUSES)
@pytest.mark.parametrize("due", JOURNEY)
def test_a_scheduled_scan_happens_only_while_it_lies_ahead(now: Any, due: Any) -> None:
    journey = ["new", "pre_transit", "in_transit", "out_for_delivery", "delivered"]
    ahead = now in journey and journey.index(due) > journey.index(now)
    assert is_ahead(label(now), due) is ahead


@pytest.mark.parametrize(
    "event", ["pre_transit", "in_transit", "out_for_delivery", "delivered", "immediate", "disabled"]
)
@pytest.mark.parametrize("status", LABEL_STATUSES)
def test_an_event_is_reached_when_a_label_is_at_it_or_beyond(status: Any, event: str) -> None:
    journey = ["new", "pre_transit", "in_transit", "out_for_delivery", "delivered"]
    reached = event in journey and status in journey and journey.index(status) >= journey.index(event)
    assert has_reached((label(status),), event) is reached
    assert has_reached((label("error"), label(status)), event) is reached
    assert not has_reached((), event)


def test_a_scan_sets_status_and_time_and_a_label_may_go_back() -> None:
    later = MADE + timedelta(days=1)
    arrived = scan(label(), "delivered", later)
    assert (arrived.status, arrived.updated_at, arrived.delivered_at) == ("delivered", later, later)
    back = scan(arrived, "in_transit", later + timedelta(days=1))
    assert (back.status, back.delivered_at) == ("in_transit", later)


# label requests


def request(status: Any) -> LabelRequest:
    return LabelRequest(
        id=1, return_id=2, status=status, created_at=MADE, origin={}, destination={}, parcel={}, products=()
    )


@pytest.mark.parametrize(
    ("action", "status", "to"),
    [
        ("fulfil", "issued", "fulfilled"), ("fulfil", "fulfilled", None), ("fulfil", "cancelled", None),
        ("cancel", "issued", "cancelled"), ("cancel", "fulfilled", None), ("cancel", "cancelled", None),
        ("report_error", "issued", "issued"), ("report_error", "fulfilled", None), ("report_error", "cancelled", None),
    ],
)  # fmt: skip
def test_a_label_request_is_answered_once_and_one_with_errors_stays_issued(action: str, status: Any, to: Any) -> None:
    assert set(LABEL_REQUESTS) == {"fulfil", "cancel", "report_error"}
    if to is not None:
        assert move_request(request(status), action).status == to
        return
    with pytest.raises(Refusal) as refused:
        move_request(request(status), action)
    assert (refused.value.code, refused.value.params) == ("label_request_not_open", {"state": status})


# making labels


@pytest.mark.parametrize(
    ("country", "carrier", "begins", "length"),
    [("US", "USPS", "94612", 22), ("CA", "Canada Post", "73", 16), ("GB", "Royal Mail", "61", 16),
     ("DE", "DHL", "0034", 20), ("PL", "DHL", "0034", 20)],
)  # fmt: skip
def test_a_label_is_by_the_customer_s_carrier(country: str, carrier: str, begins: str, length: int, make: Any) -> None:
    return_ = make.return_(ref={"origin_country_code": country})
    made = shipping.make_label(return_, shipping.boxed(return_), make.settings(), make.next_id, make.now)
    assert (made.carrier, made.status) == (carrier, "new")
    assert made.tracking_number.startswith(begins)
    assert len(made.tracking_number) == length
    assert made.line_ids == tuple(line.id for line in return_.lines)


def test_a_label_travels_by_the_policy_s_service_at_a_price(make: Any) -> None:
    settings = make.settings(Policy(carrier_service="express"))
    made = shipping.make_label(make.return_(), (1,), settings, make.next_id, make.now)
    assert (made.service, made.rate_currency, made.tracking_url) == ("express", "USD", None)
    assert made.rate is not None
    assert 689 <= made.rate <= 1499
    assert made.url == f"https://shop.loopreturns.com/label/{made.id}"


def test_kept_and_donated_units_are_not_in_the_parcel(make: Any) -> None:
    lines = (make.unit(), make.unit(outcome="keep"), make.unit(outcome="donate"), make.unit(outcome="reject"))
    assert shipping.boxed(make.return_(*lines)) == (lines[0].id, lines[3].id)


def test_a_new_label_starts_the_carrier_and_the_28_days(make: Any) -> None:
    made = label(service="ground")
    timers = shipping.label_timers(made, 5, make.settings())
    assert [(timer.kind, timer.entity) for timer in timers] == [("carrier.scan", 5), ("return.expire", 5)]
    first = timetable("ground", 7, 1, MADE)[0]
    assert (timers[0].due, timers[0].data) == (first[0], {"label_id": 1, "status": "pre_transit"})
    assert timers[1].due == MADE + timedelta(days=28)
    by_hand = shipping.label_timers(made, 5, make.settings(Policy(carrier="manual", expiry_days=2)))
    assert [(timer.kind, timer.due) for timer in by_hand] == [("return.expire", MADE + timedelta(days=2))]


def test_the_carrier_goes_on_from_where_the_parcel_is(make: Any) -> None:
    settings = make.settings()
    (timer,) = shipping.next_scan(label("in_transit", service="ground"), 5, settings)
    assert timer.data["status"] == "out_for_delivery"
    for status in ("delivered", "error", "failure"):
        assert shipping.next_scan(label(status, service="ground"), 5, settings) == []


@pytest.mark.parametrize("missing", ["address1", "city", "country_code"])
def test_without_an_address_no_label_can_be_made(missing: str, make: Any) -> None:
    return_ = make.return_()
    assert shipping.can_ship(return_)
    without = structs.replace(return_.order, address=structs.replace(return_.order.address, **{missing: ""}))
    assert not shipping.can_ship(structs.replace(return_, order=without))


def test_a_label_request_says_what_customs_and_carriers_want_to_know(make: Any) -> None:
    return_ = make.return_(
        make.unit(price=2000, discount=150),
        make.unit(variant_id=62, sku=None),
        make.unit(outcome="keep"),
        ref={"address": Address(name="Zoë", address1="1 Rue", city="Lyon", country_code="FR", phone="+33 (6) 12")},
    )
    variants = {61: make.variant(61, weight_grams=180, hs_code="6109", country_of_origin="PE")}
    made = shipping.make_request(return_, shipping.boxed(return_), {"name": "Dock"}, variants, 6340, make.now)
    assert (made.id, made.return_id, made.status, made.errors) == (6340, 1, "issued", ())
    assert made.origin["phone"] == "33612"
    assert made.origin["state"] == ""
    assert made.destination == {"name": "Dock"}
    assert made.parcel == {"height": 7.0, "length": 20.2, "width": 10.9, "weight": 60.0 + 180 + 300}
    assert made.line_ids == (return_.lines[0].id, return_.lines[1].id)
    assert made.products[0] == {
        "name": "Tee", "sku": "SKU", "hs_code": "6109", "country_of_origin": "PE", "price": 1850, "currency": "USD",
    }  # fmt: skip
    assert made.products[1]["hs_code"] == ""
