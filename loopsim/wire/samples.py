"""Made-up payloads for the webhook sample endpoint: one return that has been through everything."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from loopsim.domain.events import Event
from loopsim.domain.labels import Label, LabelRequest
from loopsim.domain.orders import Address
from loopsim.domain.returns import OrderRef, Return, ReturnLine, with_money
from loopsim.domain.shipping import address_parts
from loopsim.domain.shop import Settings
from loopsim.domain.totals import Totals
from loopsim.wire.payloads import payload

_ADDRESS = Address(
    name="Robin Sample",
    address1="12 Harbour Lane",
    city="Portland",
    state="Oregon",
    zip="97201",
    country="United States",
    country_code="US",
    phone="5035550100",
)


def sample(topic: str, trigger: str, settings: Settings, now: datetime) -> dict[str, Any] | None:
    """The payload of a topic at a trigger, or None where the topic has no data for it."""
    return_ = _return(settings, now)
    data: dict[str, dict[str, Any]] = {
        "label.request.issued": {"label_request": _request(return_, now)},
        "label.request.cancelled": {"label_request": _request(return_, now)},
        "restock.requested": {"restock_items": [_RESTOCK]},
        "giftcard.requested": {
            "gift_card": {"id": 12345, "total": 4800, "subtotal": 4400, "tax": 400, "bonus": 0},
        },
        "shipment.processed": {"shipment": {"loop_shipment_id": 123, "happy_returns_shipment_id": "67891"}},
        "return.processing.failed": {"message": "Return failed to process", "source": "api"},
    }
    subject = None if trigger == "shipment.processed" else return_
    return payload(topic, Event(trigger, subject, data.get(trigger, {})), settings)  # type: ignore[arg-type]


_RESTOCK = {
    "location_id": 10123456789,
    "variant_id": 42810000000001,
    "inventory_item_id": 10987654321,
    "available_adjustment": 1,
    "inventory_management": "shopify",
}


def _return(settings: Settings, now: datetime) -> Return:
    order = OrderRef(
        id=897124837339762688,
        loop_id=144300576,
        provider_id=5444175757553,
        name="#1138",
        number="138",
        provider_number="1138",
        email="robin.sample@example.com",
        first_name="Robin",
        last_name="Sample",
        currency=settings.currency,
        address=_ADDRESS,
        origin_country="United States",
        origin_country_code="US",
        sales_channel="Online Store",
    )
    line = ReturnLine(
        id=293482039,
        order_line_id=13872601137393,
        unit=0,
        product_id=7871298310292,
        variant_id=42810000000001,
        sku="SAMPLE-TEE-M",
        barcode="",
        title="Sample Tee - M",
        price=4800,
        discount=400,
        tax=400,
        resolution="refund",
        reason="Item was too big",
        parent_reason="Item didn't fit",
        returned_at=now,
    )
    label = Label(
        id=12345456,
        status="new",
        carrier="USPS",
        tracking_number="9461200000000000000000",
        created_at=now,
        updated_at=now,
        line_ids=(line.id,),
        url=f"https://{settings.subdomain}.loopreturns.com/label/12345456",
        rate=1093,
        shipment_id=6789998212,
    )
    return with_money(
        Return(
            id=37603915,
            uuid="00000000-0000-4000-8000-000000000000",
            state="open",
            order=order,
            lines=(line,),
            totals=Totals(),
            outcome=None,
            created_at=now,
            updated_at=now,
            labels=(label,),
        )
    )


def _request(return_: Return, now: datetime) -> LabelRequest:
    place = address_parts(_ADDRESS)
    product = {
        "name": "Sample Tee - M",
        "sku": "SAMPLE-TEE-M",
        "hs_code": "61051000",
        "country_of_origin": "US",
        "price": 4400,
        "currency": return_.order.currency,
    }
    return LabelRequest(
        id=6340,
        return_id=return_.id,
        status="issued",
        created_at=now,
        origin=place,
        destination=place,
        parcel={"height": 5, "width": 10.9, "length": 20.2, "weight": 360},
        products=(product,),
    )
