"""What must hold of the compiled documents before anything is served from them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from loopsim.contract.facts import GRADES
from loopsim.contract.inherit import ERROR_GROUPS
from loopsim.contract.pointers import each_ref, resolve_ref
from loopsim.contract.walk import each_operation, parameters_of, unreadable_code
from loopsim.errors import SetupError

_SHOWN = 30


def check_documents(compiled: dict[str, Any]) -> None:
    """Raise one SetupError that lists every problem of the compiled documents; return when there is none."""
    facts = compiled["facts"]
    problems: list[str] = []
    seen: dict[str, str] = {}
    for version, document in compiled["loop"].items():
        name = f"loop {version}"
        problems += [f"{name}: {problem}" for problem in _document_problems(document)]
        problems += [f"{name}: {problem}" for problem in _provenance_problems(document, facts, "$")]
        for path, method, operation in each_operation(document):
            where = f"{name}: {method.upper()} {path}"
            problems += [f"{where} {problem}" for problem in _loop_operation_problems(operation)]
    base: dict[str, Any] = next(iter(compiled["loop"].values()), {})
    problems += [f"control: {problem}" for problem in _document_problems(compiled["control"])]
    for document in (base, compiled["control"]):
        for path, method, operation in each_operation(document):
            problems += _identity_problems(operation, f"{method.upper()} {path}", seen)
    if problems:
        unique = list(dict.fromkeys(problems))
        more = f"\n  (and {len(unique) - _SHOWN} more)" if len(unique) > _SHOWN else ""
        raise SetupError("openapi/ does not hold together. Mend:\n  " + "\n  ".join(unique[:_SHOWN]) + more)


def _identity_problems(operation: dict[str, Any], where: str, seen: dict[str, str]) -> Iterator[str]:
    name = operation.get("operationId")
    if not name:
        yield f"{where} has no operationId"
    elif name in seen:
        yield f"{where} has the operationId {name} of {seen[name]}"
    else:
        seen[name] = where


def _document_problems(document: dict[str, Any]) -> Iterator[str]:
    for ref in dict.fromkeys(each_ref(document)):
        try:
            resolve_ref(document, {"$ref": ref})
        except SetupError as error:
            yield str(error)
    for path, method, operation in each_operation(document):
        where = f"{method.upper()} {path}"
        yield from (f"{where} {problem}" for problem in _error_problems(operation))
        yield from (f"{where} {problem}" for problem in _path_problems(document, path, operation))


def _loop_operation_problems(operation: dict[str, Any]) -> Iterator[str]:
    if "x-provenance" not in operation:
        yield "has no x-provenance"
    if operation.get("x-error-group") not in ERROR_GROUPS:
        yield f"needs an x-error-group, one of {', '.join(ERROR_GROUPS)}"


def _error_problems(operation: dict[str, Any]) -> Iterator[str]:
    responses = operation.get("responses", {})
    for code, form in operation["x-errors"].items():
        status = form.get("status") if isinstance(form, dict) else None
        if status is None:
            yield f"refuses {code} without a status"
        elif str(status) not in responses:
            yield f"refuses {code} with {status}, which its responses do not declare"


def _path_problems(document: dict[str, Any], path: str, operation: dict[str, Any]) -> Iterator[str]:
    named = {part[1:-1] for part in path.split("/") if part.startswith("{")}
    in_path = [each for each in parameters_of(document, path, operation) if each.get("in") == "path"]
    for name in sorted(named - {each["name"] for each in in_path}):
        yield f"does not declare its path parameter {name}"
    for each in in_path:
        if each.get("schema", {}).get("type") != "integer":
            continue
        code = unreadable_code(each, operation["x-errors"])
        if code is None:
            yield f"does not say what an unreadable {each['name']} is refused with; give the parameter x-invalid"
        elif code not in operation["x-errors"]:
            yield f"refuses an unreadable {each['name']} with {code}, which its x-errors do not declare"


def _provenance_problems(node: Any, facts: dict[str, Any], where: str) -> Iterator[str]:
    if isinstance(node, list):
        for index, value in enumerate(node):
            yield from _provenance_problems(value, facts, f"{where}[{index}]")
    if not isinstance(node, dict):
        return
    for key, value in node.items():
        if key != "x-provenance":
            yield from _provenance_problems(value, facts, f"{where}.{key}")
        elif not isinstance(value, dict) or value.get("grade") not in GRADES:
            yield f"{where} has an x-provenance without a grade, one of {', '.join(GRADES)}"
        elif value.get("fact") not in facts:
            yield f"{where} rests on the fact {value.get('fact')}, which FACTS.md does not have"
