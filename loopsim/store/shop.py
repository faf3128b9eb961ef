"""A shop is a database: one SQLite file, or one in memory, with one connection that this process alone uses.

A fresh shop is a copy of a prepared template's pages; reset does the same again; a copy of a shop copies its pages. The
connection is used from the event loop's thread only: a thread per call would cost more than half the throughput.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, TypeVar

from loopsim.clock import Clock, from_ms, to_ms
from loopsim.domain.shop import Settings
from loopsim.errors import Damaged, SetupError
from loopsim.store.codec import decode, encode
from loopsim.store.folder import check_database
from loopsim.store.journal import Journal
from loopsim.store.kept import KeptAnswers
from loopsim.store.records import Records
from loopsim.store.resources import Kind
from loopsim.store.soundness import first_damage, is_sealed
from loopsim.store.timers import next_due_ms
from loopsim.store.transaction import Transaction

SCHEMA_VERSION = 4
CHECKPOINT_EVERY = 20_000  # pages, 80 MB: each checkpoint waits for the disk, and writes a page once that changed often
PAGE_SIZE = 4096  # what a commit writes are whole pages: larger ones make it up to 1.4 times as slow
MOST_READ, LARGEST_READ = 500, 2048  # resources of a kind that are remembered, and bytes of one
Durability = Literal["process", "power"]
T = TypeVar("T")
_ROLLBACK, _WRITE_AHEAD = b"\x01", b"\x02"


def _connect(path: Path | None, durability: Durability) -> sqlite3.Connection:
    connection = sqlite3.connect(
        ":memory:" if path is None else path, isolation_level=None, cached_statements=256, check_same_thread=False
    )
    if path is not None:
        # Nobody else may open it, and no read has to ask for a lock.
        connection.execute("pragma locking_mode = exclusive")
        connection.execute("pragma journal_mode = wal")
        connection.execute(_synchronous(durability))
        connection.execute("pragma cache_size = -2000")
        connection.execute(f"pragma wal_autocheckpoint = {CHECKPOINT_EVERY}")
    connection.execute("pragma temp_store = memory")
    # Debian's SQLite overwrites with zeros whatever is deleted: a page to write for each that is freed.
    connection.execute("pragma secure_delete = off")
    return connection


def _synchronous(durability: Durability) -> str:
    return f"pragma synchronous = {'full' if durability == 'power' else 'normal'}"


def blank_pages() -> bytes:
    """The pages of a shop that holds nothing but the schema."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute(f"pragma page_size = {PAGE_SIZE}")
    connection.executescript(Path(__file__).with_name("schema.sql").read_text("utf-8"))
    pages = connection.serialize()
    connection.close()
    return pages


def _marked(pages: bytes, journal: bytes) -> bytes:
    """The pages of a database, as its header says how its changes are journaled."""
    return pages[:18] + journal * 2 + pages[20:]


def _write_pages(path: Path, pages: bytes, durability: Durability) -> None:
    # Marked as what it becomes: to have SQLite change that costs a millisecond of waiting for the disk.
    path.write_bytes(_marked(pages, _WRITE_AHEAD))
    if durability == "power":
        with path.open("rb+") as file:
            os.fsync(file.fileno())


