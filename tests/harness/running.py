"""A run of a scenario file against a tiny partner, in this process, on a server of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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


def run(folder: Path, *wrong: str, schedule: str | None = None, provoke: bool = False, sign: Any = None) -> RunResult:
    """Run the story, with all its schedules or with one, against a partner with these mistakes."""
    path = folder / "story.loopsim.yaml"
    path.write_text(STORY, encoding="utf-8")
    with EmbeddedServer(Options(port=0, clock="manual")) as server, Loopsim(server.url) as client:
        tiny = Tiny(server.api_base, server.key, server.secret, *wrong, sign=sign)
        try:
            partner = PartnerPlan(
                target=f"{tiny.url}/hook",
                probe=Probe(ask=tiny.url, path="$.returns['{return_id}']"),
                idle_probe=IdleProbe(url=tiny.url),
            )
            stories = [each for each in read_scenarios(path) if schedule is None or each.schedule == schedule]
            plan = RunPlan(scenarios=tuple(stories), partners={"": partner}, provoke=provoke)
            return Run(plan, client, Quiet()).run()
        finally:
            tiny.shutdown()
            tiny.server_close()
