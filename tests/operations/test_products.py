"""Products, variants, collections, locations, inventories: what is true of them beyond what customers show."""

from __future__ import annotations

from typing import Any

import pytest

Shop = Any
USD = {"currency_code": "USD"}
SIZES = [{"name": "Size", "position": 1, "values": ["S", "M"]}]
ADDRESS = {
    "address1": "1 Dock Road",
    "city": "Columbus",
    "region": "Ohio",
    "postal_code": "43004",
    "country_code": "US",
}


def make_product(shop: Shop, **own: Any) -> Any:
    body = {"name": "Crew Tee", "price": {"amount": 2800, **USD}, **own}
    reply = shop.call("createProduct", body)
    assert reply.status == 201, reply
    return reply.body["product"]


def make_variant(shop: Shop, product: Any, **own: Any) -> Any:
    reply = shop.call("createProductVariant", {"taxable": True, **own}, productId=product["id"])
    assert reply.status == 201, reply
    return reply.body["product_variant"]


def make_location(shop: Shop, **own: Any) -> Any:
    reply = shop.call("createLocation", {"name": "Ohio", "status": "active", "address": ADDRESS, **own})
    assert reply.status == 201, reply
    return reply.body["location"]


def variants(shop: Shop, product: Any) -> Any:
    return shop.call("listProductVariants", productId=product["id"]).body["product_variants"]


# upserts

PRICE = {"amount": 2800, **USD}
UPSERTS: dict[str, Any] = {
    "upsertCustomer": {"first_name": "Ada"},
    "upsertProduct": {"name": "Tee", "price": PRICE},
    "upsertProductVariant": {"taxable": True},
    "upsertCollection": {"name": "Summer"},
    "upsertLocation": {"name": "Ohio", "status": "active", "address": ADDRESS},
    "upsertOrder": {"name": "#1", "status": "active", "taxes_included": False, "total_price": PRICE, "line_items": []},
}


@pytest.mark.parametrize("operation", UPSERTS)
def test_an_upsert_without_the_merchants_id_makes_nothing(operation: str, empty: Shop) -> None:
    path = {"productId": make_product(empty)["id"]} if operation == "upsertProductVariant" else {}
    before = empty.dump()
    for given in ({}, {"external_id": None}, {"external_id": ""}, {"external_id": " "}):
        reply = empty.call(operation, {**UPSERTS[operation], **given}, **path)
        assert reply.status == 422, given
        assert reply.body["errors"] == {"external_id": ["The external id field is required."]}
    for wrong, said in ((7, "be a string"), ("x" * 101, "not be greater than")):
        (message,) = empty.call(operation, {**UPSERTS[operation], "external_id": wrong}, **path).body["errors"][
            "external_id"
        ]
        assert said in message
    assert empty.dump() == before
    assert empty.call(operation, {**UPSERTS[operation], "external_id": "mine"}, **path).status == 200


# products


def test_the_default_variant_keeps_what_it_was_given_when_something_else_changes(empty: Shop) -> None:
    made = make_product(empty, sku="TEE", external_id="tee")
    where = {"productId": made["id"], "variantId": made["default_variant_id"]}
    empty.call("patchProductVariant", {"sku": "TEE-1", "price": {"amount": 900, **USD}}, **where)
    empty.call("updateProduct", {"tags": ["new"], "barcode": "012"}, id=made["id"])
    empty.call("upsertProduct", {"external_id": "tee", "name": "Tee", "price": {"amount": 2800, **USD}})
    (default,) = variants(empty, made)
    assert (default["sku"], default["price"]["amount"], default["barcode"]) == ("TEE-1", 900, "012")
    empty.call("updateProduct", {"price": {"amount": 2900, **USD}}, id=made["id"])
    (default,) = variants(empty, made)
    assert (default["sku"], default["price"]["amount"]) == ("TEE-1", 2900)


def test_a_product_has_the_captured_keys_and_makes_its_default_variant(empty: Shop) -> None:
    made = make_product(empty, sku="TEE", weight_grams=210, barcode="012", external_id="tee")
    assert list(made) == [
        "id", "external_id", "sku", "name", "sales_channel", "weight_grams", "barcode", "description", "type", "vendor",
        "price", "created_at", "updated_at", "collections", "options", "images", "tags", "source", "default_variant_id",
    ]  # fmt: skip
    assert (made["created_at"], made["updated_at"]) == (None, None)
    (default,) = variants(empty, made)
    assert default["id"] == made["default_variant_id"] != made["id"]
    assert {name: default[name] for name in ("external_id", "sku", "name", "weight_grams", "barcode")} == {
        "external_id": None, "sku": "TEE", "name": "Crew Tee", "weight_grams": 210, "barcode": "012",
    }  # fmt: skip


