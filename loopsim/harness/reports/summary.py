"""What every report says first: how many of what, what went wrong, what was not judged, what the end means."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable
from itertools import groupby
from typing import Literal

from msgspec import Struct

from loopsim.harness.reports.texts import many, seconds, shown
from loopsim.harness.results import RunResult, ScenarioResult, Status
from loopsim.rules.rule import Level

_VARIANTS, _STORIES = 8, 3  # that are named of those that fail as another does
_ID = re.compile(r"\d{6,}")
STATUSES: tuple[Status, ...] = ("failed", "error", "passed", "skipped")

EXIT_MEANS = {
    0: "Everything that was judged holds.",
    1: "At least one scenario or rule failed.",
    2: "The set-up is wrong, not the partner: see the messages above.",
    4: "Coverage is under the limit that --fail-under sets.",
    5: "The server or the target could not be reached.",
    130: "The run was interrupted.",
}


class Counts(Struct, frozen=True, kw_only=True):
    """How many scenarios ended how, and how many verdicts of rules over all of them. `warned` are failed rules below
    the level error; they are not among `rules_failed`."""

    passed: int
    failed: int
    error: int
    skipped: int
    rules_passed: int
    rules_failed: int
    warned: int
    not_judged: int

    @property
    def total(self) -> int:
        """All scenarios."""
        return self.passed + self.failed + self.error + self.skipped


class Problem(Struct, frozen=True, kw_only=True):
    """One thing that is wrong: an expectation that did not hold, or a finding of the rule named `rule`."""

    says: str
    expected: str = ""
    actual: str = ""
    file: str = ""
    line: int = 0
    entries: tuple[int, ...] = ()
    rule: str = ""
    level: Level = "error"
    hints: tuple[str, ...] = ()
    about: Literal["partner", "setup"] = "partner"

    @property
    def name(self) -> str:
        """What a machine sorts it by."""
        return self.rule or ("set-up" if self.about == "setup" else "expectation")


class Unjudged(Struct, frozen=True):
    """A rule that had no evidence, why, and in which scenarios."""

    rule: str
    why: str
    scenarios: tuple[str, ...]


def counts(run: RunResult) -> Counts:
    """How many of what."""
    ended = Counter(scenario.status for scenario in run.scenarios)
    verdicts = [verdict for scenario in run.scenarios for verdict in scenario.verdicts]
    said = Counter(verdict.outcome for verdict in verdicts)
    warned = sum(verdict.outcome == "failed" and verdict.level != "error" for verdict in verdicts)
    return Counts(
        **{status: ended[status] for status in STATUSES},
        rules_passed=said["passed"],
        rules_failed=said["failed"] - warned,
        warned=warned,
        not_judged=said["not_judged"],
    )


def problems(scenario: ScenarioResult) -> list[Problem]:
    """All that is wrong with it, expectations first, then rules by level; without a place, at the scenario's."""
    expectations = [
        Problem(
            says=failure.says,
            expected=failure.expected,
            actual=failure.actual,
            file=failure.file or scenario.file,
            line=failure.line or scenario.line,
            entries=failure.entries,
            hints=failure.hints,
            about=failure.about,
        )
        for failure in scenario.failures
    ]
    if not expectations and scenario.status == "error":
        expectations = [Problem(says=scenario.why, file=scenario.file, line=scenario.line, about="setup")]
    levels: tuple[Level, ...] = ("error", "warning", "note")
    rules = [
        Problem(
            says=finding.says,
            entries=finding.entries,
            file=scenario.file,
            line=scenario.line,
            rule=verdict.rule,
            level=verdict.level,
        )
        for verdict in sorted(scenario.verdicts, key=lambda verdict: levels.index(verdict.level))
        if verdict.outcome == "failed"
        for finding in verdict.findings
    ]
    return expectations + rules


def alike(run: RunResult) -> list[list[ScenarioResult]]:
    """What did not pass: together those that say the same (a partner that is not there), and the variants of a story
    that fail in the same way. First the groups that show a rule of level error which none before them does, then others
    with such rules, then expectations, then what is wrong with the set-up."""
    groups: list[list[ScenarioResult]] = []
    known: dict[tuple[Hashable, ...], list[ScenarioResult]] = {}
    for scenario in run.scenarios:
        if scenario.status not in ("failed", "error"):
            continue
        found = problems(scenario)
        said = (scenario.status, *(problem.says for problem in found))
        way = (scenario.status, story(scenario), frozenset(_way(problem) for problem in found))
        group = known.get(said) or known.get(way)
        if group is None:
            groups.append(group := [])
        group.append(scenario)
        known[said] = known[way] = group
    return _worst_first(groups)


def _way(problem: Problem) -> tuple[str, int, str]:
    """What a problem has in common with that of another variant, whose ids are others."""
    if problem.rule:
        return problem.rule, 0, ""
    return problem.file, problem.line, _ID.sub("#", problem.says.partition(":")[0])


