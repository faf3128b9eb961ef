"""From a job to its posts: may it go out, with which bytes and headers, and what is decided from the answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from loopsim import __version__
from loopsim.domain.webhooks import CRAFTED, Decision, judge
from loopsim.store.shop import Shop
from loopsim.webhooks.hand import Job
from loopsim.webhooks.outcomes import Blocked, Dropped, Outgoing, Posted, is_crafted
from loopsim.webhooks.signing import SIGNATURE_HEADER, crafted, signed
from loopsim.webhooks.targets import Target, why_blocked

if TYPE_CHECKING:
    from loopsim.webhooks.attempt import Sender

USER_AGENT = f"loopsim/{__version__}"
_HEADERS = {"Content-Type": "application/json", "User-Agent": USER_AGENT}
Now = Callable[[Shop], datetime]


def verdict(job: Job, allow_targets: tuple[str, ...], now: Now) -> Target | Dropped | Blocked:
    """Where a job may be posted to as things are now, or why it is not posted."""
    hand, delivery = job.hand, job.delivery
    subscription = hand.subscription(delivery.subscription_id)
    if subscription is None:
        note = "Never sent: its subscription was deleted."
        return Dropped(delivery=delivery, at=now(hand.shop), note=note, resent=job.resent is not None)
    route = hand.route(subscription.url, allow_targets)
    if route is not None and route[1]:
        return route[0]
    note = why_blocked(subscription.url)
    return Blocked(delivery=delivery, at=now(hand.shop), url=subscription.url, note=note)


def prepare(job: Job, target: Target) -> Outgoing:
    """The bytes as they were made at the event, signed with the secret of this moment; spoiled where a fault says so,
    or as a test crafted them."""
    hand, fault = job.hand, job.fault
    subscription = hand.subscription(job.delivery.subscription_id)
    assert subscription is not None
    body, secret = hand.payload(job), subscription.secret or hand.shop.settings.secret
    if fault.get("kind") == CRAFTED:
        sent, signature = body, crafted(body, secret, fault["signature"])
    else:
        tamper = str(fault.get("what", "signature")) if fault.get("kind") == "tamper" else None
        sent, signature = signed(body, secret, tamper)
    headers = _HEADERS if signature is None else {**_HEADERS, fault.get("header", SIGNATURE_HEADER): signature}
    if hand.shop.settings.delivery_headers:
        headers = {**hand.shop.settings.delivery_headers, **headers}
    return Outgoing(
        url=subscription.url,
        target=target,
        body=sent,
        headers=headers,
        changed=None if sent is body else sent.decode("utf-8", "replace"),
    )


async def post_all(job: Job, out: Outgoing, sender: Sender, now: Now) -> bool:
    """Post a job's message, more than once where a fault says so, each after the last was answered. The outcomes go to
    the hand.

    Returns whether it will be tried again; the first answer decides.
    """
    hand, delivery, settings = job.hand, job.delivery, job.hand.shop.settings
    resent, retry = job.resent is not None, False
    for copy in range(job.copies):
        at = now(hand.shop)
        reply = await sender.post(out.url, out.target, out.body, out.headers, settings.delivery_timeout)
        decision = judge(
            status=reply.status,
            retry_after=reply.retry_after,
            attempt=job.tries + 1,
            seed=settings.seed,
            delivery_id=delivery.id,
        )
        if is_crafted(delivery):
            decision = Decision(delivered=decision.delivered)
        if copy == 0:
            retry = not resent and decision.retry_in is not None
        hand.outcomes.append(
            (
                job,
                Posted(delivery=delivery, at=at, out=out, reply=reply, decision=decision, copy=copy > 0, resent=resent),
            )
        )
    return retry
