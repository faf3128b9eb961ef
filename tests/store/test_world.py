from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from loopsim.clock import Clock, Mode, to_ms
from loopsim.errors import Invalid, Refusal, SetupError
from loopsim.store.journal import Entry
from loopsim.store.shop import Shop
from loopsim.store.world import World, new_settings

START = to_ms(datetime(2026, 6, 1, 9, tzinfo=UTC))
MINUTE = 60_000


class Wall:
    """A wall clock that stands where a test puts it."""

    def __init__(self) -> None:
        self.ms = START

    def __call__(self) -> float:
        return self.ms / 1000


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def open_world(wall: Wall) -> Iterator[Callable[[Path | None], World]]:
    opened: list[World] = []

    def open_it(folder: Path | None = None) -> World:
        opened.append(World(folder, wall=wall))
        return opened[-1]

    yield open_it
    for world in opened:
        world.close()


OpenWorld = Callable[..., World]


def make(world: World, name: str = "acme", *, seed: int = 7, mode: Mode = "real", start: int = START) -> Shop:
    clock = Clock(mode=mode, shop_ms=start, wall_ms=START)
    return world.create(name, settings=new_settings(name, seed=seed), clock=clock)


def touch(shop: Shop, ms: int) -> None:
    """Let the shop remember something at a moment of its clock."""
    shop.journal.add(Entry(at=ms, direction="in", kind="call"))
    shop.journal.flush()


