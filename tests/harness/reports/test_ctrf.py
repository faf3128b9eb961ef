"""The Common Test Report Format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs

from loopsim.harness.reports import ctrf
from tests.harness.reports.example import example

SCHEMA = json.loads(Path(__file__).with_name("ctrf.schema.json").read_text("utf-8"))


def document() -> Any:
    """The example, checked against the format."""
    read = json.loads(ctrf.render(example()))
    jsonschema_rs.validate(SCHEMA, read)
    return read


def test_the_summary_counts_an_error_as_failed() -> None:
    summary = document()["results"]["summary"]

    assert (summary["tests"], summary["passed"], summary["failed"], summary["skipped"]) == (6, 3, 2, 1)
    assert summary["stop"] - summary["start"] == 4210
    assert summary["extra"]["not_judged"] == 2


def test_a_failed_test_carries_message_trace_place_steps_and_reproduction() -> None:
    (test,) = (each for each in document()["results"]["tests"] if "+duplicate" in each["testId"])

    assert test["message"] == "Expected one call processReturn, saw two."
    assert "process-once (error)" in test["trace"]
    assert (test["filePath"], test["line"]) == ("scenarios/wms/two-way/inspect-and-process.loopsim.yaml", 1)
    assert [step["status"] for step in test["steps"]] == ["passed", "passed", "passed", "failed", "skipped"]
    assert test["extra"]["reproduce"].startswith("loopsim run ")
    assert test["extra"]["rules"]["pages-walked"] == "not_judged"
    assert test["parameters"] == {"name": "refund", "outcome": "refund"}


def test_the_run_says_what_it_covered_and_rested_on() -> None:
    extra = document()["results"]["extra"]

    assert extra["exitCode"] == 1
    assert extra["coverage"]["percent"] == 57.1
    assert extra["assumptions"] == {"delivery-timeout": "A delivery waits ten seconds for its answer."}
    assert [each["rule"] for each in extra["notJudged"]] == ["pages-walked", "signature-verified"]


def test_the_same_run_gives_the_same_bytes() -> None:
    assert ctrf.render(example()) == ctrf.render(example())
