"""What came of a delivery, waiting to be written down, and the writing: many outcomes, one transaction.

Nothing is claimed in the database. What is not written here is still queued there and goes out again after a restart.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct, structs

from loopsim.clock import from_ms, to_ms
from loopsim.domain.events import Timer
from loopsim.domain.quirks import quirk
from loopsim.domain.webhooks import CRAFTED, DEACTIVATED_AFTER, Decision, Subscription
from loopsim.store.deliveries import RETRY_TIMER, Attempt, Delivery, DeliveryState, Settled, drop, settle, standings
from loopsim.store.journal import Entry
from loopsim.store.shop import Shop
from loopsim.store.transaction import Transaction
from loopsim.webhooks.reply import Reply
from loopsim.webhooks.targets import Target


class Outgoing(Struct, frozen=True, kw_only=True):
    """One message as it is posted. `changed`: the body as text where it is not the payload as kept."""

    url: str
    target: Target
    body: bytes
    headers: dict[str, str]
    changed: str | None


class Posted(Struct, frozen=True, kw_only=True):
    """A POST was made. `copy`: a further one of the same bytes, which decides nothing; `resent`: asked for by hand.
    Neither schedules anything."""

    delivery: Delivery
    at: datetime
    out: Outgoing
    reply: Reply
    decision: Decision
    copy: bool = False
    resent: bool = False


class Blocked(Struct, frozen=True, kw_only=True):
    """Nothing was posted, because the target is not allowed."""

    delivery: Delivery
    at: datetime
    url: str
    note: str


class Dropped(Struct, frozen=True, kw_only=True):
    """Nothing was posted and nothing will be. A `resent` delivery keeps its state."""

    delivery: Delivery
    at: datetime
    note: str
    resent: bool = False


class Delayed(Struct, frozen=True, kw_only=True):
    """Nothing was posted yet: a timer brings the delivery back."""

    delivery: Delivery
    at: datetime
    due: datetime


Outcome = Posted | Blocked | Dropped | Delayed


class Written(Struct, frozen=True, kw_only=True):
    """What was written: per outcome how its attempt was settled (None where there was none), and whether timers were
    added."""

    settled: list[Settled | None] = []
    timers_changed: bool = False


def write(shop: Shop, outcomes: Sequence[Outcome], now: datetime) -> Written:
    """Write the outcomes in their order, in one transaction at `now` of the shop's clock, and tell the journal."""
    with shop.transaction(now) as transaction:
        batch = _Batch(transaction, outcomes)
        settled = [batch.write(outcome) for outcome in outcomes]
        batch.close()
    for entry in batch.entries:
        shop.journal.add(entry)
    return Written(settled=settled, timers_changed=transaction.timers_changed)


