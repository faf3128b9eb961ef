"""Processing a return: each outcome delivered at most once, whatever of it can be delivered now.

An exchange item that is out of stock, or a payment that fails, does not stop the other outcomes: they are delivered,
and the return moves to review. Processed again, only what is missing runs (documented).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from msgspec import Struct, structs

from loopsim.domain import chance
from loopsim.domain.change import Change, NextId, events_of
from loopsim.domain.events import Event, LedgerEntry
from loopsim.domain.orders import Variant
from loopsim.domain.returns import Exchange, Refund, Return, move, with_money
from loopsim.domain.shop import Settings
from loopsim.domain.submission import make_exchange_order


class Surroundings(Struct, frozen=True, kw_only=True):
    """What processing needs to know of the shop around the return. `payment_fails` is asked once per payment."""

    settings: Settings
    stock: dict[int, int]
    variants: dict[int, Variant]
    location_id: int | None
    payment_fails: Callable[[], bool]
    next_id: NextId
    now: datetime


class _Run:
    """One run over a return: its value so far, and what has come of it."""

    def __init__(self, return_: Return, around: Surroundings) -> None:
        self.return_ = return_
        self.around = around
        self.ledger: list[LedgerEntry] = []
        self.early: list[tuple[Any, dict[str, Any]]] = []
        self.stock: list[tuple[int, int]] = []
        self.problems: list[str] = []

    @property
    def on_shopify(self) -> bool:
        return self.around.settings.platform == "shopify"

    def change(self, **changes: Any) -> None:
        self.return_ = structs.replace(self.return_, **changes)

    def done(self, **moments: datetime) -> None:
        self.change(processed=structs.replace(self.return_.processed, **moments))

    def enter(self, kind: str, **data: Any) -> None:
        if self.on_shopify:
            self.ledger.append(LedgerEntry(kind, self.return_.id, data))


def process(return_: Return, around: Surroundings) -> Change:
    """Run all outcomes that are missing. Events: restock and gift card requests, then `return.updated`, and
    `return.closed` if nothing is left to do."""
    run = _Run(return_, around)
    details = return_.pending.details if return_.pending else None
    for step in (_settle_out_of_stock, _refund, _give_credit, _exchange, _restock):
        step(run)
    now = around.now
    if details:
        run.enter("order_updated", additional_details=details)
    if run.problems:
        after, triggers = move(run.return_, "process_partly_done", now, pending=None)
    else:
        run.done(return_at=now)
        after, triggers = move(run.return_, "process_done", now, was_processed=True)
        run.enter("return_closed", processed=True)
    early = tuple(Event(trigger, after, data) for trigger, data in run.early)
    return Change(
        return_=after,
        events=early + events_of(after, triggers),
        ledger=tuple(run.ledger),
        stock=tuple(run.stock),
    )


def _missing(return_: Return) -> tuple[Exchange, ...]:
    if return_.processed.exchange_at is not None:
        return ()
    return tuple(
        item
        for item in return_.exchanges
        if not item.delivered and item.order_id is None and item.out_of_stock_resolution is None
    )


def _short(run: _Run) -> list[Exchange]:
    """The new items for which nothing is left on the shelf, in the order they were chosen."""
    left = dict(run.around.stock)
    short = []
    for item in _missing(run.return_):
        if item.variant_id is None:
            continue
        left[item.variant_id] = left.get(item.variant_id, 0) - 1
        if left[item.variant_id] < 0:
            short.append(item)
    return short


def _settle_out_of_stock(run: _Run) -> None:
    """The shop's automation may turn an item that is out of stock into a refund or store credit."""
    resolution = run.around.settings.policy.out_of_stock
    short = {item.id: item.variant_id for item in _short(run)}
    if not short:
        return
    to = None if resolution == "review" else resolution
    exchanges = tuple(
        structs.replace(item, out_of_stock=True, out_of_stock_resolution=to) if item.id in short else item
        for item in run.return_.exchanges
    )
    run.change(exchanges=exchanges)
    if to is None:
        run.problems.append("out_of_stock")
        return
    turned = list(short.values())
    lines = []
    for line in run.return_.lines:
        if line.resolution == "exchange" and line.exchange_variant_id in turned:
            turned.remove(line.exchange_variant_id)
            line = structs.replace(line, resolution=to)
        lines.append(line)
    run.return_ = with_money(structs.replace(run.return_, lines=tuple(lines), leftover=to))


