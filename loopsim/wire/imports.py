"""A row of the real list endpoint read into a return.

Rows of every age are taken, from 2019 on: what a row does not say is filled with what nobody will see, since the
overlay shows the row as it came (`wire.overlay`). What is read must be readable: `fields.Unreadable` names the field
otherwise. Fields that are not read may hold anything.

Not in a row, and left to the importer: the order's global id, unit numbers, label ids, name and address of the
customer.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, get_args

from msgspec import structs

from loopsim.domain import chance
from loopsim.domain.inference import SALES_CHANNEL, bonus_of, kept_worth, resolution_of, taxes_included
from loopsim.domain.labels import LABEL_STATUSES, Label, LabelStatus
from loopsim.domain.orders import Address, share
from loopsim.domain.policy import LabelSource, Method, processing_event_of
from loopsim.domain.returns import (
    STATES,
    Condition,
    Disposition,
    Exchange,
    OrderRef,
    Processed,
    Refund,
    Return,
    ReturnLine,
    ReturnMethod,
    State,
)
from loopsim.domain.shop import Settings
from loopsim.domain.totals import Totals
from loopsim.wire.fields import (
    NOTHING,
    Object,
    Unreadable,
    a_list,
    amount,
    an_id,
    an_object,
    digits,
    each,
    maybe_id,
    maybe_int,
    maybe_moment,
    maybe_object,
    maybe_text,
    shown,
    text,
    truth,
)

# What carriers say beyond Loop's own statuses, as far as it is known, and what comes closest.
OTHER_STATUSES: dict[str, LabelStatus] = {
    "unknown": "new",
    "available_for_pickup": "out_for_delivery",
    "return_to_sender": "failure",
    "cancelled": "failure",
    "canceled": "failure",
}
NO_CURRENCY = "XXX"  # ISO 4217's own: a row says that the customer paid in another currency, but not in which
_PENDING = "pending"
_PAGE = re.compile(r"/return/([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})")
_NO_LABEL = (*NOTHING, _PENDING, None)


def read_id(row: Any) -> int:
    """The id of a row's return."""
    return an_id(an_object(row), "id")


def read_row(row: Any, settings: Settings) -> Return:
    """The return that a row of the list endpoint shows. Raises `Unreadable`."""
    of = an_object(row)
    created_at = maybe_moment(of, "created_at")
    if created_at is None:
        raise Unreadable("created_at", "the time is missing")
    id_, state, updated_at = an_id(of, "id"), _state(of), maybe_moment(of, "updated_at") or created_at
    if "line_items" not in of:
        raise Unreadable("line_items", "the list is missing")
    exchanges, totals, outcome = each(of, "exchanges", _exchange), _totals(of), maybe_text(of, "outcome")
    lines = _resolved(each(of, "line_items", lambda item: _line(item, created_at)), outcome, totals, exchanges)
    order = _order(of, settings, _taxes_included(of, totals, lines, exchanges, settings))
    method = maybe_object(of, "return_method", _return_method)
    labels = _labels(of, lines, created_at, updated_at, settings)
    worth = kept_worth(exchanges, order.taxes_included) if state == "cancelled" else totals.exchange_total
    return Return(
        id=id_,
        uuid=_uuid(of, id_, settings),
        state=state,
        order=order,
        lines=lines,
        totals=structs.replace(totals, exchange=worth, bonus=bonus_of(totals)),
        outcome=outcome,
        created_at=created_at,
        updated_at=updated_at,
        exchanges=exchanges,
        labels=labels,
        edited_at=maybe_moment(of, "edited_at"),
        closed_at=updated_at if state == "closed" else None,
        method=_method(method),
        label_source=_label_source(of, bool(labels), settings),
        processing_event=processing_event_of(settings.policy, (line.resolution for line in lines)),
        leftover="credit" if exchanges and totals.gift_card > 0 else "refund",
        fee=totals.handling_fee,
        bonus=bonus_of(totals),
        destination_id=maybe_id(of, "destination_id"),
        return_method=method,
        package_reference=maybe_text(of, "package_reference"),
        type=text(of, "type", "standard"),
        refund_before_inspection=truth(of, "refund_before_inspection"),
        was_processed=truth(of, "was_processed"),
        processed=maybe_object(of, "outcomes_processed_at", _processed) or Processed(),
        refunds=_refunds(of, totals.refund, order.currency, created_at, settings),
        gift_card_order_id=maybe_id(of, "gift_card_order_id"),
        gift_card_order_name=maybe_text(of, "gift_card_order_name"),
    )


def _state(of: Object) -> State:
    state = of.get("state")
    for known in STATES:
        if state == known:
            return known
    raise Unreadable("state", f"{shown(state)} is none of {', '.join(STATES)}" if state else "the state is missing")


def _uuid(of: Object, return_id: int, settings: Settings) -> str:
    found = _PAGE.search(text(of, "status_page_url"))
    return found[1] if found else chance.uuid4(settings.seed, "return", return_id)


