"""Reading the fields of a JSON object that somebody else wrote: a value of the right type, or what is wrong and where.

Absent and null are the same thing here. Loop says "nothing" in other ways too: `""`, `"N/A"`, and PHP's `[]` for an
empty object.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeVar

from loopsim.wire import times
from loopsim.wire.money import minor

T = TypeVar("T")
Object = dict[str, Any]

LARGEST_ID = 9 * 10**18  # leaves the 63 bits of a record's id some room to count on
LARGEST_AMOUNT = 10**15
NOTHING = ("", "N/A")
DEEPEST = 64
_LONGEST_SHOWN = 60
_YEAR = re.compile(r"\d{4}-", re.ASCII)
_NO_MATTER = datetime(1970, 1, 1, tzinfo=UTC)  # relative dates, which would need a now, are not read
_OFFSET = re.compile(r"[+-]\d{2}:\d{2}", re.ASCII)
_KINDS = {dict: "an object", list: "a list", bool: "true or false", str: "text", int: "a number", float: "a number"}


class Unreadable(ValueError):
    """A field is not what it should be. `field` is its path (`line_items[0].price`, empty for the whole), `reason` says
    what is wrong with it."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(field, reason)
        self.field = field
        self.reason = reason

    def inside(self, outer: str) -> Unreadable:
        """The same, seen from the object that holds the field's object under `outer`."""
        dot = "." if self.field and not self.field.startswith("[") else ""
        return Unreadable(f"{outer}{dot}{self.field}", self.reason)


def shown(value: Any) -> str:
    """A value as a message quotes it."""
    if isinstance(value, dict | list):
        return _KINDS[type(value)]
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def _misplaced(field: str, value: Any, wanted: str) -> Unreadable:
    return Unreadable(field, f"{shown(value)} stands where {wanted} belongs")


def an_object(value: Any) -> Object:
    """The object itself; raises `Unreadable` for anything else."""
    if isinstance(value, dict):
        return value
    raise _misplaced("", value, "an object")


def check_depth(value: Any) -> None:
    """Raises `Unreadable` where objects and lists stand deeper in each other than what works on them may recurse."""
    level = [value]
    for _ in range(DEEPEST):
        level = [inner for outer in level for inner in _contents(outer) if type(inner) in (dict, list)]
        if not level:
            return
    raise Unreadable("", f"objects or lists stand more than {DEEPEST} deep in each other")


def _contents(value: Any) -> Iterable[Any]:
    return value.values() if type(value) is dict else value


# ids and numbers


def maybe_id(of: Object, key: str) -> int | None:
    """An id, as digits or as a number; nothing and 0 are None."""
    value = of.get(key)
    if value is None or value in NOTHING:
        return None
    if type(value) is str and len(value) <= 19 and value.isascii() and value.isdigit():
        value = int(value)
    if type(value) is not int or not 0 <= value <= LARGEST_ID:
        raise Unreadable(key, f"{shown(value)} is not an id, which is a whole number")
    return value or None


def an_id(of: Object, key: str) -> int:
    """An id that has to be there."""
    found = maybe_id(of, key)
    if found is None:
        raise Unreadable(key, "the id is missing")
    return found


def maybe_int(of: Object, key: str) -> int | None:
    """A whole number; None for whatever is none."""
    value = of.get(key)
    return value if type(value) is int and abs(value) <= LARGEST_ID else None


@lru_cache(maxsize=8192)
def _minor(text: str) -> int:
    return minor(text)


def amount(of: Object, key: str) -> int:
    """Money in minor units; nothing is 0. A number is read as the text it is written with."""
    value = of.get(key)
    if value is None:
        return 0
    text = repr(value) if type(value) in (int, float) else value
    try:
        found = _minor(text) if type(text) is str and len(text) <= 20 else None
    except ValueError:
        found = None
    if found is None or abs(found) > LARGEST_AMOUNT:
        raise Unreadable(key, f"{shown(value)} is not an amount like 69.95")
    return found


# text and truth


def maybe_text(of: Object, key: str) -> str | None:
    """Text; a number as it is written."""
    value = of.get(key)
    if value is None or type(value) is str:
        return value
    if type(value) in (int, float):
        return str(value)
    raise _misplaced(key, value, "text")


def text(of: Object, key: str, otherwise: str = "") -> str:
    """Text, or what stands for nothing."""
    found = maybe_text(of, key)
    return otherwise if found is None else found


def digits(of: Object, key: str) -> str:
    """Text that is all digits, or empty: what cannot be printed as a number later counts as nothing."""
    found = text(of, key)
    return found if found.isascii() and found.isdigit() and len(found) <= 19 else ""


def truth(of: Object, key: str) -> bool:
    """True or false; nothing is false."""
    value = of.get(key)
    if value is None or type(value) is bool:
        return bool(value)
    raise _misplaced(key, value, "true or false")


# times


def maybe_moment(of: Object, key: str) -> datetime | None:
    """A moment in any of Loop's spellings (no zone means UTC), a PHP DateTime among them."""
    value = of.get(key)
    if value is None or value in NOTHING or value == []:
        return None
    written = _php_moment(value) if isinstance(value, dict) else value
    found = _parsed(written) if type(written) is str else None
    if found is None:
        raise Unreadable(key, f"{shown(value)} is not a time like 2026-05-27T16:30:36+00:00")
    return found


def _php_moment(dump: Object) -> Any:
    date, zone = dump.get("date"), dump.get("timezone")
    return f"{date}{zone}" if isinstance(zone, str) and _OFFSET.fullmatch(zone) else date


def _parsed(written: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(written)
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return times.parse(written, _NO_MATTER) if _YEAR.match(written) else None
    return found if 1900 <= found.year < 9000 else None


# what holds others


def maybe_object(of: Object, key: str, read: Callable[[Object], T]) -> T | None:
    """An object, read; None where there is none."""
    value = of.get(key)
    if value is None or value == [] or value in NOTHING:
        return None
    if not isinstance(value, dict):
        raise _misplaced(key, value, "an object")
    try:
        return read(value)
    except Unreadable as error:
        raise error.inside(key) from None


def each(of: Object, key: str, read: Callable[[Object], T]) -> tuple[T, ...]:
    """The objects of a list, read; nothing is an empty list."""
    found = []
    for index, value in enumerate(a_list(of, key)):
        try:
            found.append(read(an_object(value)))
        except Unreadable as error:
            raise error.inside(f"{key}[{index}]") from None
    return tuple(found)


def a_list(of: Object, key: str) -> list[Any]:
    """A list; nothing is an empty one."""
    value = of.get(key)
    if value is None:
        return []
    if isinstance(value, list):
        return value
    raise _misplaced(key, value, "a list")
