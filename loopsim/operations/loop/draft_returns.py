"""Draft returns: an integration puts a customer's return together, step by step, by the links that each answer has.

What is refused is a 422 whose `errors` stand in the whole document, so these functions answer it themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from loopsim.domain.draft_returns import Draft
from loopsim.domain.orders import Address
from loopsim.errors import Refusal
from loopsim.operations import commerce, drafts
from loopsim.operations.perform import Answer, Call, operation
from loopsim.store.transaction import Transaction
from loopsim.wire import draft_returns as wire

LISTED = 50
Body = dict[str, Any]
Change = Callable[[Transaction, Draft, Call], Draft]


def _draft(tx: Transaction, call: Call) -> Draft:
    """The draft of a call's path. A shopper's token must fit it, and an integration is never told one that would."""
    if call.shopper_token:
        raise Refusal("draft_not_found")
    return drafts.need(tx, call.path["id"])


def _answer(
    tx: Transaction, call: Call, draft: Draft | None, refusal: Refusal | None = None, status: int = 200
) -> Answer:
    hal = wire.speaks_hal(call.version, call.accept)
    errors = [] if refusal is None else [wire.error(refusal)]
    standing = None if draft is None else drafts.standing(tx, draft)
    body = wire.document(standing, tx.settings, call.base_url, commerce.spell_of(call), errors, hal=hal)
    headers = {"content-type": wire.HAL} if hal else {}
    return Answer(body, 422 if refusal else status, headers, refusal=refusal.code if refusal else None)


def _changes(operation_id: str) -> Callable[[Change], Change]:
    """Register what an operation does to the draft of its path; the answer is the draft as it is then."""

    def register(change: Change) -> Change:
        def perform(tx: Transaction, call: Call) -> Answer:
            draft = _draft(tx, call)
            try:
                after = change(tx, draft, call)
            except Refusal as refusal:
                return _answer(tx, call, draft, refusal)
            return _answer(tx, call, after)

        operation(operation_id)(perform)
        return change

    return register


@operation("listDraftReturns", reads=True)
def list_draft_returns(tx: Transaction, call: Call) -> Answer:
    """The newest drafts, and where a new one begins. HAL-Forms only."""
    if not wire.speaks_hal(call.version, call.accept):
        return _answer(tx, call, None, Refusal("unsupported_feature"))
    if not tx.settings.policy.draft_returns:
        return _answer(tx, call, None, Refusal("draft_returns_not_enabled"))
    standings = [drafts.standing(tx, each) for each in drafts.newest(tx, LISTED)]
    body = wire.list_document(standings, tx.settings, call.base_url, commerce.spell_of(call))
    return Answer(body, headers={"content-type": wire.HAL}, count=len(standings))


@operation("createDraftReturn")
def create_draft_return(tx: Transaction, call: Call) -> Answer:
    """A draft for the order that is named; 201."""
    body: Body = call.body
    name, secret = str(body["order_name"]), str(body["secondary_input"])
    try:
        draft = drafts.begin(tx, name, secret, gift=bool(body.get("is_gift")), shop_id=body.get("shop_id"))
    except Refusal as refusal:
        return _answer(tx, call, None, refusal)
    return _answer(tx, call, draft, status=201)


@operation("getDraftReturn", reads=True)
def get_draft_return(tx: Transaction, call: Call) -> Answer:
    """How a draft stands."""
    return _answer(tx, call, _draft(tx, call))


@operation("getDraftReturnTotals", reads=True)
def get_draft_return_totals(tx: Transaction, call: Call) -> Answer:
    """The money of a draft."""
    standing = drafts.standing(tx, _draft(tx, call))
    hal = wire.speaks_hal(call.version, call.accept)
    body = wire.totals_document(standing, call.base_url, call.version, hal=hal)
    return Answer(body, headers={"content-type": wire.HAL} if hal else {})


@_changes("setDraftReturnCustomer")
def set_customer(tx: Transaction, draft: Draft, call: Call) -> Draft:
    """Another e-mail."""
    return drafts.set_customer(tx, draft, call.body["email"])


@_changes("setDraftReturnAddress")
def set_address(tx: Transaction, draft: Draft, call: Call) -> Draft:
    """Another address to send from."""
    given = {name: call.body.get(name) or "" for name in Address.__struct_fields__}
    return drafts.set_address(tx, draft, Address(**given))


@_changes("addReturningItem")
def add_returning_item(tx: Transaction, draft: Draft, call: Call) -> Draft:
    """One more unit."""
    return drafts.add_item(tx, draft, call.body["order_line_item_id"])


@_changes("removeReturningItem")
def remove_returning_item(tx: Transaction, draft: Draft, call: Call) -> Draft:
    """One less."""
    return drafts.remove_item(tx, draft, call.path["returning_item_id"])


@_changes("setUserInput")
def set_user_input(tx: Transaction, draft: Draft, call: Call) -> Draft:
    """An answer to a question of an item."""
    path = call.path
    return drafts.answer(tx, draft, path["returning_item_id"], path["user_input_id"], call.body.get("value"))


@_changes("finalizeItems")
def finalize_items(tx: Transaction, draft: Draft, _call: Call) -> Draft:
    """These are all items."""
    return drafts.finalize(tx, draft)


@_changes("setDraftReturnCart")
def set_cart(tx: Transaction, draft: Draft, call: Call) -> Draft:
    """All new items, one by one or as the cart of a token has them."""
    body: Body = call.body
    if body.get("cart_token") is not None:
        return drafts.set_cart(tx, draft, drafts.cart_of_token(tx, str(body["cart_token"])))
    wanted = [
        (each["variant_id"], each.get("quantity") or 1, each.get("returning_item_id"))
        for each in body.get("cart_items") or ()
    ]
    return drafts.set_cart(tx, draft, wanted)


@_changes("setDraftReturnCreditType")
def set_credit_type(tx: Transaction, draft: Draft, call: Call) -> Draft:
    """Money back or store credit."""
    return drafts.set_credit_type(tx, draft, call.body["credit_type"])


@_changes("setDraftReturnMethod")
def set_method(tx: Transaction, draft: Draft, call: Call) -> Draft:
    """How it travels."""
    return drafts.set_method(tx, draft, call.body["return_method"])


@_changes("acceptReturnPolicy")
def accept_policy(tx: Transaction, draft: Draft, _call: Call) -> Draft:
    """The customer agrees."""
    return drafts.accept_policy(tx, draft)


@_changes("cancelDraftReturn")
def cancel(tx: Transaction, draft: Draft, _call: Call) -> Draft:
    """The customer gives up."""
    return drafts.cancel(tx, draft)


@_changes("submitDraftReturn")
def submit(tx: Transaction, draft: Draft, _call: Call) -> Draft:
    """The draft becomes a return."""
    return drafts.hand_in(tx, draft)
