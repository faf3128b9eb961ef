"""The world of 100,000 orders: how long a shop of it takes, what the server holds then, whether another shop feels it,
and the last pages of its orders against the first."""

from __future__ import annotations

import http.client
import json
import statistics
import threading
from time import perf_counter, sleep
from typing import Any
from urllib.parse import urlsplit

from tests.performance.load import get
from tests.performance.plan import Plan
from tests.performance.report import Row
from tests.performance.rounds import Sent, processor_ratios
from tests.performance.servers import Process, loopsim_server

WORLD, ORDERS, PAGE = "large-catalogue", 100_000, 100
SECONDS, MEMORY = 20.0, 300.0
TURNS, PASSES = 15, 8
BREATH = 0.005  # between two calls of the other shop: enough to feel a stall, not enough to be the load


def large_world(plan: Plan) -> list[Row]:
    """A shop in a server that has another one, over HTTP."""
    with loopsim_server() as server:
        other = _made(server, {"name": "other", "rate_limit": 10**6})
        worked, began = server.processor_seconds(), perf_counter()
        large, waits, peak = _made_beside(server, other)
        took, worked = perf_counter() - began, server.processor_seconds() - worked
        pages = _walk(server, large)
        requests = [get(path, large) for path in pages]
        ratios, says = _late_against_first(plan, server, requests)
    p99 = statistics.quantiles(waits, n=100)[98]
    felt = f"p50 {statistics.median(waits):.1f} ms, longest {max(waits):.1f} ms of {len(waits)}"
    name = f"orders, pages to {len(pages)} against pages from 1"
    return [
        Row(f"fresh shop, {WORLD}", "s", (took,), "at most", SECONDS, f"{worked:.1f} s of the processor"),
        Row("  memory meanwhile", "MiB", (peak,), "at most", MEMORY),
        Row("  another shop's calls meanwhile, p99", "ms", (p99,), says=felt),
        Row(name, "×", ratios, "at least", 0.95, says),
    ]


def _late_against_first(plan: Plan, server: Process, requests: list[bytes]) -> tuple[tuple[float, ...], str]:
    """How many late pages the processor makes in the time of a first one, per round; and both times in words."""
    first, last = (lambda: Sent(server, requests[:TURNS] * PASSES), lambda: Sent(server, requests[-TURNS:] * PASSES))
    return processor_ratios(first, last, plan.rounds)


def _call(port: int, method: str, path: str, headers: dict[str, str], body: Any = None) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    try:
        sent = None if body is None else json.dumps(body)
        connection.request(method, path, sent, {"Content-Type": "application/json", **headers})
        response = connection.getresponse()
        answer = response.read()
        assert response.status < 300, answer
        return json.loads(answer)
    finally:
        connection.close()


def _made(server: Process, body: dict[str, Any]) -> dict[str, str]:
    """A new shop; the headers that open it."""
    made = _call(server.port, "POST", "/_loopsim/shops", {}, {"clock": {"mode": "manual"}, **body})
    return {"X-Authorization": made["key"]["key"]}


def _made_beside(server: Process, other: dict[str, str]) -> tuple[dict[str, str], list[float], float]:
    """The large shop, the milliseconds that another one's calls took meanwhile, and the most memory in MiB."""
    made: list[dict[str, str]] = []
    body = {"name": "large", "world": WORLD, "rate_limit": 10**6}
    making = threading.Thread(target=lambda: made.append(_made(server, body)))
    waits, peak = list[float](), 0.0
    making.start()
    while making.is_alive():
        began = perf_counter()
        _call(server.port, "GET", "/api/v1/orders?limit=1", other)
        waits.append((perf_counter() - began) * 1000)
        peak = max(peak, server.memory())
        sleep(BREATH)
    making.join()
    return made[0], waits, peak


def _walk(server: Process, headers: dict[str, str]) -> list[str]:
    """The paths of all pages of orders, as their links lead from one to the next."""
    pages, orders = [], 0
    path = f"/api/v1/orders?limit={PAGE}"
    while path:
        pages.append(path)
        page = _call(server.port, "GET", path, headers)
        orders += len(page["orders"])
        parts = urlsplit(page["next_page_url"] or "")
        path = f"{parts.path}?{parts.query}" if parts.path else ""
    assert orders == ORDERS, orders
    return pages
