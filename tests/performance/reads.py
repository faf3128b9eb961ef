"""Reading over HTTP: details by id, list pages, the last page against the first."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

from tests.performance.load import each_once, for_seconds, get
from tests.performance.plan import Plan
from tests.performance.report import Row
from tests.performance.rounds import alternate
from tests.performance.seeds import Seeded, seed
from tests.performance.servers import Process, loopsim_server, raw_server

DETAILS = "/api/v1/warehouse/return/details?return_id="
PAGE = 100
TURNS, PASSES = 15, 40


def first_page(seeded: Seeded) -> str:
    """The path of the first list page over all that was seeded."""
    window = {"from": f"{seeded.since:%Y-%m-%d %H:%M:%S}", "to": f"{seeded.until:%Y-%m-%d %H:%M:%S}"}
    return "/api/v1/warehouse/return/list?" + urlencode({**window, "paginate": "true", "pageSize": PAGE})


def fetch(port: int, path: str, headers: Mapping[str, str]) -> bytes:
    """One GET's body."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=dict(headers))
    with urllib.request.urlopen(request, timeout=60) as response:
        body: bytes = response.read()
    return body


def walk(port: int, seeded: Seeded) -> list[str]:
    """The paths of all list pages, as their links lead from one to the next."""
    paths, path = [], first_page(seeded)
    while path:
        paths.append(path)
        following = json.loads(fetch(port, path, seeded.headers))["nextPageUrl"]
        parts = urlsplit(following or "")
        path = f"{parts.path}?{parts.query}" if following else ""
    return paths


def details_requests(seeded: Seeded) -> list[bytes]:
    """A request for the details of every return."""
    return [get(f"{DETAILS}{id_}", seeded.headers) for id_ in seeded.returns]


def details_and_list(plan: Plan) -> list[Row]:
    """Details by id and list pages, against the same bytes as constants."""
    seeded = seed(plan.scratch / "reads", plan.returns)
    with loopsim_server(seeded.folder) as server:
        details = details_requests(seeded)
        cold = each_once(server.port, details)
        pages = [get(path, seeded.headers) for path in walk(server.port, seeded)]
        body = fetch(server.port, f"{DETAILS}{seeded.returns[0]}", seeded.headers)
        with raw_server(body) as raw:
            constant = [get("/")]
            compared = alternate(
                lambda: for_seconds(raw.port, constant, plan.seconds),
                {
                    "details": lambda: for_seconds(server.port, details, plan.seconds),
                    "page": lambda: for_seconds(server.port, pages[:1], plan.seconds),
                    "pages": lambda: for_seconds(server.port, pages, plan.seconds),
                },
                plan.rounds,
            )
            busy = _busy(raw, constant, plan.seconds)
    size = compared["page"].loads[-1].size
    return [
        Row("details by id, random", "×", compared["details"].ratios, "at least", 0.38, compared["details"].says),
        Row(f"list page of {PAGE} full returns", "×", compared["page"].ratios, "at least", 0.12, compared["page"].says),
        Row(
            f"list pages, random over {len(pages)}",
            "×",
            compared["pages"].ratios,
            "at least",
            0.12,
            compared["pages"].says,
        ),
        Row("  bytes of a page", "", (float(size),)),
        Row("  details never read before", "/s", (cold.rate,), says="the wire bytes are made and kept"),
        Row("  the baseline's process is busy", "×", (busy,), says="of one core: the load generator limits nothing"),
    ]


def _busy(raw: Process, requests: list[bytes], seconds: float) -> float:
    before = raw.processor_seconds()
    for_seconds(raw.port, requests, seconds)
    return (raw.processor_seconds() - before) / seconds


def late_pages(plan: Plan) -> list[Row]:
    """The last pages of many against the first. Each is asked for in turn, so that none is answered from memory."""
    seeded = seed(plan.scratch / "pages", plan.many, labels=False)
    with loopsim_server(seeded.folder) as server:
        paths = walk(server.port, seeded)
        requests = [get(path, seeded.headers) for path in paths[:-1]]
        first, last = requests[:TURNS] * PASSES, requests[-TURNS:] * PASSES
        compared = alternate(
            lambda: each_once(server.port, first), {"last": lambda: each_once(server.port, last)}, plan.rounds * 2
        )["last"]
    name = f"pages to {len(requests)} against pages from 1"
    return [Row(name, "×", compared.ratios, "at least", 0.95, f"{compared.says}; equal within the noise of 5 %")]