def _worst_first(groups: list[list[ScenarioResult]]) -> list[list[ScenarioResult]]:
    shown: set[str] = set()
    ranked: list[tuple[int, list[ScenarioResult]]] = []
    for group in groups:
        broken = broken_rules(group[0])
        fresh = any(rule not in shown for rule in broken)
        shown.update(broken)
        ranked.append((0 if fresh else 1 if broken else 3 if group[0].status == "error" else 2, group))
    return [group for _, group in sorted(ranked, key=lambda each: each[0])]


def broken_rules(scenario: ScenarioResult) -> list[str]:
    """The rules of level error that failed in it."""
    return list(dict.fromkeys(each.rule for each in problems(scenario) if each.rule and each.level == "error"))


def reason(scenario: ScenarioResult) -> str:
    """Why it did not pass, in a line: a rule of level error before an expectation."""
    found = problems(scenario)
    first = next((each for each in found if each.rule and each.level == "error"), found[0] if found else None)
    if first is None:
        return scenario.why
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return f"{first.rule}: {first.says}{more}" if first.rule else f"{first.says}{more}"


def others_of(scenario: ScenarioResult, others: list[ScenarioResult]) -> str:
    """The others of a group beside the first, as far as there is room: variants of its story by what sets them apart,
    then other stories."""
    own = [variant(other).replace(" ", "") or "+base" for other in others if story(other) == story(scenario)]
    rest = [other.id for other in others if story(other) != story(scenario)]
    return ", ".join(part for part in (shown(own, _VARIANTS), shown(rest, _STORIES)) if part)


def unjudged(run: RunResult) -> list[Unjudged]:
    """The rules that had no evidence, one for each reason, by name."""
    found = sorted(
        (verdict.rule, verdict.why, scenario.id)
        for scenario in run.scenarios
        for verdict in scenario.verdicts
        if verdict.outcome == "not_judged"
    )
    return [
        Unjudged(rule, why, tuple(id_ for _, _, id_ in group))
        for (rule, why), group in groupby(found, key=lambda each: each[:2])
    ]


def never_judged(run: RunResult) -> list[Unjudged]:
    """Those of them that no scenario of the run gave evidence for, with the reason given most often."""
    judged = {
        verdict.rule for scenario in run.scenarios for verdict in scenario.verdicts if verdict.outcome != "not_judged"
    }
    found: dict[str, Unjudged] = {}
    for each in unjudged(run):
        best = found.get(each.rule)
        if each.rule not in judged and (best is None or len(each.scenarios) > len(best.scenarios)):
            found[each.rule] = each
    return list(found.values())


def assumptions(run: RunResult) -> list[str]:
    """The anchors of what nobody knows and this run rests on, sorted."""
    return sorted({anchor for scenario in run.scenarios for anchor in scenario.assumptions})


def story(scenario: ScenarioResult) -> str:
    """Its id without its row and its schedule: what its variants have in common."""
    return scenario.id.removesuffix(f"+{scenario.schedule}").partition("[")[0]


def variant(scenario: ScenarioResult) -> str:
    """What sets it apart from others of its file: its row and its schedule. Empty for the story as it stands."""
    row = scenario.row.get("name") or ", ".join(f"{name}: {value}" for name, value in scenario.row.items())
    parts = [f"[{row}]" if row else "", f"+{scenario.schedule}" if scenario.schedule else ""]
    return " ".join(part for part in parts if part)


def name(scenario: ScenarioResult) -> str:
    """Its title, with what sets it apart."""
    return f"{scenario.title} {variant(scenario)}".strip()


def suite(scenario: ScenarioResult) -> str:
    """The folder part of its id: `wms/two-way`."""
    return scenario.id.rpartition("/")[0] or "scenarios"


def verdict_line(run: RunResult) -> str:
    """The run in one sentence."""
    found = counts(run)
    parts = [
        f"{found.failed} failed" if found.failed else "",
        many(found.error, "error") if found.error else "",
        f"{found.passed} passed",
        f"{found.skipped} skipped" if found.skipped else "",
    ]
    return f"{', '.join(part for part in parts if part)} in {seconds(run.duration_ms)}"


def meaning(run: RunResult) -> str:
    """What the exit code of the run says."""
    found = counts(run)
    if run.exit_code == 1 and not (found.failed or found.error):
        return "Nothing failed, but --strict asks for evidence: something was skipped, or not judged by any scenario."
    return EXIT_MEANS.get(run.exit_code, "See the messages above.")


def rules_line(run: RunResult) -> str:
    """The verdicts of the rules in one sentence; what was not judged is never among what passed."""
    found = counts(run)
    parts = [
        f"{found.rules_failed} failed",
        many(found.warned, "warning") if found.warned else "",
        f"{found.rules_passed} passed",
        f"{found.not_judged} not judged" if found.not_judged else "",
    ]
    return ", ".join(part for part in parts if part)
