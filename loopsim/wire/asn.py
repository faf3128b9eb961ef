"""The rows of the Advanced Shipping Notice: one per returned unit (`FACTS.md#asn-row`)."""

from __future__ import annotations

from typing import Any

from msgspec import structs

from loopsim.domain.labels import Label
from loopsim.domain.returns import Return, ReturnLine
from loopsim.wire.money import decimal
from loopsim.wire.returns import label_fields, latest_label
from loopsim.wire.times import iso, iso_or_none


def rows(return_: Return) -> list[dict[str, Any]]:
    """The ASN rows of a return, in the order of its units."""
    return [_row(return_, line) for line in return_.lines]


def _label_of(return_: Return, line: ReturnLine) -> Label | None:
    """The newest label of the unit's parcel; where labels name no units, as imported ones may, that of the return."""
    named = next((label for label in reversed(return_.labels) if line.id in label.line_ids), None)
    return named or (None if any(label.line_ids for label in return_.labels) else latest_label(return_))


def _row(return_: Return, line: ReturnLine) -> dict[str, Any]:
    order, method = return_.order, return_.return_method
    label = _label_of(return_, line)
    # A unit whose parcel has no label yet does not travel with the number of another parcel of the return.
    own = label_fields(structs.replace(return_, labels=() if label is None else (label,)))
    return {
        "id": line.id,
        "return_line_item_id": str(line.id),
        "order_id": str(order.loop_id),
        "order_name": order.name,
        "order_number": order.number,
        "provider_order_number": order.provider_number,
        "state": return_.state,
        "customer_email": order.email,
        "title": line.title,
        "purchase_price": decimal(line.price),
        "sku": line.sku,
        "barcode": line.barcode,
        "carrier": own["carrier"],
        "service": label.service if label else None,
        "label_status": own["label_status"],
        "tracking_number": own["tracking_number"],
        "tracking_url": label.tracking_url if label else None,
        "restock_status": "restocked" if return_.processed.return_at and line.outcome == "default" else "not_restocked",
        "currency": order.currency,
        "label_updated_at": own["label_updated_at"],
        "label_url": label.url if label else None,
        "label_rate": decimal(label.rate) if label and label.rate is not None else None,
        "closed_at": iso_or_none(return_.closed_at),
        "updated_at": iso(return_.updated_at),
        "created_at": iso(return_.created_at),
        "return_reason": line.reason,
        "actioned_via": None,
        "return_method": method.method_type if method else return_.method,
        "rma_id": method.rma_id if method else None,
        "return_method_state": method.state if method else (label.status if label else None),
        "delivered_at": iso_or_none(label.delivered_at) if label else None,
        "outcome": return_.outcome,
        "scannable_id": method.scannable_id if method else None,
        "package_reference": return_.package_reference,
        "shipping_box_barcode": None,
        "provider_created_at": iso(return_.created_at),
    }
