"""`loopsim rules`: every rule is documented by its own words, and can be switched off."""

from __future__ import annotations

import json
from pathlib import Path

from loopsim.rules.catalogue import RULES
from tests.cli.terminal import run


def test_all_rules_are_listed(tmp_path: Path) -> None:
    done = run("rules", cwd=tmp_path)
    assert done.code == 0
    assert [rule.name for rule in RULES if rule.name not in done.out] == []


def test_one_says_why_and_how_to_mend_it(tmp_path: Path) -> None:
    done = run("rules", "processed-once", cwd=tmp_path)
    for part in ("error", "traffic", "paid twice", "openapi/FACTS.md#actions-process-twice"):
        assert part in done.out
    plain = json.loads(run("rules", "processed-once", "--format", "json", cwd=tmp_path).out)
    assert plain["name"] == "processed-once"
    assert plain["mend"] in " ".join(done.out.split())


def test_an_unknown_rule_is_told_with_the_nearest(tmp_path: Path) -> None:
    for arguments in (
        ("rules", "processed-onc"),
        ("run", "@wms", "--target", "http://x/", "--without", "processed-onc"),
    ):
        done = run(*arguments, cwd=tmp_path)
        assert done.code == 2
        assert "processed-once" in done.err
