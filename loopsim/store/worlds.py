"""The worlds a shop can start from, by name, and how a shop gets one.

    fixtures/worlds/*.yaml ── build_world (YAML, Faker: slow) ── _worlds/*.json (beside this module) ── pages of a shop

A source checkout builds a world when its file or the builder changed since it was kept; a wheel holds built worlds
only. So a server loads neither YAML nor Faker. Of a generated world only the people are kept: each shop is given goods
and orders where they are to be (`fill_steps`), so that nothing grows with their number but that shop.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import suppress
from datetime import date, datetime
from functools import cache, lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from msgspec import Raw, Struct, structs

from loopsim.clock import Clock, from_ms, to_ms
from loopsim.domain.destinations import first_warehouse
from loopsim.domain.orders import Customer, Variant
from loopsim.domain.products import products_of
from loopsim.errors import Damaged, SetupError
from loopsim.store.built_world import BuiltWorld, WorldHead, midnight, placed, placed_orders
from loopsim.store.codec import decode, encode
from loopsim.store.kept_pages import keep_pages, read_pages
from loopsim.store.shop import Shop, blank_pages
from loopsim.store.transaction import Transaction

if TYPE_CHECKING:
    from loopsim.store.catalogue import Goods
    from loopsim.store.recipe import Recipe

DEFAULT_WORLD = "us-apparel"
_UNFILLED = "unfilled"
Part = TypeVar("Part", bound=WorldHead)

_PACKAGE = Path(__file__).parents[1]
SOURCE = _PACKAGE.parent / "fixtures" / "worlds"
KEPT = Path(__file__).parent / "_worlds"

# What a built world depends on beside its file: whoever changes one of these need not remember a version number.
_BUILDER = (
    "clock.py",
    "domain/chance.py",
    "domain/destinations.py",
    "domain/orders.py",
    "domain/policy.py",
    "store/built_world.py",
    "store/catalogue.py",
    "store/people.py",
    "store/recipe.py",
    "store/world_build.py",
    "store/world_file.py",
    "store/world_orders.py",
)


class _Kept(Struct, frozen=True):
    """A built world as a file; `key` says what it was built from."""

    key: str
    world: Raw


# which there are


def world_names() -> list[str]:
    """The names of all worlds, in alphabetical order."""
    folder, suffix = (SOURCE, ".yaml") if SOURCE.is_dir() else (KEPT, ".json")
    return sorted(path.stem for path in folder.glob(f"*{suffix}"))


@cache
def load_world(name: str) -> BuiltWorld:
    """The built world of this name. Raises `SetupError` with the known names where there is none."""
    return _load(name, BuiltWorld)


@cache
def load_head(name: str) -> WorldHead:
    """What `load_world` gives, but for its goods: to read those takes some milliseconds, and a shop is made without
    them where its pages were kept."""
    return _load(name, WorldHead)


def _load(name: str, part: type[Part]) -> Part:
    if name not in world_names():
        raise SetupError(f"There is no world {name}. Choose one of: {', '.join(world_names())}.")
    if SOURCE.is_dir():
        return _from_source(SOURCE / f"{name}.yaml", KEPT, part)
    return decode(part, _read(KEPT / f"{name}.json").world)


def from_source(path: Path, kept: Path) -> BuiltWorld:
    """The world of a file: as it was kept in the folder `kept`, or else built, and kept where that can be.

    What was kept counts while neither the file nor the builder has changed. Raises `SetupError` for a broken file.
    """
    return _from_source(path, kept, BuiltWorld)


def _from_source(path: Path, kept: Path, part: type[Part]) -> Part:
    text = path.read_bytes()
    key = _key(text)
    target = kept / f"{path.stem}.json"
    with suppress(OSError, Damaged):
        found = _read(target)
        if found.key == key:
            return decode(part, found.world)
    raw = encode(_build(path, text))
    with suppress(OSError):
        _write(target, _Kept(key, Raw(raw)))
    return decode(part, raw)


def write_all(folder: Path, source: Path = SOURCE) -> list[Path]:
    """Build every world into `folder`, for a wheel; the files written. Raises `OSError` where that cannot be."""
    written = []
    for path in sorted(source.glob("*.yaml")):
        text = path.read_bytes()
        target = folder / f"{path.stem}.json"
        _write(target, _Kept(_key(text), Raw(encode(_build(path, text)))))
        written.append(target)
    return written


def _build(path: Path, text: bytes) -> BuiltWorld:
    from loopsim.store.world_build import build_world
    from loopsim.store.world_file import parse_world_file

    file = parse_world_file(text, path.name)
    if file.name != path.stem:
        raise SetupError(f"{path.name} calls itself {file.name}. Give the file and its `name` the same name.")
    return build_world(file)


def _key(text: bytes) -> str:
    digest = blake2b(text, digest_size=16)
    for name in _BUILDER:
        digest.update((_PACKAGE / name).read_bytes())
    return digest.hexdigest()


def _read(path: Path) -> _Kept:
    return decode(_Kept, path.read_bytes())


def _write(path: Path, kept: _Kept) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Two processes may build the same world at once; each file is whole at every moment.
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_bytes(encode(kept))
    draft.replace(path)


# giving one to a shop


def populate(shop: Shop, built: BuiltWorld, start: datetime) -> None:
    """Give an empty shop everything of a world. Orders lie in the weeks before the day of `start`."""
    with shop.transaction(start) as transaction:
        _put_goods(transaction, built, start.date())
        _put_destinations(transaction, built)
        for _ in fill_steps(transaction):
            pass


def add_destinations(shop: Shop, built: WorldHead, now: datetime) -> None:
    """Give a shop made from `template_pages` its destinations, with ids of its own, and its settings the default."""
    if built.destinations:
        with shop.transaction(now) as transaction:
            _put_destinations(transaction, built)


@lru_cache(maxsize=16)
def template_pages(name: str, day: date) -> bytes:
    """The pages of a shop of this world that starts on `day` (UTC), but for its destinations and what is generated.

    Ids of destinations differ from shop to shop, so `add_destinations` follows once the shop has its settings; and
    `fill_steps` where it is `unfilled`.
    """
    load_head(name)  # so that the file is there, and of today's source
    file = KEPT / f"{name}.json"
    pages = read_pages(file, day)
    if pages is None:
        pages = _make_pages(load_world(name), day)
        keep_pages(file, day, pages)
    return pages


def _make_pages(built: BuiltWorld, day: date) -> bytes:
    start = midnight(day)
    clock = Clock(mode="manual", shop_ms=to_ms(start))
    shop = Shop.create("template", None, blank_pages(), built.settings(id=0, subdomain="", seed=built.seed), clock)
    with shop.transaction(start) as transaction:
        _put_goods(transaction, built, day)
    pages = shop.pages()
    shop.close()
    return pages


class _Unfilled(Struct, frozen=True):
    """What a shop is still to be given: the goods of a generated world, and its orders before a day."""

    world: str
    day: date


def unfilled(shop: Shop) -> bool:
    """Whether the shop is still to be given the goods and orders of a generated world."""
    return shop.records.get(_UNFILLED, "orders", _Unfilled) is not None


def fill(shop: Shop) -> None:
    """Give a shop at once what it is still to be given, if anything; that takes seconds."""
    if unfilled(shop):
        with shop.transaction(from_ms(shop.last_ms)) as transaction:
            for _ in fill_steps(transaction):
                pass


def fill_steps(transaction: Transaction) -> Generator[None, None, None]:
    """Give a shop the goods and orders of a generated world, one a step. It stays unfilled until all are there."""
    waiting = transaction.get(_UNFILLED, "orders", _Unfilled)
    if waiting is None:
        return
    # Only here, as in what follows: what makes goods and orders is needed for generated worlds alone.
    from loopsim.store.world_orders import orders_of

    built = load_world(waiting.world)
    recipe = built.recipe
    assert recipe is not None, "only generated worlds leave a shop unfilled"
    goods = yield from _generated_goods(transaction, recipe)
    _put_products(transaction, goods.variants, built.currency)
    met = set[int]()
    for order in placed(built.platform, orders_of(recipe, goods), waiting.day):
        transaction.put_order(order)
        if order.customer.id not in met:
            met.add(order.customer.id)
            _put_customer(transaction, order.customer)
        yield
    transaction.delete(_UNFILLED, "orders")


def _generated_goods(transaction: Transaction, recipe: Recipe) -> Generator[None, None, Goods]:
    from loopsim.store.catalogue import Goods, final_sale, places, stocked_variants

    file, seed = recipe.file, recipe.seed
    locations, destinations = places(file, seed)
    variants, stock = [], {}
    for variant, available in stocked_variants(file, seed, locations):
        _put_variant(transaction, variant, available)
        variants.append(variant)
        stock[variant.id] = available
        yield
    return Goods(
        variants=tuple(variants),
        locations=locations,
        stock=stock,
        destinations=destinations,
        final_sale=final_sale(file),
    )


def _put_goods(transaction: Transaction, built: BuiltWorld, day: date) -> None:
    orders = placed_orders(built, day)
    for order in orders:
        transaction.put_order(order)
    for customer in {order.customer.id: order.customer for order in orders}.values():
        _put_customer(transaction, customer)
    for variant in built.variants:
        _put_variant(transaction, variant, built.stock.get(variant.id, {}))
    _put_products(transaction, built.variants, built.currency)
    for location in built.locations:
        transaction.put_resource("location", location.id, location, location.external_id)
    if built.plain_recipe is not None:
        transaction.put(_UNFILLED, "orders", _Unfilled(built.name, day))


def _put_variant(transaction: Transaction, variant: Variant, available: dict[int, int]) -> None:
    transaction.put_variant(variant)
    for location_id, count in available.items():
        transaction.put_stock(variant.id, location_id, count)


def _put_customer(transaction: Transaction, customer: Customer) -> None:
    transaction.put_resource("customer", customer.id, customer, customer.external_id)


def _put_products(transaction: Transaction, variants: tuple[Variant, ...], currency: str) -> None:
    for product in products_of(variants, currency):
        transaction.put_resource("product", product.id, product, product.external_id)


def _put_destinations(transaction: Transaction, built: WorldHead) -> None:
    numbered = tuple(structs.replace(each, id=transaction.next_id("destination")) for each in built.destinations)
    for each in numbered:
        transaction.put("destination", each.id, each)
    default = first_warehouse(numbered)
    shop = transaction.shop
    shop.set_settings(structs.replace(shop.settings, default_destination_id=default.id if default else None))
