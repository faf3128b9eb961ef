"""What a partner did in a story, so that two stories can be compared: the calls that took effect, and its own state.

Each story has ids of its own, so ids become their place in the story's block (`#1`), and moments become `T`.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from msgspec import Struct

from loopsim.harness.blocks import first_of
from loopsim.harness.journal import Entry
from loopsim.rules.evidence import Evidence
from loopsim.rules.retries import NOT_REPEATABLE
from loopsim.rules.traffic import Call, Traffic, whole

_TIME = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)
_NUMBER = re.compile(r"\d{6,20}")
_PLACED = re.compile(r"(?P<before>\bof (?:return )?)#(?P<place>\d+)")
COUNTED = NOT_REPEATABLE | {"removeLineItems", "createLabel", "generateLabel", "createFraudReport"}
"""The operations of which it matters how often they took effect."""
_COMES_IN = frozenset({"requestToken", "revokeToken"})  # when a token has to be renewed is the clock's doing
_BY_ITEM = frozenset({"gradeItems", "assessItems"})  # in how many calls items are graded is nobody's business


class Fact(Struct, frozen=True, order=True):
    """One thing that a partner did, or holds of a return: `call`, what of which return, with what; or `probe`."""

    kind: str
    about: str
    detail: str = ""


Effect = Counter[Fact]


def effect(
    entries: Iterable[Entry], probes: Iterable[dict[str, Any]], block: int, without: frozenset[int] = frozenset()
) -> Effect:
    """What a partner did in a story whose ids are of this block. What can be repeated without harm counts once.
    `without` are ids of returns and line items that nobody asks about."""
    comparable = comparing(block)
    facts: Effect = Counter()
    traffic = Traffic(Evidence(entries=tuple(entries)))
    owners = _owners(traffic)
    for call in traffic.calls:
        if (
            not call.writes
            or call.operation in _COMES_IN
            or not took_effect(call)
            or _return_of(call, owners) in without
        ):
            continue
        for fact in _facts(call, comparable, without):
            facts[fact] = facts[fact] + 1 if call.operation in COUNTED else 1
    for probe in probes:
        state = probe.get("state")
        if state is not None and probe.get("return_id") not in without:
            facts[Fact("probe", comparable(str(probe.get("return_id"))), comparable(_plain(state)))] = 1
    return facts


def took_effect(call: Call) -> bool:
    """Whether Loop did what a call asked for, whatever the partner heard of it."""
    return call.accepted or (call.fault == "answer_lost" and not call.refusal)


def coarse(facts: Effect) -> Effect:
    """The effect without what calls bore and what the probe said: for partners that never do the same thing twice."""
    return Counter({Fact(fact.kind, fact.about): count for fact, count in facts.items() if fact.kind == "call"})


def differences(usual: Effect, provoked: Effect) -> tuple[str, ...]:
    """In a sentence each: what a partner did that it does not do otherwise, and the other way round."""
    more, less = provoked - usual, usual - provoked
    before = {fact.about: fact.detail for fact in less if fact.kind == "probe"}
    after = {fact.about: fact.detail for fact in more if fact.kind == "probe"}
    said = []
    for fact in sorted(more):
        if fact.kind == "probe":
            usually = f", otherwise {before[fact.about]}" if fact.about in before else ""
            said.append(f"its own state of return {fact.about} is {fact.detail}{usually}.")
        else:
            again = " once more" if usual[fact] else ""
            said.append(f"it called {fact.about}{again}, which it does not do otherwise.")
    for fact in sorted(less):
        if fact.kind == "call":
            said.append(f"it did not call {fact.about}, which it does otherwise.")
        elif fact.about not in after:
            said.append(f"it knows nothing of return {fact.about}, otherwise {fact.detail}.")
    return tuple(dict.fromkeys(said))


def comparing(block: int) -> Callable[[str], str]:
    """A function that makes a text comparable with that of a story in another block."""
    first, width = first_of(block)

    def number(found: re.Match[str]) -> str:
        place = int(found[0]) - first
        return f"#{place}" if 0 <= place < width else "#"

    def comparable(text: str) -> str:
        return _NUMBER.sub(number, _UUID.sub("#", _TIME.sub("T", text)))

    return comparable


def naming(block: int) -> Callable[[str], str]:
    """A function that gives the returns in a sentence about a story of this block their ids back."""
    first, _ = first_of(block)
    return lambda text: _PLACED.sub(lambda found: f"{found['before']}{first + int(found['place'])}", text)


def _owners(traffic: Traffic) -> dict[int, int]:
    """The returns that label requests and labels are about, by their ids: what calls of a label provider bear."""
    owners: dict[int, int] = {}
    for delivery in traffic.deliveries:
        request_id = whole(delivery.payload.get("id")) if isinstance(delivery.payload, dict) else None
        if delivery.topic == "label.request" and request_id is not None and delivery.return_id is not None:
            owners[request_id] = delivery.return_id
    for call in traffic.calls:
        label_id = whole(call.answer.get("id")) if isinstance(call.answer, dict) else None
        owner = _return_of(call, owners) if call.operation == "createLabel" else None
        if label_id is not None and owner is not None:
            owners[label_id] = owner
    return owners


def _return_of(call: Call, owners: dict[int, int]) -> int | None:
    if call.return_id is not None:
        return call.return_id
    asked = whole(call.body.get("label_request_id")) if isinstance(call.body, dict) else None
    return owners.get(asked if asked is not None else whole(call.path.rpartition("/")[2]) or 0)


def _facts(call: Call, comparable: Callable[[str], str], without: frozenset[int]) -> list[Fact]:
    items = call.body.get("items") if isinstance(call.body, dict) else None
    if call.operation in _BY_ITEM and isinstance(items, list):
        asked = [item for item in items if isinstance(item, dict) and whole(item.get("line_item_id")) not in without]
        return [Fact("call", call.operation, comparable(_plain(item))) for item in asked]
    about = comparable(f"{call.operation or call.word} of {call.return_id}" if call.return_id else call.operation)
    sent = {"path": call.path.rpartition("/")[2], "query": dict(sorted(call.query.items())), "body": call.body}
    return [Fact("call", about, comparable(_plain(sent)))]


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
