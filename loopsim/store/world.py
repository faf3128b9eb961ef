"""All shops of one server, and the API keys that open them; in memory, or in a folder.

    DIR/loopsim.lock    held while a server uses the folder
    DIR/registry.db     which shops there are, how each began, their keys
    DIR/shops/NAME.db   one database per shop

Shops share nothing. A shop's clock stands still while no server has the folder open.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from msgspec import structs

from loopsim import clock as clocks
from loopsim.clock import Clock, Wall, from_ms
from loopsim.domain import chance
from loopsim.domain.durations import DURATIONS
from loopsim.domain.shop import LAST_BLOCK, Settings, own_block
from loopsim.errors import Invalid, Refusal, SetupError
from loopsim.store.codec import encode
from loopsim.store.folder import Folder, check_writable
from loopsim.store.registry import Key as Key
from loopsim.store.registry import Origin, Registry
from loopsim.store.shop import Durability, Shop
from loopsim.store.soundness import seal, unseal
from loopsim.store.worlds import DEFAULT_WORLD, add_destinations, load_head, template_pages

OAUTH_KINDS = ("oauth_client", "oauth_code", "oauth_access", "oauth_refresh")
LIVES = {"oauth_code": "oauth_code", "oauth_access": "oauth_token"}
"""What of it ends by itself, and by which of the durations."""
SHOP_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}", re.ASCII)


def new_settings(name: str, *, seed: int = 1, world: str = DEFAULT_WORLD, **own: Any) -> Settings:
    """The settings of a new shop of a world; `own` overrides. What nobody chose is a function of the seed.

    The webhook secret is 16 hex digits, as Loop's look. Raises `SetupError` where there is no such world.
    """
    chosen = {"secret": f"{chance.draw(seed, 'secret'):016x}", **own}
    id_ = chance.between(10_000, 99_999, seed, "shop")
    return load_head(world).settings(id=id_, subdomain=name.replace("_", "-"), seed=seed, **chosen)


class World:
    """Every shop of a server by name (`shops`), and every key by its text (`keys`); only the methods change them.

    Raises `SetupError` for a folder that cannot be used: held by another server, not writable, full, damaged, or newer.
    """

    def __init__(
        self,
        folder: Path | None = None,
        durability: Durability = "process",
        *,
        wall: Wall = clocks.wall,
    ) -> None:
        self._wall = wall
        self._durability: Durability = durability
        self.shops: dict[str, Shop] = {}
        self.keys: dict[str, Key] = {}
        self._folder = None if folder is None else Folder(folder)
        self._writing = False
        self._registry = self._open_registry()
        try:
            self._origins = self._registry.origins()
            for name, origin in self._origins.items():
                self.shops[name] = self._open(name, origin)
            self.keys = {key.text: key for key in self._registry.all_keys()}
            # Only now: where one of them is no good, none is written to.
            self._writing = self._folder is not None
            for path in self._paths():
                unseal(path)
            for write in (_check_writable, self._resume):
                for shop in self.shops.values():
                    _writing(shop, write)
        except BaseException:
            self._let_go()
            raise

    def _open_registry(self) -> Registry:
        if self._folder is None:
            return Registry(None)
        try:
            self._folder.check()
            return Registry(self._folder.registry, durable=self._durability == "power")
        except BaseException:
            self._folder.close()
            raise

    def _open(self, name: str, origin: Origin) -> Shop:
        file = self._file(origin.file)
        assert file is not None
        if not file.is_file():
            raise SetupError(f"The file of shop {name} is gone ({file}). Put it back, or choose another --db folder.")
        return Shop.open(name, file, self._durability)

    def _resume(self, shop: Shop) -> None:
        row = shop.connection.execute("select at from journal order by id desc limit 1").fetchone()
        shop.last_ms = max(shop.last_ms, row[0] if row else 0)
        shown = max(shop.last_ms, shop.clock.shop_ms)
        shop.set_clock(structs.replace(shop.clock, shop_ms=shown, wall_ms=clocks.in_ms(self._wall)))

    # shops

    def shop(self, name: str) -> Shop:
        """The shop of this name; raises `Refusal("shop_not_found")`."""
        shop = self.shops.get(name)
        if shop is None:
            raise Refusal("shop_not_found", shop=name)
        return shop

    def create(self, name: str, *, settings: Settings, clock: Clock, world: str | None = None) -> Shop:
        """A new shop of a world (`settings.world`, where none is named), which its resets begin from again.

        Raises `Invalid` for a name that cannot be one, and `Refusal("shop_exists")`.
        """
        self._need_free(name)
        settings = self._apart(name, settings)
        origin = Origin(f"{name}.db", settings, clock, world or settings.world)
        return self._add(name, origin, _fresh_pages(origin), settings, clock, fresh=True)

    def _apart(self, name: str, settings: Settings) -> Settings:
        """The settings with ids that no other shop here gives out: the seed's own block, or the next that is free.
        A block that was asked for is taken at its word."""
        others = [shop.settings for other, shop in self.shops.items() if other != name]
        ids, blocks = {other.id for other in others}, {other.id_block for other in others}
        id_, block = settings.id, settings.id_block or own_block(settings.seed)
        while id_ in ids:
            id_ += 1
        while not settings.id_block and block in blocks:
            block = block % LAST_BLOCK + 1
        return structs.replace(settings, id=id_, id_block=block)

    def copy(self, name: str, new: str) -> Shop:
        """A second shop with everything the first has but its keys. Its resets begin where the first's do."""
        source = self.shop(name)
        self._need_free(new)
        clock = source.clock.at(source.last_ms, clocks.in_ms(self._wall))
        origin = self._origins[name]._replace(file=f"{new}.db")
        return self._add(new, origin, source.pages(), source.settings, clock, fresh=False)

    def reset(self, name: str) -> Shop:
        """The shop as it began, with the keys it has now. It is another object than before."""
        self.shop(name)
        origin = self._origins[name]
        return self._begin_anew(name, origin, _first_clock(origin.clock, clocks.in_ms(self._wall)))

    def replace(self, name: str, *, settings: Settings, clock: Clock) -> Shop:
        """Another shop of the world `settings.world` in the place of this one, with the keys and the webhook secret
        that it has now. Its resets begin from there."""
        secret = self.shop(name).settings.secret
        settings = structs.replace(self._apart(name, settings), secret=secret)
        return self._begin_anew(name, Origin(f"{name}.db", settings, clock, settings.world), clock)

    def _begin_anew(self, name: str, begins: Origin, clock: Clock) -> Shop:
        old, before = self.shops[name], self._origins[name]
        # In a file of its own until the registry names it: whoever dies in between leaves one whole shop or the other.
        origin = begins._replace(file=f"{name}.db" if before.file != f"{name}.db" else f"{name}~.db")
        shop = self._create(name, origin, _fresh_pages(origin), origin.settings, clock)
        try:
            _numbered(shop, origin)
            _keep_oauth(old, shop)
            self._registry.put_shop(name, origin)
        except BaseException:
            shop.close()
            self._remove(origin)
            raise
        self._origins[name], self.shops[name] = origin, shop
        old.discard()
        self._remove(before)
        return shop

    def delete(self, name: str) -> None:
        """Remove a shop and its keys."""
        shop = self.shop(name)
        origin = self._origins.pop(name)
        self._registry.delete_shop(name)
        self.keys = {text: key for text, key in self.keys.items() if key.shop != name}
        del self.shops[name]
        shop.discard()
        self._remove(origin)

    def _add(self, name: str, origin: Origin, pages: bytes, settings: Settings, clock: Clock, *, fresh: bool) -> Shop:
        shop = self._create(name, origin, pages, settings, clock)
        try:
            if fresh:
                _numbered(shop, origin)
            self._registry.put_shop(name, origin)
        except BaseException:
            shop.close()
            self._remove(origin)
            raise
        self._origins[name] = origin
        self.shops[name] = shop
        return shop

    def _create(self, name: str, origin: Origin, pages: bytes, settings: Settings, clock: Clock) -> Shop:
        # A server that died between file and registry left a log; it would spoil the pages of the new file.
        self._remove(origin)
        try:
            return Shop.create(name, self._file(origin.file), pages, settings, clock, self._durability)
        except BaseException:
            self._remove(origin)
            raise

    def _need_free(self, name: str) -> None:
        if SHOP_NAME.fullmatch(name) is None:
            raise Invalid({"name": ["A shop's name has 1 to 63 lower-case letters, digits, dashes or underscores."]})
        if name in self.shops:
            raise Refusal("shop_exists", shop=name)

    # keys

    def keys_of(self, name: str) -> list[Key]:
        """The keys of a shop, oldest first."""
        return sorted((key for key in self.keys.values() if key.shop == name), key=lambda key: int(key.id))

    def key(self, name: str, key_id: str) -> Key:
        """The key of a shop with this id; raises `Refusal("key_not_found")`."""
        for key in self.keys.values():
            if key.shop == name and key.id == key_id:
                return key
        raise Refusal("key_not_found", shop=name, key_id=key_id)

    def add_key(self, name: str, scopes: Iterable[str], label: str = "") -> Key:
        """A new key for a shop."""
        self.shop(name)
        number = self._registry.last_key(name) + 1
        return self._put_key(Key(self._key_text(name, number), str(number), name, frozenset(scopes), label), number)

    def rotate_key(self, name: str, key_id: str) -> Key:
        """Give a key another text; the old one opens nothing from now on."""
        old = self.key(name, key_id)
        number = self._registry.last_key(name) + 1
        new = self._put_key(structs.replace(old, text=self._key_text(name, number)), number)
        del self.keys[old.text]
        return new

    def set_scopes(self, name: str, key_id: str, scopes: Iterable[str]) -> Key:
        """Let a key open other operations than before."""
        old = self.key(name, key_id)
        return self._put_key(structs.replace(old, scopes=frozenset(scopes)), self._registry.last_key(name))

    def revoke(self, name: str, key_id: str) -> None:
        """Take a key away."""
        key = self.key(name, key_id)
        self._registry.delete_key(key)
        del self.keys[key.text]

    def _put_key(self, key: Key, number: int) -> Key:
        self._registry.put_key(key, number)
        self.keys[key.text] = key
        return key

    def _key_text(self, name: str, number: int) -> str:
        # The name is in it, so that two shops of one seed have keys that differ.
        seed = self._origins[name].settings.seed
        halves = (chance.draw(seed, "key", f"{name}/{number}", half) for half in range(2))
        return "loop_test_" + "".join(f"{half:016x}" for half in halves)

    # files

    def _file(self, name: str) -> Path | None:
        return None if self._folder is None else self._folder.file(name)

    def _paths(self) -> list[Path]:
        """The files of all databases."""
        if self._folder is None:
            return []
        return [self._folder.registry, *(shop.path for shop in self.shops.values() if shop.path is not None)]

    def _remove(self, origin: Origin) -> None:
        if self._folder is not None:
            self._folder.remove(self._folder.file(origin.file))

    def close(self) -> None:
        """Keep every shop's time, close the shops, and let go of the folder."""
        wall_ms = clocks.in_ms(self._wall)
        for shop in self.shops.values():
            shown = shop.now_ms(wall_ms)
            with suppress(sqlite3.Error):
                shop.connection.execute("update shop set now = ?, counters = ?", (shown, encode(shop.counters)))
        self._let_go()

    def _let_go(self) -> None:
        for shop in self.shops.values():
            shop.close()
        self._registry.close()
        if self._writing:
            for path in self._paths():
                with suppress(OSError):
                    seal(path)
        self.shops.clear()
        self.keys.clear()
        if self._folder is not None:
            self._folder.close()


