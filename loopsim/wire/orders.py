"""An order in the dialect of the Commerce Data family, key for key as captured.

What the merchant sent is echoed; of an order that came another way (Shopify, an act) the money is worked out.
"""

from __future__ import annotations

from typing import Any

from loopsim.domain.orders import Customer, Fulfillment, Order, OrderLine
from loopsim.wire import times
from loopsim.wire.commerce import Spell, address, money, or_null

SAID_OF_ORDERS = (
    "total_price", "total_price_presentment", "total_discounts", "total_discounts_presentment", "total_taxes",
    "total_taxes_presentment", "shipping_lines", "refunds", "order_discounts", "fees", "source", "total_shipping",
    "total_shipping_presentment", "created_at", "updated_at",
)  # fmt: skip
"""What an order keeps to the letter. The two shipping totals are taken and not shown (captured)."""

SAID_OF_LINES = (
    "taxable", "unit_price", "unit_price_presentment", "unit_discounts", "unit_discounts_presentment", "tax_lines",
    "discounts", "duties",
)  # fmt: skip


def order(of: Order, customer: Customer | None, spell: Spell) -> dict[str, Any]:
    """An order. `customer` is who it is now, not who it was when the order was made (captured)."""
    said = said_of(of)
    return {
        "id": spell(of.id),
        "external_id": of.external_id,
        "name": of.name,
        "sales_channel": or_null(of.sales_channel),
        "customer": None if customer is None else _customer(customer, spell),
        "status": of.status,
        "shipping_address": _address(of, "shipping"),
        "billing_address": _address(of, "billing"),
        "taxes_included": of.taxes_included,
        "total_price": said.get("total_price"),
        "total_price_presentment": said.get("total_price_presentment"),
        "total_discounts": said.get("total_discounts"),
        "total_discounts_presentment": said.get("total_discounts_presentment"),
        "total_taxes": said.get("total_taxes"),
        "total_taxes_presentment": said.get("total_taxes_presentment"),
        "shipping_lines": said.get("shipping_lines") or [],
        "refunds": [_refund(each, spell) for each in said.get("refunds") or ()],
        "tags": list(of.tags),
        "order_discounts": said.get("order_discounts") or [],
        "fees": said.get("fees") or [],
        "line_items": [_line(of, line, spell) for line in of.lines],
        "fulfillments": [_fulfillment(of, shipment, spell) for shipment in of.fulfillments],
        "source": said.get("source"),
        "created_at": said.get("created_at"),
        "updated_at": said.get("updated_at"),
        "warnings": None,
    }


def said_of(of: Order) -> dict[str, Any]:
    """What the merchant said of an order, or would have to say of one that came another way."""
    return of.said or _worked_out(of)


def _worked_out(of: Order) -> dict[str, Any]:
    gross = sum(line.unit_price * line.quantity - line.discount for line in of.lines)
    tax = sum(line.tax for line in of.lines)
    return {
        "total_price": money(gross if of.taxes_included else gross + tax, of.currency),
        "total_discounts": money(sum(line.discount for line in of.lines), of.currency),
        "total_taxes": money(tax, of.currency),
        "created_at": times.iso(of.created_at),
        "updated_at": times.iso(of.created_at),
    }


def _customer(of: Customer, spell: Spell) -> dict[str, Any]:
    return {
        "id": spell(of.id),
        "external_id": of.external_id,
        "first_name": or_null(of.first_name),
        "last_name": or_null(of.last_name),
        "email": or_null(of.email),
        "phone": or_null(of.phone),
        "sales_channel": None,
    }


def _refund(said: dict[str, Any], spell: Spell) -> dict[str, Any]:
    """A refund as it was sent; the id of its line is a global one, too."""
    line = said.get("line_item")
    return {**said, "line_item": {**line, "id": spell(line["id"])}} if line and "id" in line else said


def _address(of: Order, which: str) -> dict[str, Any] | None:
    known = of.shipping_address if which == "shipping" else of.billing_address
    return address(known) if known.address1 or known.city or known.country_code else None


def _line(of: Order, line: OrderLine, spell: Spell) -> dict[str, Any]:
    said = line.said or {
        "taxable": bool(line.tax),
        "unit_price": money(line.unit_price, of.currency),
        "unit_discounts": money(line.discount // line.quantity, of.currency),
        "tax_lines": [{"title": "Tax", "rate": None, "price": money(line.tax, of.currency)}] if line.tax else [],
    }
    return {
        "id": spell(line.id),
        "external_id": line.external_id,
        "quantity": line.quantity,
        "taxable": said.get("taxable"),
        "product": {"id": spell(line.product_id)},
        "product_variant": None if line.variant_id is None else {"id": spell(line.variant_id)},
        "unit_price": said.get("unit_price"),
        "unit_price_presentment": said.get("unit_price_presentment"),
        "unit_discounts": said.get("unit_discounts"),
        "unit_discounts_presentment": said.get("unit_discounts_presentment"),
        "tax_lines": said.get("tax_lines") or [],
        "discounts": said.get("discounts") or [],
        "duties": said.get("duties") or [],
    }


def _fulfillment(of: Order, shipment: Fulfillment, spell: Spell) -> dict[str, Any]:
    external = {line.id: line.external_id for line in of.lines}
    names = [each.get("external_id") for each in shipment.said.get("lines", ())]
    return {
        "external_id": shipment.external_id,
        "status": shipment.status,
        "fulfilled_at": times.iso_or_none(shipment.fulfilled_at),
        "shipping_carrier": or_null(shipment.carrier),
        "location": None if shipment.location_id is None else {"id": spell(shipment.location_id)},
        "fulfillment_line_items": [
            {
                "external_id": names[index] if index < len(names) else None,
                "order_line_item_global_id": spell(line_id),
                "order_line_item_external_id": external.get(line_id),
                "quantity": quantity,
            }
            for index, (line_id, quantity) in enumerate(shipment.lines)
        ],
        "tracking_numbers": list(shipment.said.get("tracking_numbers", ()))
        or ([shipment.tracking_number] if shipment.tracking_number else []),
    }
