"""What the worker has in hand of one shop: jobs, lanes that keep first attempts in order, outcomes not yet written."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, Literal, get_args

from loopsim.domain.quirks import quirk
from loopsim.domain.webhooks import CRAFTED, Subscription
from loopsim.store.deliveries import Delivery, Settled, payloads_from, tries_made
from loopsim.store.shop import Shop
from loopsim.webhooks.outcomes import Outcome
from loopsim.webhooks.targets import Target, allowed, target_of

_KEPT_PAYLOADS, _READ_AHEAD = 256, 32
Counted = Literal["open", "moving", "first"]  # which jobs in hand count: see `Hand`
LaneKey = tuple[int, int]  # subscription id, return id
Route = tuple[Target, bool]  # where a URL leads to, and whether that is allowed


class Job:
    """A delivery in hand. `fault`: what is done to it (a resend is spared, but for how it was crafted); `tries`: how
    often it was tried, whatever was sent by hand; `first`: it never was; `resent` is set where it is asked for by hand;
    `key`: the lane it belongs to; `lane`: the lane it waits in or holds; `void`: it need not be posted any more;
    `over`: done when it is out of hand; `releases`: the job that is held back until this one was answered."""

    __slots__ = (
        "counted",
        "delivery",
        "fault",
        "first",
        "hand",
        "held",
        "key",
        "lane",
        "over",
        "parked",
        "present",
        "releases",
        "resent",
        "settled",
        "task",
        "tries",
        "void",
    )

    def __init__(self, hand: Hand, delivery: Delivery, resent: asyncio.Future[Settled | None] | None = None) -> None:
        self.hand = hand
        self.delivery = delivery
        self.resent = resent
        fault = delivery.fault or {}
        self.fault: dict[str, Any] = fault if resent is None or fault.get("kind") == CRAFTED else {}
        self.tries = tries_made(hand.shop.connection, delivery)
        self.first = resent is None and self.tries == 0
        self.key: LaneKey | None = None
        if resent is None and delivery.return_id is not None:
            self.key = (delivery.subscription_id, delivery.return_id)
        self.lane: Lane | None = None
        self.releases: Job | None = None
        self.over: asyncio.Future[None] | None = None
        self.settled: Settled | None = None
        self.task: asyncio.Task[None] | None = None
        self.present = self.held = self.parked = self.void = False
        self.counted = (False, False)

    @property
    def copies(self) -> int:
        """How many times the bytes are posted."""
        return copies_of(self.fault) if self.first else 1


class Lane:
    """First attempts of one subscription and return, one at a time. `waiting`: deliveries to be retried, for which
    the lane waits under the quirk `delivery_order` = `strict`; while all of them wait for a timer it is `stalled`."""

    __slots__ = ("busy", "key", "queue", "stalled", "waiting")

    def __init__(self, key: LaneKey) -> None:
        self.key = key
        self.queue: deque[Job] = deque()
        self.busy = False
        self.waiting: set[int] = set()
        self.stalled = False


class Tally:
    """How many jobs of one kind there are; `none` is set while there are none."""

    __slots__ = ("jobs", "none")

    def __init__(self) -> None:
        self.jobs = 0
        self.none = asyncio.Event()
        self.none.set()

    def count(self, by: int) -> None:
        """Count jobs, or with a negative number count them no longer."""
        before = self.jobs
        self.jobs += by
        if not self.jobs:
            self.none.set()
        elif not before:
            self.none.clear()


class Hand:
    """Everything in hand of one shop. Of the `tallies`, `open` counts the jobs that only wait for sockets, `moving`
    those of them that no fault holds back, `first` the first attempts among these. In a stalled lane nothing is open:
    the shop's time must move first."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.jobs: dict[int, Job] = {}
        self.resends: set[Job] = set()
        self.lanes: dict[LaneKey, Lane] = {}
        self.held: dict[int, Job] = {}  # held back, with nothing yet that would release it; by subscription id
        self.hold_timer: asyncio.TimerHandle | None = None
        self.outcomes: list[tuple[Job, Outcome]] = []
        self.finished: list[Job] = []
        self.flush_timer: asyncio.Handle | None = None
        self.flush_is_near = False
        self.unwritable = False
        self.probe_trouble: str | None = None  # why the partner could not be asked whether it is idle, as was last said
        self.underway = 0  # jobs handed to an endpoint and not finished
        self.closed = False
        self.tallies: dict[Counted, Tally] = {counted: Tally() for counted in get_args(Counted)}
        self._subscriptions: dict[int, Subscription] = {}
        self._listed: list[Subscription] | None = None
        self._payloads: dict[int, bytes] = {}
        self._routes: dict[str, Route | None] = {}
        self._routes_under: object = None

    # what a job needs

    @property
    def strict(self) -> bool:
        """Whether a lane waits until a delivery is settled for good."""
        return quirk(self.shop.settings.quirks, "delivery_order") == "strict"

    def subscription(self, id_: int) -> Subscription | None:
        """The subscription as it is now."""
        subscriptions = self.shop.kept("webhook", Subscription)
        if subscriptions is not self._listed:
            self._listed = subscriptions
            self._subscriptions = {each.id: each for each in subscriptions}
        return self._subscriptions.get(id_)

    def route(self, url: str, allow_targets: tuple[str, ...]) -> Route | None:
        """Where a URL leads to and whether that is allowed; None where it leads nowhere."""
        if self._routes_under is not self.shop.settings:
            self._routes.clear()
            self._routes_under = self.shop.settings
        if url not in self._routes:
            target = target_of(url)
            listed = self.shop.settings.allowed_targets + allow_targets
            self._routes[url] = None if target is None else (target, allowed(url, listed))
        return self._routes[url]

    def payload(self, job: Job) -> bytes:
        """The bytes of a job's payload."""
        id_ = job.delivery.payload_id
        kept = self._payloads.get(id_)
        if kept is None:
            # Those that come after a new one will be wanted next; one statement reads them all.
            ahead = _READ_AHEAD if job.first and self.underway > 1 else 1
            for read_id, body in payloads_from(self.shop.connection, id_, ahead):
                self._payloads[read_id] = body
            kept = self._payloads[id_]
            while len(self._payloads) > _KEPT_PAYLOADS:
                del self._payloads[next(iter(self._payloads))]
        return kept

    # counting

    def enter(self, job: Job) -> None:
        """Take a job in hand."""
        if job.resent is None:
            self.jobs[job.delivery.id] = job
        else:
            self.resends.add(job)
        job.present = True
        self.count(job)

    def leave(self, job: Job) -> None:
        """Let go of a job."""
        if job.resent is None:
            self.jobs.pop(job.delivery.id, None)
        else:
            self.resends.discard(job)
        job.present = False
        self.count(job)
        if job.over is not None and not job.over.done():
            job.over.set_result(None)
        lane = None if job.key is None else self.lanes.get(job.key)
        if lane is not None and lane.waiting:
            self.restall(lane)

    def void(self, delivery_id: int) -> None:
        """Let the delivery not be posted, should it still wait for that."""
        job = self.jobs.get(delivery_id)
        if job is not None:
            job.void = True

    def hold(self, job: Job) -> None:
        """Hold a job back until the next of its subscription was answered."""
        job.held = True
        self.held[job.delivery.subscription_id] = job
        self.count(job)

    def unhold(self, job: Job) -> None:
        """Hold it back no longer."""
        job.held = job.parked = False
        if self.held.get(job.delivery.subscription_id) is job:
            del self.held[job.delivery.subscription_id]
        self.count(job)

    def queue(self, job: Job, key: LaneKey, at_once: bool = False) -> Lane:
        """Put a job into its lane, at the end or as the next."""
        lane = job.lane = self.lane(key)
        if at_once:
            lane.queue.appendleft(job)
        else:
            lane.queue.append(job)
        self._park(job, lane.stalled)
        return lane

    def count(self, job: Job) -> None:
        """Count a job as what it is now."""
        is_open = job.present and not job.parked
        is_moving = is_open and not job.held
        was_open, was_moving = job.counted
        if self.closed or (is_open is was_open and is_moving is was_moving):
            return
        job.counted = (is_open, is_moving)
        if is_open is not was_open:
            self.tallies["open"].count(1 if is_open else -1)
        if is_moving is not was_moving:
            by = 1 if is_moving else -1
            self.tallies["moving"].count(by)
            if job.first:
                self.tallies["first"].count(by)

    def restall(self, lane: Lane) -> None:
        """See whether a lane waits for a timer and nothing else; its jobs count as open only if not."""
        if not lane.waiting and not lane.stalled:
            return
        stalled = bool(lane.waiting) and not lane.busy and self.strict and lane.waiting.isdisjoint(self.jobs)
        if stalled != lane.stalled:
            lane.stalled = stalled
            for job in lane.queue:
                self._park(job, stalled)

    def _park(self, job: Job, parked: bool) -> None:
        """Count a job of a lane, and what is held back until it was answered, as open or not."""
        for each in (job, job.releases):
            if each is not None:
                each.parked = parked
                self.count(each)

    def lane(self, key: LaneKey) -> Lane:
        """The lane with this key, made where there is none."""
        lane = self.lanes.get(key)
        if lane is None:
            lane = self.lanes[key] = Lane(key)
        return lane

    def close(self) -> None:
        """Forget everything and let nobody wait any longer."""
        self.closed = True
        for timer in (self.hold_timer, self.flush_timer):
            if timer is not None:
                timer.cancel()
        for job in (*self.jobs.values(), *self.resends):
            for waited in (job.resent, job.over):
                if waited is not None:
                    waited.cancel()
        self.outcomes.clear()
        self.finished.clear()
        for tally in self.tallies.values():
            tally.count(-tally.jobs)


def copies_of(fault: dict[str, Any]) -> int:
    """How many times a delivery with this fault is posted at its first attempt."""
    return max(1, int(fault.get("copies", 2))) if fault.get("kind") == "duplicate" else 1
