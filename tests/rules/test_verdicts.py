"""What each rule says of journals that pass, that fail, and that hold nothing to judge by."""

from __future__ import annotations

import pytest

from loopsim.rules.catalogue import RULES, judge_all
from loopsim.rules.evidence import Evidence
from loopsim.rules.rule import Judgement
from tests.rules import action_cases, commerce_cases, hook_cases, read_cases, storefront_cases
from tests.rules.building import Case, call, story

CASES: dict[str, Case] = {
    **hook_cases.CASES,
    **action_cases.CASES,
    **read_cases.CASES,
    **commerce_cases.CASES,
    **storefront_cases.CASES,
}


def verdict(rule: str, evidence: Evidence) -> Judgement:
    return next(judgement for each, judgement in judge_all(evidence) if each.name == rule)


def each(member: str) -> list[object]:
    return [
        pytest.param(rule, journal, id=f"{rule}-{number}")
        for rule, case in CASES.items()
        for number, journal in enumerate(getattr(case, member), 1)
    ]


def test_every_rule_has_journals_that_pass_that_fail_and_that_cannot_be_judged() -> None:
    assert set(CASES) == {rule.name for rule in RULES}
    for rule, case in CASES.items():
        assert case.passes, rule
        assert case.fails, rule
        assert case.not_judged, rule


@pytest.mark.parametrize(("rule", "journal"), each("passes"))
def test_passes(rule: str, journal: Evidence) -> None:
    judgement = verdict(rule, journal)
    assert judgement.outcome == "passed", judgement


@pytest.mark.parametrize(("rule", "journal"), each("fails"))
def test_fails_with_a_finding(rule: str, journal: tuple[Evidence, str]) -> None:
    evidence, says = journal
    judgement = verdict(rule, evidence)
    assert judgement.outcome == "failed", judgement
    assert says in judgement.findings[0].says
    assert all(finding.entries or evidence.provocations for finding in judgement.findings)
    ids = {entry["id"] for entry in evidence.entries}
    assert all(set(finding.entries) <= ids for finding in judgement.findings)


@pytest.mark.parametrize(("rule", "journal"), each("not_judged"))
def test_is_not_judged_without_its_evidence(rule: str, journal: Evidence) -> None:
    assert verdict(rule, journal).outcome == "not_judged"


def test_what_fell_out_of_the_journal_may_have_shown_a_fault() -> None:
    whole = story(call("processReturn", 1), call("getReturnDetails", query="return_id=1"))
    part = Evidence(entries=whole.entries, complete=False)
    assert verdict("processed-once", whole).outcome == "passed"
    assert verdict("processed-once", part).outcome == "not_judged"


def test_what_is_wrong_stays_wrong_when_the_rest_fell_out() -> None:
    part = Evidence(entries=story(call("processReturn", 1), call("processReturn", 1)).entries, complete=False)
    assert verdict("processed-once", part).outcome == "failed"
