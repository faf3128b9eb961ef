"""The files that `loopsim run` writes, and where it writes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from loopsim.commands import run_reports
from loopsim.harness.plan import IdleProbe, PartnerPlan, RunPlan
from loopsim.harness.results import StepResult
from tests.cli.terminal import Receiver, invoke, run
from tests.harness.conftest import DELIVERED
from tests.harness.partners import write
from tests.harness.reports.example import example, scenario

HOME = "http://127.0.0.1:{port}/"
FLAGS = ("--target", f"{HOME}hook", "--health", HOME, "--env", "PORT={port}", "--idle-probe", HOME)
BLABS = 'print("my secrets:", os.environ["LOOP_API_KEY"], os.environ["LOOP_WEBHOOK_SECRET"], flush=True)'


def stories(folder: Path) -> Path:
    """A project with one scenario."""
    (folder / "scenarios").mkdir()
    (folder / "scenarios" / "story.loopsim.yaml").write_text(DELIVERED.lstrip(), "utf-8")
    return folder


def test_each_file_that_is_asked_for_is_written_in_folders_that_are_made(tmp_path: Path) -> None:
    junit, html, ctrf = tmp_path / "a" / "junit.xml", tmp_path / "b" / "run.html", tmp_path / "ctrf.json"

    written, failures = run_reports.write(example(), junit=junit, html=html, ctrf=ctrf)

    assert (written, failures) == ([junit, html, ctrf], [])
    assert junit.read_text("utf-8").startswith("<?xml")
    assert html.read_text("utf-8").lower().startswith("<!doctype html>")
    assert '"reportFormat": "CTRF"' in ctrf.read_text("utf-8")


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    html = tmp_path / "run.html"
    written, failures = run_reports.write(example(), junit=tmp_path / "file" / "junit.xml", html=html, ctrf=None)

    assert written == [html]
    (says,) = failures
    assert "file/junit.xml cannot be written" in says


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


def test_a_run_that_mostly_waited_says_what_makes_it_quick() -> None:
    def step(word: str, seconds: float) -> StepResult:
        return StepResult(word=word, arguments={}, file="", line=1, status="passed", duration_ms=seconds * 1000)

    def told(waited: float, whole: float, jobs: int = 1, idle: IdleProbe | None = None) -> str:
        steps = (step("clock.advances", waited / 2), step("expect.call", waited / 2), step("carrier.scans", 30))
        run = example(scenarios=(scenario(steps=steps),), duration_ms=whole * 1000)
        partner = PartnerPlan(target="http://127.0.0.1:1/", idle_probe=idle)
        return run_reports.waiting(run, RunPlan(scenarios=(), partners={"": partner}, jobs=jobs))

    assert "30 of 50 s were waiting" in told(30, 50)
    assert "--idle-probe" in told(30, 50)
    assert "--mode per-worker -j 4" in told(30, 50)
    assert told(18, 20) == ""
    assert told(30, 70) == ""
    assert told(30, 50, jobs=4) == ""
    assert told(30, 50, idle=IdleProbe(url="http://127.0.0.1:1/")) == ""


def test_that_line_is_the_last_of_such_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    monkeypatch.chdir(stories(tmp_path))
    monkeypatch.setattr(run_reports, "LONG", 0.0)

    done = invoke("run", "--target", receiver.url, "--port", 0, "--patience", "1s")

    assert done.out.splitlines()[-1].startswith("  hint ")
    as_json = invoke("run", "--target", receiver.url, "--port", 0, "--patience", "0s", "--format", "json")
    assert as_json.json["exit_code"] == 1, "and nothing is printed beside the JSON"


def test_a_failing_run_leaves_its_reports_and_no_secret_in_any_of_them(tmp_path: Path) -> None:
    start = write(stories(tmp_path), on_delivered=BLABS)
    files = [tmp_path / name for name in ("junit.xml", "run.html", "ctrf.json")]
    named = [
        str(part) for flag, file in zip(("--junit", "--html", "--ctrf"), files, strict=True) for part in (flag, file)
    ]

    done = run("run", "--start", start, *FLAGS, *named, cwd=tmp_path)

    assert done.code == 1
    texts = [file.read_text("utf-8") for file in files] + [done.out]
    assert all("made no such call: processReturn" in text for text in texts)
    assert all(f"report   {file} (" in done.out for file in files)
    assert all("my secrets: [redacted] [redacted]" in text for text in texts)


def test_two_reports_in_one_file_are_refused_before_anything_runs() -> None:
    done = invoke("run", "@helpdesk", "--target", "none", "--junit", "run.xml", "--ctrf", "./run.xml")
    elsewhere = invoke("run", "no-such", "--target", "none", "--junit", "/dev/null", "--html", "/dev/null")

    assert done.code == 2
    assert "--junit and --ctrf name the same file, run.xml. Choose another for one." in " ".join(done.err.split())
    assert "name the same file" not in elsewhere.err


def test_a_report_that_cannot_be_written_costs_neither_the_verdict_nor_the_other_reports(tmp_path: Path) -> None:
    start = write(stories(tmp_path))

    done = run("run", "--start", start, *FLAGS, "--junit", "/dev/full", "--ctrf", "ctrf.json", cwd=tmp_path)

    assert done.code == 2
    assert "1 passed" in done.out
    assert "report   ctrf.json (" in done.out
    assert done.err == "Error: The report /dev/full cannot be written: No space left on device. Name another file.\n"


def test_coverage_under_its_limit_ends_a_run_that_went_well_with_4(tmp_path: Path) -> None:
    start = write(stories(tmp_path))

    done = run("run", "--start", start, *FLAGS, "--fail-under", "90", cwd=tmp_path)

    assert done.code == 4, done.out + done.err
    assert "1 passed" in done.out
    assert "Coverage is under the limit" in done.out
