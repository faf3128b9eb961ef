"""Where returned items are sent: a merchant's warehouses and the places that take donations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

DestinationType = Literal["warehouse", "donate"]

ADDRESS_KEYS = ("address1", "address2", "city", "state", "zip", "country", "country_code")
"""The keys of a destination's address, in wire order; `address2`, `state` and `zip` may be None."""


class Destination(Struct, frozen=True, kw_only=True):
    """A destination.

    `id` is a small integer, 0 until a shop gives it one; `provider_location_id` is the platform's id of a location.
    `address` has the keys of `ADDRESS_KEYS`; None where the merchant never entered one, which breaks the list of all.
    """

    id: int
    type: DestinationType
    name: str
    address: dict[str, str | None] | None
    enabled: bool = True
    provider_location_id: int | None = None


def first_warehouse(destinations: Iterable[Destination]) -> Destination | None:
    """Where returns go that nothing sends elsewhere: the first enabled warehouse, or None."""
    return next((each for each in destinations if each.enabled and each.type == "warehouse"), None)
