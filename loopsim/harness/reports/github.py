"""What GitHub shows of a run: annotations on the lines of the scenario files, and a step summary in Markdown.

if github.is_here(os.environ): print(github.annotations(run)); append github.step_summary(run) to $GITHUB_STEP_SUMMARY
"""

import html
from collections.abc import Mapping

from loopsim.harness.coverage import coverage_line
from loopsim.harness.reports import summary as sums
from loopsim.harness.reports.redaction import redacted
from loopsim.harness.reports.summary import Problem
from loopsim.harness.reports.terminal import plain
from loopsim.harness.reports.texts import bounded, many, printable, seconds
from loopsim.harness.results import RunResult, ScenarioResult

ANNOTATIONS = 10
"""GitHub shows as many of each level per step and drops the others."""
FAILURES = 30
_TEXT = 6_000
SUMMARY_BYTES = 1024 * 1024
"""GitHub refuses a summary above that."""

_COMMAND = {"error": "error", "warning": "warning", "note": "notice"}
_MARKS = {"passed": "✅", "failed": "❌", "error": "💥", "skipped": "⏭️"}


def is_here(environment: Mapping[str, str]) -> bool:
    """Whether this runs as a step of a GitHub workflow."""
    return environment.get("GITHUB_ACTIONS") == "true"


def annotations(run: RunResult) -> str:
    """Workflow commands, a line each; as many as GitHub shows, and a notice on what is left out."""
    run = redacted(run)
    found: dict[str, list[str]] = {"error": [], "warning": [], "notice": []}
    for failure in run.findings:
        problem = Problem(says=failure.says, file=failure.file, line=failure.line, about=failure.about)
        found["error"].append(_annotation(run, "the run", problem, run.command))
    for scenario in run.scenarios:
        for problem in sums.problems(scenario):
            found[_COMMAND[problem.level]].append(_annotation(run, sums.name(scenario), problem, scenario.reproduce))
    lines = [line for level in found.values() for line in level[:ANNOTATIONS]]
    left = sum(max(0, len(level) - ANNOTATIONS) for level in found.values())
    if left:
        lines.append(f"::notice title=loopsim::{many(left, 'finding')} more: see the summary of this step.")
    return "".join(f"{line}\n" for line in lines)


def _annotation(run: RunResult, where: str, problem: Problem, reproduce: str) -> str:
    about = run.rules.get(problem.rule)
    lines = [problem.says]
    if problem.expected or problem.actual:
        lines += [f"expected: {problem.expected}", f"actual: {problem.actual}"]
    lines += [f"Hint: {hint}" for hint in problem.hints]
    if about:
        lines += [f"Why: {about.reason}", f"Mend: {about.mend}"]
    lines.append(f"Again: {reproduce}")
    place = {"file": problem.file, "line": str(problem.line or 1)} if problem.file else {}
    properties = {**place, "title": f"{problem.name}: {where}"}
    given = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{_COMMAND[problem.level]} {given}::{_data(chr(10).join(lines))}"


def _data(text: str) -> str:
    return printable(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def step_summary(run: RunResult) -> str:
    """The run in Markdown: one table, then each failure to open."""
    run = redacted(run)
    bad = sums.alike(run)
    parts = [
        f"## {'❌' if run.exit_code else '✅'} loopsim: {sums.verdict_line(run)}",
        "",
        f"Rules: {sums.rules_line(run)}",
    ]
    covered = coverage_line(run)
    if covered:
        parts += ["", f"Covered: {covered}"]
    rests = sums.assumptions(run)
    if rests:
        parts += ["", f"Rests on {many(len(rests), 'assumption')}: {', '.join(f'`{anchor}`' for anchor in rests)}"]
    for failure in run.findings:
        parts += ["", f"**{_inline(failure.says)}**"]
    for scenario, *others in bad[:FAILURES]:
        parts += ["", *_details(run, scenario)]
        if others:
            parts += ["", f"The same in {_inline(sums.others_of(scenario, others))}"]
    if bad[FAILURES:]:
        parts += ["", f"… and {sum(map(len, bad[FAILURES:]))} more that failed."]
    parts += ["", *_table(run)]
    return _cut("\n".join(parts) + "\n")


def _details(run: RunResult, scenario: ScenarioResult) -> list[str]:
    text = bounded(printable(plain(run, scenario)), _TEXT)
    return [
        "<details>",
        f"<summary>{_MARKS[scenario.status]} {html.escape(printable(sums.name(scenario)))}</summary>",
        "",
        f"Protects from: {_inline(scenario.protects)}",
        "",
        f"<pre>{html.escape(text)}</pre>",
        "",
        f"<pre>{html.escape(printable(scenario.reproduce))}</pre>",
        "",
        "</details>",
    ]


def _table(run: RunResult) -> list[str]:
    rows = [
        f"| {_MARKS[scenario.status]} | {_inline(scenario.id)} | {_inline(_what(scenario))} |"
        f" {seconds(scenario.duration_ms)} |"
        for scenario in run.scenarios
    ]
    return ["| | scenario | | time |", "| --- | --- | --- | ---: |", *rows]


def _what(scenario: ScenarioResult) -> str:
    if scenario.status == "skipped":
        return scenario.why
    found = sums.problems(scenario)
    return found[0].says if found else scenario.title


def _inline(text: str) -> str:
    """One line of text in which Markdown and HTML mean nothing."""
    flat = html.escape(" ".join(printable(text).split()), quote=False)
    return "".join(f"\\{letter}" if letter in r"\`*_[]|~#" else letter for letter in flat)


def _cut(text: str) -> str:
    raw = text.encode()
    if len(raw) <= SUMMARY_BYTES:
        return text
    kept = raw[: SUMMARY_BYTES - 100].decode("utf-8", "ignore").rpartition("\n")[0]
    return f"{kept}\n\n… cut: GitHub takes no more than 1 MiB.\n"
