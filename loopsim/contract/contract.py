"""The contract as the server uses it: routes, operations, documents and facts of both APIs."""

from __future__ import annotations

import copy
from functools import cached_property
from typing import Any, Protocol

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


_BIG = ("paths", "webhooks", "components")
_SMALL_COMPONENTS = ("securitySchemes", "x-quirks")


def head_of(document: dict[str, Any]) -> dict[str, Any]:
    """What every start needs of a document: all but its operations, webhooks and schemas; and under `places` where the
    operations are, `[operationId, path, method, other paths]`."""
    components = document.get("components", {})
    return {
        **{name: part for name, part in document.items() if name not in _BIG},
        "components": {name: components[name] for name in _SMALL_COMPONENTS if name in components},
        "places": [
            [operation["operationId"], path, method, operation.get("x-aliases", [])]
            for path, method, operation in each_operation(document)
        ],
    }


class Source(Protocol):
    """Where the documents are, by API and version (`loop/2026-07`)."""

    def facts(self) -> dict[str, dict[str, str]]: ...

    def rest(self, name: str) -> dict[str, Any]:
        """A document but for its paths."""

    def path(self, name: str, path: str) -> dict[str, Any]:
        """What a document says of one of its paths."""

    def paths(self, name: str) -> dict[str, dict[str, Any]]:
        """What a document says of all its paths."""


class _Edition:
    """One version of one API: its routes, document and operations, each read when it is first asked for."""

    def __init__(self, api: str, version: str, head: dict[str, Any], source: Source) -> None:
        self.api = api
        self.version = version
        self.head = head
        self._source = source
        self._name = f"{api}/{version}"
        self.places: dict[str, tuple[str, str]] = {name: (path, method) for name, path, method, _ in head["places"]}
        self._operations: dict[str, Operation] = {}

    @cached_property
    def routes(self) -> Routes:
        return Routes(
            Route(method.upper(), place, name)
            for name, path, method, aliases in self.head["places"]
            for place in (path, *aliases)
        )

    @cached_property
    def _rest(self) -> dict[str, Any]:
        return self._source.rest(self._name)

    @cached_property
    def document(self) -> dict[str, Any]:
        return {**self._rest, "paths": self._source.paths(self._name)}

    @cached_property
    def schemas(self) -> Schemas:
        return Schemas(self.api, self._rest)

    @cached_property
    def unrouted(self) -> Operation:
        return unrouted_operation(self.api, self.version, self._rest, self.schemas)

    def operation(self, operation_id: str) -> Operation:
        operation = self._operations.get(operation_id)
        if operation is None:
            path, method = self.places[operation_id]
            document = {**self._rest, "paths": {path: self._source.path(self._name, path)}}
            operation = read_operation(self.api, self.version, path, method, document, self.schemas)
            self._operations[operation_id] = operation
        return operation


class Contract:
    """All that openapi/ says.

    `versions` are those of Loop's API, oldest first; a method that takes a version takes one of them, and the oldest
    where none is given. `heads` are what `head_of` leaves of each document, by API and version (`loop/2026-07`). All
    else is read from the source when it is first used: most runs need little of it.
    """

    def __init__(self, versions: tuple[str, ...], heads: dict[str, dict[str, Any]], source: Source) -> None:
        self.versions = versions
        self._heads = heads
        self._source = source
        self._editions: dict[tuple[str, str], _Edition] = {}

    @cached_property
    def facts(self) -> dict[str, dict[str, str]]:
        """Grade and text of each fact, by its anchor in FACTS.md."""
        return self._source.facts()

    def _edition(self, api: str, version: str | None) -> _Edition:
        name = CONTROL_VERSION if api == "control" else version or self.versions[0]
        edition = self._editions.get((api, name))
        if edition is None:
            head = self._heads.get(f"{api}/{name}")
            if head is None:
                raise LookupError(f"The contract has no version {name} of the {api} API.")
            edition = self._editions[api, name] = _Edition(api, name, head, self._source)
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

    def head(self, api: str, version: str | None = None) -> dict[str, Any]:
        """What `head_of` leaves of a document, without reading the rest; not to be changed."""
        return self._edition(api, version).head

    def document(self, api: str, version: str | None = None) -> dict[str, Any]:
        """The compiled OpenAPI document; not to be changed."""
        return self._edition(api, version).document

    def schemas(self, api: str, version: str | None = None) -> Schemas:
        """The compiled schemas of a document."""
        return self._edition(api, version).schemas

    def scopes(self) -> tuple[str, ...]:
        """Every scope that an API key may have, in the words of the wire."""
        flows = self.head("loop")["components"]["securitySchemes"]["oauth"]["flows"]
        return tuple(dict.fromkeys(scope for flow in flows.values() for scope in flow["scopes"]))

    def quirks(self) -> dict[str, dict[str, Any]]:
        """The named quirks, `{name: {"values", "default", "fact", "says"}}`."""
        found: dict[str, dict[str, Any]] = self.head("loop")["components"].get("x-quirks", {})
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
    document["paths"] = {
        path: {**item, "servers": [{"url": base or "/"}]} if "servers" in item else item
        for path, item in document["paths"].items()
    }
    return copy.deepcopy(document)


def _with_aliases(paths: dict[str, Any]) -> dict[str, Any]:
    found = dict(paths)
    for operations in paths.values():
        for method, operation in operations.items():
            for alias in operation.get("x-aliases", ()) if isinstance(operation, dict) else ():
                again = {name: value for name, value in operation.items() if name not in ("operationId", "x-aliases")}
                found[alias] = {**found.get(alias, {}), method: again}
    return found
