"""Switches of webhooks: their API, their payloads, their delivery."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from msgspec import structs

from loopsim.contract import Operation, validate
from loopsim.domain import returns, webhooks
from loopsim.domain.events import Event
from loopsim.domain.webhooks import Decision, judge
from loopsim.errors import Invalid
from loopsim.operations import publish
from loopsim.operations.loop import labels as label_operations
from loopsim.store.transaction import Transaction
from loopsim.store.world import new_settings
from loopsim.webhooks.hand import Job
from loopsim.webhooks.sending import prepare
from loopsim.webhooks.signing import sign, signed
from loopsim.webhooks.targets import allowed
from loopsim.wire import payloads
from tests.quirks.patching import (
    Patch,
    Switch,
    answered,
    attribute,
    both,
    default,
    function,
    method,
)
from tests.quirks.switches_answers import PLAIN_JSON

Payload = dict[str, Any]
LABEL = ("label.created", "label.updated")


# payloads


def _of_topic(topic: str, change: Callable[[Payload], Payload]) -> Switch:
    def switch(patch: Patch) -> None:
        real = payloads.TOPICS[topic]

        def changed(event: Event, settings: Any) -> Payload | None:
            payload = real(event, settings)
            return None if payload is None else change(payload)

        patch.item(payloads.TOPICS, topic, changed)

    return switch


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(each) for each in value] if isinstance(value, list) else value


def _id_as(name: str, kind: Callable[[Any], Any]) -> Callable[[Payload], Payload]:
    return lambda payload: {**payload, name: kind(payload[name])}


def _label_known_at_once(patch: Patch) -> None:
    """The label is made in the same breath as the return."""
    label = {"status": "new", "tracking_number": "9461"}
    _of_topic("return", lambda payload: {**payload, "labels": [label], "tracking_number": "9461"})(patch)


def _webhook_words_in_rest(of: dict[str, str]) -> dict[str, str | None]:
    return {name: of.get(name) for name in ("name", "company", "address1", "city", "state", "zip", "country", "phone")}


def _currency_codes(payload: Payload) -> Payload:
    price = {"amount": "28.00", "currency_code": "USD"}
    return {**payload, "products": [{**product, "price": price} for product in payload["products"]]}


def _errors_end_it(request: Payload) -> Payload:
    return {**request, "status": "failed" if request["errors"] else request["status"]}


# what fires


def _silent(*actions: str) -> Switch:
    """These moves tell nobody."""

    def switch(patch: Patch) -> None:
        for action in actions:
            moves_of: Any = returns.LIFECYCLE[action]  # type: ignore[index]
            quiet = {state: structs.replace(each, fires=()) for state, each in moves_of.items()}
            patch.item(returns.LIFECYCLE, action, quiet)

    return switch


def _only_closing(patch: Patch) -> None:
    emit = Transaction.emit

    def first(self: Transaction, *events: Event) -> None:
        closing = any(each.trigger == "return.closed" for each in events)
        emit(self, *(each for each in events if not (closing and each.trigger == "return.updated")))

    patch.set(Transaction, "emit", first)


def _natural_pairs_only(patch: Patch) -> None:
    real = payloads.payload

    def payload(topic: str, event: Event, settings: Any) -> Payload | None:
        return real(topic, event, settings) if event.trigger.startswith(topic) else None

    patch.everywhere(real, payload)
    default("empty_pair", "skip")(patch)


def _undotted(operation: Operation, body: Any) -> Any:
    if operation.id == "createWebhook" and isinstance(body, dict) and "." in str(body.get("topic")):
        raise Invalid({"topic": ["Must be one of the following values:return,label,restock,label_request"]})
    return validate(operation, body)


# deliveries


def _with_delivery_id(job: Job, target: Any) -> Any:
    out = prepare(job, target)
    return structs.replace(out, headers={**out.headers, "X-Loop-Delivery-Id": str(job.delivery.id)})


def _hexadecimal(body: bytes, secret: str) -> str:
    import hashlib
    import hmac

    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def _made_when_sent(patch: Patch) -> None:
    sent: list[bytes] = []

    def again(body: bytes, secret: str, tamper: str | None = None) -> Any:
        sent.append(body)
        return signed(body + b" " * sent.count(body), secret, tamper)

    patch.everywhere(signed, again)


def _signed_once(patch: Patch) -> None:
    first: dict[bytes, str] = {}

    def kept(body: bytes, secret: str, tamper: str | None = None) -> Any:
        return signed(body, first.setdefault(body, secret), tamper)

    patch.everywhere(signed, kept)


def _no_lanes(real: Any, self: Job, *args: Any) -> None:
    real(self, *args)
    self.key = None


def _judged(change: Callable[..., Decision]) -> Switch:
    return function(judge, lambda **facts: change(**facts))


def _never_again(*, status: int | None, **_facts: Any) -> Decision:
    return Decision(delivered=status is not None and 200 <= status < 300)


def _always_again(*, status: int | None, **facts: Any) -> Decision:
    return judge(status=500 if status is not None and 400 <= status < 500 else status, **facts)


def _evenly(*, attempt: int, **facts: Any) -> Decision:
    decision = judge(attempt=attempt, **facts)
    return decision if decision.retry_in is None else Decision(delivered=False, retry_in=timedelta(seconds=30))


def _hasty(*args: Any, **own: Any) -> Any:
    return structs.replace(new_settings(*args, **own), delivery_timeout=5_000)


def _secret_in(value: Any) -> Any:
    return {**value, "secret": "0123456789abcdef"}


SWITCHES: dict[str, Switch] = {
    "label-request-addresses": attribute(label_operations, "_request_address", _webhook_words_in_rest),
    "label-request-money": _of_topic("label.request", _currency_codes),
    "label-request-errors": both(
        answered("getLabelRequest", _errors_end_it),
        answered("listLabelRequests", lambda page: {"data": [_errors_end_it(each) for each in page["data"]]}),
    ),
    # the webhooks API
    "webhook-active": default("webhook_default_status", "inactive"),
    "topics-dotted": function(validate, _undotted),
    "topic-any-trigger": _natural_pairs_only,
    "secret-untold": answered("createWebhook", _secret_in),
    # payloads
    "webhook-php-json": PLAIN_JSON,
    "webhook-signature": function(sign, _hexadecimal),
    "webhook-no-ids": function(prepare, _with_delivery_id),
    "webhook-key-order": _of_topic("return", _sorted),
    "webhook-plain-http": function(allowed, lambda *_: False),
    "webhook-no-label-yet": _label_known_at_once,
    "webhook-empty-pair": attribute(publish, "EMPTY", b"{}"),
    "closing-sends-both": _only_closing,
    "payload-processing-ids": _of_topic("return.processing", _id_as("return_id", str)),
    "payload-return-ids": _of_topic("return", _id_as("id", int)),
    "payload-label-ids": _of_topic("label", _id_as("id", lambda id_: id_ + 1)),
    "payload-giftcard-ids": _of_topic("giftcard", _id_as("return_id", int)),
    "updated-by-state": _silent("cancel", "close", "process_partly_done", "expire"),
    "updated-by-edit": _silent("edit"),
    "updated-by-flag": _silent("flag", "unflag"),
    "updated-by-grading": default("grading_fires_return_updated", "off"),
    "updated-by-label": default("label_change_fires_return_updated", "off"),
    # deliveries
    "secret-shared": default("webhook_secret", "per_webhook"),
    "payload-at-event": _made_when_sent,
    "signed-when-sent": _signed_once,
    "first-in-order": method(Job, "__init__", _no_lanes),
    "retry-holds-nothing": default("delivery_order", "strict"),
    "retry-six": attribute(webhooks, "MAX_ATTEMPTS", 4),
    "retry-backoff": _judged(_evenly),
    "retry-after": attribute(webhooks, "MAX_RETRY_AFTER", timedelta(0)),
    "retry-after-fatal": attribute(webhooks, "MAX_RETRY_AFTER", timedelta(days=30)),
    "retry-statuses": _judged(_never_again),
    "retry-not-4xx": _judged(_always_again),
    "attempt-10s": function(new_settings, _hasty),
    "never-deactivated": default("webhook_deactivation", "after_10_failures"),
}
