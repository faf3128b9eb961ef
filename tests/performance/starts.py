"""Starting and memory: the first answer, idle, with a file of returns, after many calls."""

from __future__ import annotations

import os
import sys

from tests.performance.load import each_once
from tests.performance.plan import Plan
from tests.performance.reads import details_requests, walk
from tests.performance.report import Row
from tests.performance.seeds import seed
from tests.performance.servers import LEAN, loopsim_server, running
from tests.performance.writes import BLOCKED, size_on_disk, submit_requests


def first_answer(plan: Plan) -> list[Row]:
    """From the start of the process to its first answer, against bare uvicorn, in turn."""
    seeded = seed(plan.scratch / "start", plan.returns)
    bare, memory, file = [], [], []
    for _ in range(plan.starts + 1):
        command = [sys.executable, "-m", "uvicorn", *LEAN, "tests.performance.raw_app:app"]
        with running(command, RAW_BODY=os.devnull) as raw:
            bare.append(raw.started)
        with loopsim_server() as server:
            memory.append(server.started)
        with loopsim_server(seeded.folder) as server:
            file.append(server.started)
    # The first round warmed the disk and wrote what Python compiles.
    ratios = tuple(ours / raw for ours, raw in zip(memory[1:], bare[1:], strict=True))
    with_file = tuple(ours / raw for ours, raw in zip(file[1:], bare[1:], strict=True))
    return [
        Row("first answer of `serve`", "×", ratios, "at most", 1.35, f"{_ms(memory)}; bare uvicorn {_ms(bare)}"),
        Row(f"  with --db and {plan.returns:,} returns", "×", with_file, says=_ms(file)),
    ]


def _ms(seconds: list[float]) -> str:
    return f"{sorted(seconds[1:])[len(seconds[1:]) // 2] * 1000:.0f} ms"


def memory(plan: Plan) -> list[Row]:
    """Resident memory of the server's process, and the size of its folder."""
    seeded = seed(plan.scratch / "memory", plan.returns)
    with loopsim_server() as server:
        idle = server.memory()
    with loopsim_server(seeded.folder) as server:
        details = details_requests(seeded)
        each_once(server.port, details)
        walk(server.port, seeded)
        each_once(server.port, details)
        full = server.memory()
    disk = size_on_disk(seeded.folder)
    share = 10_000 / plan.returns
    return [
        Row("memory idle", "MiB", (idle,), "at most", 50),
        Row("memory more for 10,000 returns on file", "MiB", (full - idle,), "at most", 10, f"{plan.returns:,} read"),
        Row("disk per 10,000 returns", "MB", (disk * share,), "at most", 100, "all read, so all wire bytes kept"),
        _heard(plan),
        _after_calls(plan, idle),
    ]


def _heard(plan: Plan) -> Row:
    """The size of a folder whose returns were submitted over HTTP with three subscriptions, journal and all."""
    seeded = seed(plan.scratch / "heard", 0, plan.returns, BLOCKED)
    with loopsim_server(seeded.folder) as server:
        each_once(server.port, submit_requests(seeded.free))
    disk = size_on_disk(seeded.folder) * 10_000 / plan.returns
    return Row("  submitted, with 30,000 deliveries and journal", "MB", (disk,), says="payloads and attempts are kept")


def _after_calls(plan: Plan, idle: float) -> Row:
    seeded = seed(plan.scratch / "calls", 1000)
    with loopsim_server(seeded.folder) as server:
        details = details_requests(seeded)
        for _ in range(plan.calls // len(details)):
            each_once(server.port, details)
        after = server.memory()
    return Row(f"memory after {plan.calls:,} calls, of idle", "×", (after / idle,), "at most", 2, f"{after:.0f} MiB")
