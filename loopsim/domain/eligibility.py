"""May a unit of an order be returned? One code says why not, the first that applies.

Only `final-sale` was seen in the vendor's examples; the other codes are ours (`FACTS.md#eligibility-codes`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct, structs

from loopsim.domain.listings import Listing, is_line_listed, is_order_listed
from loopsim.domain.orders import Order, OrderLine
from loopsim.errors import Refusal

Ineligibility = Literal[
    "blocklisted", "order-cancelled", "not-fulfilled", "already-returned", "final-sale", "outside-window"
]  # fmt: skip


class Terms(Struct, frozen=True, kw_only=True):
    """What decides beside the order: both lists, and the days after which nothing comes back (0: no limit)."""

    blocked: tuple[Listing, ...] = ()
    allowed: tuple[Listing, ...] = ()
    window_days: int = 0


def ineligibility(
    order: Order, line: OrderLine, held: Iterable[tuple[int, int]], terms: Terms, now: datetime
) -> Ineligibility | None:
    """Why no unit of a line can be returned; None where one can. `held` are the units that returns hold.

    What is blocked stays blocked; what is allowed gets past final sale and the window.
    """
    if is_order_listed(terms.blocked, order) or is_line_listed(terms.blocked, line):
        return "blocklisted"
    if order.status == "cancelled":
        return "order-cancelled"
    if not line.fulfilled:
        return "not-fulfilled"
    if len({unit for line_id, unit in held if line_id == line.id and unit < line.fulfilled}) >= line.fulfilled:
        return "already-returned"
    if is_order_listed(terms.allowed, order):
        return None
    if line.final_sale:
        return "final-sale"
    return "outside-window" if _is_late(order, line, terms.window_days, now) else None


def check(order: Order, lines: Iterable[OrderLine], terms: Terms, now: datetime) -> None:
    """Refuse what may not be returned because of who ordered, of what it is, or of when it was. Which units are there,
    and final sale, which a workflow rule may lift, are for others to look at."""
    for line in lines:
        code = ineligibility(order, structs.replace(line, final_sale=False), (), terms, now)
        if code in _REFUSED:
            raise Refusal(code.replace("-", "_"), sku=line.sku or "", days=terms.window_days, order=order.name)


_REFUSED = ("blocklisted", "order-cancelled", "outside-window")


def _is_late(order: Order, line: OrderLine, days: int, now: datetime) -> bool:
    """The window is open from the latest shipment of the line, or from the order where no moment is known."""
    shipped = [
        shipment.fulfilled_at
        for shipment in order.fulfillments
        if shipment.fulfilled_at is not None and any(line_id == line.id for line_id, _ in shipment.lines)
    ]
    return days > 0 and now > max(shipped, default=order.created_at) + timedelta(days=days)
