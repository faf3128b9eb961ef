"""JUnit XML in the shape that Jenkins, GitLab and GitHub's actions read: a suite per folder, a case per scenario."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import groupby
from xml.etree import ElementTree

from loopsim.harness.reports import summary as sums
from loopsim.harness.reports.redaction import redacted
from loopsim.harness.reports.terminal import plain
from loopsim.harness.reports.texts import bounded, last, printable
from loopsim.harness.reports.traffic import line
from loopsim.harness.results import RunResult, ScenarioResult

MOST = 20_000
"""Characters that a case may put out: its traffic and, apart from that, its partner's log."""
_LINES = 200

Element = ElementTree.Element


def render(run: RunResult) -> bytes:
    """The whole run as a document."""
    run = redacted(run)
    cases = sorted(run.scenarios, key=sums.suite)
    root = Element("testsuites", {"name": "loopsim", **_numbers(cases, run.duration_ms)})
    for name, group in groupby(cases, key=sums.suite):
        root.append(_suite(run, name, list(group)))
    ElementTree.indent(root)
    document = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{document}\n'.encode()


def _numbers(cases: list[ScenarioResult], milliseconds: float) -> dict[str, str]:
    ended = [case.status for case in cases]
    return {
        "tests": str(len(ended)),
        "failures": str(ended.count("failed")),
        "errors": str(ended.count("error")),
        "skipped": str(ended.count("skipped")),
        "time": _seconds(milliseconds),
    }


def _suite(run: RunResult, name: str, cases: list[ScenarioResult]) -> Element:
    began = datetime.fromisoformat(run.started_at).astimezone(UTC)
    suite = Element(
        "testsuite",
        {
            "name": printable(name),
            **_numbers(cases, sum(case.duration_ms for case in cases)),
            "timestamp": f"{began:%Y-%m-%dT%H:%M:%S}",
        },
    )
    about = {
        "loopsim.version": run.version,
        "loopsim.target": run.target,
        "loopsim.mode": run.mode,
        "loopsim.command": run.command,
        "loopsim.rules": sums.rules_line(run),
        "loopsim.assumptions": " ".join(sums.assumptions(run)),
    }
    suite.append(_properties(about))
    suite.extend(_case(run, case) for case in cases)
    return suite


def _case(run: RunResult, scenario: ScenarioResult) -> Element:
    folder = sums.suite(scenario).replace(".", "_").replace("/", ".")
    case = Element(
        "testcase",
        {
            "name": printable(sums.name(scenario)),
            "classname": printable(folder),
            "time": _seconds(scenario.duration_ms),
            "file": printable(scenario.file),
            "line": str(scenario.line),
        },
    )
    unjudged = [verdict.rule for verdict in scenario.verdicts if verdict.outcome == "not_judged"]
    about = {
        "id": scenario.id,
        "protects": scenario.protects,
        "patterns": " ".join(scenario.patterns),
        "direction": scenario.direction,
        "stages": " ".join(scenario.stages),
        "seed": str(scenario.seed),
        "reproduce": scenario.reproduce,
        "rules.not_judged": " ".join(unjudged),
    }
    case.append(_properties(about))
    outcome = _outcome(run, scenario)
    if outcome is not None:
        case.append(outcome)
    text = _out(run, scenario)
    if text:
        _child(case, "system-out", bounded(text, MOST))
    if scenario.partner_log.strip() and scenario.status in ("failed", "error"):
        _child(case, "system-err", bounded(last(scenario.partner_log, _LINES), MOST))
    return case


def _outcome(run: RunResult, scenario: ScenarioResult) -> Element | None:
    if scenario.status == "passed":
        return None
    if scenario.status == "skipped":
        return Element("skipped", {"message": printable(scenario.why)})
    found = sums.problems(scenario)
    first = found[0] if found else sums.Problem(says=scenario.why)
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    outcome = Element(
        "error" if scenario.status == "error" else "failure",
        {"message": printable(first.says + more), "type": first.name},
    )
    protects = f"Protects from: {scenario.protects}\n\n" if scenario.protects else ""
    outcome.text = printable(bounded(f"{protects}{plain(run, scenario)}", MOST) + f"\n\nAgain: {scenario.reproduce}\n")
    return outcome


def _out(run: RunResult, scenario: ScenarioResult) -> str:
    """The traffic of what went wrong; of what went well only what it is warned of."""
    if scenario.status in ("failed", "error"):
        return last("\n".join(line(entry) for entry in scenario.journal), _LINES)
    return plain(run, scenario) if sums.problems(scenario) else ""


def _properties(values: dict[str, str]) -> Element:
    properties = Element("properties")
    for name, value in values.items():
        if value:
            ElementTree.SubElement(properties, "property", {"name": name, "value": printable(value)})
    return properties


def _child(parent: Element, name: str, text: str) -> None:
    ElementTree.SubElement(parent, name).text = printable(text)


def _seconds(milliseconds: float) -> str:
    return f"{milliseconds / 1000:.3f}"
