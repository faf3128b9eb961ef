"""Is a request well formed? Bodies, path parameters and queries, read and judged by the operation's own declaration."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import islice
from typing import Any

import msgspec

from loopsim.contract.operation import Operation
from loopsim.contract.schemas import Reader
from loopsim.contract.shapes import JSON
from loopsim.contract.shaping import INTEGER_LIMIT, Notes, excerpt, read_integer
from loopsim.errors import Invalid, Refusal

MULTIPART = "multipart/form-data"
FORM = "application/x-www-form-urlencoded"
MOST_TOLD = 1001
"""Of a body that is refused, so many array elements and unknown fields are judged: one more than any array may have."""
MOST_VALUES = 20_000
"""Values that a JSON body may hold where the operation's `x-limits` does not say otherwise: some ten times what the
largest of them all needs. Millions of tiny ones would take seconds to read and to judge."""
_STRING_OR_MARK = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[,\[{]', re.DOTALL)
_CAPITAL = re.compile(r"([A-Z])")
TOO_MUCH = "The body field is not well formed, and too large to say where."


class Validated(msgspec.Struct, frozen=True):
    """A well-formed request part: the values as the operation shall see them, and the dotted paths of the fields that
    the client sent and the contract does not know (dropped for Loop's API, as Loop does), and of amounts cut to a whole
    number."""

    value: Any
    unknown: tuple[str, ...] = ()
    truncated: tuple[str, ...] = ()


def read_body(operation: Operation, raw: bytes, content_type: str) -> Any:
    """The JSON value of a request body; an empty body is `{}`, as is any body of an operation that takes none.

    Forms of either kind become objects of texts, their brackets arrays, as PHP reads them; a file is its text, and
    what stands in the place of a file and is none is left out. Raises Refusal `malformed_json` for what is no JSON,
    holds NaN or a number beyond a double, or is nested too deeply to be read, and `body_too_large` for one of too many
    values.
    """
    if operation.body_schema is None or not raw.strip():
        return {}
    try:
        media = content_type.partition(";")[0].strip().lower()
        if media in (FORM, MULTIPART):
            # Only here, as below: most bodies are JSON, and well formed.
            from loopsim.contract.forms import read_form, read_multipart

            fields, files = (read_form(raw), set()) if media == FORM else read_multipart(raw, content_type)
            return {name: value for name, value in fields.items() if name in files or name not in operation.files}
        if operation.files and media != JSON:
            return {}
        most = operation.limits.get("values", MOST_VALUES)
        if _holds_more_than(most, raw):
            raise Refusal("body_too_large", limit=most)
        read = msgspec.json.decode(raw)
        return {} if operation.files else read
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError):
        raise Refusal("malformed_json") from None


def _holds_more_than(most: int, raw: bytes) -> bool:
    """Whether JSON has more than so many values, told without reading it: before each stands a comma or a bracket."""
    if len(raw) <= most or raw.count(b",") + raw.count(b"[") + raw.count(b"{") <= most:
        return False
    # Those in texts do not count. A value with its name is at most two texts and a mark: so many tokens tell enough.
    tokens = islice(_STRING_OR_MARK.finditer(raw), 4 * most)
    return sum(raw[token.start()] != ord('"') for token in tokens) > most


def validate(operation: Operation, body: Any, most_told: int = MOST_TOLD) -> Validated:
    """The body as the operation shall see it. Raises Invalid with Laravel's words for what is not well formed; for them
    `most_told` array elements are judged.

    Loop's API: a body that is no object counts as an empty one, as its framework has it, so its required fields are
    missing.
    """
    schema = operation.body_schema
    if schema is None:
        return Validated({})
    reader = operation.schemas.body_reader(schema)
    if operation.api == "loop" and not isinstance(body, dict) and "object" in reader.shape.types:
        body = {}
    return _judged(reader, body, most_told)


def read_path(operation: Operation, path_params: Mapping[str, str]) -> dict[str, Any]:
    """The path parameters by their declared types.

    Raises the refusal that the operation declares for a value that cannot be read, with the value under its name.
    """
    read: dict[str, Any] = dict(path_params)
    for parameter in operation.parameters:
        if parameter.place != "path" or parameter.schema.get("type") != "integer":
            continue
        text = path_params[parameter.name]
        number = read_integer(text)
        if number is None and text.isascii() and text.isdigit() and text[0] != "0":
            # A number all the same, though nobody has it: PHP's cast stops at the largest.
            number = INTEGER_LIMIT - 1
        if number is None:
            raise Refusal(parameter.invalid or "not_found", **path_params)
        read[parameter.name] = number
    return read


def read_ids(operation: Operation, ids: Mapping[str, Any]) -> dict[str, Any]:
    """The path parameters from fields named like them in snake case, as a line of a bulk operation has them. Raises
    Invalid for those that are missing or of another type."""
    read, wrong = dict[str, Any](), dict[str, list[str]]()
    for parameter in operation.parameters:
        if parameter.place != "path":
            continue
        name = _CAPITAL.sub(r"_\1", parameter.name).lower()
        given, label, whole = ids.get(name), name.replace("_", " "), parameter.schema.get("type") == "integer"
        value = read_integer(str(given)) if whole else given if isinstance(given, str) else None
        if given is None or given == "":
            wrong[name] = [f"The {label} field is required."]
        elif value is None:
            wrong[name] = [f"The {label} field must be {'an integer' if whole else 'a string'}."]
        read[parameter.name] = value
    if wrong:
        raise Invalid(wrong)
    return read


def read_query(operation: Operation, query: Mapping[str, str]) -> Validated:
    """The declared query parameters by their types, with their defaults; unknown ones are dropped and told.

    Raises Invalid, with messages by parameter. Meant for operations whose parameters mean what their schemas say (the
    control API's); where Loop reads more leniently (`x-lenient`), the operation's function reads the texts itself.
    """
    schema = operation.query_schema
    if not query and not schema["properties"]:
        return Validated({}, ())
    validated = _judged(operation.schemas.query_reader(schema), dict(query))
    defaults = {name: each["default"] for name, each in schema["properties"].items() if "default" in each}
    return Validated({**defaults, **validated.value}, validated.unknown)


def _judged(reader: Reader, value: Any, most_told: int = MOST_TOLD) -> Validated:
    notes = Notes()
    try:
        read = reader.shape.read(value, "", notes)
        if reader.validator.is_valid(read):
            return Validated(read, tuple(notes.unknown), tuple(notes.truncated))
        # Each error costs some 100 microseconds, and a body may have millions.
        judged = excerpt(reader.shape, read, most_told)
        errors = list(reader.validator.iter_errors(judged))
    except (RecursionError, ValueError):
        # Read by the parser, but nested too deeply to be looked into.
        raise Refusal("malformed_json") from None
    from loopsim.contract.messages import field_messages

    raise Invalid(field_messages(reader, judged, errors) or {"body": [TOO_MUCH]})
