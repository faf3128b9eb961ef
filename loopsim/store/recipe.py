"""What the orders of a world are made from: its file, and the people whom Faker made up for it."""

from __future__ import annotations

from msgspec import Struct

from loopsim.domain.orders import Address, Customer
from loopsim.store.world_file import WorldFile


class Buyer(Struct, frozen=True, kw_only=True):
    """A customer as orders need them: with the home and the country's code."""

    customer: Customer
    country: str
    address: Address


class Recipe(Struct, frozen=True, kw_only=True):
    """All that goods and orders follow from, without Faker and YAML. `special_buyers` is by the name of their order."""

    file: WorldFile
    seed: int
    buyers: tuple[Buyer, ...] = ()
    special_buyers: dict[str, Buyer] = {}
