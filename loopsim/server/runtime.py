"""The running server around its shops: performs operations, hands on what they leave behind, writes the journal."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from loopsim.clock import Wall, from_ms, in_ms
from loopsim.clock import wall as wall_clock
from loopsim.contract import Contract
from loopsim.errors import Damaged
from loopsim.operations.perform import Answer, Call, Performed, Write, perform, perform_together
from loopsim.operations.publish import publish
from loopsim.server.answers import SendWhole, Whole
from loopsim.server.auth import Entrances
from loopsim.server.slices import Steps, in_slices
from loopsim.store.deliveries import Settled
from loopsim.store.shop import Shop
from loopsim.store.transaction import Transaction
from loopsim.store.world import World

if TYPE_CHECKING:
    from loopsim.scheduler.scheduler import Scheduler
    from loopsim.webhooks.worker import Worker

log = logging.getLogger("loopsim.server")

FLUSH_EVERY = 0.1
"""Seconds of real time between two batches of journal entries that need not be there at once."""


class _Waiting(NamedTuple):
    """A call that waits for others to come in: what becomes the whole answer of what came of it, and what sends it."""

    operation_id: str
    call: Call
    now_ms: int
    finish: Callable[[Answer | Exception], Whole]
    send: SendWhole


class Runtime:
    """What the server's parts share. `worker` and `scheduler` are given by `bootstrap`, once both can be made."""

    worker: Worker
    scheduler: Scheduler

    def __init__(self, world: World, contract: Contract, *, wall: Wall = wall_clock) -> None:
        self.world = world
        self.contract = contract
        self.wall = wall
        self.entrances = Entrances(world)
        self.started = time.monotonic()
        self._tasks: list[asyncio.Task[None]] = []
        self._full: set[str] = set()
        self._writes: dict[Shop, list[_Waiting]] = {}

    def wall_ms(self) -> int:
        """The wall's time in whole milliseconds since 1970."""
        return in_ms(self.wall)

    def now_ms(self, shop: Shop) -> int:
        """The shop's time in milliseconds since 1970."""
        return shop.now_ms(self.wall_ms())

    def now(self, shop: Shop) -> datetime:
        """The shop's time."""
        return shop.now(self.wall_ms())

    def perform(self, shop: Shop, operation_id: str, call: Call, now_ms: int | None = None) -> Answer:
        """Perform an operation on a shop, now or at a moment that was just taken from its clock, and hand on what it
        left behind. Raises what the operation raises."""
        now = from_ms(self.now_ms(shop) if now_ms is None else now_ms)
        try:
            performed = perform(shop, operation_id, call, now)
        except Damaged as error:
            raise shop.damaged() from error
        if performed.deliveries or performed.timers_changed:
            self.after(shop, performed)
        return performed.answer

    def write(
        self,
        shop: Shop,
        operation_id: str,
        call: Call,
        now_ms: int,
        finish: Callable[[Answer | Exception], Whole],
        send: SendWhole,
    ) -> None:
        """Perform an operation that changes something when all that came in by now is read: what came in together
        shares a commit, and is answered after it. `finish` tells the journal, too."""
        if not self._writes:
            asyncio.get_running_loop().call_soon(self.write_all)
        self._writes.setdefault(shop, []).append(_Waiting(operation_id, call, now_ms, finish, send))

    def write_all(self) -> None:
        """Perform the operations that wait for others to come in; also before a shop is needed for something else."""
        waiting, self._writes = self._writes, {}
        for shop, writes in waiting.items():
            # Time may have been moved since they came in.
            asked = [Write(each.operation_id, each.call, from_ms(max(each.now_ms, shop.last_ms))) for each in writes]
            outcomes = zip(writes, perform_together(shop, asked), strict=True)
            answers = [_finished(each, self._ended(shop, outcome)) for each, outcome in outcomes]
            # Before they leave: whoever is answered finds the call in the journal, whatever becomes of the server.
            self.flush_journal(shop)
            for each, answer in zip(writes, answers, strict=True):
                each.send(answer)

    def _ended(self, shop: Shop, outcome: Performed | Exception) -> Answer | Exception:
        """The answer to an operation whose deliveries and timers are handed on. None breaks those that came with it."""
        try:
            if isinstance(outcome, Performed):
                self.after(shop, outcome)
                return outcome.answer
            return shop.damaged() if isinstance(outcome, Damaged) else outcome
        except Exception as error:
            return error

    async def perform_in_slices(self, shop: Shop, work: Callable[[Transaction], Steps]) -> Answer:
        """Perform long work on a shop, in one transaction. Other shops go on between its steps; whatever else is asked
        of this one waits. Raises what the work raises; then, and when it is cancelled, nothing has changed."""
        self.write_all()
        try:
            with shop.long_transaction(self.now(shop)) as transaction:
                answer = Answer(await in_slices(work(transaction)))
                publish(transaction)
        finally:
            # The server may have been closed meanwhile.
            if self.world.shops.get(shop.name) is shop:
                self.worker.resume(shop)
                self.scheduler.wake(shop)
        self.after(shop, Performed(answer, tuple(transaction.deliveries)))
        return answer

    async def free(self, name: str) -> None:
        """Wait for the end of the long work that is done on the shop of this name, if any is."""
        while (shop := self.world.shops.get(name)) is not None and shop.busy is not None:
            await shop.busy.wait()

    def after(self, shop: Shop, performed: Performed) -> None:
        """After every commit: deliveries go to the worker, and the scheduler looks at the shop's timers again."""
        if performed.deliveries:
            self.worker.take(shop, performed.deliveries)
        if performed.timers_changed:
            self.scheduler.wake(shop)

    def settled(self, shop: Shop, _settled: Settled) -> None:
        """After an attempt was written down: the partner may react to it."""
        self.scheduler.settled(shop)

    def timers_changed(self, shop: Shop) -> None:
        """After the worker gave a shop timers: retries wait for them."""
        self.scheduler.wake(shop)

    def changed(self, shop: Shop) -> None:
        """After the control API touched a shop: what is remembered of its faults is read again."""
        self.entrances.counter(shop).faults = None

    def forget(self, shop: Shop) -> None:
        """A shop is deleted or begins anew: nothing of it is delivered or run any more."""
        self.write_all()
        self.worker.forget(shop)
        self.scheduler.forget(shop)

    def recover(self) -> None:
        """Take up what the last server left: deliveries that were never settled. The scheduler finds the timers."""
        for shop in self.world.shops.values():
            self.worker.recover(shop)

    async def start(self) -> None:
        """Start to deliver, to let time pass, and to write the journal."""
        await self.worker.start()
        self.recover()
        self._tasks = [
            asyncio.create_task(self.scheduler.run(), name="scheduler"),
            asyncio.create_task(self._flush_journals(), name="journal"),
        ]

    async def stop(self) -> None:
        """Stop all of it, with the journal written. The shops stay open."""
        self.write_all()
        await self.scheduler.stop()
        await self.worker.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        self.flush()

    def flush(self) -> None:
        """Write the journal entries of all shops that wait, as those of reads, deliveries and timers do."""
        for shop in list(self.world.shops.values()):
            self.flush_journal(shop)

    def flush_journal(self, shop: Shop) -> None:
        """Write the journal entries of a shop that wait, unless long work is done on it."""
        if shop.busy is not None or shop.gone.is_set():
            return
        try:
            shop.journal.flush()
            self._full.discard(shop.name)
        except sqlite3.Error as error:
            if shop.name not in self._full:
                self._full.add(shop.name)
                log.error("The journal of shop %s cannot be written: %s.", shop.name, error)

    async def _flush_journals(self) -> None:
        with suppress(asyncio.CancelledError):
            while True:
                await asyncio.sleep(FLUSH_EVERY)
                self.flush()


def _finished(waiting: _Waiting, answer: Answer | Exception) -> Whole:
    try:
        return waiting.finish(answer)
    except Exception as error:
        # One that cannot be rendered is a bug of ours, and no reason to leave the others without theirs.
        return waiting.finish(error)
