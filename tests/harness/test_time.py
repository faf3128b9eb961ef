"""Partners that go by the wall's clock, and stories that begin or end at it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from loopsim.harness.document import Scenario
from loopsim.harness.results import RunResult
from tests.harness.conftest import DELIVERED
from tests.harness.partners import POLLS, write

Play = Callable[..., RunResult]
Write = Callable[..., Scenario]

SHORTLY = timedelta(minutes=5)


def begins(result: RunResult) -> datetime:
    """When the story of a run began, on the shop's clock."""
    return datetime.fromisoformat(result.scenarios[0].steps[0].at)


def ends(result: RunResult) -> datetime:
    """When its last step began."""
    return datetime.fromisoformat(result.scenarios[0].steps[-1].at)


def test_a_story_begins_at_the_same_moment_in_every_run(play: Play, scenario: Write, tmp_path: Path) -> None:
    assert begins(play(scenario(), command=write(tmp_path))) == datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_a_story_may_begin_now(play: Play, scenario: Write, tmp_path: Path) -> None:
    text = DELIVERED.replace("shop: {", "shop: {moment: wall, ")

    assert abs(begins(play(scenario(text), command=write(tmp_path))) - datetime.now(UTC)) < SHORTLY


def test_a_story_may_end_now(play: Play, scenario: Write, tmp_path: Path) -> None:
    text = DELIVERED.replace("shop: {", "shop: {moment: {ends: wall, after: 14d}, ").replace("1m", "14d")

    result = play(scenario(text), command=write(tmp_path))

    assert result.exit_code == 0
    assert abs(ends(result) - datetime.now(UTC)) < SHORTLY


@pytest.mark.parametrize("how", ["ends", "shifted"])
def test_a_partner_that_polls_by_the_wall_can_be_judged(play: Play, scenario: Write, tmp_path: Path, how: str) -> None:
    moment = {"ends": "moment: {ends: wall, after: 1h}, ", "shifted": ""}[how]
    text = DELIVERED.replace("shop: {", f"shop: {{{moment}rate_limit: 10000, ")
    command = write(tmp_path, on_delivered="pass", at_end=POLLS)

    result = play(scenario(text), command=command, idle_probe=False, shift_windows=how == "shifted")

    assert (result.exit_code, result.scenarios[0].failures) == (0, ())


def test_a_window_that_misses_the_shops_time_is_said_to_be_the_set_ups(
    play: Play, scenario: Write, tmp_path: Path
) -> None:
    text = DELIVERED.replace("shop: {", "shop: {rate_limit: 10000, ")
    command = write(tmp_path, on_delivered="pass", at_end=POLLS)

    result = play(scenario(text), command=command, idle_probe=False, patience=2)

    (story,) = result.scenarios
    assert (result.exit_code, story.status) == (2, "error")
    (failure,) = [failure for failure in story.failures if failure.about == "setup"]
    assert "--shift-windows" in failure.says
    assert "/warehouse/return/list" in failure.actual
