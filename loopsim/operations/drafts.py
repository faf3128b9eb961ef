"""The engine of draft returns: what both dialects of the API and the customer portal do to a draft.

A refusal is answered in a document, not raised, so whatever refuses does so before anything of the draft is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from msgspec import Struct, structs

from loopsim.domain import draft_returns as drafts
from loopsim.domain.draft_returns import CartItem, CreditType, Draft, ReturningItem
from loopsim.domain.durations import DURATIONS
from loopsim.domain.events import Timer
from loopsim.domain.orders import Address, Order, OrderLine, Variant, free_units, is_known_by
from loopsim.domain.policy import Decision, Method, Resolution
from loopsim.domain.submission import Submission, quote
from loopsim.domain.totals import Totals
from loopsim.errors import Refusal
from loopsim.operations.buyers import with_live_customer
from loopsim.operations.perform import timer
from loopsim.operations.submitting import decision_of, default_destination_id, submit, terms_of, why_not
from loopsim.store.transaction import Transaction

KIND = "draft_return"
METHODS: tuple[Method, ...] = ("mail", "happy_returns", "in_store")
MOST_ITEMS = 1000


class Standing(Struct, frozen=True, kw_only=True):
    """How a draft stands: what can still be returned of its order, what cannot and why, its money, and what the shop
    offers it. `fee_on_refund` and `fee_on_credit` are the parts of the handling fee that those pay."""

    draft: Draft
    order: Order
    email: str
    address: Address
    eligible: tuple[OrderLine, ...]
    ineligible: tuple[tuple[OrderLine, str], ...]
    totals: Totals
    bonus_offered: int
    fee_on_refund: int
    fee_on_credit: int
    methods: tuple[Method, ...]
    credit_types: tuple[CreditType, ...]
    variants: dict[int, tuple[Variant, ...]]


def need(tx: Transaction, draft_id: int) -> Draft:
    """The draft with this id. Raises `Refusal("draft_not_found")`."""
    draft = tx.get(KIND, draft_id, Draft)
    order = None if draft is None else tx.order(draft.order_id)
    if draft is None or order is None:
        raise Refusal("draft_not_found")
    return drafts.without_lines_gone(draft, order)


def newest(tx: Transaction, most: int) -> list[Draft]:
    """The newest drafts, newest first."""
    found: list[Draft] = []
    for id_ in sorted(tx.ids(KIND), reverse=True)[:most]:
        with suppress(Refusal):
            found.append(need(tx, id_))
    return found


def begin(tx: Transaction, name: str, secret: str, *, gift: bool, shop_id: int | None = None) -> Draft:
    """A draft for the order of this name, whose postal code, e-mail or phone is `secret`."""
    policy = tx.settings.policy
    if not policy.draft_returns:
        raise Refusal("draft_returns_not_enabled")
    if shop_id not in (None, tx.settings.id):
        raise Refusal("shop_not_found")
    order = _look_up(tx, name, secret)
    if not drafts.covers(policy.return_countries, order.shipping_address):
        raise Refusal("returns_unavailable_from_order_address")
    draft = Draft(id=tx.next_id(KIND), order_id=order.id, created_at=tx.now, gift=gift)
    tx.schedule(Timer("draft.expire", tx.now + DURATIONS["draft_expiry"].fixed, draft.id))
    return _keep(tx, draft)


def _look_up(tx: Transaction, name: str, secret: str) -> Order:
    if tx.use_switch("order_lookup_fails"):
        raise Refusal("order_lookup_failed")
    named = [with_live_customer(tx, order) for order in tx.orders_named(name)]
    if not named:
        raise Refusal("order_not_found")
    if tx.use_switch("order_retrieval_fails"):
        raise Refusal("error_retrieving_order")
    known = [order for order in named if is_known_by(order, secret)]
    if not known:
        raise Refusal("secondary_input_mismatch")
    return known[-1]


def add_item(tx: Transaction, draft: Draft, line_id: int) -> Draft:
    """One more unit of an order line goes back."""
    drafts.move(draft, "change_items")
    order = _order_of(tx, draft)
    line = order.line(line_id)
    if line is None:
        raise Refusal("draft_line_unknown", line=line_id)
    held = tx.held_units([line.id])
    code = why_not(tx, order, line, held, terms_of(tx))
    if code is not None:
        raise Refusal("draft_line_ineligible", line=line_id, reason=code)
    if len(draft.items) >= MOST_ITEMS or not _left(draft, line, held):
        raise Refusal("draft_line_used_up", line=line_id)
    item = ReturningItem(id=tx.next_id("draft_item"), line_id=line.id)
    return _keep(tx, drafts.move(draft, "change_items", items=(*draft.items, item)))


def remove_item(tx: Transaction, draft: Draft, item_id: int) -> Draft:
    """An item does not go back after all."""
    return _keep(tx, drafts.without_item(draft, item_id))


def answer(tx: Transaction, draft: Draft, item_id: int, input_id: int, value: Any) -> Draft:
    """Why an item goes back, or what there is to say of it."""
    return _keep(tx, drafts.answered(draft, item_id, input_id, value))


def finalize(tx: Transaction, draft: Draft) -> Draft:
    """The items are settled."""
    return _keep(tx, drafts.finalized(draft))


def set_cart(tx: Transaction, draft: Draft, wanted: Sequence[tuple[int, int, int | None]]) -> Draft:
    """Replace the cart: (variant id, quantity, returning item that it is in exchange for). An exchange is for another
    variant of the same product, one for one."""
    order = _order_of(tx, draft)
    drafts.move(draft, "change_outcome")
    chosen: list[tuple[Variant, int, int | None]] = []
    bound: set[int] = set()
    for variant_id, quantity, item_id in wanted:
        variant = tx.resource("variant", variant_id, Variant)
        if variant is None:
            raise Refusal("draft_variant_unknown", variant=variant_id)
        if item_id is not None:
            line = order.line(drafts.item_of(draft, item_id).line_id)
            if item_id in bound or quantity != 1 or line is None or line.product_id != variant.product_id:
                raise Refusal("draft_exchange_uneven", item=item_id)
            bound.add(item_id)
        chosen.append((variant, quantity, item_id))
    if any(item_id is None for _, _, item_id in chosen) and bound.issuperset(item.id for item in draft.items):
        raise Refusal("shop_now_needs_units")
    cart = tuple(
        CartItem(id=tx.next_id("draft_item"), variant=variant, quantity=quantity, for_item=item_id)
        for variant, quantity, item_id in chosen
    )
    return _keep(tx, drafts.move(draft, "change_outcome", cart=cart))


def cart_of_token(tx: Transaction, token: str) -> list[tuple[int, int, int | None]]:
    """What a cart of `POST /cart` holds."""
    ids = tx.get("cart", token, list)
    if ids is None:
        raise Refusal("draft_cart_unknown")
    return [(id_, ids.count(id_), None) for id_ in dict.fromkeys(ids)]


def set_credit_type(tx: Transaction, draft: Draft, credit_type: CreditType) -> Draft:
    """What becomes of the credit that no new item uses up."""
    if credit_type not in standing(tx, draft).credit_types:
        raise Refusal("draft_credit_unavailable", credit_type=credit_type)
    return _keep(tx, drafts.move(draft, "change_outcome", credit_type=credit_type))


def set_method(tx: Transaction, draft: Draft, method: Method) -> Draft:
    """How the items travel."""
    if method not in standing(tx, draft).methods:
        raise Refusal("draft_method_unavailable", method=method)
    return _keep(tx, drafts.move(draft, "change_outcome", method=method))


def set_address(tx: Transaction, draft: Draft, address: Address) -> Draft:
    """Where the items are sent from."""
    return _keep(tx, drafts.move(draft, "change_person", address=address))


def set_customer(tx: Transaction, draft: Draft, email: str) -> Draft:
    """Who is written to."""
    return _keep(tx, drafts.move(draft, "change_person", email=email))


def accept_policy(tx: Transaction, draft: Draft) -> Draft:
    """The customer agrees to the return policy."""
    return _keep(tx, drafts.move(draft, "change_outcome", policy_accepted=True))


def cancel(tx: Transaction, draft: Draft) -> Draft:
    """The customer gives up."""
    return _end(tx, drafts.move(draft, "cancel"))


def hand_in(tx: Transaction, draft: Draft) -> Draft:
    """Submit: the draft becomes a return, with everything that follows from one."""
    order = _order_of(tx, draft)
    submitted = drafts.move(draft, "submit")
    lacking = drafts.missing(draft)
    if lacking:
        raise Refusal("draft_incomplete", missing=", ".join(lacking))
    held = tx.held_units(line.id for line in order.lines)
    if any(len([i for i in draft.items if i.line_id == line.id]) > free_units(line, held) for line in order.lines):
        raise Refusal("unit_already_returned")
    submission = drafts.submission_of(draft, order, held)
    if not drafts.covers(tx.settings.policy.return_countries, submission.order.shipping_address):
        raise Refusal("returns_unavailable_for_order")
    return_ = submit(tx, submission)
    return _end(tx, structs.replace(submitted, return_id=return_.id))


@timer("draft.expire")
def draft_expire(tx: Transaction, draft_id: int, _data: dict[str, Any]) -> None:
    """A draft that nobody finished is of no use any more."""
    draft = tx.get(KIND, draft_id, Draft)
    if draft is not None and draft.state in drafts.LIFECYCLE["expire"]:
        _keep(tx, drafts.move(draft, "expire"))


def standing(tx: Transaction, draft: Draft) -> Standing:
    """How a draft stands now."""
    order = _order_of(tx, draft)
    held, terms = tx.held_units(line.id for line in order.lines), terms_of(tx)
    codes = [(line, why_not(tx, order, line, held, terms)) for line in order.lines]
    if draft.return_id is not None and (made := tx.return_(draft.return_id)) is not None:
        held -= {(line.order_line_id, line.unit) for line in made.lines}
    changing = draft.state in drafts.LIFECYCLE["change_items"]
    submission = drafts.submission_of(draft, order, held)
    decision = decision_of(tx, submission, terms, default_destination_id(tx))
    totals = quote(submission, decision, tx.settings, tx.now)
    before_fee = quote(submission, structs.replace(decision, handling_fee=0), tx.settings, tx.now)
    return Standing(
        draft=draft,
        order=order,
        email=submission.order.customer.email,
        address=submission.order.shipping_address,
        eligible=tuple(line for line, code in codes if code is None and _left(draft, line, held)) if changing else (),
        # A line that nobody shipped is in neither list, without a word (documented).
        ineligible=tuple((line, code) for line, code in codes if code not in (None, "not-fulfilled")),
        totals=totals,
        bonus_offered=decision.bonus_credit,
        fee_on_refund=before_fee.refund - totals.refund,
        fee_on_credit=before_fee.gift_card - totals.gift_card,
        methods=tuple(method for method in METHODS if method not in decision.excluded_methods),
        credit_types=tuple(
            name for name, resolution in drafts.CREDIT.items() if _is_offered(tx, submission, decision, resolution)
        ),
        variants={item.id: _others(tx, order, item) for item in draft.items},
    )


def _is_offered(tx: Transaction, submission: Submission, decision: Decision, resolution: Resolution) -> bool:
    """Whether the items could be returned for this; a gift is never paid back."""
    if submission.gift and resolution == "refund":
        return False
    asking = tuple(structs.replace(item, resolution=resolution) for item in submission.items)
    asked = decision_of(tx, structs.replace(submission, items=asking), terms_of(tx), None)
    return resolution not in asked.excluded and resolution not in decision.excluded


def _others(tx: Transaction, order: Order, item: ReturningItem) -> tuple[Variant, ...]:
    """What an item could be exchanged for: the variants of its product."""
    line = order.line(item.line_id)
    return () if line is None else tuple(tx.variants_of(line.product_id))


def _left(draft: Draft, line: OrderLine, held: set[tuple[int, int]]) -> int:
    """How many units of a line could still be added."""
    return free_units(line, held) - sum(item.line_id == line.id for item in draft.items)


def _order_of(tx: Transaction, draft: Draft) -> Order:
    order = tx.order(draft.order_id)
    if order is None:
        raise Refusal("draft_not_found")
    return with_live_customer(tx, order)


def _keep(tx: Transaction, draft: Draft) -> Draft:
    tx.put(KIND, draft.id, draft)
    return draft


def _end(tx: Transaction, draft: Draft) -> Draft:
    tx.cancel_timers(draft.id, "draft.expire")
    return _keep(tx, draft)
