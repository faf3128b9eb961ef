"""Filling a shop from an export of the real list endpoint.

    text ─ parsed ─ ids checked ─ replaced returns go ─ each row: people out, read, given its units, written ─ orders

Everything in one transaction: a broken row leaves no trace of the file. `import_steps` is the same work step by step,
for a caller that wants to do something in between: a row at a time, then an order at a time.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

from msgspec import structs

from loopsim.domain import shipping
from loopsim.domain.events import Timer
from loopsim.domain.returns import Return
from loopsim.errors import Refusal
from loopsim.operations.importing.file import Rows, rows_of
from loopsim.operations.importing.orders import ImportedOrders
from loopsim.operations.importing.people import ImportedPeople
from loopsim.store.transaction import Transaction
from loopsim.wire.disguise import Person, disguised
from loopsim.wire.fields import Unreadable, check_depth
from loopsim.wire.imports import read_id, read_row
from loopsim.wire.overlay import difference
from loopsim.wire.returns import plain_row

Steps = Generator[None, None, dict[str, int]]

_AT_ONCE = 500  # ids in one statement


def import_steps(tx: Transaction, body: dict[str, Any]) -> Steps:
    """The import, step by step. The transaction is the caller's, and nothing else may use the shop before it ends."""
    rows = rows_of(body)
    yield
    ids = yield from _ids(rows)
    present = _present(tx, ids)
    if present and not body.get("replace"):
        raise Refusal("import_conflict", ids=", ".join(map(str, present)), count=len(present))
    left = yield from _remove(tx, present)
    run = _Import(tx, keep_people=bool(body.get("keep_personal_data")), resume=bool(body.get("resume")))
    for number, row in enumerate(rows, 1):
        try:
            run.take(row)
        except Unreadable as error:
            raise _invalid(number, error) from None
        yield
    orders = yield from run.finish(left)
    return {
        "imported": len(rows),
        "orders": orders,
        "replaced": len(present),
        "people_replaced": run.people.count,
        "held_units": run.held_units,
    }


def _invalid(row: int, error: Unreadable) -> Refusal:
    where = f"row {row}: {error.field}" if error.field else f"row {row}"
    return Refusal("import_invalid", where=where, row=row, field=error.field, reason=error.reason)


# ids


def _ids(rows: Rows) -> Generator[None, None, list[int]]:
    """The ids of the rows' returns; raises `import_invalid` for one that is missing or stands there twice."""
    seen: dict[int, int] = {}
    for number, head in enumerate(rows.heads(), 1):
        try:
            id_ = read_id(head)
            if seen.setdefault(id_, number) != number:
                raise Unreadable("id", f"{id_} is the id of row {seen[id_]} too")
        except Unreadable as error:
            raise _invalid(number, error) from None
        yield
    return list(seen)


def _present(tx: Transaction, ids: list[int]) -> list[int]:
    """Those ids that returns of the shop have."""
    found: list[int] = []
    for start in range(0, len(ids), _AT_ONCE):
        found += tx.returns_among(ids[start : start + _AT_ONCE])
    return sorted(found)


def _remove(tx: Transaction, ids: list[int]) -> Generator[None, None, set[int]]:
    """Take these returns away; the ids of their orders."""
    orders = set()
    for id_ in ids:
        orders.add(tx.need_return(id_).order.id)
        tx.delete_return(id_)
        tx.timers_changed = True
        yield
    return orders


# rows


class _Import:
    """One import: what its rows share, and what has come of them so far."""

    def __init__(self, tx: Transaction, *, keep_people: bool, resume: bool) -> None:
        self.tx = tx
        self.people = ImportedPeople(tx.settings)
        self.orders = ImportedOrders(tx)
        self.held_units = 0
        self._keep_people = keep_people
        self._resume = resume
        self._highest: dict[str, int] = {}

    def take(self, row: dict[str, Any]) -> None:
        """Make a return of a row. Raises `Unreadable`."""
        who = row.get("customer")
        who = who if isinstance(who, str) and who else f"return {row['id']}"
        code = row.get("origin_country_code")
        code = code if isinstance(code, str) else ""

        def stand_in(other: str) -> Person:
            return self.people.stand_in(other, code)

        check_depth(row)
        row = row if self._keep_people else disguised(row, stand_in)
        return_ = read_row(row, self.tx.settings)
        customer, order = self.people.customer(who, return_.order)
        return_ = self.orders.place(structs.replace(return_, order=order), customer)
        return_ = structs.replace(return_, labels=tuple(self._label(return_, label) for label in return_.labels))
        self._write(structs.replace(return_, overlay=tuple(difference(plain_row(return_, self.tx.settings), row))))

    def _label(self, return_: Return, label: Any) -> Any:
        id_ = self.tx.next_id("label")
        self.tx.put_label(id_, return_.id)
        return structs.replace(label, id=id_, shipment_id=self.tx.next_id("shipment"))

    def _write(self, return_: Return) -> None:
        held = return_.state != "cancelled"
        self.tx.put_return(return_)
        try:
            units = ((line.id, line.order_line_id, line.unit) for line in return_.lines)
            self.tx.hold_units(return_.id, units, held=held)
        except Refusal:
            raise self._doubled(return_) from None
        self.held_units += len(return_.lines) if held else 0
        for kind, id_ in _used_ids(return_):
            self._highest[kind] = max(self._highest.get(kind, 0), id_)
        if self._resume:
            self.tx.schedule(*_timers(self.tx, return_))

    def _doubled(self, return_: Return) -> Unreadable:
        """A unit row's id is taken: units themselves are not, since each was given a number that was free."""
        seen: set[int] = set()
        for index, line in enumerate(return_.lines):
            other = self.tx.owner_of_line(line.id)
            if line.id in seen or other not in (None, return_.id):
                owner = return_.id if line.id in seen else other
                return Unreadable(f"line_items[{index}].line_item_id", f"{line.id} is an item of return {owner} too")
            seen.add(line.id)
        raise AssertionError("a unit was given out that another return holds")

    def finish(self, left: set[int]) -> Generator[None, None, int]:
        """Write the orders, and see to it that no id of the file is ever given out again. How many orders."""
        for kind, id_ in self._highest.items():
            self.tx.take_id(kind, id_)
        return (yield from self.orders.write(left))


def _used_ids(return_: Return) -> Iterator[tuple[str, int]]:
    yield "return", return_.id
    for line in return_.lines:
        yield "line_item", line.id
    for item in return_.exchanges:
        yield "exchange", item.id
    for refund in return_.refunds:
        yield "refund", refund.id


def _timers(tx: Transaction, return_: Return) -> list[Timer]:
    """What would still happen to an open return by itself; what should have happened already happens now."""
    if return_.state != "open":
        return []
    timers = [Timer("label.make", return_.created_at, return_.id)]
    if return_.labels or return_.label_source == "none":
        timers = []
    for label in return_.labels:
        if label.status != "delivered":
            timers += shipping.label_timers(label, return_.id, tx.settings)
    return [structs.replace(timer, due=max(timer.due, tx.now)) for timer in timers]
