"""Making subscriptions and secrets: shared by the webhooks API and the control API."""

from __future__ import annotations

from typing import Any

from loopsim.domain import chance
from loopsim.domain.quirks import quirk
from loopsim.domain.webhooks import Subscription
from loopsim.store.transaction import Transaction


def fresh_secret(tx: Transaction, entity: object) -> str:
    """Another secret for the shop or a subscription: sixteen lower-case hex digits, used as text (seen in 2020)."""
    return f"{chance.draw(tx.settings.seed, 'secret', entity, tx.count('secret')):016x}"


def new_subscription(tx: Transaction, topic: Any, trigger: Any, url: str, status: Any = "active") -> Subscription:
    """Keep a new subscription; it has a secret of its own where the shop does not share one (quirk)."""
    id_ = tx.next_id("webhook")
    own = quirk(tx.settings.quirks, "webhook_secret") == "per_webhook"
    secret = fresh_secret(tx, id_) if own else None
    made = Subscription(id=id_, topic=topic, trigger=trigger, url=url, status=status, secret=secret)
    tx.put("webhook", id_, made)
    return made
