"""Fresh shops and resets, each with no world and with the default one: in this process, and over the control API."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

from loopsim.clock import Clock, to_ms
from loopsim.operations.index import import_all
from loopsim.store.world import World, new_settings
from tests.performance.plan import Plan
from tests.performance.report import Row
from tests.performance.seeds import START
from tests.performance.servers import loopsim_server

WORLDS = {"empty": 2.0, "us-apparel": 5.0}
"""The worlds that are measured, and how many ms a shop of each may take."""


def fresh_shops(plan: Plan) -> list[Row]:
    """Milliseconds for one shop, in memory and in a folder."""
    import_all()
    return [
        *_direct(plan, None),
        *_over_http(plan, None),
        *_direct(plan, plan.scratch / "shops-direct"),
        *_over_http(plan, plan.scratch / "shops-http"),
    ]


def _direct(plan: Plan, folder: Path | None) -> list[Row]:
    world = World(folder)
    clock = Clock(mode="manual", shop_ms=to_ms(START))

    def make(name: str, world_name: str) -> None:
        world.create(name, settings=new_settings(name, world=world_name), clock=clock)

    def reset(name: str, _world_name: str) -> None:
        world.reset(name)

    try:
        return _rows(plan, "direct", folder, make, reset)
    finally:
        world.close()


def _over_http(plan: Plan, folder: Path | None) -> list[Row]:
    with loopsim_server(folder) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)

        def call(path: str, body: object) -> None:
            connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer = response.read()
            assert response.status < 300, answer

        def make(name: str, world_name: str) -> None:
            call("/_loopsim/shops", {"name": name, "world": world_name, "clock": {"mode": "manual"}})

        def reset(name: str, _world_name: str) -> None:
            call(f"/_loopsim/shops/{name}/reset", None)

        try:
            return _rows(plan, "over HTTP", folder, make, reset)
        finally:
            connection.close()


def _rows(
    plan: Plan, how: str, folder: Path | None, make: Callable[[str, str], None], reset: Callable[[str, str], None]
) -> list[Row]:
    where = "memory" if folder is None else "a folder"
    rows = []
    for world_name, limit in WORLDS.items():
        make(f"first-{world_name}", world_name)
        for what, act in (("fresh", make), ("reset", reset)):
            times = tuple(_timed(act, f"{world_name}-{number}", world_name) for number in range(plan.shops))
            name = f"{what} shop, {world_name}, {how}, in {where}"
            rows.append(Row(name, "ms", times, "at most", limit))
    return rows


def _timed(act: Callable[[str, str], None], name: str, world_name: str) -> float:
    began = perf_counter()
    act(name, world_name)
    return (perf_counter() - began) * 1000
