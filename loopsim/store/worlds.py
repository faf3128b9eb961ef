"""The worlds a shop can start from, by name, and how a shop gets one.

    fixtures/worlds/*.yaml ── build_world (YAML, Faker: slow) ── _worlds/*.json (beside this module) ── pages of a shop

A source checkout builds a world when its file or the builder changed since it was kept; a wheel holds built worlds
only. So a server loads neither YAML nor Faker.
"""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import date, datetime
from functools import cache, lru_cache
from hashlib import blake2b
from pathlib import Path

from msgspec import Struct, structs

from loopsim.clock import Clock, to_ms
from loopsim.domain.destinations import default_destination
from loopsim.domain.products import products_of
from loopsim.errors import Damaged, SetupError
from loopsim.store.built_world import BuiltWorld, midnight, placed_orders
from loopsim.store.codec import decode, encode
from loopsim.store.shop import Shop, blank_pages
from loopsim.store.transaction import Transaction

DEFAULT_WORLD = "us-apparel"

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
    "store/world_build.py",
    "store/world_file.py",
)


class _Kept(Struct, frozen=True):
    """A built world as a file; `key` says what it was built from."""

    key: str
    world: BuiltWorld


# which there are


def world_names() -> list[str]:
    """The names of all worlds, in alphabetical order."""
    folder, suffix = (SOURCE, ".yaml") if SOURCE.is_dir() else (KEPT, ".json")
    return sorted(path.stem for path in folder.glob(f"*{suffix}"))


@cache
def load_world(name: str) -> BuiltWorld:
    """The built world of this name. Raises `SetupError` with the known names where there is none."""
    if name not in world_names():
        raise SetupError(f"There is no world {name}. Choose one of: {', '.join(world_names())}.")
    return from_source(SOURCE / f"{name}.yaml", KEPT) if SOURCE.is_dir() else _read(KEPT / f"{name}.json").world


def from_source(path: Path, kept: Path) -> BuiltWorld:
    """The world of a file: as it was kept in the folder `kept`, or else built, and kept where that can be.

    What was kept counts while neither the file nor the builder has changed. Raises `SetupError` for a broken file.
    """
    text = path.read_bytes()
    key = _key(text)
    target = kept / f"{path.stem}.json"
    with suppress(OSError, Damaged):
        found = _read(target)
        if found.key == key:
            return found.world
    built = _build(path, text)
    with suppress(OSError):
        _write(target, _Kept(key, built))
    return built


def write_all(folder: Path, source: Path = SOURCE) -> list[Path]:
    """Build every world into `folder`, for a wheel; the files written. Raises `OSError` where that cannot be."""
    written = []
    for path in sorted(source.glob("*.yaml")):
        text = path.read_bytes()
        target = folder / f"{path.stem}.json"
        _write(target, _Kept(_key(text), _build(path, text)))
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


def add_destinations(shop: Shop, built: BuiltWorld, now: datetime) -> None:
    """Give a shop made from `template_pages` its destinations, with ids of its own, and its settings the default."""
    if built.destinations:
        with shop.transaction(now) as transaction:
            _put_destinations(transaction, built)


@lru_cache(maxsize=16)
def template_pages(name: str, day: date) -> bytes:
    """The pages of a shop of this world that starts on `day` (UTC), with all but its destinations.

    Ids of destinations differ from shop to shop, so `add_destinations` follows once the shop has its settings.
    """
    built = load_world(name)
    start = midnight(day)
    clock = Clock(mode="manual", shop_ms=to_ms(start))
    shop = Shop.create("template", None, blank_pages(), built.settings(id=0, subdomain="", seed=built.seed), clock)
    with shop.transaction(start) as transaction:
        _put_goods(transaction, built, day)
    pages = shop.pages()
    shop.close()
    return pages


def _put_goods(transaction: Transaction, built: BuiltWorld, day: date) -> None:
    for order in placed_orders(built, day):
        transaction.put_order(order)
    for variant in built.variants:
        transaction.put_variant(variant)
        for location_id, available in built.stock.get(variant.id, {}).items():
            transaction.put_stock(variant.id, location_id, available)
    for product in products_of(built.variants, built.currency):
        transaction.put_resource("product", product.id, product, product.external_id)
    for location in built.locations:
        transaction.put_resource("location", location.id, location, location.external_id)


def _put_destinations(transaction: Transaction, built: BuiltWorld) -> None:
    numbered = tuple(structs.replace(each, id=transaction.next_id("destination")) for each in built.destinations)
    for each in numbered:
        transaction.put("destination", each.id, each)
    default = default_destination(numbered)
    shop = transaction.shop
    shop.set_settings(structs.replace(shop.settings, default_destination_id=default.id if default else None))
