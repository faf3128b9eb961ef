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


class Attempt(Struct, frozen=True, kw_only=True):
    """One POST: what was sent, what came back. `at` is the shop's time, `duration_ms` real time; `error` names a
    failure of the
    connection (`refused`, `timeout`, `reset`, `blocked`, ...) and is None where there was an answer. `request_body` is
    None only
    in the database: the payload as it is kept."""

    delivery_id: int
    number: int
    at: datetime
    url: str
    request_headers: dict[str, str]
    request_body: str | None
    status: int | None = None
    response_headers: dict[str, str] = {}
    response_body: str = ""
    error: str | None = None
    duration_ms: float = 0.0
    retry_at: datetime | None = None


class Settled(Struct, frozen=True, kw_only=True):
    """How an attempt ended: the record of it, and what the delivery is now. `as_kept`: the bytes sent were the payload
    as it is kept.
    """

    attempt: Attempt
    state: DeliveryState
    as_kept: bool = False


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


def standing(connection: sqlite3.Connection, delivery_id: int) -> tuple[DeliveryState, int] | None:
    """The state of a delivery and how many POSTs were settled; None where it is gone."""
    row: tuple[DeliveryState, int] | None = connection.execute(
        "select state, attempts from deliveries where id = ?", (delivery_id,)
    ).fetchone()
    return row


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
    (body,) = connection.execute("select body from payloads where id = ?", (payload_id,)).fetchone()
    return bytes(body)


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


def settle(connection: sqlite3.Connection, results: Iterable[Settled]) -> None:
    """Write attempts and the states of their deliveries. The caller holds the transaction, so many results share a
    commit.
    """
    for result in results:
        attempt = result.attempt
        at = to_ms(attempt.at)
        # A body that is the payload's is not kept a second time: payloads are most of what a shop weighs.
        kept = structs.replace(attempt, request_body=None) if result.as_kept else attempt
        connection.execute(
            "insert into attempts (delivery_id, number, at, doc) values (?, ?, ?, ?)",
            (attempt.delivery_id, attempt.number, at, encode(kept)),
        )
        connection.execute(
            "update deliveries set settled_at = case when state = ?1 then settled_at else ?2 end, state = ?1,"
            " attempts = ?3 where id = ?4",
            (result.state, at, attempt.number, attempt.delivery_id),
        )


def drop(connection: sqlite3.Connection, delivery_id: int, at: datetime) -> None:
    """Settle a delivery that is not sent. The caller holds the transaction."""
    connection.execute("update deliveries set state = 'dropped', settled_at = ? where id = ?", (to_ms(at), delivery_id))
