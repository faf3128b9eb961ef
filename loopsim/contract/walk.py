"""Walking a document: its operations and what they declare."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from loopsim.contract.pointers import resolve_ref

METHODS = ("get", "put", "post", "delete", "patch", "head", "options", "trace")


def each_operation(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """`(path, method, operation object)` of a document, in its order; methods in lower case."""
    for path, item in document.get("paths", {}).items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def security_of(document: dict[str, Any], operation: dict[str, Any]) -> list[dict[str, list[str]]]:
    """The alternatives of an operation's `security`, its own or the document's; empty where no key is asked for."""
    found: list[dict[str, list[str]]] = operation.get("security", document.get("security", []))
    return found


def parameters_of(document: dict[str, Any], path: str, operation: dict[str, Any]) -> list[dict[str, Any]]:
    """The parameters of an operation with their references resolved; its own win over those of its path."""
    shared = document["paths"][path].get("parameters", [])
    resolved = [resolve_ref(document, each) for each in (*shared, *operation.get("parameters", []))]
    return list({(each.get("in"), each.get("name")): each for each in resolved}.values())


def unreadable_code(parameter: dict[str, Any], errors: dict[str, Any]) -> str | None:
    """The refusal for a path value that cannot be read: `x-invalid`, or the operation's only not-found code."""
    if "x-invalid" in parameter:
        return str(parameter["x-invalid"])
    not_found = [code for code in errors if code.endswith("not_found")]
    return not_found[0] if len(not_found) == 1 else None
