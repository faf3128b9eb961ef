"""A world file: what a shop is like before anything happens to it, written by hand in `fixtures/worlds/`.

Amounts and rates are quoted decimals, so that no float ever holds money. A key that is not known is an error.
`fixtures/world.schema.json` says the same to editors.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import product
from typing import Annotated, Literal

from msgspec import DecodeError, Meta, Struct, field

from loopsim.domain.destinations import DestinationType
from loopsim.domain.policy import Policy
from loopsim.errors import SetupError

Amount = Annotated[str, Meta(pattern=r"^\d+\.\d{2}$")]
Rate = Annotated[str, Meta(pattern=r"^\d+(\.\d{1,6})?$")]
Count = Annotated[int, Meta(ge=0)]
Positive = Annotated[int, Meta(ge=1)]
Percent = Annotated[int, Meta(ge=0, le=100)]


class Country(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A country things are sent to. `share` weighs how many customers live there; `#` in `phone` becomes a digit."""

    name: str
    tax_rate: Rate = "0"
    locale: str = "en_US"
    pays_in: str | None = None
    share: Count = 0
    phone: str = ""


class PostalAddress(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A postal address; `country` is a key of the file's `countries`."""

    address1: str
    city: str
    country: str
    address2: str = ""
    state: str = ""
    zip: str = ""
    company: str = ""
    phone: str = ""


class LocationEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A place that holds stock."""

    name: str
    address: PostalAddress


class DestinationEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where returns are sent: at one of the locations, or at an address of its own."""

    type: DestinationType
    name: str
    enabled: bool = True
    location: str | None = None
    address: PostalAddress | None = None


class VariantEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One variant of a product; what it leaves out is the product's. `stock` overrides single locations."""

    sku: str
    options: tuple[str, ...] = ()
    price: Amount | None = None
    barcode: str | None = None
    weight_grams: Count | None = None
    image: str | None = None
    stock: dict[str, Count] = {}


class ProductEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A product and its variants."""

    title: str
    price: Amount
    variants: tuple[VariantEntry, ...]
    type: str = ""
    weight_grams: Count = 300
    hs_code: str = ""
    country_of_origin: str = "US"
    tags: tuple[str, ...] = ()
    image: str | None = None
    taxable: bool = True
    final_sale: bool = False
    stock: dict[str, Count] = {}


class KindEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Products that are made, alike but for name, price and stock: a variant for every combination of `options`.

    `stock` is the most a location holds of a variant.
    """

    title: str
    sku: str
    lowest: Amount
    highest: Amount
    options: tuple[tuple[str, ...], ...] = ()
    type: str = ""
    weight_grams: Count = 300
    hs_code: str = ""
    country_of_origin: str = "US"
    tags: tuple[str, ...] = ()
    stock: dict[str, Count] = {}


class AssortmentEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many products to make: of each kind in turn, under one of the names."""

    products: Count = 0
    names: tuple[str, ...] = ()
    kinds: tuple[KindEntry, ...] = ()


class SpecialCustomer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A customer whose name is not left to chance."""

    first_name: str
    last_name: str
    country: str
    company: str = ""
    tags: tuple[str, ...] = ()


class SpecialOrder(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An order of which something is set instead of drawn."""

    name: str
    items: dict[str, Positive] = {}
    customer: SpecialCustomer | None = None
    discount: Percent | None = None
    fulfilled: Literal["all", "partly", "none"] = "all"
    tags: tuple[str, ...] = ()


class OrdersEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many orders to make, when, of what. `lines` and `quantities` weigh numbers, `discount_share` is percent.
    `minutes_apart` takes the place of `hours_apart`."""

    count: Count = 0
    prefix: str = "#"
    customers: Annotated[int, Meta(ge=1, le=1000)] = 1
    days_back: Positive = 60
    hours_apart: Positive = 35
    minutes_apart: Positive | None = None
    lines: dict[Positive, Positive] = field(default_factory=lambda: {1: 1})
    quantities: dict[Positive, Positive] = field(default_factory=lambda: {1: 1})
    discount_share: Percent = 0
    discounts: tuple[Percent, ...] = (10,)
    carriers: tuple[str, ...] = ("USPS",)
    special: tuple[SpecialOrder, ...] = ()


class WorldFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole world file. The orders of one that is `generated` are made when a shop begins, not when it is built."""

    name: str
    sentence: str
    seed: int
    platform: Literal["shopify", "custom"]
    currency: str
    country: str
    countries: dict[str, Country]
    generated: bool = False
    taxes_included: bool = False
    utc_offset: int = 0
    sales_channel: str = "Online Store"
    policy: Policy = Policy()
    currencies: dict[str, Rate] = {}
    locations: dict[str, LocationEntry] = {}
    destinations: tuple[DestinationEntry, ...] = ()
    catalogue: tuple[ProductEntry, ...] = ()
    assortment: AssortmentEntry = AssortmentEntry()
    orders: OrdersEntry = OrdersEntry()


def order_name(orders: OrdersEntry, index: int) -> str:
    """The name of the order with this index, from 0: `#1001` is the first."""
    return f"{orders.prefix}{1001 + index}"


def seconds_apart(orders: OrdersEntry) -> int:
    """How long after one order the next is made, on average."""
    return orders.hours_apart * 3600 if orders.minutes_apart is None else orders.minutes_apart * 60


def made_skus(assortment: AssortmentEntry) -> Iterator[tuple[int, KindEntry, tuple[str, ...], str]]:
    """The number of each product to make, its kind, and the options and sku of each of its variants."""
    for number in range(assortment.products if assortment.kinds else 0):
        kind = assortment.kinds[number % len(assortment.kinds)]
        for options in product(*kind.options):
            parts = (kind.sku, f"{number + 1:04}", *(option[:3].upper() for option in options))
            yield number, kind, options, "-".join(parts)


def parse_world_file(text: bytes, label: str) -> WorldFile:
    """The world file with this text; `label` names it in errors. Raises `SetupError` with what is wrong in it."""
    from msgspec import yaml

    try:
        world = yaml.decode(text, type=WorldFile)
    except DecodeError as error:
        advice = "fixtures/world.schema.json says what a world file holds."
        raise SetupError(f"{label} cannot be read: {error}. {advice}") from error
    found = list(problems(world))
    if found:
        raise SetupError(f"{label} does not hold together: {'; '.join(found)}. Mend the file.")
    return world


def problems(world: WorldFile) -> Iterator[str]:
    """What a world file refers to and does not define, and what it defines twice."""
    variants = [(article, variant) for article in world.catalogue for variant in article.variants]
    skus = [variant.sku for _, variant in variants] + [sku for *_, sku in made_skus(world.assortment)]
    kinds = world.assortment.kinds
    names = {order_name(world.orders, index) for index in range(world.orders.count)}
    addresses = [location.address for location in world.locations.values()]
    addresses += [each.address for each in world.destinations if each.address]
    customers = [special.customer for special in world.orders.special if special.customer]
    countries = [world.country, *(one.country for one in addresses), *(one.country for one in customers)]
    money = {world.currency, *world.currencies}
    lists: tuple[tuple[str, list[str], set[str]], ...] = (
        ("country", countries, set(world.countries)),
        ("currency", [each.pays_in for each in world.countries.values() if each.pays_in], money),
        ("location", [key for pair in variants for each in pair for key in each.stock], set(world.locations)),
        ("location", [key for kind in kinds for key in kind.stock], set(world.locations)),
        ("location", [each.location for each in world.destinations if each.location], set(world.locations)),
        ("sku", [sku for special in world.orders.special for sku in special.items], set(skus)),
        ("order", [special.name for special in world.orders.special], names),
    )
    for what, used, known in lists:
        yield from (f"{what} {each} is used but not defined" for each in sorted(set(used) - known))
    specials = [special.name for special in world.orders.special]
    for what, every in (("sku", skus), ("special order", specials)):
        twice = sorted(one for one, times in Counter(every).items() if times > 1)
        yield from (f"{what} {each} stands there twice" for each in twice)
    if world.assortment.products and not (kinds and world.assortment.names):
        yield "the assortment needs a kind and a name"
    for each in world.destinations:
        if each.location is None and each.address is None:
            yield f"destination {each.name} has neither a location nor an address"
    if world.orders.count:
        yield from _problems_of_orders(world, len(skus))


def _problems_of_orders(world: WorldFile, variants: int) -> Iterator[str]:
    orders = world.orders
    if not world.locations:
        yield "there are orders but no location to send them from"
    if max(orders.lines, default=0) > variants:
        yield "orders may have more lines than there are variants"
    if not any(country.share for country in world.countries.values()):
        yield "there are orders but no country with a share of the customers"
    for name in ("lines", "quantities", "discounts", "carriers"):
        if not getattr(orders, name):
            yield f"orders.{name} is empty"
    for special in orders.special:
        if special.fulfilled == "partly" and sum(special.items.values()) < 2:
            yield f"order {special.name} cannot be sent partly: give it two pieces or more in its items"
    if orders.count * seconds_apart(orders) > orders.days_back * 24 * 3600:
        apart = f"{orders.hours_apart} hours" if orders.minutes_apart is None else f"{orders.minutes_apart} minutes"
        yield f"{orders.count} orders {apart} apart do not fit into {orders.days_back} days"