def _order(of: Object, settings: Settings, included: bool) -> OrderRef:
    loop_id, provider_id = maybe_id(of, "order_id"), maybe_id(of, "provider_order_id")
    if loop_id is None and provider_id is None:
        raise Unreadable("provider_order_id", "the id is missing")
    currency = text(of, "currency") or settings.currency
    other = settings.currency if settings.currency != currency else NO_CURRENCY
    return OrderRef(
        id=0,
        loop_id=loop_id or provider_id or 0,
        provider_id=provider_id or loop_id or 0,
        name=text(of, "order_name"),
        number=digits(of, "order_number"),
        provider_number=digits(of, "provider_order_number"),
        email=text(of, "customer"),
        first_name="",
        last_name="",
        currency=currency,
        address=Address(),
        origin_country=text(of, "origin_country"),
        origin_country_code=text(of, "origin_country_code"),
        taxes_included=included,
        presentment_currency=other if truth(of, "multi_currency") else currency,
        sales_channel=SALES_CHANNEL,
    )


# money


def _totals(of: Object) -> Totals:
    return Totals(
        return_product=amount(of, "return_product_total"),
        return_discount=amount(of, "return_discount_total"),
        return_tax=amount(of, "return_tax_total"),
        return_total=amount(of, "return_total"),
        return_credit=amount(of, "return_credit_total"),
        exchange_product=amount(of, "exchange_product_total"),
        exchange_discount=amount(of, "exchange_discount_total"),
        exchange_tax=amount(of, "exchange_tax_total"),
        exchange_total=amount(of, "exchange_total"),
        exchange_credit=amount(of, "exchange_credit_total"),
        gift_card=amount(of, "gift_card"),
        handling_fee=amount(of, "handling_fee"),
        refund=amount(of, "refund"),
        upsell=amount(of, "upsell"),
        total=amount(of, "total"),
    )


def _taxes_included(
    of: Object, totals: Totals, lines: tuple[ReturnLine, ...], exchanges: tuple[Exchange, ...], settings: Settings
) -> bool:
    printed = [(item, _hint(row)) for item, row in zip(exchanges, a_list(of, "exchanges"), strict=True)]
    found = taxes_included(totals, lines, printed)
    return settings.taxes_included if found is None else found


def _hint(exchange: Object) -> int:
    # Nothing is kept of it, so what cannot be read breaks nothing.
    try:
        return amount(exchange, "total")
    except Unreadable:
        return 0


def _refunds(of: Object, total: int, currency: str, created_at: datetime, settings: Settings) -> tuple[Refund, ...]:
    """Rows do not say how much each refund was: what was refunded is shared out evenly (assumed)."""
    gateway = "shopify_payments" if settings.platform == "shopify" else "manual"

    def read(item: Object) -> Refund:
        return Refund(
            id=an_id(item, "id"),
            gateway=gateway,
            amount=0,
            currency=currency,
            provider_refund_id=maybe_id(item, "provider_refund_id") or 0,
            created_at=maybe_moment(item, "created_at") or created_at,
        )

    refunds = each(of, "shopify_refund_object", read)
    return tuple(structs.replace(one, amount=share(total, len(refunds), i)) for i, one in enumerate(refunds))


# units and new items


def _resolved(
    lines: tuple[ReturnLine, ...], outcome: str | None, totals: Totals, exchanges: tuple[Exchange, ...]
) -> tuple[ReturnLine, ...]:
    words = frozenset(outcome.split("+")) if outcome else frozenset[str]()
    return tuple(
        structs.replace(line, resolution=resolution_of(line, words, totals.gift_card, bool(exchanges)))
        for line in lines
    )


def _line(item: Object, created_at: datetime) -> ReturnLine:
    id_, title = an_id(item, "line_item_id"), text(item, "title")
    line_title, dash, variant_title = title.rpartition(" - ")
    return ReturnLine(
        id=id_,
        # An item that belongs to no order line is one of its own.
        order_line_id=maybe_id(item, "provider_line_item_id") or id_,
        unit=0,
        product_id=maybe_id(item, "product_id") or 0,
        variant_id=maybe_id(item, "variant_id"),
        sku=maybe_text(item, "sku"),
        barcode=text(item, "barcode"),
        title=title,
        line_title=line_title if dash else title,
        variant_title=variant_title if dash else None,
        price=amount(item, "price"),
        discount=amount(item, "discount"),
        tax=amount(item, "tax"),
        refund=amount(item, "refund"),
        refund_tax=amount(item, "refund_tax"),
        refund_item=amount(item, "refund_item"),
        resolution="refund",
        reason=text(item, "return_reason"),
        parent_reason=maybe_text(item, "parent_return_reason"),
        comment=text(item, "return_comment", "N/A"),
        returned_at=maybe_moment(item, "returned_at") or created_at,
        exchange_variant_id=maybe_id(item, "exchange_variant"),
        outcome=text(item, "outcome", "default"),
        restock_location_id=maybe_text(item, "provider_restock_location_id"),
        condition=maybe_object(item, "condition", _condition),
        disposition=maybe_object(item, "disposition", _disposition),
    )


