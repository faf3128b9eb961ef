"""What the body of an act names: a return, an order, a variant; and the answer that shows a return."""

from __future__ import annotations

from typing import Any

from loopsim.domain.orders import Order, Variant
from loopsim.domain.returns import Return
from loopsim.errors import Refusal
from loopsim.operations.control.views import return_view
from loopsim.operations.perform import Call
from loopsim.store.transaction import Transaction
from loopsim.wire.numbers import whole


def named_return(tx: Transaction, call: Call) -> Return:
    """The return that a body names. Raises `return_not_found`."""
    return tx.need_return(call.body["return_id"])


def named_order(tx: Transaction, named: str | int) -> Order:
    """The order with this id, name, or id on the platform, in that order. Raises `order_not_found`."""
    by_id = tx.order(named) if isinstance(named, int) else None
    by_name = [by_id] if by_id is not None else tx.orders_named(str(named))
    if by_name:
        return by_name[-1]
    number = whole(str(named))
    order_found = None if number is None else tx.order(number) or tx.order_by_provider(number)
    if order_found is None:
        raise Refusal("order_not_found")
    return order_found


def named_variant(tx: Transaction, named: str | int) -> Variant:
    """The variant with this id or SKU. Raises `unknown_variant`."""
    number = whole(str(named))
    by_id = None if number is None else tx.resource("variant", number, Variant)
    if by_id is not None:
        return by_id
    for variant in tx.resources("variant", Variant):
        if variant.sku == named:
            return variant
    raise Refusal("unknown_variant", variant=str(named))


def shown(tx: Transaction, return_: Return) -> Any:
    """The answer of an act on a return: how it is now."""
    return {"return": return_view(return_, tx)}
