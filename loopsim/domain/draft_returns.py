"""A return that is being put together: what was chosen so far, what is still missing, and how it comes to an end.

A draft holds no unit of the order: two drafts may want the same one, and the first that is submitted has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from msgspec import Struct, structs

from loopsim.domain.orders import Address, Order, Variant
from loopsim.domain.policy import Method, Resolution
from loopsim.domain.submission import Item, Submission
from loopsim.errors import Refusal

State = Literal["created", "items-finalized", "submitted", "cancelled", "expired"]
STATES: tuple[State, ...] = State.__args__  # type: ignore[attr-defined]
CreditType = Literal["refund", "store-credit"]
Action = Literal["change_items", "change_person", "finalize_items", "change_outcome", "submit", "cancel", "expire"]

LIFECYCLE: dict[Action, dict[State, State]] = {
    "change_items": {"created": "created"},
    "change_person": {"created": "created", "items-finalized": "items-finalized"},
    "finalize_items": {"created": "items-finalized"},
    "change_outcome": {"items-finalized": "items-finalized"},
    "submit": {"items-finalized": "submitted"},
    "cancel": {"created": "cancelled", "items-finalized": "cancelled"},
    "expire": {"created": "expired", "items-finalized": "expired"},
}
"""Action, state, next state. A missing entry is the refusal."""

REASONS = (
    (1, "Too small"),
    (2, "Too large"),
    (3, "Changed my mind"),
    (4, "Not as described"),
    (5, "Arrived damaged"),
    (6, "Wrong item sent"),
    (7, "Other"),
)
"""Why something is sent back: id and name (assumed; a real shop words its own)."""
REASON_INPUT, COMMENT_INPUT = 1, 2
"""The questions that each item asks, by id."""
CREDIT: dict[CreditType, Resolution] = {"refund": "refund", "store-credit": "credit"}


class ReturningItem(Struct, frozen=True, kw_only=True):
    """One unit of an order line that goes back."""

    id: int
    line_id: int
    reason: int | None = None
    comment: str | None = None


class CartItem(Struct, frozen=True, kw_only=True):
    """Something new: in exchange for one returning item, or (without `for_item`) bought with the credit of the rest."""

    id: int
    variant: Variant
    quantity: int = 1
    for_item: int | None = None


class Draft(Struct, frozen=True, kw_only=True):
    """A draft return. `address` and `email` stand for the order's own once they were given."""

    id: int
    order_id: int
    created_at: datetime
    state: State = "created"
    gift: bool = False
    items: tuple[ReturningItem, ...] = ()
    cart: tuple[CartItem, ...] = ()
    credit_type: CreditType | None = None
    method: Method | None = None
    policy_accepted: bool = False
    email: str | None = None
    address: Address | None = None
    return_id: int | None = None


def move(draft: Draft, action: Action, **changes: Any) -> Draft:
    """The draft after an action. Raises `Refusal("draft_state")` where its state does not allow it."""
    to = LIFECYCLE[action].get(draft.state)
    if to is None:
        raise Refusal("draft_state", state=draft.state)
    return structs.replace(draft, state=to, **changes)


def item_of(draft: Draft, item_id: int) -> ReturningItem:
    """The returning item with this id. Raises `Refusal("draft_item_unknown")`."""
    for item in draft.items:
        if item.id == item_id:
            return item
    raise Refusal("draft_item_unknown", item=item_id)


def without_item(draft: Draft, item_id: int) -> Draft:
    """The draft without a returning item."""
    gone = item_of(draft, item_id)
    return move(draft, "change_items", items=tuple(item for item in draft.items if item is not gone))


def without_lines_gone(draft: Draft, order: Order) -> Draft:
    """The draft without the items of lines that the order has no more, and without what they were exchanged for: the
    merchant may have changed the order meanwhile."""
    items = tuple(item for item in draft.items if order.line(item.line_id))
    if len(items) == len(draft.items):
        return draft
    left = {None, *(item.id for item in items)}
    return structs.replace(draft, items=items, cart=tuple(new for new in draft.cart if new.for_item in left))


