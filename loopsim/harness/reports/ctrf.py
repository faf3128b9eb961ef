"""JSON in the Common Test Report Format (ctrf.io), with what loopsim knows beyond it under `extra`."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import msgspec

from loopsim.harness.coverage import of_run
from loopsim.harness.reports import summary as sums
from loopsim.harness.reports.redaction import redacted
from loopsim.harness.reports.terminal import plain
from loopsim.harness.reports.texts import bounded, printable
from loopsim.harness.results import RunResult, ScenarioResult

FORMAT = "0.0.0"
MOST = 20_000
"""Characters of one text."""

# An error is what CTRF has no word for; a run with one must not look well.
_STATUS = {"passed": "passed", "failed": "failed", "error": "failed", "skipped": "skipped"}
_STEP = {"passed": "passed", "failed": "failed", "not_run": "skipped"}


def render(run: RunResult) -> str:
    """The whole run as a document, ended by a line end."""
    run = redacted(run)
    found = sums.counts(run)
    start = round(datetime.fromisoformat(run.started_at).timestamp() * 1000)
    document = {
        "reportFormat": "CTRF",
        "specVersion": FORMAT,
        "reportId": str(uuid5(NAMESPACE_URL, f"loopsim:{run.started_at}:{run.command}")),
        "timestamp": run.started_at,
        "generatedBy": f"loopsim {run.version}",
        "results": {
            "tool": {"name": "loopsim", "version": run.version},
            "summary": {
                "tests": found.total,
                "passed": found.passed,
                "failed": found.failed + found.error,
                "skipped": found.skipped,
                "pending": 0,
                "other": 0,
                "suites": len({sums.suite(scenario) for scenario in run.scenarios}),
                "start": start,
                "stop": start + round(run.duration_ms),
                "duration": round(run.duration_ms),
                "extra": msgspec.to_builtins(found),
            },
            "tests": [_test(run, scenario) for scenario in run.scenarios],
            "environment": {"appName": "partner", "extra": {"target": run.target, "mode": run.mode}},
            "extra": _extra(run),
        },
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def _extra(run: RunResult) -> dict[str, Any]:
    coverage = of_run(run)
    return {
        "exitCode": run.exit_code,
        "exitMeans": sums.meaning(run),
        "command": run.command,
        "findings": msgspec.to_builtins(run.findings),
        "notJudged": msgspec.to_builtins(sums.unjudged(run)),
        "assumptions": {anchor: _fact(run, anchor) for anchor in sums.assumptions(run)},
        "rules": msgspec.to_builtins(run.rules),
        "coverage": {
            "percent": coverage.percent,
            "families": list(run.families),
            "kinds": [
                {**msgspec.to_builtins(kind), "possible": kind.possible, "percent": kind.percent}
                for kind in coverage.kinds
            ],
        },
        "possible": msgspec.to_builtins(run.possible),
    }


def _fact(run: RunResult, anchor: str) -> str:
    fact = run.facts.get(anchor)
    return fact.text if fact else ""


def _test(run: RunResult, scenario: ScenarioResult) -> dict[str, Any]:
    found = sums.problems(scenario)
    test: dict[str, Any] = {
        "testId": scenario.id,
        "name": sums.name(scenario),
        "status": _STATUS[scenario.status],
        "rawStatus": scenario.status,
        "duration": round(scenario.duration_ms),
        "suite": sums.suite(scenario).split("/"),
        "filePath": scenario.file,
        "line": scenario.line,
        "type": "contract",
        "tags": [*scenario.patterns, scenario.direction, *scenario.stages],
        "steps": [
            {
                "name": step.word,
                "status": _STEP[step.status],
                "extra": {"arguments": step.arguments, "line": step.line, "at": step.at, "gave": step.gave},
            }
            for step in scenario.steps
        ],
        "extra": {
            "protects": scenario.protects,
            "reproduce": scenario.reproduce,
            "seed": scenario.seed,
            "schedule": scenario.schedule,
            "problems": msgspec.to_builtins(found),
            "rules": {verdict.rule: verdict.outcome for verdict in scenario.verdicts},
            "coverage": msgspec.to_builtins(scenario.coverage),
            "assumptions": scenario.assumptions,
        },
    }
    if scenario.row:
        test["parameters"] = scenario.row
    if scenario.status in ("failed", "error"):
        test["message"] = printable(found[0].says if found else scenario.why)
        test["trace"] = printable(bounded(plain(run, scenario), MOST))
    elif scenario.why:
        test["message"] = printable(scenario.why)
    if scenario.partner_log.strip() and scenario.status in ("failed", "error"):
        test["stdout"] = printable(bounded(scenario.partner_log, MOST)).splitlines()
    return test