class Shop:
    """One shop, open. `settings`, `clock`, `counters` mirror what the database holds. `changes` counts the commits
    since it was opened; `few` holds the records of kinds that are read all the time (`kept`), `read` resources
    (`kept_resource`). `busy` is there while a long transaction has the connection, and set at its end: until then
    nobody else may use the shop. `gone` is set when it was deleted or another has taken its place.
    """

    def __init__(self, name: str, connection: sqlite3.Connection, path: Path | None) -> None:
        self.name = name
        self.path = path
        self.connection = connection
        row = connection.execute("select version, settings, clock, now, counters from shop").fetchone()
        version, settings, clock, now, counters = row
        if version != SCHEMA_VERSION:
            raise SetupError(
                f"Shop {name} was written by another version of loopsim (its format is {version}, this one reads"
                f" {SCHEMA_VERSION}). Start the loopsim that wrote it, or choose another --db folder."
            )
        self.settings: Settings = decode(Settings, settings)
        self.clock: Clock = decode(Clock, clock)
        self.last_ms: int = now
        self.counters: dict[str, int] = decode(dict, counters)
        self.records = Records(connection)
        self.journal = Journal(connection)
        self.changes = 0
        self.few: dict[str, list[Any]] = {}
        self.read: dict[str, dict[int, Any]] = {}
        self.answers = KeptAnswers(None if path is None else path.parent)
        self.busy: asyncio.Event | None = None
        self.gone = asyncio.Event()
        self._together, self._separable = False, True

    # opening and copying

    @classmethod
    def create(
        cls,
        name: str,
        path: Path | None,
        pages: bytes,
        settings: Settings,
        clock: Clock,
        durability: Durability = "process",
    ) -> Shop:
        """A new shop from a template's pages."""
        if path is not None:
            _write_pages(path, pages, durability)
        connection = _connect(path, durability)
        if path is None:
            connection.deserialize(pages)
        if durability != "power":
            # Its pages are not on the disk yet, so the log of them need not be waited for either.
            connection.execute("pragma synchronous = off")
        connection.execute(
            "insert into shop (one, version, settings, clock, now, counters) values (1, ?, ?, ?, ?, '{}')"
            " on conflict (one) do update set settings = excluded.settings, clock = excluded.clock, now = excluded.now",
            (SCHEMA_VERSION, encode(settings), encode(clock), clock.shop_ms),
        )
        connection.execute(_synchronous(durability))
        return cls(name, connection, path)

    @classmethod
    def open(cls, name: str, path: Path, durability: Durability = "process") -> Shop:
        """A shop that is there. Raises `SetupError` for a file that is no shop, is damaged or newer."""
        try:
            sealed = is_sealed(path)
            check_database(path, "select version from shop")
            connection = _connect(path, durability)
            try:
                shop = cls(name, connection, path)
                if not sealed and (broken := first_damage(connection)):
                    raise Damaged(f"{broken} is damaged")
                return shop
            except BaseException:
                connection.close()
                raise
        except (sqlite3.DatabaseError, TypeError, ValueError) as error:
            raise SetupError(
                f"The file of shop {name} cannot be read ({error}). It was left as it is: move it away, or choose"
                " another --db folder."
            ) from error

    def pages(self) -> bytes:
        """All pages of the shop, as a template for others."""
        self.journal.flush()
        if self.path is None:
            return self.connection.serialize()
        copy = sqlite3.connect(":memory:", isolation_level=None)
        self.connection.backup(copy)
        copy.execute("pragma journal_mode = memory")
        pages = copy.serialize()
        copy.close()
        # A copied WAL database says so in its header, and such pages cannot be opened in memory.
        return _marked(pages, _ROLLBACK)

    def close(self) -> None:
        """Write what waits and let go of the file."""
        with suppress(sqlite3.Error):
            self.journal.flush()
        self.answers.close()
        self.connection.close()

    def damaged(self) -> Damaged:
        """What to raise when something of the shop cannot be read: it says what that is."""
        where = f" ({self.path})" if self.path is not None else ""
        broken = first_damage(self.connection) or "What was stored"
        return Damaged(
            f"{broken[0].upper()}{broken[1:]} of shop {self.name}{where} is damaged and cannot be read. Reset the shop,"
            " or stop the server and put back a copy of its file."
        )

    def discard(self) -> None:
        """Let go of a file that goes too: nothing of it has to reach the disk."""
        self.gone.set()
        self.journal.wake()
        with suppress(sqlite3.Error):
            self.connection.execute("pragma synchronous = off")
        self.answers.close()
        self.connection.close()

    # time

    def now_ms(self, wall_ms: int) -> int:
        """The shop's time in milliseconds when the wall shows `wall_ms`; never before what was last written."""
        return max(self.last_ms, self.clock.now_ms(wall_ms))

    def now(self, wall_ms: int) -> datetime:
        """The same as a moment."""
        return from_ms(self.now_ms(wall_ms))

    def set_clock(self, clock: Clock) -> None:
        """Keep another clock."""
        self.connection.execute("update shop set clock = ?", (encode(clock),))
        self.clock = clock

    def set_settings(self, settings: Settings) -> None:
        """Keep other settings; wire bytes made under the old ones are forgotten."""
        self.connection.execute("update shop set settings = ?", (encode(settings),))
        self.connection.execute("update returns set details = null where details is not null")
        self.connection.execute("delete from list_rows")
        self.answers.clear()
        self.settings = settings

    def next_due_ms(self, without: Iterable[str] = ()) -> int | None:
        """When the next timer falls due, not counting some kinds, in milliseconds of the shop's clock."""
        return next_due_ms(self.connection, without)

    def kept(self, kind: str, type_: type[T]) -> list[T]:
        """All records of a kind that is asked for all the time, as they were committed last. Not to be changed: it is
        the same list until one of them is."""
        found = self.few.get(kind)
        if found is None:
            found = self.few[kind] = self.records.all(kind, type_)
        return found

    def kept_resource(self, kind: Kind, id_: int, type_: type[T]) -> T | None:
        """A resource as it was committed last: a merchant's orders are about the same goods again and again."""
        read = self.read.setdefault(kind, {})
        found: T | None = read.get(id_)
        if found is None and (doc := self.records.resource_doc(kind, id_)) is not None:
            found = decode(type_, doc)
            if len(doc) <= LARGEST_READ:
                if len(read) >= MOST_READ:
                    read.clear()
                read[id_] = found
        return found

    # changing

    @contextmanager
    def transaction(self, now: datetime) -> Iterator[Transaction]:
        """Everything done in the block commits together; an exception undoes it all, ids and settings included. Within
        `one_commit` it is that which commits."""
        transaction = Transaction(self, now)
        settings = self.settings
        alone, separable = not self._together, self._separable
        if separable:
            self.connection.execute("begin immediate" if alone else "savepoint one")
        try:
            yield transaction
            ms = max(self.last_ms, to_ms(now))
            if alone:
                self._commit(ms, transaction.counters)
            elif separable:
                self.connection.execute("release one")
        except BaseException as error:
            self.settings = settings
            if separable:
                with suppress(sqlite3.Error):
                    self.connection.execute("rollback" if alone else "rollback to one")
            if not alone and not self.connection.in_transaction:
                # Where memory runs out, SQLite undoes all of it.
                raise sqlite3.OperationalError("those before it were undone as well") from error
            raise
        self.last_ms = ms
        self.counters = transaction.counters
        self.changes += 1
        if transaction.returns_changed:
            self.answers.clear()
        for kind in transaction.written:
            self.few.pop(kind, None)
            self.read.pop(kind, None)

    @contextmanager
    def one_commit(self, *, separable: bool = True) -> Iterator[None]:
        """Transactions in the block share one commit: each that raises is undone alone, and all of them are where the
        block raises or the commit fails. Nothing else may use the shop meanwhile.

        To be separable each needs a savepoint, and SQLite then copies every page before it changes it. Without, what
        one that raises had changed (`rows_changed`) stands until the block raises.
        """
        before = self.settings, self.last_ms, self.counters
        self.connection.execute("begin immediate")
        self._together, self._separable = True, separable
        try:
            yield
            self._commit(self.last_ms, self.counters)
        except BaseException:
            self.settings, self.last_ms, self.counters = before
            self.few.clear()
            self.read.clear()
            with suppress(sqlite3.Error):
                self.connection.execute("rollback")
            raise
        finally:
            self._together, self._separable = False, True

    def rows_changed(self) -> int:
        """How many rows were changed since the shop was opened, undone or not."""
        return self.connection.total_changes

    def _commit(self, ms: int, counters: dict[str, int]) -> None:
        self.connection.execute("update shop set now = ?, counters = ?", (ms, encode(counters)))
        self.connection.execute("commit")

    @contextmanager
    def long_transaction(self, now: datetime) -> Iterator[Transaction]:
        """A transaction for work that gives the event loop turns in between: the shop is `busy` until it ends."""
        with self.transaction(now) as transaction:
            self.busy = ended = asyncio.Event()
            try:
                yield transaction
                # What was numbered meanwhile, without the database, must not be numbered again.
                for name, count in self.counters.items():
                    transaction.counters[name] = max(count, transaction.counters.get(name, 0))
            finally:
                self.busy = None
                ended.set()
