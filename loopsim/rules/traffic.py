"""The journal as rules look at it: typed calls and deliveries, with bodies parsed and odd values left out.

    entries ──> Traffic: calls, deliveries, moves, each in order, and questions that several rules ask

Nothing here raises, whatever stands in an entry: an entry of another loopsim may lack a field or have a new kind.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs

from msgspec import Struct

from loopsim.rules.evidence import Evidence
from loopsim.rules.rule import Finding

ACTIONS = frozenset({"processReturn", "cancelReturn", "flagReturn", "closeReturn", "removeLineItems"})
FINAL = frozenset({"closed", "cancelled"})
READS_OF_ONE = frozenset({"getReturnDetails", "listNotes"})
READS_OF_MANY = frozenset({"listReturns", "reportAsn"})
LOST = frozenset({"reset", "answer_lost", "truncated"})
# Deliveries under these faults are still what Loop itself would send.
_GENUINE_FAULTS = frozenset({"", "duplicate", "swap", "delay"})
_WORDS = {
    "processReturn": "process",
    "cancelReturn": "cancel",
    "flagReturn": "flag",
    "closeReturn": "close",
    "removeLineItems": "remove",
}
TAKEN = "has already been taken"
"""In Loop's sentence about an external id that another record has."""
_CUT = 64 * 1024  # what is as long is the beginning of a body: the journal keeps no more
_SINCE_1970 = datetime(1970, 1, 1, tzinfo=UTC)


class Call(Struct, frozen=True, kw_only=True):
    """A call of the partner. `at` is the shop's time and `began`, `ended` are real time, in milliseconds (None where
    the journal does not say). `query` has the last value of each parameter; `body` and `answer` are parsed, None where
    they are no JSON or were not kept (answers of reads that went well are not)."""

    id: int
    at: int
    operation: str
    method: str
    path: str
    query: dict[str, str]
    status: int | None
    refusal: str
    fault: str
    key: str
    body: Any
    raw_body: str
    answer: Any
    return_id: int | None
    unknown: tuple[str, ...]
    truncated: tuple[str, ...]
    more: bool
    count: int | None
    began: float | None
    ended: float | None
    retry_after: int | None

    @property
    def word(self) -> str:
        """The action in Loop's word, else the operation, else method and path."""
        return _WORDS.get(self.operation) or self.operation or f"{self.method} {self.path}".strip()

    @property
    def writes(self) -> bool:
        """Whether it asks Loop to change something."""
        return self.method in ("POST", "PUT", "PATCH", "DELETE")

    @property
    def doubtful(self) -> bool:
        """Whether the partner cannot know if it took effect: the answer was lost, or an error of the server."""
        return self.fault in LOST or self.status is None or self.status >= 500

    @property
    def accepted(self) -> bool:
        """Whether Loop did it, and said so to the partner."""
        return not self.doubtful and not self.refused

    @property
    def refused(self) -> bool:
        """Whether Loop said no, in any of its ways, the 200 with errors among them."""
        says_no = isinstance(self.answer, dict) and bool(self.answer.get("errors") or self.answer.get("error"))
        return bool(self.refusal) or says_no or (self.status is not None and self.status >= 400)

    @property
    def message(self) -> str:
        """Loop's sentence of a refusal, empty where there is none."""
        answer = self.answer if isinstance(self.answer, dict) else {}
        for errors in (answer.get("errors"), answer.get("error"), answer):
            if isinstance(errors, dict) and isinstance(errors.get("message"), str):
                return str(errors["message"])
        return ""

    @property
    def complaints(self) -> tuple[tuple[str, str], ...]:
        """What a 422 says of each field: field and sentence."""
        errors = self.answer.get("errors") if isinstance(self.answer, dict) else None
        lists = errors.items() if isinstance(errors, dict) else ()
        return tuple((field, each) for field, said in lists if isinstance(said, list) for each in said if _text(each))

    @property
    def request(self) -> tuple[str, str, tuple[tuple[str, str], ...], str]:
        """What makes two calls the same call."""
        return self.method, self.path, tuple(sorted(self.query.items())), self.raw_body

    def about(self, return_id: int) -> bool:
        """Whether it is about this return: by path, query, body or answer, as far as those are known."""
        if self.return_id is not None:
            return self.return_id == return_id
        return str(return_id) in self.query.values() or bool(re.search(rf"\b{return_id}\b", self.raw_body))


