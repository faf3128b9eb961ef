"""A shop's return policy, and the workflow rules that override it for one return."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from msgspec import Struct, field, structs

from loopsim.domain.durations import DURATIONS
from loopsim.domain.orders import Order

ProcessingEvent = Literal["immediate", "pre_transit", "in_transit", "out_for_delivery", "delivered", "disabled"]
PROCESSING_EVENTS: tuple[ProcessingEvent, ...] = ProcessingEvent.__args__  # type: ignore[attr-defined]
"""In the order in which they come to pass."""
Resolution = Literal["refund", "credit", "exchange", "shop_now"]
CONDITIONS = (
    "country", "currency", "order_tag", "customer_tag", "product_tag", "sku", "reason", "outcome", "method",
    "value_at_least", "value_below",
)  # fmt: skip
LabelSource = Literal["loop", "third_party", "none"]
Method = Literal["mail", "happy_returns", "in_store"]
LineOutcome = Literal["default", "keep", "donate", "reject"]


class WorkflowRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When every condition of `when` holds, `then` applies. Rules are read in order; of one kind of action the first
    wins.

    Conditions: `country` (code), `currency`, `order_tag`, `customer_tag`, `product_tag`, `sku`, `reason`, `outcome`
    (a resolution), `method`, `value_at_least`, `value_below` (minor units, before tax). Each may be one value or a
    list.
    """

    name: str = ""
    when: dict[str, Any] = field(default_factory=dict)
    then: WorkflowActions

    def __post_init__(self) -> None:
        unknown = sorted(self.when.keys() - set(CONDITIONS))
        if unknown:
            raise ValueError(f"there is no condition {unknown[0]}; there are: {', '.join(CONDITIONS)}")
        # In one order, whatever the caller's: rules are shown as the contract lists their conditions.
        structs.force_setattr(self, "when", {name: self.when[name] for name in CONDITIONS if name in self.when})


class WorkflowActions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a workflow rule does."""

    send_to_review: bool = False
    keep_item: bool = False
    donate_item: bool = False
    reject_item: bool = False
    bypass_final_sale: bool = False
    processing_event: ProcessingEvent | None = None
    destination_id: int | None = None
    handling_fee: int | None = None
    bonus_credit: int | None = None
    exclude_outcomes: tuple[Resolution, ...] = ()
    exclude_methods: tuple[Method, ...] = ()


class Policy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a shop takes returns. Money in minor units of the shop's currency, days in days of the shop's clock.

    `processing_events` overrides `processing_event` per resolution; of a mixed return the latest event counts.
    `carrier` = `auto` lets the seeded carrier scan by its timetable, `manual` leaves every scan to acts.
    `return_window_days` counts from the shipment; 0 sets no limit. `return_countries` are the codes of the countries
    that it covers for draft returns; none means all. `draft_returns`: the shop's plan has them.
    `bonus_percent` is of the units that earn a bonus, those given for store credit or shopped with.
        `items_per_label` is how many units a parcel takes; 0 puts a return's units in one.
    """

    processing_event: ProcessingEvent = "delivered"
    processing_events: dict[Resolution, ProcessingEvent] = field(default_factory=dict)
    workflows: tuple[WorkflowRule, ...] = ()
    allow_flagged_processing: bool = False
    label_source: LabelSource = "loop"
    carrier: Literal["auto", "manual"] = "auto"
    carrier_service: str = "ground"
    items_per_label: int = 0
    gift_card_provider: Literal["shopify", "third_party"] = "shopify"
    restock: Literal["shopify", "webhook", "off"] = "shopify"
    out_of_stock: Literal["review", "refund", "credit"] = "review"
    handling_fee: int = 0
    bonus_credit: int = 0
    bonus_percent: int = 0
    keep_item_below: int = 0
    instant_exchange_days: int = DURATIONS["instant_exchange_window"].fixed.days
    instant_exchange_hold: Literal["one", "full"] = "one"
    expiry_days: int = DURATIONS["expiry"].fixed.days
    refund_before_inspection: bool = False
    return_window_days: int = 0
    return_countries: tuple[str, ...] = ()
    draft_returns: bool = True


