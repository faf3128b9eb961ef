"""The file of an import: the rows in it, or where and why it cannot be read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct

from loopsim.errors import Invalid, Refusal

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_BYTE = re.compile(r"(?:JSON is malformed: )?(?P<reason>.*) \(byte (?P<byte>\d+)\)")
_UNDECODABLE = (msgspec.MsgspecError, UnicodeError, RecursionError)


class _Head(Struct):
    id: Any = UNSET


_outline = msgspec.json.Decoder(list[Raw] | dict[str, Raw])
_list = msgspec.json.Decoder(list[Raw])
_head = msgspec.json.Decoder(_Head)
_row = msgspec.json.Decoder()


class Rows:
    """The rows of an import. Those of a text are decoded one by one: tens of thousands at once would keep the garbage
    collector busy for longer than a server may be silent. Going through them raises `import_unreadable`."""

    def __init__(self, rows: list[Any], text: str | bytes = b"") -> None:
        self._rows = rows
        self._text = text

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Any]:
        """Each row as a whole."""
        for row in self._rows:
            yield self._decoded(row) if type(row) is Raw else row

    def heads(self) -> Iterator[Any]:
        """Each row, or as much of it as its id is read from."""
        for row in self._rows:
            if type(row) is Raw:
                try:
                    id_ = _head.decode(row).id
                except _UNDECODABLE:
                    yield self._decoded(row)
                else:
                    yield {} if id_ is UNSET else {"id": id_}
            else:
                yield row

    def _decoded(self, row: Raw) -> Any:
        try:
            return _row.decode(row)
        except _UNDECODABLE:
            # Says where in the whole text.
            parsed(self._text)
            raise


def rows_of(body: dict[str, Any]) -> Rows:
    """The rows under `rows` or in the text `raw`. Raises `Invalid`, `import_unreadable`, `import_invalid`."""
    if ("rows" in body) == ("raw" in body):
        raise Invalid({"rows": ["Send either rows, or their text as raw."]})
    if "rows" in body:
        found = body["rows"]
    else:
        with suppress(KeyError, *_UNDECODABLE):
            return _split(body["raw"])
        # The whole at once says best what is wrong.
        found = parsed(body["raw"])
    if isinstance(found, dict) and "returns" in found:
        found = found["returns"]
    if not isinstance(found, list):
        reason = "neither a list of returns nor an object that has one under returns"
        raise Refusal("import_invalid", where="the file", row=0, field="", reason=reason)
    return Rows(found)


def _split(text: str | bytes) -> Rows:
    data = text.encode() if isinstance(text, str) else text
    found = _outline.decode(data.removeprefix(_BYTE_ORDER_MARK))
    return Rows(_list.decode(found["returns"]) if isinstance(found, dict) else found, text)


def parsed(text: str | bytes) -> Any:
    """The JSON of a file; raises `import_unreadable` with line and column (in characters, from 1) of what is wrong."""
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    data = data.removeprefix(_BYTE_ORDER_MARK)
    try:
        return msgspec.json.decode(data)
    except RecursionError:
        reason, at = "objects or lists stand too deep in each other", 0
    except (UnicodeDecodeError, msgspec.MsgspecError) as error:
        # Which of the two it is where bytes are no UTF-8 goes by msgspec's version.
        reason, at = _complaint(data, error)
    before = data[:at].decode("utf-8", "replace")
    line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
    raise Refusal("import_unreadable", line=line, column=column, reason=reason)


def _complaint(data: bytes, error: Exception) -> tuple[str, int]:
    """What is wrong with JSON, and at which byte. The standard library says it better, but takes what is no JSON."""
    text = data.decode("utf-8", "replace")
    try:
        data.decode()
        json.loads(text)
    except UnicodeDecodeError as beyond:
        return "this is not UTF-8", beyond.start
    except json.JSONDecodeError as better:
        return better.msg[:1].lower() + better.msg[1:], len(text[: better.pos].encode())
    except (RecursionError, ValueError):
        pass
    found = _BYTE.fullmatch(str(error))
    return (found["reason"], int(found["byte"])) if found else (str(error), 0)
