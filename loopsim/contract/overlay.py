"""OpenAPI Overlay 1.0.0: a document changed by a list of actions, each on the nodes that a JSONPath selects.

Of JSONPath what overlays of this project need: `$`, `.name`, `['name']`, `[0]`, `.*` and `[*]`.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any

from loopsim.errors import SetupError

_STEP = re.compile(
    r"""\.(?P<name>[A-Za-z_][\w-]*) | \.(?P<any>\*) | \[(?P<every>\*)\] | \[(?P<index>\d+)\]
      | \['(?P<single>(?:[^'\\]|\\.)*)'\] | \["(?P<double>(?:[^"\\]|\\.)*)"\]""",
    re.VERBOSE,
)
_EVERY = object()

_Place = tuple[Any, Any]
"""The container of a selected node, and its key or index there."""


def apply_overlay(document: dict[str, Any], overlay: dict[str, Any]) -> dict[str, Any]:
    """A copy of `document` with the overlay's actions applied in their order.

    An update merges objects, appends to arrays and replaces everything else. Raises SetupError for a target that
    selects nothing: the standard lets it pass, but here it means that the base has moved on without the overlay.
    """
    root: dict[str, Any] = {"$": copy.deepcopy(document)}
    for action in overlay.get("actions", []):
        target = str(action.get("target", ""))
        places = list(_select(root, target))
        if not places:
            raise SetupError(
                f"The overlay's target {target} selects nothing. Bring the overlay up to date with its base."
            )
        if action.get("remove"):
            _remove(places, target)
        elif "update" in action:
            for container, key in places:
                container[key] = _merged(container[key], copy.deepcopy(action["update"]))
        else:
            raise SetupError(f"The overlay's action on {target} has neither `update` nor `remove`.")
    return root["$"]  # type: ignore[no-any-return]


def _select(root: dict[str, Any], target: str) -> Iterator[_Place]:
    places: list[_Place] = [(root, "$")]
    for step in _steps(target):
        places = [place for container, key in places for place in _children(container[key], step)]
    yield from places


def _steps(target: str) -> list[Any]:
    if not target.startswith("$"):
        raise SetupError(f"The overlay's target {target!r} must start with $.")
    steps: list[Any] = []
    position = 1
    while position < len(target):
        match = _STEP.match(target, position)
        if match is None:
            raise SetupError(f"The overlay's target {target} cannot be read at {target[position:]!r}.")
        kind, text = match.lastgroup, match.group(match.lastgroup or 0)
        if kind in ("any", "every"):
            steps.append(_EVERY)
        elif kind == "index":
            steps.append(int(text))
        else:
            steps.append(re.sub(r"\\(.)", r"\1", text))
        position = match.end()
    return steps


def _children(node: Any, step: Any) -> list[_Place]:
    if isinstance(node, dict):
        if step is _EVERY:
            return [(node, key) for key in node]
        return [(node, step)] if step in node else []
    if isinstance(node, list):
        if step is _EVERY:
            return [(node, index) for index in range(len(node))]
        return [(node, step)] if isinstance(step, int) and step < len(node) else []
    return []


def _remove(places: list[_Place], target: str) -> None:
    # From the end, so that the indexes of an array stay true while it shrinks.
    for container, key in reversed(places):
        if key == "$":
            raise SetupError(f"The overlay's target {target} would remove the whole document.")
        del container[key]


def _merged(node: Any, update: Any) -> Any:
    if isinstance(node, dict) and isinstance(update, dict):
        return {**node, **{key: _merged(node[key], value) if key in node else value for key, value in update.items()}}
    if isinstance(node, list):
        return [*node, *update] if isinstance(update, list) else [*node, update]
    return update
