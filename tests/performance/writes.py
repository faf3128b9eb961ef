"""Submitting returns over HTTP: a customer's act, one transaction each, three subscriptions."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.performance import bench_webhooks
from tests.performance.load import Load, each_once, for_seconds, get, post
from tests.performance.plan import Plan
from tests.performance.reads import DETAILS, fetch
from tests.performance.report import Row
from tests.performance.rounds import alternate
from tests.performance.seeds import Seeded, seed, submit_body
from tests.performance.servers import Process, loopsim_server, raw_server

SUBMIT = "/_loopsim/shops/default/acts/customer.submits_return"
BLOCKED = tuple(f"https://warehouse.example/{name}" for name in ("a", "b", "c"))
FEW = 100
JSON = {"Content-Type": "application/json"}


def submit_requests(orders: tuple[int, ...]) -> list[bytes]:
    """A request that submits a return for each order."""
    return [post(SUBMIT, json.dumps(submit_body(order)).encode(), JSON) for order in orders]


@contextmanager
def receiver() -> Iterator[int]:
    """A receiver of webhooks in a process of its own, which answers 200; its port."""
    command = [sys.executable, bench_webhooks.__file__, "receive"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(10)


class _Submits:
    """Orders of one served folder that are used up, so many at a time."""

    def __init__(self, server: Process, orders: tuple[int, ...], count: int) -> None:
        self._port = server.port
        self._requests = iter(submit_requests(orders))
        self._count = count

    def __call__(self) -> Load:
        requests = [request for request, _ in zip(self._requests, range(self._count), strict=False)]
        assert len(requests) == self._count, "too few orders were seeded"
        return each_once(self._port, requests)


def submits(plan: Plan) -> list[Row]:
    """Submits per second against constant bytes, with few returns and with many."""
    with ExitStack() as stack:
        port = stack.enter_context(receiver())
        free = plan.submits * plan.rounds + FEW
        hooks = tuple(f"http://127.0.0.1:{port}/{name}" for name in ("a", "b", "c"))
        folders = {
            "few": seed(plan.scratch / "few", FEW, free, BLOCKED),
            "many": seed(plan.scratch / "many", plan.many, free, BLOCKED),
            "received": seed(plan.scratch / "received", FEW, free, hooks),
            "unheard": seed(plan.scratch / "unheard", FEW, free),
        }
        served = {name: stack.enter_context(loopsim_server(seeded.folder)) for name, seeded in folders.items()}
        raw = stack.enter_context(raw_server(_details(served["few"], folders["few"])))
        compared = alternate(
            lambda: for_seconds(raw.port, [get("/")], plan.seconds),
            {name: _Submits(served[name], folders[name].free, plan.submits) for name in folders},
            plan.rounds,
        )
    flat = tuple(m / f for m, f in zip(compared["many"].ratios, compared["few"].ratios, strict=True))
    for seeded in folders.values():
        shutil.rmtree(seeded.folder)
    return [
        Row("submit a return, 3 blocked webhooks", "×", compared["few"].ratios, "at least", 0.10, compared["few"].says),
        Row("submit a return, 3 received webhooks", "×", compared["received"].ratios, says=compared["received"].says),
        Row("submit a return, no subscription", "×", compared["unheard"].ratios, says=compared["unheard"].says),
        Row(f"submit at {plan.many:,} returns against {FEW}", "×", flat, "at least", 0.9, compared["many"].says),
    ]


def _details(server: Process, seeded: Seeded) -> bytes:
    return fetch(server.port, f"{DETAILS}{seeded.returns[0]}", seeded.headers)


def size_on_disk(folder: Path) -> float:
    """MB of all files of a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6
