"""All rules, in the order in which reports show them, and the judging of a story by them."""

from __future__ import annotations

from collections.abc import Collection

from loopsim.rules import (
    acknowledgements,
    actions,
    carts,
    commerce,
    deliveries,
    drafts,
    grading,
    ids,
    labels,
    links,
    money,
    offers,
    paging,
    payloads,
    polling,
    processing,
    rate_limit,
    requests,
    retries,
    secrets,
    shipments,
    signatures,
    times,
    tokens,
    windows,
)
from loopsim.rules.evidence import Evidence
from loopsim.rules.rule import Judgement, Rule, not_judged
from loopsim.rules.traffic import Traffic

RULES: tuple[Rule, ...] = (
    *signatures.RULES,
    *acknowledgements.RULES,
    *deliveries.RULES,
    *payloads.RULES,
    *actions.RULES,
    *processing.RULES,
    *retries.RULES,
    *rate_limit.RULES,
    *paging.RULES,
    *windows.RULES,
    *ids.RULES,
    *money.RULES,
    *times.RULES,
    *grading.RULES,
    *labels.RULES,
    *shipments.RULES,
    *carts.RULES,
    *links.RULES,
    *offers.RULES,
    *commerce.RULES,
    *drafts.RULES,
    *tokens.RULES,
    *requests.RULES,
    *secrets.RULES,
    *polling.RULES,
)
BY_NAME = {rule.name: rule for rule in RULES}


def judge_all(evidence: Evidence, off: Collection[str] = ()) -> tuple[tuple[Rule, Judgement], ...]:
    """What every rule says of a story, but those that are switched off by name. Pure; raises nothing."""
    traffic = Traffic(evidence)
    return tuple((rule, _judged(rule, traffic)) for rule in RULES if rule.name not in off)


def _judged(rule: Rule, traffic: Traffic) -> Judgement:
    judged = rule.judge(traffic)
    if judged.outcome == "passed" and rule.needs == "traffic" and not traffic.evidence.complete:
        return not_judged("A part of the journal fell out (it keeps 10,000 entries or 64 MiB): make the story shorter.")
    return judged
