from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from functools import partial
from pathlib import Path

import msgspec
import pytest

REPOSITORY = Path(__file__).parents[2]
PYPROJECT = """
[build-system]
requires = ["hatchling", "msgspec", "pyyaml", "faker"]
build-backend = "hatchling.build"

[project]
name = "loopsim"
version = "0.0.1"

[tool.hatch.build.targets.wheel]
packages = ["loopsim"]

[tool.hatch.build.targets.wheel.hooks.custom]
path = "loopsim/contract/build_hook.py"
"""
# What of the package the hook works with: contract and worlds, and what these are made of.
PARTS = ("contract", "domain", "operations", "store", "wire", "__init__.py", "clock.py", "errors.py")
BUILD = "from hatchling.build import build_wheel; print(build_wheel({folder!r}))"


@pytest.fixture
def checkout(openapi_dir: Path, tmp_path: Path) -> Path:
    """A checkout of the package's own code with the library's contract and one world."""
    root = tmp_path / "checkout"
    root.mkdir()
    (root / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    shutil.copytree(openapi_dir, root / "openapi")
    unwanted = shutil.ignore_patterns("__pycache__", "compiled.json", "_worlds", "_index.json")
    (root / "loopsim").mkdir()
    for name in PARTS:
        part = REPOSITORY / "loopsim" / name
        copy = shutil.copy if part.is_file() else partial(shutil.copytree, ignore=unwanted)
        copy(part, root / "loopsim" / name)
    (root / "fixtures" / "worlds").mkdir(parents=True)
    shutil.copy(REPOSITORY / "fixtures" / "worlds" / "empty.yaml", root / "fixtures" / "worlds")
    (root / "scenarios").mkdir()
    (root / "scenarios" / "one.yaml").write_text("a: 1\n", encoding="utf-8")
    return root


def build(checkout: Path) -> subprocess.CompletedProcess[str]:
    script = BUILD.format(folder=str(checkout / "dist"))
    return subprocess.run([sys.executable, "-c", script], cwd=checkout, capture_output=True, text=True, timeout=120)


def test_a_wheel_carries_the_compiled_contract_its_documents_the_worlds_and_the_scenarios(checkout: Path) -> None:
    run = build(checkout)
    assert run.returncode == 0, run.stderr
    with zipfile.ZipFile(next((checkout / "dist").glob("*.whl"))) as wheel:
        names = set(wheel.namelist())
        index = msgspec.json.decode(wheel.read("loopsim/operations/_index.json"))
        compiled = msgspec.json.decode(wheel.read("loopsim/_data/compiled.json"))
    assert {"loopsim/_data/openapi/FACTS.md", "loopsim/_data/openapi/loop/loans.yaml"} < names
    assert {"loopsim/_data/scenarios/one.yaml", "loopsim/store/_worlds/empty.json"} < names
    assert index["stamp"] == "built"
    assert index["operations"]["processReturn"] == ["loopsim.operations.loop.return_actions", False]
    assert list(compiled["documents"]) == ["loop/2026-07", "loop/2026-10", "control/1"]


def test_a_wheel_brings_the_files_that_a_server_writes_into_it_so_that_pip_takes_them_away(checkout: Path) -> None:
    assert build(checkout).returncode == 0
    with zipfile.ZipFile(next((checkout / "dist").glob("*.whl"))) as wheel:
        record = wheel.read("loopsim-0.0.1.dist-info/RECORD").decode()
    assert "loopsim/store/_worlds/empty.pages," in record


def test_a_broken_contract_builds_no_wheel(checkout: Path) -> None:
    (checkout / "openapi" / "FACTS.md").write_text("# No facts\n", encoding="utf-8")
    run = build(checkout)
    assert run.returncode != 0
    assert "openapi/ does not hold together" in run.stderr
