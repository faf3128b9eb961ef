"""A rule, what it finds, and its verdict: plain data.

evidence ──> Rule.judge ──> Judgement ──> Verdict of one rule on one story
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from msgspec import Struct

Level = Literal["error", "warning", "note"]
Needs = Literal["traffic", "provocation", "probe"]
Outcome = Literal["passed", "failed", "not_judged"]


class Finding(Struct, frozen=True, kw_only=True):
    """One thing that is wrong. `says` is one sentence with the ids and values that it is about; `entries` are ids of
    the journal entries that show it; `return_id` what it is about, where it is about one return."""

    says: str
    entries: tuple[int, ...] = ()
    return_id: int | None = None


class Judgement(Struct, frozen=True, kw_only=True):
    """What a rule says of some evidence. `not_judged` gives its reason in `why`; `failed` has at least one finding."""

    outcome: Outcome
    why: str = ""
    findings: tuple[Finding, ...] = ()


class Rule(Struct, frozen=True, kw_only=True):
    """What a partner must or must not do.

    `name` is kebab-case and stable; `title` one sentence in the imperative; `reason` why it matters, `mend` how to do
    it right; `fact` an anchor of `openapi/FACTS.md`. `judge` takes a `Traffic` (`rules.traffic`), which is an
    `Evidence` made sense of; `rules.catalogue` asks all of them. `provocation` is the kind
    of provocation that it needs, where it needs one.
    """

    name: str
    level: Level
    needs: Needs
    title: str
    reason: str
    mend: str
    fact: str
    judge: Callable[[Any], Judgement]
    provocation: str = ""


def passed() -> Judgement:
    """The evidence was there, and nothing is wrong."""
    return Judgement(outcome="passed")


def not_judged(why: str) -> Judgement:
    """The evidence that the rule needs was not there. `why` says what was missing and how to give it."""
    return Judgement(outcome="not_judged", why=why)


def failed(*findings: Finding) -> Judgement:
    """Something is wrong. With no finding it is `passed`, so that a rule can collect and hand over."""
    return Judgement(outcome="failed", findings=findings) if findings else passed()
