"""The journal of a shop: what went over the wire, both ways.

Entries are gathered in memory and written in batches, outside any transaction, because a row per call would cost a
third of the throughput: those of calls that change something before they are answered, all others now and then. It is
bounded; what fell out is counted, so that nobody takes a part for the whole. Bodies of reads are not kept.
"""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import suppress
from typing import Any, Literal

from msgspec import Struct, to_builtins

from loopsim.store.codec import decode, encode
from loopsim.store.deliveries import payload

MAX_ENTRIES = 10_000
MAX_BYTES = 64 * 1024 * 1024
_TRIM_EVERY = 512  # entries; trimming is a delete by key and need not run at every flush


class Entry(Struct, kw_only=True, omit_defaults=True):
    """One thing that went over the wire. `at` is the shop's time in milliseconds.

    `in` + `call`: the partner called Loop's API. `in` + `control`: somebody used the control API. `out` + `delivery`: a
    webhook attempt. `clock`: time was moved. `inside` + `move`: an `entity` (return, label, label request) went by an
    `action` from `state` on `to` another, or stayed there. `inside` + `note`: something about the set-up.

    A webhook's body is not kept a second time: `payload_id` says where it is, `read` puts it in as `request_body`.
    `unknown` lists fields and parameters that Loop drops silently, `truncated` amounts whose fraction it
    cuts off.
    `began_ms` is real time: milliseconds since some moment before the server started, good for differences alone.
    `retry_after`: the seconds that a 429 asked for. `token`: which access token a call brought, as a fingerprint.
    """

    at: int
    direction: Literal["in", "out", "inside", "clock"]
    kind: Literal["call", "control", "delivery", "clock", "note", "move"]
    id: int = 0
    operation: str | None = None
    method: str | None = None
    path: str | None = None
    query: str | None = None
    version: str | None = None
    status: int | None = None
    key: str | None = None
    token: str | None = None
    request_body: str | None = None
    payload_id: int | None = None
    response_body: str | None = None
    refusal: str | None = None
    unknown: list[str] | None = None
    truncated: list[str] | None = None
    delivery_id: int | None = None
    attempt: int | None = None
    subscription_id: int | None = None
    topic: str | None = None
    trigger: str | None = None
    return_id: int | None = None
    entity: str | None = None
    state: str | None = None
    action: str | None = None
    to: str | None = None
    count: int | None = None
    more: bool = False
    url: str | None = None
    error: str | None = None
    note: str | None = None
    fault: str | None = None
    request_headers: dict[str, str] | None = None
    duration_ms: float | None = None
    began_ms: float | None = None
    retry_after: int | None = None


# What is left out of the canonical journal, which two runs of the same calls must share byte for byte.
UNCANONICAL = ("id", "duration_ms", "began_ms", "retry_after", "request_headers", "url")


def canonical(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The entries as two runs of the same calls share them: by moment, at each moment calls in their order, then
    deliveries by id and attempt, since POSTs to different endpoints end in whatever order the sockets like."""

    def place(entry: dict[str, Any]) -> tuple[int, int, int, int]:
        outgoing = entry["direction"] == "out"
        return entry["at"], int(outgoing), entry.get("delivery_id", 0) if outgoing else 0, entry.get("attempt", 0)

    ordered = sorted(entries, key=place)
    return [{name: value for name, value in entry.items() if name not in UNCANONICAL} for entry in ordered]


class Journal:
    """The journal over a shop's connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._waiting: list[Entry] = []
        last, size = connection.execute("select coalesce(max(id), 0), coalesce(sum(size), 0) from journal").fetchone()
        self.last_id: int = last
        self._size: int = size
        self._since_trim = 0
        self._changed: asyncio.Event | None = None

    def add(self, entry: Entry) -> None:
        """Keep an entry; it is written with the next batch."""
        self.last_id += 1
        entry.id = self.last_id
        self._waiting.append(entry)
        self.wake()

    def wake(self) -> None:
        """Let whoever waits look again: there is an entry, or there will be none."""
        if self._changed is not None:
            self._changed.set()
            self._changed = None

    def flush(self) -> None:
        """Write what is waiting. Not within a transaction. What cannot be written (a full disk) goes on waiting, up to
        the bound of the journal itself."""
        if not self._waiting:
            return
        docs = [(entry.id, entry.at, encode(entry)) for entry in self._waiting]
        rows = [(id_, at, len(doc), doc) for id_, at, doc in docs]
        self._connection.execute("begin immediate")
        try:
            self._connection.executemany("insert into journal (id, at, size, doc) values (?, ?, ?, ?)", rows)
            self._connection.execute("commit")
        except BaseException:
            with suppress(sqlite3.Error):
                self._connection.execute("rollback")
            del self._waiting[:-MAX_ENTRIES]
            raise
        self._waiting.clear()
        self._size += sum(size for _, _, size, _ in rows)
        self._since_trim += len(rows)
        if self._since_trim >= _TRIM_EVERY or self._size > MAX_BYTES:
            self._trim()

    def _trim(self) -> None:
        self._since_trim = 0
        keep_above = self.last_id - MAX_ENTRIES
        if self._size > MAX_BYTES:
            kept = 0
            for id_, size in self._connection.execute("select id, size from journal order by id desc"):
                kept += size
                if kept > MAX_BYTES:
                    keep_above = max(keep_above, id_)
                    break
        if keep_above > 0:
            # What goes is asked for, not what stays: that is twenty times as much.
            gone = "select coalesce(sum(size), 0) from journal where id <= ?"
            (size,) = self._connection.execute(gone, (keep_above,)).fetchone()
            self._connection.execute("delete from journal where id <= ?", (keep_above,))
            self._size -= size

    def read(self, after: int = 0, limit: int = 500, kind: str | None = None) -> list[dict[str, Any]]:
        """Entries with an id above `after`, oldest first."""
        self.flush()
        rows = self._connection.execute("select doc from journal where id > ? order by id", (after,))
        entries: list[dict[str, Any]] = []
        for (doc,) in rows:
            entry = decode(dict, doc)
            if kind is None or entry["kind"] == kind:
                if "payload_id" in entry:
                    entry = self._whole(doc)
                entries.append(entry)
                if len(entries) >= limit:
                    break
        return entries

    def _whole(self, doc: bytes) -> dict[str, Any]:
        entry = decode(Entry, doc)
        if entry.payload_id is not None:
            entry.request_body = payload(self._connection, entry.payload_id).decode("utf-8", "replace")
        entry.payload_id = None
        whole: dict[str, Any] = to_builtins(entry)
        return whole

    def dropped(self) -> int:
        """How many entries fell out of the journal."""
        self.flush()
        (first,) = self._connection.execute("select coalesce(min(id), ?) from journal", (self.last_id + 1,)).fetchone()
        return int(first) - 1

    async def wait(self, after: int, timeout: float) -> None:
        """Return when there is an entry above `after`, or after `timeout` seconds of real time."""
        if self.last_id > after:
            return
        if self._changed is None:
            self._changed = asyncio.Event()
        try:
            await asyncio.wait_for(self._changed.wait(), timeout)
        except TimeoutError:
            return