def _first_clock(clock: Clock, wall_ms: int) -> Clock:
    """The clock of a reset: one that was manual or given a moment starts there again, others follow the wall."""
    pinned = clock.mode == "manual" or clock.shop_ms != clock.wall_ms
    return structs.replace(clock, shop_ms=clock.shop_ms if pinned else wall_ms, wall_ms=wall_ms)


def _fresh_pages(origin: Origin) -> bytes:
    return template_pages(origin.world, from_ms(origin.clock.shop_ms).date())


def _numbered(shop: Shop, origin: Origin) -> Shop:
    """The shop with what its template leaves out because its ids are the shop's own."""
    add_destinations(shop, load_head(origin.world), from_ms(shop.last_ms))
    return shop


def _keep_oauth(old: Shop, new: Shop) -> None:
    """Let clients and tokens outlive a new beginning, as keys do. A token's time begins anew as well: the end that it
    had stands in another time, which may lie months away."""
    with new.transaction(from_ms(new.last_ms)) as transaction:
        for kind in OAUTH_KINDS:
            for id_, record in old.records.items(kind, dict):
                if kind in LIVES:
                    record["ends_ms"] = new.last_ms + DURATIONS[LIVES[kind]].low * 1000
                transaction.put(kind, id_, record)
        transaction.counters.update({name: count for name, count in old.counters.items() if name.startswith("oauth_")})


def _check_writable(shop: Shop) -> None:
    check_writable(shop.connection)


def _writing(shop: Shop, write: Callable[[Shop], None]) -> None:
    try:
        write(shop)
    except sqlite3.OperationalError as error:
        raise SetupError(
            f"{shop.path} cannot be written ({error}). Make room or give it rights, or choose another --db folder."
        ) from error
