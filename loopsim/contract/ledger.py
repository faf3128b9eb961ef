"""The ledger: per operation and field, how sure the contract is, and whether it is simulated."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import msgspec

from loopsim.contract.contract import Contract
from loopsim.contract.operation import Operation


class Entry(msgspec.Struct, frozen=True):
    """A part of an operation whose grade is not the operation's: `where` is such as `query.from`,
    `body.items[].condition`, `200[].outcome` or `error.return_not_found`."""

    where: str
    grade: str
    fact: str


class Row(msgspec.Struct, frozen=True):
    """One operation: `grade` and `fact` of it as a whole, `fields` where parts of it differ."""

    id: str
    api: str
    tag: str
    method: str
    path: str
    grade: str
    fact: str
    fields: tuple[Entry, ...]
    implemented: bool


def ledger(contract: Contract, implemented: Collection[str], version: str | None = None) -> list[Row]:
    """A row per operation of Loop's API, in the document's order; `implemented` are the ids that have a function."""
    return [_row(operation, operation.id in implemented) for operation in contract.operations("loop", version)]


def _row(operation: Operation, implemented: bool) -> Row:
    provenance = operation.provenance
    grade = provenance.grade if provenance else ""
    return Row(
        id=operation.id,
        api=operation.api,
        tag=operation.tag,
        method=operation.method,
        path=operation.path,
        grade=grade,
        fact=provenance.fact if provenance else "",
        fields=tuple(dict.fromkeys(entry for entry in _entries(operation) if entry.grade != grade)),
        implemented=implemented,
    )


def _entries(operation: Operation) -> Iterator[Entry]:
    for parameter in operation.parameters:
        if parameter.provenance is not None:
            yield Entry(f"{parameter.place}.{parameter.name}", parameter.provenance.grade, parameter.provenance.fact)
        yield from _stated(operation, parameter.schema, f"{parameter.place}.{parameter.name}", ())
    if operation.body_schema is not None:
        yield from _stated(operation, operation.body_schema, "body", ())
    for status, contents in operation.responses.items():
        for schema in contents.values():
            yield from _stated(operation, schema, status, ())
    for code, form in operation.errors.items():
        if form.provenance is not None:
            yield Entry(f"error.{code}", form.provenance.grade, form.provenance.fact)


def _stated(operation: Operation, schema: Any, where: str, within: tuple[str, ...]) -> Iterator[Entry]:
    """Every provenance in a schema; `within` are the references being followed, so that a schema may hold itself."""
    if not isinstance(schema, dict):
        return
    ref = schema.get("$ref")
    if ref is not None:
        if ref in within:
            return
        within = (*within, ref)
        schema = operation.schemas.resolve(schema)
    stated = schema.get("x-provenance")
    if stated:
        yield Entry(where, stated["grade"], stated["fact"])
    for name, inner in schema.get("properties", {}).items():
        yield from _stated(operation, inner, f"{where}.{name}", within)
    if "items" in schema:
        yield from _stated(operation, schema["items"], f"{where}[]", within)
    if isinstance(schema.get("additionalProperties"), dict):
        yield from _stated(operation, schema["additionalProperties"], f"{where}.*", within)
    for several in ("oneOf", "anyOf", "allOf"):
        for branch in schema.get(several, []):
            yield from _stated(operation, branch, where, within)
