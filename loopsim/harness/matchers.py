"""Whether a value is what was expected: literals, typed matchers, and what differs where.

    {"state": "closed", "id": "#integer", "total": {"$regex": "^12\\\\."}, "label": "#absent"}

A mapping matches when each of its members does (the actual one may have more), a list element by element. Texts are
compared as they are, so `"12.30"` is not `"12.3"`. A text that begins with the name of a matcher is written `##uuid`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from msgspec import Struct

from loopsim.errors import SetupError
from loopsim.harness.problems import listed, nearest

LONGEST = 120  # characters of a value in a text


class _Missing:
    def __repr__(self) -> str:
        return "nothing"


MISSING: Final = _Missing()
"""What stands in for a member that is not there."""


class Mismatch(Struct, frozen=True):
    """Where a value is not what was expected: `path` is dotted (`items.0.sku`, empty for the whole), `expected` and
    `actual` are short texts to set side by side."""

    path: str
    expected: str
    actual: str

    def __str__(self) -> str:
        where = f"{self.path}: " if self.path else ""
        return f"{where}expected {self.expected}, found {self.actual}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_MONEY = re.compile(r"-?(?:0|[1-9][0-9]*)\.[0-9]{2}")
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:[.,]\d+)?(?:Z|[+-]\d{2}:?\d{2})?|\d{4}-\d{2}-\d{2}")


def _is_moment(value: Any) -> bool:
    if not isinstance(value, str) or not _ISO.fullmatch(value):
        return False
    return _moment(value) is not None


def _moment(value: str) -> datetime | None:
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None


def _text_of(pattern: re.Pattern[str]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


# name: what it says in a mismatch, and whether a value (or MISSING) is one
MATCHERS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "uuid": ("a UUID", _text_of(_UUID)),
    "money": ('money as a text with two decimals, such as "12.30"', _text_of(_MONEY)),
    "iso8601": ("a moment or date in ISO 8601", _is_moment),
    "integer": ("an integer", _is_integer),
    "number": ("a number", _is_number),
    "string": ("a text", lambda value: isinstance(value, str)),
    "boolean": ("true or false", lambda value: isinstance(value, bool)),
    "present": ("a value, whichever", lambda value: value is not MISSING),
    "absent": ("no such member", lambda value: value is MISSING),
    "null": ("null", lambda value: value is None),
    "any": ("anything or nothing", lambda _value: True),
}
OPERATORS = ("$regex", "$range", "$contains", "$one_of", "$not")


def match(expected: Any, actual: Any) -> list[Mismatch]:
    """What differs, in the order of `expected`; an empty list is a match. `actual` may be MISSING.

    Raises SetupError for a matcher that is none, such as `{$regexp: …}` or a range with three ends.
    """
    return _match(expected, actual, ())


def matches(expected: Any, actual: Any) -> bool:
    """Whether `match` finds no difference."""
    return not match(expected, actual)


def is_matcher(value: Any) -> bool:
    """Whether a value of a scenario is meant as a matcher and no literal: `#uuid`, `#uid`, `{$regex: …}`."""
    if isinstance(value, str):
        return value[:1] == "#" and (value[1:] in MATCHERS or _typo(value) is not None)
    return isinstance(value, Mapping) and _has_operator(value)


def check(expected: Any) -> list[tuple[tuple[str | int, ...], str]]:
    """What is wrong with the matchers in an expected value, each with its path: for finding it before a run."""
    return list(_check(expected, ()))


def short(value: Any) -> str:
    """A value as one short text: JSON, cut where it is long; `nothing` for what is not there."""
    if value is MISSING:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _match(expected: Any, actual: Any, path: tuple[str, ...]) -> list[Mismatch]:
    if isinstance(expected, str):
        return _match_text(expected, actual, path)
    if isinstance(expected, Mapping):
        if _has_operator(expected):
            return _match_operator(expected, actual, path)
        return _match_mapping(expected, actual, path)
    if isinstance(expected, Sequence) and not isinstance(expected, bytes):
        return _match_list(expected, actual, path)
    if _same(expected, actual):
        return []
    says = short(expected)
    if _is_number(expected) and isinstance(actual, str):
        says += " (a number, not a text)"
    return [_mismatch(path, says, actual)]


def _match_text(expected: str, actual: Any, path: tuple[str, ...]) -> list[Mismatch]:
    if expected.startswith("##"):
        expected = expected[1:]
    elif expected[:1] == "#" and expected[1:] in MATCHERS:
        says, holds = MATCHERS[expected[1:]]
        return [] if holds(actual) else [_mismatch(path, f"{says} ({expected})", actual)]
    if isinstance(actual, str) and actual == expected:
        return []
    return [_mismatch(path, short(expected), actual)]


def _match_mapping(expected: Mapping[Any, Any], actual: Any, path: tuple[str, ...]) -> list[Mismatch]:
    if not isinstance(actual, Mapping):
        return [_mismatch(path, f"a mapping with {short(expected)}", actual)]
    return [
        found for key, value in expected.items() for found in _match(value, actual.get(key, MISSING), (*path, str(key)))
    ]


def _match_list(expected: Sequence[Any], actual: Any, path: tuple[str, ...]) -> list[Mismatch]:
    if not isinstance(actual, list | tuple):
        return [_mismatch(path, f"a list of {len(expected)}", actual)]
    if len(actual) != len(expected):
        return [_mismatch(path, f"a list of {len(expected)}: {short(expected)}", actual, f"a list of {len(actual)}: ")]
    pairs = enumerate(zip(expected, actual, strict=True))
    return [found for n, (want, have) in pairs for found in _match(want, have, (*path, str(n)))]


def _match_operator(expected: Mapping[Any, Any], actual: Any, path: tuple[str, ...]) -> list[Mismatch]:
    if wrong := _operator_problem(expected):
        raise SetupError(f"{'.'.join(path) or 'The expected value'}: {wrong}")
    ((operator, argument),) = expected.items()
    holds, says = _JUDGES[operator](argument, actual)
    return [] if holds else [_mismatch(path, says, actual)]


def _regex(pattern: str, actual: Any) -> tuple[bool, str]:
    text = actual if isinstance(actual, str) else short(actual) if _is_number(actual) else None
    return text is not None and re.search(pattern, text) is not None, f"a text like /{pattern}/"


def _range(ends: Sequence[Any], actual: Any) -> tuple[bool, str]:
    low, high = ends
    says = f"between {short(low)} and {short(high)}"
    if high is None or low is None:
        says = f"at least {short(low)}" if high is None else f"at most {short(high)}"
    return any(_between(read, low, actual, high) for read in (_decimal, _moment_of)), says


def _between(read: Callable[[Any], Any], low: Any, actual: Any, high: Any) -> bool:
    """Whether a value is in a range, all three read as one kind; what cannot be read so is None."""
    bottom, value, top = read(low), read(actual), read(high)
    if value is None or (low is not None and bottom is None) or (high is not None and top is None):
        return False
    try:
        return (bottom is None or bottom <= value) and (top is None or value <= top)
    except TypeError:  # a moment with a zone and one without
        return False


def _contains(part: Any, actual: Any) -> tuple[bool, str]:
    says = f"something with {short(part)} in it"
    if isinstance(actual, str):
        return isinstance(part, str) and part in actual, says
    if isinstance(actual, list | tuple):
        return any(matches(part, each) for each in actual), says
    return isinstance(actual, Mapping) and isinstance(part, Mapping) and matches(part, actual), says


def _one_of(choices: Sequence[Any], actual: Any) -> tuple[bool, str]:
    return any(matches(each, actual) for each in choices), f"one of {short(choices)}"


def _not(other: Any, actual: Any) -> tuple[bool, str]:
    return not matches(other, actual), f"anything but {short(other)}"


_JUDGES: dict[str, Callable[[Any, Any], tuple[bool, str]]] = {
    "$regex": _regex, "$range": _range, "$contains": _contains, "$one_of": _one_of, "$not": _not,
}  # fmt: skip


def _decimal(value: Any) -> Decimal | None:
    """Numbers and decimal texts, exactly: a float by its shortest spelling."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _moment_of(value: Any) -> datetime | None:
    return _moment(value) if isinstance(value, str) and _ISO.fullmatch(value) else None


