"""Commerce data, listings and carts: what surprises who wrote the client from the docs."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.quirks.bench import MOMENT, Bench
from tests.quirks.catalogue import shows

PAGE = "https://shop.example"
USD = {"currency_code": "USD"}
TEE = {"name": "Tee", "price": {"amount": 2800, **USD}}


def product(shop: Bench, **own: Any) -> Any:
    reply = shop.post("/products", {**TEE, **own})
    assert reply.status == 201, reply.body
    return reply.json["product"]


# listings and carts


@shows("cart-cors")
def test_a_page_may_ask_and_read_refusals(shop: Bench) -> None:
    asked = shop.call("OPTIONS", "/cart", key=None, headers={"Origin": PAGE, "Access-Control-Request-Method": "POST"})
    refused = shop.post("/cart", {"cart": []}, key="wrong", headers={"Origin": PAGE})
    assert asked.status == 204
    assert refused.status == 401
    for reply in (asked, refused):
        assert reply.headers.get("access-control-allow-origin") == PAGE
        assert reply.headers.get("access-control-allow-credentials") == "true"


@shows("cart-refusals-200")
def test_a_cart_that_cannot_be_is_refused_with_200(shop: Bench) -> None:
    reply = shop.post("/cart", {"cart": [777777]})
    assert (reply.status, reply.json["errors"]) == (200, {"message": "Variant ID 777777 not found."})


@shows("listings-201")
def test_creating_in_a_list_answers_201(shop: Bench) -> None:
    assert shop.post("/allowlists", {"type": "email", "value": "a@example.com"}).status == 201


@shows("listings-page")
def test_listings_come_in_laravels_page(shop: Bench) -> None:
    for number in range(16):
        shop.post("/blocklists", {"type": "order", "value": f"#{number}"})
    page = shop.get("/blocklists").json
    assert (len(page["data"]), page["per_page"], page["total"]) == (15, 15, 16)
    assert [link["label"] for link in page.get("links", ())] == ["&laquo; Previous", "1", "2", "Next &raquo;"]


# ids


@shows("commerce-snowflakes")
def test_an_id_is_a_number_that_holds_the_moment(shop: Bench) -> None:
    made = product(shop)["id"]
    assert isinstance(made, int)
    assert made > 2**53
    moment = datetime(2019, 8, 8, 8, 8, 8, tzinfo=UTC) + timedelta(milliseconds=made >> 22)
    assert moment == datetime.fromisoformat(MOMENT)


@shows("commerce-text-ids")
def test_ids_are_texts_for_who_asks(shop: Bench) -> None:
    made = product(shop)
    read = shop.get(f"/products/{made['id']}", headers={"X-Loop-Global-Identifier-Type": "string"}).json["product"]
    assert (read["id"], read["default_variant_id"]) == (str(made["id"]), str(made["default_variant_id"]))


# creating and changing


@shows("commerce-201-200")
def test_post_answers_201_and_put_200_both_ways(shop: Bench) -> None:
    assert shop.post("/customers", {"external_id": "1"}).status == 201
    assert [shop.put("/customers", {"external_id": id_}).status for id_ in ("1", "2")] == [200, 200]


@shows("commerce-upsert-ignores-id")
def test_a_put_goes_by_the_merchants_id(shop: Bench) -> None:
    first = shop.post("/customers", {"external_id": "1"}).json["customer"]
    reply = shop.put("/customers", {"id": first["id"], "external_id": "2"})
    assert reply.status == 200
    assert reply.json["customer"]["id"] != first["id"]
    assert shop.put("/customers", {"id": first["id"]}).status == 422


@shows("commerce-external-id-taken")
def test_a_merchants_id_in_use_is_a_422(shop: Bench) -> None:
    product(shop, external_id="1")
    reply = shop.post("/products", {**TEE, "external_id": "1"})
    assert reply.status == 422
    assert reply.json["message"] == "This external id has already been taken."


@shows("commerce-money-cut")
def test_fractions_of_money_are_cut_off(shop: Bench) -> None:
    amounts = [product(shop, price={"amount": sent, **USD})["price"]["amount"] for sent in (16.80, 81.69, 7.26)]
    assert amounts == [16, 81, 7]


@shows("commerce-unknown-dropped")
def test_unknown_fields_are_dropped_and_noted(shop: Bench) -> None:
    made = product(shop, metadata={"a": 1}, price={"amount": 28, "exponent": 2, **USD})
    assert "metadata" not in made
    (entry,) = shop.control.journal(kind="call")["entries"]
    assert sorted(entry["unknown"]) == ["metadata", "price.exponent"]


@shows("commerce-channel-null")
def test_the_channel_of_a_customer_is_null(shop: Bench) -> None:
    made = shop.post("/customers", {"sales_channel": "NetSuite"}).json["customer"]
    assert made["sales_channel"] is None
    assert shop.get(f"/customers/{made['id']}").json["customer"]["sales_channel"] is None


@shows("commerce-default-variant")
def test_a_new_product_makes_a_variant(shop: Bench) -> None:
    made = product(shop, sku="TEE")
    found = shop.get(f"/products/{made['id']}/product-variants").json["product_variants"]
    assert [(each["id"], each["sku"]) for each in found] == [(made["default_variant_id"], "TEE")]


@shows("commerce-variant-id-unique")
def test_a_variants_id_is_unique_over_products(shop: Bench) -> None:
    one, two = product(shop), product(shop)
    body = {"taxable": True, "external_id": "v"}
    assert shop.post(f"/products/{one['id']}/product-variants", body).status == 201
    assert shop.post(f"/products/{two['id']}/product-variants", body).status == 422


@shows("commerce-option-literal")
def test_an_options_value_is_its_products_to_the_letter(shop: Bench) -> None:
    made = product(shop, options=[{"name": "Size", "position": 1, "values": ["S"]}])

    def status(value: str) -> int:
        body = {"taxable": True, "options": [{"position": 1, "value": value}]}
        return shop.post(f"/products/{made['id']}/product-variants", body).status

    assert [status(value) for value in ("S", "s")] == [201, 422]


# pages


def many(shop: Bench, count: int) -> list[int]:
    return [shop.post("/customers", {}).json["customer"]["id"] for _ in range(count)]


@shows("commerce-limit")
def test_fifty_a_page_by_id(shop: Bench) -> None:
    ids = many(shop, 51)
    seen = [each["id"] for each in shop.get("/customers").json["customers"]]
    own = [id_ for id_ in seen if id_ in ids]
    assert len(seen) == 50
    assert own == sorted(own)
    assert len(shop.get("/customers", {"limit": 250}).json["customers"]) >= 51


@shows("commerce-limit-422")
def test_a_limit_out_of_range_is_refused(shop: Bench) -> None:
    assert [shop.get("/customers", {"limit": limit}).status for limit in (0, 251)] == [422, 422]


@shows("commerce-bad-cursor")
def test_a_cursor_that_cannot_be_read_is_the_first_page(shop: Bench) -> None:
    many(shop, 2)
    first = shop.get("/customers").json["customers"]
    bad = base64.urlsafe_b64encode(json.dumps({"id": 1}).encode()).decode()
    reply = shop.get("/customers", {"cursor": bad})
    assert reply.status == 200
    assert reply.json["customers"] == first


@shows("commerce-next-limit")
def test_the_next_page_repeats_a_limit_that_was_given(shop: Bench) -> None:
    many(shop, 51)

    def kept(**query: Any) -> list[str]:
        url = shop.get("/customers", query).json["next_page_url"]
        assert url.startswith(f"{shop.control.api_base}/customers?")
        return sorted(parse_qs(urlsplit(url).query))

    assert kept() == ["cursor"]
    assert kept(limit=5) == ["cursor", "limit"]


# orders


def order(sold: Any, name: str, **own: Any) -> Any:
    line = {"product": {"id": sold["id"]}, "unit_price": {"amount": 2800, **USD}, "external_id": f"{name}-1"}
    made = {"name": name, "status": "active", "taxes_included": False, "total_price": {"amount": 2800, **USD}}
    return {**made, "line_items": [line], **own}


@shows("version-order-dates")
def test_since_2026_10_an_order_says_when_it_was_made(shop: Bench) -> None:
    body = order(product(shop), "#A1")
    assert shop.post("/orders", body, api="/api/2026-10").status == 422
    assert shop.post("/orders", body).status == 201


@shows("order-dates-null")
def test_times_that_were_not_sent_are_null(shop: Bench) -> None:
    made = shop.post("/orders", order(product(shop), "#A1")).json["order"]
    assert (made["created_at"], made["updated_at"]) == (None, None)


@shows("order-unfulfilled")
def test_nothing_is_eligible_without_a_shipment(shop: Bench) -> None:
    assert shop.post("/orders", order(product(shop), "#A1")).status == 201
    told = shop.post("/orders/return-eligibility", {"order_name": "#A1"})
    assert told.status == 200
    assert [item["eligible"] for item in told.json["return_eligibility"]["items"]] == [False]


@shows("order-part-ids")
def test_the_id_of_a_line_is_unique_over_orders(shop: Bench) -> None:
    sold = product(shop)
    body = order(sold, "#A1")
    assert [shop.post("/orders", {**body, "name": name}).status for name in ("#A1", "#A2")] == [201, 422]


@shows("order-customer-live")
def test_an_order_shows_its_customer_as_it_is_now(shop: Bench) -> None:
    made = shop.post("/customers", {"external_id": "c", "first_name": "Ada"}).json["customer"]
    sold = shop.post("/orders", order(product(shop), "#A1", customer={"id": made["id"]})).json["order"]
    shop.put("/customers", {"external_id": "c", "first_name": "Augusta"})
    assert shop.get(f"/orders/{sold['id']}").json["order"]["customer"]["first_name"] == "Augusta"


@shows("order-both-ids")
def test_a_reference_by_both_ids_is_refused(shop: Bench) -> None:
    sold = product(shop, external_id="t")
    body = order(sold, "#A1")
    body["line_items"][0]["product"]["external_id"] = "t"
    assert shop.post("/orders", body).status == 422
