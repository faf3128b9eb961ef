"""An OpenAPI document of ours as a reader sees it: operations in groups, fields as rows, refusals as bodies, grades."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from msgspec import Struct

from loopsim.contract.pointers import resolve_ref
from loopsim.contract.walk import each_operation, parameters_of, security_of

_DEEPEST = 7
_LARAVEL = {"message": "…", "errors": {"field": ["…"]}}
_SHOWN_VALUES = 24


class Grade(Struct, frozen=True):
    """How sure a statement is, and the anchor of the fact behind it."""

    grade: str
    fact: str


class Field(Struct, frozen=True):
    """A row of a schema or a parameter. `depth` is how far in it stands; `limits` says what else its value must be."""

    depth: int
    name: str
    type: str
    required: bool
    text: str
    limits: tuple[str, ...]
    values: tuple[str, ...]
    grade: Grade | None


class Outcome(Struct, frozen=True):
    """A status that an operation answers with, its description, and the fields of the body by media type."""

    status: str
    text: str
    media: str
    fields: tuple[Field, ...]


class Failure(Struct, frozen=True):
    """One refusal in the operation's own words."""

    code: str
    status: int
    body: str
    grade: Grade | None


class Card(Struct, frozen=True):
    """An operation, or a webhook topic (then `method` is POST and `path` the topic)."""

    id: str
    method: str
    path: str
    summary: str
    text: str
    grade: Grade | None
    scopes: tuple[str, ...]
    public: bool
    parameters: tuple[tuple[str, Field], ...]
    body: tuple[Field, ...]
    outcomes: tuple[Outcome, ...]
    failures: tuple[Failure, ...]
    simulated: bool


class Group(Struct, frozen=True):
    """The operations of one tag."""

    name: str
    text: str
    cards: tuple[Card, ...]


def read_document(document: dict[str, Any], simulated: frozenset[str]) -> list[Group]:
    """The groups of a compiled document, in its order, webhooks last. `simulated` operations have a function."""
    cards: dict[str, list[Card]] = {tag["name"]: [] for tag in document.get("tags", [])}
    for path, method, operation in each_operation(document):
        tag = next(iter(operation.get("tags", [])), "Other")
        cards.setdefault(tag, []).append(_card(document, path, method, operation, simulated))
    texts = {tag["name"]: tag.get("description", "") for tag in document.get("tags", [])}
    groups = [Group(name, texts.get(name, ""), tuple(those)) for name, those in cards.items() if those]
    topics = tuple(_topic(document, name, item) for name, item in document.get("webhooks", {}).items())
    if topics:
        groups.append(Group("Webhook payloads", "What is posted to subscribers, by topic.", topics))
    return groups


def _card(
    document: dict[str, Any], path: str, method: str, operation: dict[str, Any], simulated: frozenset[str]
) -> Card:
    security = security_of(document, operation)
    scopes = [scope for alternative in security for scopes in alternative.values() for scope in scopes]
    return Card(
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation.get("summary", ""),
        text=operation.get("description", ""),
        grade=_grade(operation),
        scopes=tuple(dict.fromkeys(scopes)),
        public=not security,
        parameters=tuple((each["in"], _parameter(document, each)) for each in parameters_of(document, path, operation)),
        body=tuple(_of_content(document, resolve_ref(document, operation.get("requestBody", {})))[1]),
        outcomes=tuple(
            _outcome(document, status, response)
            for status, response in operation.get("responses", {}).items()
            if status.startswith("2")
        ),
        failures=tuple(_failure(code, form) for code, form in operation.get("x-errors", {}).items()),
        simulated=operation["operationId"] in simulated,
    )


def _topic(document: dict[str, Any], name: str, item: dict[str, Any]) -> Card:
    post = item["post"]
    topic = post.get("x-topic", name)
    triggers = ", ".join(post.get("x-triggers", ()))
    return Card(
        id=f"topic-{topic}",
        method="POST",
        path=topic,
        summary=post.get("summary", ""),
        text=" ".join(filter(None, (post.get("description", ""), f"Triggers: {triggers}." if triggers else ""))),
        grade=_grade(post),
        scopes=(),
        public=True,
        parameters=(),
        body=tuple(_of_content(document, resolve_ref(document, post.get("requestBody", {})))[1]),
        outcomes=(),
        failures=(),
        simulated=True,
    )


def _grade(source: dict[str, Any]) -> Grade | None:
    given = source.get("x-provenance")
    return Grade(given["grade"], given.get("fact", "")) if given else None


