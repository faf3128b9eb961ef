"""A shop's clock, over HTTP."""

from __future__ import annotations

from typing import Any

from loopsim.clock import END_MS, from_ms
from loopsim.errors import Invalid, Refusal
from loopsim.operations.perform import Answer, Call
from loopsim.scheduler.advance import Advanced, Goal
from loopsim.server.control.spans import moment_ms, span_ms
from loopsim.server.control.views import clock_view
from loopsim.server.runtime import Runtime
from loopsim.store.journal import Entry
from loopsim.wire.times import with_millis


async def read_clock(runtime: Runtime, call: Call) -> Answer:
    """The clock, and what is due next."""
    return Answer({"clock": clock_view(runtime, runtime.world.shop(call.path["shop"]))})


async def set_clock(runtime: Runtime, call: Call) -> Answer:
    """Another mode, from now on; first forward to `at`, if it is given, running what is due on the way."""
    shop, body = runtime.world.shop(call.path["shop"]), call.body
    if body["mode"] == "scaled" and "rate" not in body and shop.clock.mode != "scaled":
        raise Invalid({"rate": ["A scaled clock needs its rate: how many times as fast as the wall it runs."]})
    if runtime.scheduler.advancing(shop):
        raise Refusal("clock_busy")
    if "at" in body:
        goal = Goal(to_ms=moment_ms("at", body["at"]))
        before = shop.clock
        # One that runs would be past it by the time that it is set.
        shop.set_clock(before.switched("manual", before.rate, runtime.wall_ms()))
        try:
            await runtime.scheduler.advance(shop, goal, patient=False)
        except BaseException:
            # In memory first: it may be a full disk that the way there ended at.
            shop.clock = shop.clock.switched(before.mode, before.rate, runtime.wall_ms())
            shop.set_clock(shop.clock)
            raise
        shop = runtime.world.shop(call.path["shop"])
    rate = float(body.get("rate", shop.clock.rate))
    shop.set_clock(shop.clock.at(shop.last_ms, runtime.wall_ms()).switched(body["mode"], rate, runtime.wall_ms()))
    note = f"set to {body['mode']}" + (f" at {rate:g} times the wall" if body["mode"] == "scaled" else "")
    shop.journal.add(Entry(at=runtime.now_ms(shop), direction="clock", kind="clock", note=note))
    runtime.scheduler.wake(shop)
    return Answer({"clock": clock_view(runtime, shop)})


async def advance_clock(runtime: Runtime, call: Call) -> Answer:
    """Let time pass, and say where the clock came to stand."""
    shop, body = runtime.world.shop(call.path["shop"]), call.body
    quiet_for = body["quiet_for"] / 1000 if "quiet_for" in body else None
    goal = _goal(body, runtime.now_ms(shop))
    advanced = await runtime.scheduler.advance(shop, goal, patient=body.get("wait", True), quiet_for=quiet_for)
    return Answer(_view(advanced))


async def interrupt_clock(runtime: Runtime, call: Call) -> Answer:
    """Let the advance under way stop between two timers."""
    shop = runtime.world.shop(call.path["shop"])
    runtime.scheduler.interrupt(shop)
    return Answer({"clock": clock_view(runtime, shop)})


def _goal(body: dict[str, Any], now_ms: int) -> Goal:
    if "by" in body:
        by_ms = span_ms("by", body["by"])
        if now_ms + by_ms > END_MS:
            raise Invalid({"by": ["It must not lead beyond the year 2999."]})
        return Goal(by_ms=by_ms)
    if "to" in body:
        return Goal(to_ms=moment_ms("to", body["to"]))
    return Goal(next_event="next_event" in body, until_idle="until_idle" in body)


def _view(advanced: Advanced) -> dict[str, Any]:
    return {
        "now": with_millis(from_ms(advanced.now_ms)),
        "timers_run": advanced.timers_run,
        "deliveries": advanced.deliveries,
        "stopped": advanced.stopped,
    }
