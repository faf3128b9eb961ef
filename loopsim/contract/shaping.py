"""What happens to a request's values before they are judged.

Laravel's rules are not JSON Schema's. Before any rule runs, its middleware trims every string and turns empty ones
into null, and for its rules a required null or empty array or object is missing, `"12"` is an integer, and 1 is true.
Fields that no rule names never reach the controller. A shape makes that of a body once, so that plain JSON Schema can
judge the rest.

The control API is our own and reads literally. For both, `1.0` becomes the integer that JSON Schema takes it for, and
a number beyond 64 bits is no integer, as PHP has it.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import Any, NamedTuple

from loopsim.contract.pointers import resolve_ref


class Leniency(NamedTuple):
    """Which liberties a reader takes: `trim` Laravel's clean-up, `cast` texts as numbers and booleans, `words` texts
    such as `on` as booleans, `drop` fields that the schema does not name."""

    trim: bool = False
    cast: bool = False
    words: bool = False
    drop: bool = False


LARAVEL = Leniency(trim=True, cast=True, drop=True)
CONTROL = Leniency()
QUERY = Leniency(cast=True, words=True, drop=True)

INTEGER_TEXT = re.compile(r"[+-]?(?:0|[1-9][0-9]{0,18})", re.ASCII)
INTEGER_LIMIT = 2**63
_NUMBER_TEXT = re.compile(r"[+-]?[0-9]{1,300}(?:\.[0-9]{1,300})?", re.ASCII)
_TRUE = frozenset(("true", "on", "yes", "1"))
_FALSE = frozenset(("false", "off", "no", "0"))


def read_integer(text: str) -> int | None:
    """The integer a text stands for, or None: no fraction, no leading zero, within 64 bits, as PHP's filter has it."""
    if INTEGER_TEXT.fullmatch(text) is None:
        return None
    number = int(text)
    return number if -INTEGER_LIMIT <= number < INTEGER_LIMIT else None


class Notes:
    """What was done to a request without a word, by dotted paths: fields dropped because nobody knows them, and amounts
    of which a fraction was cut off."""

    __slots__ = ("truncated", "unknown")

    def __init__(self) -> None:
        self.unknown: list[str] = []
        self.truncated: list[str] = []


class Shape:
    """What a schema says about the form of a value, compiled for one leniency; `read` applies it."""

    __slots__ = (
        "casts_texts",
        "filled",
        "is_file",
        "is_truth",
        "is_whole",
        "items",
        "keeps_empty",
        "keeps_trimmed",
        "leniency",
        "may_be_empty",
        "names_keys",
        "properties",
        "rest",
        "truncates",
        "types",
    )

    def __init__(self, leniency: Leniency) -> None:
        self.leniency = leniency
        self.types: set[str] = set()
        self.properties: dict[str, Shape] = {}
        self.items: Shape | None = None
        self.rest: Shape | None = None
        self.names_keys = False
        self.filled: set[str] = set()
        self.casts_texts = self.is_whole = self.is_truth = self.keeps_trimmed = False
        self.may_be_empty = False
        self.truncates = False
        self.keeps_empty = False
        self.is_file = False

    def seal(self) -> None:
        """Make what is asked of every value once, from what the schema says."""
        casts = self.leniency.cast and bool(self.types & {"integer", "number", "boolean"})
        self.casts_texts = casts and "string" not in self.types
        self.is_whole = "integer" in self.types and "number" not in self.types
        self.is_truth = self.leniency.cast and "boolean" in self.types and not self.types & {"integer", "number"}
        self.keeps_trimmed = self.leniency.trim and not self.casts_texts
        if not self.leniency.trim:
            self.filled.clear()

    def read(self, value: Any, prefix: str, notes: Notes) -> Any:
        """The value as the rules shall see it. What is done without a word goes to `notes`; `prefix` is the
        path so far, empty or ending in a dot."""
        kind = type(value)
        if kind is str:
            return self._text(value)
        if kind is dict:
            return self._object(value, prefix, notes)
        if kind is list:
            return self._array(value, prefix, notes)
        if kind is int:
            return self._int(value)
        return self._float(value, prefix, notes) if kind is float and self.is_whole else value

    def _text(self, value: str) -> Any:
        if self.leniency.trim:
            trimmed = value.strip()
            if not trimmed:
                return trimmed if self.keeps_empty else None
            if not self.is_file:
                value = trimmed
        return _cast(value, self.types, words=self.leniency.words) if self.casts_texts else value

    def _int(self, value: int) -> Any:
        if self.is_whole:
            # Beyond the limit it is nobody's integer: to a validator it would be one, as a text it is told of.
            return value if -INTEGER_LIMIT <= value < INTEGER_LIMIT else str(value)
        return bool(value) if self.is_truth and value in (0, 1) else value

    def _float(self, value: float, prefix: str, notes: Notes) -> Any:
        if not -INTEGER_LIMIT <= value < INTEGER_LIMIT:
            return str(value)
        if self.truncates and value != int(value):
            notes.truncated.append(prefix[:-1])
            return int(value)
        return int(value) if value == int(value) else value

    def _array(self, value: list[Any], prefix: str, notes: Notes) -> Any:
        if not value and self.leniency.trim and "object" in self.types and "array" not in self.types:
            # PHP knows one empty array; its clients send [] for an empty object.
            return {}
        items = self.items or (_TRIMMED if self.leniency.trim else None)
        if items is None:
            return value
        return [items.read(each, f"{prefix}{index}.", notes) for index, each in enumerate(value)]

    def _object(self, value: dict[str, Any], prefix: str, notes: Notes) -> Any:
        # Most of what is sent stays as it is: a copy is changed where it does not.
        read, find = value.copy(), self.properties.get
        for key, each in value.items():
            shape = find(key)
            if shape is None:
                if self.names_keys:
                    notes.unknown.append(prefix + key)
                    if self.leniency.drop:
                        del read[key]
                        continue
                shape = self.rest
                if shape is None:
                    if self.leniency.trim:
                        read[key] = _TRIMMED.read(each, "", Notes())
                    continue
            # Most values are texts and numbers, and most paths are never told: neither is worth a detour.
            kind = type(each)
            if kind is str:
                if shape.keeps_trimmed and each and each.strip() is each:
                    continue
                each = shape._text(each)
            elif kind is int:
                if shape.is_whole and -INTEGER_LIMIT <= each < INTEGER_LIMIT:
                    continue
                each = shape._int(each)
            elif kind is dict:
                each = shape._object(each, f"{prefix}{key}.", notes)
            elif kind is not bool and each is not None:
                each = shape.read(each, f"{prefix}{key}.", notes)
            if not each and key in self.filled and _is_blank(each, shape):
                del read[key]
            else:
                read[key] = each
        return read


