"""Stories with doubled, swapped and late webhooks, against partners that cope and partners that do not."""

from __future__ import annotations

from pathlib import Path

from loopsim.harness.results import RunResult, ScenarioResult
from tests.harness.running import run


def by_schedule(result: RunResult) -> dict[str, ScenarioResult]:
    return {each.schedule: each for each in result.scenarios}


def says(result: ScenarioResult) -> str:
    return " ".join(failure.says for failure in result.failures)


def test_a_partner_that_looks_before_it_acts_ends_the_same_with_every_schedule(tmp_path: Path) -> None:
    results = by_schedule(run(tmp_path))
    assert {schedule: (each.status, says(each)) for schedule, each in results.items()} == {
        "": ("passed", ""),
        "duplicate": ("passed", ""),
        "swap": ("passed", ""),
        "delay": ("passed", ""),
    }
    triggers = [entry["trigger"] for entry in results["duplicate"].journal if entry["kind"] == "delivery"]
    assert triggers.count("return.created") == 2
    assert any(entry.get("fault") == "delay" for entry in results["delay"].journal)


def test_a_partner_that_acts_on_each_webhook_ends_otherwise_when_they_come_twice(tmp_path: Path) -> None:
    results = by_schedule(run(tmp_path, "never looks"))
    assert says(results["duplicate"]) == (
        "With every webhook sent twice it ends otherwise: it called processReturn of #1 once more, which it does not do"
        " otherwise."
    )
    assert results["duplicate"].status == "failed"


def test_a_partner_that_believes_what_comes_last_ends_otherwise_when_it_comes_late(tmp_path: Path) -> None:
    results = by_schedule(run(tmp_path, "believes payloads"))
    assert results[""].status == "passed"
    assert "its own state of return #1 is open, otherwise closed." in says(results["delay"])


def test_a_story_with_a_schedule_can_be_run_alone(tmp_path: Path) -> None:
    results = by_schedule(run(tmp_path, "never looks", schedule="duplicate"))
    assert "processReturn of #1 once more" in says(results["duplicate"])
