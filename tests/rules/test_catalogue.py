"""The catalogue: every rule is documented, and none raises on any journal."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopsim.rules.catalogue import BY_NAME, RULES, judge_all
from loopsim.rules.evidence import Evidence, Provocation, ProvocationKind
from loopsim.rules.rule import Rule

FACTS = set(re.findall(r'<a id="([\w-]+)">', (Path(__file__).parents[2] / "openapi" / "FACTS.md").read_text("utf-8")))
KINDS: tuple[ProvocationKind, ...] = ProvocationKind.__args__  # type: ignore[attr-defined]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_says_what_why_and_how_to_mend_it(rule: Rule) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)+", rule.name)
    assert rule.fact in FACTS
    assert not rule.title.endswith(".")
    assert rule.reason.endswith(".")
    assert rule.mend.endswith(".")


def test_names_are_unique() -> None:
    assert len(BY_NAME) == len(RULES)


def test_a_rule_can_be_switched_off() -> None:
    names = [rule.name for rule, _ in judge_all(Evidence(), off=("processed-once", "pages-walked"))]
    assert len(names) == len(RULES) - 2
    assert "processed-once" not in names


def test_without_any_evidence_nothing_is_judged_and_each_rule_says_what_was_missing() -> None:
    for rule, judgement in judge_all(Evidence()):
        assert judgement.outcome == "not_judged", rule.name
        assert judgement.why.endswith("."), rule.name


def test_every_provocation_is_judged_by_a_rule() -> None:
    for kind in KINDS:
        provoked = Provocation(kind=kind, control=True, effect=("It did something.",), entries=(3,))
        verdicts = {rule.name: judged for rule, judged in judge_all(Evidence(provocations=(provoked,)))}
        failed = [name for name, judged in verdicts.items() if judged.outcome == "failed"]
        assert len(failed) == 1, kind
        assert "It did something." in verdicts[failed[0]].findings[0].says
        assert BY_NAME[failed[0]].needs == "provocation"
        assert BY_NAME[failed[0]].provocation == kind


def test_only_rules_about_a_provocation_name_one() -> None:
    assert all(bool(rule.provocation) == (rule.needs == "provocation") for rule in RULES)


ODD: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=4), st.integers(), max_size=2),
)  # fmt: skip
OPERATIONS = [
    "processReturn", "cancelReturn", "flagReturn", "closeReturn", "removeLineItems", "createNote", "listReturns",
    "getReturnDetails", "gradeItems", "createLabel", "updateLabel", "createWebhook", "listNotes", "reportAsn",
    "createCart", "updateCart", "confirmShipmentOrder", "analyzeCart", "upsertOrder", "followPartnerLink",
]  # fmt: skip
BODIES = st.sampled_from([
    "{}", "[]", "null", "1e400", "{", '{"items": 3}', '{"items": [1]}', '{"errors": 1}', '{"errors": {"message": 2}}',
    '{"error": []}', '{"rate": 1}', '{"rate": {"amount": 1.5}}', '{"status": []}', '{"status": "new"}',
    '{"url": "http://["}', '{"id": "12345678901234567890", "state": 5}',
    '{"id": 7, "topic": "return", "total": "1.00", "created_at": "2026-99-99"}', "[[[[" * 500,
    '{"label_request_id": 1e300, "line_item_id": "x"}', '{"eligible": true, "mode": {}, "sessionId": []}',
    '{"fees": [{"accepted_offer_mode": [[]]}, 5], "metadata": [{"key": "session_id", "value": {}}], "line_items": {}}',
])  # fmt: skip
ENTRIES = st.fixed_dictionaries(
    {},
    optional={
        "id": st.integers(0, 50) | ODD,
        "at": st.integers(0, 2**50) | ODD,
        "kind": st.sampled_from(["call", "delivery", "move", "control", "clock"]) | ODD,
        "operation": st.sampled_from(OPERATIONS) | ODD,
        "method": st.sampled_from(["GET", "POST"]) | ODD,
        "path": st.sampled_from(["/api/v1/x/7", "/api/v2/y", "/labels/9007199254740993.5e30"]) | ODD,
        "query": st.sampled_from(["from=2026-01-01", "to=x&cursor=1", "return_id=7", "key=1", "=&&%ff"]) | ODD,
        "status": st.sampled_from([200, 401, 404, 422, 429, 500]) | ODD,
        "refusal": st.sampled_from(["flagged", "return_not_found", "invalid", "unprocessable"]) | ODD,
        "fault": st.sampled_from(["answer_lost", "duplicate", "tamper"]) | ODD,
        "return_id": st.sampled_from([7, 2**60 + 1]) | ODD,
        "request_body": BODIES | ODD,
        "response_body": BODIES | ODD,
        "trigger": st.sampled_from(["return.created", "return.processing.failed", "label.request.cancelled"]) | ODD,
        "topic": st.sampled_from(["return", "label"]) | ODD,
        "began_ms": st.floats(0, 1e6) | ODD,
        "duration_ms": st.floats(0, 1e5) | ODD,
        "retry_after": st.integers(0, 60) | ODD,
        "entity": st.just("return") | ODD,
        "action": st.sampled_from(["process_done", "cancel"]) | ODD,
        "to": st.sampled_from(["closed", "review"]) | ODD,
        "more": st.booleans() | ODD,
        "unknown": st.just(["?x"]) | ODD,
        "attempt": ODD, "delivery_id": ODD, "key": ODD, "error": ODD, "count": ODD, "note": ODD,
    },
)  # fmt: skip
PROBES = st.lists(st.dictionaries(st.sampled_from(["7", "id", "total", "created_at", "x"]), ODD | BODIES), max_size=2)


@given(st.lists(ENTRIES | ODD, max_size=12), PROBES, st.booleans())
def test_no_rule_raises_on_any_journal(entries: list[Any], probes: list[dict[str, Any]], complete: bool) -> None:
    evidence = Evidence(entries=tuple(entries), probes=tuple(probes), complete=complete)
    for rule, judgement in judge_all(evidence):
        assert (judgement.outcome == "failed") == bool(judgement.findings), rule.name
        assert (judgement.outcome == "not_judged") == bool(judgement.why), rule.name


def test_a_provocation_that_could_show_nothing_says_why() -> None:
    provoked = Provocation(kind="duplicate", why="The partner takes no webhooks.")
    verdicts = {rule.name: judged for rule, judged in judge_all(Evidence(provocations=(provoked,)))}
    assert verdicts["duplicates-harmless"].why == "The partner takes no webhooks."
    assert verdicts["order-not-assumed"].why == "It was not tried: run with --provoke."