def _is_blank(value: Any, shape: Shape) -> bool:
    return "null" not in shape.types if value is None else value in ([], {}) and not shape.may_be_empty


def _cast(text: str, types: set[str], *, words: bool) -> Any:
    if "integer" in types and (number := read_integer(text)) is not None:
        return number
    if "number" in types and _NUMBER_TEXT.fullmatch(text):
        return float(text)
    if "boolean" in types:
        if text in ("0", "1"):
            return text == "1"
        if words and text.lower() in _TRUE | _FALSE:
            return text.lower() in _TRUE
    return text


_TRIMMED = Shape(Leniency(trim=True))
_TRIMMED.seal()
"""For values that no schema describes: trimmed all the same."""


def excerpt(shape: Shape, value: Any, most: int) -> Any:
    """A value as a shape has read it, with about `most` array elements and unnamed fields at most. What is left is as
    well or as badly formed as it was, and no array is left without its first element."""
    left = most

    def cut(shape: Shape, value: Any) -> Any:
        nonlocal left
        if isinstance(value, list):
            kept = value[: max(1, left)]
            left -= len(kept)
            return [cut(shape.items or _TRIMMED, each) for each in kept]
        if isinstance(value, dict):
            named = {key: each for key, each in value.items() if key in shape.properties}
            rest = dict(islice(((key, each) for key, each in value.items() if key not in named), max(0, left)))
            left -= len(rest)
            return {
                key: cut(shape.properties.get(key) or shape.rest or _TRIMMED, each)
                for key, each in (*named.items(), *rest.items())
            }
        return value

    return cut(shape, value)


def shape_of(document: dict[str, Any], schema: Any, leniency: Leniency) -> Shape:
    """The shape of a schema of `document`. Branches of one-of, any-of, all-of and conditions count together: what one
    of them names is known."""
    return _build(document, schema, leniency, {})


def _build(document: dict[str, Any], schema: Any, leniency: Leniency, built: dict[int, Shape]) -> Shape:
    # By the node as it stands in the document, which outlives this; a resolved one may be made for the moment.
    if id(schema) in built:
        return built[id(schema)]
    shape = built[id(schema)] = Shape(leniency)
    resolved = resolve_ref(document, schema)
    if isinstance(resolved, dict):
        _add(document, resolved, shape, built)
    shape.seal()
    return shape


def _add(document: dict[str, Any], schema: dict[str, Any], shape: Shape, built: dict[int, Shape]) -> None:
    types = schema.get("type", [])
    shape.types.update([types] if isinstance(types, str) else types)
    shape.truncates |= bool(schema.get("x-truncates"))
    shape.keeps_empty |= schema.get("x-empty") == "kept"
    # A file's lines keep their numbers.
    shape.is_file |= bool(schema.get("x-file"))
    if 0 in (schema.get("minItems"), schema.get("minProperties")):
        # Said outright: an empty array or object is a value here.
        shape.may_be_empty = True
    for name, inner in schema.get("properties", {}).items():
        shape.properties.setdefault(name, _build(document, inner, shape.leniency, built))
    if shape.properties and "additionalProperties" not in schema:
        shape.names_keys = True
    rest = schema.get("additionalProperties")
    if isinstance(rest, dict):
        shape.rest = _build(document, rest, shape.leniency, built)
    if "items" in schema:
        shape.items = _build(document, schema["items"], shape.leniency, built)
    shape.filled.update(schema.get("required", []))
    for several in schema.get("dependentRequired", {}).values():
        shape.filled.update(several)
    branches = [branch for key in ("oneOf", "anyOf", "allOf") for branch in schema.get(key, [])]
    branches += [schema[key] for key in ("if", "then", "else") if key in schema]
    for branch in branches:
        resolved = resolve_ref(document, branch)
        if isinstance(resolved, dict):
            _add(document, resolved, shape, built)
