"""A return as Loop prints it: list row, details, and what both share. Key order as captured
(`FACTS.md#returns-list-row`).
"""

from __future__ import annotations

from typing import Any

from loopsim.domain.labels import Label
from loopsim.domain.returns import Condition, Disposition, Exchange, Return, ReturnLine, awaits_label
from loopsim.domain.shop import Settings
from loopsim.domain.totals import Totals, value
from loopsim.wire import overlay
from loopsim.wire.money import decimal
from loopsim.wire.presentment import in_presentment
from loopsim.wire.times import iso, iso_or_none, php_dump, spaced, spaced_or_none

MISSING = "N/A"


def status_page_url(return_: Return, settings: Settings) -> str:
    """The customer's page."""
    return f"{settings.portal}/return/{return_.uuid}"


RETURN_TOTALS = (
    "return_product_total",
    "return_discount_total",
    "return_tax_total",
    "return_total",
    "return_credit_total",
)
EXCHANGE_TOTALS = tuple(name.replace("return_", "exchange_") for name in RETURN_TOTALS)


def money_totals(totals: Totals) -> dict[str, str]:
    """The ten totals, in order."""
    return {
        "return_product_total": decimal(totals.return_product),
        "return_discount_total": decimal(totals.return_discount),
        "return_tax_total": decimal(totals.return_tax),
        "return_total": decimal(totals.return_total),
        "return_credit_total": decimal(totals.return_credit),
        "exchange_product_total": decimal(totals.exchange_product),
        "exchange_discount_total": decimal(totals.exchange_discount),
        "exchange_tax_total": decimal(totals.exchange_tax),
        "exchange_total": decimal(totals.exchange_total),
        "exchange_credit_total": decimal(totals.exchange_credit),
    }


def latest_label(return_: Return) -> Label | None:
    """The label that the return's own label fields speak of."""
    return return_.labels[-1] if return_.labels else None


def label_fields(return_: Return) -> dict[str, Any]:
    """`carrier`, `tracking_number`, `label_status`, `label_updated_at`: of the newest label, while it is made, or where
    none will come.
    """
    label = latest_label(return_)
    if label is not None:
        return {
            "carrier": label.carrier,
            "tracking_number": label.tracking_number,
            "label_status": label.status,
            "label_updated_at": iso(label.updated_at),
        }
    if awaits_label(return_):
        return {
            "carrier": "",
            "tracking_number": MISSING,
            "label_status": "pending",
            "label_updated_at": iso(return_.created_at),
        }
    return {
        "carrier": MISSING,
        "tracking_number": MISSING,
        "label_status": MISSING,
        "label_updated_at": MISSING,
    }


def labels(return_: Return) -> list[dict[str, Any]]:
    """`labels[]`; the line items in it are numbers (captured)."""
    return [
        {
            "status": label.status,
            "updated_at": iso(label.updated_at),
            "url": label.url,
            "rate": label.rate,
            "carrier": label.carrier,
            "tracking_number": label.tracking_number,
            "line_items": list(label.line_ids),
        }
        for label in return_.labels
    ]


def condition(of: Condition | None) -> dict[str, Any] | None:
    """What grading left on a line item."""
    if of is None:
        return None
    return {
        "description": of.description,
        "condition_category": of.condition_category,
        "return_processor": of.return_processor,
        "note": of.note,
        "inspected_at": of.inspected_at,
        "images": list(of.images or ()),
    }


def disposition(of: Disposition | None) -> dict[str, Any] | None:
    """What assessing left on a line item."""
    if of is None:
        return None
    return {
        "disposition_outcome": of.disposition_outcome,
        "return_processor": of.return_processor,
        "note": of.note,
        "inspected_at": of.inspected_at,
    }


def exchange(item: Exchange, included: bool) -> dict[str, Any]:
    """`exchanges[]`: ids are strings, in details too, but for the order's, which is a number (captured)."""
    return {
        "exchange_id": str(item.id),
        "exchange_order_id": item.order_id,
        "exchange_order_name": item.order_name,
        "product_id": str(item.product_id),
        "variant_id": id_text(item.variant_id),
        "sku": item.sku,
        "type": item.type,
        "title": item.title,
        "price": decimal(item.price),
        "discount": decimal(item.discount),
        "tax": decimal(item.tax),
        "total": decimal(value(item, included)),
        "out_of_stock": item.out_of_stock,
        "out_of_stock_resolution": item.out_of_stock_resolution,
    }


