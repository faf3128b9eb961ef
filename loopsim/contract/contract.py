"""The contract as the server uses it: routes, operations, documents and facts of both APIs."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import msgspec

from loopsim.contract.operation import Operation, read_operation, unrouted_operation
from loopsim.contract.routes import Route, Routes
from loopsim.contract.schemas import Schemas
from loopsim.contract.walk import each_operation

CONTROL_VERSION = "1"
"""The control API has one version; its document is found under this name."""


class Match(msgspec.Struct, frozen=True):
    """A call's operation, and its path parameters as decoded texts."""

    operation: Operation
    path_params: dict[str, str]


class _Edition:
    """One version of one API: its document, its routes, and its operations, each read when it is first asked for."""

    def __init__(self, api: str, version: str, document: dict[str, Any]) -> None:
        self.api = api
        self.version = version
        self.document = document
        self.schemas = Schemas(api, document)
        self.places = {operation["operationId"]: (path, method) for path, method, operation in each_operation(document)}
        self.routes = Routes(
            Route(method.upper(), place, operation["operationId"])
            for path, method, operation in each_operation(document)
            for place in (path, *operation.get("x-aliases", ()))
        )
        self.unrouted = unrouted_operation(api, version, document, self.schemas)
        self._operations: dict[str, Operation] = {}

    def operation(self, operation_id: str) -> Operation:
        operation = self._operations.get(operation_id)
        if operation is None:
            path, method = self.places[operation_id]
            operation = read_operation(self.api, self.version, path, method, self.document, self.schemas)
            self._operations[operation_id] = operation
        return operation


class Contract:
    """All that openapi/ says.

    `versions` are those of Loop's API, oldest first; a method that takes a version takes one of them, and the oldest
    where none is given. `facts` maps an anchor of FACTS.md to its grade and text. `load` gives the compiled document
    of an API and version; each is read from the compiled file when it is first used, since most runs need one.
    """

    def __init__(
        self, versions: tuple[str, ...], facts: dict[str, dict[str, str]], load: Callable[[str, str], dict[str, Any]]
    ) -> None:
        self.versions = versions
        self.facts = facts
        self._load = load
        self._editions: dict[tuple[str, str], _Edition] = {}

    def _edition(self, api: str, version: str | None) -> _Edition:
        name = CONTROL_VERSION if api == "control" else version or self.versions[0]
        edition = self._editions.get((api, name))
        if edition is None:
            edition = self._editions[api, name] = _Edition(api, name, self._load(api, name))
        return edition

    def route(self, api: str, method: str, path: str, version: str | None = None) -> Match:
        """The operation of a call. `path` is raw (percent-encoded), without base and version.

        Raises Refusal `not_found` or `method_not_allowed` (with `allow`), which `unrouted` renders.
        """
        edition = self._edition(api, version)
        operation_id, params = edition.routes.find(method, path)
        return Match(edition.operation(operation_id), params)

    def operation(self, operation_id: str, version: str | None = None) -> Operation:
        """The operation with this id, of either API. Raises LookupError where there is none."""
        for api in ("loop", "control"):
            edition = self._edition(api, version)
            if operation_id in edition.places:
                return edition.operation(operation_id)
        raise LookupError(f"No operation of the contract has the id {operation_id}.")

    def operations(self, api: str, version: str | None = None) -> list[Operation]:
        """Every operation of an API, in the order of its document."""
        edition = self._edition(api, version)
        return [edition.operation(name) for name in edition.places]

    def operation_ids(self, api: str, version: str | None = None) -> list[str]:
        """The id of every operation of an API, without reading them."""
        return list(self._edition(api, version).places)

    def unrouted(self, api: str, version: str | None = None) -> Operation:
        """What answers a call that meets no operation: it declares `not_found` and `method_not_allowed`."""
        return self._edition(api, version).unrouted

    def document(self, api: str, version: str | None = None) -> dict[str, Any]:
        """The compiled OpenAPI document; not to be changed."""
        return self._edition(api, version).document

    def schemas(self, api: str, version: str | None = None) -> Schemas:
        """The compiled schemas of a document."""
        return self._edition(api, version).schemas

    def scopes(self) -> tuple[str, ...]:
        """Every scope that an API key may have, in the words of the wire."""
        flows = self.document("loop")["components"]["securitySchemes"]["oauth"]["flows"]
        return tuple(dict.fromkeys(scope for flow in flows.values() for scope in flow["scopes"]))

    def quirks(self) -> dict[str, dict[str, Any]]:
        """The named quirks, `{name: {"values", "default", "fact", "says"}}`."""
        found: dict[str, dict[str, Any]] = self.document("loop").get("components", {}).get("x-quirks", {})
        return found


def public_document(contract: Contract, api: str, version: str | None, base_url: str) -> dict[str, Any]:
    """The OpenAPI document to serve: absolute `servers`, and of those that `x-versions` names only this version's.

    What the contract says beside OpenAPI (`x-…`) stays, so that a reader sees grades and error forms too. An alias of a
    path stands there as a path, too, without an operationId: those are unique.
    """
    document = dict(contract.document(api, version))
    document["paths"] = _with_aliases(document["paths"])
    named = version or contract.versions[0]
    names = document.get("x-versions", {}).get("names", {})
    servers = [
        server
        for server in document.get("servers", [{"url": "/"}])
        if names.get(server["url"].rpartition("/")[2], named) == named
    ]
    base = base_url.rstrip("/")
    document["servers"] = [{**server, "url": base + server["url"].rstrip("/")} for server in servers]
    return copy.deepcopy(document)


def _with_aliases(paths: dict[str, Any]) -> dict[str, Any]:
    found = dict(paths)
    for operations in paths.values():
        for method, operation in operations.items():
            for alias in operation.get("x-aliases", ()) if isinstance(operation, dict) else ():
                again = {name: value for name, value in operation.items() if name not in ("operationId", "x-aliases")}
                found[alias] = {**found.get(alias, {}), method: again}
    return found
