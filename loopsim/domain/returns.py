"""A return, and the table of what may happen to it.

Theory of operation. A return is a value. A move takes it, looks its action up in `LIFECYCLE` under its state, and gives
a new value plus the events to tell subscribers. A missing entry is the refusal. What depends on more than the state
(the flag, a cancelled exchange, expired labels) stands below the table.

Two rules: nothing here reads a clock or an id generator (both come as arguments), and nothing leaves a final state.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from msgspec import Struct, structs

from loopsim.domain import totals as money
from loopsim.domain.events import Trigger
from loopsim.domain.labels import NEVER_MOVED, USELESS, Label
from loopsim.domain.orders import Address
from loopsim.domain.policy import LabelSource, Method, ProcessingEvent, Resolution
from loopsim.domain.totals import Leftover, Totals
from loopsim.errors import Refusal

State = Literal["open", "review", "closed", "cancelled", "expired"]
STATES: tuple[State, ...] = State.__args__  # type: ignore[attr-defined]
FINAL: frozenset[State] = frozenset({"closed", "cancelled"})
STAY_HOME = frozenset({"keep", "donate"})  # outcomes of units that go into no parcel

Action = Literal[
    "process", "process_by_staff", "process_done", "process_partly_done", "process_failed", "resolve", "close",
    "cancel", "flag", "unflag", "remove", "expire", "edit", "inspect", "label_changed",
]  # fmt: skip
ACTIONS: tuple[Action, ...] = Action.__args__  # type: ignore[attr-defined]


class Move(Struct, frozen=True):
    """The state after, and the triggers to fire, in order."""

    to: State
    fires: tuple[Trigger, ...] = ("return.updated",)


_CLOSES: tuple[Trigger, ...] = ("return.updated", "return.closed")


def _stays(*states: State, fires: tuple[Trigger, ...] = ("return.updated",)) -> dict[State, Move]:
    return {state: Move(state, fires) for state in states}


def _leads(to: State, *states: State, fires: tuple[Trigger, ...] = ("return.updated",)) -> dict[State, Move]:
    return {state: Move(to, fires) for state in states}


LIFECYCLE: dict[Action, dict[State, Move]] = {
    "process": _stays("open", fires=()),
    "process_by_staff": _stays("open", "review", fires=()),
    "process_done": _leads("closed", "open", "review", fires=_CLOSES),
    "process_partly_done": _leads("review", "open", "review"),
    "process_failed": _stays("open", "review", fires=("return.processing.failed",)),
    "resolve": _leads("open", "review"),
    "close": _leads("closed", "open", "review", "expired", fires=_CLOSES),
    "cancel": _leads("cancelled", "open", "review"),
    "flag": _stays("open", "review"),
    "unflag": _stays("open", "review"),
    "remove": _stays("open", fires=()),
    "expire": _leads("expired", "open"),
    "edit": _stays("open"),
    "inspect": _stays(*STATES),
    "label_changed": _stays("open", "review", "closed", "expired"),
}


class Condition(Struct, frozen=True, kw_only=True):
    """What grading found (`POST /dispositioning/grade`)."""

    description: str | None = None
    condition_category: Any = None
    return_processor: str | None = None
    note: str | None = None
    inspected_at: str | None = None
    images: tuple[str, ...] | None = None


class Disposition(Struct, frozen=True, kw_only=True):
    """What becomes of the item (`POST /dispositioning/assess`)."""

    disposition_outcome: str | None = None
    return_processor: str | None = None
    note: str | None = None
    inspected_at: str | None = None


class ReturnLine(Struct, frozen=True, kw_only=True):
    """One unit that comes back. `unit` says which piece of the order line it is."""

    id: int
    order_line_id: int
    unit: int
    product_id: int
    variant_id: int | None
    sku: str | None
    barcode: str
    title: str
    price: int
    discount: int
    tax: int
    resolution: Resolution
    reason: str
    returned_at: datetime
    line_title: str = ""
    variant_title: str | None = None
    image: str | None = None
    parent_reason: str | None = None
    comment: str = "N/A"
    exchange_variant_id: int | None = None
    outcome: str = "default"
    refund: int = 0
    refund_item: int = 0
    refund_tax: int = 0
    restock_location_id: str | None = None
    condition: Condition | None = None
    disposition: Disposition | None = None


class Exchange(Struct, frozen=True, kw_only=True):
    """One new item. `order_id` and `order_name` stay None until the exchange order is made, and outside Shopify, where
    the merchant makes it; `delivered` says that Loop's part is done."""

    id: int
    product_id: int
    variant_id: int | None
    sku: str | None
    title: str
    price: int
    discount: int = 0
    tax: int = 0
    type: str = "exchange"
    out_of_stock: bool = False
    out_of_stock_resolution: str | None = None
    order_id: int | None = None
    order_name: str | None = None
    delivered: bool = False


