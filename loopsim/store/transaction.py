"""One transaction on one shop: records, ids, events, timers, deliveries, all committed together or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from loopsim.clock import from_ms, to_ms
from loopsim.domain.events import Event, LedgerEntry, Moved, Timer
from loopsim.domain.returns import Return
from loopsim.domain.shop import Settings, own_block
from loopsim.store.codec import decode, encode
from loopsim.store.deliveries import Delivery
from loopsim.store.records import Records
from loopsim.store.resources import Kind

if TYPE_CHECKING:
    from loopsim.store.shop import Shop

# Where the ids of a kind begin, and how many of them a shop's own block has. Loop's ids are small rising integers per
# kind; a block is larger than what a shop makes, so that shops never share an id.
ID_BLOCKS = {
    "webhook": (40_000, 1_000), "destination": (42_000, 1_000), "note": (5_000_000, 10_000),
    "draft_return": (40, 1_000), "draft_item": (40, 1_000),
}  # fmt: skip
OTHER_IDS = (100_000_000, 100_000)
# Kinds whose records every event or submit asks for, and that seldom change.
FEW = frozenset({"webhook", "fault", "blocklist", "allowlist", "destination"})
T = TypeVar("T")


def first_id(settings: Settings, kind: str) -> int:
    """The number just before the first id of a kind in a shop with these settings."""
    block = settings.id_block or own_block(settings.seed)
    base, size = ID_BLOCKS.get(kind, OTHER_IDS)
    return base + block * size


class Transaction(Records):
    """What an operation works with. `now` is the shop's time, the same for the whole transaction.

    `events`, `moves`, `deliveries` and `timers_changed` are read by `operations.perform` after the operation returned.
    """

    def __init__(self, shop: Shop, now: datetime) -> None:
        super().__init__(shop.connection)
        self.shop = shop
        self.settings = shop.settings
        self.now = now
        self.events: list[Event] = []
        self.moves: list[Moved] = []
        self.deliveries: list[Delivery] = []
        self.timers_changed = False
        self.written: set[str] = set()
        self._counters = dict(shop.counters)
        self.settings_changed = False
        self.returns_changed = False

    @property
    def counters(self) -> dict[str, int]:
        """The id counters as this transaction leaves them."""
        return self._counters

    def next_id(self, kind: str) -> int:
        """The next id of a kind: an integer that rises by one, from a start that the seed (or the id block) gives."""
        count = self._counters.get(kind, 0) + 1
        self._counters[kind] = count
        return self.first_id(kind) + count

    def first_id(self, kind: str) -> int:
        """The number just before the first id of a kind."""
        return first_id(self.settings, kind)

    def take_id(self, kind: str, used: int) -> None:
        """Never give `used` (or less) out again as an id of this kind; imports bring ids of their own."""
        self._counters[kind] = max(self._counters.get(kind, 0), used - self.first_id(kind))

    def count(self, name: str) -> int:
        """The next number of a plain counter: 1, 2, 3 and so on."""
        value = self._counters.get(name, 0) + 1
        self._counters[name] = value
        return value

    def all(self, kind: str, type_: type[T]) -> list[T]:
        """All records of a kind; from memory where that is safe."""
        if kind not in FEW or kind in self.written:
            return super().all(kind, type_)
        return self.shop.kept(kind, type_).copy()

    def put(self, kind: str, id_: object, record: object) -> None:
        """Add or replace a record."""
        self.written.add(kind)
        super().put(kind, id_, record)

    def delete(self, kind: str, id_: object) -> bool:
        """Remove a record; whether there was one."""
        self.written.add(kind)
        return super().delete(kind, id_)

    def resource(self, kind: Kind, id_: int, type_: type[T]) -> T | None:
        """The resource of a kind with Loop's id; from memory where that is safe."""
        if kind in self.written:
            return super().resource(kind, id_, type_)
        return self.shop.kept_resource(kind, id_, type_)

    def put_resource(
        self, kind: Kind, id_: int, record: object, external_id: str | None = None, parent: int | None = None
    ) -> None:
        """Add or replace a resource. Raises `Refusal("external_id_taken")`."""
        self.written.add(kind)
        super().put_resource(kind, id_, record, external_id, parent)

    def delete_resource(self, kind: Kind, id_: int) -> None:
        """Remove a resource."""
        self.written.add(kind)
        super().delete_resource(kind, id_)

    def put_return(self, return_: Return) -> None:
        """Add or replace a return."""
        self.returns_changed = True
        super().put_return(return_)

    def delete_return(self, return_id: int) -> None:
        """Remove a return with everything of it."""
        self.returns_changed = True
        for kind in ("dropped_off", "fraud_report"):
            self.delete(kind, return_id)
        for id_, shipment in self.items("ship_by_loop", dict):
            if shipment["return_id"] == return_id:
                self.delete("ship_by_loop", id_)
        super().delete_return(return_id)

    def emit(self, *events: Event) -> None:
        """Tell subscribers: `perform` renders and queues the payloads in this same transaction."""
        self.events.extend(events)

    def moved(self, entity: str, return_id: int, state: str, action: str, to: str) -> None:
        """Let the journal say that something took a step in its lifecycle."""
        self.moves.append(Moved(entity, return_id, state, action, to))

    def schedule(self, *timers: Timer) -> None:
        """Let something happen later on the shop's clock."""
        for timer in timers:
            self.connection.execute(
                "insert into timers (due, id, kind, entity, data) values (?, ?, ?, ?, ?)",
                (to_ms(timer.due), self.count("timer"), timer.kind, timer.entity, encode(timer.data)),
            )
            self.timers_changed = True

    def cancel_timers(self, entity: int, *kinds: str) -> None:
        """Forget the timers of an entity that are of these kinds."""
        marks = ",".join("?" * len(kinds))
        self.connection.execute(f"delete from timers where entity = ? and kind in ({marks})", (entity, *kinds))
        self.timers_changed = True

    def timers_of(self, entity: int, *kinds: str) -> list[Timer]:
        """What of these kinds is scheduled for an entity, soonest first."""
        rows = self.connection.execute(
            "select kind, due, data from timers where entity = ? order by due, id", (entity,)
        )
        return [Timer(kind, from_ms(due), entity, decode(dict, data)) for kind, due, data in rows if kind in kinds]

    def enter(self, *entries: LedgerEntry) -> None:
        """Write down what Loop did on the shop's platform."""
        for entry in entries:
            self.connection.execute(
                "insert into ledger (at, return_id, kind, doc) values (?, ?, ?, ?)",
                (to_ms(self.now), entry.return_id, entry.kind, encode(entry.data)),
            )

    def add_payload(self, body: bytes) -> int:
        """Keep the bytes of a payload; several deliveries may refer to them."""
        cursor = self.connection.execute("insert into payloads (body) values (?)", (body,))
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def add_delivery(
        self, subscription_id: int, event: Event, topic: str, payload_id: int, fault: bytes | None = None
    ) -> Delivery:
        """Queue one delivery of an event; it goes out after the commit."""
        return_id = None if event.subject is None else event.subject.id
        return self.queue_delivery(subscription_id, return_id, topic, event.trigger, payload_id, fault)

    def queue_delivery(
        self,
        subscription_id: int,
        return_id: int | None,
        topic: str,
        trigger: str,
        payload_id: int,
        fault: bytes | None,
    ) -> Delivery:
        """Queue one delivery; it goes out after the commit."""
        cursor = self.connection.execute(
            "insert into deliveries (subscription_id, return_id, topic, trigger, payload_id, state, created_at, fault)"
            " values (?, ?, ?, ?, ?, 'queued', ?, ?)",
            (subscription_id, return_id, topic, trigger, payload_id, to_ms(self.now), fault),
        )
        assert cursor.lastrowid is not None
        delivery = Delivery(
            id=cursor.lastrowid,
            subscription_id=subscription_id,
            return_id=return_id,
            topic=topic,
            trigger=trigger,
            payload_id=payload_id,
            state="queued",
            attempts=0,
            created_at=self.now,
            fault=None if fault is None else decode(dict, fault),
        )
        self.deliveries.append(delivery)
        return delivery

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """What is done in the block is undone alone where it raises; ids that it used up stay used."""
        self.connection.execute("savepoint attempt")
        try:
            yield
        except BaseException:
            self.connection.execute("rollback to attempt")
            raise
        finally:
            self.connection.execute("release attempt")

    def set_switch(self, name: str, value: int) -> None:
        """Set a counted switch of the shop (`payment_fails`, `processing_fails`): how often it will still act."""
        self.put("switch", name, value)

    def use_switch(self, name: str) -> bool:
        """Use up one of a counted switch; whether it was on."""
        left = self.get("switch", name, int) or 0
        if left > 0:
            self.put("switch", name, left - 1)
        return left > 0
