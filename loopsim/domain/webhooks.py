"""Webhook subscriptions, and what is decided about an attempt: pure policy, no sockets.

The figures of the retry schedule are assumed, its shape and the treatment of `Retry-After` are documented
(`FACTS.md#duration-retry`).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from msgspec import Struct

from loopsim.domain import chance
from loopsim.domain.durations import DURATIONS
from loopsim.domain.events import ShipTrigger, Topic, Trigger

MAX_ATTEMPTS = 6
FIRST_WAIT = DURATIONS["webhook_first_retry"].fixed
JITTER = 0.2
MAX_RETRY_AFTER = DURATIONS["webhook_longest_retry_after"].fixed
RETRIED_STATUSES = frozenset({408, 425, 429})
DEACTIVATED_AFTER = 10  # consecutive failures; the one after that switches the subscription off (quirk)

CRAFTED = "crafted"
"""The kind of fault that a delivery bears which no event made: its `signature` and `header` are what a test chose."""


class Subscription(Struct, frozen=True, kw_only=True):
    """A webhook as the developer or the admin made it. `secret` is None where the shop's own is used."""

    id: int
    topic: Topic | Literal["ship-by-loop"]
    trigger: Trigger | ShipTrigger
    url: str
    status: Literal["active", "inactive"] = "active"
    secret: str | None = None
    failures: int = 0


class Decision(Struct, frozen=True):
    """What becomes of a delivery after an attempt: `retry_in` is set where it will be tried again."""

    delivered: bool
    retry_in: timedelta | None = None


def judge(*, status: int | None, retry_after: float | None, attempt: int, seed: int, delivery_id: int) -> Decision:
    """Decide from the answer (`status` None: no answer), the receiver's `Retry-After` in seconds, and the attempt's
    number (from 1)."""
    if status is not None and 200 <= status < 300:
        return Decision(delivered=True)
    retryable = status is None or status in RETRIED_STATUSES or status >= 500
    if not retryable or attempt >= MAX_ATTEMPTS:
        return Decision(delivered=False)
    if retry_after is not None and retry_after >= 0:
        asked = timedelta(seconds=retry_after)
        return Decision(delivered=False, retry_in=asked if asked <= MAX_RETRY_AFTER else None)
    spread = 1 + JITTER * (2 * chance.fraction(seed, "retry", delivery_id, attempt) - 1)
    return Decision(delivered=False, retry_in=FIRST_WAIT * (2 ** (attempt - 1)) * spread)
