"""From events to the outbox: the payload bytes of every topic that is subscribed to, made in the transaction of the
event.
"""

from __future__ import annotations

from msgspec import structs

from loopsim.domain.events import Event
from loopsim.domain.faults import Fault, matches_delivery, strikes
from loopsim.domain.quirks import quirk
from loopsim.domain.webhooks import Subscription
from loopsim.store.codec import encode
from loopsim.store.transaction import Transaction
from loopsim.wire import php

EMPTY = b"[]"


def publish(transaction: Transaction) -> None:
    """Queue one delivery per event and active subscription that listens for its trigger. Subscriptions to one topic
    share the bytes.
    """
    if not transaction.events:
        return
    subscriptions = [s for s in transaction.all("webhook", Subscription) if s.status == "active"]
    faults = transaction.all("fault", Fault)
    for event in transaction.events:
        kept: dict[str, int | None] = {}
        for subscription in subscriptions:
            if subscription.trigger != event.trigger:
                continue
            topic = subscription.topic
            if topic not in kept:
                kept[topic] = _keep_payload(transaction, event, topic)
            payload_id = kept[topic]
            if payload_id is not None:
                fault = _strike(transaction, faults, event, subscription)
                transaction.add_delivery(subscription.id, event, topic, payload_id, fault)


def _keep_payload(transaction: Transaction, event: Event, topic: str) -> int | None:
    # Only here: a server starts sooner without what makes payloads.
    from loopsim.wire.payloads import payload

    value = payload(topic, event, transaction.settings)
    if value is None:
        # A topic that has nothing to say about the event: Loop posts an empty payload (form assumed, quirk).
        if quirk(transaction.settings.quirks, "empty_pair") == "skip":
            return None
        return transaction.add_payload(EMPTY)
    return transaction.add_payload(php.encode(value))


def _strike(transaction: Transaction, faults: list[Fault], event: Event, subscription: Subscription) -> bytes | None:
    for index, fault in enumerate(faults):
        if matches_delivery(fault, event.trigger, subscription.topic, subscription.id):
            struck = strikes(fault, transaction.settings.seed)
            left = fault.count if fault.count is None or not struck else fault.count - 1
            faults[index] = structs.replace(fault, seen=fault.seen + 1, count=left)
            transaction.put("fault", fault.id, faults[index])
            if struck:
                return encode({"id": fault.id, "kind": fault.kind, **fault.params})
    return None
