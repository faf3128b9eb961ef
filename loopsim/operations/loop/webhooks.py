"""The webhooks API: subscriptions as developers make them, and sample payloads."""

from __future__ import annotations

from typing import Any

from msgspec import structs

from loopsim.domain.events import SHIP_TOPIC, TOPICS, TRIGGERS
from loopsim.domain.quirks import quirk
from loopsim.domain.webhooks import Subscription
from loopsim.errors import Invalid, Refusal
from loopsim.operations.perform import Answer, Call, operation
from loopsim.operations.subscriptions import new_subscription
from loopsim.store.transaction import Transaction
from loopsim.wire.samples import sample


def _shown(subscription: Subscription, shop_id: int) -> dict[str, Any]:
    return {
        "id": subscription.id,
        "shop_id": shop_id,
        "topic": subscription.topic,
        "trigger": subscription.trigger,
        "url": subscription.url,
        "status": subscription.status,
    }


def _named(tx: Transaction, call: Call) -> Subscription:
    found = tx.get("webhook", call.path["id"], Subscription)
    if found is None or found.topic == SHIP_TOPIC:
        raise Refusal("webhook_not_found")
    return found


@operation("listWebhooks", reads=True)
def list_webhooks(tx: Transaction, _call: Call) -> Any:
    """All subscriptions of the shop, those made in the admin too. The secret is in no answer."""
    return {
        "webhooks": [
            _shown(each, tx.settings.id) for each in tx.all("webhook", Subscription) if each.topic != SHIP_TOPIC
        ]
    }


@operation("createWebhook")
def create_webhook(tx: Transaction, call: Call) -> Answer:
    """Subscribe. Any pair of topic and trigger is taken, and any number of the same."""
    body = call.body
    status = body.get("status") or quirk(tx.settings.quirks, "webhook_default_status")
    made = new_subscription(tx, body["topic"], body["trigger"], body["url"], status)
    return Answer(_shown(made, tx.settings.id), 201)


@operation("updateWebhook")
def update_webhook(tx: Transaction, call: Call) -> Answer:
    """Replace topic, trigger and URL; the status stays unless given."""
    found, body = _named(tx, call), call.body
    changed = structs.replace(
        found,
        topic=body["topic"],
        trigger=body["trigger"],
        url=body["url"],
        status=body.get("status") or found.status,
        failures=0,
    )
    tx.put("webhook", found.id, changed)
    return Answer(None, 204)


@operation("deleteWebhook")
def delete_webhook(tx: Transaction, call: Call) -> Answer:
    """Unsubscribe."""
    tx.delete("webhook", _named(tx, call).id)
    return Answer(None, 204)


@operation("getSampleWebhook", reads=True)
def get_sample_webhook(tx: Transaction, call: Call) -> Any:
    """What a pair would deliver, with made-up data; `[]` where the topic has nothing to say."""
    wrong = {}
    topic, trigger = call.query.get("topic", ""), call.query.get("trigger", "")
    for name, value, known in (("topic", topic, TOPICS), ("trigger", trigger, TRIGGERS)):
        if not value:
            wrong[name] = [f"The {name} field is required."]
        elif value not in known:
            wrong[name] = [f"Must be one of the following values:{','.join(known)}"]
    if wrong:
        raise Invalid(wrong)
    payload = sample(topic, trigger, tx.settings, tx.now)
    return [] if payload is None else payload
