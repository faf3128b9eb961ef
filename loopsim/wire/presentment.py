"""A return in the currency that the customer paid in, reckoned again from converted units so that it adds up."""

from __future__ import annotations

from typing import Any

from msgspec import structs

from loopsim.domain.returns import Refund, Return, with_money
from loopsim.domain.totals import cancelled
from loopsim.wire.money import convert


def in_presentment(return_: Return) -> Return:
    """The same return with all its money in the customer's currency; itself where that is the shop's."""
    rate = return_.order.presentment_rate
    if not return_.order.multi_currency:
        return return_

    def piece(of: Any) -> dict[str, int]:
        return {name: convert(getattr(of, name), rate) for name in ("price", "discount", "tax")}

    converted = structs.replace(
        return_,
        lines=tuple(structs.replace(line, **piece(line)) for line in return_.lines),
        exchanges=tuple(structs.replace(item, **piece(item)) for item in return_.exchanges),
        fee=convert(return_.fee, rate),
        bonus=convert(return_.bonus, rate),
    )
    priced = structs.replace(with_money(converted), outcome=return_.outcome, overlay=())
    if return_.state == "cancelled":
        priced = structs.replace(priced, totals=cancelled(priced.totals))
    return structs.replace(priced, refunds=_refunds_in_presentment(return_, priced.totals.refund))


def _refunds_in_presentment(return_: Return, refund: int) -> tuple[Refund, ...]:
    """The refunds made, converted. When they are all that there is to refund, the last takes what rounding left."""
    order, made = return_.order, return_.refunds
    amounts = [convert(each.amount, order.presentment_rate) for each in made]
    if made and sum(each.amount for each in made) == return_.totals.refund:
        amounts[-1] += refund - sum(amounts)
    return tuple(
        structs.replace(each, amount=amount, currency=order.presentment_currency)
        for each, amount in zip(made, amounts, strict=True)
    )
