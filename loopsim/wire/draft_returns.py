"""Draft returns in their two dialects: a document with `links`, and HAL-Forms.

2026-07 speaks HAL-Forms to who asks for it; since 2026-10 it is the only one (`FACTS.md#drafts-dialects`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from loopsim.domain import draft_returns as drafts
from loopsim.domain.draft_returns import Draft, ReturningItem
from loopsim.domain.orders import Address, Order, OrderLine
from loopsim.domain.shop import Settings
from loopsim.domain.totals import Totals
from loopsim.errors import Refusal
from loopsim.wire.commerce import Spell
from loopsim.wire.draft_steps import INPUT_NAMES, Offer, as_forms, as_links, entry_steps, steps_of

HAL = "application/prs.hal-forms+json"
LINKS_VERSIONS = ("2026-07",)
NO_SHOP_NOW = "Shop Now is not available for the items in this return. Remove the new items to continue."

ERRORS: dict[str, tuple[str, str]] = {
    "draft_returns_not_enabled": ("draft-returns-not-enabled", "Draft returns are not enabled for this shop."),
    "shop_not_found": ("shop-not-found", "The shop could not be found."),
    "order_lookup_failed": ("order-lookup-failed", "The order could not be looked up. Try again later."),
    "order_not_found": ("order-not-found", "The order could not be found."),
    "error_retrieving_order": ("error-retrieving-order", "The order could not be retrieved. Try again later."),
    "secondary_input_mismatch": ("secondary-input-mismatch", "The order does not match the given information."),
    "returns_unavailable_from_order_address": (
        "returns-unavailable-from-order-address",
        "Returns are not available from the address of this order.",
    ),
    "returns_unavailable_for_order": ("returns-unavailable-for-order", "Returns are not available for this order."),
    "unsupported_feature": ("unsupported-feature", "Ask for application/prs.hal-forms+json to use this."),
}
"""The refusals that Loop has codes for (documented), with our sentences."""
UNAVAILABLE = (
    "unit_already_returned", "blocklisted", "order_cancelled", "outside_window", "final_sale", "outcome_excluded",
)  # fmt: skip
INVALID: dict[str, str] = {
    "draft_state": "The draft return is {state}.",
    "draft_without_items": "There are no items to return.",
    "draft_without_reason": "Each item needs a reason.",
    "draft_incomplete": "Still missing: {missing}.",
    "draft_item_unknown": "Returning item {item} not found.",
    "draft_input_unknown": "User input {input} not found.",
    "draft_reason_unknown": "The selected value is invalid.",
    "draft_line_unknown": "Order line item {line} not found.",
    "draft_line_ineligible": "Order line item {line} cannot be returned: {reason}.",
    "draft_line_used_up": "No more of order line item {line} can be returned.",
    "draft_variant_unknown": "Variant ID {variant} not found.",
    "draft_exchange_uneven": "An item can be exchanged once, for another variant of its product.",
    "shop_now_needs_units": "There is no item left whose credit could buy something: all are exchanged.",
    "draft_cart_unknown": "No cart found for the provided token.",
    "draft_credit_unavailable": "The credit type {credit_type} is not available.",
    "draft_method_unavailable": "The return method {method} is not available.",
    "method_excluded": "The return method {method} is not available.",
    "gift_needs_credit": "Who returns a gift gets store credit or an exchange.",
}
"""What else is refused, all under `validation-failed` (assumed)."""


class Standing(Offer, Protocol):
    """How a draft stands, as `operations/drafts.py` says it."""

    @property
    def order(self) -> Order: ...
    @property
    def email(self) -> str: ...
    @property
    def address(self) -> Address: ...
    @property
    def ineligible(self) -> tuple[tuple[OrderLine, str], ...]: ...
    @property
    def totals(self) -> Totals: ...
    @property
    def bonus_offered(self) -> int: ...
    @property
    def fee_on_refund(self) -> int: ...
    @property
    def fee_on_credit(self) -> int: ...


def speaks_hal(version: str, accept: str) -> bool:
    """Whether a call is answered in HAL-Forms."""
    return version not in LINKS_VERSIONS or HAL in accept


def error(refusal: Refusal) -> dict[str, str]:
    """A refusal as an entry of `errors`. Raises LookupError for one that draft returns do not know."""
    if refusal.code in ERRORS:
        code, message = ERRORS[refusal.code]
    elif refusal.code == "outcome_excluded" and refusal.params.get("outcome") == "shop_now":
        code, message = "returns-unavailable-for-order", NO_SHOP_NOW
    elif refusal.code in UNAVAILABLE:
        code, message = ERRORS["returns_unavailable_for_order"]
    else:
        code, message = "validation-failed", INVALID[refusal.code].format(**refusal.params)
    return {"code": code, "message": message}


def document(
    standing: Standing | None, settings: Settings, base: str, spell: Spell, errors: list[dict[str, str]], *, hal: bool
) -> dict[str, Any]:
    """The whole answer; without a draft, what can be begun."""
    steps = entry_steps() if standing is None else steps_of(standing, spell)
    said = {
        "draft_return": None if standing is None else draft_return(standing, settings, spell),
        "context": None if standing is None else _context(standing, spell),
    }
    if hal:
        return {**said, **as_forms(steps, base), "client_application": None, "errors": errors}
    return {**said, "links": as_links(steps, base), "errors": errors}


def list_document(standings: Iterable[Standing], settings: Settings, base: str, spell: Spell) -> dict[str, Any]:
    """The list, which is HAL-Forms only."""
    forms = as_forms(entry_steps(), base)
    forms["_links"] = {"self": {"href": f"{base}/draft-returns"}, **forms["_links"]}
    embedded = {"draft_returns": [draft_return(each, settings, spell) for each in standings]}
    return {"_embedded": embedded, **forms, "errors": []}


def totals_document(standing: Standing, base: str, version: str, *, hal: bool) -> dict[str, Any]:
    """The money alone; its currency goes by another name since 2026-10."""
    name = "currency" if version in LINKS_VERSIONS else "currencyCode"
    steps = [step for step in steps_of(standing, lambda id_: id_) if step.method == "GET"]
    forms = as_forms(steps, base) if hal else {"links": as_links(steps, base)}
    forms.pop("_templates", None)
    return {"totals": _totals(standing, name), **forms}


def draft_return(standing: Standing, settings: Settings, spell: Spell) -> dict[str, Any]:
    """The draft itself."""
    draft, order = standing.draft, standing.order
    return {
        "id": draft.id,
        "return_id": draft.return_id,
        "state": draft.state,
        "currency": order.currency,
        "language": "en",
        "credit_type": draft.credit_type,
        "store_credit_type": "gift-card",
        "processing_type": "regular",
        "return_policy": {
            "id": settings.id,
            "name": "Default",
            "return_window_days": settings.policy.return_window_days,
        },
        "totals": _totals(standing, "currency"),
        "customer": {"email": standing.email},
        "shipping_address": _address(standing.address),
        "returning_items": [_item(draft, item, spell) for item in draft.items],
        "cart_items": [
            {
                "id": new.id,
                "variant_id": spell(new.variant.id),
                "product_id": spell(new.variant.product_id),
                "title": new.variant.full_title,
                "sku": new.variant.sku,
                "quantity": new.quantity,
                "price": {"amount": new.variant.price, "currency": order.currency},
                "returning_item_id": new.for_item,
            }
            for new in draft.cart
        ],
    }


def _item(draft: Draft, item: ReturningItem, spell: Spell) -> dict[str, Any]:
    resolution = drafts.resolution_of(draft, item)
    words = {"credit": "store-credit", "shop_now": "shop-now"}
    answers: dict[int, Any] = {drafts.REASON_INPUT: item.reason, drafts.COMMENT_INPUT: item.comment}
    return {
        "id": item.id,
        "order_line_item_id": spell(item.line_id),
        "return_type": "return",
        "resolution": None if resolution is None else words.get(resolution, resolution),
        "reason": None
        if item.reason is None
        else {"id": item.reason, "name": drafts.reason_name(item.reason), "comment": item.comment},
        "user_input": [
            {"id": id_, "prompt": prompt, "is_required": id_ == drafts.REASON_INPUT, "value": answers[id_]}
            for id_, prompt in INPUT_NAMES.items()
        ],
        "image_uploads": [],
        "has_exchange_item": drafts.exchange_for(draft, item) is not None,
    }


def _address(address: Address) -> dict[str, Any]:
    names = ("address1", "city", "state", "country", "country_code", "zip", "name", "company", "address2", "phone")
    return {name: getattr(address, name) or None for name in names}


def _context(standing: Standing, spell: Spell) -> dict[str, Any]:
    order = standing.order
    return {
        "items_eligible_to_return": [{"order_line_item_id": spell(line.id)} for line in standing.eligible],
        "items_not_eligible_to_return": [
            {"order_line_item_id": spell(line.id), "ineligibility_code": code} for line, code in standing.ineligible
        ],
        "order": {
            "id": spell(order.id),
            "name": order.name,
            "line_items": [
                {
                    "id": spell(line.id),
                    "product_id": spell(line.product_id),
                    "variant_id": spell(line.variant_id),
                    "title": line.full_title,
                    "sku": line.sku,
                    "quantity": line.quantity,
                    "price": {"amount": line.unit_price, "currency": order.currency},
                    "image": line.image,
                }
                for line in order.lines
            ],
        },
    }


def _totals(standing: Standing, currency_name: str) -> dict[str, Any]:
    totals, currency = standing.totals, standing.order.currency
    on_refund, on_credit = standing.fee_on_refund, standing.fee_on_credit

    def money(amount: int) -> dict[str, Any]:
        return {"amount": amount, currency_name: currency}

    return {
        "return_total": money(totals.return_total),
        "new_item_total": money(totals.exchange_total),
        "total_bonus_offered": money(standing.bonus_offered),
        "bonus_used": money(totals.bonus),
        "fees": {
            "applied": money(totals.handling_fee),
            "refund": money(on_refund),
            "credit": money(on_credit),
            "exchange": money(totals.handling_fee - on_refund - on_credit),
        },
        "amount_due": money(totals.upsell),
        "credit": {
            "remaining_credit": money(totals.total),
            "refund_credit": money(totals.refund),
            "store_credit": money(totals.gift_card),
        },
        "net": money(totals.total - totals.upsell),
    }
