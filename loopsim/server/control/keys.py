"""API keys of a shop."""

from __future__ import annotations

from loopsim.operations.perform import Answer, Call
from loopsim.server.control.views import key_view
from loopsim.server.runtime import Runtime


async def list_keys(runtime: Runtime, call: Call) -> Answer:
    """The keys of a shop, oldest first."""
    name = runtime.world.shop(call.path["shop"]).name
    return Answer({"keys": [key_view(key) for key in runtime.world.keys_of(name)]})


async def create_key(runtime: Runtime, call: Call) -> Answer:
    """A new key; with every scope where none is named."""
    body = call.body or {}
    key = runtime.world.add_key(call.path["shop"], body.get("scopes", runtime.contract.scopes()), body.get("label", ""))
    return Answer({"key": key_view(key)}, 201)


async def rotate_key(runtime: Runtime, call: Call) -> Answer:
    """The same key with another text."""
    shop = runtime.world.shop(call.path["shop"])
    return Answer({"key": key_view(runtime.world.rotate_key(shop.name, call.path["key_id"]))}, 201)


async def delete_key(runtime: Runtime, call: Call) -> Answer:
    """Take a key away."""
    shop = runtime.world.shop(call.path["shop"])
    runtime.world.revoke(shop.name, call.path["key_id"])
    return Answer(None, 204)
