"""A run with provocations, as `loopsim run --provoke` makes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.running import run


@pytest.mark.breaks_the_contract
def test_provocations_follow_the_stories_and_are_results_of_their_own(tmp_path: Path) -> None:
    result = run(tmp_path, "no check", schedule="", provoke=True)
    by_id = {each.id: each for each in result.scenarios}
    forged = by_id["provocations/forged_signature"]
    assert result.scenarios[0].id == "story"
    assert by_id["story"].status == "passed"
    assert [(verdict.rule, verdict.outcome) for verdict in forged.verdicts] == [("signature-verified", "failed")]
    assert forged.status == "failed"
    assert forged.title == "Act on no webhook whose signature is wrong"
    assert forged.reproduce == f"loopsim run provocations/forged_signature:{tmp_path}/story.loopsim.yaml+base"
    assert {entry["fault"] for entry in forged.journal if entry["kind"] == "delivery"} == {"tamper"}
    assert by_id["provocations/duplicate"].status == "passed"
    assert len(by_id) == 17
    assert result.exit_code == 1
