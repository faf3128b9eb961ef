"""Orders of the Commerce Data family: they are the orders that returns are made of."""

from __future__ import annotations

from typing import Any

import pytest

Shop = Any
USD = {"currency_code": "USD"}
ADDRESS = {"address1": "1 Main St", "city": "Columbus", "region": "Ohio", "postal_code": "43004", "country_code": "US"}
ADA = {"first_name": "Ada", "last_name": "Byron", "email": "ada@example.com", "phone": "1"}


def money(amount: Any) -> Any:
    return {"amount": amount, **USD}


@pytest.fixture
def product(empty: Shop) -> Any:
    reply = empty.call("createProduct", {"name": "Tee", "price": money(2800), "sku": "TEE", "external_id": "tee"})
    return reply.body["product"]


def line(sold: Any, **own: Any) -> Any:
    return {"product": {"id": sold["id"]}, "unit_price": money(2800), "quantity": 2, "external_id": "l1", **own}


def body(product: Any, **own: Any) -> Any:
    made = {"name": "#1", "status": "active", "taxes_included": False, "total_price": money(5600)}
    return {**made, "line_items": [line(product)], **own}


def shipped(*pairs: tuple[str, int], **own: Any) -> Any:
    items = [{"order_line_item_external_id": name, "quantity": quantity} for name, quantity in pairs]
    return {"external_id": "f1", "fulfilled_at": "2026-05-25 10:00:00", "fulfillment_line_items": items, **own}


def make(shop: Shop, product: Any, **own: Any) -> Any:
    reply = shop.call("createOrder", body(product, **own))
    assert reply.status == 201, reply
    return reply.body["order"]


def errors(reply: Any) -> list[str]:
    assert reply.status == 422, reply
    return list(reply.body["errors"])


def eligible(shop: Shop, name: str = "#1") -> Any:
    reply = shop.call("checkReturnEligibility", {"order_name": name})
    assert reply.status == 200, reply
    return [each["ineligibility_code"] for each in reply.body["return_eligibility"]["items"]]


# the shape


def test_an_order_has_the_captured_keys(empty: Shop, product: Any) -> None:
    made = make(empty, product, fulfillments=[shipped(("l1", 1), tracking_numbers=["9"])], shipping_address=ADDRESS)
    assert list(made) == [
        "id", "external_id", "name", "sales_channel", "customer", "status", "shipping_address", "billing_address",
        "taxes_included", "total_price", "total_price_presentment", "total_discounts", "total_discounts_presentment",
        "total_taxes", "total_taxes_presentment", "shipping_lines", "refunds", "tags", "order_discounts", "fees",
        "line_items", "fulfillments", "source", "created_at", "updated_at", "warnings",
    ]  # fmt: skip
    (item,) = made["line_items"]
    assert list(item) == [
        "id", "external_id", "quantity", "taxable", "product", "product_variant", "unit_price",
        "unit_price_presentment", "unit_discounts", "unit_discounts_presentment", "tax_lines", "discounts", "duties",
    ]  # fmt: skip
    assert item["product_variant"] == {"id": product["default_variant_id"]}
    (shipment,) = made["fulfillments"]
    assert list(shipment) == [
        "external_id", "status", "fulfilled_at", "shipping_carrier", "location", "fulfillment_line_items",
        "tracking_numbers",
    ]  # fmt: skip
    assert shipment["fulfillment_line_items"] == [
        {
            "external_id": None, "order_line_item_global_id": item["id"], "order_line_item_external_id": "l1",
            "quantity": 1,
        }
    ]  # fmt: skip
    assert (shipment["fulfilled_at"], shipment["tracking_numbers"]) == ("2026-05-25T10:00:00+00:00", ["9"])
    assert (made["created_at"], made["updated_at"], made["warnings"]) == (None, None, None)
    assert made["shipping_address"] == {"name": None, "company": None, "address2": None, **ADDRESS}
    assert made["billing_address"] is None
    assert empty.call("getOrder", id=made["id"]).body == {"order": made}


