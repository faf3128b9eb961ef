"""The files that `loopsim run` writes, and where it writes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from loopsim.commands import run_reports
from loopsim.errors import SetupError
from tests.harness.reports.example import example


def test_each_file_that_is_asked_for_is_written_in_folders_that_are_made(tmp_path: Path) -> None:
    junit, html, ctrf = tmp_path / "a" / "junit.xml", tmp_path / "b" / "run.html", tmp_path / "ctrf.json"

    run_reports.write(example(), junit=junit, html=html, ctrf=ctrf)

    assert junit.read_text("utf-8").startswith("<?xml")
    assert html.read_text("utf-8").lower().startswith("<!doctype html>")
    assert '"reportFormat": "CTRF"' in ctrf.read_text("utf-8")


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(SetupError, match=r"file/junit\.xml cannot be written"):
        run_reports.write(example(), junit=tmp_path / "file" / "junit.xml", html=None, ctrf=None)


def test_in_a_workflow_of_github_the_step_gets_its_summary_and_annotations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))

    run_reports.write(example(), junit=None, html=None, ctrf=None)
    run_reports.tell(example())

    assert summary.read_text("utf-8").startswith("before\n## ❌ loopsim: 1 failed")
    assert "\n::error file=scenarios/" in capsys.readouterr().out


def test_elsewhere_there_is_the_summary_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)

    run_reports.tell(example())

    out = capsys.readouterr().out
    assert "exit     1" in out
    assert "::error" not in out
