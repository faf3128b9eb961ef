"""Reading and writing the records of one shop: a statement or two a method. What they mean is the domain's."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, TypeVar

from msgspec import Struct

from loopsim.clock import from_ms, to_ms
from loopsim.domain.labels import LabelRequest
from loopsim.domain.orders import Order, parts_of
from loopsim.domain.returns import Return
from loopsim.errors import Refusal
from loopsim.store.codec import decode, encode, pack, unpack
from loopsim.store.resources import LARGEST, Resources, fits
from loopsim.store.timers import RETURN_TIMERS

T = TypeVar("T")
WHOLE = "order by id"


def _seconds(moment: datetime) -> int:
    """Milliseconds of the whole second: Loop's timestamps have no finer grain, and cursors compare them."""
    return to_ms(moment) // 1000 * 1000


def _searched(order: Order) -> tuple[int, str, str | None]:
    """What an order is found by beside its id."""
    return order.provider_id, order.name, order.external_id


def _is_same(before: Order, order: Order) -> bool:
    """Whether an order is kept as it is, to the letter: merchants send theirs again and again."""
    return before == order and encode(before) == encode(order)


def _names_parts(order: Order) -> bool:
    """Whether the merchant's ids of an order's parts are kept: where it came from the merchant, not from a platform."""
    return order.external_id is not None or bool(order.said)


class _Page(Struct):
    """Of a return, where its status page is."""

    uuid: str


