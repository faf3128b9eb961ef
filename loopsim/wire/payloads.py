"""Webhook payloads, one shape per topic. Topic and trigger are independent: any topic may be asked for at any trigger,
and one that has nothing to say about the event gives None.

Key order: `return` as captured in 2020 with the newer keys where the newer pages have them, then what only the list
has; the others as their pages print them (`FACTS.md#payload-return`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from loopsim.domain.events import Event
from loopsim.domain.labels import LabelRequest
from loopsim.domain.returns import Return, ReturnLine
from loopsim.domain.shop import Settings
from loopsim.wire import returns as rows
from loopsim.wire.additions import with_additions
from loopsim.wire.money import decimal
from loopsim.wire.times import in_zone, iso, iso_or_none, spaced

Payload = dict[str, Any]


def payload(topic: str, event: Event, settings: Settings) -> Payload | None:
    """The payload of `topic` for an event, or None where the topic has no data for it."""
    made = TOPICS[topic](event, settings)
    return None if made is None else with_additions(made, settings)


def _return(event: Event, settings: Settings) -> Payload | None:
    if event.subject is None:
        return None
    return return_payload(event.trigger, event.subject, settings)


def return_payload(trigger: str, return_: Return, settings: Settings) -> Payload:
    """Topic `return`: every id a string but `shop_id`; `provider_order_number` a number."""
    order, totals = return_.order, return_.totals
    label = rows.latest_label(return_)
    own = rows.label_fields(return_)
    money = rows.money_totals(totals)
    address = order.address
    return {
        "topic": "return",
        "trigger": trigger,
        "shop_id": settings.id,
        "id": str(return_.id),
        "state": return_.state,
        "created_at": iso(return_.created_at),
        "edited_at": iso_or_none(return_.edited_at),
        "total": decimal(totals.total),
        "order_id": str(order.loop_id),
        "order_name": order.name,
        "provider_order_id": str(order.provider_id),
        "order_number": order.number,
        "provider_order_number": int(order.provider_number) if order.provider_number else None,
        "provider_order_external_id": order.external_id or str(order.provider_id),
        "provider_order_sales_channel": order.sales_channel,
        "customer": order.email,
        "customer_detail": {"email": order.email, "first_name": order.first_name, "last_name": order.last_name},
        "address": {
            "name": address.name,
            "company": address.company,
            "address1": address.address1,
            "address2": address.address2,
            "city": address.city,
            "state": address.state,
            "zip": address.zip,
            "country": address.country,
            "country_code": address.country_code,
            "phone": address.phone,
        },
        "currency": order.currency,
        **{name: money[name] for name in rows.RETURN_TOTALS},
        "status_page_url": rows.status_page_url(return_, settings),
        **{name: money[name] for name in rows.EXCHANGE_TOTALS},
        "gift_card": decimal(totals.gift_card),
        "handling_fee": decimal(totals.handling_fee),
        "refund": decimal(totals.refund),
        "is_gift_return": return_.is_gift,
        "refunds": rows.refunds(return_),
        "upsell": decimal(totals.upsell),
        "labels": rows.labels(return_),
        "line_items": [_line(line) for line in return_.lines],
        "exchanges": [rows.exchange(item, order.taxes_included) for item in return_.exchanges],
        "happy_returns_shipment_id": return_.happy_returns_shipment_id,
        **own,
        "updated_at": iso(return_.updated_at),
        "outcome": return_.outcome,
        "multi_currency": order.multi_currency,
        "origin_country": order.origin_country,
        "origin_country_code": order.origin_country_code,
        "gift_card_order_name": return_.gift_card_order_name,
        "gift_card_order_id": rows.id_text(return_.gift_card_order_id),
        "label_url": label.url if label else None,
        "label_rate": label.rate if label else None,
        "destination_id": return_.destination_id,
        "return_method": rows.return_method(return_),
        "package_reference": return_.package_reference,
        "type": return_.type,
        "refund_before_inspection": return_.refund_before_inspection,
        "was_processed": return_.was_processed,
        "outcomes_processed_at": rows.outcomes_processed_at(return_),
    }


def _line(line: ReturnLine) -> Payload:
    return {
        "line_item_id": str(line.id),
        "provider_line_item_id": str(line.order_line_id),
        "product_id": str(line.product_id),
        "variant_id": rows.id_text(line.variant_id),
        "sku": line.sku,
        "barcode": line.barcode,
        "title": line.title,
        "price": decimal(line.price),
        "discount": decimal(line.discount),
        "tax": decimal(line.tax),
        "refund": decimal(line.refund),
        "returned_at": spaced(line.returned_at),
        "exchange_variant": "" if line.exchange_variant_id is None else str(line.exchange_variant_id),
        "return_reason": line.reason,
        "parent_return_reason": line.parent_reason,
        "outcome": line.outcome,
        "return_comment": line.comment,
        "provider_restock_location_id": line.restock_location_id,
        "condition": rows.condition(line.condition),
        "disposition": rows.disposition(line.disposition),
    }


def _processing(event: Event, _settings: Settings) -> Payload | None:
    if event.subject is None or event.trigger != "return.processing.failed":
        return None
    return {
        "topic": "return.processing",
        "trigger": event.trigger,
        "return_id": event.subject.id,
        "return_state": event.subject.state,
        "message": event.data.get("message"),
        "source": event.data.get("source"),
    }


def _label(event: Event, settings: Settings) -> Payload | None:
    return_ = event.subject
    if return_ is None or not return_.labels:
        return None
    label = return_.label(event.data.get("label_id", 0)) or return_.labels[-1]
    return {
        "topic": "label",
        "trigger": event.trigger,
        "shop_id": settings.id,
        "id": return_.id,
        "order_id": return_.order.loop_id,
        "provider_order_id": return_.order.provider_id,
        "carrier": label.carrier,
        "tracking_number": label.tracking_number,
        "label_status": label.status,
        "label_updated_at": iso(label.updated_at),
        "shipment_id": str(label.shipment_id),
    }


def _label_request(event: Event, settings: Settings) -> Payload | None:
    request = event.data.get("label_request")
    if not isinstance(request, LabelRequest):
        return None
    return {
        "topic": "label.request",
        "trigger": event.trigger,
        "id": request.id,
        "return_id": request.return_id,
        "shop_id": settings.id,
        "created_at": in_zone(request.created_at, settings.utc_offset),
        "addresses": {"origin": _address(request.origin), "destination": _address(request.destination)},
        "parcel": parcel(request.parcel),
        "products": [
            {
                "name": product["name"],
                "sku": product["sku"],
                "hs_code": product["hs_code"],
                "country_of_origin": product["country_of_origin"],
                "price": {"amount": product["price"], "currency": product["currency"]},
            }
            for product in request.products
        ],
    }


def parcel(of: dict[str, float]) -> dict[str, float]:
    """Inches and grams, in the order of the vendor's sample; whole numbers without a fraction, as PHP prints them."""
    return {name: _plain(of[name]) for name in ("height", "width", "length", "weight")}


