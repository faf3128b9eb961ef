"""Validation errors in Laravel's words, in the order in which Laravel would find them.

Laravel goes rule by rule through the fields as they are declared; a rule for `items.*.quantity` runs over all rows
before the next one starts. It says `The line item id field …` for a top-level field, and the bare path
(`items.0.quantity`) for one under a wildcard.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from loopsim.contract.pointers import resolve_ref
from loopsim.contract.shapes import PLACEHOLDER

if TYPE_CHECKING:
    from jsonschema_rs import ValidationError

    from loopsim.contract.schemas import Reader

Path = tuple[str | int, ...]

WORDS = {
    "required": "The {field} field is required.",
    "dependentRequired": "The {field} field is required.",
    "additionalProperties": "The {field} field is not known.",
    "enum": "The selected {field} is invalid.",
    "const": "The selected {field} is invalid.",
    "oneOf": "The selected {field} is invalid.",
    "anyOf": "The selected {field} is invalid.",
    "pattern": "The {field} field format is invalid.",
    "maxLength": "The {field} field must not be greater than {n} characters.",
    "minLength": "The {field} field must be at least {n} characters.",
    "maximum": "The {field} field must not be greater than {n}.",
    "minimum": "The {field} field must be at least {n}.",
    "exclusiveMaximum": "The {field} field must be less than {n}.",
    "exclusiveMinimum": "The {field} field must be greater than {n}.",
    "multipleOf": "The {field} field must be a multiple of {n}.",
    "maxItems": "The {field} field must not have more than {n} items.",
    "maxProperties": "The {field} field must not have more than {n} items.",
    "minItems": "The {field} field must have at least {n} items.",
    "uniqueItems": "The {field} field has a duplicate value.",
}
TYPE_WORDS = {
    "string": "The {field} field must be a string.",
    "integer": "The {field} field must be an integer.",
    "number": "The {field} field must be a number.",
    "boolean": "The {field} field must be true or false.",
    "array": "The {field} field must be an array.",
    "object": "The {field} field must be an object.",
}
FORMAT_WORDS = {
    "email": "The {field} field must be a valid email address.",
    "uri": "The {field} field must be a valid URL.",
    "uuid": "The {field} field must be a valid UUID.",
    "date-time": "The {field} field must be a valid date.",
    "date": "The {field} field must be a valid date.",
    "ipv4": "The {field} field must be a valid IPv4 address.",
}
MOMENT = "The {field} field must be a moment such as 2026-06-01T09:00:00Z."
OTHERWISE = "The {field} field is invalid."

_LIMITS = ("limit", "multiple_of")
_RANK = {
    keyword: rank for rank, keyword in enumerate(("required", "dependentRequired", "type", "format", "enum", "const"))
}


def field_messages(reader: Reader, value: Any, errors: Iterable[ValidationError]) -> dict[str, list[str]]:
    """`{dotted field: [message, ...]}` of the errors that the reader's validator has found in a value.

    A field that fails both its type and its list of values is told of the values alone, which say it all. Own words
    stand in the contract, as `x-messages: {keyword: text}` of the property, where `{field}` and `{n}` are filled in.
    """
    found = [each for error in errors for each in _found(reader, value, error)]
    listed = {path for path, keyword, _ in found if keyword == "enum"}
    found = [each for each in found if not (each[1] == "type" and each[0] in listed)]
    found.sort(key=lambda each: (*_place(reader, each[0]), _RANK.get(each[1], len(_RANK))))
    messages: dict[str, list[str]] = {}
    for path, _, text in found:
        texts = messages.setdefault(".".join(map(str, path)) or "body", [])
        if text not in texts:
            texts.append(text)
    return messages


def display_name(path: Path) -> str:
    """What Laravel calls a field in its sentences."""
    dotted = ".".join(map(str, path)) or "body"
    if any(isinstance(part, int) for part in path):
        return dotted
    return re.sub(r"(.)(?=[A-Z])", r"\1_", dotted).lower().replace("_", " ")


def _found(reader: Reader, value: Any, error: ValidationError) -> Iterator[tuple[Path, str, str]]:
    path: Path = tuple(error.instance_path)
    kind = error.kind.as_dict()
    keyword = str(error.schema_path[-1]) if error.schema_path else ""
    if keyword in ("oneOf", "anyOf") and "context" in kind:
        closest = _closest(kind["context"], path)
        if closest and "x-messages" not in _parent(reader, error):
            for inner in closest:
                yield from _found(reader, value, inner)
            return
    if keyword in ("required", "dependentRequired"):
        path = (*path, kind["property"])
    if keyword in ("additionalProperties", "unevaluatedProperties"):
        # Of an object that is to be empty, the validator names no key.
        for name in kind.get("unexpected") or _at(value, path):
            yield (*path, name), keyword, _fill(WORDS["additionalProperties"], (*path, name), kind)
        return
    yield path, keyword, _fill(_template(reader, error, keyword, path), path, kind)


def _at(value: Any, path: Path) -> Any:
    for part in path:
        value = value[part]
    return value


def _closest(context: list[list[ValidationError]], path: Path) -> list[ValidationError]:
    """The errors of the branch that the value was most probably meant for: the one that it has got furthest into, or
    the only one beside null."""
    named = [errors for errors in context if not _asks_for_null(errors)]
    if len(named) == 1:
        return named[0]

    def depth(errors: list[ValidationError]) -> int:
        return max(len(each.instance_path) + (each.schema_path[-1] == "required") for each in errors)

    best = max((errors for errors in context if errors), key=lambda errors: (depth(errors), -len(errors)), default=[])
    return best if best and depth(best) > len(path) else []


def _asks_for_null(errors: list[ValidationError]) -> bool:
    kinds = [each.kind.as_dict() for each in errors]
    return any(kind.get("types") == ["null"] for kind in kinds)


def _template(reader: Reader, error: ValidationError, keyword: str, path: Path) -> str:
    parent = _parent(reader, error)
    owners = [parent]
    if keyword in ("required", "dependentRequired"):
        # Of what a condition asks for, the words stand beside the condition or with the field.
        owners += [_property(reader, owner, path[-1]) for owner in (parent, _enclosing(reader, path))]
    for owner in owners:
        if keyword in owner.get("x-messages", {}):
            return str(owner["x-messages"][keyword])
    kind = error.kind.as_dict()
    ours = not reader.shape.leniency.trim  # the control API's, which says more than Laravel
    if keyword == "type":
        name = next((name for name in kind["types"] if name != "null"), "")
        # To PHP, and so to Laravel, an object is an array with names.
        return TYPE_WORDS.get("array" if name == "object" and not ours else name, OTHERWISE)
    if keyword == "format":
        return MOMENT if ours and kind["format"] == "date-time" else FORMAT_WORDS.get(kind["format"], OTHERWISE)
    if keyword == "enum" and ours:
        return f"{WORDS['enum']} There are: {', '.join(str(each) for each in parent['enum'] if each is not None)}."
    return WORDS.get(keyword, OTHERWISE)


def _parent(reader: Reader, error: ValidationError) -> dict[str, Any]:
    node: Any = reader.schema
    for part in error.schema_path[:-1]:
        node = node[part]
    return node if isinstance(node, dict) else {}


def _property(reader: Reader, schema: dict[str, Any], name: str | int) -> dict[str, Any]:
    found = resolve_ref(reader.schema, schema.get("properties", {}).get(name, {}))
    return found if isinstance(found, dict) else {}


def _enclosing(reader: Reader, path: Path) -> dict[str, Any]:
    """The schema of the object that holds a field, as far as plain properties and items lead to it."""
    schema: Any = resolve_ref(reader.schema, reader.schema)
    for part in path[:-1]:
        inner = schema.get("items", {}) if isinstance(part, int) else schema.get("properties", {}).get(part, {})
        schema = resolve_ref(reader.schema, inner)
        if not isinstance(schema, dict):
            return {}
    return schema if isinstance(schema, dict) else {}


def _place(reader: Reader, path: Path) -> tuple[list[int], list[int]]:
    """Where a field stands: its place among the declared fields, then the rows it is in."""
    places: list[int] = []
    rows: list[int] = []
    shape = reader.shape
    for part in path:
        if isinstance(part, int):
            rows.append(part)
            shape = shape.items or shape
        else:
            names = list(shape.properties)
            places.append(names.index(part) if part in names else len(names))
            shape = shape.properties.get(part, shape)
    return places, rows


def _fill(template: str, path: Path, kind: dict[str, Any]) -> str:
    values = {"field": display_name(path), "n": next((kind[name] for name in _LIMITS if name in kind), "")}
    return PLACEHOLDER.sub(lambda match: str(values.get(match[1], match[0])), template)
