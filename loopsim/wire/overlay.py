"""What an imported row has beyond, or unlike, what we would print.

An overlay is a list of (path, ours, theirs): where our rendering still says `ours` at the path, `theirs` is shown
instead. So an unknown field stays for ever, and a peculiar spelling gives way as soon as the value behind it changes.

A path names items that may come and go (`line_items`, `exchanges`) by their id, a text; other lists only grow, and a
number is a place in them.
"""

from __future__ import annotations

from typing import Any

Step = str | int
Path = tuple[Step, ...]
Overlay = tuple[tuple[Path, Any, Any], ...]
ABSENT = "\x00absent"  # stands for "the key is not there"; no JSON text of the API holds a NUL
IDS = {"line_items": "line_item_id", "exchanges": "exchange_id"}


def difference(ours: Any, theirs: Any, path: Path = ()) -> list[tuple[Path, Any, Any]]:
    """The overlay that turns `ours` into `theirs`."""
    found: list[tuple[Path, Any, Any]] = []
    _compare(ours, theirs, path, found)
    return found


def _compare(ours: Any, theirs: Any, path: Path, found: list[tuple[Path, Any, Any]]) -> None:
    if type(ours) is dict and type(theirs) is dict:
        for key, mine in ours.items():
            other = theirs.get(key, ABSENT)
            # Most are alike, and comparing each by a call is dear.
            if mine is not other and not (type(mine) is str and mine == other):
                _compare(mine, other, (*path, key), found)
        found += [((*path, key), ABSENT, other) for key, other in theirs.items() if key not in ours]
    elif type(ours) is list and type(theirs) is list and len(ours) == len(theirs):
        for step, mine, other in zip(_steps(ours, path), ours, theirs, strict=True):
            _compare(mine, other, (*path, step), found)
    elif type(ours) is not type(theirs) or ours != theirs:
        found.append((path, ours, theirs))


def _steps(items: list[Any], path: Path) -> list[Step]:
    """How a path goes on from a list to each of its items."""
    name = IDS.get(str(path[0])) if len(path) == 1 and items else None
    ids = [item.get(name) if type(item) is dict else None for item in items] if name else []
    named = [id_ for id_ in ids if type(id_) is str]
    return [*named] if named and len(set(named)) == len(items) else [*range(len(items))]


def apply(row: dict[str, Any], overlay: Overlay) -> dict[str, Any]:
    """The row with the overlay shown, where it still holds. Changes `row` in place and gives it back."""
    # Every place is found before any is changed: an id may be shown in another spelling.
    for target, last, ours, theirs in [(*_place(row, path), ours, theirs) for path, ours, theirs in overlay]:
        try:
            current = target.get(last, ABSENT) if isinstance(target, dict) else target[last]
        except (IndexError, TypeError):
            continue
        if current == ours:
            if theirs == ABSENT:
                del target[last]
            else:
                target[last] = theirs
    return row


def _place(row: dict[str, Any], path: Path) -> tuple[Any, Any]:
    """The dict or list at the end of a path and the last step into it; (None, None) where the path leads nowhere."""
    target: Any = row
    last: Any = path[0]
    try:
        for step in path[1:]:
            target = target[last]
            by_id = isinstance(step, str) and isinstance(target, list)
            last = [item[IDS[str(path[0])]] for item in target].index(step) if by_id else step
    except (KeyError, IndexError, TypeError, ValueError):
        return None, None
    return target, last