def _refund(run: _Run) -> None:
    return_, around = run.return_, run.around
    amount = return_.totals.refund
    if amount <= 0 or return_.processed.refund_at is not None:
        return
    if around.payment_fails():
        run.problems.append("insufficient_funds")
        return
    refund = Refund(
        id=around.next_id("refund"),
        gateway="shopify_payments" if run.on_shopify else "manual",
        amount=amount,
        currency=return_.order.currency,
        provider_refund_id=900_000_000_000 + around.next_id("provider_refund") if run.on_shopify else None,
        created_at=around.now,
    )
    run.change(refunds=(*return_.refunds, refund))
    run.done(refund_at=around.now)
    run.enter("refund", amount=amount, currency=refund.currency, provider_refund_id=refund.provider_refund_id)


def _give_credit(run: _Run) -> None:
    return_, around = run.return_, run.around
    amount = return_.totals.gift_card
    if amount <= 0 or return_.processed.gift_card_at is not None:
        return
    run.done(gift_card_at=around.now)
    if around.settings.policy.gift_card_provider == "third_party":
        run.early.append(("giftcard.requested", {"gift_card": _card(return_, amount, around)}))
        return
    code = chance.digits(16, around.settings.seed, "gift_card", return_.id)
    run.enter("gift_card", amount=amount, currency=return_.order.currency, last_characters=code[-4:])


def _card(return_: Return, amount: int, around: Surroundings) -> dict[str, Any]:
    """What the third-party provider is asked to issue. The subtotal is the value without tax and bonus."""
    by_automation = any(i.out_of_stock_resolution == "credit" for i in return_.exchanges)
    exchanged = any(line.resolution in {"exchange", "shop_now"} for line in return_.lines)
    bonus = 0 if exchanged else min(return_.totals.bonus, amount)
    tax = min(sum(line.tax for line in return_.lines if line.resolution == "credit"), amount - bonus)
    return {
        "id": None if by_automation else around.next_id("gift_card"),
        "total": amount,
        "subtotal": amount - tax - bonus,
        "tax": tax,
        "bonus": bonus,
    }


def _exchange(run: _Run) -> None:
    short = {item.id for item in _short(run)}
    missing = _missing(run.return_)
    ready = tuple(item for item in missing if item.id not in short)
    around = run.around
    if ready:
        details = run.return_.pending.details if run.return_.pending else None
        run.return_, entry = make_exchange_order(run.return_, ready, around.settings, around.next_id, details)
        if entry is not None:
            run.ledger.append(entry)
        run.stock += [(item.variant_id, 1) for item in ready if item.variant_id is not None]
    if missing and len(ready) == len(missing):
        run.done(exchange_at=around.now)


def _restock(run: _Run) -> None:
    """Once, at the first run: what physically comes back. Kept, donated and rejected items do not."""
    return_, around = run.return_, run.around
    if return_.processed.return_at is not None:
        return
    run.done(return_at=around.now)
    mode = around.settings.policy.restock
    counts: dict[int, int] = {}
    for line in return_.lines:
        if line.outcome == "default" and line.variant_id is not None:
            counts[line.variant_id] = counts.get(line.variant_id, 0) + 1
    if not counts or mode == "off":
        return
    items = [_restock_item(variant_id, count, around) for variant_id, count in counts.items()]
    if mode == "webhook":
        run.early.insert(0, ("restock.requested", {"restock_items": items}))
        return
    run.enter("restock", items=items)
    run.stock += [(variant_id, -count) for variant_id, count in counts.items()]


def _restock_item(variant_id: int, count: int, around: Surroundings) -> dict[str, Any]:
    variant, seed = around.variants.get(variant_id), around.settings.seed
    location_id, inventory_item_id = around.location_id, variant.inventory_item_id if variant else 0
    # Imported returns may be of goods and places that the shop does not know; the payload has numbers all the same.
    return {
        "location_id": int(chance.digits(11, seed, "location")) if location_id is None else location_id,
        "variant_id": variant_id,
        "inventory_item_id": inventory_item_id or int(chance.digits(14, seed, "inventory_item", variant_id)),
        "available_adjustment": count,
        "inventory_management": "shopify" if around.settings.platform == "shopify" else around.settings.platform,
    }
