"""What the control API shows of orders, variants and returns: compact, with what can still be done about them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from msgspec import structs

from loopsim.domain.orders import Order, Variant, free_units
from loopsim.domain.returns import Return
from loopsim.operations.buyers import live_customer
from loopsim.store.timers import RETURN_TIMERS
from loopsim.store.transaction import Transaction
from loopsim.wire.money import decimal
from loopsim.wire.times import with_millis

PORTAL = "/_loopsim/portal"


def portal_path(shop_name: str) -> str:
    """Where this server has the customer portal of a shop."""
    return f"{PORTAL}/{quote(shop_name, safe='')}"


def order_view(order: Order, tx: Transaction) -> dict[str, Any]:
    """An order. `returnable` of a line counts the units that were shipped and that no return holds."""
    held = tx.held_units(line.id for line in order.lines)
    return {
        "id": order.id,
        "loop_id": order.loop_id,
        "provider_id": order.provider_id,
        "name": order.name,
        "currency": order.currency,
        "created_at": with_millis(order.created_at),
        "email": live_customer(tx, order).email,
        "country": order.shipping_address.country_code,
        "lines": [
            {
                "id": line.id,
                "variant_id": line.variant_id,
                "sku": line.sku,
                "title": line.full_title,
                "quantity": line.quantity,
                "unit_price": decimal(line.unit_price),
                "fulfilled": line.fulfilled,
                "returnable": free_units(line, held),
                "final_sale": line.final_sale,
            }
            for line in order.lines
        ],
    }


def variant_view(variant: Variant, tx: Transaction) -> dict[str, Any]:
    """A variant. `available` is its stock by location id, None where nobody counts it."""
    return {
        "id": variant.id,
        "product_id": variant.product_id,
        "sku": variant.sku,
        "title": variant.full_title,
        "price": decimal(variant.price),
        "available": _texts(tx.stock(variant.id)),
    }


def return_view(return_: Return, tx: Transaction) -> dict[str, Any]:
    """A return as it is, with the timers that are set for it. Amounts are texts in the shop's currency."""
    return {
        "id": return_.id,
        "state": return_.state,
        "flagged": return_.flagged,
        "outcome": return_.outcome,
        "created_at": with_millis(return_.created_at),
        "processed_at": {
            name: None if at is None else with_millis(at)
            for name, at in (
                ("return_processed", return_.processed.return_at),
                ("refund_processed", return_.processed.refund_at),
                ("gift_card_processed", return_.processed.gift_card_at),
                ("exchange_processed", return_.processed.exchange_at),
            )
        },
        "order_name": return_.order.name,
        "order_id": return_.order.id,
        "line_items": [
            {
                "id": line.id,
                "order_line_id": line.order_line_id,
                "sku": line.sku,
                "outcome": line.outcome,
                "resolution": line.resolution,
            }
            for line in return_.lines
        ],
        "labels": [
            {
                "id": label.id,
                "status": label.status,
                "carrier": label.carrier,
                "tracking_number": label.tracking_number,
            }
            for label in return_.labels
        ],
        "exchanges": [
            {"id": item.id, "variant_id": item.variant_id, "order_name": item.order_name} for item in return_.exchanges
        ],
        "totals": {name: decimal(amount) for name, amount in structs.asdict(return_.totals).items()},
        "pending": return_.pending is not None,
        "processing_event": return_.processing_event,
        "status_page": f"{portal_path(tx.shop.name)}/return/{return_.uuid}",
        "timers": [
            {"kind": timer.kind, "due": with_millis(timer.due)} for timer in tx.timers_of(return_.id, *RETURN_TIMERS)
        ],
    }


def _texts(stock: dict[int, int] | None) -> dict[str, int] | None:
    return None if stock is None else {str(location_id): available for location_id, available in stock.items()}
