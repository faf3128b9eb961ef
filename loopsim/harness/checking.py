"""A value against a JSON schema, with what is wrong said in words that help: where, what was found, what expected."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import jsonschema_rs

from loopsim.harness.matchers import short
from loopsim.harness.problems import listed, nearest
from loopsim.harness.references import has_reference

Path = tuple[str | int, ...]
Schema = dict[str, Any]

MOST_CHOICES = 20  # names in one sentence
MOST_TO_READ = 5  # names that are joined by "or"
NAMING = "expected letters, digits and _, a letter first"

_TYPES = {
    "integer": "an integer", "number": "a number", "string": "a text", "boolean": "true or false",
    "object": "a mapping", "array": "a list", "null": "null",
}  # fmt: skip
_SWITCHES = {"yes", "no", "on", "off", "y", "n"}
_compiled: dict[int, tuple[Schema, Any]] = {}
"""By the identity of the schema, which is kept so that no other gets it: there are few, and they live for long."""


def problems(value: Any, schema: Schema, stands_in: Callable[[Any], bool] | None = None) -> list[tuple[Path, str]]:
    """What is wrong with a value, each with its path. What a reference stands for is not known yet, so that nothing is
    said of it; nor of values that `stands_in` (matchers)."""

    def unknown(found: Any) -> bool:
        return has_reference(found) or (stands_in is not None and _holds(found, stands_in))

    return list(_said(_validator(schema).iter_errors(value), value, schema, unknown))


def _validator(schema: Schema) -> Any:
    if id(schema) not in _compiled:
        _compiled[id(schema)] = schema, jsonschema_rs.Draft202012Validator(schema)
    return _compiled[id(schema)][1]


def _holds(value: Any, wanted: Callable[[Any], bool]) -> bool:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return wanted(value) or any(_holds(each, wanted) for each in inside)


def _said(errors: Any, value: Any, schema: Schema, unknown: Callable[[Any], bool]) -> Iterator[tuple[Path, str]]:
    for error in errors:
        path: Path = tuple(error.instance_path)
        found = _at(value, path)
        name = error.kind.name
        if name not in ("additionalProperties", "required") and unknown(found):
            continue
        if name in ("anyOf", "oneOf") and (near := _nearest_branch(error, found)):
            yield from _said(near, value, schema, unknown)
        elif name == "propertyNames":
            yield (*path, error.kind.error.instance), f"Found the name {error.kind.error.instance}; {NAMING}."
        elif name == "additionalProperties":
            known = _known(schema, list(error.schema_path))
            for member in error.kind.unexpected:
                yield (
                    (*path, member),
                    f"Found the member {member}; expected {_choice(known, member)}.{nearest(member, known)}",
                )
        else:
            yield path, _sentence(name, error, found, schema)


def _nearest_branch(error: Any, found: Any) -> list[Any] | None:
    """The errors of the one alternative that a mapping or list comes near: something is wrong inside of it only."""
    if not isinstance(found, dict | list):
        return None
    own = len(error.instance_path)
    fitting = [branch for branch in error.kind.context if not any(_is_of_the_whole(each, own) for each in branch)]
    return list(fitting[0]) if len(fitting) == 1 else None


def _is_of_the_whole(error: Any, own: int) -> bool:
    return error.kind.name in ("type", "enum", "const", "pattern") and len(error.instance_path) == own


def _sentence(name: str, error: Any, found: Any, schema: Schema) -> str:
    kind = error.kind
    if name == "required":
        return f"The member {kind.property} is missing."
    shown = f"Found {short(found)}"
    if name == "type":
        hint = ""
        if isinstance(found, str) and found.lower() in _SWITCHES and "boolean" in kind.types:
            hint = " YAML 1.2 has true and false only."
        elif isinstance(found, int | float) and "string" in kind.types:
            hint = f' For a text write "{found}".'
        elif isinstance(found, str) and kind.types == ["array"]:
            hint = f" For a list of one write [{found}]."
        return f"{shown}; expected {_or(_TYPES.get(each, each) for each in kind.types)}.{hint}"
    if name == "enum":
        options = [each if isinstance(each, str) else json.dumps(each) for each in kind.options]
        return f"{shown}; expected {_choice(options, found)}.{nearest(str(found), options)}"
    if name == "const":
        return f"{shown}; expected {short(kind.expected_value)}."
    if name == "pattern":
        return f"{shown}; expected {_like(error, schema)}."
    if name in ("anyOf", "oneOf") and (said := _alternatives(kind, schema)):
        choice = _choice(said, found) if len(said) > MOST_TO_READ else _or(said)
        return f"{shown}; expected {choice}.{nearest(str(found), said)}"
    if name in ("minLength", "minItems", "minProperties") and getattr(kind, "limit", None) == 1:
        return "This is empty; expected at least one."
    return f"{error.message[:1].upper()}{error.message[1:]}."


def _like(error: Any, schema: Schema) -> str:
    """What a text has to be like: as an example of the schema, or else as its pattern."""
    around = _schema_at(schema, list(error.schema_path)[:-1])
    examples = around.get("examples") if isinstance(around, dict) else None
    return f"a text like {examples[0]}" if examples else f"a text like /{error.kind.pattern}/"


def _alternatives(kind: Any, schema: Schema) -> list[str]:
    said: list[str] = []
    for branch in getattr(kind, "context", ()):
        first = branch[0]
        if first.kind.name == "type":
            said += [_TYPES.get(each, each) for each in first.kind.types]
        elif first.kind.name == "enum":
            said += [str(each) for each in first.kind.options]
        elif first.kind.name == "const":
            said.append(short(first.kind.expected_value))
        elif first.kind.name == "pattern":
            said.append(_like(first, schema))
        elif first.kind.name == "minimum":
            said.append(f"a number of at least {first.kind.limit}")
        else:
            return []
    return list(dict.fromkeys(said))


def _known(schema: Any, schema_path: list[Any]) -> list[str]:
    """The members that the schema has where it says that there are no others."""
    around = _schema_at(schema, schema_path[:-1])
    return list(around.get("properties", {})) if isinstance(around, dict) else []


def _schema_at(schema: Any, schema_path: list[Any]) -> Any:
    for step in schema_path:
        try:
            schema = schema[step]
        except (KeyError, IndexError, TypeError):
            return None
    return schema


def _at(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


def _choice(names: list[str], found: Any = "") -> str:
    if len(names) > MOST_CHOICES and nearest(str(found), names):
        return f"one of {len(names)} names"
    if len(names) > MOST_CHOICES:
        return f"one of {listed(names[:MOST_CHOICES])} … ({len(names)} in all)"
    return f"one of {listed(names)}" if len(names) > 1 else listed(names) if names else "no such member"


def _or(parts: Any) -> str:
    *most, last = parts
    return f"{', '.join(most)} or {last}" if most else last
