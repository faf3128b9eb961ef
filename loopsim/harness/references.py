"""`${ret.id}`: a value from earlier in the story, put where a step names it.

    ${ret.id}  ${ret.items.0.sku}      a member of what a step saved under `as: ret`
    ${row.outcome}                     a column of the parameter table
    ${now}  ${now+2d}  ${now-1h30m}    the shop's time, in ISO 8601, moved by a span (w d h m s)
    ${story}                           twelve digits that no other story of the run has
    $${                                the characters `${` themselves

A text that is one reference and nothing else takes the value as it is, a number as a number; inside of a longer text it
is written out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from loopsim.errors import SetupError
from loopsim.harness.problems import listed, nearest

_REFERENCE = re.compile(r"\$\$\{|\$\{([^{}]*)\}")
_NAMED = re.compile(r"[A-Za-z_][\w-]*(?:\.[\w-]+)*")
_NOW = re.compile(r"now(?:\s*([+-])\s*((?:\d+\s*[wdhms]\s*)+))?")
_SPAN = re.compile(r"(\d+)\s*([wdhms])")
_UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes", "s": "seconds"}


class UnknownReference(SetupError):
    """A reference that names nothing. The message says what there is instead."""


def resolve(value: Any, names: Mapping[str, Any]) -> Any:
    """The value with every reference in its texts replaced; what came in is not changed.

    `names["now"]` is a datetime or its ISO text. A value that is callable is called when it is first needed.
    Raises UnknownReference.
    """
    if isinstance(value, str):
        return _resolve_text(value, names)
    if isinstance(value, Mapping):
        return {key: resolve(each, names) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [resolve(each, names) for each in value]
    return value


def replace(value: Any, name: str, given: Any) -> Any:
    """The value with the references that begin with `name` replaced, and all others left as they are.

    Raises UnknownReference for a member that `given` does not have.
    """
    if isinstance(value, str):
        return _resolve_text(value, {name: given}, only=name)
    if isinstance(value, Mapping):
        return {key: replace(each, name, given) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [replace(each, name, given) for each in value]
    return value


def heads(text: str) -> list[str]:
    """The first names of the references in a text: `ret` for `${ret.id}`. Raises UnknownReference for one that cannot
    be read."""
    return [_head(found.group(1)) for found in _REFERENCE.finditer(text) if found.group(1) is not None]


def has_reference(value: Any) -> bool:
    """Whether there is a reference anywhere in a value."""
    if isinstance(value, str):
        return any(found.group(1) is not None for found in _REFERENCE.finditer(value))
    each: Iterable[Any] = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return any(has_reference(one) for one in each)


def need_name(name: str, known: Iterable[str]) -> None:
    """Raises UnknownReference where nothing of this name is known."""
    names = sorted(known)
    if name not in names:
        raise UnknownReference(
            f"Nothing is called {name} at this step; there are {listed(names)}.{nearest(name, names)}"
        )


def _resolve_text(text: str, names: Mapping[str, Any], only: str | None = None) -> Any:
    whole = _REFERENCE.fullmatch(text)
    if whole and whole.group(1) is not None:
        expression = whole.group(1)
        return text if only not in (None, _head(expression)) else _value(expression, names)

    def written(found: re.Match[str]) -> str:
        expression = found.group(1)
        if expression is None:
            return found.group() if only is not None else "${"
        if only not in (None, _head(expression)):
            return found.group()
        value = _value(expression, names)
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    return _REFERENCE.sub(written, text)


def _head(expression: str) -> str:
    expression = expression.strip()
    if _NOW.fullmatch(expression):
        return "now"
    if not _NAMED.fullmatch(expression):
        raise UnknownReference(
            f"${{{expression}}} is no reference; expected a name with members, such as ${{ret.id}}, or ${{now+2d}}."
        )
    return expression.split(".", 1)[0]


def _value(expression: str, names: Mapping[str, Any]) -> Any:
    expression = expression.strip()
    moved = _NOW.fullmatch(expression)
    head, *members = ["now"] if moved else _checked(expression).split(".")
    need_name(head, names)
    value = names[head]
    value = value() if callable(value) else value
    if moved:
        return _shifted(value, moved.group(1), moved.group(2))
    walked = head
    for member in members:
        value = _member(value, member, walked)
        walked = f"{walked}.{member}"
    return value


def _checked(expression: str) -> str:
    _head(expression)
    return expression


def _member(value: Any, member: str, walked: str) -> Any:
    if isinstance(value, Mapping):
        if member in value:
            return value[member]
        names = [str(key) for key in value]
        raise UnknownReference(f"{walked} has no member {member}; it has {listed(names)}.{nearest(member, names)}")
    if isinstance(value, list | tuple):
        if member.isdecimal() and int(member) < len(value):
            return value[int(member)]
        raise UnknownReference(f"{walked} is a list of {len(value)}, which has no element {member} (the first is 0).")
    raise UnknownReference(f"{walked} is {json.dumps(value, default=str)}, which has no members such as {member}.")


def _shifted(now: Any, sign: str | None, span: str | None) -> str:
    moment = now if isinstance(now, datetime) else datetime.fromisoformat(str(now))
    if sign and span:
        parts: dict[str, int] = {}
        for count, unit in _SPAN.findall(span):
            parts[_UNITS[unit]] = parts.get(_UNITS[unit], 0) + int(count)
        moment += timedelta(**parts) if sign == "+" else -timedelta(**parts)
    return moment.isoformat(timespec="seconds")
