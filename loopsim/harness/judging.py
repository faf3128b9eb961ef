"""From a story that was played to its result: failures, rules, coverage, and the command that runs it again."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from msgspec import structs

from loopsim import __version__
from loopsim.client import Loopsim
from loopsim.errors import LoopsimError
from loopsim.harness import coverage
from loopsim.harness.bench import Played
from loopsim.harness.document import Scenario
from loopsim.harness.hints import never_called, with_hints
from loopsim.harness.journal import Entry, call_line, query_of
from loopsim.harness.plan import RunPlan
from loopsim.harness.play import Went
from loopsim.harness.results import Coverage, Failure, RuleVerdict, RunResult, ScenarioResult, Status, rule_texts
from loopsim.harness.shape import ABILITIES, SAID_ONLY
from loopsim.harness.shown import SHOWN
from loopsim.harness.suites import address
from loopsim.rules.catalogue import RULES, judge_all
from loopsim.rules.evidence import Evidence

if TYPE_CHECKING:
    from loopsim.harness.provocations import Provoked

# Only stories made for it can show what these ask for (`harness.provocations`).
_BY_PROVOCATION = tuple(rule.name for rule in RULES if rule.needs == "provocation")
# Traffic rules that a provocation gives something to judge.
_ALSO = {
    "answer_lost": ("retried-safely", "processed-once", "ended-returns-left-alone", "no-retry-storm"),
    "server_error": ("retried-safely", "processed-once", "ended-returns-left-alone", "no-retry-storm"),
    "too_many": ("too-many-attempts-waited-out", "no-retry-storm"),
}
NOBODY = Failure(
    says="No webhook was sent and nobody called Loop: no integration took part in this run, so nothing was judged. Give"
    " --target for its webhooks, or see that it calls the address it is given.",
    about="setup",
)
SWITCHED_OFF = RuleVerdict(rule="", level="note", outcome="not_judged", why="Its rule is switched off (--without).")
_DAY = timedelta(days=1)


class Judge:
    """Makes results. Safe with threads."""

    def __init__(self, plan: RunPlan, server: Loopsim) -> None:
        self._plan = plan
        self._server = server

    def why_not(self, scenario: Scenario) -> str | None:
        """Why a scenario cannot be played with this plan; None where it can."""
        for partner in scenario.partners:
            plan = self._plan.partner(partner.name)
            if plan is None or (len(scenario.partners) > 1 and partner.name not in self._plan.partners):
                return f"It needs a partner {partner.name}. Configure it in [run.partners.{partner.name}]."
            if partner.oauth and not plan.oauth:
                return "It is for a partner that comes in by OAuth; --oauth tokens (or code) would have it played."
            if "probe" in scenario.needs and plan.probe is None:
                return "It needs a probe of the partner's own state. Give one: --probe URL or command."
            if "webhooks" in scenario.needs and not plan.target:
                return "It is for a partner that takes webhooks. Give --target."
            if "asks" in scenario.needs and not plan.asks:
                return "It asks the partner to do things. Say where: --asks URL with {task} in it."
            for name in SHOWN:
                if f"probe.{name}" in scenario.needs and (plan.probe is None or name not in plan.probe.shows):
                    return f"It needs a probe that shows the {name} of a return: --probe-shows {name}=JSONPATH."
            if "start" in scenario.needs and plan.start is None:
                return "It needs a partner that loopsim starts itself. Give --start."
            for ability in scenario.needs:
                said = plan.does is not None or ability in SAID_ONLY
                if ability in ABILITIES and said and ability not in (plan.does or ()):
                    return f"It is for a partner that {ABILITIES[ability]}; --does {ability} would have it played."
        return None

    def unplayed(self, scenario: Scenario, why: str, status: Status = "skipped") -> ScenarioResult:
        """The result of a scenario that was not played."""
        return self._result(scenario, Played(went=Went()), status, 0.0, why=why)

    def judged(self, scenario: Scenario, played: Played, duration_ms: float) -> ScenarioResult:
        """The result of a scenario that was played."""
        plan = self._plan.partner(scenario.partners[0].name)
        found = [with_hints(failure, scenario, played.entries, plan) for failure in played.went.failures]
        failures = [*found, *windows_missed(scenario, played.entries)]
        verdicts = self._verdicts(scenario, played)
        status: Status = "passed"
        if played.went.interrupted:
            status, failures = "skipped", []
        elif any(failure.about == "partner" for failure in failures) or any(map(self._fails, verdicts)):
            status = "failed"
        elif failures:
            status = "error"
        if any(failure.about == "setup" for failure in failures) and not any(map(self._fails, verdicts)):
            # What is wrong with the set-up explains the rest.
            status = "error"
        why = "The run was interrupted during it." if played.went.interrupted else ""
        return self._result(scenario, played, status, duration_ms, tuple(failures), verdicts, why)

    def provoked(self, provoked: Provoked) -> ScenarioResult:
        """The result of a provocation."""
        asked = {provoked.rule.name, *_ALSO.get(provoked.rule.provocation, ())}
        evidence = Evidence(entries=provoked.played.entries, provocations=(provoked.provocation,))
        verdicts = verdicts_of(
            evidence, off=[rule.name for rule in RULES if rule.name not in asked or rule.name in self._plan.rules_off]
        )
        status: Status = "failed" if any(map(self._fails, verdicts)) else "passed"
        own = next((verdict for verdict in verdicts if verdict.rule == provoked.rule.name), SWITCHED_OFF)
        if status == "passed" and own.outcome == "not_judged":
            status = "skipped"
        result = self._result(provoked.scenario, provoked.played, status, provoked.duration_ms, (), verdicts, own.why)
        return structs.replace(result, reproduce=self._command(provoked.name))

    def whole(
        self,
        results: tuple[ScenarioResult, ...],
        *,
        started_at: str,
        duration_ms: float,
        version: str = __version__,
        findings: tuple[Failure, ...] = (),
        exit_code: int | None = None,
    ) -> RunResult:
        """The whole run."""
        results = never_called(results, f"{self._server.url}/api/v1")
        if nobody_took_part(results):
            findings = (*findings, NOBODY)
        rules, done = rule_texts(RULES), coverage.merged(result.coverage for result in results)
        possible, families = coverage.within(coverage.possible(self._lifecycle), done, self._lifecycle)
        assumed = {anchor for result in results for anchor in result.assumptions}
        return RunResult(
            version=version,
            started_at=started_at,
            duration_ms=duration_ms,
            target=", ".join(plan.target for plan in self._plan.partners.values() if plan.target),
            mode=self._plan.mode,
            scenarios=results,
            exit_code=self._exit_code(results, possible) if exit_code is None else exit_code,
            command=self._plan.command,
            possible=possible,
            families=families,
            rules=rules,
            facts=coverage.facts(self._lifecycle, {*assumed, *(rule.fact for rule in rules.values())}),
            findings=findings,
            strict=self._plan.strict,
        )

    def _exit_code(self, results: tuple[ScenarioResult, ...], possible: Coverage) -> int:
        statuses = {result.status for result in results}
        if "failed" in statuses:
            return 1
        if "error" in statuses or nobody_took_part(results):
            return 2
        judged = {v.rule for result in results for v in result.verdicts if v.outcome != "not_judged"}
        unjudged = {v.rule for result in results for v in result.verdicts} - judged
        if self._plan.strict and ("skipped" in statuses or unjudged):
            return 1
        covered = coverage.measured(coverage.merged(result.coverage for result in results), possible)
        return 4 if covered.percent < self._plan.fail_under else 0

    def _fails(self, verdict: RuleVerdict) -> bool:
        levels = ("error", "warning") if self._plan.fail_on == "warning" else ("error",)
        return verdict.outcome == "failed" and verdict.level in levels

    def _verdicts(self, scenario: Scenario, played: Played) -> tuple[RuleVerdict, ...]:
        evidence = Evidence(
            entries=played.entries, complete=played.complete, probes=played.probes, returns=played.returns
        )
        return verdicts_of(evidence, off=(*self._plan.rules_off, *scenario.rules_off, *_BY_PROVOCATION))

    def _result(
        self,
        scenario: Scenario,
        played: Played,
        status: Status,
        duration_ms: float,
        failures: tuple[Failure, ...] = (),
        verdicts: tuple[RuleVerdict, ...] = (),
        why: str = "",
    ) -> ScenarioResult:
        done = coverage.exercised(played.entries)
        return ScenarioResult(
            id=scenario.id,
            title=scenario.title,
            protects=scenario.protects,
            file=scenario.place.file,
            line=scenario.place.line,
            patterns=scenario.patterns,
            direction=scenario.direction,
            stages=scenario.stages,
            status=status,
            duration_ms=duration_ms,
            reproduce=self._reproduce(scenario),
            why=why,
            schedule=scenario.schedule,
            row=scenario.row,
            seed=played.seed,
            steps=played.went.steps,
            failures=failures,
            verdicts=verdicts,
            journal=played.entries,
            deliveries=played.deliveries,
            coverage=done,
            assumptions=coverage.assumptions(self._lifecycle, done.operations),
            partner_log=played.partner_log if status in ("failed", "error") else "",
        )

    def _reproduce(self, scenario: Scenario) -> str:
        return self._command(address(scenario))

    def _command(self, asked: str) -> str:
        return shlex.join(["loopsim", "run", asked, *self._plan.flags])

    @cached_property
    def _lifecycle(self) -> dict[str, Any]:
        """What can be exercised at all; empty where a loopsim elsewhere is older, or gone by now."""
        with suppress(LoopsimError):
            answer: dict[str, Any] = self._server.call("GET", "/lifecycle")
            return answer
        return {}


def verdicts_of(evidence: Evidence, off: Collection[str] = ()) -> tuple[RuleVerdict, ...]:
    """What the rules that are not switched off say of a story."""
    return tuple(
        RuleVerdict(rule=rule.name, level=rule.level, outcome=said.outcome, why=said.why, findings=said.findings)
        for rule, said in judge_all(evidence, off)
    )


def nobody_took_part(results: Iterable[ScenarioResult]) -> bool:
    """Whether stories passed in which no partner was sent anything or called Loop, and the story itself did not."""
    passed = [result for result in results if result.status == "passed"]
    return bool(passed) and not any(
        entry["kind"] in ("call", "delivery", "own") for result in passed for entry in result.journal
    )


def windows_missed(scenario: Scenario, entries: tuple[Entry, ...]) -> list[Failure]:
    """A partner whose list calls all ask for a window that does not come within a day of the shop's time: it asks by a
    clock of its own, and its questions say nothing. One that learns Loop's time from an answer is right."""
    asked = [entry for entry in entries if entry["kind"] == "call" and _misses(entry) is not None]
    if not asked or not all(_misses(entry) for entry in asked):
        return []
    entry, place = asked[-1], scenario.place
    now = datetime.fromtimestamp(entry["at"] / 1000, UTC)
    failure = Failure(
        says="The partner asks for a window that misses the shop's time by more than a day: it goes by the wall's"
        " clock. Let the story end now (moment: {ends: wall, after: …}), or say --shift-windows.",
        expected=f"a window around {now:%Y-%m-%d %H:%M}, the shop's time",
        actual=call_line(entry),
        entries=tuple(entry["id"] for entry in asked),
        file=place.file,
        line=place.line,
        about="setup",
    )
    return [failure]


def _misses(entry: Entry) -> bool | None:
    """Whether the window of a call misses the shop's time; None for a call without a window, or one that was moved."""
    query = query_of(entry)
    start, end = _moment(query.get("from")), _moment(query.get("to"))
    if (start is None and end is None) or "window" in entry.get("note", ""):
        return None
    now = datetime.fromtimestamp(entry["at"] / 1000, UTC)
    return (start is not None and start > now + _DAY) or (end is not None and end < now - _DAY)


def _moment(text: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
