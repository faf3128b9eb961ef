"""`loopsim demo`: the main job, as a user sees it."""

from __future__ import annotations

import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.cli.terminal import run


def test_a_return_goes_round_and_is_paid_out(tmp_path: Path) -> None:
    done = run("demo", cwd=tmp_path)

    assert done.code == 0, done
    assert done.err == ""
    for says in (
        "imports a real export: 3 returns",
        "→ return.created",
        "USPS delivered · signature verified",
        "grades the items",
        "adds a note",
        "asks Loop to process the return",
        "→ return.closed",
        "refund",
        "exchange order",
        "judged by a short suite",
        "11 of 11 stories passed",
        "Your turn: loopsim serve",
    ):
        assert says in done.out
    assert list(tmp_path.iterdir()) == []


def test_it_is_the_same_story_as_json_and_leaves_no_process_behind(tmp_path: Path) -> None:
    done = run("demo", "--format", "json", cwd=tmp_path, LOOPSIM_PORT="1", LOOPSIM_WORLD="empty")

    assert done.code == 0, done
    *story, end, suite = done.lines
    assert end["ok"]
    assert suite["ok"]
    assert [each["status"] for each in suite["suite"]] == ["passed"] * 11
    assert end["return"]["state"] == "closed"
    assert {"refund", "exchange_order", "return_closed"} <= {entry["kind"] for entry in end["shopify"]}
    assert end["return"]["outcome"] == "exchange+refund"
    operations = [line["operation"] for line in story if line.get("kind") == "call"]
    first = {name: operations.index(name) for name in ("gradeItems", "createNote", "processReturn")}
    assert first["gradeItems"] < first["createNote"] < first["processReturn"]
    deliveries = [line for line in story if line.get("kind") == "delivery"]
    assert {line["status"] for line in deliveries} == {200}
    assert [line["at"] for line in deliveries] == sorted(line["at"] for line in deliveries)
    for line in story[:2]:
        with pytest.raises(urllib.error.URLError):
            urllib.request.urlopen(line["url"], timeout=5)


def test_where_the_simulator_cannot_start_it_says_why_and_ends_with_2(tmp_path: Path) -> None:
    (tmp_path / "uvicorn.py").write_text("raise ImportError('no uvicorn here')")

    done = run("demo", cwd=tmp_path, PYTHONPATH=str(tmp_path))

    assert done.code == 2
    assert "The simulator of the demo did not start" in done.err
    assert "no uvicorn here" in done.err
