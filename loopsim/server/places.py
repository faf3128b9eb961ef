"""Where a path and method of Loop's API lead, found once and remembered."""

from __future__ import annotations

import re
from typing import NamedTuple

from loopsim.contract import Contract, Operation
from loopsim.errors import Refusal
from loopsim.operations.perform import OPERATIONS
from loopsim.server.requests import BODY_LIMIT
from loopsim.server.versions import Versions

_READING = ("GET", "HEAD")
_KEPT = 4096
_OF_A_RETURN = re.compile(r"/returns?/\{(\w+)\}")


class Place(NamedTuple):
    """An operation as one way of calling it reaches it.

    `return_id` is that of the return in the path, `base` the version path that was used; `refusal` is set where there
    is no operation. `reads`: it leaves no trace; `lists`: it answers rows; `takes_body`: there may be one to read, up
    to `body_limit` bytes.
    """

    operation: Operation
    params: dict[str, str]
    return_id: int | None
    base: str
    version: str
    query_names: frozenset[str]
    reads: bool
    lists: bool
    simulated: bool
    takes_body: bool
    body_limit: int
    refusal: Refusal | None


class Places:
    """Places of Loop's API by method and raw path. Those without parameters and encodings are kept: there are few."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self.versions = Versions(contract.head("loop"))
        self._known: dict[tuple[str, bytes], Place] = {}

    def find(self, method: str, raw_path: bytes) -> Place:
        """The place that a call reaches."""
        place = self._known.get((method, raw_path))
        if place is None:
            place = self._find(method, raw_path.decode("latin-1"))
            if place.refusal is None and not place.params and b"%" not in raw_path and len(self._known) < _KEPT:
                self._known[method, raw_path] = place
        return place

    def _find(self, method: str, path: str) -> Place:
        base, version, rest, exists = self.versions.asked(path)
        unrouted = self._contract.unrouted("loop", version)
        try:
            if not exists:
                raise Refusal("not_found", method=method, path=path)
            operation, params = self._route(method, rest, version)
            if operation.rooted and base:
                raise Refusal("not_found", method=method, path=path)
        except Refusal as refusal:
            return _place(unrouted, {}, base, version, method, refusal)
        return _place(operation, params, base, version, method, None)

    def _route(self, method: str, rest: str, version: str) -> tuple[Operation, dict[str, str]]:
        try:
            match = self._contract.route("loop", method, rest, version)
        except Refusal as refusal:
            if method != "HEAD" or refusal.code != "method_not_allowed":
                raise
            match = self._contract.route("loop", "GET", rest, version)
        return match.operation, match.path_params


def _place(
    operation: Operation, params: dict[str, str], base: str, version: str, method: str, refusal: Refusal | None
) -> Place:
    registered = OPERATIONS.get(operation.id)
    return Place(
        operation=operation,
        params=params,
        return_id=_return_id(operation.path, params),
        base=base,
        version=version,
        query_names=frozenset(each.name for each in operation.parameters if each.place == "query"),
        reads=registered.reads if registered is not None else method in _READING,
        lists=operation.id.startswith("list"),
        simulated=registered is not None,
        takes_body=method not in _READING,
        body_limit=operation.limits.get("body", BODY_LIMIT),
        refusal=refusal,
    )


def _return_id(path: str, params: dict[str, str]) -> int | None:
    named = _OF_A_RETURN.search(path)
    text = "" if named is None else params.get(named[1], "")
    return int(text) if text.isdecimal() and len(text) < 19 else None
