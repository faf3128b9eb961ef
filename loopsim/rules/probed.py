"""What the partner's probe says of a return, beside what Loop told of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from loopsim.rules.traffic import Step, Traffic, whole

Told = tuple[Any, tuple[Step, ...]]
"""A value that Loop told, and what shows it: the webhook, or the last read."""

_READS = ("listReturns", "getReturnDetails", "reportAsn")
_AMOUNTS = ("total", "return_total", "exchange_total", "gift_card", "handling_fee", "refund", "upsell")
_NAMES = ("id", "return_id", "loop_return_id", "loop_id")


def told(traffic: Traffic) -> dict[int, dict[str, list[Told]]]:
    """By return and member name: what Loop told of it. The members of `outcomes_processed_at` are among them.

    Answers of reads are not kept. So that partners that only poll are judged as well, the return as it was in the end
    counts, too, with what it told under Loop's names; but not `updated_at`: who looked earlier has an earlier one.
    """
    values: dict[int, dict[str, list[Told]]] = defaultdict(lambda: defaultdict(list))
    reads = tuple(call for call in traffic.of(*_READS) if call.accepted)
    for view in traffic.evidence.returns:
        for name, value in _in_the_end(view):
            values[view["id"]][name].append((value, reads[-1:]))
    for each in traffic.deliveries:
        if each.return_id is not None and each.topic == "return" and isinstance(each.payload, dict):
            processed = each.payload.get("outcomes_processed_at")
            outcomes = processed if isinstance(processed, dict) else {}
            for name, value in (*each.payload.items(), *outcomes.items()):
                values[each.return_id][str(name)].append((value, (each,)))
    return values


def _in_the_end(view: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    totals = view.get("totals") or {}
    yield from ((name, totals[name]) for name in _AMOUNTS if name in totals)
    yield from ((name, value) for name, value in (view.get("processed_at") or {}).items() if value is not None)
    if "created_at" in view:
        yield "created_at", view["created_at"]


def shown(traffic: Traffic, return_id: int) -> Iterator[tuple[str, Any]]:
    """The members of the records that the probes have of a return: found under its id, or by a member that is it. What
    the harness writes down as the partner's `answer` about a return is such a record."""
    pending: list[tuple[str, Any, int]] = [("", probe, 0) for probe in traffic.evidence.probes]
    while pending:
        name, value, depth = pending.pop()
        if depth > 20:
            continue
        if isinstance(value, list | tuple):
            pending.extend((name, each, depth + 1) for each in value)
        elif isinstance(value, dict):
            if whole(name) == return_id or any(whole(value.get(key)) == return_id for key in _NAMES):
                records = [value, value.get("answer")]
                yield from (
                    (str(key), each) for record in records if isinstance(record, dict) for key, each in record.items()
                )
            pending.extend((str(key), each, depth + 1) for key, each in value.items())
