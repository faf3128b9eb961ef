"""What the journal says of a call of Loop's API."""

from __future__ import annotations

from time import perf_counter

from loopsim.server.answer_faults import LOST
from loopsim.server.credentials import CONCEALED, concealed
from loopsim.server.exchange import Exchange
from loopsim.store.journal import Entry

KEPT_BODY = 64 * 1024
"""Bytes of each body that are kept."""


def entry_of(exchange: Exchange, status: int, body: bytes) -> Entry:
    """What the journal says of a call that was answered so. Bodies of reads that went well would be most of it: not
    kept."""
    place, scope, fault, entrance = exchange.place, exchange.scope, exchange.fault, exchange.entrance
    query: bytes = scope["query_string"]
    raw = exchange.raw
    if place.operation.id in CONCEALED:
        query, raw, body = concealed(query), concealed(raw), concealed(body)
    entry = Entry(
        at=exchange.at_ms,
        direction="in",
        kind="call",
        operation=None if place.refusal is not None else place.operation.id,
        method=scope["method"],
        path=scope["path"],
        query=query.decode("utf-8", "replace") if query else None,
        version=place.version,
        status=status,
        key=None if entrance is None else entrance.key.id,
        token=None if entrance is None else entrance.token,
        unknown=exchange.unknown,
        note=exchange.note,
        truncated=exchange.truncated,
        duration_ms=round((perf_counter() - exchange.began) * 1000, 3),
        began_ms=round(exchange.began * 1000, 3),
    )
    if not place.reads or exchange.refusal is not None or not 200 <= status < 300:
        entry.response_body = body[:KEPT_BODY].decode("utf-8", "replace")
        entry.refusal = exchange.refusal
        entry.retry_after = exchange.retry_after
    if exchange.count is not None:
        entry.count, entry.more = exchange.count, exchange.more
    if raw:
        entry.request_body = raw[:KEPT_BODY].decode("utf-8", "replace")
    if place.return_id is not None:
        entry.return_id = place.return_id
    if fault is not None:
        entry.fault = fault.kind
        if fault.kind in LOST:
            entry.status = entry.response_body = None
    elif exchange.held_back:
        entry.fault = "latency"
    return entry
