"""Error forms as schemas: which body a form gives, and whether a declared response already says so.

Used while compiling only, and without a schema library, so that building the package needs none.
"""

from __future__ import annotations

import re
from typing import Any

from loopsim.contract.pointers import resolve_ref

PLACEHOLDER = re.compile(r"\{(\w+)\}")
"""`{name}` in a form's strings: filled from the refusal's parameters."""

JSON = "application/json"
PROBLEM = "application/problem+json"

LARAVEL_BODY: dict[str, Any] = {
    "type": "object",
    "required": ["message", "errors"],
    "properties": {
        "message": {"type": "string"},
        "errors": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}},
    },
    "additionalProperties": False,
}

PROBLEM_BODY: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "errors": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}},
    },
    "additionalProperties": False,
}

_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "null": type(None),
    "integer": int,
    "number": (int, float),
}


def schema_of_form(api: str, document: dict[str, Any], form: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The media type and the closed schema of what a form answers."""
    if api == "control":
        shared = document.get("components", {}).get("schemas", {})
        return PROBLEM, {"$ref": "#/components/schemas/Problem"} if "Problem" in shared else PROBLEM_BODY
    if form.get("form") == "laravel":
        return JSON, LARAVEL_BODY
    return form.get("headers", {}).get("content-type", JSON), _schema_of(form.get("body"))


def _schema_of(body: Any) -> dict[str, Any]:
    if isinstance(body, dict):
        return {
            "type": "object",
            "required": list(body),
            "properties": {key: _schema_of(value) for key, value in body.items()},
            "additionalProperties": False,
        }
    if isinstance(body, list):
        return {"type": "array", "prefixItems": [_schema_of(item) for item in body], "maxItems": len(body)}
    if isinstance(body, str) and PLACEHOLDER.search(body):
        return {"type": "string"}
    return {"const": body}


def admits(document: dict[str, Any], schema: Any, form: dict[str, Any]) -> bool:
    """Whether a declared schema admits the body of a form.

    Reads the keywords that error bodies are written with; a string with placeholders is taken to fit any string.
    """
    if form.get("form") == "laravel":
        return _admits(document, schema, {"message": "{message}", "errors": {"field": ["{message}"]}})
    if "body" not in form:
        return True
    return _admits(document, schema, form["body"])


def _admits(document: dict[str, Any], schema: Any, body: Any) -> bool:
    schema = resolve_ref(document, schema)
    if isinstance(schema, bool):
        return schema
    for several in ("oneOf", "anyOf"):
        if several in schema and not any(_admits(document, branch, body) for branch in schema[several]):
            return False
    if not _admits_value(schema, body):
        return False
    if isinstance(body, dict):
        return _admits_object(document, schema, body)
    if isinstance(body, list):
        return all(_admits(document, schema.get("items", True), item) for item in body)
    return True


def _admits_value(schema: dict[str, Any], body: Any) -> bool:
    types = schema.get("type", list(_TYPES))
    if not any(_is(body, name) for name in ([types] if isinstance(types, str) else types)):
        return False
    if isinstance(body, str) and PLACEHOLDER.search(body):
        return True
    return ("const" not in schema or schema["const"] == body) and ("enum" not in schema or body in schema["enum"])


def _is(value: Any, name: str) -> bool:
    return isinstance(value, _TYPES[name]) and (name == "boolean" or not isinstance(value, bool))


def _admits_object(document: dict[str, Any], schema: dict[str, Any], body: dict[str, Any]) -> bool:
    properties = schema.get("properties", {})
    rest = schema.get("additionalProperties", True)
    return all(key in body for key in schema.get("required", ())) and all(
        _admits(document, properties.get(key, rest), value) for key, value in body.items()
    )
