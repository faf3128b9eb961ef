"""What the partner's probe says of a return, beside what Loop told of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from loopsim.rules.traffic import Delivery, Traffic, whole

_NAMES = ("id", "return_id", "loop_return_id", "loop_id")


def told(traffic: Traffic) -> dict[int, dict[str, list[tuple[Any, Delivery]]]]:
    """By return and member name: the values that webhooks told of it, each with its delivery."""
    values: dict[int, dict[str, list[tuple[Any, Delivery]]]] = defaultdict(lambda: defaultdict(list))
    for each in traffic.deliveries:
        if each.return_id is not None and each.topic == "return" and isinstance(each.payload, dict):
            for name, value in each.payload.items():
                values[each.return_id][str(name)].append((value, each))
    return values


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
