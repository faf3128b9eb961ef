"""Form-encoded bodies, read as PHP reads them: texts, with brackets in names for arrays."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

_NAME = re.compile(r"(?P<first>[^\[\]]+)(?P<rest>(?:\[[^\[\]]*\])*)")
_BRACKET = re.compile(r"\[([^\[\]]*)\]")
_MOST_FIELDS = 1000
_DEEPEST = 64


def read_form(raw: bytes) -> dict[str, Any]:
    """`a=1&items[0][id]=5&tags[]=x` as `{"a": "1", "items": [{"id": "5"}], "tags": ["x"]}`.

    Raises ValueError for what is not text or has more fields than PHP takes by default.
    """
    root: dict[str, Any] = {}
    for name, value in parse_qsl(raw.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS):
        match = _NAME.fullmatch(name)
        if match is None:
            root[name] = value
        else:
            _put(root, [match["first"], *_BRACKET.findall(match["rest"])][:_DEEPEST], value)
    return {name: _listed(value) for name, value in root.items()}


def _put(node: dict[str, Any], keys: list[str], value: str) -> None:
    for key in keys[:-1]:
        below = node.setdefault(key or str(len(node)), {})
        if not isinstance(below, dict):
            below = node[key] = {}
        node = below
    node[keys[-1] or str(len(node))] = value


def _listed(value: Any) -> Any:
    """PHP has one kind of array; keys that count up from 0 make it a list."""
    if not isinstance(value, dict):
        return value
    if list(value) == [str(index) for index in range(len(value))]:
        return [_listed(each) for each in value.values()]
    return {key: _listed(each) for key, each in value.items()}