def _condition(of: Object) -> Condition:
    images = of.get("images")
    if images is not None and not (isinstance(images, list) and all(isinstance(image, str) for image in images)):
        raise Unreadable("images", f"{shown(images)} stands where a list of texts belongs")
    return Condition(
        description=maybe_text(of, "description"),
        condition_category=of.get("condition_category"),
        return_processor=maybe_text(of, "return_processor"),
        note=maybe_text(of, "note"),
        inspected_at=maybe_text(of, "inspected_at"),
        images=None if images is None else tuple(images),
    )


def _disposition(of: Object) -> Disposition:
    return Disposition(
        disposition_outcome=maybe_text(of, "disposition_outcome"),
        return_processor=maybe_text(of, "return_processor"),
        note=maybe_text(of, "note"),
        inspected_at=maybe_text(of, "inspected_at"),
    )


def _exchange(item: Object) -> Exchange:
    return Exchange(
        id=an_id(item, "exchange_id"),
        product_id=maybe_id(item, "product_id") or 0,
        variant_id=maybe_id(item, "variant_id"),
        sku=maybe_text(item, "sku"),
        title=text(item, "title"),
        price=amount(item, "price"),
        discount=amount(item, "discount"),
        tax=amount(item, "tax"),
        type=text(item, "type", "exchange"),
        out_of_stock=truth(item, "out_of_stock"),
        out_of_stock_resolution=maybe_text(item, "out_of_stock_resolution"),
        order_id=maybe_id(item, "exchange_order_id"),
        order_name=maybe_text(item, "exchange_order_name"),
    )


def _processed(of: Object) -> Processed:
    return Processed(
        return_at=maybe_moment(of, "return_processed"),
        refund_at=maybe_moment(of, "refund_processed"),
        gift_card_at=maybe_moment(of, "gift_card_processed"),
        exchange_at=maybe_moment(of, "exchange_processed"),
    )


# parcels


def _label_status(of: Object, key: str) -> LabelStatus:
    status = of.get(key)
    for known in LABEL_STATUSES:
        if status == known:
            return known
    if status in _NO_LABEL:
        return "new"
    found = OTHER_STATUSES.get(status) if isinstance(status, str) else None
    if found is None:
        raise Unreadable(key, f"{shown(status)} is none of {', '.join(LABEL_STATUSES)}")
    return found


def _labels(
    of: Object, lines: tuple[ReturnLine, ...], created_at: datetime, updated_at: datetime, settings: Settings
) -> tuple[Label, ...]:
    """The labels of a row. Those of an older one, which has no such list, are in its own label fields."""
    everything = tuple(line.id for line in lines)

    def build(item: Object, names: Callable[[str], str]) -> Label:
        status = _label_status(item, names("status"))
        moved_at = maybe_moment(item, names("updated_at")) or updated_at
        return Label(
            id=0,
            status=status,
            carrier=text(item, "carrier"),
            tracking_number=text(item, "tracking_number"),
            created_at=created_at,
            updated_at=moved_at,
            line_ids=_line_ids(item) if "line_items" in item and item is not of else everything,
            url=maybe_text(item, names("url")),
            rate=maybe_int(item, names("rate")),
            rate_currency=settings.currency,
            service=settings.policy.carrier_service,
            delivered_at=moved_at if status == "delivered" else None,
        )

    labels = each(of, "labels", lambda item: build(item, str))
    if labels or of.get("label_status") in _NO_LABEL:
        return labels
    return (build(of, lambda name: f"label_{name}"),)


def _line_ids(label: Object) -> tuple[int, ...]:
    ids = a_list(label, "line_items")
    return tuple(an_id({f"line_items[{i}]": id_}, f"line_items[{i}]") for i, id_ in enumerate(ids))


def _label_source(of: Object, has_labels: bool, settings: Settings) -> LabelSource:
    if not has_labels and of.get("label_status") != _PENDING:
        return "none"
    source = settings.policy.label_source
    return "loop" if source == "none" else source


def _return_method(of: Object) -> ReturnMethod:
    address = of.get("address")
    if address is not None and not isinstance(address, dict):
        # Kept by the overlay.
        address = None
    return ReturnMethod(
        provider=text(of, "provider"),
        method_type=text(of, "method_type"),
        address=address,
        state=text(of, "state", "new"),
        rma_id=maybe_text(of, "rma_id"),
        qr_code_url=maybe_text(of, "qr_code_url"),
        scheduled_at=maybe_text(of, "scheduled_at"),
        scannable_id=maybe_text(of, "scannable_id"),
    )


def _method(of: ReturnMethod | None) -> Method:
    if of is None:
        return "mail"
    words = f"{of.provider} {of.method_type}".lower().replace(" ", "_").replace("-", "_")
    return next((method for method in get_args(Method) if method != "mail" and method in words), "mail")