class Records(Resources):
    """The records of a shop, over its one connection."""

    # orders

    def order(self, order_id: int) -> Order | None:
        """The order with Loop's global id."""
        return self._order("id = ?", order_id)

    def order_by_provider(self, provider_id: int) -> Order | None:
        """The order with the platform's id."""
        found = self._order("provider_id = ? and provider_id <> id", provider_id)
        return found or self._order("id = ? and provider_id = id", provider_id)

    def orders_named(self, name: str) -> list[Order]:
        """Orders of this name, with or without the leading `#`, newest last."""
        bare = name.lstrip("#")
        rows = self.connection.execute(f"select doc from orders where name in (?, ?) {WHOLE}", (bare, f"#{bare}"))
        return [unpack(Order, doc) for (doc,) in rows]

    def orders(self, after: int = 0) -> Iterator[Order]:
        """All orders with an id above `after`, by id."""
        for (doc,) in self.connection.execute(f"select doc from orders where id > ? {WHOLE}", (after,)):
            yield unpack(Order, doc)

    def order_by_external(self, external_id: str) -> Order | None:
        """The order with the merchant's own id."""
        row = self.connection.execute("select doc from orders where external_id = ?", (external_id,)).fetchone()
        return None if row is None else unpack(Order, row[0])

    def order_page(
        self, limit: int, *, after: int | None = None, descending: bool = False, external_id: str | None = None
    ) -> list[Order]:
        """Up to `limit` orders by id, those that come after an id in the direction asked for."""
        where, values = "", list[int | str]()
        if external_id is not None:
            where, values = "external_id = ? and ", [external_id]
        comparison, order, bound = ("<", "desc", LARGEST) if descending else (">", "asc", -LARGEST)
        rows = self.connection.execute(
            f"select doc from orders where {where}id {comparison} ? order by id {order} limit ?",
            (*values, bound if after is None else after, limit),
        )
        return [unpack(Order, doc) for (doc,) in rows]

    def put_order(self, order: Order, before: Order | None = None) -> None:
        """Add or replace an order. `before`: the same order as it is kept, or without name and parts where it is not
        yet; None: it is looked for.

        Raises `Refusal("external_id_taken")` where another order has its merchant's id, or that of one of its lines or
        shipments.
        """
        names_parts = _names_parts(order)
        if before is None and names_parts:
            before = self.order(order.id)
        if before is not None and _is_same(before, order):
            return
        doc = pack(order)
        try:
            if before is None or _searched(before) != _searched(order):
                self.connection.execute(
                    "insert into orders (id, provider_id, name, external_id, doc) values (?, ?, ?, ?, ?)"
                    " on conflict (id) do update set provider_id = excluded.provider_id, name = excluded.name,"
                    " external_id = excluded.external_id, doc = excluded.doc",
                    (order.id, *_searched(order), doc),
                )
            else:
                # Columns that are written are indexed again, changed or not.
                self.connection.execute("update orders set doc = ? where id = ?", (doc, order.id))
            if names_parts:
                self._put_parts(order, before)
        except sqlite3.IntegrityError as error:
            raise Refusal("external_id_taken") from error

    def _put_parts(self, order: Order, before: Order | None) -> None:
        parts = parts_of(order)
        known = parts_of(before) if before is not None and _names_parts(before) else []
        if parts == known:
            return
        if known:
            self._forget_parts(known)
        self.connection.executemany(
            "insert into order_parts (kind, external_id, order_id) values (?, ?, ?)",
            [(kind, external_id, order.id) for kind, external_id in parts],
        )

    def _forget_parts(self, parts: list[tuple[str, str]]) -> None:
        self.connection.executemany("delete from order_parts where kind = ? and external_id = ?", parts)

    def owner_of_part(self, kind: str, external_id: str) -> int | None:
        """The order that has a line or shipment with the merchant's id."""
        row = self.connection.execute(
            "select order_id from order_parts where kind = ? and external_id = ?", (kind, external_id)
        ).fetchone()
        return None if row is None else int(row[0])

    def delete_order(self, order_id: int) -> None:
        """Remove an order; the merchant's ids of it and of its parts may be used again."""
        order = self.order(order_id)
        if order is not None and _names_parts(order):
            self._forget_parts(parts_of(order))
        self.connection.execute("delete from orders where id = ?", (order_id,))

    def _order(self, where: str, value: int) -> Order | None:
        if not fits(value):
            return None
        row = self.connection.execute(f"select doc from orders where {where}", (value,)).fetchone()
        return None if row is None else unpack(Order, row[0])

    # returns

    def return_(self, return_id: int) -> Return | None:
        """The return with this id."""
        if not fits(return_id):
            return None
        row = self.connection.execute("select doc from returns where id = ?", (return_id,)).fetchone()
        return None if row is None else unpack(Return, row[0])

    def need_return(self, return_id: int, refusal: str = "return_not_found") -> Return:
        """The return with this id; raises the refusal where there is none."""
        found = self.return_(return_id)
        if found is None:
            raise Refusal(refusal)
        return found

    def returns_of_order(self, order_id: int) -> list[Return]:
        """The returns of an order (global id), newest last."""
        rows = self.connection.execute(f"select doc from returns where order_id = ? {WHOLE}", (order_id,))
        return [unpack(Return, doc) for (doc,) in rows]

    def returns(self, after: int = 0, state: str | None = None, limit: int = -1) -> Iterator[Return]:
        """All returns with an id above `after`, or only those in a state, by id; at most `limit` (-1: all)."""
        rows = self.connection.execute(
            f"select doc from returns where id > ? and (? is null or state = ?) {WHOLE} limit ?",
            (after, state, state, limit),
        )
        for (doc,) in rows:
            yield unpack(Return, doc)

    def return_by_uuid(self, uuid: str) -> Return | None:
        """The return of a status page. It is looked for, newest first: nothing but pages asks."""
        for return_id, doc in self.connection.execute("select id, doc from returns order by id desc"):
            if unpack(_Page, doc).uuid == uuid:
                return self.return_(return_id)
        return None

    def returns_created(self, first: datetime, last: datetime) -> Iterator[Return]:
        """The returns that were made between two moments, oldest first; Loop's grain is the second."""
        rows = self.connection.execute(
            "select doc from returns where created_at between ? and ? order by created_at, id",
            (_seconds(first), to_ms(last)),
        )
        for (doc,) in rows:
            yield unpack(Return, doc)

    def returns_among(self, ids: Sequence[int]) -> list[int]:
        """Those of the ids that returns have."""
        marks = ",".join("?" * len(ids))
        return [id_ for (id_,) in self.connection.execute(f"select id from returns where id in ({marks}) {WHOLE}", ids)]

    def return_of_line(self, line_id: int) -> Return | None:
        """The return that has the unit row with this id."""
        return self._owner("units", "line_id", line_id)

    def return_of_label(self, label_id: int) -> Return | None:
        """The return that has the label with this id."""
        return self._owner("labels", "id", label_id)

    def owner_of_line(self, line_id: int) -> int | None:
        """The id of the return that has the unit row with this id."""
        return self._owner_id("units", "line_id", line_id)

    def _owner(self, table: str, column: str, id_: int) -> Return | None:
        owner = self._owner_id(table, column, id_)
        return None if owner is None else self.return_(owner)

    def _owner_id(self, table: str, column: str, id_: int) -> int | None:
        if not fits(id_):
            return None
        row = self.connection.execute(f"select return_id from {table} where {column} = ?", (id_,)).fetchone()
        return None if row is None else int(row[0])

    def put_return(self, return_: Return) -> None:
        """Add or replace a return; its wire bytes are made again when next asked for."""
        self.connection.execute(
            "insert into returns (id, state, created_at, updated_at, order_id, doc) values (?, ?, ?, ?, ?, ?)"
            " on conflict (id) do update set state = excluded.state, created_at = excluded.created_at,"
            " updated_at = excluded.updated_at, order_id = excluded.order_id, doc = excluded.doc, details = null",
            (
                return_.id,
                return_.state,
                _seconds(return_.created_at),
                _seconds(return_.updated_at),
                return_.order.id,
                pack(return_),
            ),
        )
        self.connection.execute("delete from list_rows where id = ?", (return_.id,))

    def delete_return(self, return_id: int) -> None:
        """Remove a return with its units, labels, notes and timers."""
        for table in ("units", "labels", "notes", "label_requests"):
            self.connection.execute(f"delete from {table} where return_id = ?", (return_id,))
        for table in ("returns", "list_rows"):
            self.connection.execute(f"delete from {table} where id = ?", (return_id,))
        marks = ",".join("?" * len(RETURN_TIMERS))
        own = f"delete from timers where entity = ? and kind in ({marks})"
        self.connection.execute(own, (return_id, *RETURN_TIMERS))

    def put_label(self, label_id: int, return_id: int) -> None:
        """Note which return a label belongs to."""
        self.connection.execute("insert or replace into labels (id, return_id) values (?, ?)", (label_id, return_id))

    # units

    def hold_units(self, return_id: int, units: Iterable[tuple[int, int, int]], held: bool = True) -> None:
        """Give (line id, order line id, unit) to a return. Raises `Refusal("unit_already_returned")` where another
        holds it.
        """
        rows = [(line_id, return_id, order_line_id, unit, int(held)) for line_id, order_line_id, unit in units]
        try:
            self.connection.executemany(
                "insert into units (line_id, return_id, order_line_id, unit, held) values (?, ?, ?, ?, ?)", rows
            )
        except sqlite3.IntegrityError as error:
            raise Refusal("unit_already_returned") from error

    def forget_units(self, line_ids: Iterable[int]) -> None:
        """Take unit rows away; their return will be given others."""
        self.connection.executemany("delete from units where line_id = ?", [(line,) for line in line_ids])

    def free_units(self, line_ids: Iterable[int]) -> None:
        """Let other returns have these units."""
        self.connection.executemany("update units set held = 0 where line_id = ?", [(line,) for line in line_ids])

    def held_units(self, order_line_ids: Iterable[int]) -> set[tuple[int, int]]:
        """The (order line id, unit) pairs that some return holds."""
        ids = list(order_line_ids)
        marks = ",".join("?" * len(ids))
        rows = self.connection.execute(
            f"select order_line_id, unit from units where held = 1 and order_line_id in ({marks})", ids
        )
        return {(line, unit) for line, unit in rows}

    # label requests

    def label_request(self, request_id: int) -> LabelRequest | None:
        """The label request with this id."""
        if not fits(request_id):
            return None
        row = self.connection.execute("select doc from label_requests where id = ?", (request_id,)).fetchone()
        return None if row is None else decode(LabelRequest, row[0])

    def label_requests_of(self, return_id: int) -> list[LabelRequest]:
        """The label requests of a return, oldest first."""
        rows = self.connection.execute(f"select doc from label_requests where return_id = ? {WHOLE}", (return_id,))
        return [decode(LabelRequest, doc) for (doc,) in rows]

    def find_label_requests(
        self,
        since: datetime | None,
        before: datetime | None,
        return_id: int | None,
        status: str | None,
        limit: int,
        offset: int,
    ) -> list[LabelRequest]:
        """Label requests that match every given condition, in the order they were made; `before` is exclusive."""
        where, values = ["1 = 1"], list[Any]()
        for column, comparison, value in (
            ("created_at", ">=", None if since is None else to_ms(since)),
            ("created_at", "<", None if before is None else to_ms(before)),
            ("return_id", "=", return_id),
            ("status", "=", status),
        ):
            if value is not None:
                where.append(f"{column} {comparison} ?")
                values.append(value)
        rows = self.connection.execute(
            f"select doc from label_requests where {' and '.join(where)} order by created_at, id limit ? offset ?",
            [*values, limit, offset],
        )
        return [decode(LabelRequest, doc) for (doc,) in rows]

    def put_label_request(self, request: LabelRequest) -> None:
        """Add or replace a label request."""
        self.connection.execute(
            "insert or replace into label_requests (id, return_id, status, created_at, doc) values (?, ?, ?, ?, ?)",
            (request.id, request.return_id, request.status, to_ms(request.created_at), encode(request)),
        )

    # notes

    def notes(self, return_id: int) -> list[tuple[int, str, datetime]]:
        """(id, content, created at) of a return's notes, newest first."""
        if not fits(return_id):
            return []
        rows = self.connection.execute(
            "select id, content, created_at from notes where return_id = ? order by id desc", (return_id,)
        )
        return [(id_, content, from_ms(at)) for id_, content, at in rows]

    def put_note(self, note_id: int, return_id: int, content: str, created_at: datetime) -> None:
        """Add a note to a return."""
        self.connection.execute(
            "insert into notes (id, return_id, content, created_at) values (?, ?, ?, ?)",
            (note_id, return_id, content, to_ms(created_at)),
        )

    # the rest, by kind

    def get(self, kind: str, id_: object, type_: type[T]) -> T | None:
        """The record of a kind with this id."""
        row = self.connection.execute("select doc from records where kind = ? and id = ?", (kind, str(id_))).fetchone()
        return None if row is None else decode(type_, row[0])

    def all(self, kind: str, type_: type[T]) -> list[T]:
        """All records of a kind; integer ids in their order."""
        rows = self.connection.execute(
            "select doc from records where kind = ? order by cast(id as integer), id", (kind,)
        )
        return [decode(type_, doc) for (doc,) in rows]

    def items(self, kind: str, type_: type[T]) -> list[tuple[str, T]]:
        """All records of a kind with their ids."""
        rows = self.connection.execute("select id, doc from records where kind = ? order by id", (kind,))
        return [(id_, decode(type_, doc)) for id_, doc in rows]

    def ids(self, kind: str) -> list[int]:
        """The ids of all records of a kind whose ids are integers, in their order."""
        rows = self.connection.execute("select id from records where kind = ? order by cast(id as integer)", (kind,))
        return [int(id_) for (id_,) in rows]

    def put(self, kind: str, id_: object, record: object) -> None:
        """Add or replace a record."""
        self.connection.execute(
            "insert or replace into records (kind, id, doc) values (?, ?, ?)", (kind, str(id_), encode(record))
        )

    def delete(self, kind: str, id_: object) -> bool:
        """Remove a record; whether there was one."""
        return self.connection.execute("delete from records where kind = ? and id = ?", (kind, str(id_))).rowcount > 0

    # the Shopify ledger

    def ledger(self, return_id: int | None = None) -> list[dict[str, Any]]:
        """What was done on the shop's platform, oldest first."""
        condition, values = ("where return_id = ?", (return_id,)) if return_id is not None else ("", ())
        rows = self.connection.execute(f"select id, at, return_id, kind, doc from ledger {condition} {WHOLE}", values)
        return [
            {"id": id_, "at": from_ms(at), "return_id": of, "kind": kind, **decode(dict, doc)}
            for id_, at, of, kind, doc in rows
        ]
