"""The final bytes of list rows and details: made when first asked for, kept until the return changes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Literal

Column = Literal["created_at", "updated_at"]
Row = tuple[int, int, bytes | None]
"""A return's id, its moment in milliseconds, and the bytes of its row, where they are kept."""

_PAGE = (
    "select returns.id, {column}, row from returns left join list_rows on list_rows.id = returns.id"
    " where {column} between ? and ? and state in ({marks}){cursor}"
    " order by {column} {order}, returns.id {order} limit ?"
)


def list_rows(
    connection: sqlite3.Connection,
    column: Column,
    span: tuple[int, int],
    states: Sequence[str],
    *,
    after: tuple[int, int] | None = None,
    before: tuple[int, int] | None = None,
    limit: int = -1,
) -> list[Row]:
    """The rows of returns in these states with a moment within `span`, ascending; those `after` a (moment, id), or,
    descending, those `before` one. At most `limit` (-1: all)."""
    (first, last), cursor, order, bounds = span, "", "asc", list[object]()
    place = after or before
    if place is not None:
        # The span is narrowed too, so that SQLite enters the index at the cursor, whatever the page.
        sign, order = (">", "asc") if after else ("<", "desc")
        first, last = (max(first, place[0]), last) if after else (first, min(last, place[0]))
        cursor = f" and ({column} {sign} ? or ({column} = ? and returns.id {sign} ?))"
        bounds = [place[0], *place]
    sql = _PAGE.format(column=column, marks=",".join("?" * len(states)), cursor=cursor, order=order)
    return connection.execute(sql, [first, last, *states, *bounds, limit]).fetchall()


def keep_list_rows(connection: sqlite3.Connection, rows: dict[int, bytes]) -> None:
    """Keep the bytes of list rows by return."""
    statement = "insert or replace into list_rows (row, id) values (?, ?)"
    _keep(connection, statement, ((row, id_) for id_, row in rows.items()))


def details(connection: sqlite3.Connection, return_id: int) -> tuple[bytes | None] | None:
    """The bytes of a return's details in a tuple (None: they have to be made); None where there is no such return."""
    row: tuple[bytes | None] | None = connection.execute(
        "select details from returns where id = ?", (return_id,)
    ).fetchone()
    return row


def keep_details(connection: sqlite3.Connection, return_id: int, body: bytes) -> None:
    """Keep the bytes of a return's details."""
    _keep(connection, "update returns set details = ? where id = ?", [(body, return_id)])


def _keep(connection: sqlite3.Connection, statement: str, rows: Iterable[tuple[bytes, int]]) -> None:
    """Keep bytes for the next reader, if that can be done: a full disk is no reason not to answer."""
    try:
        connection.execute("begin immediate")
        connection.executemany(statement, rows)
        connection.execute("commit")
    except sqlite3.OperationalError:
        with suppress(sqlite3.Error):
            connection.execute("rollback")
