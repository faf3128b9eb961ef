"""Making, showing, resetting, replacing, copying and deleting shops."""

from __future__ import annotations

from itertools import count
from typing import Any

from loopsim.clock import Clock
from loopsim.domain.shop import Settings
from loopsim.errors import Invalid
from loopsim.operations.control.settings import changed
from loopsim.operations.perform import Answer, Call
from loopsim.server.control.spans import moment_ms
from loopsim.server.control.views import opened_view, shop_row, shop_view
from loopsim.server.runtime import Runtime
from loopsim.store.shop import Shop
from loopsim.store.world import new_settings
from loopsim.store.worlds import DEFAULT_WORLD, fill_steps, unfilled, world_names

SEED = 1


async def list_shops(runtime: Runtime, _call: Call) -> Answer:
    """All shops, by name."""
    return Answer({"shops": [shop_row(runtime, shop) for _, shop in sorted(runtime.world.shops.items())]})


async def create_shop(runtime: Runtime, call: Call) -> Answer:
    """A new shop with its first key. Raises `Invalid`, and `Refusal("shop_exists")`."""
    body: dict[str, Any] = call.body or {}
    name = body.get("name") or _free_name(runtime, "shop")
    shop = runtime.world.create(name, settings=_settings(name, body), clock=_clock(runtime, body))
    key = runtime.world.add_key(name, body.get("scopes", runtime.contract.scopes()))
    await _fill(runtime, shop)
    _open(runtime, shop, body)
    return Answer(opened_view(runtime, shop, key, call.base_url), 201)


async def replace_shop(runtime: Runtime, call: Call) -> Answer:
    """Another shop behind the same name, keys and webhook secret, whatever is under way. Raises `Invalid`."""
    old, body = runtime.world.shop(call.path["shop"]), call.body or {}
    settings, clock = _settings(old.name, body), _clock(runtime, body)
    runtime.forget(old)
    shop = runtime.world.replace(old.name, settings=settings, clock=clock)
    key = next(iter(runtime.world.keys_of(shop.name)), None)
    if key is None:
        key = runtime.world.add_key(shop.name, body.get("scopes", runtime.contract.scopes()))
    elif "scopes" in body:
        key = runtime.world.set_scopes(shop.name, key.id, body["scopes"])
    await _fill(runtime, shop)
    _open(runtime, shop, body)
    return Answer(opened_view(runtime, shop, key, call.base_url))


async def get_shop(runtime: Runtime, call: Call) -> Answer:
    """One shop."""
    return Answer({"shop": shop_view(runtime, runtime.world.shop(call.path["shop"]))})


async def delete_shop(runtime: Runtime, call: Call) -> Answer:
    """Delete a shop, whatever is under way in it."""
    runtime.forget(runtime.world.shop(call.path["shop"]))
    runtime.world.delete(call.path["shop"])
    return Answer(None, 204)


async def reset_shop(runtime: Runtime, call: Call) -> Answer:
    """Begin a shop anew, whatever is under way in it."""
    runtime.forget(runtime.world.shop(call.path["shop"]))
    shop = runtime.world.reset(call.path["shop"])
    await _fill(runtime, shop)
    runtime.scheduler.wake(shop)
    return Answer({"shop": shop_view(runtime, shop)})


async def copy_shop(runtime: Runtime, call: Call) -> Answer:
    """Copy a shop. What was queued in the first and not yet answered goes out of the copy too."""
    source = runtime.world.shop(call.path["shop"])
    name = (call.body or {}).get("name") or _free_name(runtime, f"{source.name[:50]}-copy")
    shop = runtime.world.copy(source.name, name)
    key = runtime.world.add_key(name, runtime.contract.scopes())
    runtime.worker.recover(shop)
    runtime.scheduler.wake(shop)
    return Answer(opened_view(runtime, shop, key, call.base_url), 201)


async def update_settings(runtime: Runtime, call: Call) -> Answer:
    """Change settings and show the shop with them."""
    shop = runtime.world.shop(call.path["shop"])
    runtime.perform(shop, "updateSettings", call)
    return Answer({"shop": shop_view(runtime, shop)})


def _settings(name: str, body: dict[str, Any]) -> Settings:
    """The settings that a request asks for. Raises `Invalid`."""
    world = body.get("world", DEFAULT_WORLD)
    if world not in world_names():
        raise Invalid({"world": [f"There is no world {world}. There are: {', '.join(world_names())}."]})
    own = {"id_block": body["id_block"]} if "id_block" in body else {}
    return changed(new_settings(name, seed=body.get("seed", SEED), world=world, **own), body)


async def _fill(runtime: Runtime, shop: Shop) -> None:
    """Give a shop the orders of a generated world, in slices: whoever asks for it waits, other shops go on."""
    if unfilled(shop):
        await runtime.perform_in_slices(shop, fill_steps)


def _open(runtime: Runtime, shop: Shop, body: dict[str, Any]) -> None:
    """Subscribe the first receiver of a new shop, and let its time pass."""
    if "webhook" in body:
        runtime.perform(shop, "createSubscription", Call(body={"url": body["webhook"]["url"]}))
    runtime.scheduler.wake(shop)


def _clock(runtime: Runtime, body: dict[str, Any]) -> Clock:
    asked = body.get("clock", {})
    mode = asked.get("mode", "real")
    if mode == "scaled" and "rate" not in asked:
        raise Invalid({"clock.rate": ["A scaled clock needs its rate: how many times as fast as the wall it runs."]})
    wall_ms = runtime.wall_ms()
    shop_ms = moment_ms("moment", body["moment"]) if "moment" in body else wall_ms
    return Clock(mode=mode, rate=asked.get("rate", 1.0), shop_ms=shop_ms, wall_ms=wall_ms)


def _free_name(runtime: Runtime, stem: str) -> str:
    return next(name for number in count(1) if (name := f"{stem}-{number}") not in runtime.world.shops)