def answered(draft: Draft, item_id: int, input_id: int, value: Any) -> Draft:
    """The draft with an answer to a question that an item asks: the id of a reason, or a comment."""
    item = item_of(draft, item_id)
    if input_id == REASON_INPUT:
        reason = next((id_ for id_, _ in REASONS if str(id_) == str(value)), None)
        if reason is None:
            raise Refusal("draft_reason_unknown")
        after = structs.replace(item, reason=reason)
    elif input_id == COMMENT_INPUT:
        after = structs.replace(item, comment=str(value) if value else None)
    else:
        raise Refusal("draft_input_unknown", input=input_id)
    return move(draft, "change_items", items=tuple(after if each is item else each for each in draft.items))


def finalized(draft: Draft) -> Draft:
    """The draft with its items settled: there are some, and each says why."""
    if not draft.items:
        raise Refusal("draft_without_items")
    if any(item.reason is None for item in draft.items):
        raise Refusal("draft_without_reason")
    return move(draft, "finalize_items")


def exchange_for(draft: Draft, item: ReturningItem) -> CartItem | None:
    """What an item is exchanged for."""
    return next((new for new in draft.cart if new.for_item == item.id), None)


def shops(draft: Draft) -> bool:
    """Whether something is bought with the credit of what is not exchanged."""
    return any(new.for_item is None for new in draft.cart)


def resolution_of(draft: Draft, item: ReturningItem) -> Resolution | None:
    """What the customer gets for an item; None while they have not said."""
    if exchange_for(draft, item) is not None:
        return "exchange"
    if shops(draft):
        return "shop_now"
    return None if draft.credit_type is None else CREDIT[draft.credit_type]


def missing(draft: Draft) -> tuple[str, ...]:
    """What has to be said before a draft whose items are settled can be submitted."""
    needs_credit = any(exchange_for(draft, item) is None for item in draft.items)
    open_ = {
        "items": not draft.items,
        "credit_type": needs_credit and draft.credit_type is None,
        "return_method": draft.method is None,
        "policy": not draft.policy_accepted,
    }
    return tuple(name for name, is_open in open_.items() if is_open)


def submission_of(draft: Draft, order: Order, held: set[tuple[int, int]]) -> Submission:
    """The draft as a submission. `held` are the units that returns hold; where a line has none left that an item could
    be, the item takes the line's last, which submitting then refuses."""
    taken = set(held)
    items = []
    for item in draft.items:
        line = order.line(item.line_id)
        assert line is not None  # items are checked when they are added, and drafts go with their order
        unit = next((unit for unit in range(line.fulfilled) if (line.id, unit) not in taken), line.fulfilled - 1)
        taken.add((line.id, unit))
        new = exchange_for(draft, item)
        items.append(
            Item(
                line=line,
                unit=unit,
                resolution=resolution_of(draft, item) or ("credit" if draft.gift else "refund"),
                reason=reason_name(item.reason) or "",
                comment=item.comment or "N/A",
                exchange_variant=None if new is None else new.variant,
            )
        )
    return Submission(
        order=_as_said(draft, order),
        items=tuple(items),
        shop_now=tuple((new.variant, new.quantity) for new in draft.cart if new.for_item is None),
        leftover="credit" if draft.credit_type == "store-credit" else "refund",
        method=draft.method or "mail",
        gift=draft.gift,
    )


def _as_said(draft: Draft, order: Order) -> Order:
    """The order with the address and e-mail that the draft was told."""
    customer = order.customer if draft.email is None else structs.replace(order.customer, email=draft.email)
    return structs.replace(order, customer=customer, shipping_address=draft.address or order.shipping_address)


def reason_name(reason: int | None) -> str | None:
    """What a reason says."""
    return next((name for id_, name in REASONS if id_ == reason), None)


def covers(countries: Sequence[str], address: Address) -> bool:
    """Whether a policy for these countries (none: all) covers an address."""
    return not countries or address.country_code in countries
