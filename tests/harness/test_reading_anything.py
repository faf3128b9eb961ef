"""Whatever stands in a scenario file, it is read or refused with places; nothing else ever happens."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loopsim.harness import matchers, shape
from loopsim.harness.problems import ScenarioError
from loopsim.harness.reading import read_scenarios
from loopsim.harness.words import WORDS
from loopsim.harness.yaml_text import read_text

texts = st.sampled_from(
    ["", "wms", "two-way", "created", "${row.x}", "${ret.id}", "#uuid", "#uid", "1d", "a.yaml", "${"]
)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts | st.text(max_size=5)
members = st.sampled_from(
    ["name", "as", "in", "note", "return_id", "items", "$not", "$regex", "subscribe", "policy", "ret"]
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(members | st.sampled_from(list(WORDS)), inner, max_size=3)
    ),
    max_leaves=12,
)
heads = st.dictionaries(st.sampled_from(list(shape.scenario()["properties"])), values, max_size=9)
GOOD = {
    "scenario": "A", "protects": "B.", "pattern": "wms", "direction": "two-way", "stages": ["created"],
    "steps": ["clock.settles"],
}  # fmt: skip


def _read(path: Path, source: bytes) -> None:
    path.write_bytes(source)
    stories, problems = [], []
    try:
        stories = read_scenarios(path)
    except ScenarioError as error:
        problems = list(error.problems)
    assert bool(stories) != bool(problems)
    assert all(problem.place.line >= 1 and problem.says for problem in problems)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("any") / "any.loopsim.yaml"


@given(heads)
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_any_head_is_read_or_refused(path: Path, head: dict[str, Any]) -> None:
    _read(path, yaml.safe_dump({**GOOD, **head}).encode())


@given(st.lists(st.dictionaries(st.sampled_from([*WORDS, "as", "in", "note"]), values, max_size=3), max_size=4))
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_any_steps_are_read_or_refused(path: Path, steps: list[Any]) -> None:
    _read(path, yaml.safe_dump({**GOOD, "steps": steps, "rows": [{"name": "r", "x": 1}]}).encode())


@given(st.binary(max_size=200) | st.text(alphabet="a:-[]{}&*!<|>'\"#%@`, \n\t?0.~", max_size=60).map(str.encode))
@settings(deadline=None)
def test_any_bytes_are_read_or_refused(source: bytes) -> None:
    with contextlib.suppress(ScenarioError):
        assert read_text(source, "any").places


@given(values, values)
def test_matchers_that_check_finds_nothing_wrong_with_never_raise(expected: Any, actual: Any) -> None:
    if not matchers.check(expected):
        matchers.match(expected, actual)
