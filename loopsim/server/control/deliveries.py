"""Sending deliveries again, crafted ones too, and waiting for all of them."""

from __future__ import annotations

import asyncio

from loopsim.errors import Refusal
from loopsim.operations.perform import Answer, Call
from loopsim.server.runtime import Runtime
from loopsim.store.timers import count_timers

TIMEOUT = 30.0


async def resend_delivery(runtime: Runtime, call: Call) -> Answer:
    """The same bytes once more; by default the answer waits for what comes of it."""
    shop = runtime.world.shop(call.path["shop"])
    sending = runtime.worker.resend(shop, call.path["id"])
    if sending is None:
        raise Refusal("delivery_not_found")
    if (call.body or {}).get("wait", True):
        # Not awaited itself: it is cancelled when the shop is reset, and this call is not.
        await asyncio.wait([sending])
        await runtime.free(shop.name)
    return runtime.perform(runtime.world.shop(shop.name), "getDelivery", call)


async def send_delivery(runtime: Runtime, call: Call) -> Answer:
    """Send a crafted delivery; by default the answer waits for what comes of it."""
    shop = runtime.world.shop(call.path["shop"])
    id_ = runtime.perform(shop, "sendDelivery", call).body
    sending = runtime.worker.attempt(shop, id_)
    if sending is not None and call.body.get("wait", True):
        await asyncio.wait([sending])
        await runtime.free(shop.name)
    shown = Call(path={"shop": shop.name, "id": id_})
    return Answer(runtime.perform(runtime.world.shop(shop.name), "getDelivery", shown).body, 201)


async def settle_deliveries(runtime: Runtime, call: Call) -> Answer:
    """Wait until nothing is being delivered and the partner is quiet."""
    shop, body = runtime.world.shop(call.path["shop"]), call.body or {}
    quiet_for = body["quiet_for"] / 1000 if "quiet_for" in body else None
    settled = await runtime.scheduler.quiet(shop, body.get("timeout", TIMEOUT), quiet_for)
    await runtime.free(shop.name)
    shop = runtime.world.shop(shop.name)
    waiting = count_timers(shop.connection, "delivery.retry")
    return Answer({"settled": settled, "open": runtime.worker.open_count(shop), "waiting": waiting})
