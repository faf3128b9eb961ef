"""The catalogue itself: every defect fits its partner, is another program, and still starts."""

from __future__ import annotations

import ast
import shutil
import subprocess
from pathlib import Path

import pytest

from loopsim.rules.catalogue import BY_NAME
from tests.defects.catalogue import DEFECTS, RIGHTS
from tests.defects.defect import Defect, defective
from tests.defects.rights import Right


def check_syntax(name: str, text: str, folder: Path) -> None:
    if name.endswith(".py"):
        ast.parse(text)
        return
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed; the ERP partner runs on Node 18 or newer")
    program = folder / "erp.mjs"
    program.write_text(text, "utf-8")
    done = subprocess.run([node, "--check", str(program)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_each_defect_fits_its_partner_and_can_be_read(defect: Defect, tmp_path: Path) -> None:
    check_syntax(defect.partner, defective(defect), tmp_path)
    assert defect.changes
    assert defect.caught_by
    assert defect.costs.endswith(".")


@pytest.mark.parametrize("right", RIGHTS, ids=lambda right: right.name)
def test_each_right_partner_fits_and_can_be_read(right: Right, tmp_path: Path) -> None:
    check_syntax(right.partner, right.text(), tmp_path)


def test_there_are_enough_and_no_two_of_one_name() -> None:
    names = [each.name for each in (*DEFECTS, *RIGHTS)]
    assert len(names) == len(set(names))
    assert len(DEFECTS) >= 40
    assert len(RIGHTS) >= 8


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_what_must_catch_a_defect_is_a_rule_or_a_place_of_scenarios(defect: Defect) -> None:
    for name in defect.caught_by:
        assert name in BY_NAME or "/" in name, name