def test_money_is_spelled_in_its_own_order(empty: Shop, product: Any) -> None:
    turned = {"currency_code": "USD", "amount": 5600}
    made = make(empty, product, total_price=turned, shipping_lines=[{"title": "USPS", "price": turned}])
    for money_ in (made["total_price"], made["shipping_lines"][0]["price"]):
        assert list(money_) == ["amount", "currency_code"]


def test_money_and_discounts_are_echoed(empty: Shop, product: Any) -> None:
    said = {
        "total_discounts": money(100),
        "order_discounts": [{"discount_type": "amount", "code": "TEN"}],
        "shipping_lines": [{"title": "USPS", "price": money(500)}],
        "fees": [{"name": "checkout+", "amount": money(98), "accepted_offer_mode": ["a"]}],
        "source": "NetSuite",
        "tags": ["vip"],
    }
    made = make(empty, product, **said)
    assert {name: made[name] for name in said} == said


def test_the_line_of_a_refund_is_a_global_id_too(empty: Shop, product: Any) -> None:
    made = make(empty, product)
    line_id = made["line_items"][0]["id"]
    refunds = [
        {"type": "line_item", "line_item": {"quantity": 1, "id": str(line_id)}},
        {"type": "line_item", "line_item": {"id": None}},
        {"type": "shipping", "line_item": None},
        {"type": "other"},
    ]
    empty.call("updateOrder", {"refunds": refunds}, id=made["id"])

    def shown(*, text_ids: bool) -> Any:
        return empty.call("getOrder", id=made["id"], text_ids=text_ids).body["order"]["refunds"]

    assert shown(text_ids=True) == refunds
    assert shown(text_ids=False) == [{"type": "line_item", "line_item": {"quantity": 1, "id": line_id}}, *refunds[1:]]


@pytest.mark.parametrize("field", ["total_price", "total_taxes", "shipping_address"])
def test_a_number_in_the_place_of_an_object_is_told_the_same_whether_or_not_null_would_do(
    field: str, empty: Shop, product: Any
) -> None:
    reply = empty.call("createOrder", body(product, **{field: 12.5}))
    message = f"The {field.replace('_', ' ')} field must be an array."
    assert (reply.status, reply.body["errors"]) == (422, {field: [message]})


@pytest.mark.parametrize("world", ["us-apparel", "eu-multi-currency"])
def test_orders_of_a_world_add_up(world: str, open_shop: Any) -> None:
    shop = open_shop(world)
    orders = shop.call("listCommerceOrders", query={"limit": 250}).body["orders"]
    assert len(orders) >= 30
    for order in orders:
        units = sum(item["unit_price"]["amount"] * item["quantity"] for item in order["line_items"])
        taxes = 0 if order["taxes_included"] else order["total_taxes"]["amount"]
        assert order["total_price"]["amount"] == units - order["total_discounts"]["amount"] + taxes
        assert order["created_at"] is not None


# references


def test_either_id_is_a_reference_and_both_are_refused(empty: Shop, product: Any) -> None:
    made = make(empty, product, line_items=[line(product, product={"external_id": "tee"})])
    assert made["line_items"][0]["product"] == {"id": product["id"]}
    both = {"id": product["id"], "external_id": "tee"}
    reply = empty.call(
        "createOrder", body(product, name="#2", line_items=[line(product, product=both, external_id="x")])
    )
    assert errors(reply) == ["line_items.0.product.id"]


def test_everything_that_is_wrong_is_told_at_once_and_nothing_kept(empty: Shop, product: Any) -> None:
    make(empty, product)
    before = empty.dump()
    wrong = body(
        product,
        customer={"external_id": "c", **ADA},
        line_items=[line(product, product={"id": 5}), line(product, external_id="l2", product_variant={"id": 6})],
        fulfillments=[shipped(("nowhere", 1), location={"external_id": "x"}, fulfilled_at="soon")],
    )
    assert errors(empty.call("createOrder", wrong)) == [
        "line_items.0.external_id",
        "line_items.0.product.id",
        "line_items.1.product_variant.id",
        "fulfillments.0.location.external_id",
        "fulfillments.0.fulfillment_line_items.0.order_line_item_external_id",
        "fulfillments.0.fulfilled_at",
    ]
    assert empty.dump() == before


