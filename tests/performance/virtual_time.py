"""Virtual time: a thousand days of due timers, with one subscription whose webhooks really arrive."""

from __future__ import annotations

import http.client
import json
from pathlib import Path
from time import perf_counter

from tests.performance.load import each_once, post
from tests.performance.plan import Plan
from tests.performance.report import Row
from tests.performance.servers import Process, loopsim_server
from tests.performance.writes import JSON, SUBMIT, receiver

DAYS = 1000
TIMERS_OF_A_RETURN = 6  # label, four scans, processing; its expiry is cancelled by then
SHOP = "/_loopsim/shops/default"
SKU = "MUG-BLU"


def thousand_days(plan: Plan) -> list[Row]:
    """Seconds for one advance over all of it, without patience, in memory and in a folder."""
    rows = []
    for where, folder in (("memory", None), ("a folder", plan.scratch / "days")):
        numbers = range(max(3, plan.rounds // 2))
        runs = [_once(plan, None if folder is None else folder / str(number)) for number in numbers]
        _, timers, deliveries = runs[0]
        scaled = tuple(took * plan.timers / timers for took, timers, _ in runs)
        name = f"{DAYS:,} virtual days, {plan.timers:,} due timers, in {where}"
        says = f"{timers:,} timers of real returns, {deliveries:,} webhooks"
        rows.append(Row(name, "s", scaled, "at most", 2, says))
    return rows


def _once(plan: Plan, folder: Path | None) -> tuple[float, int, int]:
    """Seconds, timers and webhooks of one advance."""
    with receiver() as port, loopsim_server(folder, "--clock", "manual") as server:
        names = [f"#T{number}" for number in range(plan.timers // TIMERS_OF_A_RETURN)]
        for path, bodies in (
            (
                f"{SHOP}/acts/orders.makes",
                [{"name": name, "lines": [{"variant": SKU, "quantity": 2}]} for name in names],
            ),
            (SUBMIT, [{"order": name, "items": [{"quantity": 2}]} for name in names]),
        ):
            made = each_once(server.port, [post(path, json.dumps(body).encode(), JSON) for body in bodies])
            assert not made.bad, path
        hook = {"url": f"http://127.0.0.1:{port}/a", "topic": "return", "trigger": "return.closed"}
        _call(server, "subscriptions", hook)
        began = perf_counter()
        advanced = _call(server, "clock/advance", {"by": f"{DAYS}d", "wait": False})
        took = perf_counter() - began
    return took, advanced["timers_run"], advanced["deliveries"]


def _call(server: Process, path: str, body: object) -> dict[str, int]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    try:
        connection.request("POST", f"{SHOP}/{path}", json.dumps(body), JSON)
        response = connection.getresponse()
        answer = response.read()
        assert response.status < 300, answer
        found: dict[str, int] = json.loads(answer)
        return found
    finally:
        connection.close()
