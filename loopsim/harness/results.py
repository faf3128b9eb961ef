"""What a run found, as plain data. The runner fills it, every report is a function of it.

RunResult ┬ RuleText       what the rules that were asked say, once for the whole run
          └ ScenarioResult ┬ StepResult
                           ├ Failure         an expectation that did not hold, or a set-up that did not work
                           ├ RuleVerdict     one per rule: passed, failed, not judged
                           └ journal         what went over the wire, as the control API gives it
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from msgspec import Struct, field

from loopsim.rules.rule import Finding, Level, Outcome, Rule

Status = Literal["passed", "failed", "error", "skipped"]
"""`failed`: the partner is wrong. `error`: the set-up is (a partner that never starts). `skipped` says why."""


class Failure(Struct, frozen=True, kw_only=True):
    """An expectation that did not hold. `expected` and `actual` are short texts to set side by side; `entries` are ids
    of journal entries that show it; `file`, `line`, `column` where the expectation stands. `missing` are the operations
    of a call that never came, `hints` in a sentence each what may be behind that."""

    says: str
    expected: str = ""
    actual: str = ""
    file: str = ""
    line: int = 0
    column: int = 0
    entries: tuple[int, ...] = ()
    missing: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    about: Literal["partner", "setup"] = "partner"


class StepResult(Struct, frozen=True, kw_only=True):
    """One step as it went. `at` is the shop's time before it (ISO 8601), `duration_ms` real time, `after_entry` the
    last journal entry that was there when it began, `gave` what it saved, in short."""

    word: str
    arguments: dict[str, Any]
    file: str
    line: int
    status: Literal["passed", "failed", "not_run"]
    at: str = ""
    duration_ms: float = 0.0
    after_entry: int = 0
    gave: str = ""


class RuleVerdict(Struct, frozen=True, kw_only=True):
    """What one rule says of one scenario."""

    rule: str
    level: Level
    outcome: Outcome
    why: str = ""
    findings: tuple[Finding, ...] = ()


class RuleText(Struct, frozen=True, kw_only=True):
    """What a rule says to people, so that a run can be reported without the rule itself. `fact` is an anchor."""

    level: Level
    title: str
    reason: str
    mend: str
    fact: str


class FactText(Struct, frozen=True, kw_only=True):
    """A fact of Loop's API as `openapi/FACTS.md` has it: how sure it is, and its sentence."""

    grade: str
    text: str


class Transition(Struct, frozen=True):
    """One move in a lifecycle: `return`, `open`, `process_done`, `closed`."""

    entity: str
    state: str
    action: str
    to: str


class Coverage(Struct, frozen=True, kw_only=True):
    """What was exercised: operationIds, `operationId status refusal` of error answers, triggers, transitions."""

    operations: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()
    transitions: tuple[Transition, ...] = ()


class ScenarioResult(Struct, frozen=True, kw_only=True):
    """How one scenario went. `journal` holds entries oldest first, `deliveries` each delivery with its attempts,
    `partner_log` the last lines of a partner that loopsim started, `reproduce` the command that runs exactly this
    again, `assumptions` the anchors of `assumed` facts that the exercised operations rest on."""

    id: str
    title: str
    protects: str
    file: str
    line: int
    patterns: tuple[str, ...]
    direction: str
    stages: tuple[str, ...]
    status: Status
    duration_ms: float
    reproduce: str
    why: str = ""
    schedule: str = ""
    row: dict[str, Any] = field(default_factory=dict)
    seed: int = 0
    steps: tuple[StepResult, ...] = ()
    failures: tuple[Failure, ...] = ()
    verdicts: tuple[RuleVerdict, ...] = ()
    journal: tuple[dict[str, Any], ...] = ()
    deliveries: tuple[dict[str, Any], ...] = ()
    coverage: Coverage = Coverage()
    assumptions: tuple[str, ...] = ()
    partner_log: str = ""


class RunResult(Struct, frozen=True, kw_only=True):
    """A whole run. `possible` is what could be exercised, for coverage, in the called `families` of Loop's API.
    `exit_code` as in the README; `strict`: what was skipped or not judged counts, too. `rules` by name holds every rule
    that a verdict names, `facts` by anchor those that rules and assumptions point to."""

    version: str
    started_at: str
    duration_ms: float
    target: str
    mode: Literal["single", "per-worker", "tenant"]
    scenarios: tuple[ScenarioResult, ...]
    exit_code: int
    command: str = ""
    possible: Coverage = Coverage()
    families: tuple[str, ...] = ()
    rules: dict[str, RuleText] = field(default_factory=dict)
    facts: dict[str, FactText] = field(default_factory=dict)
    findings: tuple[Failure, ...] = ()
    strict: bool = False


def rule_texts(rules: Iterable[Rule]) -> dict[str, RuleText]:
    """What these rules say, by name."""
    return {
        rule.name: RuleText(level=rule.level, title=rule.title, reason=rule.reason, mend=rule.mend, fact=rule.fact)
        for rule in rules
    }
