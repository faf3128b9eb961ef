"""Form-encoded bodies, read as PHP reads them: texts, with brackets in names for arrays."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

_NAME = re.compile(r"(?P<first>[^\[\]]+)(?P<rest>(?:\[[^\[\]]*\])*)")
_BRACKET = re.compile(r"\[([^\[\]]*)\]")
_MOST_FIELDS = 1000
_DEEPEST = 64


def read_form(raw: bytes) -> dict[str, Any]:
    """`a=1&items[0][id]=5&tags[]=x` as `{"a": "1", "items": [{"id": "5"}], "tags": ["x"]}`.

    Raises ValueError for what is not text or has more fields than PHP takes by default.
    """
    return _nested(parse_qsl(raw.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS))


def read_multipart(raw: bytes, content_type: str) -> tuple[dict[str, Any], set[str]]:
    """A `multipart/form-data` body as the same, and the names of the parts that are files: those that have a file
    name. Of a file the text alone is kept.

    Raises ValueError for what is none, ends before its time, is not text, or has too many parts.
    """
    # Only here: few calls bring files.
    from python_multipart.exceptions import FormParserError
    from python_multipart.multipart import MultipartParser, parse_options_header

    boundary = parse_options_header(content_type)[1].get(b"boundary")
    if not boundary:
        raise ValueError("no boundary")
    parts: list[tuple[bytes, bytearray]] = []
    header, value, ends, files = bytearray(), bytearray(), list[bool](), set[str]()

    def on_header_end() -> None:
        if header.lower() == b"content-disposition":
            options = parse_options_header(bytes(value))[1]
            name = options.get(b"name", b"")
            parts[-1] = (name, parts[-1][1])
            if b"filename" in options:
                files.add(name.decode())
        header.clear()
        value.clear()

    def on_part_begin() -> None:
        if len(parts) == _MOST_FIELDS:
            raise ValueError("too many parts")
        parts.append((b"", bytearray()))

    parser = MultipartParser(
        boundary,
        {
            "on_part_begin": on_part_begin,
            "on_header_field": lambda data, start, end: header.extend(data[start:end]),
            "on_header_value": lambda data, start, end: value.extend(data[start:end]),
            "on_header_end": on_header_end,
            "on_part_data": lambda data, start, end: parts[-1][1].extend(data[start:end]),
            "on_end": lambda: ends.append(True),
        },
    )
    try:
        parser.write(raw)
        parser.finalize()
    except FormParserError as error:
        raise ValueError(str(error)) from None
    if not ends:
        raise ValueError("no end")
    return _nested([(name.decode(), content.decode()) for name, content in parts]), files


def _nested(fields: list[tuple[str, str]]) -> dict[str, Any]:
    root: dict[str, Any] = {}
    for name, value in fields:
        match = _NAME.fullmatch(name)
        if match is None:
            root[name] = value
        else:
            _put(root, [match["first"], *_BRACKET.findall(match["rest"])][:_DEEPEST], value)
    return {name: _listed(value) for name, value in root.items()}


def _put(node: dict[str, Any], keys: list[str], value: str) -> None:
    for key in keys[:-1]:
        below = node.setdefault(key or str(len(node)), {})
        if not isinstance(below, dict):
            below = node[key] = {}
        node = below
    node[keys[-1] or str(len(node))] = value


def _listed(value: Any) -> Any:
    """PHP has one kind of array; keys that count up from 0 make it a list."""
    if not isinstance(value, dict):
        return value
    if list(value) == [str(index) for index in range(len(value))]:
        return [_listed(each) for each in value.values()]
    return {key: _listed(each) for key, each in value.items()}
