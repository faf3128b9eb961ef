"""List rows, details and payloads of the same returns: types, spellings, phases. Key order and closedness are checked
by the contract in every call that `shop` makes."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from loopsim.contract import Contract
from loopsim.contract.responses import check_webhook
from loopsim.domain.events import TOPICS, TRIGGERS, Event
from loopsim.domain.orders import Variant
from loopsim.wire import php
from loopsim.wire.payloads import payload
from loopsim.wire.samples import sample

Shop = Any


def row_of(shop: Shop, return_id: int) -> Any:
    rows = []
    for state in ("open", "review", "closed", "cancelled", "expired"):
        query = {"from": shop.now - timedelta(days=100), "to": shop.now + timedelta(days=1), "state": state}
        rows += shop.call("listReturns", query=query).body
    return next(row for row in rows if row["id"] == str(return_id))


def details_of(shop: Shop, return_id: int, **query: Any) -> Any:
    return shop.call("getReturnDetails", query={"return_id": return_id, **query}).body


@pytest.fixture
def eventful(shop: Shop) -> tuple[Shop, int]:
    """A shop with a return of three units, graded, refunded, exchanged, labelled and closed."""
    variant = shop.records.resources("variant", Variant)[0]
    shop.act(
        "ordersMakes", name="#5005", lines=[{"variant": variant.id, "quantity": 3, "discount": 100}], tax_percent=7
    )
    items = [{"outcome": "refund", "comment": 'too "big"/wide'}, {"outcome": "credit"}]
    items.append({"outcome": "exchange", "exchange_variant": variant.sku, "parent_reason": "Size"})
    return_id = shop.act("customerSubmitsReturn", order="5005", items=items)["id"]
    shop.advance(seconds=4)
    shop.act("carrierScans", return_id=return_id, status="in_transit")
    line_id = shop.return_(return_id).lines[0].id
    shop.call(
        "gradeItems", {"items": [{"line_item_id": line_id, "description": "Worn", "condition_category": "grade_b"}]}
    )
    shop.call("assessItems", {"items": [{"line_item_id": line_id, "disposition_outcome": "donate"}]})
    shop.call("processReturn", id=return_id)
    shop.advance(seconds=2)
    assert shop.return_(return_id).state == "closed"
    return shop, return_id


def test_the_list_sends_ids_as_texts_and_details_as_numbers(eventful: Any) -> None:
    shop, id_ = eventful
    row, details = row_of(shop, id_), details_of(shop, id_)
    line, other = row["line_items"][2], details["line_items"][2]
    assert (row["id"], details["id"]) == (str(id_), id_)
    for name in ("line_item_id", "provider_line_item_id", "product_id", "variant_id", "exchange_variant"):
        assert isinstance(line[name], str), name
        assert other[name] == int(line[name])
    assert row["provider_order_id"] == str(details["provider_order_id"])
    assert (row["order_number"], row["provider_order_number"]) == (
        str(details["order_number"]),
        str(details["provider_order_number"]),
    )
    assert details["provider_order_number"] - details["order_number"] == 1000


def test_order_id_is_loop_s_own_in_the_list_and_the_platform_s_in_details(eventful: Any) -> None:
    shop, id_ = eventful
    order = shop.return_(id_).order
    assert row_of(shop, id_)["order_id"] == str(order.loop_id)
    assert details_of(shop, id_)["order_id"] == order.provider_id == details_of(shop, id_)["provider_order_id"]


def test_the_list_writes_iso_times_and_details_space_times_and_both_php_dumps(eventful: Any) -> None:
    shop, id_ = eventful
    row, details = row_of(shop, id_), details_of(shop, id_)
    assert row["created_at"] == "2026-06-01T09:00:00+00:00"
    assert details["created_at"] == "2026-06-01 09:00:00"
    assert (row["edited_at"], details["edited_at"]) == (None, None)
    assert row["line_items"][0]["returned_at"] == details["line_items"][0]["returned_at"] == "2026-06-01 09:00:00"
    assert row["label_updated_at"] == details["label_updated_at"] == "2026-06-01T09:00:04+00:00"
    done = {"date": "2026-06-01 09:00:06.000000", "timezone_type": 3, "timezone": "UTC"}
    assert (
        row["outcomes_processed_at"]
        == details["outcomes_processed_at"]
        == dict.fromkeys(("return_processed", "refund_processed", "gift_card_processed", "exchange_processed"), done)
    )


def test_reasons_have_other_names_in_details(eventful: Any) -> None:
    shop, id_ = eventful
    line, other = row_of(shop, id_)["line_items"][2], details_of(shop, id_)["line_items"][2]
    assert (line["return_reason"], line["parent_return_reason"]) == (other["reason"], other["parent_reason"])
    assert (line["return_reason"], line["parent_return_reason"]) == ("Changed my mind", "Size")
    assert "return_reason" not in other
    assert f"{other['line_item_title']} - {other['variant_title']}" == other["title"] == line["title"]


def test_nothing_exchanged_and_no_comment_are_spelt_as_captured(eventful: Any) -> None:
    shop, id_ = eventful
    line, other = row_of(shop, id_)["line_items"][1], details_of(shop, id_)["line_items"][1]
    assert (line["exchange_variant"], other["exchange_variant"]) == ("", None)
    assert line["return_comment"] == other["return_comment"] == "N/A"
    assert row_of(shop, id_)["line_items"][0]["return_comment"] == 'too "big"/wide'
    assert line["outcome"] == "default"


def test_an_exchange_s_ids_are_texts_everywhere_but_its_order_s(eventful: Any) -> None:
    shop, id_ = eventful
    row, details = row_of(shop, id_), details_of(shop, id_)
    (item,) = row["exchanges"]
    assert row["exchanges"] == details["exchanges"]
    assert isinstance(item["exchange_id"], str)
    assert isinstance(item["exchange_order_id"], int)
    assert (item["exchange_order_name"], item["type"]) == ("EXC-5005-1", "exchange")
    assert details["exchange_order_name"] == ["EXC-5005-1"]
    assert details["exchange_order_id"] == [str(item["exchange_order_id"])]


def test_before_processing_an_exchange_has_no_order(shop: Shop) -> None:
    variant = shop.records.resources("variant", Variant)[0].sku
    id_ = shop.act("customerSubmitsReturn", items=[{"outcome": "exchange", "exchange_variant": variant}])["id"]
    row, details = row_of(shop, id_), details_of(shop, id_)
    assert (row["exchanges"][0]["exchange_order_id"], row["exchanges"][0]["exchange_order_name"]) == (None, None)
    assert (details["exchange_order_id"], details["exchange_order_name"]) == ([], [])
    assert details["exchange"] == row["exchange_total"]


def test_refunds_are_texts_in_details_and_platform_objects_with_numbers_beside_them(eventful: Any) -> None:
    shop, id_ = eventful
    row, details = row_of(shop, id_), details_of(shop, id_)
    (refund,) = details["refunds"]
    assert all(isinstance(value, str) for value in refund.values())
    assert refund["amount"] == row["refund"]
    (made,) = row["shopify_refund_object"]
    assert (made["return_id"], str(made["provider_refund_id"])) == (id_, refund["provider_refund_id"])
    assert row["shopify_refund_object"] == details["shopify_refund_object"]
    assert "refunds" not in row


def test_a_label_s_units_are_numbers_where_a_unit_s_own_id_is_text(eventful: Any) -> None:
    shop, id_ = eventful
    row = row_of(shop, id_)
    assert row["labels"][0]["line_items"] == [int(line["line_item_id"]) for line in row["line_items"]]
    assert isinstance(row["label_rate"], int)
    assert row["labels"] == details_of(shop, id_)["labels"]


def test_what_grading_found_stands_on_the_line(eventful: Any) -> None:
    shop, id_ = eventful
    for line in (row_of(shop, id_)["line_items"][0], details_of(shop, id_)["line_items"][0]):
        assert line["condition"] == {
            "description": "Worn", "condition_category": "grade_b", "return_processor": None, "note": None,
            "inspected_at": None, "images": [],
        }  # fmt: skip
        assert line["disposition"]["disposition_outcome"] == "donate"
    assert row_of(shop, id_)["line_items"][1]["condition"] is None


def test_money_is_text_with_two_decimals_and_adds_up(eventful: Any) -> None:
    shop, id_ = eventful
    row = row_of(shop, id_)
    cents = {
        name: int(value.replace(".", ""))
        for name, value in row.items()
        if isinstance(value, str) and value[-3:-2] == "."
    }
    assert (
        cents["return_total"]
        == cents["return_product_total"] - cents["return_discount_total"] + cents["return_tax_total"]
    )
    assert cents["return_credit_total"] == cents["exchange_credit_total"] == cents["exchange_total"]
    assert cents["total"] == cents["refund"] + cents["gift_card"]
    line = row["line_items"][0]
    assert line["refund"] == row["refund"] != "0.00"
    details = details_of(shop, id_)
    assert {
        name: details[name] for name in row if name.endswith("total") or name in ("refund", "gift_card", "upsell")
    } == {name: row[name] for name in row if name.endswith("total") or name in ("refund", "gift_card", "upsell")}


def test_a_return_has_the_same_uuid_wherever_its_page_is_named(eventful: Any) -> None:
    shop, id_ = eventful
    url = f"https://shop.loopreturns.com/#/return/{shop.return_(id_).uuid}"
    assert row_of(shop, id_)["status_page_url"] == details_of(shop, id_)["status_page_url"] == url


# outside Shopify, in other currencies, with taxes inside


@pytest.fixture
def eu(open_shop: Any) -> Shop:
    return open_shop("eu-multi-currency", carrier="manual", workflows=(), processing_events={})


def foreign(eu: Shop) -> int:
    abroad = (order for order in eu.records.orders() if order.presentment_currency != order.currency)
    order = next(order for order in abroad if order.lines[0].fulfilled)
    return int(eu.act("customerSubmitsReturn", order=order.id, items=[{"line_item_id": order.lines[0].id}])["id"])


def test_outside_shopify_order_numbers_are_empty_in_the_list_and_null_in_details(eu: Shop) -> None:
    id_ = foreign(eu)
    row, details = row_of(eu, id_), details_of(eu, id_)
    assert (row["order_number"], row["provider_order_number"]) == ("", "")
    assert (details["order_number"], details["provider_order_number"]) == (None, "")
    assert len(row["provider_order_id"]) == 18
    assert details["provider_return_id"] is None


def test_amounts_come_in_the_shop_s_currency_or_the_customer_s(eu: Shop) -> None:
    id_ = foreign(eu)
    row, own = row_of(eu, id_), details_of(eu, id_)
    theirs, asked = details_of(eu, id_, currency_type="presentment"), details_of(eu, id_, currency_type="shop")
    assert (row["multi_currency"], row["currency"], own["currency"]) == (True, "EUR", "EUR")
    assert asked == own == details_of(eu, id_, currency_type="moon")
    assert theirs["currency"] == eu.return_(id_).order.presentment_currency != "EUR"
    assert theirs["return_total"] != own["return_total"]
    cents = {
        name: int(value.replace(".", ""))
        for name, value in theirs.items()
        if name.endswith("total") or name in ("refund", "handling_fee")
    }
    assert cents["total"] == cents["refund"] == cents["return_total"] - cents["handling_fee"]
    assert cents["return_total"] == cents["return_product_total"] - cents["return_discount_total"]


def test_refunds_come_in_the_customer_s_currency_too(eu: Shop) -> None:
    id_ = foreign(eu)
    eu.call("processReturn", id=id_)
    eu.advance(seconds=2)
    theirs = details_of(eu, id_, currency_type="presentment")
    (refund,) = theirs["refunds"]
    assert (refund["amount"], refund["currency"]) == (theirs["refund"], theirs["currency"])
    assert refund["gateway"] == "manual"


# the label fields, phase by phase

PHASES = ("carrier", "tracking_number", "label_status", "label_updated_at", "label_url", "label_rate")


def label_fields(shop: Shop, id_: int) -> tuple[Any, ...]:
    row, details = row_of(shop, id_), details_of(shop, id_)
    assert [row[name] for name in PHASES] == [details[name] for name in PHASES]
    return tuple(row[name] for name in PHASES)


def test_label_fields_while_the_label_is_made(shop: Shop) -> None:
    id_ = shop.submit()["id"]
    assert label_fields(shop, id_) == ("", "N/A", "pending", "2026-06-01T09:00:00+00:00", None, None)


def test_label_fields_once_it_is_there_and_as_it_travels(shop: Shop) -> None:
    id_ = shop.submit()["id"]
    shop.advance(seconds=4)
    label = shop.return_(id_).labels[0]
    told = (label.carrier, label.tracking_number, "new", "2026-06-01T09:00:04+00:00", label.url, label.rate)
    assert label_fields(shop, id_) == told
    shop.advance(hours=1)
    shop.act("carrierScans", return_id=id_, status="delivered")
    assert label_fields(shop, id_)[2:4] == ("delivered", "2026-06-01T10:00:04+00:00")


@pytest.mark.parametrize("status", ["error", "failure"])
def test_label_fields_of_a_label_that_failed(status: str, shop: Shop) -> None:
    id_ = shop.submit()["id"]
    shop.advance(seconds=4)
    shop.act("carrierScans", return_id=id_, status=status)
    assert label_fields(shop, id_)[2] == status


NO_LABEL = ("N/A", "N/A", "N/A", "N/A", None, None)


def test_label_fields_where_none_will_come(open_shop: Any) -> None:
    shop = open_shop(label_source="none")
    assert label_fields(shop, shop.submit()["id"]) == NO_LABEL
    assert label_fields(shop, shop.submit(method="happy_returns")["id"]) == NO_LABEL


@pytest.mark.parametrize("end", ["staffCancels", "staffCloses"])
def test_label_fields_of_a_return_that_ended_before_it_had_one(end: str, shop: Shop) -> None:
    id_ = shop.submit()["id"]
    shop.act(end, return_id=id_)
    assert label_fields(shop, id_) == NO_LABEL


def test_label_fields_wait_for_a_third_party(open_shop: Any) -> None:
    shop = open_shop(label_source="third_party")
    id_ = shop.submit()["id"]
    shop.advance(days=1)
    assert label_fields(shop, id_)[:3] == ("", "N/A", "pending")


# payloads


def test_the_return_payload_speaks_in_texts_with_few_numbers(eventful: Any) -> None:
    shop, id_ = eventful
    return_ = shop.return_(id_)
    told = payload("return", Event("return.closed", return_), shop.shop.settings)
    assert told is not None
    row = row_of(shop, id_)
    numbers = {name for name, value in told.items() if type(value) is int}
    assert numbers == {"shop_id", "provider_order_number", "label_rate", "destination_id"}
    assert list(told)[:5] == ["topic", "trigger", "shop_id", "id", "state"]
    shared = [name for name in told if name in row and name not in ("line_items", "provider_order_number")]
    assert {name: told[name] for name in shared} == {name: row[name] for name in shared}
    for line, listed in zip(told["line_items"], row["line_items"], strict=True):
        assert line == {name: listed[name] for name in line}
    assert list(told["line_items"][0])[:16] == [
        "line_item_id", "provider_line_item_id", "product_id", "variant_id", "sku", "barcode", "title", "price",
        "discount", "tax", "refund", "returned_at", "exchange_variant", "return_reason", "parent_return_reason",
        "outcome",
    ]  # fmt: skip


def test_the_address_of_a_payload_is_the_order_s(eventful: Any) -> None:
    shop, id_ = eventful
    return_ = shop.return_(id_)
    told = payload("return", Event("return.updated", return_), shop.shop.settings)
    assert told is not None
    assert list(told["address"]) == [
        "name", "company", "address1", "address2", "city", "state", "zip", "country", "country_code", "phone",
    ]  # fmt: skip
    assert told["address"]["state"] == "Ohio"
    assert told["customer_detail"]["email"] == told["customer"] == return_.order.email


def test_the_label_payload_names_the_return_and_no_label(eventful: Any) -> None:
    shop, id_ = eventful
    return_ = shop.return_(id_)
    told = payload("label", Event("label.updated", return_, {"label_id": return_.labels[0].id}), shop.shop.settings)
    assert told is not None
    assert (told["id"], told["order_id"], told["provider_order_id"]) == (
        id_,
        return_.order.loop_id,
        return_.order.provider_id,
    )
    assert told["shipment_id"] == str(return_.labels[0].shipment_id)


# which topic has data at which trigger; every other pair is empty
HAS_DATA = {
    "return": set(TRIGGERS) - {"shipment.processed"},
    "return.processing": {"return.processing.failed"},
    "label": set(TRIGGERS) - {"shipment.processed"},  # once there is a label
    "restock": {"restock.requested"},
    "label.request": {"label.request.issued", "label.request.cancelled"},
    "giftcard": {"giftcard.requested"},
    "happy.returns.shipment": {"shipment.processed"},
}


@pytest.mark.parametrize("topic", TOPICS)
@pytest.mark.parametrize("trigger", TRIGGERS)
def test_the_sample_of_every_pair_is_what_the_contract_says_or_empty(
    topic: str, trigger: str, shop: Shop, contract: Contract
) -> None:
    told = sample(topic, trigger, shop.shop.settings, shop.now)
    assert (told is not None) is (trigger in HAS_DATA[topic])
    answer = shop.call("getSampleWebhook", query={"topic": topic, "trigger": trigger}).body
    if told is None:
        assert answer == []
        return
    assert check_webhook(contract, topic, php.encode(told)) == []
    assert answer == json.loads(php.encode(told))
    assert (told["topic"], told["trigger"]) == (topic, trigger)


def test_before_there_is_a_label_the_label_topic_is_empty(shop: Shop) -> None:
    return_ = shop.return_(shop.submit()["id"])
    assert payload("label", Event("return.created", return_), shop.shop.settings) is None


# the shipping notice


def test_the_notice_has_a_row_per_unit_with_its_own_label(eventful: Any) -> None:
    shop, id_ = eventful
    rows = shop.call("reportAsn").body
    return_ = shop.return_(id_)
    assert [row["return_line_item_id"] for row in rows] == [str(line.id) for line in return_.lines]
    first = rows[0]
    assert (first["order_id"], first["state"], first["outcome"]) == (
        str(return_.order.loop_id),
        "closed",
        "exchange+refund",
    )
    assert (first["label_status"], first["service"]) == ("in_transit", "ground")
    assert (first["restock_status"], first["return_method"]) == ("restocked", "mail")
    assert first["closed_at"] == "2026-06-01T09:00:06+00:00"
    assert first["label_rate"] == f"{return_.labels[0].rate // 100}.{return_.labels[0].rate % 100:02d}"


def test_a_unit_without_a_label_says_so_in_the_notice(open_shop: Any) -> None:
    shop = open_shop(label_source="none")
    shop.submit(method="happy_returns")
    (row,) = shop.call("reportAsn").body
    assert (row["carrier"], row["label_status"], row["label_updated_at"]) == ("N/A", "N/A", "N/A")
    assert (row["label_url"], row["label_rate"], row["service"], row["closed_at"]) == (None, None, None, None)
    assert (row["return_method"], row["return_method_state"], row["restock_status"]) == (
        "drop_off",
        "new",
        "not_restocked",
    )
    assert row["rma_id"] == row["scannable_id"]
