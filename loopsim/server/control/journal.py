"""Reading a shop's journal, and waiting for what comes next."""

from __future__ import annotations

import time
from typing import Any

from loopsim.operations.control.reads import is_set, number
from loopsim.operations.perform import Answer, Call
from loopsim.server.control.registry import runtime_operation
from loopsim.server.runtime import Runtime
from loopsim.store.journal import UNCANONICAL

LIMIT = 500


@runtime_operation("readJournal")
async def read_journal(runtime: Runtime, call: Call) -> Answer:
    """Entries above `after`. Where there is none, wait for one for as long as the caller asks."""
    after, limit, kind = number(call, "after", 0), number(call, "limit", LIMIT), call.query.get("kind")
    deadline = time.monotonic() + float(call.query.get("wait") or 0)
    while True:
        # Looked up each time: it may have been reset while this call waited.
        journal = runtime.world.shop(call.path["shop"]).journal
        entries = journal.read(after, limit, kind)
        left = deadline - time.monotonic()
        if entries or left <= 0:
            break
        await journal.wait(max(after, journal.last_id), left)
    last_id = entries[-1]["id"] if len(entries) == limit else journal.last_id
    shown = [_canonical(entry) for entry in entries] if is_set(call, "canonical") else entries
    return Answer({"entries": shown, "last_id": last_id, "dropped": journal.dropped()})


def _canonical(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name not in UNCANONICAL}
