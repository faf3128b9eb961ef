"""Orders: customers make them, the warehouse sends them out."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from msgspec import structs

from loopsim.domain.orders import Address, Customer, Fulfillment, Order, OrderLine
from loopsim.errors import Refusal
from loopsim.operations.commerce import new_id
from loopsim.operations.control.named import named_order, named_variant
from loopsim.operations.loop.customers import put_customer
from loopsim.operations.perform import Call, operation
from loopsim.store.transaction import Transaction

Body = dict[str, Any]


@operation("ordersMakes")
def orders_makes(tx: Transaction, call: Call) -> Any:
    """A customer orders; by default the order is fulfilled at once."""
    body = call.body
    settings, number = tx.settings, tx.count("order")
    shopify = settings.platform == "shopify"
    order_id, customer_id = new_id(tx), new_id(tx)
    lines = tuple(_order_line(tx, wanted, body.get("tax_percent", 0)) for wanted in body["lines"])
    provider_number = str(90_000 + number)
    email = body.get("email") or f"shopper{number}@example.com"
    first, last = body.get("first_name") or "Robin", body.get("last_name") or "Shopper"
    address = Address(
        name=f"{first} {last}",
        address1="1 Test Street",
        city="Testville",
        state="Ohio" if settings.country_code == "US" else "",
        zip=body.get("zip", "43004"),
        country=body.get("country") or settings.country,
        country_code=body.get("country_code") or settings.country_code,
    )
    order = Order(
        id=order_id,
        loop_id=150_000_000 + number,
        provider_id=5_900_000_000_000 + number if shopify else order_id,
        name=body.get("name") or f"#{provider_number}",
        number=str(int(provider_number) - 1000) if shopify else "",
        provider_number=provider_number if shopify else "",
        customer=Customer(id=customer_id, email=email, first_name=first, last_name=last),
        currency=settings.currency,
        created_at=tx.now - timedelta(days=3),
        lines=lines,
        shipping_address=address,
        billing_address=address,
        taxes_included=settings.taxes_included,
    )
    put_customer(tx, order.customer)
    kept = _sent(tx, order, order.created_at) if body.get("fulfilled", True) else order
    tx.put_order(kept)
    return {"order": _order_view(kept)}


def _order_line(tx: Transaction, wanted: Body, tax_percent: int) -> OrderLine:
    variant = named_variant(tx, wanted["variant"])
    quantity, discount = wanted.get("quantity", 1), wanted.get("discount", 0)
    net = variant.price * quantity - discount
    if net < 0:
        raise Refusal("discount_too_large")
    included = tx.settings.taxes_included
    tax = net * tax_percent // (100 + tax_percent) if included else net * tax_percent // 100
    # Outside Shopify the ids of lines are Loop's own, beyond 2^53 like all of its commerce data.
    id_ = 13_900_000_000_000 + tx.count("order_line") if tx.settings.platform == "shopify" else new_id(tx)
    return OrderLine.of_variant(variant, id=id_, quantity=quantity, discount=discount, tax=tax)


@operation("ordersFulfils")
def orders_fulfils(tx: Transaction, call: Call) -> Any:
    """Everything of an order is sent out; from then on it can come back."""
    fulfilled = _sent(tx, named_order(tx, call.body["order"]), tx.now)
    tx.put_order(fulfilled)
    return {"order": _order_view(fulfilled)}


def _sent(tx: Transaction, order: Order, moment: datetime) -> Order:
    """The order with everything that was not sent yet in a shipment of its own."""
    left = tuple((line.id, line.quantity - line.fulfilled) for line in order.lines if line.quantity > line.fulfilled)
    if not left:
        return order
    shipment = Fulfillment(id=tx.next_id("fulfillment"), fulfilled_at=moment, lines=left)
    lines = tuple(structs.replace(line, fulfilled=line.quantity) for line in order.lines)
    return structs.replace(order, lines=lines, fulfillments=(*order.fulfillments, shipment))


def _order_view(order: Order) -> Body:
    return {
        "id": order.id,
        "name": order.name,
        "provider_id": order.provider_id,
        "line_items": [
            {"id": line.id, "sku": line.sku, "quantity": line.quantity, "fulfilled": line.fulfilled}
            for line in order.lines
        ],
    }
