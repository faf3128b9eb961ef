"""Provocations against partners with one mistake each, over real sockets, and against partners that make none."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from loopsim.bootstrap import Options
from loopsim.client import Loopsim
from loopsim.embedded import EmbeddedServer
from loopsim.harness.bench import Bench
from loopsim.harness.blocks import blocks, first_of, own_block
from loopsim.harness.plan import IdleProbe, PartnerPlan, RunPlan
from loopsim.harness.probe import Probe
from loopsim.harness.provocations import IDS, KINDS, PREFIX, Provoked, Provoker
from loopsim.harness.reading import read_scenarios
from loopsim.rules.catalogue import BY_NAME, judge_all
from loopsim.rules.evidence import Evidence, ProvocationKind
from loopsim.rules.rule import Judgement
from tests.harness.tiny import Tiny

# Fields that no page names are among what is tried.
pytestmark = pytest.mark.breaks_the_contract

STORY = """
scenario: A warehouse has Loop pay out what arrived
protects: Paying out for a parcel that never came.
pattern: [wms]
direction: two-way
stages: [concluded]
shop: {policy: {processing_event: disabled, carrier: manual}}
steps: [customer.submits_return: {items: [{outcome: refund}]}]
"""


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedServer]:
    with EmbeddedServer(Options(port=0, clock="manual")) as server:
        yield server


@pytest.fixture
def provoke(server: EmbeddedServer, tmp_path: Path) -> Iterator[Callable[..., dict[str, Provoked]]]:
    """Provoke a tiny partner with these mistakes; the provocations by kind."""
    path = tmp_path / "story.loopsim.yaml"
    path.write_text(STORY, encoding="utf-8")
    running: list[Tiny] = []

    def provoke(*wrong: str, kinds: tuple[ProvocationKind, ...] = KINDS, probe: bool = True) -> dict[str, Provoked]:
        tiny = Tiny(server.api_base, server.key, server.secret, *wrong)
        running.append(tiny)
        plan = RunPlan(
            scenarios=tuple(read_scenarios(path)),
            partners={
                "": PartnerPlan(
                    target=f"{tiny.url}/hook",
                    probe=Probe(ask=tiny.url, path="$.returns['{return_id}']") if probe else None,
                    idle_probe=IdleProbe(url=tiny.url),
                )
            },
            provoke=True,
        )
        ids = blocks((*IDS, *(scenario.id for scenario in plan.scenarios)))
        with Loopsim(server.url) as client:
            bench = Bench(plan, client, 0, ids)
            bench.open()
            try:
                return {each.provocation.kind: each for each in Provoker(bench, plan.scenarios, ids, "").provoke(kinds)}
            finally:
                bench.close()

    yield provoke
    for tiny in running:
        tiny.shutdown()
        tiny.server_close()


def verdict(provoked: Provoked) -> Judgement:
    evidence = Evidence(provocations=(provoked.provocation,))
    return next(judged for rule, judged in judge_all(evidence) if rule.name == provoked.rule.name)


def test_a_partner_that_is_right_is_blamed_for_nothing_and_all_is_judged(provoke: Any) -> None:
    told = provoke()
    assert set(told) == set(KINDS)
    verdicts = {kind: verdict(provoked) for kind, provoked in told.items()}
    assert {kind: judged for kind, judged in verdicts.items() if judged.outcome != "passed"} == {}
    assert all(provoked.rule == BY_NAME[provoked.rule.name] for provoked in told.values())


@pytest.mark.parametrize(
    ("wrong", "kind", "says"),
    [
        ("no check", "forged_signature", "it called processReturn of #2, which it does not do otherwise."),
        ("no check", "unsigned", "it called processReturn of #2"),
        ("no header no check", "unsigned", "it called processReturn of #2"),
        ("writes again", "reserialised", "it called processReturn of #2"),
        ("never looks", "duplicate", "it called processReturn of #2 once more, which it does not do otherwise."),
        ("believes payloads", "late", "its own state of return #2 is open, otherwise closed."),
        (
            "trusts news",
            "late",
            "it called processReturn of #3, knowing that it is over.",
        ),
        ("strict fields", "unknown_field", "it did not call processReturn of #2, which it does otherwise."),
        ("strict words", "unknown_enum", "it answered with 500."),
        ("no nulls", "nulls", "it answered with 500."),
        ("label times", "not_available", "it answered with 500."),
        ("objects only", "empty_payload", "it answered with 500."),
        ("works first", "slow_loop", "only after 700 ms"),
        ("trusts 200", "refused_action", "became 'processing', as after success"),
        ("drops 429", "too_many", "it did not call processReturn of #2"),
        ("drops 500", "server_error", "it did not call processReturn of #2"),
    ],
)
def test_a_mistake_is_found_by_its_effect(provoke: Any, wrong: str, kind: ProvocationKind, says: str) -> None:
    judged = verdict(provoke(wrong, kinds=(kind,))[kind])
    first, _ = first_of(own_block(PREFIX + kind))
    # A return is named by its id, which is its place in the block of the provocation's story.
    says = re.sub(r"#(\d)", lambda found: str(first + int(found[1])), says)
    assert judged.outcome == "failed", judged
    assert any(says in finding.says for finding in judged.findings), judged


def test_a_blind_repeat_shows_in_the_traffic_of_the_provocation(provoke: Any) -> None:
    """Loop was quick enough to refuse the second processing, this time."""
    told = provoke("repeats", kinds=("answer_lost",))["answer_lost"]
    verdicts = judge_all(Evidence(entries=told.played.entries))
    assert "ended-returns-left-alone" in {rule.name for rule, judged in verdicts if judged.outcome == "failed"}


def test_a_refusal_with_500_is_no_effect(provoke: Any) -> None:
    """A receiver that falls over an empty body keeps to itself what a forgery says."""
    assert verdict(provoke("objects only", kinds=("forged_signature",))["forged_signature"]).outcome == "passed"


def test_what_a_provocation_broke_is_not_blamed_on_the_next(provoke: Any) -> None:
    told = provoke("strict words", "dies", kinds=("unknown_enum", "duplicate"))
    assert verdict(told["unknown_enum"]).outcome == "failed"
    assert verdict(told["duplicate"]).outcome == "passed"
    told = provoke("no nulls", "works blindly", "dies", kinds=("nulls", "duplicate"))
    assert verdict(told["nulls"]).outcome == "failed"
    assert verdict(told["duplicate"]).why.startswith(
        "After the provocation nulls the partner no longer does what it did"
    )


@pytest.mark.parametrize(
    ("wrong", "probe", "says"),
    [
        ((), False, "give loopsim a probe"),
        (("believes payloads",), True, "state stayed 'open' when Loop accepted processReturn"),
    ],
)
def test_what_is_missing_to_see_the_effect_of_a_refusal_is_named(
    provoke: Any, wrong: tuple[str, ...], probe: bool, says: str
) -> None:
    judged = verdict(provoke(*wrong, kinds=("refused_action",), probe=probe)["refused_action"])
    assert judged.outcome == "not_judged"
    assert says in judged.why
