"""Draft returns over a socket: what surprises who wrote the client for one dialect, or by paths."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.quirks.bench import Bench, Reply
from tests.quirks.catalogue import shows

HAL = "application/prs.hal-forms+json"
NEW = "/api/2026-10"
OpenShop = Callable[..., Bench]


def ordered(shop: Bench, **own: Any) -> str:
    variant = shop.control.variants()[0]["id"]
    made = shop.control.orders.makes(lines=[{"variant": variant, "quantity": 2}], **own)
    return str(made["name"])


def begin(shop: Bench, name: str | None = None, **more: Any) -> Reply:
    body = {"order_name": name or ordered(shop), "secondary_input": "43004"}
    return shop.post("/draft-returns", body, **more)


def rels(reply: Reply) -> list[str]:
    return [link["rel"] for link in reply.json["links"]]


def readied(shop: Bench, cart: Any = None, method: str = "mail") -> str:
    """The path of a draft that lacks nothing."""
    draft = begin(shop).json
    here = f"/draft-returns/{draft['draft_return']['id']}"
    (line,) = draft["context"]["items_eligible_to_return"]
    item = shop.post(f"{here}/returning-items", line).json["draft_return"]["returning_items"][0]["id"]
    shop.post(f"{here}/returning-items/{item}/user-input/1", {"value": 3})
    shop.post(f"{here}/finalize-items")
    if cart is not None:
        shop.post(f"{here}/cart", cart)
    shop.post(f"{here}/credit-type", {"credit_type": "refund"})
    shop.post(f"{here}/return-method", {"return_method": method})
    shop.post(f"{here}/accept-return-policy")
    return here


@shows("version-draft-forms")
def test_the_new_version_speaks_forms_whatever_is_accepted(shop: Bench) -> None:
    reply = begin(shop, api=NEW, headers={"Accept": "application/json"})
    assert reply.headers["content-type"] == HAL
    assert list(reply.json) == ["draft_return", "context", "_links", "_templates", "client_application", "errors"]


@shows("draft-accept-forms")
def test_the_old_version_speaks_forms_to_who_accepts_them(shop: Bench) -> None:
    plain, forms = begin(shop), begin(shop, headers={"Accept": HAL})
    assert list(plain.json) == ["draft_return", "context", "links", "errors"]
    assert (plain.headers["content-type"], forms.headers["content-type"]) == ("application/json", HAL)
    assert "add-returning-item" in forms.json["_templates"]


@shows("draft-list-accept")
def test_the_list_needs_forms(shop: Bench) -> None:
    refused = shop.get("/draft-returns")
    assert refused.status == 422
    assert refused.json["errors"][0]["code"] == "unsupported-feature"
    assert shop.get("/draft-returns", headers={"Accept": HAL}).json["_embedded"] == {"draft_returns": []}


@shows("draft-errors-in-document")
def test_a_refusal_stands_in_the_whole_document(shop: Bench) -> None:
    draft = begin(shop).json["draft_return"]
    reply = shop.post(f"/draft-returns/{draft['id']}/returning-items", {"order_line_item_id": 7})
    assert reply.status == 422
    assert reply.json["errors"][0]["code"] == "validation-failed"
    assert reply.json.get("draft_return") == draft
    assert "add-returning-item" in rels(reply)


@shows("draft-unfulfilled-silent")
def test_an_order_without_shipments_offers_nothing_and_no_error(shop: Bench) -> None:
    reply = begin(shop, ordered(shop, fulfilled=False))
    assert (reply.status, reply.json["errors"]) == (201, [])
    assert reply.json["context"]["items_eligible_to_return"] == []
    assert reply.json["context"]["items_not_eligible_to_return"] == []


@shows("draft-ready-by-link")
def test_a_draft_is_ready_where_the_link_is(shop: Bench) -> None:
    assert "submit-draft-return" not in rels(begin(shop))
    here = readied(shop)
    assert "submit-draft-return" in rels(shop.get(here))
    assert shop.post(f"{here}/submit").json["draft_return"]["return_id"] is not None


@shows("draft-totals-currency")
def test_the_page_of_totals_names_the_currency_otherwise(shop: Bench) -> None:
    here = readied(shop)
    names = [list(shop.get(f"{here}/totals", api=api).json["totals"]["net"]) for api in ("/api/v1", NEW)]
    assert names == [["amount", "currency"], ["amount", "currencyCode"]]


@shows("draft-address-open")
def test_an_address_that_no_policy_covers_leaves_the_draft_open(open_shop: OpenShop) -> None:
    shop = open_shop({"return_countries": ["US"]})
    here = readied(shop)
    shop.post(f"{here}/address", {"address1": "1 Rue", "city": "Montreal", "country_code": "CA"})
    reply = shop.post(f"{here}/submit")
    assert reply.status == 422
    assert reply.json["errors"][0]["code"] == "returns-unavailable-for-order"
    assert reply.json["draft_return"]["state"] == "items-finalized"


@shows("draft-shop-now-pos")
def test_over_the_counter_shop_now_is_not_checked(open_shop: OpenShop) -> None:
    shop = open_shop({"workflows": [{"then": {"exclude_outcomes": ["shop_now"]}}]})
    cart = {"cart_items": [{"variant_id": shop.control.variants()[0]["id"]}]}
    refused = shop.post(f"{readied(shop, cart)}/submit")
    assert (refused.status, refused.json["errors"][0]["message"]) == (
        422,
        "Shop Now is not available for the items in this return. Remove the new items to continue.",
    )
    assert shop.post(f"{readied(shop, cart, 'in_store')}/submit").status == 200


@shows("listings-decide")
def test_the_lists_decide_what_comes_back(open_shop: OpenShop) -> None:
    shop = open_shop({"return_window_days": 30})
    name = ordered(shop)
    shop.post("/blocklists", {"type": "order", "value": name})
    reasons = begin(shop, name).json["context"]["items_not_eligible_to_return"]
    assert [each["ineligibility_code"] for each in reasons] == ["blocklisted"]
    late = ordered(shop)
    shop.control.clock.advance(by="31d")
    assert begin(shop, late).json["context"]["items_eligible_to_return"] == []
    shop.post("/allowlists", {"type": "order", "value": late})
    assert len(begin(shop, late).json["context"]["items_eligible_to_return"]) == 1


@shows("draft-shopper-token")
def test_a_shoppers_token_fits_no_draft_of_an_integration(shop: Bench) -> None:
    here = readied(shop)
    wrong, empty = {"X-Loop-Shopper-Token": "guess"}, {"X-Loop-Shopper-Token": ""}
    assert shop.get(here, headers=wrong).status == 404
    assert shop.post(f"{here}/submit", headers=wrong).status == 404
    assert shop.get(here, headers=empty).json["draft_return"]["state"] != "submitted"
