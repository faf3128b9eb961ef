"""Making subscriptions and secrets: shared by the webhooks API and the control API."""

from __future__ import annotations

from typing import Any

from loopsim.domain import chance
from loopsim.domain.quirks import quirk
from loopsim.domain.webhooks import Subscription
from loopsim.store.transaction import Transaction


def new_secret(seed: int, entity: object, counter: int) -> str:
    """Sixteen lower-case hex digits, used as text (seen in 2020)."""
    return f"{chance.draw(seed, 'secret', entity, counter):016x}"


def new_subscription(tx: Transaction, topic: Any, trigger: Any, url: str, status: Any = "active") -> Subscription:
    """Keep a new subscription; it has a secret of its own where the shop does not share one (quirk)."""
    id_ = tx.next_id("webhook")
    own = quirk(tx.settings.quirks, "webhook_secret") == "per_webhook"
    secret = new_secret(tx.settings.seed, id_, tx.count("secret")) if own else None
    made = Subscription(id=id_, topic=topic, trigger=trigger, url=url, status=status, secret=secret)
    tx.put("webhook", id_, made)
    return made
