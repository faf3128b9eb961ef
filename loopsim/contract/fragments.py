"""The fragments of one folder of openapi/ put together to one document."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from loopsim.contract.yaml_source import read_yaml
from loopsim.errors import SetupError

SECTION_DEPTH = {"paths": 2, "components": 2, "webhooks": 1}
"""How many levels of a section may be shared by several files; what lies deeper has one owner."""

_JOINED_LISTS = ("tags",)


def merge_fragments(folder: Path) -> dict[str, Any]:
    """All `*.yaml` of a folder as one document; `_root.yaml` sorts first and gives the order of the sections.

    Raises SetupError naming both files where two of them define the same key.
    """
    merged: dict[str, Any] = {}
    owners: dict[tuple[str, ...], str] = {}
    for path in sorted(folder.glob("*.yaml"), key=lambda path: (not path.name.startswith("_"), path.name)):
        fragment = read_yaml(path)
        if fragment is None:
            continue
        if not isinstance(fragment, dict):
            raise SetupError(f"{folder.name}/{path.name} must hold a mapping of OpenAPI sections.")
        for section, value in fragment.items():
            if section in _JOINED_LISTS:
                merged.setdefault(section, []).extend(value)
            else:
                depth = SECTION_DEPTH.get(section, 1 if section.startswith("x-") else 0)
                _place(merged, (section,), value, depth, f"{folder.name}/{path.name}", owners)
    return merged


def _place(
    target: dict[str, Any], key: tuple[str, ...], value: Any, depth: int, file: str, owners: dict[tuple[str, ...], str]
) -> None:
    if depth and value is None:
        return
    name = key[-1]
    if depth and isinstance(value, dict):
        below = target.setdefault(name, {})
        if not isinstance(below, dict):
            raise SetupError(
                f"{' → '.join(key)} is no mapping in {owners[key]}, but is one in {file}. Make them agree."
            )
        for child, inner in value.items():
            _place(below, (*key, child), inner, depth - 1, file, owners)
        return
    if name in target:
        raise SetupError(
            f"{' → '.join(key)} is defined in {owners.get(key, 'another file')} and in {file}. Remove one of the two."
        )
    owners[key] = file
    target[name] = value
