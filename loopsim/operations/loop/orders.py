"""Orders of the Commerce Data family, and what of one may be returned. They are the orders that returns are made of."""

from __future__ import annotations

from typing import Any

from loopsim.domain.orders import DeletedOrder, Order
from loopsim.errors import Refusal
from loopsim.operations import commerce
from loopsim.operations.buyers import live_customer, with_live_customer
from loopsim.operations.incoming_orders import NOBODY, put_merged
from loopsim.operations.perform import Answer, Call, operation
from loopsim.operations.submitting import terms_of, why_not
from loopsim.store.transaction import Transaction
from loopsim.wire import orders as wire
from loopsim.wire import times
from loopsim.wire.commerce import read_cursor

FIRST_LOOP_ID = 150_000_000


def _shown(tx: Transaction, order: Order, call: Call) -> dict[str, Any]:
    customer = live_customer(tx, order)
    return wire.order(order, customer if customer.id else None, commerce.spell_of(call))


def _need(tx: Transaction, call: Call) -> Order:
    external_id = call.path.get("externalId")
    order = tx.order(call.path["id"]) if external_id is None else tx.order_by_external(external_id)
    if order is None:
        raise Refusal(commerce.NOT_FOUND)
    return order


def _new(tx: Transaction, body: dict[str, Any]) -> Order:
    id_ = commerce.new_id(tx)
    blank = Order(
        id=id_,
        loop_id=FIRST_LOOP_ID + tx.count("order"),
        provider_id=id_,
        name="",
        number="",
        provider_number="",
        customer=NOBODY,
        currency=tx.settings.currency,
        created_at=tx.now,
        lines=(),
        sales_channel="",
    )
    return put_merged(tx, blank, body)


@operation("listCommerceOrders", reads=True)
def list_orders(tx: Transaction, call: Call) -> Any:
    """A page of orders."""
    limit, descending = commerce.page_size(call), commerce.is_descending(call)
    cursor = read_cursor(call.query.get("cursor"))
    backward = cursor is not None and not cursor.forward
    found = tx.order_page(
        limit + 1,
        after=None if cursor is None else cursor.id,
        descending=descending != backward,
        external_id=call.query.get("external_id") or None,
    )
    rows, urls = commerce.cut(found, limit, cursor, call, "orders", lambda order: order.id)
    return {"orders": [_shown(tx, order, call) for order in rows], **urls}


@operation("getOrder", reads=True)
@operation("getOrderByExternalId", reads=True)
def get_order(tx: Transaction, call: Call) -> Any:
    """One order."""
    return {"order": _shown(tx, _need(tx, call), call)}


@operation("createOrder")
def create_order(tx: Transaction, call: Call) -> Answer:
    """A new order; 201."""
    return Answer({"order": _shown(tx, _new(tx, call.body), call)}, 201)


@operation("upsertOrder")
def upsert_order(tx: Transaction, call: Call) -> Any:
    """The order with the merchant's own id, made or changed; 200 both ways."""
    found = tx.order_by_external(call.body["external_id"])
    kept = _new(tx, call.body) if found is None else put_merged(tx, found, call.body)
    return {"order": _shown(tx, kept, call)}


@operation("updateOrder")
def update_order(tx: Transaction, call: Call) -> Any:
    """Change an order."""
    return {"order": _shown(tx, put_merged(tx, _need(tx, call), call.body), call)}


@operation("deleteOrder")
@operation("deleteOrderByExternalId")
def delete_order(tx: Transaction, call: Call) -> Any:
    """Remove an order. Returns that were made of it stay."""
    order = _need(tx, call)
    if tx.returns_of_order(order.id):
        gone = DeletedOrder(id=order.id, provider_id=order.provider_id, name=order.name)
        tx.put("deleted_order", order.id, gone)
    tx.delete_order(order.id)
    return {"id": commerce.spell_of(call)(order.id), "success": True}


@operation("checkReturnEligibility", reads=True)
def check_return_eligibility(tx: Transaction, call: Call) -> Any:
    """What of an order could be returned now. Advice only: the draft return decides."""
    named = tx.orders_named(call.body["order_name"])
    if not named:
        raise Refusal("order_not_found")
    order = with_live_customer(tx, named[-1])
    spell = commerce.spell_of(call)
    held = tx.held_units(line.id for line in order.lines)
    terms = terms_of(tx)
    codes = [why_not(tx, order, line, held, terms) for line in order.lines]
    return {
        "return_eligibility": {
            "order_id": spell(order.id),
            "as_of": times.iso(tx.now),
            "advisory": True,
            "items": [
                {
                    "id": spell(line.id),
                    "external_id": line.external_id,
                    "eligible": code is None,
                    "ineligibility_code": code,
                }
                for line, code in zip(order.lines, codes, strict=True)
            ],
        }
    }
