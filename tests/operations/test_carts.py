"""Carts: every refusal is HTTP 200, a cart is a flat list of variant ids."""

from __future__ import annotations

import re
from typing import Any

import pytest

Shop = Any


def variants(shop: Shop, count: int) -> list[int]:
    return [each["id"] for each in shop.call("listVariants").body["variants"][:count]]


def test_a_cart_is_kept_read_replaced_and_forgotten(shop: Shop) -> None:
    one, two = variants(shop, 2)
    made = shop.call("createCart", {"cart": [one, one, two]})
    assert (made.status, made.body["data"]) == (200, {"cart": [one, one, two]})
    token = made.body["token"]
    assert re.fullmatch("[0-9a-f]{64}", token)
    assert shop.call("getCart", token=token).body == {"cart": [one, one, two]}
    changed = shop.call("updateCart", {"cart": [str(two)]}, token=token)
    assert changed.body == {"updated": True, "data": {"cart": [two]}}
    assert shop.call("getCart", token=token).body == {"cart": [two]}
    assert shop.call("deleteCart", token=token).body is True
    assert shop.call("getCart", token=token).body == {"errors": {"message": "No cart found for the provided token."}}


def test_carts_do_not_share_a_token(shop: Shop) -> None:
    (one,) = variants(shop, 1)
    tokens = {shop.call("createCart", {"cart": [one]}).body["token"] for _ in range(20)}
    assert len(tokens) == 20


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "Cart is empty."),
        ({"cart": []}, "Cart is empty."),
        ({"cart": [777777]}, "Variant ID 777777 not found."),
        ({"cart": "39076568408247"}, "Cart should contain a list of variant IDs."),
        ({"cart": {"id": 1}}, "Cart should contain a list of variant IDs."),
        ({"cart": [{"id": 1}]}, "Cart should contain a list of variant IDs."),
        ({"cart": [True]}, "Cart should contain a list of variant IDs."),
        ({"cart": [1.5]}, "Cart should contain a list of variant IDs."),
    ],
)
def test_a_cart_that_is_none_is_refused_with_200_and_changes_nothing(body: Any, message: str, shop: Shop) -> None:
    (one,) = variants(shop, 1)
    token = shop.call("createCart", {"cart": [one]}).body["token"]
    before = shop.dump()
    for operation, path in (("createCart", {}), ("updateCart", {"token": token})):
        reply = shop.call(operation, body, **path)
        assert (reply.status, reply.body) == (200, {"errors": {"message": message}, "data": {"cart": []}})
    assert shop.dump() == before


@pytest.mark.parametrize("operation", ["updateCart", "deleteCart", "getCart"])
def test_an_unknown_token_is_refused_with_200(operation: str, shop: Shop) -> None:
    reply = shop.call(operation, {"cart": variants(shop, 1)} if operation == "updateCart" else None, token="0" * 64)
    assert (reply.status, reply.body) == (200, {"errors": {"message": "No cart found for the provided token."}})


def test_a_customer_buys_what_is_in_the_cart_that_they_come_back_with(shop: Shop) -> None:
    one, two = variants(shop, 2)
    token = shop.call("createCart", {"cart": [one, two, one]}).body["token"]
    for cart in (token, f"https://returns.example/#/cart/v2/{token}?to=lineItems", f"https://p.example/c/{token}/key"):
        made = shop.submit(items=[{"outcome": "shop_now"}], cart=cart)
        assert [each["variant_id"] for each in made["exchanges"]] == [one, two, one]
    for cart in ("https://returns.example/#/cart/v2/undefined", "0" * 64, f"{token}0"):
        reply = shop.call("customerSubmitsReturn", {"items": [{"outcome": "shop_now"}], "cart": cart})
        assert (reply.status, reply.refusal) == (422, "unknown_cart")