def test_an_upsert_keeps_both_ids(empty: Shop) -> None:
    body = {"external_id": "tee", "name": "Crew Tee", "price": {"amount": 2800, **USD}}
    first = empty.call("upsertProduct", body)
    second = empty.call("upsertProduct", {**body, "name": "Tee"})
    assert (first.status, second.status) == (200, 200)
    assert second.body["product"] == {**first.body["product"], "name": "Tee"}
    assert [each["name"] for each in variants(empty, second.body["product"])] == ["Tee"]


@pytest.mark.parametrize(("sent", "kept"), [(16.80, 16), (81.69, 81), (-7.26, -7), (7.0, 7), ("12", 12)])
def test_a_fraction_of_money_is_cut_off_without_a_word(sent: Any, kept: int, empty: Shop) -> None:
    assert make_product(empty, price={"amount": sent, **USD})["price"] == {"amount": kept, **USD}


def test_a_deleted_product_takes_its_variants_and_places_along(empty: Shop) -> None:
    made, other = make_product(empty, external_id="1"), make_product(empty)
    variant = make_variant(empty, made, external_id="v")
    collection = empty.call("createCollection", {"name": "All"}).body["collection"]
    for product in (made, other):
        empty.call("addProductToCollection", collectionId=collection["id"], productId=product["id"])
    assert empty.call("deleteProductByExternalId", externalId="1").body == {"id": made["id"], "success": True}
    assert empty.call("getProductVariant", productId=made["id"], variantId=variant["id"]).status == 404
    left = empty.call("getCollection", id=collection["id"]).body["collection"]
    assert [each["id"] for each in left["products"]] == [other["id"]]
    make_variant(empty, other, external_id="v")


def test_products_are_filtered_by_barcode_and_tags(empty: Shop) -> None:
    made = [make_product(empty, barcode=str(n % 2), tags=["a", "b"][: n % 3]) for n in range(7)]
    ids = [each["id"] for each in made]

    def found(**query: Any) -> list[int]:
        page = empty.call("listProducts", query=query).body
        return [each["id"] for each in page["products"]]

    assert found(barcode="1") == ids[1::2]
    assert found(tags="b,a") == [ids[2], ids[5]]
    page = empty.call("listProducts", query={"barcode": "1", "limit": 2}).body
    assert [each["id"] for each in page["products"]] == ids[1:4:2]
    assert "barcode=1" in page["next_page_url"]


# variants


def test_an_option_value_is_one_of_its_product_to_the_letter(empty: Shop) -> None:
    product = make_product(empty, options=SIZES)
    made = make_variant(empty, product, name="S", options=[{"position": 1, "value": "S"}])
    assert made["options"] == [{"position": 1, "value": "S"}]
    wrong = {"taxable": True, "options": [{"position": 1, "value": "s"}]}
    for reply in (
        empty.call("createProductVariant", wrong, productId=product["id"]),
        empty.call("patchProductVariant", wrong, productId=product["id"], variantId=made["id"]),
    ):
        assert (reply.status, list(reply.body["errors"])) == (422, ["options.0.value"])
    assert len(variants(empty, product)) == 2


def test_the_merchants_id_of_a_variant_is_unique_over_the_shop(empty: Shop) -> None:
    one, two = make_product(empty), make_product(empty)
    made = make_variant(empty, one, external_id="v")
    for operation in ("createProductVariant", "upsertProductVariant"):
        reply = empty.call(operation, {"taxable": True, "external_id": "v"}, productId=two["id"])
        assert (reply.status, reply.body["message"]) == (422, "This external id has already been taken.")
    again = empty.call("upsertProductVariant", {"taxable": True, "external_id": "v", "sku": "X"}, productId=one["id"])
    assert (again.status, again.body["product_variant"]) == (200, {**made, "sku": "X"})


def test_a_variant_is_found_under_its_product_alone(empty: Shop) -> None:
    one, two = make_product(empty), make_product(empty)
    made = make_variant(empty, one)
    assert empty.call("getProductVariant", productId=two["id"], variantId=made["id"]).status == 404
    assert empty.call("listProductVariants", productId=5).status == 404


def test_customs_data_is_echoed_and_reaches_the_label_provider(empty: Shop) -> None:
    said = {"origin_country_code": "PT", "default_hs_code": "610910", "cost": {"amount": 700, **USD}}
    made = make_variant(empty, make_product(empty), logistics_information=said)
    assert made["logistics_information"] == said
    assert empty.call("deleteProductVariant", productId=1, variantId=made["id"]).status == 404


def test_worlds_bring_products_with_variants(shop: Shop) -> None:
    products = shop.call("listProducts").body["products"]
    assert products
    for product in products:
        found = variants(shop, product)
        assert product["default_variant_id"] in [each["id"] for each in found]
        for variant in found:
            assert all(
                each["value"] in product["options"][each["position"] - 1]["values"] for each in variant["options"]
            )


# collections