def _same(expected: Any, actual: Any) -> bool:
    if isinstance(expected, bool) or isinstance(actual, bool) or expected is None:
        return expected is actual
    return bool(expected == actual)


def _mismatch(path: tuple[str, ...], expected: str, actual: Any, before: str = "") -> Mismatch:
    return Mismatch(".".join(path), expected, before + short(actual))


# before a run


def _check(expected: Any, path: tuple[str | int, ...]) -> list[tuple[tuple[str | int, ...], str]]:
    if isinstance(expected, str):
        return [(path, says)] if (says := _typo(expected)) else []
    if isinstance(expected, Mapping):
        if _has_operator(expected) and (says := _operator_problem(expected)):
            return [(path, says)]
        return [found for key, value in expected.items() for found in _check(value, (*path, str(key)))]
    if isinstance(expected, list | tuple):
        return [found for n, value in enumerate(expected) for found in _check(value, (*path, n))]
    return []


def _typo(text: str) -> str | None:
    """A text such as `#uid` is taken for a matcher that was misspelt; `#1001` is an order's name."""
    word = text[1:]
    if text[:1] != "#" or word in MATCHERS or not re.fullmatch(r"[a-z][a-z0-9_]*", word):
        return None
    near = nearest(text, [f"#{name}" for name in MATCHERS])
    return f"Found {text}, which is no matcher.{near} For the text itself write #{text}." if near else None


def _has_operator(expected: Mapping[Any, Any]) -> bool:
    # `$.items[0]` is a JSONPath.
    return any(re.match(r"\$[A-Za-z_]", str(key)) for key in expected)


def _operator_problem(expected: Mapping[Any, Any]) -> str | None:
    keys = [str(key) for key in expected]
    unknown = next((key for key in keys if key not in OPERATORS), None)
    if unknown is not None and unknown.startswith("$"):
        return f"Found {unknown}; expected one of {listed(OPERATORS)}.{nearest(unknown, OPERATORS)}"
    if len(keys) != 1:
        return f"Found {listed(keys)}; a matcher stands alone. Combine with another member or $not."
    ((operator, argument),) = expected.items()
    if operator == "$regex":
        try:
            re.compile(argument)
        except (re.error, TypeError) as error:
            return f"$regex takes a regular expression, found {short(argument)}: {error}."
    if operator == "$range" and not (isinstance(argument, list | tuple) and len(argument) == 2):
        return f"$range takes [lowest, highest], null for none, found {short(argument)}."
    if operator == "$one_of" and not isinstance(argument, list | tuple):
        return f"$one_of takes a list, found {short(argument)}."
    return None
