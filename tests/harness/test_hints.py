"""What a run adds where a call never came: what the partner took, and what may be behind it; in every report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import structs

from loopsim.harness.document import Scenario
from loopsim.harness.hints import with_hints
from loopsim.harness.plan import PartnerPlan
from loopsim.harness.reports import ctrf, github, html, junit
from loopsim.harness.reports.terminal import plain
from loopsim.harness.results import Failure, RunResult
from tests.harness.partners import PROCESS, write

Play = Callable[..., RunResult]
Write = Callable[..., Scenario]


def test_where_nothing_was_called_every_report_says_what_it_took_and_that_it_may_call_elsewhere(
    play: Play, scenario: Write, tmp_path: Path
) -> None:
    result = play(scenario(), command=write(tmp_path, on_delivered="pass"))

    (story,) = result.scenarios
    elsewhere, took = story.failures[0].hints
    assert elsewhere.startswith("Nothing called http://127.0.0.1:")
    assert "/api/v1 in the whole run" in elsewhere
    assert "It answered 11 deliveries with 2xx, last " in took
    assert "label.updated (label_status delivered)" in took
    assert "updated of return" in plain(result, story)
    reports = (plain(result, story), junit.render(result).decode(), html.render(result), ctrf.render(result))
    for report in (*reports, github.annotations(result), github.step_summary(result)):
        assert "label_status delivered" in report
        assert "is that its LOOP_API_BASE?" in report


def test_one_that_calls_for_other_things_is_not_told_that_it_calls_elsewhere(
    play: Play, scenario: Write, tmp_path: Path
) -> None:
    reads = 'call("GET", f"/warehouse/return/details?return_id={return_id}")'
    result = play(scenario(), command=write(tmp_path, on_delivered=reads))

    (hint,) = result.scenarios[0].failures[0].hints
    assert "label_status delivered" in hint


def test_one_that_took_no_webhook_is_not_asked_what_it_reads_of_them(
    play: Play, scenario: Write, tmp_path: Path
) -> None:
    result = play(scenario(), command=write(tmp_path, on_post="return self.answer(404, {})"))

    hint = result.scenarios[0].failures[0].hints[-1]
    assert hint.startswith("It took none of the ")
    assert "See what it answered." in hint


def test_a_call_that_came_and_fits_badly_needs_no_hint(play: Play, scenario: Write, tmp_path: Path) -> None:
    result = play(scenario(), command=write(tmp_path, on_delivered=f"{PROCESS}; {PROCESS}"))

    assert result.scenarios[0].failures[0].hints == ()


MISSING = Failure(says="partner made no such call: gradeItems.", missing=("gradeItems",))


def test_one_that_somebody_else_started_may_remember_the_ids(scenario: Write) -> None:
    by_hand = with_hints(MISSING, scenario(), (), PartnerPlan())

    assert any("--salt" in hint and "--reset" in hint for hint in by_hand.hints)


@pytest.mark.parametrize(
    ("needs", "less"), [(("process", "grade"), "--does process:"), (("process",), "--does nothing:")]
)
def test_one_that_does_less_learns_how_to_say_so(scenario: Write, needs: tuple[str, ...], less: str) -> None:
    story = structs.replace(scenario(), needs=needs)

    unsaid = with_hints(MISSING, story, (), PartnerPlan())
    said = with_hints(MISSING, story, (), PartnerPlan(does=needs))

    assert any(less in hint and "skipped" in hint for hint in unsaid.hints)
    assert not any("--does" in hint for hint in said.hints)
