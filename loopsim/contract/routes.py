"""From method and path to an operation.

Exact paths are one dictionary lookup; a method that one does not have is looked for nowhere else. Paths with parameters
are grouped by their number of segments; where several fit, the one with its literal segments further left comes first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple
from urllib.parse import unquote

from loopsim.errors import Refusal


class Route(NamedTuple):
    """Where an operation is found; `method` in upper case."""

    method: str
    path: str
    operation_id: str


class _Template(NamedTuple):
    segments: tuple[str, ...]
    names: tuple[str | None, ...]
    methods: dict[str, str]


class Routes:
    """The routes of one document."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._exact: dict[str, dict[str, str]] = {}
        templates: dict[str, dict[str, str]] = {}
        for method, path, operation_id in routes:
            table = templates if "{" in path else self._exact
            table.setdefault(path, {})[method] = operation_id
        self._templates: dict[int, list[_Template]] = {}
        for path, methods in templates.items():
            segments = tuple(path.split("/"))
            names = tuple(part[1:-1] if part.startswith("{") else None for part in segments)
            self._templates.setdefault(len(segments), []).append(_Template(segments, names, methods))
        for several in self._templates.values():
            several.sort(key=lambda template: [name is not None for name in template.names])

    def find(self, method: str, path: str) -> tuple[str, dict[str, str]]:
        """`(operationId, path parameters as decoded texts)`.

        `path` is the raw, percent-encoded path below base and version; a slash at its end is the same path. Raises
        Refusal `not_found`, or `method_not_allowed` with `allow`, such as `"GET, POST"`; both carry `method` and
        `path`.
        """
        if len(path) > 1 and path[-1] == "/":
            path = path[:-1]
        exact, parts = self._exact.get(path), path.split("/")
        if "%" in path:
            # Decoded after splitting: an encoded slash is part of a value.
            parts = [unquote(part) for part in parts]
            if exact is None and not any("/" in part for part in parts):
                exact = self._exact.get("/".join(parts))
        if exact is not None:
            if method in exact:
                return exact[method], {}
            raise Refusal("method_not_allowed", allow=", ".join(exact), method=method, path=path)
        allowed: list[str] = []
        for methods, params in self._fitting(parts):
            if method in methods:
                return methods[method], params
            allowed += methods
        if allowed:
            raise Refusal("method_not_allowed", allow=", ".join(dict.fromkeys(allowed)), method=method, path=path)
        raise Refusal("not_found", method=method, path=path)

    def _fitting(self, parts: list[str]) -> Iterator[tuple[dict[str, str], dict[str, str]]]:
        for segments, names, methods in self._templates.get(len(parts), ()):
            params = {}
            for part, segment, name in zip(parts, segments, names, strict=True):
                if name is None:
                    if part != segment:
                        break
                elif not part:
                    break
                else:
                    params[name] = part
            else:
                yield methods, params