class _Batch:
    """What a batch is about is read once and written once: deliveries, and the subscriptions that count failures."""

    def __init__(self, transaction: Transaction, outcomes: Sequence[Outcome]) -> None:
        self.entries: list[Entry] = []
        self._transaction = transaction
        self._deactivates = quirk(transaction.settings.quirks, "webhook_deactivation") == "after_10_failures"
        self._standings = standings(transaction.connection, {outcome.delivery.id for outcome in outcomes})
        self._settled: list[Settled] = []
        self._before: dict[int, Subscription | None] = {}
        self._after: dict[int, Subscription] = {}

    def write(self, outcome: Outcome) -> Settled | None:
        delivery = outcome.delivery
        if delivery.id not in self._standings:
            return None
        state, attempts = self._standings[delivery.id]
        settled: Settled | None = None
        if isinstance(outcome, Posted):
            settled = self._posted(outcome, state, attempts + 1)
            self.entries.append(_posted_entry(outcome, settled.attempt, self._count(outcome)))
        elif isinstance(outcome, Blocked):
            settled = _blocked(outcome, state, attempts + 1)
            self.entries.append(_entry(outcome, outcome.note, settled.attempt))
        elif isinstance(outcome, Dropped):
            if state == "queued" and not outcome.resent:
                drop(self._transaction.connection, delivery.id, outcome.at)
            self.entries.append(_entry(outcome, outcome.note))
        else:
            self._transaction.schedule(Timer(RETRY_TIMER, outcome.due, delivery.id))
        if settled is not None:
            self._settled.append(settled)
            self._standings[delivery.id] = (settled.state, settled.attempt.number)
        return settled

    def close(self) -> None:
        """Write what was gathered."""
        settle(self._transaction.connection, self._settled)
        for id_, subscription in self._after.items():
            if subscription != self._before[id_]:
                self._transaction.put("webhook", id_, subscription)

    def _posted(self, posted: Posted, state: DeliveryState, number: int) -> Settled:
        delivery, out, reply = posted.delivery, posted.out, posted.reply
        retry_at = None
        if state == "queued" and not posted.copy and not posted.resent:
            if posted.decision.delivered:
                state = "delivered"
            elif posted.decision.retry_in is None:
                state = "failed"
            else:
                retry_at = from_ms(to_ms(self._transaction.now + posted.decision.retry_in))
                self._transaction.schedule(Timer(RETRY_TIMER, retry_at, delivery.id))
        elif posted.resent and posted.decision.delivered:
            if state == "queued":
                self._transaction.cancel_timers(delivery.id, RETRY_TIMER)
            state = "delivered"
        attempt = Attempt(
            delivery_id=delivery.id,
            number=number,
            at=posted.at,
            url=out.url,
            error=reply.error,
            request_headers=out.headers,
            request_body=out.changed,
            status=reply.status,
            response_headers=reply.headers,
            response_body=reply.body,
            duration_ms=reply.duration_ms,
            retry_at=retry_at,
        )
        return Settled(attempt=attempt, state=state)

    def _count(self, posted: Posted) -> str | None:
        """Count consecutive failures, but of crafted deliveries, which may well be refused; the note for the journal
        where the subscription was switched off."""
        if posted.copy or is_crafted(posted.delivery):
            return None
        subscription = self._subscription(posted.delivery.subscription_id)
        if subscription is None:
            return None
        failures = 0 if posted.decision.delivered else subscription.failures + 1
        changed = subscription
        if failures != subscription.failures:
            changed = structs.replace(subscription, failures=failures)
        note = None
        if self._deactivates and failures > DEACTIVATED_AFTER and subscription.status == "active":
            changed = structs.replace(changed, status="inactive")
            note = f"The subscription was deactivated after {failures} consecutive failures."
        self._after[subscription.id] = changed
        return note

    def _subscription(self, id_: int) -> Subscription | None:
        if id_ not in self._before:
            self._before[id_] = self._transaction.get("webhook", id_, Subscription)
        return self._after.get(id_) or self._before[id_]


def is_crafted(delivery: Delivery) -> bool:
    """Whether no event made it, but a test."""
    return delivery.fault is not None and delivery.fault["kind"] == CRAFTED


def _blocked(blocked: Blocked, state: DeliveryState, number: int) -> Settled:
    attempt = Attempt(
        delivery_id=blocked.delivery.id,
        number=number,
        at=blocked.at,
        url=blocked.url,
        request_headers={},
        error="blocked",
    )
    return Settled(attempt=attempt, state="blocked" if state == "queued" else state)


def _entry(outcome: Posted | Blocked | Dropped, note: str | None, attempt: Attempt | None = None) -> Entry:
    """What the journal says of any outcome; of a POST there is more to say."""
    delivery = outcome.delivery
    entry = Entry(
        at=to_ms(outcome.at),
        direction="out",
        kind="delivery",
        delivery_id=delivery.id,
        subscription_id=delivery.subscription_id,
        topic=delivery.topic,
        trigger=delivery.trigger,
        return_id=delivery.return_id,
        note=note,
        fault=None if delivery.fault is None else str(delivery.fault["kind"]),
    )
    if attempt is not None:
        entry.attempt, entry.url, entry.error = attempt.number, attempt.url, attempt.error
    return entry


def _posted_entry(posted: Posted, attempt: Attempt, note: str | None) -> Entry:
    out, reply = posted.out, posted.reply
    entry = _entry(posted, note, attempt)
    entry.method, entry.status = "POST", reply.status
    entry.request_headers, entry.request_body = out.headers, out.changed
    entry.payload_id = posted.delivery.payload_id if out.changed is None else None
    entry.response_body = reply.body
    entry.duration_ms, entry.began_ms = reply.duration_ms, reply.began_ms
    if posted.resent and not is_crafted(posted.delivery):
        entry.fault = None
    return entry