def test_the_merchants_ids_of_parts_are_unique_over_the_shop(empty: Shop, product: Any) -> None:
    first = make(empty, product, external_id="o1", fulfillments=[shipped(("l1", 1))])
    again = empty.call("createOrder", body(product, name="#2"))
    assert errors(again) == ["line_items.0.external_id"]
    other = body(product, name="#2", line_items=[line(product, external_id="l2")], fulfillments=[shipped(("l2", 1))])
    assert errors(empty.call("createOrder", other)) == ["fulfillments.0.external_id"]
    same = empty.call("upsertOrder", body(product, external_id="o1", fulfillments=[shipped(("l1", 2))]))
    assert (same.status, same.body["order"]["id"]) == (200, first["id"])
    assert [item["id"] for item in same.body["order"]["line_items"]] == [item["id"] for item in first["line_items"]]
    empty.call("deleteOrder", id=first["id"])
    make(empty, product, name="#2")


def test_an_order_that_comes_again_says_first_that_it_is_there(empty: Shop, product: Any) -> None:
    make(empty, product, external_id="o1", fulfillments=[shipped(("l1", 1))])
    again = empty.call("createOrder", body(product, external_id="o1", fulfillments=[shipped(("l1", 1))]))
    assert errors(again) == ["external_id", "line_items.0.external_id", "fulfillments.0.external_id"]
    assert errors(empty.call("createOrder", body(product, external_id="o1", customer={"id": 5}))) == [
        "external_id",
        "line_items.0.external_id",
        "customer.id",
    ]
    other = make(empty, product, name="#2", external_id="o2", line_items=[line(product, external_id="l2")])
    assert errors(empty.call("updateOrder", {"external_id": "o1"}, id=other["id"])) == ["external_id"]


def test_an_order_that_something_else_changed_keeps_the_ids_of_its_parts(empty: Shop, product: Any) -> None:
    make(empty, product)
    assert empty.call("ordersFulfils", {"order": "#1"}).status == 200
    assert errors(empty.call("createOrder", body(product, name="#2"))) == ["line_items.0.external_id"]


def test_the_id_of_a_line_that_is_left_out_may_be_used_again(empty: Shop, product: Any) -> None:
    first = make(empty, product)
    other = {"line_items": [line(product, external_id="l2")]}
    assert empty.call("updateOrder", other, id=first["id"]).status == 200
    make(empty, product, name="#2")


def test_an_order_that_is_sent_again_as_it_is_changes_nothing(empty: Shop, product: Any) -> None:
    sent = body(product, external_id="o1", fulfillments=[shipped(("l1", 1))])
    first = empty.call("upsertOrder", sent).body
    before = empty.dump()
    assert empty.call("upsertOrder", sent).body == first
    assert empty.dump() == before


def test_an_order_is_kept_to_the_letter_as_it_was_sent_last(empty: Shop, product: Any) -> None:
    def tax(*names: str) -> Any:
        lines = [line(product, tax_lines=[dict.fromkeys(names)])]
        order = empty.call("upsertOrder", body(product, external_id="o1", line_items=lines)).body["order"]
        (kept,) = empty.call("getOrder", id=order["id"]).body["order"]["line_items"]
        return [list(each) for each in kept["tax_lines"]]

    assert tax("title", "rate") == [["title", "rate"]]
    assert tax("rate", "title") == [["rate", "title"]]


def test_two_lines_of_one_order_do_not_share_an_id(empty: Shop, product: Any) -> None:
    reply = empty.call("createOrder", body(product, line_items=[line(product), line(product)]))
    assert errors(reply) == ["line_items.1.external_id"]


@pytest.mark.parametrize(
    ("shipments", "field"),
    [
        ([shipped(("l1", 1)), shipped(("l1", 1))], "fulfillments.1.external_id"),
        (
            [
                {"fulfillment_line_items": [{"external_id": "x", "order_line_item_external_id": "l1", "quantity": 1}]}
                for _ in range(2)
            ],
            "fulfillments.1.fulfillment_line_items.0.external_id",
        ),
    ],
)
def test_an_id_that_stands_twice_in_an_order_is_told_where_it_stands(
    shipments: Any, field: str, empty: Shop, product: Any
) -> None:
    reply = empty.call("createOrder", body(product, fulfillments=shipments))
    assert (reply.status, reply.body["errors"]) == (422, {field: [f"The {field} field has a duplicate value."]})


