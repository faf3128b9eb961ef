"""Journals in a few words: entries as the control API gives them, numbered in their order."""

from __future__ import annotations

import json
from typing import Any

from msgspec import Struct

from loopsim.rules.evidence import Evidence, Provocation, ProvocationKind

Entry = dict[str, Any]
DAY = 24 * 60 * 60 * 1000
START = 1_772_442_000_000  # 2026-03-02T09:00:00Z
RETURN = 514_700_001

PATHS = {
    "processReturn": ("POST", "/warehouse/return/{}/process"),
    "cancelReturn": ("POST", "/warehouse/return/{}/cancel"),
    "flagReturn": ("POST", "/warehouse/return/{}/flag"),
    "closeReturn": ("POST", "/warehouse/return/{}/close"),
    "removeLineItems": ("POST", "/warehouse/return/{}/remove"),
    "createNote": ("POST", "/warehouse/return/{}/note"),
    "listNotes": ("GET", "/warehouse/return/{}/notes"),
    "listReturns": ("GET", "/warehouse/return/list"),
    "getReturnDetails": ("GET", "/warehouse/return/details"),
    "gradeItems": ("POST", "/dispositioning/grade"),
    "createLabel": ("POST", "/labels"),
    "requestToken": ("POST", "/oauth/token"),
    "updateLabel": ("PUT", "/labels/88"),
    "createWebhook": ("POST", "/webhooks"),
    "deleteWebhook": ("DELETE", "/webhooks/1"),
    "createCart": ("POST", "/cart"),
    "updateCart": ("POST", "/cart/{}"),
    "deleteCart": ("DELETE", "/cart/{}"),
    "offerShipmentServices": ("POST", "/ship-by-loop/shipments/{}/services"),
    "confirmShipmentOrder": ("POST", "/ship-by-loop/shipments/{}/orders"),
    "analyzeCart": ("POST", "/storefront/v1/analyze"),
    "upsertOrder": ("PUT", "/orders"),
    "followPartnerLink": ("GET", "/app/deep-link"),
}
NO_ANSWER = object()


def call(operation: str, /, return_id: int | None = None, body: Any = None, **given: Any) -> Entry:
    """A call of the partner. `answer` is the parsed answer; without one it is `true` for what writes."""
    method, path = PATHS.get(operation, ("GET", "/warehouse/return/list"))
    entry: Entry = {
        "kind": "call",
        "direction": "in",
        "operation": operation,
        "method": method,
        "status": 200,
        "key": "1",
    }
    entry["path"] = "/api/v1" + path.format(return_id)
    if return_id is not None and "{}" in path:
        entry["return_id"] = return_id
    if body is not None:
        entry["request_body"] = json.dumps(body)
    answer = given.pop("answer", True if method != "GET" else NO_ANSWER)
    if answer is not NO_ANSWER:
        entry["response_body"] = json.dumps(answer)
    return {**entry, **given}


def details(return_id: int = RETURN, **given: Any) -> Entry:
    """A read of one return."""
    return call("getReturnDetails", query=f"return_id={return_id}", **given)


def refused(operation: str, refusal: str, return_id: int = RETURN, **given: Any) -> Entry:
    """An action that Loop refuses with status 200."""
    errors = {
        "errors": {"message": "Return is closed and therefore cannot be processed.", "code": "UNPROCESSABLE_RETURN"}
    }
    return call(operation, return_id, refusal=refusal, answer=errors, **given)


def hook(trigger: str = "return.updated", state: str = "open", return_id: int = RETURN, **given: Any) -> Entry:
    """A webhook that the partner took, of topic `return` unless `topic` says otherwise. `payload` adds members."""
    topic = given.pop("topic", "return")
    payload = {"topic": topic, "trigger": trigger, "id": str(return_id), "state": state, **given.pop("payload", {})}
    entry = {"kind": "delivery", "direction": "out", "status": 200, "attempt": 1, "duration_ms": 4.0, "topic": topic}
    return {**entry, "trigger": trigger, "return_id": return_id, "request_body": json.dumps(payload), **given}


def moved(action: str, state: str, to: str, return_id: int = RETURN, **given: Any) -> Entry:
    """A move that Loop made."""
    entry = {"kind": "move", "direction": "inside", "entity": "return", "return_id": return_id}
    return {**entry, "action": action, "state": state, "to": to, **given}


def journal(*entries: Entry) -> tuple[Entry, ...]:
    """The entries with ids, and with the shop's time where none is given; deliveries get ids of their own."""
    numbered = []
    for number, entry in enumerate(entries, 1):
        own = {"delivery_id": number} if entry.get("kind") == "delivery" else {}
        numbered.append({"id": number, "at": START, **own, **entry})
    return tuple(numbered)


def story(*entries: Entry, **given: Any) -> Evidence:
    """The evidence of a story."""
    return Evidence(entries=journal(*entries), **given)


def provoked(kind: ProvocationKind, *effect: str, **given: Any) -> Evidence:
    """The evidence of a provocation; its genuine counterpart has an effect unless `control=False` is given."""
    return Evidence(provocations=(Provocation(kind=kind, effect=effect, **{"control": True, **given}),))


class Case(Struct, frozen=True, kw_only=True):
    """Journals for one rule: those it passes, those it fails with what a finding says, those it does not judge."""

    passes: tuple[Evidence, ...]
    fails: tuple[tuple[Evidence, str], ...]
    not_judged: tuple[Evidence, ...] = (story(),)
