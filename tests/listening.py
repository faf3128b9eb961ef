"""A partner's server of a test, listening in a thread of its own for as long as the test needs it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import BaseServer

LIMIT = 10
"""Seconds until a server that was told to end has ended."""


@contextmanager
def listening(server: BaseServer) -> Iterator[None]:
    """Let a server answer until the block ends; then its thread and its socket are gone."""
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join(LIMIT)
        server.server_close()
