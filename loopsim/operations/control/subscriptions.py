"""Webhook subscriptions from the admin's side, and the secrets they are signed with."""

from __future__ import annotations

from typing import Any

from msgspec import structs

from loopsim.domain.events import SHIP_TOPIC, SHIP_TRIGGERS, TOPICS, Topic, Trigger
from loopsim.domain.quirks import quirk
from loopsim.domain.webhooks import Subscription
from loopsim.errors import Refusal
from loopsim.operations.perform import Answer, Call, operation
from loopsim.operations.subscriptions import fresh_secret, new_subscription
from loopsim.store.transaction import Transaction

# The triggers whose events a topic has something to say about (`x-triggers` of openapi/loop/webhooks.yaml).
NATURAL: dict[Topic, tuple[Trigger, ...]] = {
    "return": ("return.created", "return.updated", "return.closed"),
    "return.processing": ("return.processing.failed",),
    "label": ("label.created", "label.updated"),
    "restock": ("restock.requested",),
    "label.request": ("label.request.issued", "label.request.cancelled"),
    "giftcard": ("giftcard.requested",),
    "happy.returns.shipment": ("shipment.processed",),
}


def pairs(topic: str | None, trigger: str | None) -> list[tuple[str, str]]:
    """The pairs to subscribe to: the one that is named, or all natural ones that fit what is named. Those of Ship by
    Loop have to be named."""
    if topic is not None and trigger is not None:
        return [(topic, trigger)]
    if topic == SHIP_TOPIC or trigger in SHIP_TRIGGERS:
        return [(SHIP_TOPIC, each) for each in SHIP_TRIGGERS if trigger in (None, each)]
    return [(t, g) for t in TOPICS for g in NATURAL[t] if topic in (None, t) and trigger in (None, g)]


@operation("listSubscriptions", reads=True)
def list_subscriptions(tx: Transaction, _call: Call) -> dict[str, Any]:
    """All of them, oldest first."""
    return {"subscriptions": [_view(each) for each in tx.all("webhook", Subscription)]}


@operation("createSubscription")
def create_subscription(tx: Transaction, call: Call) -> Answer:
    """One subscription per pair."""
    body = call.body
    status = body.get("status", "active")
    wanted = pairs(body.get("topic"), body.get("trigger"))
    made = [new_subscription(tx, topic, trigger, body["url"], status) for topic, trigger in wanted]
    return Answer({"subscriptions": [_view(each) for each in made]}, 201)


@operation("updateSubscription")
def update_subscription(tx: Transaction, call: Call) -> dict[str, Any]:
    """Change what is named."""
    old = _need(tx, call.path["id"])
    failures = 0 if call.body.get("status") == "active" else old.failures
    changed = structs.replace(old, **call.body, failures=failures)
    tx.put("webhook", changed.id, changed)
    return {"subscription": _view(changed)}


@operation("deleteSubscription")
def delete_subscription(tx: Transaction, call: Call) -> Answer:
    """Forget it."""
    if not tx.delete("webhook", call.path["id"]):
        raise Refusal("webhook_not_found")
    return Answer(None, 204)


@operation("readSecrets", reads=True)
def read_secrets(tx: Transaction, _call: Call) -> dict[str, Any]:
    """The shop's secret, and what each subscription is signed with."""
    return _secrets(tx)


def _secrets(tx: Transaction) -> dict[str, Any]:
    return {
        "secret": tx.settings.secret,
        "subscriptions": [
            {"id": each.id, "secret": each.secret or tx.settings.secret, "own": each.secret is not None}
            for each in tx.all("webhook", Subscription)
        ],
    }


@operation("rotateSecret")
def rotate_secret(tx: Transaction, call: Call) -> dict[str, Any]:
    """A new secret for the shop, or for one subscription alone."""
    subscription_id = call.body.get("subscription_id")
    if subscription_id is None:
        tx.settings = structs.replace(tx.settings, secret=fresh_secret(tx, "shop"))
        tx.shop.set_settings(tx.settings)
    else:
        old = _need(tx, subscription_id)
        tx.put("webhook", old.id, structs.replace(old, secret=fresh_secret(tx, old.id)))
    return _secrets(tx)


def follow_secret_quirk(tx: Transaction) -> None:
    """Give subscriptions secrets of their own, or take them away, as the quirk `webhook_secret` now has it."""
    own = quirk(tx.settings.quirks, "webhook_secret") == "per_webhook"
    for each in tx.all("webhook", Subscription):
        if own != (each.secret is not None):
            tx.put("webhook", each.id, structs.replace(each, secret=fresh_secret(tx, each.id) if own else None))


def _need(tx: Transaction, id_: int) -> Subscription:
    found = tx.get("webhook", id_, Subscription)
    if found is None:
        raise Refusal("webhook_not_found")
    return found


def _view(subscription: Subscription) -> dict[str, Any]:
    return {
        "id": subscription.id,
        "topic": subscription.topic,
        "trigger": subscription.trigger,
        "url": subscription.url,
        "status": subscription.status,
        "failures": subscription.failures,
    }
