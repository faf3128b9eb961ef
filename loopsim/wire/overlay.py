"""What an imported row has beyond, or unlike, what we would print.

An overlay is a list of (path, ours, theirs): where our rendering still says `ours` at the path, `theirs` is shown
instead. So an
unknown field stays for ever, and a peculiar spelling gives way as soon as the value behind it changes.
"""

from __future__ import annotations

from typing import Any

Path = tuple[str | int, ...]
Overlay = tuple[tuple[Path, Any, Any], ...]
ABSENT = "\x00absent"  # stands for "the key is not there"; no JSON text of the API holds a NUL


def difference(ours: Any, theirs: Any, path: Path = ()) -> list[tuple[Path, Any, Any]]:
    """The overlay that turns `ours` into `theirs`."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        found: list[tuple[Path, Any, Any]] = []
        for key in [*ours, *(key for key in theirs if key not in ours)]:
            mine, other = ours.get(key, ABSENT), theirs.get(key, ABSENT)
            found += difference(mine, other, (*path, key))
        return found
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        return [
            step for i, (a, b) in enumerate(zip(ours, theirs, strict=True)) for step in difference(a, b, (*path, i))
        ]
    if type(ours) is type(theirs) and ours == theirs:
        return []
    return [(path, ours, theirs)]


def apply(row: dict[str, Any], overlay: Overlay) -> dict[str, Any]:
    """The row with the overlay shown, where it still holds. Changes `row` in place and gives it back."""
    for path, ours, theirs in overlay:
        target: Any = row
        try:
            for step in path[:-1]:
                target = target[step]
            last = path[-1]
            current = target.get(last, ABSENT) if isinstance(target, dict) else target[last]
        except (KeyError, IndexError, TypeError):
            continue
        if current == ours:
            if theirs == ABSENT:
                del target[last]
            else:
                target[last] = theirs
    return row
