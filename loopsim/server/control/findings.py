"""What the rules for partners say of a shop's traffic so far."""

from __future__ import annotations

import asyncio
from typing import Any

from msgspec import structs

from loopsim.operations.perform import Answer, Call
from loopsim.server.runtime import Runtime
from loopsim.store.journal import MAX_ENTRIES


async def read_findings(runtime: Runtime, call: Call) -> Answer:
    """The judgement of every rule that needs nothing but the journal."""
    journal = runtime.world.shop(call.path["shop"]).journal
    entries, dropped = tuple(journal.read(limit=MAX_ENTRIES)), journal.dropped()
    # In another thread, since a full journal takes a while to be judged, and by plain values that nobody changes.
    judged = await asyncio.to_thread(_judge, entries, complete=not dropped)
    return Answer({"judgements": judged, "last_id": entries[-1]["id"] if entries else 0, "dropped": dropped})


def _judge(entries: tuple[dict[str, Any], ...], *, complete: bool) -> list[dict[str, Any]]:
    # Imported when first asked for: a server that judges nothing starts without it.
    from loopsim.rules.catalogue import RULES, judge_all
    from loopsim.rules.evidence import Evidence

    others = {rule.name for rule in RULES if rule.needs != "traffic"}
    return [
        {
            "rule": rule.name,
            "level": rule.level,
            "title": rule.title,
            "outcome": judgement.outcome,
            "why": judgement.why,
            "reason": rule.reason,
            "mend": rule.mend,
            "fact": rule.fact,
            "findings": [structs.asdict(finding) for finding in judgement.findings],
        }
        for rule, judgement in judge_all(Evidence(entries=entries, complete=complete), others)
    ]
