"""Carts of Shop Now on-store: variant ids under a token. All refusals are HTTP 200 (`FACTS.md#carts-refusals`)."""

from __future__ import annotations

from typing import Any

from loopsim.domain import chance
from loopsim.domain.orders import Variant
from loopsim.errors import Refusal
from loopsim.operations.perform import Answer, Call, operation
from loopsim.store.transaction import Transaction
from loopsim.wire.numbers import whole

TOKEN_DIGITS = 64


def _need_cart(tx: Transaction, call: Call) -> list[int]:
    cart = tx.get("cart", call.path["token"], list)
    if cart is None:
        raise Refusal("cart_not_found")
    return cart


def _chosen(tx: Transaction, body: Any) -> list[int]:
    """The variant ids of a body, each of which the shop sells. Digits as text count, as PHP has it."""
    given = body.get("cart")
    if given is None or given == []:
        raise Refusal("cart_empty")
    if not isinstance(given, list):
        raise Refusal("cart_no_list")
    chosen = []
    for each in given:
        id_ = whole(each) if isinstance(each, str) else each
        if isinstance(id_, bool) or not isinstance(id_, int):
            raise Refusal("cart_no_list")
        if tx.resource("variant", id_, Variant) is None:
            raise Refusal("variant_not_found", variant=id_)
        chosen.append(id_)
    return chosen


@operation("createCart")
def create_cart(tx: Transaction, call: Call) -> Any:
    """Keep a cart under a token that cannot be guessed."""
    chosen = _chosen(tx, call.body)
    token = chance.hexadecimal(TOKEN_DIGITS, tx.settings.seed, "cart", tx.count("cart"))
    tx.put("cart", token, chosen)
    return {"token": token, "data": {"cart": chosen}}


@operation("getCart", reads=True)
def get_cart(tx: Transaction, call: Call) -> Any:
    """What is in a cart."""
    return {"cart": _need_cart(tx, call)}


@operation("updateCart")
def update_cart(tx: Transaction, call: Call) -> Any:
    """Replace all that is in a cart."""
    _need_cart(tx, call)
    chosen = _chosen(tx, call.body)
    tx.put("cart", call.path["token"], chosen)
    return {"updated": True, "data": {"cart": chosen}}


@operation("deleteCart")
def delete_cart(tx: Transaction, call: Call) -> Answer:
    """Forget a cart."""
    _need_cart(tx, call)
    tx.delete("cart", call.path["token"])
    return Answer(True)
