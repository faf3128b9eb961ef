"""Virtual time: a thousand days of due timers, with one subscription that is really delivered."""

from __future__ import annotations

import http.client
import json
from pathlib import Path
from time import perf_counter

from tests.performance.load import each_once
from tests.performance.report import Row
from tests.performance.seeds import seed
from tests.performance.servers import Process, loopsim_server
from tests.performance.settings import Plan
from tests.performance.writes import receiver, submit_requests

DAYS = 1000
TIMERS_OF_A_RETURN = 6  # label, four scans, processing; its expiry is cancelled by then


def thousand_days(plan: Plan) -> list[Row]:
    """Seconds for one advance over all of it, without patience, and what they were spent on."""
    times, counts = [], (0, 0)
    for number in range(max(3, plan.rounds // 2)):
        took, counts = _once(plan, plan.scratch / f"days-{number}")
        times.append(took)
    says = f"{counts[0]:,} timers of real returns, {counts[1]:,} webhooks, in a file"
    scaled = tuple(took * plan.timers / counts[0] for took in times)
    return [Row(f"{DAYS:,} virtual days, {plan.timers:,} due timers", "s", scaled, "at most", 2, says)]


def _once(plan: Plan, folder: Path) -> tuple[float, tuple[int, int]]:
    with receiver() as port:
        seeded = seed(folder, 0, plan.timers // TIMERS_OF_A_RETURN)
        with loopsim_server(folder) as server:
            each_once(server.port, submit_requests(seeded.free))
            hook = {"url": f"http://127.0.0.1:{port}/a", "topic": "return", "trigger": "return.closed"}
            _call(server, "subscriptions", hook)
            began = perf_counter()
            advanced = _call(server, "clock/advance", {"by": f"{DAYS}d", "wait": False})
            took = perf_counter() - began
    return took, (advanced["timers_run"], advanced["deliveries"])


def _call(server: Process, path: str, body: object) -> dict[str, int]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    try:
        headers = {"Content-Type": "application/json"}
        connection.request("POST", f"/_loopsim/shops/default/{path}", json.dumps(body), headers)
        response = connection.getresponse()
        answer = response.read()
        assert response.status < 300, answer
        found: dict[str, int] = json.loads(answer)
        return found
    finally:
        connection.close()
