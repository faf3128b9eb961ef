"""The money of a return: every equation in one place, in integer minor units.

For one unit     value  = price - discount + (0 if taxes are included in prices else tax)
For the return   return_product, return_discount, return_tax = sums over its units
(R1)             return_total = return_product - return_discount + (0 if taxes included else return_tax)
(R2)             exchange_total = likewise over the new items
(R3)             credit used = min(pool, exchange_total), where pool = value of the units given in exchange + bonus on
                 them; it is printed as both return_credit_total and exchange_credit_total
                 bonus that buys nothing lapses: left over is only what the units themselves were worth
(R4)             return_total + bonus + upsell = exchange_total + refund + gift_card + handling_fee
(R5)             total = refund + gift_card
(R6)             of a unit: refund = refund_item + refund_tax; both are zero unless the unit is refunded
(R7)             sum of the units' refunds + left-over refunded = refund + the part of the fee taken from it
All amounts but a vendor's negative credit line (only ever imported) are >= 0. Who pays the handling fee, in this order:
the refund, the gift card, the customer's card. R1 and R6 are captured, the rest is assumed from the vendor's sample
(`FACTS.md#totals-return`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, Protocol

from msgspec import Struct

Leftover = Literal["refund", "credit"]


class Priced(Protocol):
    """A unit or a new item: what totals need to know of it."""

    @property
    def price(self) -> int: ...
    @property
    def discount(self) -> int: ...
    @property
    def tax(self) -> int: ...


class Totals(Struct, frozen=True, kw_only=True):
    """The amounts of a return. `exchange` is the worth of the new items, which a cancelled return keeps (captured)."""

    return_product: int = 0
    return_discount: int = 0
    return_tax: int = 0
    return_total: int = 0
    return_credit: int = 0
    exchange_product: int = 0
    exchange_discount: int = 0
    exchange_tax: int = 0
    exchange_total: int = 0
    exchange_credit: int = 0
    exchange: int = 0
    gift_card: int = 0
    handling_fee: int = 0
    refund: int = 0
    upsell: int = 0
    bonus: int = 0
    total: int = 0


class UnitRefund(Struct, frozen=True):
    """What one unit's row prints: `refund` = `item` + `tax`."""

    refund: int
    item: int
    tax: int


def value(piece: Priced, taxes_included: bool) -> int:
    """What a unit is worth to the customer."""
    return piece.price - piece.discount + (0 if taxes_included else piece.tax)


def unit_refund(piece: Priced, resolution: str, taxes_included: bool) -> UnitRefund:
    """R6."""
    if resolution != "refund":
        return UnitRefund(0, 0, 0)
    worth = value(piece, taxes_included)
    tax = min(piece.tax, worth)
    return UnitRefund(worth, worth - tax, tax)


def settle(
    units: list[tuple[Priced, str]],
    items: list[Priced],
    *,
    taxes_included: bool,
    leftover: Leftover = "refund",
    fee: int = 0,
    bonus: int = 0,
) -> Totals:
    """R1 to R5 for units with their resolutions (`refund`, `credit`, `exchange`, `shop_now`) and the new items.

    A bonus goes into the exchange where there is one, else into store credit; a pure refund earns none. It is spent
    last, and what of it is not spent on new items is gone (assumed: an even exchange must not pay out cash).
    """
    worth = {"refund": 0, "credit": 0, "exchange": 0, "shop_now": 0}
    for piece, resolution in units:
        worth[resolution] += value(piece, taxes_included)
    exchanged = any(resolution in {"exchange", "shop_now"} for _, resolution in units)
    credited = any(resolution == "credit" for _, resolution in units)
    own = worth["exchange"] + worth["shop_now"]
    exchange_total = sum(value(item, taxes_included) for item in items)
    if exchanged:
        bonus = min(bonus, max(0, exchange_total - own))
    elif not credited:
        bonus = 0
    used = min(own, exchange_total) + (bonus if exchanged else 0)
    left = max(0, own - exchange_total)
    refund = worth["refund"] + (left if leftover == "refund" else 0)
    gift_card = worth["credit"] + (0 if exchanged else bonus) + (left if leftover == "credit" else 0)
    refund, gift_card, fee_on_card = _less_fee(fee, refund, gift_card)
    product, discount, tax = _sums([piece for piece, _ in units])
    exchange_product, exchange_discount, exchange_tax = _sums(items)
    return Totals(
        return_product=product,
        return_discount=discount,
        return_tax=tax,
        return_total=product - discount + (0 if taxes_included else tax),
        return_credit=used,
        exchange_product=exchange_product,
        exchange_discount=exchange_discount,
        exchange_tax=exchange_tax,
        exchange_total=exchange_total,
        exchange_credit=used,
        exchange=exchange_total,
        gift_card=gift_card,
        handling_fee=fee,
        refund=refund,
        upsell=exchange_total - used + fee_on_card,
        bonus=bonus,
        total=refund + gift_card,
    )


def _less_fee(fee: int, refund: int, gift_card: int) -> tuple[int, int, int]:
    """What the handling fee leaves of refund and gift card, and what of it the customer's card pays."""
    from_refund = min(fee, refund)
    from_gift_card = min(fee - from_refund, gift_card)
    return refund - from_refund, gift_card - from_gift_card, fee - from_refund - from_gift_card


def _sums(pieces: Iterable[Priced]) -> tuple[int, int, int]:
    """Price, discount and tax of all pieces together."""
    parts = [(piece.price, piece.discount, piece.tax) for piece in pieces]
    return sum(each[0] for each in parts), sum(each[1] for each in parts), sum(each[2] for each in parts)


def cancelled(totals: Totals) -> Totals:
    """The amounts of a cancelled return: all zero but `exchange` (captured)."""
    return Totals(exchange=totals.exchange)


def outcome_word(resolutions: list[str], totals: Totals) -> str | None:
    """Loop's word for what the customer gets. A return that exchanges, refunds and credits at once has no word of its
    own; it is named for exchange and refund (assumed). Shopping without buying anything is no exchange, and a handling
    fee on the card makes no upsell."""
    shopped = "shop_now" in resolutions
    exchanged = "exchange" in resolutions or (shopped and totals.exchange_product > 0)
    refunded = "refund" in resolutions or ((exchanged or shopped) and totals.refund > 0)
    credited = "credit" in resolutions or ((exchanged or shopped) and totals.gift_card > 0)
    if exchanged:
        if refunded:
            return "exchange+refund"
        if credited:
            return "exchange+credit"
        return "upsell" if totals.exchange_total > totals.exchange_credit else "exchange"
    if refunded and credited:
        return "credit+refund"
    if credited:
        return "credit"
    return "refund" if refunded else None
