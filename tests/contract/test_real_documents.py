"""The contract that is served, as a whole: what `compile` cannot see in one operation."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from loopsim.contract import Contract, Operation, load_contract, public_document, render
from loopsim.contract.ledger import ledger
from loopsim.contract.operation import ErrorForm
from loopsim.contract.responses import check_response
from loopsim.contract.walk import each_operation
from loopsim.errors import Invalid, Refusal

VERSIONS = ("2026-07", "2026-10")


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load_contract()


def refusal_for(operation: Operation, code: str) -> Refusal:
    """A refusal with a text for every parameter that the form of this code asks for."""
    if code == "invalid":
        return Invalid({"a": ["The a field is required."], "b": ["The b field is required."]})
    form = operation.errors[code]
    asked = re.findall(r"\{(\w+)\}", f"{form.body} {form.headers} {form.detail} {form.fields}")
    return Refusal(code, **dict.fromkeys(asked, "open"))


@pytest.mark.parametrize("version", VERSIONS)
def test_every_refusal_of_every_operation_is_an_answer_that_it_declares(contract: Contract, version: str) -> None:
    problems: list[str] = []
    for operation in contract.operations("loop", version) + contract.operations("control"):
        for code in operation.errors:
            for quirk in ("by_group", "gateway", "legacy"):
                answer = render(operation, refusal_for(operation, code), {"unauthorized_body": quirk}, "/x")
                body = b"" if answer.body is msgspec.UNSET else msgspec.json.encode(answer.body)
                problems += check_response(operation, answer.status, answer.media_type, body)
    assert problems == []


@pytest.mark.parametrize(("api", "version"), [("loop", "2026-07"), ("loop", "2026-10"), ("control", None)])
def test_every_refusal_says_nothing_but_what_is_read(contract: Contract, api: str, version: str | None) -> None:
    # A comma in YAML that is not quoted makes a key of the rest of a sentence.
    known = {*ErrorForm.__struct_fields__, "x-provenance"} - {"provenance"}
    document = contract.document(api, version)
    forms = [document["components"]["x-errors"], document["x-unrouted"]]
    forms += [operation.get("x-errors", {}) for _, _, operation in each_operation(document)]
    assert {key for each in forms for form in each.values() for key in form} <= known


@pytest.mark.parametrize(("api", "version"), [("loop", "2026-07"), ("loop", "2026-10"), ("control", None)])
def test_the_served_documents_are_valid_openapi(contract: Contract, api: str, version: str | None) -> None:
    served = public_document(contract, api, version, "http://127.0.0.1:8484")
    assert [error.message for error in OpenAPIV31SpecValidator(served).iter_errors()] == []


@pytest.mark.parametrize("version", VERSIONS)
def test_every_row_of_loop_answers_is_closed_and_lists_every_key(contract: Contract, version: str) -> None:
    open_objects: list[str] = []
    seen: set[str] = set()

    def walk(operation: Operation, schema: Any, where: str) -> None:
        if isinstance(schema, list):
            for each in schema:
                walk(operation, each, where)
        if not isinstance(schema, dict) or schema.get("$ref", "") in seen:
            return
        seen.update([schema["$ref"]] if "$ref" in schema else [])
        schema = operation.schemas.resolve(schema)
        if "properties" in schema and not {"additionalProperties", "unevaluatedProperties"} & set(schema):
            open_objects.append(where)
        for key in schema.keys() & {"items", "oneOf", "anyOf", "allOf"}:
            walk(operation, schema[key], where)
        for name, inner in schema.get("properties", {}).items():
            walk(operation, inner, f"{where}.{name}")

    for operation in contract.operations("loop", version):
        for status, contents in operation.responses.items():
            for schema in contents.values():
                walk(operation, schema, f"{operation.id} {status}")
    assert len(seen) > 10
    assert open_objects == []


def test_every_fact_that_the_ledger_names_is_written_down(contract: Contract) -> None:
    rows = ledger(contract, ())
    named = {row.fact for row in rows} | {entry.fact for row in rows for entry in row.fields}
    assert named
    assert named <= set(contract.facts)
    assert {quirk["fact"] for quirk in contract.quirks().values()} <= set(contract.facts)


def test_versions_differ_where_the_overlay_says_so(contract: Contract) -> None:
    asn = [contract.operation("reportAsn", version) for version in VERSIONS]
    assert ["invalid" in operation.errors for operation in asn] == [False, True]
