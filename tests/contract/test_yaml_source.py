from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from loopsim.contract.yaml_source import read_yaml
from loopsim.errors import SetupError

CORE_SCHEMA: dict[str, Any] = {
    "on": "on",
    "no": "no",
    "16:30:36": "16:30:36",
    "2026-10-01": "2026-10-01",
    "0123": 123,
    "1_000": "1_000",
    "true": True,
    "null": None,
    "~": None,
    "-7": -7,
    "1.5": 1.5,
    "'7'": "7",
    "'2026-10'": "2026-10",
}


@pytest.mark.parametrize("text", CORE_SCHEMA)
def test_scalars_are_read_by_the_core_schema(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(f"value: {text}", encoding="utf-8")
    read = read_yaml(tmp_path / "a.yaml")["value"]
    assert read == CORE_SCHEMA[text]
    assert type(read) is type(CORE_SCHEMA[text])


def test_keys_are_texts_and_anchors_merge(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("base: &b {x: 1, y: 2}\n200: {<<: *b, y: 3}\ntrue: 1\n", encoding="utf-8")
    assert read_yaml(tmp_path / "a.yaml") == {"base": {"x": 1, "y": 2}, "200": {"x": 1, "y": 3}, "true": 1}


def test_what_is_no_yaml_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: [", encoding="utf-8")
    with pytest.raises(SetupError, match=r"a\.yaml cannot be read as YAML"):
        read_yaml(tmp_path / "a.yaml")
