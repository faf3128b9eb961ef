"""Choosing scenarios: files, folders, suites, single stories."""

from __future__ import annotations

from pathlib import Path

import pytest

from loopsim.errors import SetupError
from loopsim.harness import suites
from loopsim.harness.problems import ScenarioError
from loopsim.harness.suites import SCHEMA, address, choose

FOUND_SCENARIOS = suites.shipped_folder


def _scenario(pattern: str, direction: str, title: str = "A story", more: str = "") -> str:
    return f"""\
scenario: {title}
protects: Something.
pattern: {pattern}
direction: {direction}
stages: [created]
{more}steps:
  - customer.submits_return: {{items: [{{outcome: refund}}]}}
"""


@pytest.fixture(autouse=True)
def ships(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation with three scenarios, and a project of its own as the current folder."""
    folder = tmp_path / "installed" / "scenarios"
    for name, text in {
        "wms/two-way/inspect.loopsim.yaml": _scenario(
            "[wms, 3pl]",
            "two-way",
            "A warehouse inspects",
            "schedules: [duplicate]\nrows: [{name: refund}, {name: trade}]\n",
        ),
        "anywhere/books.loopsim.yaml": _scenario("erp", "one-way", "An ERP books"),
        "wms/one-way/listens.loopsim.yaml": _scenario("wms", "one-way"),
        "shared/begun.yaml": "steps: [clock.settles]\n",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    project = tmp_path / "project"
    (project / "tests").mkdir(parents=True)
    (project / "tests" / "ours.loopsim.yaml").write_text(_scenario("oms", "one-way", "Ours"), "utf-8")
    monkeypatch.chdir(project)
    monkeypatch.setattr(suites, "shipped_folder", lambda: folder)
    return folder


def _ids(*asked: str, text: str | None = None) -> list[str]:
    return [story.id for story in choose(asked, text)]


INSPECT = [
    "wms/two-way/inspect[refund]",
    "wms/two-way/inspect[refund]+duplicate",
    "wms/two-way/inspect[trade]",
    "wms/two-way/inspect[trade]+duplicate",
]


def test_a_suite_is_chosen_by_tags_not_by_folder() -> None:
    assert _ids("@erp") == ["anywhere/books"]
    assert _ids("@3pl/two-way") == INSPECT
    assert _ids("@wms") == ["wms/one-way/listens", *INSPECT]
    assert len(_ids("@all")) == 6


def test_files_and_folders_have_ids_relative_to_the_current_folder() -> None:
    assert _ids("tests/ours.loopsim.yaml") == ["tests/ours"]
    assert _ids(".") == ["tests/ours"]


def test_what_is_asked_for_twice_comes_once_and_in_the_order_of_asking() -> None:
    assert _ids("tests", "@erp", "@all", "tests/ours.loopsim.yaml")[:2] == ["tests/ours", "anywhere/books"]
    assert len(_ids("tests", "@erp", "@all")) == 7


def test_elsewhere_ids_are_relative_to_the_folder_that_is_named(tmp_path: Path) -> None:
    file = tmp_path / "other" / "deep" / "one.loopsim.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(_scenario("oms", "one-way"), "utf-8")
    assert _ids(str(tmp_path / "other")) == ["deep/one"]
    assert _ids(str(file)) == ["one"]


def test_a_shipped_file_has_its_shipped_id_however_it_is_named(ships: Path) -> None:
    assert _ids(str(ships / "anywhere" / "books.loopsim.yaml")) == ["anywhere/books"]


def test_a_file_comes_once_however_it_is_named(ships: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _ids("tests", str(Path("tests/ours.loopsim.yaml").resolve())) == ["tests/ours"]
    monkeypatch.chdir(ships.parent)
    (story,) = choose(["@erp", "scenarios/anywhere", "anywhere/books"])
    assert story.place.file == "scenarios/anywhere/books.loopsim.yaml"


def test_one_story_is_named_by_its_row_and_schedule() -> None:
    assert _ids("wms/two-way/inspect[trade]+duplicate") == INSPECT[3:]
    assert _ids("wms/two-way/inspect[trade]+base") == INSPECT[2:3]
    assert _ids("wms/two-way/inspect[refund]") == INSPECT[:2]
    assert _ids("wms/two-way/inspect+duplicate") == [INSPECT[1], INSPECT[3]]
    assert _ids("wms/two-way/inspect") == INSPECT
    assert _ids("tests/ours.loopsim.yaml+base") == ["tests/ours"]


def test_the_address_of_a_story_chooses_it_and_no_other() -> None:
    for story in choose(["@all", "tests"]):
        assert _ids(address(story)) == [story.id]


def test_a_text_filters_by_words_in_id_title_and_covers() -> None:
    assert _ids("@all", text="BOOKS erp") == ["anywhere/books"]
    assert _ids("@all", text="trade") == INSPECT[2:]


@pytest.mark.parametrize(
    ("asked", "text", "says"),
    [
        ("@wsm", None, "no suite @wsm. Did you mean @wms? There are @3pl (4), @3pl/two-way (4), @all (6), @erp (1)"),
        ("wms/two-way/inspekt", None, "Did you mean wms/two-way/inspect?"),
        ("gone.loopsim.yaml", None, "There is no file or folder gone.loopsim.yaml"),
        ("wms/two-way/inspect[gone]", None, "has no such story as wms/two-way/inspect[gone]; it has wms/"),
        ("@all", "zebra", "No scenario with 'zebra' in its id, title or covers in @all; 6 were looked through."),
    ],
)  # fmt: skip
def test_what_is_not_there_is_an_error_that_says_what_is(asked: str, text: str | None, says: str) -> None:
    with pytest.raises(SetupError) as caught:
        choose([asked], text)
    assert says in str(caught.value)


def test_a_folder_without_scenarios_says_what_their_names_end_in(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SetupError, match=r"their files end in \.loopsim\.yaml"):
        choose([str(tmp_path / "empty")])


def test_what_is_wrong_in_several_files_is_said_at_once() -> None:
    Path("tests/one.loopsim.yaml").write_text(_scenario("oms", "sideways"), "utf-8")
    Path("tests/two.loopsim.yaml").write_text(_scenario("ors", "one-way"), "utf-8")
    with pytest.raises(ScenarioError) as caught:
        choose(["tests"])
    assert [problem.place.file for problem in caught.value.problems] == [
        "tests/one.loopsim.yaml",
        "tests/two.loopsim.yaml",
    ]


def test_an_installed_package_has_its_scenarios_beside_its_contract(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site-packages" / "loopsim"
    data = package / "_data" / "scenarios"
    data.mkdir(parents=True)
    (data / SCHEMA).write_text("{}", "utf-8")
    (package.parent / "scenarios").mkdir()
    monkeypatch.setattr("loopsim.__file__", str(package / "__init__.py"))
    find = FOUND_SCENARIOS.__wrapped__

    assert find() == data
    (data / SCHEMA).unlink()
    with pytest.raises(SetupError, match="Install it again"):
        find()
