"""Reading a shop's journal, and waiting for what comes next."""

from __future__ import annotations

import time

from loopsim.operations.control.reads import is_set, number
from loopsim.operations.perform import Answer, Call
from loopsim.server.runtime import Runtime
from loopsim.store.journal import canonical

LIMIT = 500


async def read_journal(runtime: Runtime, call: Call) -> Answer:
    """Entries above `after`. Where there is none, wait for one for as long as the caller asks. Where the shop begins
    anew meanwhile, its journal is told from the first entry."""
    after, limit, kind = number(call, "after", 0), number(call, "limit", LIMIT), call.query.get("kind")
    deadline = time.monotonic() + float(call.query.get("wait") or 0)
    journal = runtime.world.shop(call.path["shop"]).journal
    while True:
        await runtime.free(call.path["shop"])
        now = runtime.world.shop(call.path["shop"]).journal
        journal, after = now, after if now is journal else 0
        entries = journal.read(after, limit, kind)
        left = deadline - time.monotonic()
        # Numbers begin anew with the shop: whoever is beyond them is told so, and not kept waiting.
        if entries or left <= 0 or after > journal.last_id:
            break
        await journal.wait(journal.last_id, left)
    last_id = entries[-1]["id"] if len(entries) == limit else journal.last_id
    shown = canonical(entries) if is_set(call, "canonical") else entries
    return Answer({"entries": shown, "last_id": last_id, "dropped": journal.dropped()})