def return_method(return_: Return) -> dict[str, Any] | None:
    """`return_method`, where the items do not travel as a plain parcel."""
    method = return_.return_method
    if method is None:
        return None
    return {
        "provider": method.provider,
        "method_type": method.method_type,
        "address": method.address,
        "state": method.state,
        "rma_id": method.rma_id,
        "qr_code_url": method.qr_code_url,
        "scheduled_at": method.scheduled_at,
        "scannable_id": method.scannable_id,
    }


def outcomes_processed_at(return_: Return) -> dict[str, Any]:
    """Four keys, each null or a PHP DateTime (captured)."""
    done = return_.processed
    return {
        "return_processed": php_dump(done.return_at),
        "refund_processed": php_dump(done.refund_at),
        "gift_card_processed": php_dump(done.gift_card_at),
        "exchange_processed": php_dump(done.exchange_at),
    }


def id_text(id_: int | None) -> str | None:
    """An id as text, where there is one."""
    return None if id_ is None else str(id_)


def _row_line(line: ReturnLine) -> dict[str, Any]:
    return {
        "line_item_id": str(line.id),
        "provider_line_item_id": str(line.order_line_id),
        "product_id": str(line.product_id),
        "variant_id": id_text(line.variant_id),
        "sku": line.sku,
        "title": line.title,
        "price": decimal(line.price),
        "discount": decimal(line.discount),
        "tax": decimal(line.tax),
        "refund": decimal(line.refund),
        "refund_tax": decimal(line.refund_tax),
        "refund_item": decimal(line.refund_item),
        "returned_at": spaced(line.returned_at),
        "exchange_variant": "" if line.exchange_variant_id is None else str(line.exchange_variant_id),
        "return_reason": line.reason,
        "parent_return_reason": line.parent_reason,
        "return_comment": line.comment,
        "barcode": line.barcode,
        "outcome": line.outcome,
        "provider_restock_location_id": line.restock_location_id,
        "consolidation_tracking": None,
        "consolidation_destination_id": None,
        "condition": condition(line.condition),
        "disposition": disposition(line.disposition),
    }


def _shopify_refunds(return_: Return) -> list[dict[str, Any]]:
    return [
        {
            "id": refund.id,
            "return_id": return_.id,
            "provider_refund_id": refund.provider_refund_id,
            "provider_created_at": iso(refund.created_at),
            "created_at": iso(refund.created_at),
            "updated_at": iso(refund.created_at),
        }
        for refund in return_.refunds
        if refund.provider_refund_id is not None
    ]


def _on_its_way(return_: Return, settings: Settings) -> dict[str, Any]:
    """How the items travel, and where to: what stands in the same order in list row and details."""
    label, own = latest_label(return_), label_fields(return_)
    return {
        "carrier": own["carrier"],
        "tracking_number": own["tracking_number"],
        "label_status": own["label_status"],
        "label_url": label.url if label else None,
        "label_rate": label.rate if label else None,
        "status_page_url": status_page_url(return_, settings),
        "label_updated_at": own["label_updated_at"],
        "labels": labels(return_),
        "destination_id": return_.destination_id,
        "return_method": return_method(return_),
        "package_reference": return_.package_reference,
        "type": return_.type,
    }


def list_row(return_: Return, settings: Settings) -> dict[str, Any]:
    """A row of `GET /warehouse/return/list`; an imported return shows what its export had."""
    return overlay.apply(plain_row(return_, settings), return_.overlay)


def plain_row(return_: Return, settings: Settings) -> dict[str, Any]:
    """A list row as we print it, without an import's peculiarities."""
    order, totals = return_.order, return_.totals
    return {
        "id": str(return_.id),
        "refund_before_inspection": return_.refund_before_inspection,
        "state": return_.state,
        "was_processed": return_.was_processed,
        "outcomes_processed_at": outcomes_processed_at(return_),
        "created_at": iso(return_.created_at),
        "updated_at": iso(return_.updated_at),
        "edited_at": iso_or_none(return_.edited_at),
        "total": decimal(totals.total),
        "outcome": return_.outcome,
        "order_id": str(order.loop_id),
        "order_name": order.name,
        "provider_order_id": str(order.provider_id),
        "order_number": order.number,
        "provider_order_number": order.provider_number,
        "customer": order.email,
        "origin_country": order.origin_country,
        "origin_country_code": order.origin_country_code,
        "multi_currency": order.multi_currency,
        "currency": order.currency,
        **money_totals(totals),
        "gift_card": decimal(totals.gift_card),
        "gift_card_order_name": return_.gift_card_order_name,
        "gift_card_order_id": id_text(return_.gift_card_order_id),
        "handling_fee": decimal(totals.handling_fee),
        "refund": decimal(totals.refund),
        "upsell": decimal(totals.upsell),
        "line_items": [_row_line(line) for line in return_.lines],
        "exchanges": [exchange(item, order.taxes_included) for item in return_.exchanges],
        **_on_its_way(return_, settings),
        "shopify_refund_object": _shopify_refunds(return_),
    }