def contents(folder: Path) -> dict[str, bytes]:
    """Every file with what is in it, but the lock and what SQLite keeps in memory beside a file."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.stat().st_size)
    return {path.name: path.read_bytes() for path in files if path.suffix != ".lock" and path.name[-4:] != "-shm"}


def orders_of(shop: Shop) -> list[str]:
    return [order.name for order in shop.records.orders()]


# keys


def test_a_key_opens_the_shop_it_was_made_for(open_world: OpenWorld) -> None:
    world = open_world()
    make(world)
    key = world.add_key("acme", ["returns", "orders"], "wms")
    assert world.keys[key.text] == key
    assert (key.shop, key.scopes, key.label) == ("acme", frozenset({"returns", "orders"}), "wms")


def test_keys_and_secrets_are_a_function_of_the_seed(open_world: OpenWorld) -> None:
    first, second, other = open_world(), open_world(), open_world()
    shops = [make(first), make(second), make(other, seed=8)]
    texts = [world.add_key("acme", []).text for world in (first, second, other)]
    assert texts[0] == texts[1] != texts[2]
    assert texts[0].startswith("loop_test_")
    secrets = [shop.settings.secret for shop in shops]
    assert secrets[0] == secrets[1] != secrets[2]
    assert len(secrets[0]) == 16
    assert int(secrets[0], 16) >= 0


def test_two_shops_of_one_seed_have_different_keys(open_world: OpenWorld) -> None:
    world = open_world()
    make(world, "one")
    make(world, "two")
    assert world.add_key("one", []).text != world.add_key("two", []).text


def test_a_rotated_key_keeps_its_id_and_scopes_and_loses_its_text(open_world: OpenWorld) -> None:
    world = open_world()
    make(world)
    old = world.add_key("acme", ["returns"])
    new = world.rotate_key("acme", old.id)
    assert (new.id, new.scopes) == (old.id, old.scopes)
    assert new.text != old.text
    assert list(world.keys) == [new.text]


def test_the_id_of_a_revoked_key_is_not_given_again(open_world: OpenWorld) -> None:
    world = open_world()
    make(world)
    first = world.add_key("acme", [])
    world.revoke("acme", first.id)
    assert world.keys == {}
    assert world.add_key("acme", []).id != first.id


def test_a_key_of_another_shop_is_not_found(open_world: OpenWorld) -> None:
    world = open_world()
    make(world, "one")
    make(world, "two")
    world.add_key("one", [])
    with pytest.raises(Refusal) as refused:
        world.revoke("two", "1")
    assert refused.value.code == "key_not_found"


# shops


def test_a_name_is_taken_once(open_world: OpenWorld) -> None:
    world = open_world()
    make(world)
    with pytest.raises(Refusal) as refused:
        make(world)
    assert refused.value.code == "shop_exists"


@pytest.mark.parametrize("name", ["", "../x", "A", "a/b", "-a", "a" * 64, "a\n"])
def test_a_name_that_could_leave_the_folder_is_refused(open_world: OpenWorld, name: str) -> None:
    world = open_world()
    with pytest.raises(Invalid):
        world.create(name, settings=new_settings("x"), clock=Clock(shop_ms=START, wall_ms=START))


def test_a_reset_shop_has_its_first_data_and_keeps_its_keys(open_world: OpenWorld) -> None:
    world = open_world()
    shop = make(world)
    key = world.add_key("acme", ["returns"])
    names = orders_of(shop)
    shop.records.delete_order(next(shop.records.orders()).id)
    fresh = world.reset("acme")
    assert fresh is world.shops["acme"] is not shop
    assert orders_of(fresh) == names
    assert world.keys[key.text].shop == "acme"


def test_a_reset_shop_numbers_its_destinations_as_at_first(open_world: OpenWorld) -> None:
    world = open_world()
    first = make(world).settings.default_destination_id
    assert first is not None
    assert world.reset("acme").settings.default_destination_id == first


def test_a_reset_puts_a_clock_that_was_given_a_moment_back_there(open_world: OpenWorld, wall: Wall) -> None:
    world = open_world()
    make(world, mode="manual")
    make(world, "later", start=START + MINUTE)
    wall.ms += 5 * MINUTE
    assert to_ms(world.reset("acme").now(wall.ms)) == START
    assert to_ms(world.reset("later").now(wall.ms)) == START + MINUTE


def test_a_reset_lets_a_clock_that_followed_the_wall_follow_it_again(open_world: OpenWorld, wall: Wall) -> None:
    world = open_world()
    make(world)
    wall.ms += 5 * MINUTE
    assert to_ms(world.reset("acme").now(wall.ms)) == wall.ms


def test_a_copy_has_everything_and_shares_nothing(open_world: OpenWorld) -> None:
    world = open_world()
    shop = make(world)
    shop.records.put("note", 1, {"kept": True})
    copy = world.copy("acme", "twin")
    shop.records.delete("note", 1)
    assert copy.records.get("note", 1, dict) == {"kept": True}
    assert copy.settings == shop.settings
    assert world.keys_of("twin") == []


def test_a_copy_stands_at_the_time_of_the_first(open_world: OpenWorld, wall: Wall) -> None:
    world = open_world()
    shop = make(world, mode="manual")
    shop.set_clock(shop.clock.at(START + MINUTE, wall.ms))
    assert world.copy("acme", "twin").now(wall.ms) == shop.now(wall.ms)


def test_a_deleted_shop_leaves_no_file_and_no_key(open_world: OpenWorld, tmp_path: Path) -> None:
    world = open_world(tmp_path)
    make(world)
    world.add_key("acme", [])
    assert [path.name for path in (tmp_path / "shops").glob("*.db")] == ["acme.db"]
    world.delete("acme")
    assert list((tmp_path / "shops").iterdir()) == []
    assert (world.shops, world.keys) == ({}, {})
    make(world)


# folders


def test_a_folder_remembers_shops_and_keys(open_world: OpenWorld, tmp_path: Path) -> None:
    world = open_world(tmp_path / "new" / "folder")
    names = orders_of(make(world))
    key = world.add_key("acme", ["returns"], "wms")
    world.close()
    again = open_world(tmp_path / "new" / "folder")
    assert again.keys == {key.text: key}
    assert orders_of(again.shops["acme"]) == names


def test_clocks_stand_still_while_no_server_runs(open_world: OpenWorld, wall: Wall, tmp_path: Path) -> None:
    world = open_world(tmp_path)
    make(world)
    wall.ms += MINUTE
    world.close()
    wall.ms += 1000 * MINUTE
    shop = open_world(tmp_path).shops["acme"]
    assert to_ms(shop.now(wall.ms)) == START + MINUTE
    wall.ms += MINUTE
    assert to_ms(shop.now(wall.ms)) == START + 2 * MINUTE


def test_after_a_sudden_end_the_clock_goes_on_from_what_was_last_written(
    open_world: OpenWorld, wall: Wall, tmp_path: Path
) -> None:
    world = open_world(tmp_path)
    shop = make(world)
    touch(shop, START + 3 * MINUTE)
    # As a killed process leaves it: nothing is told to the shop, only its files and lock are let go.
    shop.connection.close()
    world._registry.close()
    assert world._folder is not None
    world._folder.close()
    world.shops.clear()
    wall.ms += 1000 * MINUTE
    assert to_ms(open_world(tmp_path).shops["acme"].now(wall.ms)) == START + 3 * MINUTE


def test_two_servers_never_share_a_folder(open_world: OpenWorld, tmp_path: Path) -> None:
    world = open_world(tmp_path)
    with pytest.raises(SetupError, match=r"Another loopsim .*--db"):
        open_world(tmp_path)
    world.close()
    open_world(tmp_path)


def test_a_folder_that_is_a_file_says_what_to_do(open_world: OpenWorld, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SetupError, match="choose another with --db"):
        open_world(tmp_path / "file")


def test_a_damaged_registry_is_left_as_it_is(open_world: OpenWorld, tmp_path: Path) -> None:
    open_world(tmp_path).close()
    (tmp_path / "registry.db").write_bytes(b"no database at all" * 500)
    before = (tmp_path / "registry.db").read_bytes()
    with pytest.raises(SetupError, match="cannot be read"):
        open_world(tmp_path)
    assert (tmp_path / "registry.db").read_bytes() == before


@pytest.mark.parametrize(
    "damage", ["update shops set settings = 'x'", "update keys set scopes = cast(x'ff' as text)", "drop table keys"]
)
def test_a_registry_that_makes_no_sense_is_told_of_and_nothing_is_written(
    open_world: OpenWorld, tmp_path: Path, damage: str
) -> None:
    world = open_world(tmp_path)
    make(world)
    world.add_key("acme", ["returns"])
    world.close()
    with closing(sqlite3.connect(tmp_path / "registry.db")) as connection, connection:
        connection.execute(damage)
    before = contents(tmp_path)
    with pytest.raises(SetupError, match="cannot be read"):
        open_world(tmp_path)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("left", [None, b""])
def test_shops_without_their_registry_are_not_begun_anew(
    open_world: OpenWorld, tmp_path: Path, left: bytes | None
) -> None:
    world = open_world(tmp_path)
    make(world)
    world.close()
    (tmp_path / "registry.db").unlink()
    if left is not None:
        (tmp_path / "registry.db").write_bytes(left)
    before = contents(tmp_path)
    with pytest.raises(SetupError, match="the registry that lists them is gone"):
        open_world(tmp_path)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("rubbish", [b"", b"rubbish" * 5000, b"SQLite format 3\0"])
def test_where_one_shop_is_damaged_no_file_is_written(open_world: OpenWorld, tmp_path: Path, rubbish: bytes) -> None:
    world = open_world(tmp_path)
    make(world)
    make(world, "zeta")
    world.close()
    (tmp_path / "shops" / "zeta.db").write_bytes(rubbish)
    before = contents(tmp_path)
    with pytest.raises(SetupError, match="The file of shop zeta cannot be read"):
        open_world(tmp_path)
    assert contents(tmp_path) == before


def test_a_newer_folder_is_not_opened(open_world: OpenWorld, tmp_path: Path) -> None:
    open_world(tmp_path).close()
    connection = sqlite3.connect(tmp_path / "registry.db")
    connection.execute("pragma user_version = 99")
    connection.close()
    (tmp_path / "registry.db.sum").unlink()
    with pytest.raises(SetupError, match="newer loopsim"):
        open_world(tmp_path)


def test_a_damaged_shop_keeps_the_folder_closed_and_unlocked(open_world: OpenWorld, tmp_path: Path) -> None:
    world = open_world(tmp_path)
    make(world)
    world.close()
    whole = (tmp_path / "shops" / "acme.db").read_bytes()
    (tmp_path / "shops" / "acme.db").write_bytes(b"rubbish" * 5000)
    with pytest.raises(SetupError, match="acme"):
        open_world(tmp_path)
    (tmp_path / "shops" / "acme.db").write_bytes(whole)
    assert "acme" in open_world(tmp_path).shops


def test_a_shop_whose_file_is_gone_is_named(open_world: OpenWorld, tmp_path: Path) -> None:
    world = open_world(tmp_path)
    make(world)
    world.close()
    (tmp_path / "shops" / "acme.db").unlink()
    with pytest.raises(SetupError, match=r"The file of shop acme is gone"):
        open_world(tmp_path)


def test_what_a_dead_server_left_half_made_does_not_spoil_a_new_shop(open_world: OpenWorld, tmp_path: Path) -> None:
    world = open_world(tmp_path)
    for suffix in ("", "-wal", "-shm"):
        (tmp_path / "shops" / f"acme.db{suffix}").write_bytes(b"left over" * 1000)
    assert orders_of(make(world))


def test_a_shop_that_cannot_be_written_down_is_not_there(
    open_world: OpenWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = open_world(tmp_path)

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(world._registry, "put_shop", full)
    with pytest.raises(sqlite3.OperationalError):
        make(world)
    assert world.shops == {}
    assert list((tmp_path / "shops").iterdir()) == []


def test_a_reset_that_cannot_be_written_leaves_the_shop_as_it_was(
    open_world: OpenWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = open_world(tmp_path)
    before = make(world)
    kept = before.pages()

    def full(*_: object, **__: object) -> Shop:
        raise OSError("No space left on device")

    monkeypatch.setattr(Shop, "create", full)
    with pytest.raises(OSError, match="No space"):
        world.reset("acme")
    assert world.shop("acme") is before
    assert before.pages() == kept


def test_shops_of_one_seed_share_no_ids_and_a_shop_alone_has_those_of_its_seed(open_world: OpenWorld) -> None:
    world, another = open_world(), open_world()
    alone = make(another, "later")
    shops = [make(world, name) for name in ("one", "two", "three")]
    blocks = [shop.settings.id_block for shop in shops]
    assert len(set(blocks)) == 3
    assert len({shop.settings.id for shop in shops}) == 3
    assert (alone.settings.id_block, alone.settings.id) == (blocks[0], shops[0].settings.id)
