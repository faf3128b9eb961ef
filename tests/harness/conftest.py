"""Runs of small partners: real processes against a real server, a shop of its own for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from loopsim.client import Loopsim, Shop
from loopsim.embedded import EmbeddedServer
from loopsim.harness.document import Scenario
from loopsim.harness.partner import Start
from loopsim.harness.plan import IdleProbe, PartnerPlan, RunPlan
from loopsim.harness.probe import Probe
from loopsim.harness.reading import read_scenarios
from loopsim.harness.results import RunResult, ScenarioResult
from loopsim.harness.runner import Run

_numbers = count(1)
WORDS = {"received": "open", "processing": "open", "done": "closed"}

DELIVERED = """
scenario: A parcel arrives and is paid out
protects: Paying out for a parcel that never came.
pattern: wms
direction: two-way
stages: [processing]
shop: {policy: {processing_event: disabled, carrier: manual}}
steps:
- customer.submits_return: {items: [{outcome: refund}]}
  as: ret
- clock.advances: 10s
- carrier.scans: {return_id: '${ret.id}', status: delivered}
- expect.call: {operation: processReturn, path: {return_id: '${ret.id}'}, times: 1}
- clock.advances: 1m
- expect.return: {id: '${ret.id}', state: closed}
"""


class Silent:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.results: list[ScenarioResult] = []
        self.on_started: Callable[[Scenario], None] = lambda _scenario: None

    def started(self, scenario: Scenario) -> None:
        self.on_started(scenario)

    def ended(self, result: ScenarioResult) -> None:
        self.results.append(result)


@pytest.fixture(scope="session")
def server() -> Iterator[Loopsim]:
    """One server for all runs."""
    with EmbeddedServer() as embedded, Loopsim(embedded.url, timeout=60) as client:
        yield client


@pytest.fixture
def shop(server: Loopsim) -> Iterator[Shop]:
    """A fresh shop whose clock stands still."""
    made = server.create_shop(clock={"mode": "manual"}, policy={"carrier": "manual"})
    yield made
    made.delete()


@pytest.fixture
def scenario(tmp_path: Path) -> Callable[..., Scenario]:
    """Write a scenario down and read it."""

    def write(text: str = DELIVERED, name: str = "story") -> Scenario:
        path = tmp_path / f"{name}.loopsim.yaml"
        path.write_text(text.lstrip(), "utf-8")
        return read_scenarios(path, tmp_path)[0]

    return write


@pytest.fixture
def play(server: Loopsim) -> Callable[..., RunResult]:
    """Run scenarios against a partner that `command` starts."""

    def run(*scenarios: Scenario, command: str = "", listener: Silent | None = None, **asked: Any) -> RunResult:
        own = {name: asked.pop(name) for name in ("idle_probe", "probe", "timeout", "target", "env") if name in asked}
        partners = asked.pop("partners", None) or {"": partner(command, **own)}
        asked.setdefault("shop", f"run-{next(_numbers)}")
        plan = RunPlan(scenarios=scenarios, partners=partners, **asked)
        return Run(plan, server, listener or Silent()).run()

    return run


def partner(
    command: str,
    *,
    idle_probe: bool = True,
    probe: bool = True,
    timeout: float = 20.0,
    target: str = "http://127.0.0.1:{port}/hook",
    env: dict[str, str] | None = None,
) -> PartnerPlan:
    """One of the small partners of `partners.write`."""
    home = "http://127.0.0.1:{port}/"
    start = Start(command=command, target=target, health=home, timeout=timeout, env={"PORT": "{port}", **(env or {})})
    return PartnerPlan(
        target=target,
        start=start if command else None,
        probe=Probe(ask=home, path="$.returns['{return_id}']", words=WORDS) if probe else None,
        idle_probe=IdleProbe(url=home) if idle_probe else None,
    )