def _details_line(line: ReturnLine) -> dict[str, Any]:
    return {
        "provider_line_item_id": line.order_line_id,
        "line_item_id": line.id,
        "product_id": line.product_id,
        "variant_id": line.variant_id,
        "exchange_variant": line.exchange_variant_id,
        "line_item_title": line.line_title or line.title,
        "variant_title": line.variant_title,
        "title": line.title,
        "image": line.image,
        "reason": line.reason,
        "parent_reason": line.parent_reason,
        "sku": line.sku,
        "price": decimal(line.price),
        "discount": decimal(line.discount),
        "tax": decimal(line.tax),
        "refund": decimal(line.refund),
        "refund_tax": decimal(line.refund_tax),
        "refund_item": decimal(line.refund_item),
        "returned_at": spaced(line.returned_at),
        "return_comment": line.comment,
        "barcode": line.barcode,
        "outcome": line.outcome,
        "provider_restock_location_id": line.restock_location_id,
        "consolidation_tracking": None,
        "consolidation_destination_id": None,
        "condition": condition(line.condition),
        "disposition": disposition(line.disposition),
    }


def details(return_: Return, settings: Settings, currency_type: str = "shop") -> dict[str, Any]:
    """`GET /warehouse/return/details`: the same return in other types (numbers, space times) and words (`reason`)."""
    if currency_type == "presentment":
        return_ = in_presentment(return_)
    order, totals = return_.order, return_.totals
    currency = order.presentment_currency if currency_type == "presentment" and order.multi_currency else order.currency
    made = [item for item in return_.exchanges if item.order_id is not None]
    money = money_totals(totals)
    return {
        "id": return_.id,
        "created_at": spaced(return_.created_at),
        "updated_at": spaced(return_.updated_at),
        "edited_at": spaced_or_none(return_.edited_at),
        "order_id": order.provider_id,
        "order_name": order.name,
        "order_number": int(order.number) if order.number else None,
        "provider_order_number": int(order.provider_number) if order.provider_number else "",
        "provider_order_id": order.provider_id,
        "total": decimal(totals.total),
        "customer": order.email,
        "multi_currency": order.multi_currency,
        "state": return_.state,
        "currency": currency,
        "exchange": decimal(totals.exchange),
        "exchange_order_name": list(dict.fromkeys(str(item.order_name) for item in made)),
        "exchange_order_id": list(dict.fromkeys(str(item.order_id) for item in made)),
        "gift_card_order_name": return_.gift_card_order_name,
        "gift_card_order_id": id_text(return_.gift_card_order_id),
        "gift_card": decimal(totals.gift_card),
        "refund": decimal(totals.refund),
        "refunds": refunds(return_),
        **{name: money[name] for name in RETURN_TOTALS},
        "handling_fee": decimal(totals.handling_fee),
        **{name: money[name] for name in EXCHANGE_TOTALS},
        "upsell": decimal(totals.upsell),
        "line_items": [_details_line(line) for line in return_.lines],
        "exchanges": [exchange(item, order.taxes_included) for item in return_.exchanges],
        **_on_its_way(return_, settings),
        "outcome": return_.outcome,
        "origin_country": order.origin_country,
        "origin_country_code": order.origin_country_code,
        "refund_before_inspection": return_.refund_before_inspection,
        "was_processed": return_.was_processed,
        "outcomes_processed_at": outcomes_processed_at(return_),
        "provider_return_id": None,
        "customer_email": order.email,
        "customer_first_name": order.first_name,
        "customer_last_name": order.last_name,
        "shopify_refund_object": _shopify_refunds(return_),
    }


def refunds(return_: Return) -> list[dict[str, str | None]]:
    """`refunds[]` of details and webhooks: text, empty until processed; no provider's id where the merchant refunds."""
    return [
        {
            "gateway": refund.gateway,
            "amount": decimal(refund.amount),
            "currency": refund.currency,
            "provider_refund_id": id_text(refund.provider_refund_id),
        }
        for refund in return_.refunds
    ]
