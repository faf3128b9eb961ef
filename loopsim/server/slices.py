"""Long work in slices: the event loop gets a turn whenever one is over, so that nobody else waits long."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from time import perf_counter
from typing import Any

Steps = Generator[None, None, Any]
"""Work that stops between its steps, each of a millisecond or so, and returns what came of it."""

SLICE = 0.01  # seconds
ITERATIONS = 3  # of the event loop in a turn: what came in is read, performed, and answered


async def in_slices(steps: Steps) -> Any:
    """Do the work; what it returns. Raises what it raises."""
    slice_end = perf_counter() + SLICE
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return done.value
        if perf_counter() > slice_end:
            for _ in range(ITERATIONS):
                await asyncio.sleep(0)
            slice_end = perf_counter() + SLICE
