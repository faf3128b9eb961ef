"""`loopsim coverage`: which scenarios cover what, which add nothing, what a run exercised."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import pytest

from loopsim.harness.reports import ctrf
from loopsim.harness.results import Coverage, RunResult, Transition
from tests.cli.terminal import invoke
from tests.harness.reports.example import POSSIBLE, example, scenario

STORY = """\
scenario: {title}
protects: Money.
pattern: [wms]
direction: one-way
stages: [created]
covers: [{covers}]
steps:
- customer.submits_return: {{}}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of three stories, one of which adds nothing."""
    monkeypatch.chdir(tmp_path)
    for name, covers in (
        ("cancelled", "'outcome:refund', 'transition:return.open.cancel'"),
        ("plain", "'outcome:refund'"),
        ("shop-now", "'outcome:shop_now'"),
    ):
        path = tmp_path / "stories" / f"{name}.loopsim.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(STORY.format(title=f"The {name} one", covers=covers))
    return tmp_path


def run_of(**by_story: Coverage) -> RunResult:
    """A run in which each story exercised that."""
    scenarios = (
        scenario(id=f"stories/{name.replace('_', '-')}", coverage=covered) for name, covered in by_story.items()
    )
    return example(scenarios=tuple(scenarios), exit_code=0)


def test_every_item_is_listed_with_the_stories_that_declare_it() -> None:
    done = invoke("coverage", "stories")

    assert done.code == 0
    lines = [line.split() for line in done.out.splitlines()]
    assert ["outcome:refund", "stories/cancelled,", "stories/plain"] in lines
    assert ["outcome:shop_now", "stories/shop-now"] in lines
    assert "3 items by 3 scenarios" in done.out
    assert invoke("coverage", "stories").out == done.out


def test_a_story_that_declares_nothing_of_its_own_is_redundant() -> None:
    done = invoke("coverage", "stories", "--redundant")

    assert done.code == 1
    assert "✗ stories/plain  also in stories/cancelled" in done.out
    assert "1 of 3 scenarios add nothing" in done.out
    found = json.loads(invoke("coverage", "stories", "--redundant", "--format", "json").out)
    assert found == {"redundant": [{"id": "stories/plain", "covered_by": ["stories/cancelled"]}]}


def test_it_says_whether_it_looked_at_ones_own_or_at_those_that_ship(folder: Path) -> None:
    for name in ("plain", "cancelled"):
        (folder / "stories" / f"{name}.loopsim.yaml").unlink()

    assert "Each of the 1 scenarios covers something" in invoke("coverage", "stories", "--redundant").out
    assert "scenarios that ship covers something" in invoke("coverage", "--redundant").out
    file = folder / "stories" / "shop-now.loopsim.yaml"
    file.write_text(re.sub("covers:.*", "", file.read_text()))
    assert "give it covers: [story:its-name]" in invoke("coverage", "stories", "--redundant").out


def test_what_it_alone_exercised_in_a_run_keeps_a_story(folder: Path) -> None:
    common = Coverage(operations=("processReturn",), triggers=("return.created",))
    own = Coverage(operations=("processReturn", "cancelReturn"), errors=("processReturn 200 not_open",))
    (folder / "run.json").write_text(ctrf.render(run_of(plain=own, cancelled=common)))
    (folder / "same.json").write_text(ctrf.render(run_of(plain=common, cancelled=common)))

    assert invoke("coverage", "stories", "--redundant", "--from", "run.json").code == 0
    assert invoke("coverage", "stories", "--redundant", "--from", "same.json").code == 1


def test_rows_and_schedules_of_a_file_are_one_story(folder: Path) -> None:
    rows = "schedules: [duplicate]\nrows: [{name: a, outcome: refund}, {name: b, outcome: exchange}]\n"
    file = folder / "stories" / "plain.loopsim.yaml"
    file.write_text(file.read_text().replace("covers: ['outcome:refund']", "covers: ['outcome:${row.outcome}']") + rows)

    assert "3 scenarios" in invoke("coverage", "stories").out
    # One row is covered elsewhere, the other nowhere.
    assert invoke("coverage", "stories", "--redundant").code == 0


@pytest.mark.parametrize("form", ["ctrf", "json"])
def test_a_run_is_measured_against_what_can_be_exercised(folder: Path, form: str) -> None:
    covered = Coverage(
        operations=("processReturn", "listReturns"),
        errors=("processReturn 200 not_open",),
        triggers=POSSIBLE.triggers,
        transitions=(Transition("return", "open", "cancel", "cancelled"),),
    )
    run = run_of(plain=covered)
    text = ctrf.render(run) if form == "ctrf" else msgspec.json.encode(run).decode()
    (folder / "run.json").write_text(text)

    done = invoke("coverage", "stories", "--from", "run.json")

    assert done.code == 0
    assert "2 of 4 operations, 50 %" in done.out
    assert "4 of 4 triggers, 100 %" in done.out
    assert "  not exercised  return: open → closed by process_done\n" in done.out
    assert "57.1 % of all that can be exercised" in done.out
    found = json.loads(invoke("coverage", "stories", "--from", "run.json", "--format", "json").out)
    assert found["percent"] == 57.1
    assert "trigger:label.created" in found["covers"]


def test_what_a_story_declares_and_did_not_do_is_said(folder: Path) -> None:
    did = Coverage(transitions=(Transition("return", "open", "flag", "open"),))
    (folder / "run.json").write_text(ctrf.render(run_of(cancelled=did, plain=did)))

    done = invoke("coverage", "stories", "--from", "run.json")

    assert "! stories/cancelled declares transition:return.open.cancel, which it did not do in this run." in done.out
    assert done.out.count("which it did not do") == 1


def test_below_its_limit_it_ends_with_4(folder: Path) -> None:
    (folder / "run.json").write_text(ctrf.render(run_of(plain=Coverage(operations=("processReturn",)))))

    done = invoke("coverage", "stories", "--from", "run.json", "--fail-under", "50")

    assert done.code == 4
    assert "Coverage is 7.1 %, under the limit of 50 %." in done.err
    assert invoke("coverage", "stories", "--from", "run.json", "--fail-under", "7.1").code == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--fail-under", "50"], "--from"),
        (["--from", "bad.json"], "is no run of loopsim"),
        (["--from", "list.json"], "is no run of loopsim"),
        (["stories", "--from", "other.json"], "is a run of other scenarios"),
        (["@nothing"], "There is no suite @nothing"),
    ],
)
def test_wrong_usage_says_what_would_be_right(folder: Path, arguments: list[str], says: str) -> None:
    (folder / "bad.json").write_text("{")
    (folder / "list.json").write_text("[1]")
    (folder / "other.json").write_text(ctrf.render(example()))

    done = invoke("coverage", *arguments)

    assert done.code == 2
    assert says in " ".join(done.err.split())
