"""Answers as they leave: status, headers, bytes, sent straight over ASGI."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from loopsim.operations.perform import Answer
from loopsim.server.protocol import in_one_piece, write_whole
from loopsim.server.requests import Send
from loopsim.server.stamps import Header

CONTENT_TYPE = b"content-type"
_NO_BODY = frozenset({204, 304})
# What would end a header early or is refused on the wire.
_UNPRINTABLE = dict.fromkeys((*range(32), 127))


class AnswerHeaders:
    """The headers that every answer of Loop's API bears, in the order of the contract's `x-answer-headers`.

    A value such as `{uuid}` is filled per answer; where nothing is known to fill it with, the header is left out.
    """

    def __init__(self, document: dict[str, Any], version: str) -> None:
        stated: dict[str, Any] = document["x-answer-headers"]
        self._fixed: list[Header] = []
        filled: dict[str, int] = {}
        for name, header in stated.items():
            if name.startswith("x-provenance"):
                continue
            value: str = header["value"]
            if value.startswith("{") and value != "{version}":
                filled[value[1:-1]] = len(self._fixed)
            self._fixed.append((name.encode(), value.replace("{version}", version).encode()))
        self._uuid, self._limit, self._remaining = (filled[name] for name in ("uuid", "limit", "remaining"))
        self._names = tuple(name for name, _ in self._fixed)

    def of(self, request_id: str, limit: int, remaining: int | None, stamp: tuple[Header, ...]) -> list[Header]:
        """The headers of one answer. `remaining` is None where no key was recognized."""
        headers = self._fixed.copy()
        headers[self._uuid] = (self._names[self._uuid], request_id.encode())
        headers[self._limit] = (self._names[self._limit], b"%d" % limit)
        if remaining is None:
            del headers[self._remaining]
        else:
            headers[self._remaining] = (self._names[self._remaining], b"%d" % remaining)
        headers += stamp
        return headers


def rows_of(answer: Answer) -> tuple[int | None, bool]:
    """How many rows the answer of a list has, and whether it says that there is a next page."""
    body = answer.body
    if isinstance(body, list):
        return len(body), False
    if isinstance(body, dict):
        count = next((len(value) for value in body.values() if isinstance(value, list)), None)
        return count, body.get("next_page_url") is not None
    return answer.count, answer.more


def with_own(headers: list[Header], own: Mapping[str, str]) -> list[Header]:
    """The headers with an operation's own laid over them."""
    if not own:
        return headers
    ours = {encoded(name.lower()): encoded(value) for name, value in own.items()}
    return [header for header in headers if header[0] not in ours] + list(ours.items())


def encoded(text: str) -> bytes:
    """A header's name or value as bytes that cannot end the header."""
    return text.translate(_UNPRINTABLE).encode("latin-1", "replace")


Whole = tuple[bytes, ...]
"""An answer as it leaves."""
SendWhole = Callable[[Whole], None]
"""What sends one."""


def whole_answer(status: int, headers: list[Header], body: bytes) -> Whole:
    """An answer as it leaves. As `send_answer`, a status that has no body gets none."""
    if status in _NO_BODY:
        return in_one_piece(status, [header for header in headers if header[0] != CONTENT_TYPE], None)
    return in_one_piece(status, headers, body)


async def send_answer(send: Send, status: int, headers: list[Header], body: bytes) -> None:
    """Send a whole answer; `content-length` is added, and a status that has no body gets none."""
    if status in _NO_BODY:
        headers = [header for header in headers if header[0] != CONTENT_TYPE]
        body = b""
    elif write_whole(send, status, headers, body):
        return
    else:
        headers = [*headers, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
