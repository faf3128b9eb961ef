"""Importing returns of a real shop without holding up the other shops."""

from __future__ import annotations

from loopsim.errors import Refusal
from loopsim.operations.perform import Answer, Call
from loopsim.server.runtime import Runtime


async def import_returns(runtime: Runtime, call: Call) -> Answer:
    """Import in slices. Raises `clock_busy` while the shop's clock is advanced: that could not go on in between."""
    # Only here: a server starts without it.
    from loopsim.operations.importing.rows import import_steps

    shop = runtime.world.shop(call.path["shop"])
    if runtime.scheduler.advancing(shop):
        raise Refusal("clock_busy")
    return await runtime.perform_in_slices(shop, lambda transaction: import_steps(transaction, call.body or {}))
