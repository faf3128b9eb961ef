"""Checkout+: what may be offered for a cart."""

from __future__ import annotations

from typing import Any

import pytest

Shop = Any
CART = {"lines": [{"id": "1", "productId": 7, "quantity": 2}], "currencyCode": "USD", "totalAmount": 4300}


def asked(**more: Any) -> dict[str, Any]:
    return {"shopDomain": "shop.example", "platform": "custom", "cart": CART, "sessionId": "s-1", **more}


@pytest.mark.parametrize(("total", "amount"), [(4300, 86), (4325, 87), (43.2, 0.86)])
def test_a_cart_may_be_offered_coverage_in_the_unit_it_is_told_in(total: float, amount: float, open_shop: Any) -> None:
    shop = open_shop(checkout_plus=True)
    reply = shop.call("analyzeCart", asked(cart={**CART, "totalAmount": total}))
    assert (reply.status, reply.body) == (
        200,
        {
            "eligible": True,
            "reason": None,
            "sessionId": "s-1",
            "mode": ["returns_coverage"],
            "chargeInstructions": {"amount": amount, "currency": "USD"},
        },
    )


@pytest.mark.parametrize(
    ("cart", "reason"),
    [
        ({"currencyCode": "EUR"}, "CURRENCY_NOT_SUPPORTED"),
        ({"lines": []}, "EMPTY_CART"),
        ({"totalAmount": 0}, "EMPTY_CART"),
        ({"lines": [{"quantity": 0}]}, "EMPTY_CART"),
    ],
)
def test_a_cart_that_may_be_offered_nothing(cart: dict[str, Any], reason: str, open_shop: Any) -> None:
    shop = open_shop(checkout_plus=True)
    body = shop.call("analyzeCart", asked(cart={**CART, **cart})).body
    assert (body["eligible"], body["reason"], body["mode"], body["chargeInstructions"]) == (False, reason, [], None)


def test_the_same_cart_renews_its_analysis(open_shop: Any) -> None:
    shop = open_shop(checkout_plus=True)
    first = shop.call("analyzeCart", asked(sessionId=None, cartId="c-1")).body
    again = shop.call("analyzeCart", asked(sessionId=None, cartId="c-1", cart={**CART, "totalAmount": 100})).body
    other = shop.call("analyzeCart", asked(sessionId=None, cartId="c-2")).body
    assert first["sessionId"] == again["sessionId"] != other["sessionId"]
    assert again["chargeInstructions"]["amount"] == 2
    kept = dict(shop.records.items("checkout_session", dict))
    assert kept == {first["sessionId"]: again, other["sessionId"]: other}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (asked(sessionId=None), "sessionId"),
        (asked(platform="shopify"), "platform"),
        (asked(cart=None), "cart"),
        (asked(cart={"lines": [], "currencyCode": "USD"}), "cart.totalAmount"),
        ({}, "shopDomain"),
    ],
)
def test_what_is_not_well_formed_is_refused(body: dict[str, Any], field: str, shop: Shop) -> None:
    reply = shop.call("analyzeCart", body)
    assert reply.status == 422
    assert field in reply.body["errors"]
