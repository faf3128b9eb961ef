"""How what a run says becomes a line of the table, and one trial as it goes."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.defects.catalogue import DEFECTS, RIGHTS
from tests.defects.defect import ERP, WAREHOUSE
from tests.defects.mutants import drawn
from tests.defects.run import defect_trial, differing, reference_trial, right_trial
from tests.defects.trial import Outcome, outcome, try_out


def a_run(*scenarios: dict[str, Any]) -> dict[str, Any]:
    return {"scenarios": list(scenarios)}


def scenario(id: str, status: str = "passed", *verdicts: dict[str, Any], says: str = "") -> dict[str, Any]:
    failures = [{"says": says}] if says else []
    return {
        "id": id,
        "status": status,
        "verdicts": list(verdicts),
        "failures": failures,
        "journal": [],
        "deliveries": [],
    }


def verdict(rule: str, level: str = "error", result: str = "failed") -> dict[str, Any]:
    return {"rule": rule, "level": level, "outcome": result}


def test_a_defect_is_caught_by_the_rule_that_names_it_or_by_a_scenario_of_its_place() -> None:
    found = outcome("x", a_run(scenario("wms/two-way/a", "failed", verdict("processed-once"), says="No call.")))
    assert found.caught_by(("pages-walked", "processed-once")) == "processed-once"
    assert found.caught_by(("wms/two-way/",)) == "wms/two-way/a"
    assert found.caught_by(("erp/one-way/", "pages-walked")) == ""
    assert found.any_other() == "processed-once"


def test_a_scenario_that_fails_by_a_rule_alone_is_not_caught_by_the_scenario() -> None:
    found = outcome("x", a_run(scenario("wms/two-way/a", "failed", verdict("processed-once"))))
    assert found.caught_by(("wms/two-way/",)) == ""


def test_warnings_count_and_notes_and_what_was_not_judged_do_not() -> None:
    run = a_run(
        scenario(
            "a", "passed", verdict("one", "warning"), verdict("two", "note"), verdict("three", result="not_judged")
        )
    )
    assert set(outcome("x", run).rules) == {"one"}
    assert outcome("x", run).blamed
    assert not outcome("x", a_run(scenario("a"))).blamed


def test_mutants_are_the_same_for_a_seed_and_differ_from_the_partner() -> None:
    few = drawn(3, seed=5)
    assert few == drawn(3, seed=5)
    assert len({mutant.text for mutant in few} | {reference_trial(WAREHOUSE).text}) == 4


def test_what_differs_is_what_no_run_of_the_reference_did() -> None:
    runs = [Outcome("reference", {}, {}, 2, {"a": [1], "b": each}) for each in ([2], [3])]
    assert differing(Outcome("mutant", {}, {}, 2, {"a": [1], "b": [3]}), runs) == set()
    assert differing(Outcome("mutant", {}, {}, 2, {"a": [4], "b": [2]}), runs) == {"a"}


@pytest.mark.parametrize("name", ["compares-hex", ""])
def test_a_defective_partner_is_caught_and_the_reference_is_not(name: str, tmp_path: Path) -> None:
    defect = next((defect for defect in DEFECTS if defect.name == name), None)
    trial = defect_trial(defect) if defect else reference_trial(WAREHOUSE)
    found = try_out(replace(trial, provoked=False), tmp_path)
    assert not found.trouble
    assert found.passed or defect
    assert found.caught_by(("genuine-signature-accepted",)) == ("genuine-signature-accepted" if defect else "")
    assert found.blamed == bool(defect)


@pytest.mark.skipif(
    shutil.which("node") is None, reason="node is not installed; the ERP partner runs on Node 18 or newer"
)
@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("", ""),
        ("cuts-cents-off-by-floating-point", "money-exact"),
        ("rounds-to-ten-cents", "money-exact"),
        ("reads-zoneless-times-as-local", "times-read-right"),
    ],
)
def test_amounts_and_times_of_a_partner_that_only_polls_are_judged(name: str, rule: str, tmp_path: Path) -> None:
    defect = next((defect for defect in DEFECTS if defect.name == name), None)
    trial = defect_trial(defect) if defect else reference_trial(ERP)
    found = try_out(replace(trial, suite="scenarios/erp/one-way/odd-cents.loopsim.yaml", provoked=False), tmp_path)
    assert not found.trouble
    assert found.judged >= {"money-exact", "times-read-right"}
    assert set(found.rules) == ({rule} if rule else set())


@pytest.mark.parametrize("name", ["makes-labels", "writes-tickets", "oauth-reference", "merchant-reference"])
def test_partners_without_a_reference_are_right_by_their_suites(name: str, tmp_path: Path) -> None:
    right = next(right for right in RIGHTS if right.name == name)
    found = try_out(replace(right_trial(right), provoked=False), tmp_path)
    assert found.passed
    assert not found.blamed, (found.failed, found.rules, found.trouble)
