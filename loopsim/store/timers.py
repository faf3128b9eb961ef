"""What is scheduled in a shop: one row a timer, looked at in the order in which they fall due."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any, NamedTuple

from loopsim.store.codec import decode

RETURN_TIMERS = (
    "label.make", "carrier.scan", "return.process", "return.expire", "exchange.charge", "exchange.hold_ends",
    "happy_returns.processed",
)  # fmt: skip
"""The kinds whose entity is a return. What others are about, as deliveries, may bear the number of a return, too."""


class Due(NamedTuple):
    """A timer that waits. `due` is in milliseconds of the shop's clock; both it and `id` name the row."""

    due: int
    id: int
    kind: str
    entity: int
    data: bytes

    @property
    def content(self) -> dict[str, Any]:
        """What was given to it when it was scheduled. Raises `Damaged`."""
        return decode(dict, self.data)


def next_timers(connection: sqlite3.Connection, limit: int = 1) -> list[Due]:
    """The timers that fall due next."""
    rows = connection.execute("select due, id, kind, entity, data from timers order by due, id limit ?", (limit,))
    return [Due(*row) for row in rows]


def next_due_ms(connection: sqlite3.Connection, without: Iterable[str] = ()) -> int | None:
    """When the next timer falls due, not counting some kinds; None where there is none."""
    kinds = tuple(without)
    but = f"where kind not in ({','.join('?' * len(kinds))})" if kinds else ""
    row = connection.execute(f"select due from timers {but} order by due, id limit 1", kinds).fetchone()
    return None if row is None else int(row[0])


def count_timers(connection: sqlite3.Connection, kind: str | None = None) -> int:
    """How many timers wait, or how many of one kind."""
    only, values = ("", ()) if kind is None else ("where kind = ?", (kind,))
    (count,) = connection.execute(f"select count(*) from timers {only}", values).fetchone()
    return int(count)


def take_timer(connection: sqlite3.Connection, timer: Due) -> None:
    """Remove a timer: it is run, or given up."""
    connection.execute("delete from timers where due = ? and id = ?", (timer.due, timer.id))
