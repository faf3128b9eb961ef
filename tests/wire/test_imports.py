"""What a row of the list endpoint is read as."""

from __future__ import annotations

import copy
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from loopsim.domain.policy import Policy
from loopsim.domain.shop import Settings
from loopsim.wire.imports import NO_CURRENCY, read_row
from loopsim.wire.overlay import difference
from loopsim.wire.returns import plain_row

SETTINGS = Settings(id=1, subdomain="northwind-outdoor", seed=3)
SAMPLES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "fixtures/samples/returns-export.json").read_text("utf-8")
)
OPEN, CLOSED, CANCELLED = SAMPLES


def varied(row: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(row), **changes}


def test_rows_of_today_need_nearly_no_overlay() -> None:
    for row in SAMPLES:
        read = read_row(row, SETTINGS)
        unlike = {path for path, _, _ in difference(plain_row(read, SETTINGS), row)}
        known = {("shopify_refund_object", 0, "provider_created_at"), ("shopify_refund_object", 0, "updated_at")}
        beyond = {path for path in unlike if path[-1] not in plain_row(read, SETTINGS)}
        assert unlike - known - beyond == set()


def test_the_money_of_a_row_is_kept_and_not_reckoned_again() -> None:
    totals = read_row(varied(CLOSED, refund="12.34", total="12.35", handling_fee="3.95"), SETTINGS).totals
    assert (totals.refund, totals.total, totals.handling_fee) == (1234, 1235, 395)


def test_a_fee_and_where_left_over_credit_goes_are_known_to_later_edits() -> None:
    read = read_row(varied(OPEN, handling_fee="3.95", gift_card="5.00"), SETTINGS)
    assert (read.fee, read.leftover) == (395, "credit")
    assert read_row(OPEN, SETTINGS).leftover == "refund"


def test_a_closed_return_was_closed_when_it_last_changed() -> None:
    assert read_row(CLOSED, SETTINGS).closed_at == datetime.fromisoformat(CLOSED["updated_at"])
    assert read_row(OPEN, SETTINGS).closed_at is None


def test_a_cancelled_return_keeps_the_worth_of_its_exchanges() -> None:
    read = read_row(CANCELLED, SETTINGS)
    assert read.totals.exchange_total == 0
    assert read.totals.exchange == round(float(CANCELLED["exchanges"][0]["total"]) * 100)


@pytest.mark.parametrize("row", SAMPLES, ids=lambda row: row["id"])
def test_a_bonus_is_what_makes_the_totals_add_up(row: dict[str, Any]) -> None:
    assert read_row(row, SETTINGS).totals.bonus == 0
    assert read_row(varied(OPEN, exchange_total="133.90"), SETTINGS).totals.bonus == 1000


def test_several_refunds_share_what_was_refunded() -> None:
    refunds = [{"id": 1, "provider_refund_id": 7}, {"id": 2, "created_at": "2026-07-22T13:30:03+00:00"}]
    read = read_row(varied(CLOSED, refund="10.01", shopify_refund_object=refunds), SETTINGS)
    assert [(each.id, each.amount, each.provider_refund_id) for each in read.refunds] == [(1, 501, 7), (2, 500, 0)]
    assert {each.gateway for each in read.refunds} == {"shopify_payments"}


@pytest.mark.parametrize(("status", "source"), [("pending", "loop"), ("N/A", "none"), ("", "none"), (None, "none")])
def test_no_label_is_pending_or_will_not_come(status: str | None, source: str) -> None:
    read = read_row(varied(OPEN, label_status=status), SETTINGS)
    assert (read.labels, read.label_source) == ((), source)


def test_a_pending_label_comes_from_where_the_shop_gets_its_labels() -> None:
    settings = structs.replace(SETTINGS, policy=Policy(label_source="third_party"))
    assert read_row(varied(OPEN, label_status="pending"), settings).label_source == "third_party"


@pytest.mark.parametrize(
    ("told", "meant"),
    [("return_to_sender", "failure"), ("unknown", "new"), ("available_for_pickup", "out_for_delivery")],
)
def test_what_carriers_say_beyond_loops_statuses_is_understood(told: str, meant: str) -> None:
    row = varied(CLOSED)
    row["labels"][0]["status"] = told
    assert read_row(row, SETTINGS).labels[0].status == meant


def test_a_delivered_label_was_delivered_when_it_last_moved() -> None:
    (label,) = read_row(CLOSED, SETTINGS).labels
    assert label.delivered_at == label.updated_at == datetime.fromisoformat(CLOSED["labels"][0]["updated_at"])
    assert label.line_ids == tuple(CLOSED["labels"][0]["line_items"])


@pytest.mark.parametrize(
    ("method", "word"),
    [
        ({"provider": "Happy Returns", "method_type": "drop_off"}, "happy_returns"),
        ({"provider": "loop_pos", "method_type": "in-store"}, "in_store"),
        ({"provider": "ups", "method_type": "pickup"}, "mail"),
        (None, "mail"),
    ],
)
def test_how_items_travel_is_told_by_the_method(method: Any, word: str) -> None:
    assert read_row(varied(OPEN, return_method=method), SETTINGS).method == word


def test_a_customer_who_paid_in_another_currency_did_so() -> None:
    own = read_row(varied(OPEN, currency="USD", multi_currency=True), SETTINGS).order
    other = read_row(varied(OPEN, currency="EUR", multi_currency=True), SETTINGS).order
    assert (own.presentment_currency, other.presentment_currency) == (NO_CURRENCY, "USD")
    assert own.multi_currency
    assert not read_row(varied(OPEN, multi_currency=None), SETTINGS).order.multi_currency


def test_an_order_number_that_is_none_is_not_printed_as_a_number_later() -> None:
    order = read_row(varied(OPEN, order_number="EU-7", provider_order_number=20518), SETTINGS).order
    assert (order.number, order.provider_number) == ("", "20518")


def test_an_item_of_no_order_line_is_a_line_of_its_own() -> None:
    row = varied(OPEN)
    row["line_items"][0]["provider_line_item_id"] = None
    (line,) = read_row(row, SETTINGS).lines
    assert line.order_line_id == line.id


def test_a_title_is_product_dash_variant() -> None:
    row = varied(OPEN)
    for title, parts in [
        ("Crew - Tee - Red / M", ("Crew - Tee", "Red / M")),
        ("Mug", ("Mug", None)),
    ]:
        row["line_items"][0]["title"] = title
        (line,) = read_row(row, SETTINGS).lines
        assert (line.line_title, line.variant_title) == parts


def test_a_return_without_a_page_gets_a_uuid_of_its_own() -> None:
    first, same, other = (
        read_row(varied(OPEN, status_page_url=None, id=id_), SETTINGS).uuid for id_ in ("1", "1", "2")
    )
    assert first == same != other
