"""Endpoints: what is posted to one host and port, at most so many posts at once.

There is no limit over all endpoints, so one that is slow or dead delays nobody else.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from loopsim.webhooks.hand import Job
from loopsim.webhooks.targets import Target

if TYPE_CHECKING:
    from loopsim.webhooks.attempt import Sender

IN_FLIGHT = 16
SeeThrough = Callable[[Job, "Sender"], Awaitable[None]]


class _Endpoint:
    """A host and port: jobs that wait for it, the tasks that post to it, and how many of those are doing so."""

    __slots__ = ("busy", "key", "queue", "tasks")

    def __init__(self, key: tuple[str, int]) -> None:
        self.key = key
        self.queue: deque[Job] = deque()
        self.tasks: set[asyncio.Task[None]] = set()
        self.busy = 0


class Endpoints:
    """Runs `see_through` for every job that is submitted, in order per endpoint. It must not raise."""

    def __init__(self, see_through: SeeThrough) -> None:
        self._see_through = see_through
        self._endpoints: dict[tuple[str, int], _Endpoint] = {}
        self._sender: Sender | None = None
        self._opening = asyncio.Lock()
        self._stopped = False

    def submit(self, job: Job, target: Target) -> None:
        """Queue a job for the endpoint of its target."""
        key = (target.host, target.port)
        endpoint = self._endpoints.get(key)
        if endpoint is None:
            endpoint = self._endpoints[key] = _Endpoint(key)
        endpoint.queue.append(job)
        self._pump(endpoint)

    async def stop(self, grace: float) -> None:
        """Begin nothing more, let posts in flight end for `grace` seconds of real time, then break them off."""
        self._stopped = True
        tasks = [task for endpoint in self._endpoints.values() for task in endpoint.tasks]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=grace)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        self._endpoints.clear()
        if self._sender is not None:
            await self._sender.close()
            self._sender = None

    def _pump(self, endpoint: _Endpoint) -> None:
        if self._stopped:
            return
        free = len(endpoint.tasks) - endpoint.busy
        for _ in range(min(len(endpoint.queue) - free, IN_FLIGHT - len(endpoint.tasks))):
            endpoint.tasks.add(asyncio.get_running_loop().create_task(self._serve(endpoint)))

    async def _serve(self, endpoint: _Endpoint) -> None:
        task = asyncio.current_task()
        assert task is not None
        broken_off = False
        try:
            sender = self._sender or await self.sender()
            while endpoint.queue and not self._stopped:
                job = endpoint.queue.popleft()
                if job.hand.closed:
                    continue
                endpoint.busy += 1
                job.task = task
                try:
                    await self._see_through(job, sender)
                finally:
                    job.task = None
                    endpoint.busy -= 1
        except asyncio.CancelledError:
            broken_off = True
            raise
        finally:
            endpoint.tasks.discard(task)
            if broken_off:
                self._pump(endpoint)
            if not endpoint.tasks and not endpoint.queue:
                self._endpoints.pop(endpoint.key, None)

    async def sender(self) -> Sender:
        """What sends, opened when it is first wanted."""
        async with self._opening:
            if self._sender is None:
                # Importing aiohttp takes some 400 ms; nobody else should stand still for it.
                make = await asyncio.to_thread(_import_sender)
                self._sender = make()
            return self._sender


def _import_sender() -> type[Sender]:
    from loopsim.webhooks.attempt import Sender

    return Sender