def test_products_are_put_into_collections_and_say_so(empty: Shop) -> None:
    product = make_product(empty)
    made = empty.call("createCollection", {"name": "Summer", "external_id": "s"}).body["collection"]
    assert list(made) == ["id", "external_id", "name", "sales_channel", "products"]
    for _ in range(2):
        reply = empty.call("addProductToCollection", collectionId=made["id"], productId=product["id"])
        assert [each["id"] for each in reply.body["collection"]["products"]] == [product["id"]]
    told = empty.call("getProduct", id=product["id"]).body["product"]["collections"]
    assert told == [{"id": made["id"], "external_id": "s", "name": "Summer"}]
    assert empty.call("deleteCollection", id=made["id"]).body == {"id": made["id"], "success": True}
    assert empty.call("getProduct", id=product["id"]).body["product"]["collections"] == []


# locations and inventories


def test_a_location_has_its_address_in_this_familys_words(empty: Shop) -> None:
    made = make_location(empty, external_id="o", sales_channel="POS")
    assert list(made) == ["id", "external_id", "sales_channel", "name", "status", "address"]
    assert made["address"] == {"name": None, "company": None, "address2": None, **ADDRESS}
    assert list(made["address"]) == [
        "name", "company", "address1", "address2", "city", "region", "postal_code", "country_code",
    ]  # fmt: skip
    changed = empty.call("updateLocation", {"status": "inactive"}, id=made["id"]).body["location"]
    assert changed == {**made, "status": "inactive"}


@pytest.mark.parametrize("field", ["address1", "city", "country_code"])
def test_an_empty_text_in_an_address_counts_as_missing(field: str, empty: Shop) -> None:
    body = {"name": "Ohio", "status": "active", "address": {**ADDRESS, field: ""}}
    reply = empty.call("createLocation", body)
    assert (reply.status, list(reply.body["errors"])) == (422, [f"address.{field}"])


def test_stock_is_counted_per_location(empty: Shop) -> None:
    place = make_location(empty)
    variant_id = make_product(empty, sku="TEE")["default_variant_id"]
    pair = {"productVariantId": variant_id, "locationId": place["id"]}
    assert empty.call("getInventory", **pair).status == 404
    made = empty.call("createInventory", {"available_count": 350}, **pair)
    assert made.status == 201
    assert list(made.body["inventory"]) == ["available_count", "product_variant", "location"]
    assert made.body["inventory"]["product_variant"]["sku"] == "TEE"
    assert empty.call("createInventory", {"available_count": 1}, **pair).status == 422
    assert empty.call("upsertInventory", {"available_count": 0}, **pair).body["inventory"]["available_count"] == 0
    gone = empty.call("deleteInventory", **pair)
    assert gone.body == {"product_variant_id": variant_id, "location_id": place["id"], "success": True}
    assert empty.call("getInventory", **pair).status == 404


def test_inventories_are_paged_by_their_two_ids(empty: Shop) -> None:
    places = [make_location(empty)["id"] for _ in range(2)]
    sold = [make_product(empty)["default_variant_id"] for _ in range(3)]
    for variant_id in sold:
        for place in places:
            pair = {"productVariantId": variant_id, "locationId": place}
            empty.call("upsertInventory", {"available_count": 1}, **pair)

    def ids(page: Any) -> list[tuple[int, int]]:
        return [(each["product_variant"]["id"], each["location"]["id"]) for each in page["inventories"]]

    every = [(variant_id, place) for variant_id in sold for place in places]
    page = empty.call("listInventories", query={"limit": 4}).body
    assert ids(page) == every[:4]
    cursor = page["next_page_url"].partition("cursor=")[2].partition("&")[0]
    rest = empty.call("listInventories", query={"limit": 4, "cursor": cursor}).body
    assert (ids(rest), rest["next_page_url"]) == (every[4:], None)
    assert ids(empty.call("listInventories", query={"location_id": places[1]}).body) == every[1::2]
    assert ids(empty.call("listInventories", query={"product_variant_id": sold[0]}).body) == every[:2]
    assert empty.call("listInventories", query={"location_id": "x"}).status == 422


def test_what_inventories_say_decides_exchanges(shop: Shop) -> None:
    wanted = shop.call("listVariants").body["variants"][0]
    for place in wanted["available"]:
        pair = {"productVariantId": wanted["id"], "locationId": int(place)}
        shop.call("upsertInventory", {"available_count": 0}, **pair)
    made = shop.act("customerSubmitsReturn", items=[{"outcome": "exchange", "exchange_variant": wanted["sku"]}])
    shop.act("staffProcesses", return_id=made["id"])
    shop.advance(seconds=10)
    assert shop.return_(made["id"]).state == "review"


def test_a_location_that_goes_takes_its_stock_along(empty: Shop) -> None:
    place = make_location(empty)
    variant_id = make_product(empty)["default_variant_id"]
    empty.call("upsertInventory", {"available_count": 1}, productVariantId=variant_id, locationId=place["id"])
    empty.call("deleteLocation", id=place["id"])
    assert empty.call("listInventories").body["inventories"] == []