def _plain(number: float) -> float:
    return int(number) if float(number).is_integer() else number


def _address(of: dict[str, str]) -> dict[str, str]:
    return {
        name: of.get(name, "")
        for name in (
            "name", "address1", "company", "address2", "city", "state", "zip", "country", "country_code", "phone",
        )
    }  # fmt: skip


def _restock(event: Event, _settings: Settings) -> Payload | None:
    items = event.data.get("restock_items")
    if event.subject is None or items is None:
        return None
    return {
        "topic": "restock",
        "trigger": event.trigger,
        "id": event.subject.id,
        "order_id": event.subject.order.loop_id,
        "provider_order_id": event.subject.order.provider_id,
        "restock_items": items,
    }


def _giftcard(event: Event, _settings: Settings) -> Payload | None:
    card, return_ = event.data.get("gift_card"), event.subject
    if card is None or return_ is None:
        return None
    order = return_.order
    return {
        "topic": "giftcard",
        "trigger": event.trigger,
        "id": card["id"],
        "total_credit_issued": decimal(card["total"]),
        "gift_card_subtotal": decimal(card["subtotal"]),
        "gift_card_tax": decimal(card["tax"]),
        "gift_card_bonus_credit": decimal(card["bonus"]),
        "currency": order.currency,
        "return_id": str(return_.id),
        "email": order.email,
        "first_name": order.first_name,
        "last_name": order.last_name,
        "external_order_id": order.provider_id,
        "external_order_name": order.name,
        "external_order_number": int(order.number) if order.number else None,
    }


def _shipment(event: Event, _settings: Settings) -> Payload | None:
    shipment = event.data.get("shipment")
    if shipment is None:
        return None
    return {
        "topic": "happy.returns.shipment",
        "trigger": event.trigger,
        "loop_shipment_id": shipment["loop_shipment_id"],
        "happy_returns_shipment_id": shipment["happy_returns_shipment_id"],
    }


def _ship_by_loop(event: Event, settings: Settings) -> Payload | None:
    """What a partner is asked for (assumed)."""
    shipment, return_ = event.data.get("shipment"), event.subject
    if shipment is None or return_ is None:
        return None
    address = return_.order.address
    return {
        "topic": "ship-by-loop",
        "trigger": event.trigger,
        "shipment_id": shipment.id,
        "return_id": return_.id,
        "shop_id": settings.id,
        "origin": {
            "name": address.name,
            "address1": address.address1,
            "address2": address.address2,
            "city": address.city,
            "region": address.state,
            "postal_code": address.zip,
            "country_code": address.country_code,
        },
        "service": shipment.service,
        "order": shipment.order,
    }


TOPICS: dict[str, Callable[[Event, Settings], Payload | None]] = {
    "return": _return,
    "return.processing": _processing,
    "label": _label,
    "label.request": _label_request,
    "restock": _restock,
    "giftcard": _giftcard,
    "happy.returns.shipment": _shipment,
    "ship-by-loop": _ship_by_loop,
}
