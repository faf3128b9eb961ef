"""The outbox: deliveries and their attempts."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal

from msgspec import Struct, structs

from loopsim.clock import from_ms, to_ms
from loopsim.store.codec import decode, encode

DeliveryState = Literal["queued", "delivered", "failed", "blocked", "dropped"]
RETRY_TIMER = "delivery.retry"  # the kind of the timers that bring a delivery back; their entity is its id
_COLUMNS = "id, subscription_id, return_id, topic, trigger, payload_id, state, attempts, created_at, settled_at, fault"


class Delivery(Struct, frozen=True, kw_only=True):
    """One webhook message for one subscription. `attempts` counts the POSTs that were settled."""

    id: int
    subscription_id: int
    return_id: int | None
    topic: str
    trigger: str
    payload_id: int
    state: DeliveryState
    attempts: int
    created_at: datetime
    settled_at: datetime | None = None
    fault: dict[str, Any] | None = None


class Attempt(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One POST: what was sent, what came back. `at` is the shop's time, `duration_ms` real time.

    `request_body` is None where it was the payload as it is kept; `attempts_of` fills it in. `error` names a failure
    (`refused`, `timeout`, `reset`, `dns`, `tls`, `url`, `malformed`, `failed`, `blocked`), None where there was an
    answer.
    """

    delivery_id: int
    number: int
    at: datetime
    url: str
    request_headers: dict[str, str]
    request_body: str | None = None
    status: int | None = None
    response_headers: dict[str, str] = {}
    response_body: str = ""
    error: str | None = None
    duration_ms: float = 0.0
    retry_at: datetime | None = None


class Settled(Struct, frozen=True, kw_only=True):
    """How an attempt ended: the record of it, and what the delivery is now."""

    attempt: Attempt
    state: DeliveryState


def _delivery(row: tuple[Any, ...]) -> Delivery:
    id_, subscription, return_id, topic, trigger, payload, state, attempts, created, settled, fault = row
    return Delivery(
        id=id_,
        subscription_id=subscription,
        return_id=return_id,
        topic=topic,
        trigger=trigger,
        payload_id=payload,
        state=state,
        attempts=attempts,
        created_at=from_ms(created),
        settled_at=None if settled is None else from_ms(settled),
        fault=None if fault is None else decode(dict, fault),
    )


def open_deliveries(connection: sqlite3.Connection) -> list[Delivery]:
    """Everything not settled, in order of creation: what a new worker takes up after the death of the last."""
    rows = connection.execute(f"select {_COLUMNS} from deliveries where state = 'queued' order by id")
    return [_delivery(row) for row in rows]


def awaiting_retry(connection: sqlite3.Connection) -> set[int]:
    """The ids of deliveries that a timer will bring back."""
    return {entity for (entity,) in connection.execute("select entity from timers where kind = ?", (RETRY_TIMER,))}


def standings(connection: sqlite3.Connection, ids: Iterable[int]) -> dict[int, tuple[DeliveryState, int]]:
    """Of each delivery that is still there: its state, and how many POSTs were settled."""
    wanted = list(ids)
    marks = ",".join("?" * len(wanted))
    rows = connection.execute(f"select id, state, attempts from deliveries where id in ({marks})", wanted)
    return {id_: (state, attempts) for id_, state, attempts in rows}


def find_delivery(connection: sqlite3.Connection, delivery_id: int) -> Delivery | None:
    """The delivery with this id."""
    row = connection.execute(f"select {_COLUMNS} from deliveries where id = ?", (delivery_id,)).fetchone()
    return None if row is None else _delivery(row)


def list_deliveries(
    connection: sqlite3.Connection,
    *,
    after: int = 0,
    limit: int = 100,
    state: str | None = None,
    return_id: int | None = None,
) -> list[Delivery]:
    """Deliveries with an id above `after`, oldest first, that match what is given."""
    rows = connection.execute(
        f"select {_COLUMNS} from deliveries where id > ? and (? is null or state = ?) and (? is null or return_id = ?)"
        " order by id limit ?",
        (after, state, state, return_id, return_id, limit),
    )
    return [_delivery(row) for row in rows]


def payload(connection: sqlite3.Connection, payload_id: int) -> bytes:
    """The bytes of a payload as they were made at the event."""
    return payloads_from(connection, payload_id, 1)[0][1]


def payloads_from(connection: sqlite3.Connection, payload_id: int, limit: int) -> list[tuple[int, bytes]]:
    """(id, bytes) of a payload and those made after it, `limit` at most."""
    rows = connection.execute("select id, body from payloads where id >= ? order by id limit ?", (payload_id, limit))
    return rows.fetchall()


def attempts_of(connection: sqlite3.Connection, delivery_id: int) -> list[Attempt]:
    """The attempts of a delivery, first to last."""
    rows = connection.execute(
        "select a.doc, p.body from attempts a join deliveries d on d.id = a.delivery_id"
        " join payloads p on p.id = d.payload_id where a.delivery_id = ? order by a.number, a.id",
        (delivery_id,),
    )
    return [_attempt(doc, body) for doc, body in rows]


def _attempt(doc: bytes, body: bytes) -> Attempt:
    attempt = decode(Attempt, doc)
    if attempt.request_body is not None:
        return attempt
    return structs.replace(attempt, request_body=body.decode("utf-8", "replace"))


def tries_made(connection: sqlite3.Connection, delivery: Delivery) -> int:
    """How often a delivery that is still queued was tried: what was sent by hand, and the copies of a duplicate, are no
    tries."""
    if not delivery.attempts:
        return 0
    docs = connection.execute("select doc from attempts where delivery_id = ?", (delivery.id,))
    return sum(decode(Attempt, doc).retry_at is not None for (doc,) in docs)


def settle(connection: sqlite3.Connection, results: Iterable[Settled]) -> None:
    """Write attempts and what their deliveries are now. The caller holds the transaction: many results share a
    commit."""
    attempts, deliveries = [], []
    for result in results:
        attempt = result.attempt
        at = to_ms(attempt.at)
        attempts.append((attempt.delivery_id, attempt.number, at, encode(attempt)))
        deliveries.append((result.state, at, result.state, attempt.number, attempt.delivery_id))
    connection.executemany("insert into attempts (delivery_id, number, at, doc) values (?, ?, ?, ?)", attempts)
    connection.executemany(
        "update deliveries set settled_at = case when state = ? then settled_at else ? end, state = ?, attempts = ?"
        " where id = ?",
        deliveries,
    )


def drop(connection: sqlite3.Connection, delivery_id: int, at: datetime) -> None:
    """Settle a delivery that is not sent. The caller holds the transaction."""
    connection.execute("update deliveries set state = 'dropped', settled_at = ? where id = ?", (to_ms(at), delivery_id))
