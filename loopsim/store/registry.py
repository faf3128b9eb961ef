"""The registry of a server: which shops there are, how each began, and the API keys that open them.

One small SQLite database beside the shops (`DIR/registry.db`), or one in memory. How a shop began is kept so that a
reset can begin it again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

from loopsim.clock import Clock
from loopsim.domain.shop import Settings
from loopsim.errors import SetupError
from loopsim.store.codec import decode, encode
from loopsim.store.folder import check_database, check_writable
from loopsim.store.soundness import is_sealed

REGISTRY_VERSION = 1

_SCHEMA = """
create table shops (
  name text primary key,
  file text not null,
  settings blob not null,
  clock blob not null,
  world text not null,
  last_key integer not null default 0
) without rowid;
create table keys (
  shop text not null references shops (name) on delete cascade,
  id text not null,
  text text not null unique,
  scopes text not null,
  label text not null,
  primary key (shop, id)
) without rowid;
"""


class Key(Struct, frozen=True):
    """An API key of a shop. `text` is what clients send; `id` is no secret, counts up, and is never given again."""

    text: str
    id: str
    shop: str
    scopes: frozenset[str]
    label: str = ""


class Origin(NamedTuple):
    """How a shop began: its file's name, its first settings and clock, and the world it was filled from."""

    file: str
    settings: Settings
    clock: Clock
    world: str


class Registry:
    """The registry, open. Every method is one transaction."""

    def __init__(self, path: Path | None, *, durable: bool = False) -> None:
        self._path = path
        if path is not None and path.is_file():
            with self._reading():
                is_sealed(path)
                check_database(path)
        try:
            self._connection = sqlite3.connect(
                ":memory:" if path is None else path, isolation_level=None, check_same_thread=False
            )
            self._open(in_memory=path is None, durable=durable)
        except sqlite3.OperationalError as error:
            raise SetupError(
                f"The registry {path} cannot be opened or written ({error}). Make room or give it rights, or choose"
                " another --db folder."
            ) from error

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.DatabaseError, ValueError, TypeError, AttributeError) as error:
            raise SetupError(
                f"The registry {self._path} cannot be read ({error}). It was left as it is: put back a copy of it, or"
                " choose another --db folder."
            ) from error

    def _open(self, *, in_memory: bool, durable: bool) -> None:
        try:
            self._prepare(in_memory=in_memory, durable=durable)
        except BaseException:
            self._connection.close()
            raise

    def _prepare(self, *, in_memory: bool, durable: bool) -> None:
        connection = self._connection
        (version,) = connection.execute("pragma user_version").fetchone()
        if version > REGISTRY_VERSION:
            raise SetupError(
                f"The --db folder was written by a newer loopsim (its registry has format {version}, this one reads"
                f" {REGISTRY_VERSION}). Start that loopsim, or choose another --db folder."
            )
        if not in_memory:
            connection.execute("pragma journal_mode = wal")
            connection.execute(f"pragma synchronous = {'full' if durable else 'normal'}")
            # One that cannot be written is told of now, and not when somebody makes a shop.
            check_writable(connection)
        connection.execute("pragma foreign_keys = on")
        if version == 0:
            connection.executescript(f"begin immediate; {_SCHEMA} pragma user_version = {REGISTRY_VERSION}; commit;")

    def origins(self) -> dict[str, Origin]:
        """How each shop began, by name, in the order of names."""
        with self._reading():
            rows = self._connection.execute("select name, file, settings, clock, world from shops order by name")
            return {
                name: Origin(file, decode(Settings, settings), decode(Clock, clock), world)
                for name, file, settings, clock, world in rows
            }

    def put_shop(self, name: str, origin: Origin) -> None:
        """Add a shop, or say how one that is there began anew, and in which file."""
        self._connection.execute(
            "insert into shops (name, file, settings, clock, world) values (?, ?, ?, ?, ?)"
            " on conflict (name) do update set file = excluded.file, settings = excluded.settings,"
            " clock = excluded.clock, world = excluded.world",
            (name, origin.file, encode(origin.settings), encode(origin.clock), origin.world),
        )

    def delete_shop(self, name: str) -> None:
        """Forget a shop and its keys."""
        self._connection.execute("delete from shops where name = ?", (name,))

    def all_keys(self) -> list[Key]:
        """All keys, by shop and id."""
        with self._reading():
            rows = self._connection.execute(
                "select text, id, shop, scopes, label from keys order by shop, cast(id as integer)"
            )
            return [Key(text, id_, shop, frozenset(scopes.split()), label) for text, id_, shop, scopes, label in rows]

    def last_key(self, shop: str) -> int:
        """The number of the last key text that was made for a shop."""
        (last,) = self._connection.execute("select last_key from shops where name = ?", (shop,)).fetchone()
        return int(last)

    def put_key(self, key: Key, number: int) -> None:
        """Add a key, or give the one with this id another text or scopes. `number` is that of the newest text."""
        self._connection.execute("begin immediate")
        try:
            self._connection.execute(
                "insert or replace into keys (shop, id, text, scopes, label) values (?, ?, ?, ?, ?)",
                (key.shop, key.id, key.text, " ".join(sorted(key.scopes)), key.label),
            )
            self._connection.execute("update shops set last_key = ? where name = ?", (number, key.shop))
            self._connection.execute("commit")
        except BaseException:
            self._connection.execute("rollback")
            raise

    def delete_key(self, key: Key) -> None:
        """Forget a key."""
        self._connection.execute("delete from keys where shop = ? and id = ?", (key.shop, key.id))

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()