@pytest.mark.parametrize("half", [{"total_price_presentment": {"amount": 2800, "currency_code": "EUR"}}, {}])
def test_the_customers_currency_follows_the_two_totals_whichever_came(half: Any, empty: Shop, product: Any) -> None:
    rest = {} if half else {"total_price_presentment": {"amount": 1400, "currency_code": "EUR"}}
    made = make(empty, product, fulfillments=[shipped(("l1", 2))], **rest)
    empty.call("updateOrder", half or {"total_price": money(2800)}, id=made["id"])
    returned = empty.call("customerSubmitsReturn", {"order": "#1"}).body["return"]
    query = {"return_id": returned["id"], "currency_type": "presentment"}
    details = empty.call("getReturnDetails", query=query).body
    assert (details["currency"], details["refund"], details["multi_currency"]) == ("EUR", "14.00", True)
    other = make(empty, product, name="#2", fulfillments=[shipped(("l2", 1), external_id="f2")], **half,
                 line_items=[line(product, external_id="l2")])  # fmt: skip
    empty.call("updateOrder", {"total_price_presentment": None}, id=other["id"])
    returned = empty.call("customerSubmitsReturn", {"order": "#2"}).body["return"]
    details = empty.call("getReturnDetails", query={**query, "return_id": returned["id"]}).body
    assert (details["currency"], details["refund"], details["multi_currency"]) == ("USD", "28.00", False)


# orders that came another way


@pytest.mark.parametrize("world", ["us-apparel", "eu-multi-currency"])
def test_an_update_of_a_worlds_order_leaves_the_rest_as_it_was(world: str, open_shop: Any) -> None:
    shop = open_shop(world)
    for order in shop.call("listCommerceOrders", query={"limit": 5}).body["orders"]:
        changed = shop.call("updateOrder", {"source": "NetSuite"}, id=order["id"]).body["order"]
        assert changed == {**order, "source": "NetSuite"}


def test_an_order_that_an_act_makes_was_shipped_and_has_a_customer(shop: Shop) -> None:
    variant = shop.call("listVariants").body["variants"][0]
    asked = {"name": "#A", "lines": [{"variant": variant["id"], "quantity": 2}]}
    made = shop.call("ordersMakes", asked).body["order"]
    order = shop.call("getOrder", id=made["id"]).body["order"]
    (shipment,) = order["fulfillments"]
    assert [each["quantity"] for each in shipment["fulfillment_line_items"]] == [2]
    assert shipment["fulfilled_at"] == order["created_at"]
    assert shop.call("getCustomer", id=order["customer"]["id"]).status == 200
    shop.call("updateOrder", {"tags": ["vip"]}, id=made["id"])
    assert eligible(shop, "#A") == [None]
    shop.call("ordersMakes", {**asked, "name": "#B", "fulfilled": False})
    assert eligible(shop, "#B") == ["not-fulfilled"]


# the customer


def test_a_customer_is_a_live_join(empty: Shop, product: Any) -> None:
    made = make(empty, product, customer={"external_id": "c", **ADA})
    assert made["customer"]["first_name"] == "Ada"
    empty.call("upsertCustomer", {"external_id": "c", "first_name": "Augusta"})
    assert empty.call("getOrder", id=made["id"]).body["order"]["customer"]["first_name"] == "Augusta"
    customer_id = made["customer"]["id"]
    second = make(empty, product, name="#2", line_items=[], customer={"id": customer_id})
    assert second["customer"]["first_name"] == "Augusta"