class OrderRef(Struct, frozen=True, kw_only=True):
    """What a return keeps of its order, so that its rows need nothing else. Meanings as in `orders.Order`."""

    id: int
    loop_id: int
    provider_id: int
    name: str
    number: str
    provider_number: str
    email: str
    first_name: str
    last_name: str
    currency: str
    address: Address
    origin_country: str = ""
    origin_country_code: str = ""
    taxes_included: bool = False
    presentment_currency: str = ""
    presentment_rate: int = 1_000_000
    external_id: str | None = None
    sales_channel: str = ""

    @property
    def multi_currency(self) -> bool:
        """Whether the customer paid in another currency than the shop's."""
        return bool(self.presentment_currency) and self.presentment_currency != self.currency


class ReturnMethod(Struct, frozen=True, kw_only=True):
    """How the items travel where it is not a plain parcel (Happy Returns, in-store)."""

    provider: str
    method_type: str
    address: dict[str, Any] | None = None
    state: str = "new"
    rma_id: str | None = None
    qr_code_url: str | None = None
    scheduled_at: str | None = None
    scannable_id: str | None = None


class Refund(Struct, frozen=True, kw_only=True):
    """One refund, in minor units of `currency`. The platform's id of it is None where the merchant makes it."""

    id: int
    gateway: str
    amount: int
    currency: str
    provider_refund_id: int | None
    created_at: datetime


class Processed(Struct, frozen=True, kw_only=True):
    """When each outcome was delivered; None while it is not."""

    return_at: datetime | None = None
    refund_at: datetime | None = None
    gift_card_at: datetime | None = None
    exchange_at: datetime | None = None


class ProcessJob(Struct, frozen=True, kw_only=True):
    """A queued processing: who asked for it, and the object that came along (copied to exchange orders)."""

    source: str | None
    details: dict[str, Any] | None = None


class InstantExchange(Struct, frozen=True, kw_only=True):
    """An exchange whose order was made at submit, against a hold on the customer's card. `lapsed`: the hold ended by
    itself; the card can still be charged."""

    hold: int
    charge: int
    state: Literal["held", "lapsed", "released", "charged", "charge_failed"] = "held"


class Return(Struct, frozen=True, kw_only=True):
    """A return, whole: everything its rows, details and webhooks print.

    `flagged` is a marker beside the state. `pending` is the queued process, if any. `overlay` holds what an imported
    row had beyond or unlike what we would print (see `wire.overlay`).
    """

    id: int
    uuid: str
    state: State
    order: OrderRef
    lines: tuple[ReturnLine, ...]
    totals: Totals
    outcome: str | None
    created_at: datetime
    updated_at: datetime
    exchanges: tuple[Exchange, ...] = ()
    labels: tuple[Label, ...] = ()
    flagged: bool = False
    edited_at: datetime | None = None
    closed_at: datetime | None = None
    method: Method = "mail"
    label_source: LabelSource = "loop"
    label_failed: bool = False
    processing_event: ProcessingEvent = "delivered"
    leftover: Leftover = "refund"
    fee: int = 0
    bonus: int = 0
    destination_id: int | None = None
    return_method: ReturnMethod | None = None
    package_reference: str | None = None
    type: str = "standard"
    is_gift: bool = False
    refund_before_inspection: bool = False
    was_processed: bool = False
    processed: Processed = Processed()
    pending: ProcessJob | None = None
    instant: InstantExchange | None = None
    refunds: tuple[Refund, ...] = ()
    gift_card_order_id: int | None = None
    gift_card_order_name: str | None = None
    happy_returns_shipment_id: str | None = None
    overlay: tuple[tuple[tuple[str | int, ...], Any, Any], ...] = ()

    def line(self, line_id: int) -> ReturnLine | None:
        """The unit row with this id, or None."""
        return next((line for line in self.lines if line.id == line_id), None)

    def label(self, label_id: int) -> Label | None:
        """The label with this id, or None."""
        return next((label for label in self.labels if label.id == label_id), None)