class Decision(Struct, frozen=True, kw_only=True):
    """What policy and workflow rules say about one return that is being submitted."""

    review: bool
    processing_event: ProcessingEvent
    handling_fee: int
    bonus_credit: int
    destination_id: int | None
    line_outcome: LineOutcome
    excluded: tuple[Resolution, ...]
    excluded_methods: tuple[Method, ...]
    bypass_final_sale: bool


class Candidate(Struct, frozen=True, kw_only=True):
    """One unit that is about to be returned, as far as rules look at it. `value` is before tax, in minor units."""

    sku: str
    tags: tuple[str, ...]
    reason: str
    resolution: Resolution
    value: int


def _as_set(wanted: Any) -> set[Any]:
    return set(wanted) if isinstance(wanted, list | tuple) else {wanted}


def _facts(order: Order, units: tuple[Candidate, ...], method: Method) -> dict[str, set[Any]]:
    return {
        "country": {order.shipping_address.country_code},
        "currency": {order.presentment_currency or order.currency},
        "order_tag": set(order.tags),
        "customer_tag": set(order.customer.tags),
        "product_tag": {tag for unit in units for tag in unit.tags},
        "sku": {unit.sku for unit in units},
        "reason": {unit.reason for unit in units},
        "outcome": {unit.resolution for unit in units},
        "method": {method},
    }


def _applies(rule: WorkflowRule, facts: dict[str, set[Any]], value: int) -> bool:
    for name, wanted in rule.when.items():
        if name == "value_at_least":
            if value < wanted:
                return False
        elif name == "value_below":
            if value >= wanted:
                return False
        elif not facts[name] & _as_set(wanted):
            return False
    return True


def processing_event_of(policy: Policy, resolutions: Iterable[Resolution]) -> ProcessingEvent:
    """When the policy processes a return of units with these resolutions; of several the latest."""
    events = [policy.processing_events.get(resolution, policy.processing_event) for resolution in resolutions]
    return max(events, key=PROCESSING_EVENTS.index, default=policy.processing_event)


def decide(
    policy: Policy,
    order: Order,
    units: tuple[Candidate, ...],
    method: Method,
    default_destination: int | None,
    *,
    bypass_final_sale: bool = False,
) -> Decision:
    """Apply the policy and its workflow rules to a return that is being submitted. Pure. `bypass_final_sale` says that
    final sale does not count whatever the rules say."""
    value = sum(unit.value for unit in units)
    facts = _facts(order, units, method)
    actions = [rule.then for rule in policy.workflows if _applies(rule, facts, value)]

    def first(name: str, otherwise: Any) -> Any:
        return next((getattr(a, name) for a in actions if getattr(a, name) is not None), otherwise)

    def any_of(name: str) -> bool:
        return any(getattr(a, name) for a in actions)

    kept = any_of("keep_item") or (policy.keep_item_below > 0 and value < policy.keep_item_below)
    outcome: LineOutcome = (
        "reject" if any_of("reject_item") else "keep" if kept else "donate" if any_of("donate_item") else "default"
    )
    own = processing_event_of(policy, (unit.resolution for unit in units))
    stays_home = outcome in {"keep", "donate", "reject"} or method == "in_store"
    earning = sum(unit.value for unit in units if unit.resolution in {"credit", "shop_now"})
    bonus = policy.bonus_credit + earning * policy.bonus_percent // 100
    return Decision(
        review=any_of("send_to_review"),
        processing_event=first("processing_event", "immediate" if stays_home and own != "disabled" else own),
        handling_fee=first("handling_fee", policy.handling_fee),
        bonus_credit=first("bonus_credit", bonus),
        destination_id=first("destination_id", default_destination),
        line_outcome=outcome,
        excluded=tuple(sorted({name for a in actions for name in a.exclude_outcomes})),
        excluded_methods=tuple(sorted({name for a in actions for name in a.exclude_methods})),
        bypass_final_sale=bypass_final_sale or any_of("bypass_final_sale"),
    )