def test_whoever_looks_an_order_up_sees_its_customer_as_it_is_now(empty: Shop, product: Any) -> None:
    make(empty, product, customer={"external_id": "c", **ADA}, fulfillments=[shipped(("l1", 2))])
    empty.call("upsertCustomer", {"external_id": "c", "email": "augusta@example.com", "phone": "2"})
    for secret, known in (("augusta@example.com", True), ("2", True), ("ada@example.com", False), ("1", False)):
        linked = empty.call("createDeepLink", {"name": "#1", "zip": secret})
        begun = empty.call("createDraftReturn", {"order_name": "#1", "secondary_input": secret})
        assert [linked.status, begun.status] == ([200, 201] if known else [400, 422]), secret
    draft = empty.call("createDraftReturn", {"order_name": "#1", "secondary_input": "2"}).body["draft_return"]
    assert draft["customer"] == {"email": "augusta@example.com"}
    made = empty.call("customerSubmitsReturn", {"order": "#1"}).body["return"]
    details = empty.call("getReturnDetails", query={"return_id": made["id"]}).body
    assert details["customer_email"] == "augusta@example.com"
    for value, codes in (("ada@example.com", [None]), ("augusta@example.com", ["blocklisted"])):
        empty.call("createBlocklist", {"type": "email", "value": value})
        assert eligible(empty) == codes
        assert empty.call("customerSubmitsReturn", {"order": "#1"}).status == (409 if codes[0] else 200)


def test_a_customer_made_on_the_way_needs_all_four(empty: Shop, product: Any) -> None:
    reply = empty.call("createOrder", body(product, customer={"external_id": "c", "first_name": "Ada"}))
    assert errors(reply) == ["customer.last_name", "customer.email", "customer.phone"]


# versions


def test_since_2026_10_an_order_says_when_it_was_made(empty: Shop, product: Any) -> None:
    reply = empty.call("createOrder", body(product), version="2026-10")
    assert errors(reply) == ["created_at"]
    dated = body(product, created_at="2026-01-28T00:00:00+00:00")
    assert empty.call("createOrder", dated, version="2026-10").status == 201
    loose = body(product, name="#2", line_items=[], created_at="2026-01-28 00:00:00")
    assert errors(empty.call("createOrder", loose, version="2026-10")) == ["created_at"]
    assert empty.call("createOrder", loose).status == 201


# what can be returned


def test_without_a_shipment_nothing_is_returnable_and_nobody_says_so(empty: Shop, product: Any) -> None:
    make(empty, product)
    assert eligible(empty) == ["not-fulfilled"]
    assert empty.call("customerSubmitsReturn", {"order": "#1"}).status == 409


@pytest.mark.parametrize(
    ("own", "units"),
    [
        ({}, 1),
        ({"fulfilled_at": None}, 0),
        ({"status": "cancelled"}, 0),
        ({"status": "success"}, 1),
    ],
)
def test_only_what_left_is_returnable(own: Any, units: int, empty: Shop, product: Any) -> None:
    made = make(empty, product, fulfillments=[shipped(("l1", 1), **own)])
    order = empty.records.order(made["id"])
    assert [each.fulfilled for each in order.lines] == [units]


def test_a_shipment_has_nothing_of_a_line_that_is_gone(empty: Shop, product: Any) -> None:
    pairs = [("l1", 1), ("l2", 1)]
    items = [{**each, "external_id": f"x{at}"} for at, each in enumerate(shipped(*pairs)["fulfillment_line_items"])]
    lines = [line(product), line(product, external_id="l2")]
    made = make(empty, product, line_items=lines, fulfillments=[shipped(fulfillment_line_items=items)])
    changed = empty.call("updateOrder", {"line_items": lines[1:]}, id=made["id"]).body["order"]
    assert changed["fulfillments"][0]["fulfillment_line_items"] == made["fulfillments"][0]["fulfillment_line_items"][1:]
    assert eligible(empty) == [None]
    other = make(empty, product, name="#2", line_items=[line(product)], fulfillments=[
        shipped(external_id="f2", fulfillment_line_items=[items[0]])
    ])  # fmt: skip
    assert other["fulfillments"][0]["fulfillment_line_items"][0]["external_id"] == "x0"


def test_units_by_the_billion_are_not_counted_one_by_one(empty: Shop, product: Any) -> None:
    many = 10**9
    make(empty, product, line_items=[line(product, quantity=many)], fulfillments=[shipped(("l1", many))],
         shipping_address=ADDRESS)  # fmt: skip
    begun = empty.call("createDraftReturn", {"order_name": "#1", "secondary_input": ADDRESS["postal_code"]})
    assert len(begun.body["context"]["items_eligible_to_return"]) == 1
    (viewed,) = empty.call("listOrders").body["orders"]
    assert viewed["lines"][0]["returnable"] == many
    returned = empty.call("customerSubmitsReturn", {"items": [{"quantity": 2}]}).body["return"]
    more = {"return_id": returned["id"], "items": [{"quantity": 3}]}
    edited = empty.call("customerEditsReturn", more).body["return"]
    assert [len(each["line_items"]) for each in (returned, edited)] == [2, 3]


def test_an_order_of_the_api_is_returned_like_any_other(empty: Shop, product: Any) -> None:
    priced = [line(product, unit_discounts=money(300), tax_lines=[{"title": "VAT", "price": money(400)}])]
    make(empty, product, line_items=priced, fulfillments=[shipped(("l1", 2))], customer={"external_id": "c", **ADA})
    assert eligible(empty) == [None]
    returned = empty.act("customerSubmitsReturn", order="#1", items=[{"outcome": "refund"}])
    assert returned["totals"]["refund"] == "27.00"
    empty.act("customerSubmitsReturn", order="#1", items=[{"outcome": "refund"}])
    assert eligible(empty) == ["already-returned"]


def test_lists_decide_what_is_eligible(shop: Shop) -> None:
    sold = shop.call("listCommerceOrders", query={"limit": 250}).body["orders"]
    codes = {order["name"]: eligible(shop, order["name"]) for order in sold}
    final = next(name for name, found in codes.items() if "final-sale" in found)
    fine = next(name for name, found in codes.items() if None in found and name != final)
    shop.call("createAllowlist", {"type": "order", "value": final})
    assert "final-sale" not in eligible(shop, final)
    shop.call("createBlocklist", {"type": "order", "value": fine})
    assert set(eligible(shop, fine)) == {"blocklisted"}
    shop.call("createBlocklist", {"type": "order", "value": final})
    assert set(eligible(shop, final)) == {"blocklisted"}


@pytest.mark.parametrize(("then", "code"), [({}, "final-sale"), ({"bypass_final_sale": True}, None)])
def test_a_rule_that_lifts_final_sale_does_so_for_the_advice_too(then: Any, code: Any, open_shop: Any) -> None:
    shop = open_shop(workflows=[{"then": then}])
    found = [
        (order, line)
        for order in shop.call("listOrders").body["orders"]
        for line in order["lines"]
        if line["final_sale"] and line["returnable"]
    ]
    order, item = found[0]
    answer = shop.call("checkReturnEligibility", {"order_name": order["name"]}).body["return_eligibility"]
    (advised,) = [each["ineligibility_code"] for each in answer["items"] if each["id"] == item["id"]]
    begun = shop.call("createDraftReturn", {"order_name": order["name"], "secondary_input": order["email"]}).body
    refused = {each["order_line_item_id"] for each in begun["context"]["items_not_eligible_to_return"]}
    assert (advised, item["id"] in refused) == (code, code is not None)


def test_a_window_closes(open_shop: Any) -> None:
    shop = open_shop("us-apparel", return_window_days=30)
    name = shop.call("listCommerceOrders", query={"limit": 250, "sort_order": "desc"}).body["orders"][5]["name"]
    before = eligible(shop, name)
    assert None in before
    shop.advance(days=31)
    assert eligible(shop, name) == ["outside-window" if code is None else code for code in before]


def test_an_unknown_order_is_404(empty: Shop) -> None:
    assert empty.call("checkReturnEligibility", {"order_name": "#9"}).status == 404


def test_metadata_of_an_order_is_taken_and_shown_nowhere(empty: Shop, product: Any) -> None:
    made = make(empty, product, metadata=[{"key": "session_id", "value": "s-1"}])
    assert "metadata" not in made
    assert errors(empty.call("createOrder", body(product, name="#2", metadata="s-1"))) == ["metadata"]
