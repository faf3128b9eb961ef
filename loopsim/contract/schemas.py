"""The schemas of one document, compiled when they are first needed, each with only the components it reaches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from loopsim.contract.pointers import resolve_ref, with_reached_components
from loopsim.contract.shaping import CONTROL, LARAVEL, QUERY, Leniency, Shape, shape_of

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator


class Reader:
    """What reads one value of a request: the shape that cleans it, and the validator that judges it.

    `schema` is the schema with the components it reaches, as the validator's errors point into it.
    """

    def __init__(self, shape: Shape, schema: dict[str, Any], validator: Draft202012Validator) -> None:
        self.shape = shape
        self.schema = schema
        self.validator = validator


class Schemas:
    """The compiled schemas of one document of one API (`loop` or `control`)."""

    def __init__(self, api: str, document: dict[str, Any]) -> None:
        self.api = api
        self.document = document
        self._readers: dict[int, tuple[Any, Reader]] = {}
        self._validators: dict[tuple[int, bool], tuple[Any, Draft202012Validator]] = {}

    def body_reader(self, schema: dict[str, Any]) -> Reader:
        """The reader of a request body: with Laravel's leniency for Loop's API, literal for the control API."""
        return self._reader(schema, LARAVEL if self.api == "loop" else CONTROL)

    def query_reader(self, schema: dict[str, Any]) -> Reader:
        """The reader of query parameters, which arrive as text."""
        return self._reader(schema, QUERY)

    def _reader(self, schema: dict[str, Any], leniency: Leniency) -> Reader:
        # Kept with its schema, so that the id that finds it stays that schema's.
        kept = self._readers.get(id(schema))
        if kept is None:
            whole = with_reached_components(self.document, schema)
            reader = Reader(shape_of(self.document, schema, leniency), whole, self._request_validator(whole))
            kept = self._readers[id(schema)] = (schema, reader)
        return kept[1]

    def _request_validator(self, schema: dict[str, Any]) -> Draft202012Validator:
        from jsonschema_rs import Draft202012Validator

        # Loop reads moments as leniently as PHP does, so the operation reads them, not a format.
        dates = {} if self.api == "control" else {"date-time": _any_text, "date": _any_text}
        return Draft202012Validator(schema, validate_formats=True, formats={"uri": _is_url, **dates})

    def response_validator(self, schema: Any, *, open_rows: bool = False) -> Draft202012Validator:
        """The validator of a response or payload. With `open_rows`, keys that no schema names are let through."""
        from jsonschema_rs import Draft202012Validator

        kept = self._validators.get((id(schema), open_rows))
        if kept is None:
            whole = with_reached_components(self.document, schema if isinstance(schema, dict) else {"allOf": [schema]})
            compiled = Draft202012Validator(_opened(whole) if open_rows else whole, validate_formats=True)
            kept = self._validators[id(schema), open_rows] = (schema, compiled)
        return kept[1]

    def resolve(self, schema: Any) -> Any:
        """The schema that a reference leads to."""
        return resolve_ref(self.document, schema)


def _opened(schema: Any) -> Any:
    """The schema with its closed objects opened; then two branches may fit at once, so one-of becomes any-of."""
    if isinstance(schema, list):
        return [_opened(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        "anyOf" if key == "oneOf" else key: _opened(value)
        for key, value in schema.items()
        if not (value is False and key in ("additionalProperties", "unevaluatedProperties"))
    }


def _any_text(_text: str) -> bool:
    return True


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and " " not in text
