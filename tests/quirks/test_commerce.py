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


@shows("cart-update-no-token")
def test_the_answer_to_an_update_has_no_token(shop: Bench) -> None:
    variant = product(shop)["default_variant_id"]
    token = shop.post("/cart", {"cart": [variant]}).json["token"]
    assert shop.post(f"/cart/{token}", {"cart": [variant, variant]}).json == {
        "updated": True, "data": {"cart": [variant, variant]},
    }  # fmt: skip


PLACE = {"address1": "1 Main Street", "city": "Boston", "country_code": "US"}


@shows("destination-statuses")
def test_a_destination_is_made_with_200_and_deleted_with_a_text(shop: Bench) -> None:
    address = {**PLACE, "country": "United States", "state": "MA", "zip": "02101"}
    made = shop.post("/destinations", {"type": "warehouse", "name": "Dock", "address": address})
    assert made.status == 200
    assert shop.delete(f"/destinations/{made.json['id']}").json == "Success"


@shows("destination-address")
def test_destinations_and_locations_name_the_same_otherwise(shop: Bench) -> None:
    address = {**PLACE, "country": "United States", "state": "MA", "zip": "02101"}
    kept = shop.post("/destinations", {"type": "warehouse", "name": "Dock", "address": address}).json["address"]
    assert (kept.get("state"), kept.get("zip")) == ("MA", "02101")
    address = {**PLACE, "region": "MA", "postal_code": "02101"}
    made = shop.post("/locations", {"name": "Dock", "status": "active", "address": address}).json["location"]
    assert (made["address"]["region"], made["address"]["postal_code"]) == ("MA", "02101")
    assert not {"state", "zip"} & made["address"].keys()


@shows("commerce-address-empty")
def test_an_empty_text_in_an_address_is_refused(shop: Bench) -> None:
    def status(**own: Any) -> int:
        return shop.post("/locations", {"name": "Dock", "status": "active", "address": {**PLACE, **own}}).status

    assert [status(region=None), status(region=""), status(address2="  ")] == [201, 422, 422]


@shows("commerce-id-free-again")
def test_the_merchants_id_of_what_was_deleted_is_free(shop: Bench) -> None:
    first = shop.post("/customers", {"external_id": "1"}).json["customer"]
    assert shop.delete(f"/customers/{first['id']}").status == 200
    assert shop.post("/customers", {"external_id": "1"}).status == 201


@shows("commerce-email-shared")
def test_two_customers_may_have_one_address(shop: Bench) -> None:
    body = {"email": "ada@example.com"}
    assert [shop.post("/customers", {**body, "external_id": id_}).status for id_ in ("1", "2")] == [201, 201]


@shows("commerce-upsert-keeps-ids")
def test_an_upsert_keeps_the_ids(shop: Bench) -> None:
    made, again = (shop.put("/products", {**TEE, "external_id": "t", "sku": sku}).json["product"] for sku in "ab")
    assert again["sku"] == "b"
    assert [again[name] for name in ("id", "default_variant_id")] == [made["id"], made["default_variant_id"]]


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


@shows("commerce-cursor-content")
def test_a_cursor_holds_the_last_global_id(shop: Bench) -> None:
    many(shop, 2)
    page = shop.get("/customers", {"limit": 1}).json
    (cursor,) = parse_qs(urlsplit(page["next_page_url"]).query)["cursor"]
    assert "=" not in cursor
    content = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    assert content == {"global_id": page["customers"][0]["id"], "_pointsToNextItems": True}


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


@shows("order-fulfilled-at")
def test_a_shipment_that_has_not_left_makes_nothing_eligible(shop: Bench) -> None:
    parcel = {"status": "success", "fulfillment_line_items": [{"order_line_item_external_id": "#A1-1", "quantity": 1}]}

    def eligible(name: str, **own: Any) -> list[bool]:
        sent = {
            **parcel,
            **own,
            "fulfillment_line_items": [{"order_line_item_external_id": f"{name}-1", "quantity": 1}],
        }
        assert shop.post("/orders", order(product(shop), name, fulfillments=[sent])).status == 201
        told = shop.post("/orders/return-eligibility", {"order_name": name}).json["return_eligibility"]
        return [item["eligible"] for item in told["items"]]

    assert eligible("#A1", fulfilled_at="2026-05-30T12:00:00+00:00") == [True]
    assert eligible("#A2") == [False]


@shows("order-metadata-dropped")
def test_metadata_of_an_order_is_dropped(shop: Bench) -> None:
    made = shop.post("/orders", order(product(shop), "#A1", metadata=[{"key": "a", "value": "b"}]))
    assert made.status == 201
    assert "metadata" not in made.json["order"]


@shows("order-shipping-total")
def test_the_total_of_shipping_is_never_shown(shop: Bench) -> None:
    made = shop.post("/orders", order(product(shop), "#A1", total_shipping={"amount": 500, **USD}))
    assert made.status == 201
    assert "total_shipping" not in made.json["order"]
    assert [entry.get("unknown") for entry in shop.control.journal(kind="call")["entries"]] == [None, None]


@shows("money-dialects")
def test_an_order_and_its_return_spell_money_in_two_ways(shop: Bench) -> None:
    row = shop.row(shop.submit())
    (sold,) = shop.get("/orders", {"limit": 1}).json["orders"]
    assert isinstance(sold["total_price"]["amount"], int)
    assert row["total"] == f"{float(row['total']):.2f}"


@shows("order-part-ids")
def test_the_ids_of_lines_and_shipments_are_unique_over_orders(shop: Bench) -> None:
    sold = product(shop)
    body = order(sold, "#A1")
    assert [shop.post("/orders", {**body, "name": name}).status for name in ("#A1", "#A2")] == [201, 422]
    sent = {"fulfillments": [{"external_id": "F"}]}
    assert [shop.post("/orders", order(sold, name, **sent)).status for name in ("#A3", "#A4")] == [201, 422]


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
