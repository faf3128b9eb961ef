"""The published schema of scenario files: in step with the words, and in step with the reader."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from loopsim.contract.yaml_source import core_loader
from loopsim.harness.schema import scenario_schema, schema_text
from loopsim.harness.words import WORDS

ROOT = Path(__file__).parents[2]
HEAD = {"scenario": "A", "protects": "B.", "pattern": "wms", "direction": "two-way", "stages": ["created"]}


@pytest.fixture(scope="module")
def validator() -> Any:
    return jsonschema_rs.Draft202012Validator(scenario_schema())


def test_the_published_schema_is_in_step_with_the_words() -> None:
    published = (ROOT / "scenarios" / "scenario.schema.json").read_text("utf-8")
    assert published == schema_text(), "write it anew: loopsim words --schema > scenarios/scenario.schema.json"


def test_every_shipped_scenario_fits_the_schema(validator: Any) -> None:
    for path in (ROOT / "scenarios").rglob("*.loopsim.yaml"):
        value = yaml.load(path.read_bytes(), Loader=core_loader())
        assert [f"{path.name}: {error}" for error in validator.iter_errors(value)] == []


@pytest.mark.parametrize("name", sorted(WORDS))
def test_every_words_example_fits_the_schema_and_the_word_explains_itself(name: str, validator: Any) -> None:
    example = yaml.load(WORDS[name].example, Loader=core_loader())
    assert [str(error) for error in validator.iter_errors({**HEAD, "steps": [example]})] == []
    assert len(WORDS[name].summary) > 15


def test_every_member_of_the_head_is_explained() -> None:
    assert [name for name, one in scenario_schema()["properties"].items() if not one.get("description")] == []


@pytest.mark.parametrize(
    "step",
    [
        {"carrier.scans": {"return_id": "${ret.id}", "status": "${row.status}"}},
        {"clock.advances": "10s", "as": "later", "in": "wms", "note": "a while"},
        "clock.settles",
    ],
)
def test_a_step_that_is_right_fits(step: Any, validator: Any) -> None:
    assert validator.is_valid({**HEAD, "steps": [step]})


@pytest.mark.parametrize(
    "step",
    [
        {"carrier.scans": {"return_id": 1, "status": "lost in space"}},
        {"carrier.scan": {"return_id": 1}},
        {"carrier.scans": {"return_id": 1}, "clock.settles": None},
        {"note": "nothing else"},
        "carrier.scans",
        3,
    ],
)
def test_a_step_that_is_wrong_does_not(step: Any, validator: Any) -> None:
    assert not validator.is_valid({**HEAD, "steps": [step]})
