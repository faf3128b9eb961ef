"""YAML read as plain JSON values: the core schema of YAML 1.2, and no key twice.

YAML 1.1, which PyYAML speaks, turns `on`, `16:30:36` and `2026-10-01` into a boolean, a number and a date, and takes
the last of two equal keys without a word. A contract must do neither.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, ClassVar

import yaml

from loopsim.errors import SetupError

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_CORE_SCALARS = (
    ("tag:yaml.org,2002:null", r"^(?:~|null|Null|NULL|)$", ("~", "n", "N", "")),
    ("tag:yaml.org,2002:bool", r"^(?:true|True|TRUE|false|False|FALSE)$", tuple("tTfF")),
    ("tag:yaml.org,2002:int", r"^[-+]?[0-9]+$", tuple("-+0123456789")),
    (
        "tag:yaml.org,2002:float",
        r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$",
        tuple("-+.0123456789"),
    ),
    ("tag:yaml.org,2002:merge", r"^<<$", ("<",)),
)


class _Loader(_Base):  # type: ignore[misc]
    yaml_implicit_resolvers: ClassVar[dict[str, list[tuple[str, re.Pattern[str]]]]] = {}


def _mapping(loader: Any, node: yaml.MappingNode) -> dict[str, Any]:
    seen: set[str] = set()
    for key, _ in node.value:
        if key.value in seen:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {key.value!r} stands here twice", key.start_mark
            )
        seen.add(key.value)
    loader.flatten_mapping(node)
    # Keys such as 200 under `responses` are numbers to YAML and strings to JSON.
    return {str(key.value): loader.construct_object(value, deep=True) for key, value in node.value}


def _integer(loader: Any, node: yaml.ScalarNode) -> int:
    return int(loader.construct_scalar(node), 10)


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_constructor("tag:yaml.org,2002:int", _integer)
for _tag, _pattern, _first in _CORE_SCALARS:
    _Loader.add_implicit_resolver(_tag, re.compile(_pattern), list(_first))


def core_loader() -> Any:
    """The loader class whose plain scalars are those of the core schema, for `yaml.compose` and `yaml.load`."""
    return _Loader


def read_yaml(path: Path) -> Any:
    """The plain JSON value in a YAML file.

    Raises SetupError, with file, line and column, for what is not YAML or holds a key twice.
    """
    try:
        with path.open("rb") as stream:
            # The loader is a SafeLoader with fewer types.
            return yaml.load(stream, Loader=_Loader)
    except yaml.YAMLError as error:
        raise SetupError(f"{path.name} cannot be read as YAML: {error}. Mend the file.") from error
