"""A generated world: its goods and orders are made in each shop that begins, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pytest
from msgspec import structs

from loopsim.bootstrap import Options, build
from loopsim.clock import Clock, to_ms
from loopsim.domain.orders import Customer, Variant
from loopsim.domain.products import Product
from loopsim.store import worlds
from loopsim.store.built_world import placed_orders
from loopsim.store.catalogue import stock_up
from loopsim.store.codec import decode, encode
from loopsim.store.shop import Shop
from loopsim.store.world import World, new_settings
from loopsim.store.world_build import build_world
from loopsim.store.world_file import WorldFile
from tests.generated_world import LARGE, ORDERS, PRODUCTS, shrunk

START = datetime(2026, 11, 23, 14, 5, 6, tzinfo=UTC)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[WorldFile]:
    with shrunk(tmp_path) as file:
        yield file


def begun(world: World, name: str = "shop") -> Shop:
    clock = Clock(mode="manual", shop_ms=to_ms(START))
    return world.create(name, settings=new_settings(name, world=LARGE), clock=clock)


def test_the_large_world_is_a_few_lines_and_what_is_kept_of_it_is_people() -> None:
    assert len((worlds.SOURCE / f"{LARGE}.yaml").read_text("utf-8").splitlines()) < 50
    built = worlds.load_world(LARGE)
    assert (built.orders, built.variants) == ((), ())
    assert built.recipe is not None
    assert decode(type(built), encode(built)).recipe == built.recipe
    assert (built.recipe.file.orders.count, len(built.recipe.buyers)) == (100_000, 1000)
    assert len(stock_up(built.recipe.file, built.seed).variants) == 3744
    assert (worlds.KEPT / f"{LARGE}.json").stat().st_size < 500_000


def test_a_shop_is_given_what_building_the_world_would_have_made(small: WorldFile) -> None:
    world = World()
    shop = begun(world)
    assert worlds.unfilled(shop)
    assert list(shop.records.orders()) == []
    worlds.fill(shop)
    built = build_world(structs.replace(small, generated=False))
    assert list(shop.records.orders()) == list(placed_orders(built, START.date()))
    assert len(list(shop.records.orders())) == ORDERS
    assert sorted(each.id for each in shop.records.resources("variant", Variant)) == sorted(
        each.id for each in built.variants
    )
    assert len(shop.records.resources("product", Product)) == PRODUCTS
    met = {order.customer.id: order.customer for order in shop.records.orders()}
    assert {each.id: each for each in shop.records.resources("customer", Customer)} == met
    assert {each.id: shop.records.stock(each.id) or {} for each in built.variants} == built.stock
    assert not worlds.unfilled(shop)
    world.close()


def test_two_shops_are_given_the_same_and_filling_again_changes_nothing(small: WorldFile) -> None:
    del small
    world = World()
    shops = [begun(world, "one"), begun(world, "two")]
    for shop in shops:
        worlds.fill(shop)
    before = tuple(shops[0].connection.iterdump())
    worlds.fill(shops[0])
    tables = ("orders", "resources", "inventories")
    for table in tables:
        rows = [shop.connection.execute(f"select * from {table} order by 1, 2").fetchall() for shop in shops]
        assert rows[0] == rows[1] != []
    assert tuple(shops[0].connection.iterdump()) == before
    world.close()


def _die_while_filling(shop: Shop) -> None:
    with shop.transaction(START) as transaction:
        assert len(list(islice(worlds.fill_steps(transaction), 700))) == 700
        raise SystemError


def test_a_shop_whose_server_died_before_it_had_all_is_given_it_at_the_next_start(
    small: WorldFile, tmp_path: Path
) -> None:
    del small
    folder = tmp_path / "db"
    world = World(folder)
    shop = begun(world)
    with pytest.raises(SystemError):
        _die_while_filling(shop)
    world.close()
    running = build(Options(port=0, db=folder))
    try:
        shop = running.runtime.world.shop("shop")
        assert len(list(shop.records.orders())) == ORDERS
        assert not worlds.unfilled(shop)
    finally:
        running.close()


def test_a_server_that_starts_with_it_says_what_takes_long_and_has_its_orders(
    small: WorldFile, caplog: pytest.LogCaptureFixture
) -> None:
    del small
    with caplog.at_level("INFO", "loopsim"):
        running = build(Options(port=0, world=LARGE))
    try:
        assert ["takes some seconds" in message for message in caplog.messages] == [True]
        assert len(list(running.shop.records.orders())) == ORDERS
    finally:
        running.close()
