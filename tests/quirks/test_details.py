"""`GET /warehouse/return/details`: the same return in other shapes, words and types."""

from __future__ import annotations

import re

import pytest

from tests.quirks.bench import Bench
from tests.quirks.catalogue import shows
from tests.quirks.conftest import OpenShop
from tests.quirks.test_fields import EXCHANGED, processed

DETAILS = "/warehouse/return/details"
SPACED = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
NOT_FOUND = {"error": {"message": "No return found with this ID."}}


@shows("details-not-found")
@pytest.mark.parametrize(
    "query", [{"return_id": 1}, {"return_id": "abc"}, {"order_id": 1}, {"order_name": "#9"}, {}], ids=repr
)
def test_what_is_not_found_is_told_with_status_200(shop: Bench, query: dict[str, str]) -> None:
    reply = shop.get(DETAILS, query)

    assert (reply.status, reply.json) == (200, NOT_FOUND)


@shows("details-by-id")
def test_by_return_id_it_is_one_object(shop: Bench) -> None:
    return_id = shop.submit()

    details = shop.get(DETAILS, {"return_id": return_id}).json

    assert isinstance(details, dict)
    assert details["id"] == return_id


@shows("details-by-order")
@pytest.mark.parametrize("name", ["#1003", "1003"])
def test_by_order_it_is_an_array_of_its_returns_newest_last(shop: Bench, name: str) -> None:
    made = [shop.submit({"sku": sku}, order="#1003") for sku in ("SOCK-M", "HOOD-GRY-M")]
    order_id = shop.row(made[0])["provider_order_id"]

    by_name = shop.get(DETAILS, {"order_name": name}).json
    by_id = shop.get(DETAILS, {"order_id": order_id}).json

    assert isinstance(by_name, list)
    assert [each["id"] for each in by_name] == made
    assert by_id == by_name


@shows("details-order-id")
def test_order_id_is_the_providers(shop: Bench) -> None:
    return_id = shop.submit()
    row, details = shop.row(return_id), shop.details(return_id)

    assert details["order_id"] == details["provider_order_id"] == int(row["provider_order_id"])
    assert row["order_id"] != row["provider_order_id"], "the list has Loop's own id there"
    assert shop.get(DETAILS, {"order_id": row["provider_order_id"]}).json == [details]
    assert shop.get(DETAILS, {"order_id": row["order_id"]}).json == NOT_FOUND


@shows("details-number-ids")
def test_details_have_ids_as_numbers(shop: Bench) -> None:
    details = shop.details(shop.submit(EXCHANGED))

    for name in ("id", "order_id", "order_number", "provider_order_number", "provider_order_id"):
        assert type(details[name]) is int, name
    for name in ("line_item_id", "provider_line_item_id", "product_id", "variant_id", "exchange_variant"):
        assert type(details["line_items"][0][name]) is int, name
    assert type(details["exchanges"][0]["exchange_id"]) is str, "exchanges are as in the list"


@shows("details-space-times")
def test_details_have_times_without_zone(shop: Bench) -> None:
    return_id = shop.submit({"sku": "SOCK-M"}, order="#1003")
    shop.control.customer.edits_return(return_id=return_id, items=[{"sku": "SOCK-M"}])

    details = shop.details(return_id)

    for name in ("created_at", "updated_at", "edited_at"):
        assert SPACED.fullmatch(details[name]), name


@shows("details-reasons")
def test_details_call_the_reasons_otherwise_than_the_list(shop: Bench) -> None:
    return_id = shop.submit({"reason": "Too small", "parent_reason": "Did not fit"})

    (line,), (in_list,) = shop.details(return_id)["line_items"], shop.row(return_id)["line_items"]

    assert (line.get("reason"), line.get("parent_reason")) == ("Too small", "Did not fit")
    assert {"return_reason", "parent_return_reason"}.isdisjoint(line)
    assert (in_list["return_reason"], in_list["parent_return_reason"]) == ("Too small", "Did not fit")


@shows("details-own-fields")
def test_details_have_refunds_exchange_and_the_customers_name_at_the_top_level(shop: Bench) -> None:
    return_id = processed(shop)

    details, row = shop.details(return_id), shop.row(return_id)
    own = {"refunds", "exchange", "exchange_order_name", "exchange_order_id", "customer_email", "customer_first_name"}

    assert own <= details.keys()
    assert own.isdisjoint(row)
    (refund,) = details["refunds"]
    assert list(refund) == ["gateway", "amount", "currency", "provider_refund_id"]
    assert all(isinstance(value, str) for value in refund.values())
    assert (refund["amount"], details["exchange"]) == (row["refund"], "0.00")
    line = details["line_items"][0]
    assert line["title"] == f"{line['line_item_title']} - {line['variant_title']}"
    assert "image" in line


@shows("details-no-order-number")
def test_outside_shopify_there_is_no_order_number(open_shop: OpenShop) -> None:
    shop = open_shop(world="eu-multi-currency")
    return_id = shop.submit(order="#EU-1001")

    details, row = shop.details(return_id), shop.row(return_id)

    assert (details["order_number"], details["provider_order_number"]) == (None, "")
    assert (row["order_number"], row["provider_order_number"]) == ("", "")


@shows("details-exchange-orders")
def test_exchange_orders_are_arrays_that_fill_when_processed(shop: Bench) -> None:
    return_id = shop.submit(EXCHANGED)
    before = shop.details(return_id)
    shop.act(return_id, "process")
    shop.advance(5)
    after = shop.details(return_id)

    assert (before["exchange_order_name"], before["exchange_order_id"]) == ([], [])
    assert [type(name) for name in after["exchange_order_name"]] == [str]
    assert [type(id_) for id_ in after["exchange_order_id"]] == [str]
    assert after["exchanges"][0]["exchange_order_name"] == after["exchange_order_name"][0]
