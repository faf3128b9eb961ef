"""What the fields of a return hold, in the list, in details and in webhooks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.quirks.bench import Bench
from tests.quirks.catalogue import shows
from tests.quirks.conftest import OpenShop

ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00")
SPACED = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
IN_ZONE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d-07:00")
WITH_MILLIS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
EXCHANGED = {"outcome": "exchange", "exchange_variant": "SOCK-L"}

# captures.md 10, in order
ROW = [
    "id", "refund_before_inspection", "state", "was_processed", "outcomes_processed_at", "created_at", "updated_at",
    "edited_at", "total", "outcome", "order_id", "order_name", "provider_order_id", "order_number",
    "provider_order_number", "customer", "origin_country", "origin_country_code", "multi_currency", "currency",
    "return_product_total", "return_discount_total", "return_tax_total", "return_total", "return_credit_total",
    "exchange_product_total", "exchange_discount_total", "exchange_tax_total", "exchange_total",
    "exchange_credit_total", "gift_card", "gift_card_order_name", "gift_card_order_id", "handling_fee", "refund",
    "upsell", "line_items", "exchanges", "carrier", "tracking_number", "label_status", "label_url", "label_rate",
    "status_page_url", "label_updated_at", "labels", "destination_id", "return_method", "package_reference", "type",
    "shopify_refund_object",
]  # fmt: skip
LINE_ITEM = [
    "line_item_id", "provider_line_item_id", "product_id", "variant_id", "sku", "title", "price", "discount", "tax",
    "refund", "refund_tax", "refund_item", "returned_at", "exchange_variant", "return_reason", "parent_return_reason",
    "return_comment", "barcode", "outcome", "provider_restock_location_id", "consolidation_tracking",
    "consolidation_destination_id", "condition", "disposition",
]  # fmt: skip
EXCHANGE = [
    "exchange_id", "exchange_order_id", "exchange_order_name", "product_id", "variant_id", "sku", "type", "title",
    "price", "discount", "tax", "total", "out_of_stock", "out_of_stock_resolution",
]  # fmt: skip


def processed(shop: Bench, *items: Any, **more: Any) -> int:
    """A return that was processed."""
    return_id = shop.submit(*items, **more)
    shop.advance(5)
    assert shop.act(return_id, "process").body == b"true"
    shop.advance(5)
    return return_id


def digits(value: Any) -> bool:
    """Whether a value is a text of digits."""
    return isinstance(value, str) and value.isascii() and value.isdigit()


# keys


@shows("list-key-order")
def test_a_row_has_the_captured_keys_in_the_captured_order(shop: Bench) -> None:
    return_id = shop.submit(EXCHANGED)
    shop.advance(5)

    row = shop.row(return_id)

    assert list(row) == ROW
    assert list(row["line_items"][0]) == LINE_ITEM
    assert list(row["exchanges"][0]) == EXCHANGE
    assert list(row["labels"][0]) == ["status", "updated_at", "url", "rate", "carrier", "tracking_number", "line_items"]


@shows("list-four-outcomes")
def test_outcomes_processed_at_has_four_keys_null_until_then(shop: Bench) -> None:
    row = shop.row(shop.submit())

    assert row["outcomes_processed_at"] == dict.fromkeys(
        ("return_processed", "refund_processed", "gift_card_processed", "exchange_processed")
    )


@shows("php-datetime-dumps")
def test_the_times_of_outcomes_are_php_datetime_dumps(shop: Bench) -> None:
    row = shop.row(processed(shop))

    done = row["outcomes_processed_at"]
    assert done["refund_processed"] == {"date": "2026-06-01 12:00:07.000000", "timezone_type": 3, "timezone": "UTC"}
    assert done["return_processed"] == done["refund_processed"]
    assert done["exchange_processed"] is None


@shows("list-exchange-type")
def test_the_type_of_an_exchange_is_exchange(shop: Bench) -> None:
    even = shop.row(shop.submit(EXCHANGED))
    bought = shop.row(shop.submit({"outcome": "shop_now"}, shop_now=[{"variant": "CAP-BLK"}]))

    assert [each["type"] for each in even["exchanges"] + bought["exchanges"]] == ["exchange", "exchange"]


@shows("list-negative-credit")
def test_a_credit_line_may_have_a_negative_price(open_shop: OpenShop) -> None:
    shop = open_shop()
    row = shop.row(shop.submit({"outcome": "credit"}))
    (line,) = row["line_items"]
    row |= {"id": "71", "order_id": "72", "provider_order_id": "73", "order_name": "#74"}
    row["line_items"] = [line | {"line_item_id": "75", "provider_line_item_id": "76", "price": "-29.99", "tax": "0.00"}]

    other = open_shop()
    other.control.import_returns(rows=[row], keep_personal_data=True)

    assert other.row(71)["line_items"][0]["price"] == "-29.99"


def typed(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every place in a JSON value, with the type it has there."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from typed(each, f"{path}.{key}")
    elif isinstance(value, list):
        for each in value:
            yield from typed(each, f"{path}[]")
    elif value is not None:
        yield path, type(value).__name__


@shows("list-types-alike")
def test_no_field_changes_its_type_from_row_to_row(shop: Bench) -> None:
    processed(shop)
    processed(shop, EXCHANGED)
    processed(shop, {"outcome": "credit"})
    shop.submit(method="happy_returns")
    shop.submit(method="in_store")
    shop.submit({"sku": "GIFT-WRAP"}, order="#1006")

    types: dict[str, set[str]] = {}
    for path, name in typed(shop.rows()):
        types.setdefault(path, set()).add(name)

    assert {path: names for path, names in types.items() if len(names) > 1} == {}
    assert {path: names for path, names in types.items() if path.endswith(("_total", "refund", "price", "upsell"))}
    assert types["[].refund"] == types["[].upsell"] == {"str"}


# ids and numbers


@shows("list-string-ids")
def test_the_list_has_ids_as_texts(shop: Bench) -> None:
    row = shop.row(processed(shop, EXCHANGED))

    for name in ("id", "order_id", "provider_order_id", "order_number", "provider_order_number"):
        assert digits(row[name]), name
    for name in ("line_item_id", "provider_line_item_id", "product_id", "variant_id", "exchange_variant"):
        assert digits(row["line_items"][0][name]), name
    for name in ("exchange_id", "product_id", "variant_id"):
        assert digits(row["exchanges"][0][name]), name
    assert isinstance(row["destination_id"], int), "this one is a number"


@shows("row-per-unit")
def test_each_unit_is_a_line_item_of_its_own(shop: Bench) -> None:
    lines = shop.row(shop.submit({"sku": "SOCK-M", "quantity": 3}, order="#1003"))["line_items"]

    ids = [int(line["line_item_id"]) for line in lines]
    assert ids == [ids[0], ids[0] + 1, ids[0] + 2]
    assert len({line["provider_line_item_id"] for line in lines}) == 1
    assert all("quantity" not in line for line in lines)


@shows("label-lines-numbers")
def test_labels_name_line_items_by_number_where_line_items_bear_a_text(shop: Bench) -> None:
    return_id = shop.submit({"sku": "SOCK-M", "quantity": 2}, order="#1003")
    shop.advance(5)

    row = shop.row(return_id)

    assert row["labels"][0]["line_items"] == [int(line["line_item_id"]) for line in row["line_items"]]
    assert all(isinstance(line["line_item_id"], str) for line in row["line_items"])


@shows("order-number")
def test_the_order_number_is_1000_less_than_that_in_the_name(shop: Bench) -> None:
    row = shop.row(shop.submit(order="#1003"))

    assert (row["order_name"], row["order_number"], row["provider_order_number"]) == ("#1003", "3", "1003")


# literals


@shows("na-texts")
def test_what_is_not_there_is_na(shop: Bench) -> None:
    row = shop.row(shop.submit(method="in_store"))

    assert (row["tracking_number"], row["label_updated_at"]) == ("N/A", "N/A")
    assert row["line_items"][0]["return_comment"] == "N/A"


@shows("empty-texts")
def test_no_exchange_variant_and_no_barcode_are_empty_texts(shop: Bench) -> None:
    (line,) = shop.row(shop.submit({"sku": "GIFT-WRAP"}, order="#1006"))["line_items"]

    assert (line["exchange_variant"], line["barcode"]) == ("", "")


LABEL_FIELDS = ("carrier", "tracking_number", "label_status", "label_updated_at")


def everywhere(shop: Bench, return_id: int) -> dict[str, dict[str, str]]:
    """The label fields of a new return in the list, in details, and in its `return.created`."""
    heard = shop.heard_one()
    seen = {"list": shop.row(return_id), "details": shop.details(return_id), "webhook": heard.json}
    return {place: {name: fields[name] for name in LABEL_FIELDS} for place, fields in seen.items()}


@shows("label-pending")
def test_while_a_label_is_made_its_fields_say_pending(shop: Bench) -> None:
    shop.listen(("return", "return.created"))

    for fields in everywhere(shop, shop.submit()).values():
        assert ISO.fullmatch(fields.pop("label_updated_at"))
        assert fields == {"carrier": "", "tracking_number": "N/A", "label_status": "pending"}


@shows("label-none")
@pytest.mark.parametrize("how", ["kept", "in_store"])
def test_where_no_label_will_come_its_fields_are_na(open_shop: OpenShop, how: str) -> None:
    shop = open_shop({"keep_item_below": 100_000} if how == "kept" else {})
    shop.listen(("return", "return.created"))

    return_id = shop.submit(**({"method": "in_store"} if how == "in_store" else {}))

    assert everywhere(shop, return_id) == dict.fromkeys(
        ("list", "details", "webhook"), dict.fromkeys(LABEL_FIELDS, "N/A")
    )


# times


@shows("returned-at-spaced")
def test_returned_at_has_the_space_form_beside_iso_times(shop: Bench) -> None:
    shop.listen(("return", "return.created"))
    row = shop.row(shop.submit())
    heard = shop.heard_one()

    for fields in (row, heard.json):
        assert fields["created_at"] == "2026-06-01T12:00:00+00:00"
        assert fields["line_items"][0]["returned_at"] == "2026-06-01 12:00:00"


def _in_list(shop: Bench, return_id: int) -> list[str]:
    row = shop.row(return_id)
    return [
        row["created_at"],
        row["updated_at"],
        row["edited_at"],
        row["label_updated_at"],
        row["labels"][0]["updated_at"],
    ]


def _in_webhook(shop: Bench, _return_id: int) -> list[str]:
    payload = shop.heard()[-1].json
    return [payload["created_at"], payload["edited_at"], payload["label_updated_at"]]


def _in_details(shop: Bench, return_id: int) -> list[str]:
    details = shop.details(return_id)
    return [
        *(details[name] for name in ("created_at", "updated_at", "edited_at")),
        details["line_items"][0]["returned_at"],
    ]


def _in_notes(shop: Bench, return_id: int) -> list[str]:
    shop.post(f"/warehouse/return/{return_id}/note", {"content": "counted"})
    return [note["created_at"] for note in shop.get(f"/warehouse/return/{return_id}/notes").json]


def _in_fraud_reports(shop: Bench, return_id: int) -> list[str]:
    return [shop.post(f"/returns/{return_id}/fraud-report", {"category": "item-is-worn"}).json["created_at"]]


def _in_asn(shop: Bench, _return_id: int) -> list[str]:
    (row,) = shop.get("/warehouse/reporting/asn").json
    return [row[name] for name in ("created_at", "updated_at", "label_updated_at", "provider_created_at")]


@shows("time-formats")
@pytest.mark.parametrize(
    ("place", "form"),
    [
        (_in_list, ISO),
        (_in_webhook, ISO),
        (_in_details, SPACED),
        (_in_notes, SPACED),
        (_in_fraud_reports, WITH_MILLIS),
        (_in_asn, ISO),
    ],
)
def test_each_endpoint_spells_time_in_its_own_way(shop: Bench, place: Any, form: re.Pattern[str]) -> None:
    shop.listen(("return", "return.updated"))
    return_id = shop.submit({"sku": "SOCK-M"}, order="#1003")
    shop.control.customer.edits_return(return_id=return_id, items=[{"sku": "SOCK-M", "reason": "Too small"}])
    shop.advance(5)

    times = place(shop, return_id)

    assert times
    assert [text for text in times if not form.fullmatch(text)] == []


@shows("time-formats")
def test_labels_and_label_requests_tell_time_in_the_shops_zone(open_shop: OpenShop) -> None:
    shop = open_shop({"label_source": "third_party"})
    shop.submit()
    shop.advance(5)
    (request,) = shop.get("/label-requests").json["data"]

    error = shop.post(f"/label-requests/{request['id']}/errors", {"reason": "Other"}).json
    label = shop.post("/labels", new_label(request["id"])).json

    for text in (request["created_at"], error["created_at"], label["created_at"]):
        assert IN_ZONE.fullmatch(text), text
    assert request["created_at"] == "2026-06-01T05:00:04-07:00"


def new_label(request_id: str) -> dict[str, Any]:
    """What a third party sends when it has made a label."""
    return {
        "label_request_id": int(request_id),
        "tracking_number": "1Z999",
        "carrier": "UPS",
        "label_url": "https://labels.example.com/1.pdf",
        "rate": {"amount": 1093, "currency_code": "USD"},
    }


# money


def money(fields: dict[str, Any], *names: str) -> list[Decimal]:
    """Amounts by their names."""
    return [Decimal(fields[name]) for name in names]


@shows("totals-tax-on-top")
def test_the_total_is_product_less_discount_plus_tax(shop: Bench) -> None:
    order = shop.order({"variant": "HOOD-NVY-L", "quantity": 2, "discount": 690}, tax_percent=10)

    row = shop.row(shop.submit({"quantity": 2}, order=order))

    product, discount, tax = money(row, "return_product_total", "return_discount_total", "return_tax_total")
    assert (product, discount, tax) == (Decimal("138.00"), Decimal("6.90"), Decimal("13.11"))
    assert row["return_total"] == "144.21"
    assert row["total"] == row["refund"] == row["return_total"]


@shows("totals-tax-inside")
def test_where_prices_include_tax_the_total_is_product_less_discount(open_shop: OpenShop) -> None:
    shop = open_shop({"handling_fee": 0}, world="eu-multi-currency")
    variant = next(each for each in shop.control.variants() if Decimal(each["price"]) > 50)
    order = shop.order({"variant": variant["sku"], "quantity": 1, "discount": 1000}, tax_percent=19)

    row = shop.row(shop.submit(order=order))

    product, discount, tax, total = money(
        row, "return_product_total", "return_discount_total", "return_tax_total", "return_total"
    )
    assert tax > 0
    assert discount == 10
    assert total == product - discount


@shows("unit-refund-sum")
def test_a_units_refund_is_its_item_and_its_tax(shop: Bench) -> None:
    order = shop.order({"variant": "SOCK-M", "quantity": 3, "discount": 100}, tax_percent=7)

    row = shop.row(shop.submit({"quantity": 3}, order=order))

    for line in row["line_items"]:
        refund, item, tax = money(line, "refund", "refund_item", "refund_tax")
        assert refund == item + tax
        assert item > tax > 0
    assert sum(Decimal(line["refund"]) for line in row["line_items"]) == Decimal(row["refund"])
