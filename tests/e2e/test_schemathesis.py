"""Schemathesis against a real server: every operation, every check, all phases, stateful links included."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from loopsim.bootstrap import Options
from loopsim.client import Loopsim, Shop
from loopsim.contract import load_contract
from loopsim.embedded import EmbeddedServer

HERE = Path(__file__).parent
PHASES = "examples,coverage,fuzzing,stateful"
EXAMPLES = os.environ.get("LOOPSIM_EXAMPLES", "15")


@pytest.fixture
def shop() -> Iterator[Shop]:
    """A shop in the middle of things: returns in every state, label requests, a shipment, notes."""
    with EmbeddedServer(Options(port=0)) as server:
        made = Loopsim(server.url).create_shop(
            "fuzzed",
            seed=3,
            moment="2026-05-27T16:30:36Z",
            clock={"mode": "manual"},
            rate_limit=10_000_000,
            policy={"label_source": "third_party"},
        )
        dropped = made.act("customer.submits_return", method="happy_returns")
        made.act("customer.drops_off", return_id=dropped["id"])
        made.act("happy_returns.ships")
        returns = [made.act("customer.submits_return")["id"] for _ in range(20)]
        for word, return_id in zip(("staff.flags", "staff.closes", "staff.cancels"), returns, strict=False):
            made.act(word, return_id=return_id)
        made.clock.advance(by="10s")
        yield made


@pytest.mark.parametrize("version", ["2026-07", "2026-10"])
def test_loops_api_keeps_its_contract(shop: Shop, version: str, tmp_path: Path) -> None:
    root = shop.api_base.removesuffix("/api/v1")
    operations = load_contract().operations("loop", version)
    count = len(operations) + 1  # the alias of a list
    rooted = sorted({each.path for each in operations if each.rooted})
    there = len([each for each in operations if each.rooted])
    for base, choice, selected in ((f"{root}/api/{version}", "exclude", count - there), (root, "include", there)):
        chosen = [f"--{choice}-path-regex", "^(" + "|".join(rooted) + ")$"]
        document, header = f"{root}/openapi.json?version={version}", f"X-Authorization: {shop.key}"
        if choice == "include":
            chosen += ["--phases", PHASES.removesuffix(",stateful")]  # these lead nowhere
        report = run(document, base, header, HERE / "schemathesis.toml", tmp_path, *chosen)
        assert f"Operations:       {selected} selected / {count} total" in report


def test_the_control_api_keeps_its_contract(tmp_path: Path) -> None:
    with EmbeddedServer(Options(port=0, clock="manual", token="secret")) as server:
        document = f"{server.url}/_loopsim/openapi.json"
        # Both wait for something to happen, up to a minute of real time at each call.
        patient = ["--exclude-operation-id", "readJournal", "--exclude-operation-id", "settleDeliveries"]
        header = "Authorization: Bearer secret"
        report = run(document, server.url, header, HERE / "schemathesis-control.toml", tmp_path, *patient)
    count = len(load_contract().operations("control"))
    assert f"Operations:       {count - 2} selected / {count} total" in report


def run(document: str, base: str, header: str, config: Path, work: Path, *more: str) -> str:
    """Run Schemathesis as its users do; its own report is the message."""
    done = subprocess.run(
        [
            Path(sys.executable).with_name("schemathesis"), "--config-file", config, "run", document, "--url", base,
            "-H", header, "--checks", "all", "--phases", PHASES, "--seed", "1",
            "--max-examples", EXAMPLES, "--no-color", "--workers", "1", *more,
        ],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        cwd=work,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    return done.stdout
