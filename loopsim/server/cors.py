"""Calls from pages of other origins: the operations that the contract marks `x-cors` answer them, all others do not.

As the vendor's SDK needs it (`FACTS.md#carts-cors`): credentials are sent, so the origin is echoed by name, never `*`.
"""

from __future__ import annotations

from loopsim.server.requests import Headers
from loopsim.server.stamps import Header

METHODS = b"GET, POST, DELETE, OPTIONS"
SECONDS = b"600"


def with_cors(head: list[Header], headers: Headers) -> list[Header]:
    """The headers of an answer, with what lets the calling page read it."""
    origin = headers.get(b"origin")
    if origin is None:
        return head
    return [*head, (b"access-control-allow-origin", origin), (b"access-control-allow-credentials", b"true")]


def preflight(headers: Headers) -> list[Header]:
    """The headers that answer a browser's question whether it may call."""
    asked = headers.get(b"access-control-request-headers", b"x-authorization, content-type")
    return [
        *with_cors([(b"vary", b"Origin")], headers),
        (b"access-control-allow-methods", METHODS),
        (b"access-control-allow-headers", asked),
        (b"access-control-max-age", SECONDS),
    ]
