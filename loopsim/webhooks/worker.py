"""The worker: takes deliveries after the commit that queued them, posts them, and writes down what came of it.

First attempts of one subscription and return leave in order, one at a time; everything else is independent. A retry
waits in the shop's database as a timer, not here. Everything but the posts themselves happens inline on the event
loop's thread.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from loopsim.clock import Wall, from_ms, in_ms, to_ms
from loopsim.clock import wall as system_wall
from loopsim.store.deliveries import Delivery, Settled, awaiting_retry, find_delivery, open_deliveries
from loopsim.store.shop import Shop
from loopsim.webhooks.endpoints import Endpoints
from loopsim.webhooks.hand import Counted, Hand, Job, Lane
from loopsim.webhooks.idle import says_idle
from loopsim.webhooks.outcomes import Delayed, Dropped, Outcome, Written, write
from loopsim.webhooks.sending import post_all, prepare, verdict
from loopsim.webhooks.targets import Target

if TYPE_CHECKING:
    from loopsim.webhooks.attempt import Sender

BATCH = 50  # outcomes that share a commit
GATHER = 0.01  # seconds that outcomes wait for company while others are under way
WRITE_AGAIN = 0.5  # seconds until outcomes are written that could not be
HOLD = 0.25  # seconds without other work after which a delivery that the fault `swap` holds back goes out anyway
GRACE = 1.0  # seconds that posts in flight get when the worker stops
DELAY = 60.0  # seconds of the shop's time, where the fault `delay` names none

log = logging.getLogger("loopsim.webhooks")


class Worker:
    """Delivers the webhooks of all shops of a server. Use it on one event loop only, between `start` and `stop`.

    `allow_targets`: hosts, addresses and networks beyond loopback that every shop may post to. `on_settled` is called
    after the commit for each attempt; `on_timers` where timers were added to a shop, so that its scheduler looks
    again. `hold`: seconds after which a delivery held back by the fault `swap` goes out although none came after it.
    """

    def __init__(
        self,
        *,
        wall: Wall = system_wall,
        allow_targets: Iterable[str] = (),
        on_settled: Callable[[Shop, Settled], None] | None = None,
        on_timers: Callable[[Shop], None] | None = None,
        hold: float = HOLD,
    ) -> None:
        self._wall = wall
        self._allow_targets = tuple(allow_targets)
        self._on_settled = on_settled
        self._on_timers = on_timers
        self._hold = hold
        self._hands: dict[Shop, Hand] = {}
        self._endpoints = Endpoints(self._see_through)
        self._loop: asyncio.AbstractEventLoop | None = None

    # life

    async def start(self) -> None:
        """Be ready to take deliveries."""
        self._loop = asyncio.get_running_loop()
        self._endpoints = Endpoints(self._see_through)

    async def stop(self, grace: float = GRACE) -> None:
        """Let posts in flight end for `grace` seconds, then break them off. What is not settled stays queued in the
        database."""
        self._loop = None
        await self._endpoints.stop(grace)
        for hand in self._hands.values():
            self._flush(hand)
            hand.close()
        self._hands.clear()

    # work

    def take(self, shop: Shop, deliveries: Iterable[Delivery]) -> None:
        """Send these: called right after the commit that queued them, or that brought them back for a retry."""
        self._take(shop, deliveries, may_hold=True)

    def recover(self, shop: Shop) -> None:
        """Take up what a worker before this one left: everything queued that no timer will bring back."""
        waiting = awaiting_retry(shop.connection)
        queued = open_deliveries(shop.connection)
        hand = self._hand(shop)
        if hand.strict:
            for delivery in queued:
                if delivery.id in waiting and delivery.attempts and delivery.return_id is not None:
                    hand.lane((delivery.subscription_id, delivery.return_id)).waiting.add(delivery.id)
        self._take(shop, [delivery for delivery in queued if delivery.id not in waiting], may_hold=False)

    def forget(self, shop: Shop) -> None:
        """Drop everything of a shop that is deleted or reset; posts in flight are broken off."""
        hand = self._hands.pop(shop, None)
        if hand is None:
            return
        for job in [*hand.jobs.values(), *hand.resends]:
            if job.task is not None:
                job.task.cancel()
        hand.close()

    def resend(self, shop: Shop, delivery_id: int) -> asyncio.Future[Settled | None] | None:
        """Post the same bytes again now, whatever the delivery's state, signed anew and without faults (a crafted one
        as it was crafted). The attempt is recorded; a success makes the delivery `delivered`, a failure changes nothing
        and is not retried.

        Returns a future of how it was settled (None: nothing was sent, for the subscription is gone), or None where
        there is no such delivery. The future is cancelled when the worker stops or the shop is forgotten.
        """
        delivery = find_delivery(shop.connection, delivery_id)
        if delivery is None:
            return None
        if self._loop is None:
            raise RuntimeError("The webhook worker is not running: await its start() first.")
        hand = self._hand(shop)
        future: asyncio.Future[Settled | None] = self._loop.create_future()
        job = Job(hand, delivery, future)
        hand.enter(job)
        self._submit(job)
        self._watch_held(hand)
        return future

    def attempt(self, shop: Shop, delivery_id: int) -> asyncio.Future[None] | None:
        """A future that is done when what came of a delivery in hand is written down, None where it is not in hand. It
        is cancelled as that of `resend`."""
        job = self._hand(shop).jobs.get(delivery_id)
        if job is None or self._loop is None:
            return None
        if job.over is None:
            job.over = self._loop.create_future()
        return job.over

    def resume(self, shop: Shop) -> None:
        """The shop is not busy any more: write down what came of deliveries meanwhile."""
        hand = self._hands.get(shop)
        if hand is not None and hand.finished:
            self._flush_soon(hand)

    # being patient

    def open_count(self, shop: Shop, counted: Counted = "open") -> int:
        """Deliveries in hand: to be posted, being posted, or not yet written down. Those that wait for a timer do not
        count, nor those behind them in a strict lane. `moving`: without those that a swap holds back, which wait for
        a delivery that the passing of time may bring. `first`: of the moving ones only first attempts."""
        hand = self._hands.get(shop)
        return 0 if hand is None else hand.tallies[counted].jobs

    async def idle(self, shop: Shop, timeout: float | None, counted: Counted = "open") -> bool:
        """Wait until nothing is in hand (as `open_count` counts), at most `timeout` seconds of real time; whether it is
        so."""
        deadline = None if timeout is None else asyncio.get_running_loop().time() + timeout
        try:
            async with asyncio.timeout_at(deadline):
                while self.open_count(shop, counted):
                    await self._hands[shop].tallies[counted].none.wait()
        except TimeoutError:
            return False
        return True

    def release(self, shop: Shop) -> None:
        """Let go what a swap holds back: nothing will come that could pass it."""
        hand = self._hands.get(shop)
        if hand is not None:
            self._release_all(hand)

    async def says_idle(self, shop: Shop) -> bool | None:
        """Whether the shop's partner says that it has nothing left to do; None where it cannot be asked."""
        if self._loop is None:
            return None
        return await says_idle(self._hand(shop), self._endpoints.sender, self._allow_targets, self._now)

    # taking

    def _hand(self, shop: Shop) -> Hand:
        hand = self._hands.get(shop)
        if hand is None:
            hand = self._hands[shop] = Hand(shop)
        return hand

    def _now(self, shop: Shop) -> datetime:
        return shop.now(in_ms(self._wall))

    def _take(self, shop: Shop, deliveries: Iterable[Delivery], may_hold: bool) -> None:
        if self._loop is None:
            return
        hand = self._hand(shop)
        touched: dict[int, Lane] = {}
        for delivery in deliveries:
            if delivery.state == "queued" and delivery.id not in hand.jobs:
                lane = self._place(Job(hand, delivery), may_hold)
                if lane is not None:
                    touched[id(lane)] = lane
        for lane in touched.values():
            self._advance(hand, lane)
        self._watch_held(hand)

    def _place(self, job: Job, may_hold: bool) -> Lane | None:
        """Put a new job where it belongs; the lane, where that has to be advanced."""
        hand, delivery, kind = job.hand, job.delivery, job.fault.get("kind")
        hand.enter(job)
        if kind == "drop":
            note = "Never sent: a fault dropped it."
            self._settle(job, Dropped(delivery=delivery, at=self._now(hand.shop), note=note))
        elif job.first and kind == "delay" and self._not_yet(job):
            pass
        elif job.first and kind == "swap" and may_hold and delivery.subscription_id not in hand.held:
            hand.hold(job)
        else:
            if job.first and kind != "delay":
                job.releases = hand.held.pop(delivery.subscription_id, None)
                if job.key is not None:
                    return hand.queue(job, job.key)
            return self._place_alone(job)
        return None

    def _place_alone(self, job: Job) -> Lane | None:
        lane = None
        if job.key is not None and not job.first and job.hand.strict:
            lane = job.hand.lane(job.key)
            lane.waiting.add(job.delivery.id)
        self._submit(job)
        return lane

    def _not_yet(self, job: Job) -> bool:
        """Let a timer bring a delayed delivery back; False once its time has come."""
        now = self._now(job.hand.shop)
        due = from_ms(to_ms(job.delivery.created_at + timedelta(seconds=float(job.fault.get("seconds", DELAY)))))
        if due <= now:
            return False
        self._settle(job, Delayed(delivery=job.delivery, at=now, due=due))
        return True

    def _release(self, job: Job) -> None:
        """Let a delivery go that a swap held back: next in its lane."""
        hand = job.hand
        if hand.closed or not job.held:
            return
        hand.unhold(job)
        if job.key is None:
            self._submit(job)
        else:
            self._advance(hand, hand.queue(job, job.key, at_once=True))

    def _watch_held(self, hand: Hand) -> None:
        """Begin or cease to wait for the moment when what is held back goes out because nothing else comes."""
        if hand.hold_timer is not None:
            hand.hold_timer.cancel()
            hand.hold_timer = None
        if hand.held and not hand.tallies["moving"].jobs and self._loop is not None:
            # Longer than an advance of the clock waits between two timers: the second may bring what this one waits
            # for.
            hold = max(self._hold, 2 * hand.shop.settings.quiet_for / 1000)
            hand.hold_timer = self._loop.call_later(hold, self._release_all, hand)

    def _release_all(self, hand: Hand) -> None:
        if hand.hold_timer is not None:
            hand.hold_timer.cancel()
            hand.hold_timer = None
        for job in list(hand.held.values()):
            self._release(job)

    # sending

    def _advance(self, hand: Hand, lane: Lane) -> None:
        hand.restall(lane)  # what leaves the queue below would stay uncounted
        while lane.queue and not lane.busy and not (lane.waiting and hand.strict):
            lane.busy = self._submit(lane.queue.popleft())
        hand.restall(lane)
        if not lane.queue and not lane.busy and not lane.waiting:
            hand.lanes.pop(lane.key, None)

    def _submit(self, job: Job) -> bool:
        """Hand a job to its endpoint; False where it is settled without a post."""
        target = verdict(job, self._allow_targets, self._now)
        if not isinstance(target, Target):
            self._settle(job, target)
            return False
        job.hand.underway += 1
        self._endpoints.submit(job, target)
        return True

    async def _see_through(self, job: Job, sender: Sender) -> None:
        shop, retry = job.hand.shop, False
        try:
            if not job.void:
                # Its subscription may have changed while it waited.
                target = verdict(job, self._allow_targets, self._now)
                if isinstance(target, Target):
                    retry = await post_all(job, prepare(job, target), sender, self._now)
                else:
                    job.hand.outcomes.append((job, target))
        except Exception:
            log.exception("Delivery %d of shop %s could not be attempted", job.delivery.id, shop.name)
        self._finish(job, retry)

    # settling

    def _settle(self, job: Job, outcome: Outcome) -> None:
        """Keep the outcome of a job that nothing is posted for."""
        hand = job.hand
        hand.outcomes.append((job, outcome))
        hand.finished.append(job)
        if job.key is not None and (lane := hand.lanes.get(job.key)) is not None:
            lane.waiting.discard(job.delivery.id)
        if job.releases is not None and self._loop is not None:
            # Not at once: this may be in the middle of advancing a lane.
            self._loop.call_soon(self._release, job.releases)
        self._flush_soon(hand)

    def _finish(self, job: Job, retry: bool) -> None:
        """Go on after a job was answered: who was held back for it, and who is next in its lane."""
        hand, delivery = job.hand, job.delivery
        hand.underway -= 1
        if hand.closed:
            return
        hand.finished.append(job)
        lane = None if job.key is None else hand.lanes.get(job.key)
        if lane is not None:
            if job.lane is lane:
                lane.busy = False
            if retry and hand.strict:
                lane.waiting.add(delivery.id)
            else:
                lane.waiting.discard(delivery.id)
        if job.releases is not None:
            self._release(job.releases)
        if lane is not None:
            self._advance(hand, lane)
        self._flush_soon(hand)

    def _flush_soon(self, hand: Hand) -> None:
        """Write soon: at once when there is enough or nothing more can come, otherwise after gathering a little."""
        if self._loop is None:
            return
        near = len(hand.outcomes) >= BATCH or not hand.underway
        if hand.flush_timer is not None:
            if hand.flush_is_near or not near:
                return
            hand.flush_timer.cancel()
        hand.flush_is_near = near
        if near:
            hand.flush_timer = self._loop.call_soon(self._flush_after_posts, hand)
        else:
            hand.flush_timer = self._loop.call_later(GATHER, self._flush, hand)

    def _flush_after_posts(self, hand: Hand) -> None:
        """Write when the posts that follow have left, so that their receiver has work meanwhile."""
        if self._loop is not None:
            hand.flush_timer = self._loop.call_soon(self._flush, hand)

    def _flush(self, hand: Hand) -> None:
        if hand.flush_timer is not None:
            hand.flush_timer.cancel()
            hand.flush_timer = None
        if hand.closed or hand.shop.busy is not None:
            return
        outcomes, finished = hand.outcomes, hand.finished
        try:
            written = self._write(hand, outcomes)
        except Exception:
            self._write_later(hand)
            return
        hand.unwritable = False
        hand.outcomes, hand.finished = [], []
        for job in finished:
            hand.leave(job)
            if job.resent is not None and not job.resent.done():
                job.resent.set_result(job.settled)
            if job.settled is not None and job.settled.state != "queued":
                self._wait_no_longer(hand, job.delivery)
        self._watch_held(hand)
        self._tell(hand.shop, written)

    def _wait_no_longer(self, hand: Hand, delivery: Delivery) -> None:
        """Let the lane go on that waits for a retry which will not come: a resend settled the delivery."""
        lane = None if delivery.return_id is None else hand.lanes.get((delivery.subscription_id, delivery.return_id))
        if lane is not None and delivery.id in lane.waiting:
            lane.waiting.discard(delivery.id)
            self._advance(hand, lane)

    def _write_later(self, hand: Hand) -> None:
        # A full disk may have room again. Should the server end before, they are still queued and go out once more.
        if not hand.unwritable:
            hand.unwritable = True
            log.exception("What came of deliveries of shop %s cannot be written; trying again", hand.shop.name)
        if self._loop is not None:
            hand.flush_is_near = True
            hand.flush_timer = self._loop.call_later(WRITE_AGAIN, self._flush, hand)

    def _write(self, hand: Hand, outcomes: list[tuple[Job, Outcome]]) -> Written:
        if not outcomes:
            return Written()
        written = write(hand.shop, [outcome for _, outcome in outcomes], self._now(hand.shop))
        for (job, _), settled in zip(outcomes, written.settled, strict=True):
            job.settled = settled or job.settled
            # What a resend delivered need not go out once more from the lane it waits in.
            if job.resent is not None and settled is not None and settled.state == "delivered":
                hand.void(job.delivery.id)
        return written

    def _tell(self, shop: Shop, written: Written) -> None:
        if self._on_settled is not None:
            for settled in written.settled:
                if settled is not None:
                    self._on_settled(shop, settled)
        if written.timers_changed and self._on_timers is not None:
            self._on_timers(shop)
