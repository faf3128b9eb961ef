"""The documents keep step with the code."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from loopsim import contract
from loopsim.cli import main
from loopsim.domain.durations import CARRIER, DURATIONS
from loopsim.embedded import EmbeddedServer
from loopsim.operations.perform import OPERATIONS
from tests.diagram import diagram

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
VERBS = (
    "serve", "wait", "demo", "run", "init", "words", "coverage", "rules", "listen", "trigger", "clock", "events",
    "resend", "import", "env", "doctor", "ledger",
)  # fmt: skip


def test_the_diagram_is_drawn_from_the_table() -> None:
    assert diagram() in README


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_in_the_readme_and_explains_itself(verb: str) -> None:
    assert re.search(rf"loopsim {verb}\b|make {verb}\b", README), f"the README does not mention {verb}"
    shown = CliRunner().invoke(main, [verb, "--help"])
    assert shown.exit_code == 0
    assert len(shown.output) > 200


def test_the_readme_names_every_act() -> None:
    control = contract.load_contract().document("control", "1")
    words = [path.rsplit("/", 1)[1] for path in control["paths"] if "/acts/" in path]
    assert len(words) == 20
    assert [word for word in words if word not in README] == []


def test_the_readme_counts_the_operations_right() -> None:
    counted = len(contract.load_contract().operations("loop"))
    assert f"{counted} operations" in README
    assert len([name for name in OPERATIONS if name]) > 0


def test_the_readme_says_that_loopsim_is_independent() -> None:
    assert "not affiliated with" in README


def test_no_document_names_this_machine_or_a_registry() -> None:
    tracked = [*ROOT.glob("*.md"), *(ROOT / "openapi").rglob("*.*"), *(ROOT / "fixtures").rglob("*.*")]
    for path in tracked:
        text = path.read_text("utf-8")
        assert "/work/" not in text, path
        assert "/root/" not in text, path


def test_the_readme_python_example_runs() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    with EmbeddedServer() as server:
        names: dict[str, Any] = {}
        exec(compile(example.replace("http://127.0.0.1:8484", server.url), "README.md", "exec"), names)
        assert names["shop"].get_return(names["made"]["id"])["state"] == "closed"


def test_the_readme_scenario_holds_for_the_sample_warehouse(tmp_path: Path) -> None:
    (example, *_) = re.findall(r"```yaml\n(scenario:.*?)```", README, re.DOTALL)
    (tmp_path / "readme.loopsim.yaml").write_text(example, "utf-8")
    partner = f"{sys.executable} -m loopsim.partners.warehouse"
    at = "http://127.0.0.1:{port}"
    flags = ["--target", f"{at}/webhooks/loop", "--health", f"{at}/health", "--idle-probe", f"{at}/state"]
    done = subprocess.run(
        [sys.executable, "-m", "loopsim.cli", "run", "readme.loopsim.yaml", "--port", "0", "--start", partner,
         "--env", "PORT={port}", *flags],
        cwd=tmp_path, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert "4 passed" in done.stdout, done.stdout + done.stderr


def test_every_duration_names_a_fact_of_its_own_grade() -> None:
    facts = contract.load_contract().facts
    spans = [*DURATIONS.values(), *(span for scans in CARRIER.values() for _, span in scans)]
    assert [(span.fact, span.grade) for span in spans] == [(span.fact, facts[span.fact]["grade"]) for span in spans]


def test_make_quirks_calls_what_shows_them() -> None:
    command = next(line for line in (ROOT / "Makefile").read_text("utf-8").splitlines() if "tests.quirks" in line)
    module = command.split(" -m ")[1].strip()
    done = subprocess.run(
        [sys.executable, "-m", module, "expiry"], capture_output=True, text=True, timeout=150, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 of 1 quirks are shown" in done.stdout
