"""Whether ids survive the partner, and are those of what they are used for."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from loopsim.rules.rule import Judgement, Rule, failed, not_judged
from loopsim.rules.traffic import Call, Delivery, Moved, Traffic, shows, walk, whole

EXACT = 1 << 53
"""From here on a double no longer holds every integer."""

_NUMBER = re.compile(r"-?\d{16,}(?:\.\d+)?(?:[eE]\+?\d+)?|-?\d\.\d+[eE]\+\d+")
_NOT_FOUND = frozenset({
    "return_not_found", "line_items_forbidden", "label_request_not_found", "label_not_found", "label_forbidden",
    "destination_not_found", "webhook_not_found", "shipment_not_found", "nothing_removable", "not_all_removable",
})  # fmt: skip
# What each member that a call may bear is an id of, by the names that payloads have for it.
_MEANT = {
    "return_id": frozenset({"id", "return_id"}),
    "order_id": frozenset({"provider_order_id"}),
    "line_item_id": frozenset({"line_item_id", "line_items"}),
    "label_request_id": frozenset({"id", "label_request_id"}),
}


def _intact(traffic: Traffic) -> Judgement:
    known = {number for number in _known_numbers(traffic) if abs(number) >= EXACT}
    if not known:
        return not_judged("No id above 2^53 came up in this story: use a world or an id block with large ids.")
    sent = [(call, number) for call in traffic.calls for number in _sent_numbers(call) if abs(number) >= EXACT]
    if not sent:
        return not_judged("The partner sent no id above 2^53 in this story.")
    rounded = {float(number): number for number in known}
    findings = []
    for call, number in sent:
        meant = rounded.get(float(number))
        if number not in known and meant is not None:
            findings.append(shows(f"It sent {number:.0f} where the id is {meant}: rounded as a float.", call))
    return failed(*findings)


def _known_numbers(traffic: Traffic) -> Iterator[int]:
    told: tuple[Moved | Delivery, ...] = (*traffic.moves, *traffic.deliveries)
    for each in told:
        if each.return_id is not None:
            yield each.return_id
    for delivery in traffic.deliveries:
        yield from (number for _, value in walk(delivery.payload) if (number := _large(value)) is not None)
    for call in traffic.calls:
        if call.accepted and call.writes and call.operation not in ("gradeItems", "assessItems"):  # those echo
            yield from (number for _, value in walk(call.answer) if (number := _large(value)) is not None)


def _sent_numbers(call: Call) -> Iterator[int | float]:
    text = f"{call.path} {' '.join(call.query.values())} {call.raw_body}"
    for found in _NUMBER.findall(text)[:10_000]:
        if found.lstrip("-").isdigit():
            if len(found) < 40:
                yield int(found)
        elif float(found) < 1e40:
            yield float(found)


def _large(value: Any) -> int | None:
    number = whole(value)
    return number if number is not None and abs(number) < 1 << 64 else None


def _not_confused(traffic: Traffic) -> Judgement:
    names: dict[int, set[str]] = defaultdict(set)
    for delivery in traffic.deliveries:
        for name, value in walk(delivery.payload):
            number = whole(value)
            if number is not None and (name == "id" or name.endswith(("_id", "_number", "line_items"))):
                names[number].add(name)
    used = [(call, name, number) for call in traffic.calls for name, number in _used(call)]
    if not names or not used:
        return not_judged("The partner used no id that a webhook had told it in this story.")
    findings = []
    for call, name, number in used:
        others = names.get(number, set()) - _MEANT[name]
        if call.refusal in _NOT_FOUND and others and not names[number] & _MEANT[name]:
            other = ", ".join(sorted(others))
            findings.append(shows(f"It sent {number} as {name} to {call.word}; that is a {other}.", call))
    return failed(*findings)


def _used(call: Call) -> Iterator[tuple[str, int]]:
    """The ids that a call bears, by what they are meant to be."""
    if call.return_id is not None and "return_id" not in call.query:
        yield "return_id", call.return_id
    for name, text in call.query.items():
        if name in _MEANT:
            yield from ((name, number) for part in text.split(",") if (number := whole(part)) is not None)
    for name, value in walk(call.body):
        number = whole(value)
        if name in _MEANT and number is not None:
            yield name, number


RULES = (
    Rule(
        name="ids-intact",
        level="error",
        needs="traffic",
        title="Keep ids above 2^53 exact",
        reason="JavaScript and many JSON readers hold numbers as doubles: the last digits of a long id change, and "
        "the call "
        "is about another record.",
        mend="Read ids as text or as 64-bit integers (a big-number option of your JSON reader) and keep them so.",
        fact="ids-snowflake",
        judge=_intact,
    ),
    Rule(
        name="ids-not-confused",
        level="error",
        needs="traffic",
        title="Use each id for what it is",
        reason="order_id in the list and in webhooks is Loop's own, in details it is the platform's: the same name, "
        "another "
        "number, and an answer of 200 that found nothing.",
        mend="Store provider_order_id beside Loop's id, and search details by return_id wherever you have it.",
        fact="details-order-id",
        judge=_not_confused,
    ),
)