def _parameter(document: dict[str, Any], parameter: dict[str, Any]) -> Field:
    schema = resolve_ref(document, parameter.get("schema", {}))
    text = parameter.get("description", "") or schema.get("description", "")
    grade = _grade(parameter) or _grade(schema)
    return _field(document, 0, parameter["name"], schema, bool(parameter.get("required")), text, grade)


def _outcome(document: dict[str, Any], status: str, response: dict[str, Any]) -> Outcome:
    resolved = resolve_ref(document, response)
    media, fields = _of_content(document, resolved)
    return Outcome(status, resolved.get("description", ""), media, tuple(fields))


def _of_content(document: dict[str, Any], holder: dict[str, Any]) -> tuple[str, list[Field]]:
    for media, content in holder.get("content", {}).items():
        return media, list(_rows(document, "", content.get("schema", {}), True, 0, ()))
    return "", []


def _failure(code: str, form: dict[str, Any]) -> Failure:
    if "title" in form:
        shown: Any = {"type": code, "title": form["title"], "detail": form.get("detail", "")}
    elif form.get("form") == "laravel":
        shown = {"message": "…", "errors": form["fields"]} if "fields" in form else _LARAVEL
    else:
        shown = form.get("body", "")
    body = "" if shown == "" else json.dumps(shown, ensure_ascii=False)
    return Failure(code, int(form["status"]), body, _grade(form))


def _rows(
    document: dict[str, Any], name: str, schema: Any, required: bool, depth: int, within: tuple[str, ...]
) -> Iterator[Field]:
    """The rows of a schema: its own, and below it those of its properties, items and branches."""
    if isinstance(schema, bool):
        return
    ref = schema.get("$ref")
    resolved = resolve_ref(document, schema)
    if not isinstance(resolved, dict):
        return
    text = resolved.get("description", "")
    if name or depth == 0:
        yield _field(document, depth, name, resolved, required, text, _grade(resolved))
    if depth >= _DEEPEST or (ref is not None and ref in within):
        return
    within = within if ref is None else (*within, ref)
    needed = resolved.get("required", ())
    for key, inner in resolved.get("properties", {}).items():
        yield from _rows(document, key, inner, key in needed, depth + 1, within)
    rest = resolved.get("additionalProperties")
    if isinstance(rest, dict):
        yield from _rows(document, "<any name>", rest, False, depth + 1, within)
    if isinstance(resolved.get("items"), dict):
        yield from _inside(document, resolved["items"], depth, within)
    for several in ("oneOf", "anyOf", "allOf"):
        branches = (_inside(document, branch, depth, within) for branch in resolved.get(several, ()))
        yield from _once(chain.from_iterable(branches), depth + 1)


def _inside(document: dict[str, Any], schema: Any, depth: int, within: tuple[str, ...]) -> Iterator[Field]:
    """The rows of what a list holds or a branch adds, without a row of its own."""
    rows = _rows(document, "", schema, True, depth, within)
    yield from (row for row in rows if row.name)


def _once(rows: Iterable[Field], depth: int) -> Iterator[Field]:
    """The rows of all branches: what several say of a property once, with whatever any of them has below it."""
    shown: dict[Field, list[Field]] = {}
    below: list[Field] = []
    for row in rows:
        if row.depth == depth:
            below = shown.setdefault(row, [])
        else:
            below.append(row)
    for row, under in shown.items():
        yield row
        yield from _once(under, depth + 1)


def _field(
    document: dict[str, Any], depth: int, name: str, schema: Any, required: bool, text: str, grade: Grade | None
) -> Field:
    values = schema.get("enum", [schema["const"]] if "const" in schema else [])
    return Field(
        depth=depth,
        name=name,
        type=_type(document, schema),
        required=required,
        text=text,
        limits=tuple(words.format(_spelled(schema[key])) for key, words in _LIMITS.items() if key in schema),
        values=tuple(_spelled(value) for value in values[:_SHOWN_VALUES]),
        grade=grade,
    )


_LIMITS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "pattern": "like {}",
    "format": "{}",
    "default": "default {}",
}


def _spelled(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _type(document: dict[str, Any], schema: Any) -> str:
    resolved = resolve_ref(document, schema)
    if not isinstance(resolved, dict):
        return "anything"
    types = resolved.get("type")
    if types == "array" and isinstance(resolved.get("items"), dict):
        return f"list of {_type(document, resolved['items'])}"
    if types is not None:
        return types if isinstance(types, str) else " or ".join(types)
    for several in ("oneOf", "anyOf"):
        if several in resolved:
            return " or ".join(dict.fromkeys(_type(document, branch) for branch in resolved[several]))
    if "allOf" in resolved:
        return _type(document, resolved["allOf"][0])
    return "value" if "enum" in resolved or "const" in resolved else "anything"
