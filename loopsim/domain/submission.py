"""A customer submits a return, or edits one: from chosen units to a return whose money adds up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from msgspec import Struct, structs

from loopsim.domain import chance
from loopsim.domain.change import Change, NextId
from loopsim.domain.durations import DURATIONS
from loopsim.domain.events import Event, LedgerEntry, Timer
from loopsim.domain.orders import Order, OrderLine, Variant, share
from loopsim.domain.policy import Candidate, Decision, LabelSource, Method, Resolution
from loopsim.domain.returns import (
    STAY_HOME,
    Exchange,
    InstantExchange,
    OrderRef,
    Processed,
    ProcessJob,
    Return,
    ReturnLine,
    ReturnMethod,
    with_money,
)
from loopsim.domain.shipping import reboxed
from loopsim.domain.shop import Settings
from loopsim.domain.totals import Leftover, Totals
from loopsim.errors import Refusal


class Item(Struct, frozen=True, kw_only=True):
    """One unit the customer sends back, and what they want for it."""

    line: OrderLine
    unit: int
    resolution: Resolution = "refund"
    reason: str = "Changed my mind"
    parent_reason: str | None = None
    comment: str = "N/A"
    exchange_variant: Variant | None = None


class Submission(Struct, frozen=True, kw_only=True):
    """All of a customer's choices. `shop_now` lists (variant, quantity) bought with the credit of `shop_now` units."""

    order: Order
    items: tuple[Item, ...]
    shop_now: tuple[tuple[Variant, int], ...] = ()
    leftover: Leftover = "refund"
    method: Method = "mail"
    instant: bool = False
    gift: bool = False


def candidates(submission: Submission) -> tuple[Candidate, ...]:
    """The units as policy and workflow rules look at them."""
    return tuple(
        Candidate(
            sku=item.line.sku or "",
            tags=item.line.tags,
            reason=item.reason,
            resolution=item.resolution,
            value=item.line.unit_price - share(item.line.discount, item.line.quantity, item.unit),
        )
        for item in submission.items
    )


def check(submission: Submission, decision: Decision) -> None:
    """Refuse what policy, workflow rules or the kind of return forbid."""
    if decision.line_outcome == "reject":
        raise Refusal("outcome_excluded", outcome="any")
    for item in submission.items:
        # A return over the counter is exempt from what the portal may not offer to shop with (documented).
        exempt = item.resolution == "shop_now" and submission.method == "in_store"
        if item.resolution in decision.excluded and not exempt:
            raise Refusal("outcome_excluded", outcome=item.resolution)
        if item.line.final_sale and not decision.bypass_final_sale:
            raise Refusal("final_sale", sku=item.line.sku or "")
        if submission.gift and item.resolution == "refund":
            # The money of a gift was the giver's; the receiver gets credit or an exchange (assumed).
            raise Refusal("gift_needs_credit")
        if item.resolution == "exchange" and item.exchange_variant is None:
            raise Refusal("exchange_variant_missing")
    if submission.method in decision.excluded_methods:
        raise Refusal("method_excluded", method=submission.method)
    if submission.shop_now and not any(item.resolution == "shop_now" for item in submission.items):
        raise Refusal("shop_now_needs_units")


def submit(submission: Submission, decision: Decision, settings: Settings, next_id: NextId, now: datetime) -> Change:
    """A new return. Events: `return.created`; label, charge and processing follow as timers."""
    check(submission, decision)
    return_ = _return(submission, decision, settings, next_id, now)
    ledger = (
        [LedgerEntry("return_opened", return_.id, {"order": submission.order.name})] if _on_shopify(settings) else []
    )
    timers = _first_timers(return_, now)
    if submission.instant and return_.exchanges:
        return_, instant_ledger, instant_timers = _make_instant(return_, settings, next_id, now)
        ledger += instant_ledger
        timers += instant_timers
    if return_.processing_event == "immediate" and return_.state == "open":
        return_ = structs.replace(return_, pending=ProcessJob(source=None))
        timers.append(Timer("return.process", now + DURATIONS["process_done"].fixed, return_.id))
    return Change(
        return_=return_,
        events=(Event("return.created", return_),),
        timers=tuple(timers),
        ledger=tuple(ledger),
        stock=tuple((item.variant_id, 1) for item in return_.exchanges if item.delivered and item.variant_id),
    )


def quote(submission: Submission, decision: Decision, settings: Settings, now: datetime) -> Totals:
    """The money of the return that a submission would make, whether or not it may be submitted."""
    return _return(submission, decision, settings, lambda _kind: 0, now).totals


