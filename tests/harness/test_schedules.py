"""Stories with doubled, swapped and late webhooks, against partners that cope and partners that do not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from loopsim.bootstrap import Options
from loopsim.client import Loopsim
from loopsim.embedded import EmbeddedServer
from loopsim.harness.document import Scenario
from loopsim.harness.plan import IdleProbe, PartnerPlan, RunPlan
from loopsim.harness.probe import Probe
from loopsim.harness.reading import read_scenarios
from loopsim.harness.results import RunResult, ScenarioResult
from loopsim.harness.runner import Run
from tests.harness.tiny import Tiny

STORY = """
scenario: A warehouse has Loop pay out what arrived
protects: Paying out for a parcel that never came.
pattern: [wms]
direction: two-way
stages: [concluded]
schedules: [duplicate, swap, delay]
shop: {policy: {processing_event: disabled, carrier: manual}}
steps:
- customer.submits_return: {items: [{outcome: refund}]}
  as: ret
- clock.advances: 10s
- carrier.scans: {return_id: "${ret.id}", status: delivered}
- clock.advances: until_idle
- expect.return: {id: "${ret.id}", state: closed}
"""


class Quiet:
    def started(self, scenario: Scenario) -> None:
        """Nothing."""

    def ended(self, result: ScenarioResult) -> None:
        """Nothing."""


Play = Callable[..., dict[str, ScenarioResult]]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Play]:
    """Run the story against a tiny partner with these mistakes; the results by schedule."""
    path = tmp_path / "story.loopsim.yaml"
    path.write_text(STORY, encoding="utf-8")
    running: list[Tiny] = []

    def run(*wrong: str, only: str | None = None) -> dict[str, ScenarioResult]:
        with EmbeddedServer(Options(port=0, clock="manual")) as server, Loopsim(server.url) as client:
            tiny = Tiny(server.api_base, server.key, server.secret, *wrong)
            running.append(tiny)
            partner = PartnerPlan(
                target=f"{tiny.url}/hook",
                probe=Probe(ask=tiny.url, path="$.returns['{return_id}']"),
                idle_probe=IdleProbe(url=tiny.url),
            )
            stories = [each for each in read_scenarios(path) if only is None or each.schedule == only]
            plan = RunPlan(scenarios=tuple(stories), partners={"": partner})
            result: RunResult = Run(plan, client, Quiet()).run()
        return {each.schedule: each for each in result.scenarios}

    yield run
    for tiny in running:
        tiny.shutdown()
        tiny.server_close()


def says(result: ScenarioResult) -> str:
    return " ".join(failure.says for failure in result.failures)


def test_a_partner_that_looks_before_it_acts_ends_the_same_with_every_schedule(run: Play) -> None:
    results = run()
    assert {schedule: (each.status, says(each)) for schedule, each in results.items()} == {
        "": ("passed", ""),
        "duplicate": ("passed", ""),
        "swap": ("passed", ""),
        "delay": ("passed", ""),
    }
    triggers = [entry["trigger"] for entry in results["duplicate"].journal if entry["kind"] == "delivery"]
    assert triggers.count("return.created") == 2
    assert any(entry.get("fault") == "delay" for entry in results["delay"].journal)


def test_a_partner_that_acts_on_each_webhook_ends_otherwise_when_they_come_twice(run: Play) -> None:
    results = run("never looks")
    assert says(results["duplicate"]) == (
        "With every webhook sent twice it ends otherwise: it called processReturn of #1 once more, which it does not do"
        " otherwise."
    )
    assert results["duplicate"].status == "failed"


def test_a_partner_that_believes_what_comes_last_ends_otherwise_when_it_comes_late(run: Play) -> None:
    results = run("believes payloads")
    assert results[""].status == "passed"
    assert "its own state of return #1 is open, otherwise closed." in says(results["swap"]) + says(results["delay"])


def test_a_story_with_a_schedule_can_be_run_alone(run: Play) -> None:
    results = run("never looks", only="duplicate")
    assert "processReturn of #1 once more" in says(results["duplicate"])
