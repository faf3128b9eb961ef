"""The end of the demo: a short suite against the warehouse that just did its work, and its verdict."""

from __future__ import annotations

from loopsim.client import Loopsim
from loopsim.harness.document import Scenario
from loopsim.harness.plan import IdleProbe, PartnerPlan, RunPlan
from loopsim.harness.probe import Probe
from loopsim.harness.results import RunResult, ScenarioResult
from loopsim.harness.runner import Run
from loopsim.harness.suites import choose

STORIES = (
    "wms/two-way/inspect-and-process+base",
    "wms/two-way/inspect-and-process+duplicate",
    "wms/two-way/inspect-and-process+swap",
    "wms/two-way/cancelled-on-the-way",
    "wms/two-way/flagged-on-the-dock",
    "wms/two-way/auto-processed-first",
)
STAGES = {
    "expected": "open", "received": "open", "graded": "open", "processing": "open", "closed": "closed",
    "ignored": "cancelled", "attention": "review",
}  # fmt: skip
"""What the warehouse's own words for a return mean."""


def judge_warehouse(server: Loopsim, receiver: str) -> RunResult:
    """Play the stories in the demo's shop, against the warehouse that takes webhooks at `receiver`."""
    state = f"{receiver.removesuffix('/webhooks/loop')}/state"
    partner = PartnerPlan(
        target=receiver,
        probe=Probe(ask=state, path="$.returns['{return_id}'].stage", words=STAGES),
        idle_probe=IdleProbe(url=state),
    )
    return Run(RunPlan(scenarios=tuple(choose(STORIES)), partners={"": partner}), server, _Silent()).run()


class _Silent:
    def started(self, scenario: Scenario) -> None:
        """The verdict comes at once, at the end."""

    def ended(self, result: ScenarioResult) -> None:
        """As above."""