class Delivery(Struct, frozen=True, kw_only=True):
    """One attempt of a webhook. `id` is the journal entry's, `payload` what was sent, parsed."""

    id: int
    at: int
    delivery_id: int | None
    attempt: int
    topic: str
    trigger: str
    subscription_id: int | None
    return_id: int | None
    status: int | None
    error: str
    fault: str
    note: str
    payload: Any
    began: float | None
    ended: float | None
    duration_ms: float | None

    @property
    def taken(self) -> bool:
        """Whether the partner said that it has it."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def genuine(self) -> bool:
        """Whether Loop itself would have sent just this."""
        return self.fault in _GENUINE_FAULTS

    @property
    def sent(self) -> bool:
        """Whether something went out at all: a blocked or skipped delivery was never posted."""
        return self.status is not None or bool(self.error)

    @property
    def state(self) -> str:
        """The return's state as the payload tells it, empty where it does not."""
        state = self.payload.get("state") if isinstance(self.payload, dict) and self.topic == "return" else None
        return state if isinstance(state, str) else ""


class Moved(Struct, frozen=True, kw_only=True):
    """A move in a lifecycle, as Loop made it."""

    id: int
    at: int
    return_id: int | None
    entity: str
    action: str
    state: str
    to: str


Step = Call | Delivery | Moved


class Traffic:
    """What went over the wire in one story, in the journal's order."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        entries = [entry for entry in evidence.entries if isinstance(entry, dict)]
        self.steps: tuple[Step, ...] = tuple(step for entry in entries if (step := _step(entry)) is not None)
        self.calls = tuple(step for step in self.steps if isinstance(step, Call))
        self.deliveries = tuple(step for step in self.steps if isinstance(step, Delivery))
        self.moves = tuple(step for step in self.steps if isinstance(step, Moved))
        rotations = [entry for entry in entries if entry.get("operation") in ("rotateSecret", "replaceShop")]
        self.secret_changed_at = min((_whole(entry.get("id")) or 0 for entry in rotations), default=None)
        self.ends_at = max((_whole(entry.get("at")) or 0 for entry in entries), default=0)

    def of(self, *operations: str) -> tuple[Call, ...]:
        """The calls of these operations."""
        return tuple(call for call in self.calls if call.operation in operations)

    @cached_property
    def returns(self) -> tuple[int, ...]:
        """The returns that anything is known of, in the order in which they first came up."""
        ids = [step.return_id for step in self.steps if step.return_id is not None]
        return tuple(dict.fromkeys(ids))

    def of_return(self, return_id: int | None) -> list[Step]:
        """All that is about a return, in order."""
        return [] if return_id is None else self._by_return.get(return_id, [])

    @cached_property
    def _by_return(self) -> dict[int, list[Step]]:
        found: dict[int, list[Step]] = {}
        for step in self.steps:
            if step.return_id is not None:
                found.setdefault(step.return_id, []).append(step)
        return found

    def between(self, first: Step, last: Step) -> Iterator[Step]:
        """The steps after one and before another."""
        return (step for step in self.steps if first.id < step.id < last.id)

    def known_final(self, return_id: int, by: Call) -> Step | None:
        """What told the partner before a call that this return is closed or cancelled: a webhook that it took, its own
        action, or a read after the move; None where it could not know."""
        moved = False
        for step in self.of_return(return_id):
            if isinstance(step, Moved):
                moved = moved or (step.entity == "return" and step.to in FINAL)
            elif step is by or not _ended_before(step, by):
                continue
            elif isinstance(step, Delivery):
                if step.taken and step.state in FINAL:
                    return step
            elif step.accepted and (step.operation in _FINISHES or (moved and step.operation == "getReturnDetails")):
                return step
        return None

    def last_told(self, return_id: int | None, by: Call) -> Delivery | None:
        """The last webhook about this return that the partner had taken before a call, and that names its state."""
        told = [
            step
            for step in self.of_return(return_id)
            if isinstance(step, Delivery) and step.taken and step.state and _ended_before(step, by)
        ]
        return told[-1] if told else None


_FINISHES = frozenset({"cancelReturn", "closeReturn", "removeLineItems"})


def _ended_before(step: Call | Delivery, call: Call) -> bool:
    """Whether the partner had dealt with a step when it made a call: by real time where both are known. The journal's
    order alone does not tell, since calls may overlap."""
    if step.ended is None or call.began is None:
        return step.id < call.id
    return step.ended <= call.began


def shows(says: str, *steps: Step, return_id: int | None = None) -> Finding:
    """A finding with the entries that show it; it is about the return of its last step unless it is said."""
    about = return_id if return_id is not None else next((s.return_id for s in reversed(steps) if s.return_id), None)
    return Finding(says=says, entries=tuple(dict.fromkeys(step.id for step in steps)), return_id=about)


def whole(value: Any) -> int | None:
    """An integer given as a number or as text, None for anything else."""
    if isinstance(value, str):
        return int(value) if re.fullmatch(r"-?[0-9]{1,30}", value.strip()) else None
    return _whole(value)


def moment(value: Any) -> int | None:
    """A time in any of Loop's forms, in milliseconds since 1970; without a zone UTC is meant."""
    if not isinstance(value, str) or not re.match(r"\d{4}-\d\d-\d\d", value):
        return None
    try:
        read = datetime.fromisoformat(value.strip().replace("Z", "+00:00"))
        aware = read if read.tzinfo is not None else read.replace(tzinfo=UTC)
        return round((aware - _SINCE_1970).total_seconds() * 1000)
    except (ValueError, OverflowError):
        return None


