"""uvicorn's HTTP protocol, with the two things loopsim needs of the connection itself."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from loopsim.server.requests import Receive, Scope

_BAD_REQUEST = b'{"message":"Bad Request"}'
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Protocol(HttpToolsProtocol):
    """Lets the app reach the connection (`scope["state"]["transport"]`), and answers what is no HTTP in JSON."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client connected."""
        super().connection_made(transport)
        self.app_state = {"transport": transport}

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  uvicorn's words are not for Loop's clients
        """Answer bytes that are no HTTP request."""
        head = f"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: {len(_BAD_REQUEST)}\r\n"
        self.transport.write(head.encode() + b"connection: close\r\n\r\n" + _BAD_REQUEST)
        self.transport.close()


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
