"""`loopsim init`."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
import yaml

from loopsim.cli import VERBS
from loopsim.harness.shape import DIRECTIONS, PATTERNS
from loopsim.harness.suites import choose
from loopsim.settings import read_settings
from tests.cli.terminal import invoke, receiving, run

ROOT = Path(__file__).parents[2]
FILES = ["scenarios/first-return.loopsim.yaml", "scenarios/scenario.schema.json", "loopsim.toml"]


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_writes_a_scenario_settings_and_a_workflow_and_says_what_to_do_next(project: Path) -> None:
    done = invoke("init")

    for path in [*FILES, ".github/workflows/loopsim.yml"]:
        assert (project / path).is_file()
        assert path in done.out
    assert "Next:" in done.out
    assert "loopsim run scenarios" in done.out


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("pattern", PATTERNS)
def test_the_scenario_is_one_that_can_be_read(pattern: str, direction: str) -> None:
    invoke("init", "--pattern", pattern, "--direction", direction)

    (story,) = choose(["scenarios"])
    assert (story.id, story.patterns, story.direction) == ("scenarios/first-return", (pattern,), direction)


def test_what_it_wrote_runs_and_judges(project: Path) -> None:
    invoke("init", "--ci", "none")
    start = f'start = "{sys.executable} -m loopsim.partners.warehouse"\nenv = ["PORT={{port}}", "WAREHOUSE_QUIET=1"]'
    text = (project / "loopsim.toml").read_text("utf-8").replace("localhost:3000", "127.0.0.1:{port}")
    (project / "loopsim.toml").write_text(text.replace('# start = "npm start"', start), "utf-8")

    right = run("run", "--format", "json", cwd=project)
    assert (right.code, [one["status"] for one in right.json["scenarios"]]) == (0, ["passed"]), right
    # A warehouse that acts is not what only listens.
    (project / "scenarios" / "first-return.loopsim.yaml").unlink()
    (project / "loopsim.toml").rename(project / "kept")
    invoke("init", "--ci", "none", "--direction", "one-way", "--force")
    (project / "kept").rename(project / "loopsim.toml")
    wrong = run("run", "--format", "json", cwd=project)
    assert wrong.code == 1
    assert "must not make" in wrong.json["scenarios"][0]["failures"][0]["says"]


@pytest.mark.skipif(
    shutil.which("node") is None, reason="node is not installed; the storefront partner runs on Node 18 or newer"
)
def test_what_it_wrote_for_a_storefront_runs(project: Path) -> None:
    invoke("init", "--ci", "none", "--pattern", "storefront", "--direction", "two-way")
    program = ROOT / "loopsim" / "partners" / "storefront.mjs"
    text = (project / "loopsim.toml").read_text("utf-8").replace("localhost:3000", "127.0.0.1:{port}")
    text = text.replace("target =", "# target =").replace("# asks =", "asks =").replace("# health =", "health =")
    (project / "loopsim.toml").write_text(text.replace('# start = "npm start"', f'start = "node {program}"'), "utf-8")

    done = run("run", "--format", "json", "--port", "0", "--no-provoke", cwd=project)
    assert (done.code, [one["status"] for one in done.json["scenarios"]]) == (0, ["passed"]), done


@pytest.mark.parametrize(
    ("pattern", "direction", "says"),
    [("erp", "one-way", ""), ("helpdesk", "two-way", "processReturn"), ("label-provider", "two-way", "createLabel")],
)
def test_what_only_listens_passes_one_way_and_fails_two_way(
    project: Path, pattern: str, direction: str, says: str
) -> None:
    invoke("init", "--ci", "none", "--pattern", pattern, "--direction", direction)
    with receiving() as receiver:
        done = run("run", "--format", "json", "--target", receiver.url, "--port", "0", "--patience", "2s", cwd=project)

    (scenario,) = done.json["scenarios"]
    expected = [failure["expected"].replace(",", " ").split()[0] for failure in scenario["failures"]]
    assert (done.code, expected) == ((1, [says]) if says else (0, [])), done


def test_the_settings_are_some_that_run_takes(project: Path) -> None:
    invoke("init")

    text = (project / "loopsim.toml").read_text("utf-8")
    (project / "loopsim.toml").write_text(text.replace("# start", "start").replace("# health", "health"), "utf-8")
    settings = read_settings("run", VERBS)
    assert settings["target"] == "http://localhost:3000/webhooks/loop"
    assert settings["start"] == "npm start"


def test_the_settings_name_what_makes_runs_quick_and_what_is_skipped(project: Path) -> None:
    invoke("init")

    text = (project / "loopsim.toml").read_text("utf-8")
    for flag in ("idle-probe", "does"):
        text = text.replace(f"# {flag} =", f"{flag} =")
    (project / "loopsim.toml").write_text(text, "utf-8")
    settings = read_settings("run", VERBS)
    assert (settings["idle_probe"], settings["does"]) == ("http://localhost:3000/idle", ["process"])


def test_the_scenario_that_it_wrote_adds_something() -> None:
    invoke("init")

    assert invoke("coverage", "scenarios", "--redundant").code == 0


@pytest.mark.parametrize(
    ("ci", "path", "job"),
    [("github", ".github/workflows/loopsim.yml", "jobs"), ("gitlab", ".gitlab/loopsim.yml", "loopsim")],
)
def test_the_workflow_runs_the_scenarios(project: Path, ci: str, path: str, job: str) -> None:
    invoke("init", "--ci", ci)

    text = (project / path).read_text("utf-8")
    workflow = yaml.safe_load(text)
    assert job in workflow
    # The name on PyPI is another project's.
    named = workflow["env"] if ci == "github" else workflow[job]["variables"]
    assert named["LOOPSIM"].startswith("git+https://")
    (installs,) = (each for each in text.splitlines() if "pip install" in each)
    assert installs.endswith('pip install "$LOOPSIM"')
    (line,) = (line for line in text.splitlines() if "loopsim run" in line)
    command = line[line.index("loopsim run") :].split()
    # Every flag in it is one that run has; a receiver that is not there ends it.
    assert run(*command[1:], "--port", "0", cwd=project).code == 5


def test_without_ci_there_is_no_workflow(project: Path) -> None:
    answer = invoke("init", "--ci", "none", "--format", "json").json

    assert answer["written"] == FILES
    assert not (project / ".github").exists()


def test_it_writes_over_nothing_unless_forced(project: Path) -> None:
    (project / "loopsim.toml").write_text("# ours\n", "utf-8")

    done = run("init", cwd=project)
    assert done.code == 2
    assert "Nothing was written, since there is already: loopsim.toml. --force" in done.err
    assert [path.name for path in project.iterdir()] == ["loopsim.toml"]
    invoke("init", "--force")
    assert "[run]" in (project / "loopsim.toml").read_text("utf-8")