def walk(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every value that is neither object nor list, under the name of the member that it stands in; 40 levels deep."""
    pending = [(name, value, 0)]
    while pending:
        name, value, depth = pending.pop()
        if isinstance(value, dict) and depth < 40:
            pending.extend((str(key), each, depth + 1) for key, each in value.items())
        elif isinstance(value, list | tuple) and depth < 40:
            pending.extend((name, each, depth + 1) for each in value)
        elif not isinstance(value, dict | list | tuple):
            yield name, value


def parsed(text: Any) -> Any:
    """The JSON of a text, None where it is none, or only the beginning of one."""
    if not isinstance(text, str) or not text or len(text) >= _CUT:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _step(entry: dict[str, Any]) -> Step | None:
    kind = entry.get("kind")
    if kind == "call":
        return _call(entry)
    if kind == "delivery":
        return _delivery(entry)
    return _moved(entry) if kind == "move" else None


def _call(entry: dict[str, Any]) -> Call:
    began, took = _number(entry.get("began_ms")), _number(entry.get("duration_ms"))
    query = _query(_text(entry.get("query")))
    return_id = _whole(entry.get("return_id"))
    operation = _text(entry.get("operation"))
    if return_id is None and operation == "getReturnDetails":
        return_id = whole(query.get("return_id"))
    return Call(
        id=_whole(entry.get("id")) or 0,
        at=_whole(entry.get("at")) or 0,
        operation=operation,
        method=_text(entry.get("method")).upper(),
        path=_text(entry.get("path")),
        query=query,
        status=_whole(entry.get("status")) or None,
        refusal=_text(entry.get("refusal")),
        fault=_text(entry.get("fault")),
        key=_text(entry.get("key")),
        body=parsed(entry.get("request_body")),
        raw_body=_text(entry.get("request_body")),
        answer=parsed(entry.get("response_body")),
        return_id=return_id,
        unknown=_texts(entry.get("unknown")),
        truncated=_texts(entry.get("truncated")),
        more=entry.get("more") is True,
        count=_whole(entry.get("count")),
        began=began,
        ended=None if began is None else began + (took or 0),
        retry_after=_whole(entry.get("retry_after")),
    )


def _delivery(entry: dict[str, Any]) -> Delivery:
    began, took = _number(entry.get("began_ms")), _number(entry.get("duration_ms"))
    return Delivery(
        id=_whole(entry.get("id")) or 0,
        at=_whole(entry.get("at")) or 0,
        delivery_id=_whole(entry.get("delivery_id")),
        attempt=_whole(entry.get("attempt")) or 0,
        topic=_text(entry.get("topic")),
        trigger=_text(entry.get("trigger")),
        subscription_id=_whole(entry.get("subscription_id")),
        return_id=_whole(entry.get("return_id")),
        status=_whole(entry.get("status")) or None,
        error=_text(entry.get("error")),
        fault=_text(entry.get("fault")),
        note=_text(entry.get("note")),
        payload=parsed(entry.get("request_body")),
        began=began,
        ended=None if began is None else began + (took or 0),
        duration_ms=took,
    )


def _moved(entry: dict[str, Any]) -> Moved:
    return Moved(
        id=_whole(entry.get("id")) or 0,
        at=_whole(entry.get("at")) or 0,
        return_id=_whole(entry.get("return_id")),
        entity=_text(entry.get("entity")),
        action=_text(entry.get("action")),
        state=_text(entry.get("state")),
        to=_text(entry.get("to")),
    )


def _query(text: str) -> dict[str, str]:
    try:
        return {name: values[-1] for name, values in parse_qs(text, keep_blank_values=True).items()}
    except ValueError:
        return {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value or abs(value) > 1e18:
        return None
    return float(value)
