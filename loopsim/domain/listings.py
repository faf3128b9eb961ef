"""Block- and allowlists: what may not be returned whatever the policy says, and what may be although it says no.

That a blocked order, shopper, variant or tag cannot start a return, and that an allowed order or shopper gets past the
policy's limits, is what the names say (`FACTS.md#listings-effect`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from msgspec import Struct

from loopsim.domain.orders import Order, OrderLine

ListingType = Literal["order", "email", "product", "product_tag"]


class Listing(Struct, frozen=True, kw_only=True):
    """An entry of a list. `value` is an order's name, an e-mail address, a variant's id or a product's tag."""

    id: int
    type: ListingType
    value: str
    created_at: datetime
    secondary_value: str | None = None


def is_order_listed(listings: Iterable[Listing], order: Order) -> bool:
    """Whether an entry names the order or its customer; `#1001` and `1001` are the same order, case does not count."""
    names = {order.name.lstrip("#").lower()}
    email = order.customer.email.lower()
    return any(
        (each.type == "order" and each.value.lstrip("#").lower() in names)
        or (each.type == "email" and each.value.lower() == email)
        for each in listings
    )


def is_line_listed(listings: Iterable[Listing], line: OrderLine) -> bool:
    """Whether an entry names the line's variant or a tag of its product."""
    tags = {tag.lower() for tag in line.tags}
    return any(
        (each.type == "product" and each.value == str(line.variant_id))
        or (each.type == "product_tag" and each.value.lower() in tags)
        for each in listings
    )
