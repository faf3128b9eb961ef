"""Time limits of posts, kept by one timer for all of them."""

from __future__ import annotations

import asyncio
import math
from typing import Any


class Deadlines:
    """Breaks off tasks that take too long, in real time. To set a timer for each post and to take it back again would
    cost a twentieth of the post; nearly all of them end long before."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._due: dict[asyncio.Task[Any], float] = {}
        self._late: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._looks_at = math.inf

    def begin(self, seconds: float) -> asyncio.Task[Any]:
        """From now on the present task, which is returned, has so many seconds until it is cancelled."""
        task = asyncio.current_task(self._loop)
        assert task is not None
        due = self._due[task] = self._loop.time() + seconds
        if due < self._looks_at:
            self._look(due)
        return task

    def broke_off(self, task: asyncio.Task[Any]) -> bool:
        """Whether the task's `CancelledError` is a time-out: nobody else cancelled it."""
        return task in self._late and task.cancelling() == 1

    def end(self, task: asyncio.Task[Any]) -> None:
        """The task has no limit any more."""
        del self._due[task]
        if task in self._late:
            self._late.discard(task)
            task.uncancel()

    def close(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _look(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._looks_at = at
        self._timer = self._loop.call_at(at, self._break_off)

    def _break_off(self) -> None:
        now = self._loop.time()
        for task, due in self._due.items():
            if due <= now and task not in self._late:
                self._late.add(task)
                task.cancel()
        self._looks_at, self._timer = math.inf, None
        left = [due for task, due in self._due.items() if task not in self._late]
        if left:
            self._look(min(left))
