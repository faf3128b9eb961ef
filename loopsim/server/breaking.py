"""Answers that break, where a fault wants them to."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress

from loopsim.server.requests import Receive, Scope, Send
from loopsim.server.stamps import Header

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


async def send_half(
    scope: Scope, receive: Receive, send: Send, status: int, headers: list[Header], body: bytes
) -> None:
    """Send an answer that ends before its time: as many bytes are announced as `body` has, and half of them come."""
    length = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
    transport: asyncio.Transport | None = scope.get("state", {}).get("transport")
    if transport is not None:
        transport.close()
        while (await receive())["type"] != "http.disconnect":
            pass


async def reset_connection(scope: Scope, receive: Receive) -> None:
    """Let the client's connection break without an answer. Returns when it has."""
    transport: asyncio.Transport | None = scope.get("state", {}).get("transport")
    if transport is None:
        return
    connection = transport.get_extra_info("socket")
    if connection is not None:
        with suppress(OSError):
            # Without it the client would see an orderly end instead of a reset.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass
