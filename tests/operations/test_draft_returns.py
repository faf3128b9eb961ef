"""Draft returns: by the links of each answer from the look-up to a real return, in both dialects."""

from __future__ import annotations

from typing import Any

import pytest

Shop = Any
HAL = "application/prs.hal-forms+json"


class Follower:
    """A client that knows no path but the entry: it does what a relation's link or template says."""

    def __init__(self, shop: Shop, version: str, accept: str = "") -> None:
        self.shop, self.version, self.accept = shop, version, accept
        self.hal = version == "2026-10" or bool(accept)
        self.document: Any = None

    def go(self, method: str, url: str, body: Any = None, status: int = 200) -> Any:
        path = "/" + url.partition("/api/")[2].partition("/")[2]
        match = self.shop.contract.route("loop", method, path, self.version)
        reply = self.shop.call(match.operation.id, body, version=self.version, accept=self.accept, **match.path_params)
        assert reply.status == status, reply
        assert reply.headers.get("content-type") == (HAL if self.hal else None)
        self.document = reply.body
        return reply.body

    def enter(self) -> None:
        self.go("GET", "http://x/api/v1/draft-returns", status=200 if self.hal else 422)

    @property
    def steps(self) -> dict[str, dict[str, Any]]:
        """What can be done: relation → method, address, fields by name, whether it is required."""
        if self.hal:
            return {
                rel: {
                    "method": each["method"],
                    "href": self.document["_links"][rel]["href"],
                    "fields": {f["name"]: f.get("options", {}).get("inline", []) for f in each["properties"]},
                }
                for rel, each in self.document["_templates"].items()
            }
        return {
            each["rel"]: {
                "method": each["method"],
                "href": each["href"],
                "required": each["is_required"],
                "fields": {f["name"]: f["options"] for f in each["fields"]},
            }
            for each in self.document["links"]
        }

    def follow(self, rel: str, body: Any = None, status: int = 200) -> Any:
        step = self.steps[rel]
        return self.go(step["method"], step["href"], body, status)

    def option(self, rel: str, field: str, nth: int = 0) -> Any:
        return self.steps[rel]["fields"][field][nth]["value"]

    def rel(self, start: str) -> str:
        return next(rel for rel in self.steps if rel.startswith(start))

    @property
    def draft(self) -> Any:
        return self.document["draft_return"]

    @property
    def error(self) -> str:
        (error,) = self.document["errors"]
        return str(error["code"])


def ordered(shop: Shop, **body: Any) -> Any:
    """An order of two of one variant, and its e-mail."""
    variant = shop.call("listVariants").body["variants"][0]
    made = shop.call(
        "ordersMakes",
        {"lines": [{"variant": variant["id"], "quantity": 2}], "email": "robin@example.com", **body},
    )
    return made.body["order"]


def begun(shop: Shop, version: str = "2026-07", accept: str = "", **own: Any) -> Follower:
    order = ordered(shop)
    client = Follower(shop, version, accept)
    client.enter()
    body = {"order_name": order["name"], "secondary_input": "ROBIN@example.com", **own}
    client.follow("create-draft-return", body, status=201)
    return client


def with_item(client: Follower) -> Follower:
    client.follow(
        "add-returning-item", {"order_line_item_id": client.option("add-returning-item", "order_line_item_id")}
    )
    rel = f"set-user-input-{client.draft['returning_items'][-1]['id']}-1"
    client.follow(rel, {"value": client.option(rel, "value")})
    return client


def ready(client: Follower, credit: str | None = "refund", cart: Any = None) -> Follower:
    with_item(client).follow("finalize-items")
    if cart is not None:
        client.follow("set-cart", cart)
    if credit is not None:
        client.follow("set-credit-type", {"credit_type": credit})
    client.follow("set-return-method", {"return_method": client.option("set-return-method", "return_method")})
    client.follow("accept-return-policy")
    return client


DIALECTS = pytest.mark.parametrize(
    ("version", "accept"),
    [("2026-07", ""), ("2026-07", f"text/html, {HAL};q=0.9"), ("2026-10", ""), ("2026-10", "*/*")],
)


@DIALECTS
def test_who_only_follows_links_gets_from_the_entry_to_a_return(version: str, accept: str, shop: Shop) -> None:
    shop.subscribe()
    client = begun(shop, version, accept)
    assert "finalize-items" not in client.steps
    with_item(client)
    client.follow("finalize-items")
    for rel in ("set-credit-type", "set-return-method", "accept-return-policy"):
        assert "submit-draft-return" not in client.steps
        assert client.steps[rel].get("required", True)
        fields = client.steps[rel]["fields"]
        client.follow(rel, {name: options[0]["value"] for name, options in fields.items()} or None)
    assert client.draft["return_id"] is None
    client.follow("submit-draft-return")
    assert client.draft["state"] == "submitted"
    assert shop.triggers() == ["return.created"]
    return_ = shop.return_(client.draft["return_id"])
    assert (return_.state, return_.outcome, len(return_.lines)) == ("open", "refund", 1)
    assert return_.lines[0].reason == "Too small"
    assert [rel for rel, step in client.steps.items() if step["method"] != "GET"] == []
    shop.advance(seconds=5)
    assert shop.triggers()[0] == "label.created"


# how it begins


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"order_name": "#nobody"}, "order-not-found"),
        ({"secondary_input": "99999"}, "secondary-input-mismatch"),
        ({"shop_id": 1}, "shop-not-found"),
        ({"secondary_input": ""}, "validation-failed"),
        ({"is_gift": "perhaps"}, "validation-failed"),
    ],
)
@pytest.mark.parametrize("version", ["2026-07", "2026-10"])
def test_a_draft_that_cannot_begin_says_why(version: str, body: Any, code: str, shop: Shop) -> None:
    name = ordered(shop)["name"]
    before = shop.dump()
    client = Follower(shop, version)
    given = {"order_name": name, "secondary_input": "43004", **body}
    client.go("POST", f"http://x/api/{version}/draft-returns", given, status=422)
    assert (client.draft, client.error) == (None, code)
    assert shop.dump() == before


def refused(shop: Shop, name: str) -> str:
    client = Follower(shop, "2026-07")
    client.enter()
    client.follow("create-draft-return", {"order_name": name, "secondary_input": "43004"}, status=422)
    return client.error


def test_looking_an_order_up_fails_as_often_as_it_was_told_to(shop: Shop) -> None:
    name = ordered(shop)["name"]
    shop.act("orderLookupFailsNext")
    shop.act("orderRetrievalFailsNext")
    assert [refused(shop, name) for _ in range(2)] == ["order-lookup-failed", "error-retrieving-order"]
    assert begun(shop).draft["state"] == "created"


def test_the_shop_says_who_may_begin(open_shop: Any) -> None:
    for policy, code in (
        ({"draft_returns": False}, "draft-returns-not-enabled"),
        ({"return_countries": ["CA"]}, "returns-unavailable-from-order-address"),
    ):
        shop = open_shop(**policy)
        assert refused(shop, ordered(shop)["name"]) == code


def test_the_list_of_2026_07_needs_its_accept(shop: Shop) -> None:
    client = begun(shop)
    first = client.draft["id"]
    client.go("GET", "http://x/api/v1/draft-returns", status=422)
    assert client.error == "unsupported-feature"
    reply = shop.call("listDraftReturns", accept=HAL)
    assert [each["id"] for each in reply.body["_embedded"]["draft_returns"]] == [first]
    assert "create-draft-return" in reply.body["_templates"]


# what can be returned


def test_an_order_that_was_not_shipped_offers_nothing_and_no_error(shop: Shop) -> None:
    order = ordered(shop, fulfilled=False)
    client = Follower(shop, "2026-07")
    client.enter()
    client.follow("create-draft-return", {"order_name": order["name"], "secondary_input": "43004"}, status=201)
    context = client.document["context"]
    assert (context["items_eligible_to_return"], context["items_not_eligible_to_return"]) == ([], [])
    assert client.document["errors"] == []
    assert "add-returning-item" not in client.steps


def code_of(shop: Shop, order: Any) -> list[str]:
    client = Follower(shop, "2026-10")
    client.enter()
    client.follow("create-draft-return", {"order_name": order["name"], "secondary_input": "43004"}, status=201)
    line = order["line_items"][0]["id"]
    codes = [each["ineligibility_code"] for each in client.document["context"]["items_not_eligible_to_return"]]
    if codes:
        here = client.document["_links"]["self"]["href"]
        client.go("POST", f"{here}/returning-items", {"order_line_item_id": line}, status=422)
        assert client.error == "validation-failed"
    return codes


def test_lists_window_and_final_sale_decide(open_shop: Any) -> None:
    shop = open_shop(return_window_days=30)
    order = ordered(shop)
    assert code_of(shop, order) == []
    shop.advance(days=31)
    assert code_of(shop, order) == ["outside-window"]
    shop.call("createAllowlist", {"type": "order", "value": order["name"]})
    assert code_of(shop, order) == []
    shop.call("createBlocklist", {"type": "email", "value": "robin@example.com"})
    assert code_of(shop, order) == ["blocklisted"]


def test_units_that_are_gone_are_not_offered(shop: Shop) -> None:
    order = ordered(shop)
    shop.act("customerSubmitsReturn", order=order["name"], items=[{"quantity": 2}])
    assert code_of(shop, order) == ["already-returned"]


def test_a_line_is_offered_as_often_as_it_has_units(shop: Shop) -> None:
    client = begun(shop)
    line = client.option("add-returning-item", "order_line_item_id")
    for _ in range(2):
        client.follow("add-returning-item", {"order_line_item_id": line})
    assert "add-returning-item" not in client.steps
    client.follow(client.rel("remove-returning-item-"))
    assert client.option("add-returning-item", "order_line_item_id") == line


def test_of_two_drafts_for_one_unit_the_first_has_it(shop: Shop) -> None:
    clients = [begun(shop)]
    name = clients[0].document["context"]["order"]["name"]
    other = Follower(shop, "2026-07")
    other.enter()
    other.follow("create-draft-return", {"order_name": name, "secondary_input": "43004"}, status=201)
    for client in (clients[0], other):
        with_item(client)
        with_item(client)
    for client in (clients[0], other):
        client.follow("finalize-items")
        client.follow("set-credit-type", {"credit_type": "refund"})
        client.follow("set-return-method", {"return_method": "mail"})
        client.follow("accept-return-policy")
    clients[0].follow("submit-draft-return")
    before = shop.dump()
    other.follow("submit-draft-return", status=422)
    assert (other.error, other.draft["state"]) == ("returns-unavailable-for-order", "items-finalized")
    assert shop.dump() == before


# what the customer gets


def test_store_credit_is_what_a_gift_can_get(shop: Shop) -> None:
    client = begun(shop, is_gift=True)
    with_item(client).follow("finalize-items")
    assert [each["value"] for each in client.steps["set-credit-type"]["fields"]["credit_type"]] == ["store-credit"]
    client.follow("set-credit-type", {"credit_type": "refund"}, status=422)
    client.follow("set-credit-type", {"credit_type": "store-credit"})
    client.follow("set-return-method", {"return_method": "mail"})
    client.follow("accept-return-policy")
    client.follow("submit-draft-return")
    return_ = shop.return_(client.draft["return_id"])
    assert (return_.outcome, return_.is_gift, return_.lines[0].resolution) == ("credit", True, "credit")


def test_an_even_exchange_needs_no_credit_type(shop: Shop) -> None:
    client = with_item(begun(shop))
    client.follow("finalize-items")
    wanted = client.option("set-cart", "cart_items", 1)
    client.follow("set-cart", {"cart_items": [wanted]})
    assert client.draft["returning_items"][0]["has_exchange_item"]
    assert client.draft["returning_items"][0]["resolution"] == "exchange"
    assert client.draft["totals"]["net"]["amount"] == 0
    client.follow("set-return-method", {"return_method": "in_store"})
    client.follow("accept-return-policy")
    client.follow("submit-draft-return")
    return_ = shop.return_(client.draft["return_id"])
    assert (return_.outcome, return_.method) == ("exchange", "in_store")
    assert [item.variant_id for item in return_.exchanges] == [wanted["variant_id"]]


def test_a_cart_of_the_shops_pages_is_bought_with_the_credit(shop: Shop) -> None:
    dear = max(shop.call("listVariants").body["variants"], key=lambda each: float(each["price"]))
    token = shop.call("createCart", {"cart": [dear["id"], dear["id"]]}).body["token"]
    client = ready(begun(shop), cart={"cart_token": token})
    totals = client.draft["totals"]
    assert [(each["variant_id"], each["quantity"]) for each in client.draft["cart_items"]] == [(dear["id"], 2)]
    assert totals["new_item_total"]["amount"] == 2 * round(100 * float(dear["price"]))
    assert totals["amount_due"]["amount"] == totals["new_item_total"]["amount"] - totals["return_total"]["amount"]
    client.follow("submit-draft-return")
    return_ = shop.return_(client.draft["return_id"])
    assert (return_.outcome, len(return_.exchanges)) == ("upsell", 2)
    assert return_.totals.upsell == totals["amount_due"]["amount"]
    assert client.draft["totals"] == totals


@pytest.mark.parametrize(
    "cart",
    [
        {"cart_token": "0" * 64},
        {"cart_items": [{"variant_id": 7}]},
        {"cart_items": [{"variant_id": None, "returning_item_id": 1}]},
        {"cart_items": "all"},
    ],
)
def test_a_cart_that_cannot_be_changes_nothing(cart: Any, shop: Shop) -> None:
    client = with_item(begun(shop))
    client.follow("finalize-items")
    before, step = shop.dump(), client.steps["set-cart"]
    client.go(step["method"], step["href"], cart, status=422)
    assert client.error == "validation-failed"
    assert shop.dump() == before


def test_an_item_is_exchanged_within_its_product_only(shop: Shop) -> None:
    client = with_item(begun(shop))
    client.follow("finalize-items")
    fitting = [each["value"]["variant_id"] for each in client.steps["set-cart"]["fields"]["cart_items"]]
    other = next(each["id"] for each in shop.call("listVariants").body["variants"] if each["id"] not in fitting)
    item = client.draft["returning_items"][0]["id"]
    client.follow("set-cart", {"cart_items": [{"variant_id": other, "returning_item_id": item}]}, status=422)
    assert client.error == "validation-failed"


def test_the_money_is_that_of_the_return(open_shop: Any) -> None:
    shop = open_shop(handling_fee=500, bonus_percent=10)
    client = ready(begun(shop), credit="store-credit")
    totals = client.draft["totals"]
    assert totals["fees"]["applied"]["amount"] == totals["fees"]["credit"]["amount"] == 500
    assert totals["total_bonus_offered"]["amount"] == totals["bonus_used"]["amount"] > 0
    for version, name in (("2026-07", "currency"), ("2026-10", "currencyCode")):
        page = shop.call("getDraftReturnTotals", version=version, id=client.draft["id"]).body["totals"]
        assert page["net"] == {"amount": totals["net"]["amount"], name: "USD"}
    client.follow("submit-draft-return")
    made = shop.return_(client.draft["return_id"]).totals
    assert (made.gift_card, made.total) == (totals["credit"]["store_credit"]["amount"], totals["net"]["amount"])


# what stops it


def test_an_address_that_no_policy_covers_leaves_the_draft_open(open_shop: Any) -> None:
    shop = open_shop(return_countries=["US"])
    client = ready(begun(shop))
    address = {"address1": "1 Rue", "city": "Montreal", "country": "Canada", "country_code": "CA", "zip": "H1A"}
    client.follow("set-address", address)
    assert client.draft["shipping_address"]["country_code"] == "CA"
    client.follow("submit-draft-return", status=422)
    assert (client.error, client.draft["state"]) == ("returns-unavailable-for-order", "items-finalized")
    client.follow("set-address", {**address, "country": "United States", "country_code": "US"})
    client.follow("set-customer", {"email": "other@example.com"})
    client.follow("submit-draft-return")
    order = shop.return_(client.draft["return_id"]).order
    assert (order.email, order.address.city) == ("other@example.com", "Montreal")


NO_SHOP_NOW = "Shop Now is not available for the items in this return. Remove the new items to continue."


def test_shop_now_that_is_excluded_is_told_at_submit_but_not_in_a_store(open_shop: Any) -> None:
    shop = open_shop(workflows=[{"then": {"exclude_outcomes": ["shop_now"]}}])
    variant = shop.call("listVariants").body["variants"][0]["id"]
    client = ready(begun(shop), cart={"cart_items": [{"variant_id": variant}]})
    client.follow("submit-draft-return", status=422)
    assert client.document["errors"][0]["message"] == NO_SHOP_NOW
    client.follow("set-return-method", {"return_method": "in_store"})
    client.follow("submit-draft-return")
    assert shop.return_(client.draft["return_id"]).lines[0].resolution == "shop_now"


def test_methods_that_a_rule_excludes_are_not_offered(open_shop: Any) -> None:
    shop = open_shop(workflows=[{"then": {"exclude_methods": ["in_store"], "bypass_final_sale": True}}])
    client = with_item(begun(shop))
    client.follow("finalize-items")
    offered = [each["value"] for each in client.steps["set-return-method"]["fields"]["return_method"]]
    assert offered == ["mail", "happy_returns"]
    client.follow("set-return-method", {"return_method": "in_store"}, status=422)


def test_what_comes_too_early_or_too_late_is_refused(shop: Shop) -> None:
    client = begun(shop)
    here = f"http://x/api/v1/draft-returns/{client.draft['id']}"
    for path, body in (("finalize-items", None), ("submit", None), ("credit-type", {"credit_type": "refund"})):
        client.go("POST", f"{here}/{path}", body, status=422)
        assert client.error == "validation-failed"
    with_item(client).follow("finalize-items")
    client.go("POST", f"{here}/submit", status=422)
    assert client.document["errors"][0]["message"] == "Still missing: credit_type, return_method, policy."
    item = client.draft["returning_items"][0]["id"]
    client.go("DELETE", f"{here}/returning-items/{item}", status=422)
    client.follow("cancel-draft-return")
    assert client.draft["state"] == "cancelled"
    client.go("POST", f"{here}/cancel", status=422)


def test_a_draft_expires_by_the_clock_of_the_shop(shop: Shop) -> None:
    client = with_item(begun(shop))
    here = f"http://x/api/v1/draft-returns/{client.draft['id']}"
    shop.advance(hours=23)
    assert client.go("GET", here)["draft_return"]["state"] == "created"
    shop.advance(hours=1)
    assert client.go("GET", here)["draft_return"]["state"] == "expired"
    client.go("POST", f"{here}/finalize-items", status=422)


def test_a_submitted_draft_does_not_expire(shop: Shop) -> None:
    client = ready(begun(shop))
    client.follow("submit-draft-return")
    shop.advance(days=2)
    assert client.follow("self")["draft_return"]["state"] == "submitted"


def test_an_ended_draft_leaves_nothing_to_come(shop: Shop) -> None:
    due = shop.shop.next_due_ms()
    client = begun(shop)
    assert shop.shop.next_due_ms() != due
    client.follow("cancel-draft-return")
    assert shop.shop.next_due_ms() == due


def test_the_money_of_a_submitted_draft_stays_what_it_was(shop: Shop) -> None:
    order = ordered(
        shop, lines=[{"variant": shop.call("listVariants").body["variants"][0]["id"], "quantity": 2, "discount": 101}]
    )
    client = Follower(shop, "2026-07")
    client.enter()
    client.follow("create-draft-return", {"order_name": order["name"], "secondary_input": "43004"}, status=201)
    totals = ready(client).draft["totals"]
    client.follow("submit-draft-return")
    assert client.draft["totals"] == totals


def test_what_is_bought_needs_an_item_that_is_not_exchanged(shop: Shop) -> None:
    client = with_item(begun(shop))
    client.follow("finalize-items")
    new = {"variant_id": client.document["context"]["order"]["line_items"][0]["variant_id"]}
    exchanged = {**new, "returning_item_id": client.draft["returning_items"][0]["id"]}
    client.follow("set-cart", {"cart_items": [exchanged, new]}, status=422)
    assert (client.error, client.draft["cart_items"]) == ("validation-failed", [])
    client.follow("set-cart", {"cart_items": [exchanged]})


@pytest.mark.parametrize("cart", [None, "exchange", "shop"])
def test_items_whose_lines_are_gone_are_no_return(cart: Any, shop: Shop) -> None:
    order = ordered(shop)
    client = Follower(shop, "2026-07", "")
    client.enter()
    client.follow("create-draft-return", {"order_name": order["name"], "secondary_input": "43004"}, status=201)
    with_item(client)
    chosen = {"variant_id": client.document["context"]["order"]["line_items"][0]["variant_id"]}
    if cart == "exchange":
        chosen["returning_item_id"] = client.draft["returning_items"][0]["id"]
    client.follow("finalize-items")
    client.follow("set-cart", {"cart_items": [chosen] if cart else []})
    if cart != "exchange":
        client.follow("set-credit-type", {"credit_type": "refund"})
    client.follow("set-return-method", {"return_method": "mail"})
    client.follow("accept-return-policy")
    href = client.steps["submit-draft-return"]["href"]
    shop.call("updateOrder", {"line_items": []}, id=order["id"])
    client.follow("self")
    assert "submit-draft-return" not in client.steps
    assert (client.draft["returning_items"], len(client.draft["cart_items"])) == ([], int(cart == "shop"))
    reply = shop.call("submitDraftReturn", {}, id=int(href.split("/")[-2]))
    assert (reply.status, reply.body["errors"][0]["message"]) == (422, "Still missing: items.")
    assert shop.call("listShopReturns").body["returns"] == []


def test_an_unknown_draft_is_a_404(shop: Shop) -> None:
    assert shop.call("getDraftReturn", id=43).status == 404
    assert shop.call("submitDraftReturn", {}, id=43, version="2026-10").status == 404


def test_ids_are_texts_for_who_asks(shop: Shop) -> None:
    draft = begun(shop).draft
    context = shop.call("getDraftReturn", id=draft["id"], text_ids=True).body["context"]
    assert isinstance(context["items_eligible_to_return"][0]["order_line_item_id"], str)


# the act


def test_the_act_honours_lists_and_window(open_shop: Any) -> None:
    shop = open_shop(return_window_days=30)
    order = ordered(shop)
    shop.advance(days=31)
    body = {"order": order["name"], "items": [{}]}
    assert shop.call("customerSubmitsReturn", body).refusal == "outside_window"
    shop.call("createAllowlist", {"type": "email", "value": "robin@example.com"})
    assert shop.act("customerSubmitsReturn", **body)["state"] == "open"
    shop.call("createBlocklist", {"type": "order", "value": order["name"].lstrip("#")})
    assert shop.call("customerSubmitsReturn", body).refusal == "blocklisted"


def test_the_act_passes_over_orders_that_are_blocked(shop: Shop) -> None:
    first = shop.submit()
    shop.act("staffCancels", return_id=first["id"])
    assert shop.submit()["order_name"] == first["order_name"]
    shop.act("staffCancels", return_id=first["id"] + 1)
    shop.call("createBlocklist", {"type": "order", "value": first["order_name"]})
    assert shop.submit()["order_name"] != first["order_name"]


def test_who_is_allowed_gets_past_final_sale(shop: Shop) -> None:
    order = next(order for order in shop.records.orders() if any(line.final_sale for line in order.lines))
    line = next(line for line in order.lines if line.final_sale)
    body = {"order": order.id, "items": [{"line_item_id": line.id}]}
    assert shop.call("customerSubmitsReturn", body).refusal == "final_sale"
    shop.call("createAllowlist", {"type": "order", "value": order.name})
    made = shop.act("customerSubmitsReturn", **body)
    edited = {"return_id": made["id"], "items": [{"line_item_id": line.id, "outcome": "credit"}]}
    assert shop.call("customerEditsReturn", edited).status == 200
