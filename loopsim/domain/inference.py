"""What return rows tell of things they do not show: what the customer chose for each unit, whether taxes are inside
prices, and the order behind the returns.

Rows never print the resolution of a unit nor the order's own lines; an import needs both. All of it is assumed, and
none of it changes what an imported row prints.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from msgspec import structs

from loopsim.domain.orders import Customer, Fulfillment, Order, OrderLine
from loopsim.domain.policy import Resolution
from loopsim.domain.returns import Exchange, Return, ReturnLine
from loopsim.domain.totals import Totals, value

INFERRED = "imported"
"""The tag of an order that was inferred from the returns of it."""

SALES_CHANNEL = "Online Store"
_ORDERED_BEFORE, _SHIPPED_AFTER = timedelta(days=10), timedelta(days=2)


# a return


def resolution_of(line: ReturnLine, words: frozenset[str], gift_card: int, has_exchanges: bool) -> Resolution:
    """What the customer chose for a unit. `words` are those of the return's outcome (`exchange+refund` has two)."""
    if line.exchange_variant_id is not None:
        return "exchange"
    if "refund" in words and (line.refund > 0 or len(words) == 1):
        return "refund"
    if "credit" in words or gift_card > 0:
        return "credit"
    if words & {"exchange", "upsell"} or (has_exchanges and line.refund == 0 and not words):
        return "shop_now"
    return "refund"


def taxes_included(
    totals: Totals, lines: Iterable[ReturnLine], exchanges: Iterable[tuple[Exchange, int]]
) -> bool | None:
    """Whether taxes are inside prices, by the first sum that tells; None where none does. Exchanges come with the total
    that the row prints of them."""
    sums = [(totals.return_product - totals.return_discount, totals.return_tax, totals.return_total)]
    sums += [(line.price - line.discount, line.tax, line.refund) for line in lines]
    sums += [(item.price - item.discount, item.tax, total) for item, total in exchanges]
    for net, tax, total in sums:
        if tax != 0 and total in (net, net + tax):
            return total == net
    return None


def bonus_of(totals: Totals) -> int:
    """The bonus credit that makes the totals add up (R4 of `totals`), where it can be one."""
    out = totals.exchange_total + totals.refund + totals.gift_card + totals.handling_fee
    return max(0, out - totals.return_total - totals.upsell)


def kept_worth(exchanges: Iterable[Exchange], included: bool) -> int:
    """The worth of the new items, which a cancelled return keeps."""
    return sum(value(item, included) for item in exchanges)


# its order


def inferred_order(return_: Return, order_id: int, customer: Customer) -> Order:
    """The order behind a return, still without lines. No row says when it was placed: ten days earlier (assumed)."""
    ref = return_.order
    return Order(
        id=order_id,
        loop_id=ref.loop_id,
        provider_id=ref.provider_id,
        name=ref.name,
        number=ref.number,
        provider_number=ref.provider_number,
        customer=customer,
        currency=ref.currency,
        created_at=return_.created_at - _ORDERED_BEFORE,
        lines=(),
        shipping_address=ref.address,
        billing_address=ref.address,
        taxes_included=ref.taxes_included,
        presentment_currency=ref.presentment_currency,
        presentment_rate=ref.presentment_rate,
        sales_channel=ref.sales_channel,
        tags=(INFERRED,),
    )


def with_units(order: Order, units: Mapping[int, Mapping[int, ReturnLine]], earliest: datetime) -> Order:
    """An inferred order with exactly these units (by order line id and unit number), shipped well before `earliest`."""
    lines = tuple(order_line(line_id, pieces) for line_id, pieces in units.items() if pieces)
    created = min(order.created_at, earliest - _ORDERED_BEFORE)
    shipment = Fulfillment(
        id=order.id + len(lines) + 1,
        fulfilled_at=created + _SHIPPED_AFTER,
        lines=tuple((line.id, line.quantity) for line in lines),
    )
    return structs.replace(order, lines=lines, fulfillments=(shipment,), created_at=created)


def with_room(order: Order, units: Mapping[int, Mapping[int, ReturnLine]]) -> Order:
    """An order that somebody placed, with its lines made as long as the highest of these units."""
    return structs.replace(order, lines=tuple(_stretched(line, units.get(line.id, {})) for line in order.lines))


def order_line(line_id: int, pieces: Mapping[int, ReturnLine]) -> OrderLine:
    """The order line of which these units, by number, are the pieces."""
    first = pieces[min(pieces)]
    count = max(pieces) + 1
    return OrderLine(
        id=line_id,
        product_id=first.product_id,
        variant_id=first.variant_id,
        sku=first.sku,
        title=first.line_title or first.title,
        variant_title=first.variant_title,
        quantity=count,
        unit_price=first.price,
        discount=sum(piece.discount for piece in pieces.values()),
        tax=sum(piece.tax for piece in pieces.values()),
        fulfilled=count,
        barcode=first.barcode,
    )


def _stretched(line: OrderLine, pieces: Mapping[int, ReturnLine]) -> OrderLine:
    count = max(pieces, default=-1) + 1
    more = [piece for unit, piece in pieces.items() if unit >= line.quantity]
    return structs.replace(
        line,
        quantity=max(line.quantity, count),
        fulfilled=max(line.fulfilled, count),
        discount=line.discount + sum(piece.discount for piece in more),
        tax=line.tax + sum(piece.tax for piece in more),
    )
