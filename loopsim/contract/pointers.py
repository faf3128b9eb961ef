"""References inside a document: `#/components/...` and what is reached through them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from loopsim.errors import SetupError

COMPONENT_SCHEMAS = "#/components/schemas/"


def resolve_ref(document: dict[str, Any], node: Any) -> Any:
    """The node that a `$ref` leads to, with the keys beside the `$ref` laid over it; any other node as it is.

    Raises SetupError for a reference that leads nowhere, leaves the document, or leads back to itself.
    """
    seen = set()
    while isinstance(node, dict) and "$ref" in node:
        ref = node["$ref"]
        if ref in seen:
            raise SetupError(f"{ref} refers to itself. Let it lead to a value.")
        seen.add(ref)
        found = _follow(document, ref)
        beside = {key: value for key, value in node.items() if key != "$ref"}
        node = {**found, **beside} if beside and isinstance(found, dict) else found
    return node


def _follow(document: dict[str, Any], ref: str) -> Any:
    node: Any = document
    if not ref.startswith("#/"):
        raise SetupError(f"{ref} leaves the document; references must start with #/.")
    for part in ref[2:].split("/"):
        key = part.replace("~1", "/").replace("~0", "~")
        if not isinstance(node, dict) or key not in node:
            raise SetupError(f"{ref} leads nowhere: there is no {key!r}. Define it or mend the reference.")
        node = node[key]
    return node


def each_ref(node: Any) -> Iterator[str]:
    """Every `$ref` in a node, at any depth."""
    if isinstance(node, dict):
        ref = node.get("$ref")
        if isinstance(ref, str):
            yield ref
        for value in node.values():
            yield from each_ref(value)
    elif isinstance(node, list):
        for value in node:
            yield from each_ref(value)


def with_reached_components(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """The schema as a document of its own: itself, and of the components only those that it reaches."""
    reached: dict[str, Any] = {}
    waiting = [schema]
    while waiting:
        for ref in each_ref(waiting.pop()):
            # A reference may lead into a component; then all of it is taken, so that the reference stays true.
            name = ref.removeprefix(COMPONENT_SCHEMAS).partition("/")[0]
            if name not in reached:
                reached[name] = _follow(document, COMPONENT_SCHEMAS + name)
                waiting.append(reached[name])
    return {**schema, "components": {"schemas": reached}} if reached else schema