def move(return_: Return, action: Action, now: datetime, **changes: Any) -> tuple[Return, tuple[Trigger, ...]]:
    """Look the action up; give the return in its new state, with `changes` made, and the triggers to fire.

    Raises `Refusal("unprocessable", state=...)` where the table has no entry. An entry that fires nothing leaves
    `updated_at` alone: nothing a client can see has happened.
    """
    entry = LIFECYCLE[action].get(return_.state)
    if entry is None:
        raise Refusal("unprocessable", state=return_.state)
    if entry.fires or changes:
        changes["updated_at"] = max(now, return_.updated_at)
    if entry.to == "closed" and return_.state != "closed":
        changes["closed_at"] = now
        changes["pending"] = None
    if entry.to == "cancelled":
        changes["totals"] = money.cancelled(return_.totals)
        changes["pending"] = None
        changes["return_method"] = _called_off(return_.return_method)
    return structs.replace(return_, state=entry.to, **changes), entry.fires


def _called_off(method: ReturnMethod | None) -> ReturnMethod | None:
    """A drop-off that has not happened is not to happen any more; `canceled` is the word on the wire (reported)."""
    return structs.replace(method, state="canceled") if method is not None and method.state == "new" else method


def check_processable(return_: Return, allow_flagged: bool) -> None:
    """Beside the table: the flag stops processing unless the shop allows it. A flagged return says "open" in its
    refusal, with a code of its own (documented)."""
    if return_.state == "open" and return_.flagged and not allow_flagged:
        raise Refusal("flagged", state=return_.state)


def check_cancellable(return_: Return) -> None:
    """Beside the table: cancel words two of its refusals differently from its siblings (documented)."""
    if return_.state == "expired":
        raise Refusal("cannot_be_processed", word="expired")
    if return_.flagged and return_.state in LIFECYCLE["cancel"]:
        raise Refusal("cannot_be_processed", word="flagged")


def can_be_removed(return_: Return, line: ReturnLine) -> bool:
    """Whether a unit qualifies for removal: to be refunded or credited (documented), and not yet so (assumed)."""
    done = return_.processed
    paid = {"refund": done.refund_at, "credit": done.gift_card_at}
    return line.resolution in paid and paid[line.resolution] is None


def has_expired(return_: Return, made_until: datetime) -> bool:
    """Whether an open return expires whose labels made until then are at the end of their life: only when none of its
    labels ever moved, and none is younger."""
    return (
        return_.state == "open"
        and bool(return_.labels)
        and all(label.status in NEVER_MOVED and label.created_at <= made_until for label in return_.labels)
    )


def awaits_label(return_: Return) -> bool:
    """Whether a label may still be made: while the return is open or in review, and for one that the policy processed
    at once, since its parcel has yet to travel. A label that failed may be followed by another."""
    if return_.label_source == "none" or return_.label_failed or has_label(return_):
        return False
    at_once = return_.state == "closed" and return_.was_processed and return_.processing_event == "immediate"
    return return_.state in {"open", "review"} or at_once


def has_label(return_: Return) -> bool:
    """Whether there is a label with which the parcel can travel, or has travelled."""
    return any(label.status not in USELESS for label in return_.labels)


def with_money(return_: Return) -> Return:
    """Reckon totals, unit refunds and the outcome word again from lines, exchanges, fee and bonus."""
    included = return_.order.taxes_included
    lines = []
    for line in return_.lines:
        refund = money.unit_refund(line, line.resolution, included)
        lines.append(structs.replace(line, refund=refund.refund, refund_item=refund.item, refund_tax=refund.tax))
    settled = money.settle(
        [(line, line.resolution) for line in lines],
        [item for item in return_.exchanges if item.out_of_stock_resolution is None],
        taxes_included=included,
        leftover=return_.leftover,
        fee=return_.fee,
        bonus=return_.bonus,
    )
    return structs.replace(
        return_,
        lines=tuple(lines),
        totals=settled,
        outcome=money.outcome_word([line.resolution for line in lines], settled),
    )