def _return(submission: Submission, decision: Decision, settings: Settings, next_id: NextId, now: datetime) -> Return:
    return_id = next_id("return")
    policy = settings.policy
    draft = Return(
        id=return_id,
        uuid=chance.uuid4(settings.seed, "return", return_id),
        state="review" if decision.review else "open",
        order=order_ref(submission.order),
        lines=_lines(submission, decision, next_id, now),
        exchanges=_exchanges(submission, next_id),
        totals=_NO_MONEY,
        outcome=None,
        created_at=now,
        updated_at=now,
        method=submission.method,
        label_source=_label_source(submission, decision, policy.label_source),
        processing_event=decision.processing_event,
        leftover="credit" if submission.gift else submission.leftover,
        fee=decision.handling_fee,
        bonus=decision.bonus_credit,
        destination_id=decision.destination_id,
        return_method=_return_method(submission.method, settings, return_id),
        is_gift=submission.gift,
        refund_before_inspection=policy.refund_before_inspection,
    )
    return with_money(draft)


def edit(
    return_: Return,
    submission: Submission,
    decision: Decision,
    label_source: LabelSource,
    next_id: NextId,
    now: datetime,
) -> Return:
    """The return with other units or outcomes; only while open, and before anything of it was delivered. A unit that
    stays keeps its row's id and what inspection found; labels hold what now goes into their parcels. `label_source` is
    the policy's, for what stayed at home and now travels."""
    check_editable(return_)
    check(submission, decision)
    before = {(line.order_line_id, line.unit): line for line in return_.lines}
    lines = tuple(_kept(line, before) for line in _lines(submission, decision, next_id, now, before))
    changed = structs.replace(
        return_,
        lines=lines,
        exchanges=_exchanges(submission, next_id),
        leftover="credit" if return_.is_gift else submission.leftover,
        fee=decision.handling_fee,
        bonus=decision.bonus_credit,
        processing_event=decision.processing_event,
        label_source=_label_source(
            submission, decision, label_source if return_.label_source == "none" else return_.label_source
        ),
        edited_at=now,
    )
    return with_money(reboxed(changed, return_))


def check_editable(return_: Return) -> None:
    """Refuse to edit what is not open any more, or of which something was delivered."""
    if return_.state != "open" or return_.processed != Processed() or return_.pending is not None:
        raise Refusal("not_editable", state=return_.state)


def _kept(line: ReturnLine, before: dict[tuple[int, int], ReturnLine]) -> ReturnLine:
    was = before.get((line.order_line_id, line.unit))
    if was is None:
        return line
    return structs.replace(line, returned_at=was.returned_at, condition=was.condition, disposition=was.disposition)


def order_ref(order: Order) -> OrderRef:
    """What a return keeps of its order."""
    return OrderRef(
        id=order.id,
        loop_id=order.loop_id,
        provider_id=order.provider_id,
        name=order.name,
        number=order.number,
        provider_number=order.provider_number,
        email=order.customer.email,
        first_name=order.customer.first_name,
        last_name=order.customer.last_name,
        currency=order.currency,
        address=order.shipping_address,
        origin_country=order.shipping_address.country,
        origin_country_code=order.shipping_address.country_code,
        taxes_included=order.taxes_included,
        presentment_currency=order.presentment_currency,
        presentment_rate=order.presentment_rate,
        external_id=order.external_id,
        sales_channel=order.sales_channel,
    )


def _on_shopify(settings: Settings) -> bool:
    return settings.platform == "shopify"


def _lines(
    submission: Submission,
    decision: Decision,
    next_id: NextId,
    now: datetime,
    before: Mapping[tuple[int, int], ReturnLine] = MappingProxyType({}),
) -> tuple[ReturnLine, ...]:
    lines = []
    for item in submission.items:
        line = item.line
        known = before.get((line.id, item.unit))
        lines.append(
            ReturnLine(
                id=known.id if known else next_id("line_item"),
                order_line_id=line.id,
                unit=item.unit,
                product_id=line.product_id,
                variant_id=line.variant_id,
                sku=line.sku,
                barcode=line.barcode,
                title=line.full_title,
                line_title=line.title,
                variant_title=line.variant_title,
                image=line.image,
                price=line.unit_price,
                discount=share(line.discount, line.quantity, item.unit),
                tax=share(line.tax, line.quantity, item.unit),
                resolution=item.resolution,
                reason=item.reason,
                parent_reason=item.parent_reason,
                comment=item.comment,
                returned_at=now,
                exchange_variant_id=item.exchange_variant.id if item.exchange_variant else None,
                outcome=decision.line_outcome,
            )
        )
    return tuple(lines)


