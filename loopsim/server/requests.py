"""What a call brings along, read: headers, query, body."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import unquote_plus, unquote_to_bytes

from loopsim.errors import Refusal

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = dict[bytes, bytes]

BODY_LIMIT = 10 * 1024 * 1024


class Disconnected(Exception):
    """The client went away before it had sent its whole request; nobody waits for an answer."""


class ShopGone(Exception):
    """The shop of a call that a fault held back was deleted or began anew: there is nothing to answer from."""


def headers_of(raw: list[tuple[bytes, bytes]]) -> Headers:
    """The headers by name. What is said twice counts as HTTP has it: as one value with a comma in it, so that nobody
    gets by with a second `Host`, `Origin` or key."""
    headers = dict(raw)
    if len(headers) < len(raw):
        headers = {}
        for name, value in raw:
            headers[name] = headers[name] + b", " + value if name in headers else value
    return headers


def query_of(raw: bytes) -> dict[str, str]:
    """The query parameters as PHP reads them: `+` is a space, the last of two equal names wins, nothing is refused."""
    query: dict[str, str] = {}
    for part in raw.split(b"&") if raw else ():
        if part:
            name, _, value = part.partition(b"=")
            query[_decoded(name)] = _decoded(value)
    return query


def _decoded(coded: bytes) -> str:
    if b"+" in coded:
        coded = coded.replace(b"+", b" ")
    return (unquote_to_bytes(coded) if b"%" in coded else coded).decode("utf-8", "replace")


async def body_of(headers: Headers, receive: Receive, limit: int = BODY_LIMIT) -> bytes:
    """The raw body. Raises `Refusal("body_too_large")` as soon as that is known, and `Disconnected`."""
    declared = headers.get(b"content-length")
    if declared is None and b"transfer-encoding" not in headers:
        return b""
    if declared is not None and declared.isdigit() and int(declared) > limit:
        raise Refusal("body_too_large", limit=limit)
    message = await receive()
    if message["type"] == "http.disconnect":
        raise Disconnected
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        return body if len(body) <= limit else _too_large(limit)
    parts = [body]
    size = len(body)
    while message.get("more_body", False):
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > limit:
            _too_large(limit)
        parts.append(part)
    return b"".join(parts)


def _too_large(limit: int) -> bytes:
    raise Refusal("body_too_large", limit=limit)


def text_of(header: bytes) -> str:
    """A header's value as text; every byte sequence has one."""
    return header.decode("latin-1")


def basic_of(headers: Headers) -> tuple[str, str] | None:
    """Name and password of HTTP Basic; OAuth has them form-encoded in there (RFC 6749, 2.3.1)."""
    scheme, _, coded = headers.get(b"authorization", b"").partition(b" ")
    if scheme.lower() != b"basic":
        return None
    try:
        name, _, password = base64.b64decode(coded.strip(), validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    return unquote_plus(name), unquote_plus(password)


def base_url(scope: Scope, headers: Headers, base: str) -> str:
    """Scheme, host and version path as the client used them, without a slash at the end."""
    host = headers.get(b"host")
    if host:
        return f"{scope['scheme']}://{text_of(host)}{base}"
    address, port = scope.get("server") or ("127.0.0.1", None)
    return f"{scope['scheme']}://{address}{f':{port}' if port else ''}{base}"