def _exchanges(submission: Submission, next_id: NextId) -> tuple[Exchange, ...]:
    order = submission.order
    even = [
        _exchange(
            item.exchange_variant,
            next_id,
            price=item.line.unit_price,
            discount=share(item.line.discount, item.line.quantity, item.unit),
            tax=share(item.line.tax, item.line.quantity, item.unit),
        )
        # A variant exchange is even whatever the variants cost today (assumed).
        for item in submission.items
        if item.resolution == "exchange" and item.exchange_variant is not None
    ]
    bought = [
        _exchange(variant, next_id, price=variant.price, discount=0, tax=_tax_on(variant, order))
        for variant, quantity in submission.shop_now
        for _ in range(quantity)
    ]
    return tuple(even + bought)


def _exchange(variant: Variant, next_id: NextId, *, price: int, discount: int, tax: int) -> Exchange:
    return Exchange(
        id=next_id("exchange"),
        product_id=variant.product_id,
        variant_id=variant.id,
        sku=variant.sku,
        title=variant.full_title,
        price=price,
        discount=discount,
        tax=tax,
    )


def _tax_on(variant: Variant, order: Order) -> int:
    """Tax at the order's own effective rate, which is all we know of the customer's tax zone."""
    if not variant.taxable:
        return 0
    net = sum(line.unit_price * line.quantity - line.discount for line in order.lines)
    tax = sum(line.tax for line in order.lines)
    return 0 if net <= 0 else (variant.price * tax * 2 + net) // (2 * net)


def _label_source(submission: Submission, decision: Decision, source: LabelSource) -> LabelSource:
    return "none" if decision.line_outcome in STAY_HOME or submission.method != "mail" else source


def _return_method(method: Method, settings: Settings, return_id: int) -> ReturnMethod | None:
    if method == "mail":
        return None
    if method == "in_store":
        return ReturnMethod(provider="loop_pos", method_type="in_store")
    rma = f"HR{chance.digits(8, settings.seed, 'rma', return_id)}"
    return ReturnMethod(
        provider="happy_returns",
        method_type="drop_off",
        rma_id=rma,
        qr_code_url=f"https://{settings.subdomain}.loopreturns.com/happy-returns/{rma}.png",
        scannable_id=rma,
    )


def _first_timers(return_: Return, now: datetime) -> list[Timer]:
    if return_.label_source == "none":
        return []
    return [Timer("label.make", now + DURATIONS["label_made"].fixed, return_.id)]


def _make_instant(
    return_: Return, settings: Settings, next_id: NextId, now: datetime
) -> tuple[Return, list[LedgerEntry], list[Timer]]:
    """The exchange order leaves at once, against a hold; the card is charged if the parcel does not move in time."""
    policy = settings.policy
    full = return_.totals.exchange_total
    charge_at = now + timedelta(days=policy.instant_exchange_days)
    hold = full if policy.instant_exchange_hold == "full" else min(100, full)
    return_, order_entry = make_exchange_order(return_, return_.exchanges, settings, next_id, None)
    return_ = structs.replace(
        return_,
        instant=InstantExchange(hold=hold, charge=full),
        processed=structs.replace(return_.processed, exchange_at=now),
    )
    ledger = [order_entry] if order_entry else []
    ledger.append(LedgerEntry("hold", return_.id, {"amount": hold, "currency": return_.order.currency}))
    return (
        return_,
        ledger,
        [
            Timer("exchange.charge", charge_at, return_.id),
            Timer("exchange.hold_ends", now + DURATIONS["hold"].fixed, return_.id),
        ],
    )


def make_exchange_order(
    return_: Return, items: tuple[Exchange, ...], settings: Settings, next_id: NextId, details: dict[str, object] | None
) -> tuple[Return, LedgerEntry | None]:
    """One new order for these items. Outside Shopify the merchant makes it, and its id stays null (captured)."""
    chosen = {item.id for item in items}
    if not _on_shopify(settings):
        delivered = tuple(
            structs.replace(item, out_of_stock=False, delivered=True) if item.id in chosen else item
            for item in return_.exchanges
        )
        return structs.replace(return_, exchanges=delivered), None
    made = len({item.order_id for item in return_.exchanges if item.order_id is not None}) + 1
    name = f"EXC-{return_.order.name.lstrip('#')}-{made}"
    order_id = 6_000_000_000_000 + next_id("exchange_order")
    exchanges = tuple(
        structs.replace(item, order_id=order_id, order_name=name, out_of_stock=False, delivered=True)
        if item.id in chosen
        else item
        for item in return_.exchanges
    )
    entry = LedgerEntry(
        "exchange_order",
        return_.id,
        {
            "order_id": order_id,
            "order_name": name,
            "items": [{"variant_id": item.variant_id, "sku": item.sku} for item in items],
            "additional_details": details,
        },
    )
    return structs.replace(return_, exchanges=exchanges), entry


_NO_MONEY = Totals()
