"""The load: kept connections in a closed loop, one request each at a time, over raw sockets on uvloop.

An HTTP client of the usual kind costs more than the servers measured here. This one knows only what they answer:
a status, a content-length, a body.
"""

from __future__ import annotations

import asyncio
import random
import statistics
from collections.abc import Iterator, Mapping, Sequence
from time import perf_counter
from typing import Any, NamedTuple

import uvloop

CONNECTIONS = 16
PATIENCE = 60.0  # seconds that a run may take beyond what it was given


class Load(NamedTuple):
    """What came of a run: answers per second, median and 99th percentile in ms, answers that were not 2xx, bytes of
    one."""

    rate: float
    p50: float
    p99: float
    bad: int
    size: int


def get(path: str, headers: Mapping[str, str] | None = None) -> bytes:
    """A GET as it goes over the wire."""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{_fields(headers or {})}\r\n".encode()


def post(path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    """A POST as it goes over the wire."""
    return write("POST", path, body, headers)


def write(method: str, path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    """A call with a body as it goes over the wire."""
    fields = _fields({**headers, "Content-Length": str(len(body))})
    return f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{fields}\r\n".encode() + body


def _fields(headers: Mapping[str, str]) -> str:
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items())


def for_seconds(port: int, requests: Sequence[bytes], seconds: float, connections: int = CONNECTIONS) -> Load:
    """Send requests chosen at random until the time is up."""
    choose = random.Random(1).choice
    return uvloop.run(_run(port, iter(lambda: choose(requests), None), seconds, connections))


def each_once(port: int, requests: Sequence[bytes], connections: int = CONNECTIONS) -> Load:
    """Send every request once, in their order."""
    return uvloop.run(_run(port, iter(requests), None, connections))


class _Run:
    """What the connections of a run share."""

    def __init__(self, requests: Iterator[bytes], done: asyncio.Future[None], connections: int) -> None:
        self.requests = requests
        self.done = done
        self.open = connections
        self.times: list[float] = []
        self.bad = 0
        self.size = 0
        self.stopping = False

    def next(self) -> bytes | None:
        return None if self.stopping else next(self.requests, None)

    def leave(self) -> None:
        self.open -= 1
        if not self.open and not self.done.done():
            self.done.set_result(None)


class _Connection(asyncio.Protocol):
    def __init__(self, run: _Run) -> None:
        self._run = run
        self._head = b""
        self._left = -1
        self._chunked = False
        self._tail = b""
        self._began = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._run.done.done() and self._left >= -1 and self._began:
            self._run.done.set_exception(exc or ConnectionError("the server hung up"))

    def _send(self) -> None:
        request = self._run.next()
        if request is None:
            self._began = 0.0
            self._transport.close()
            self._run.leave()
            return
        self._began = perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        if self._left < 0:
            self._head += data
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            head = self._head[:end].lower()
            place = head.find(b"content-length:")
            size = int(head[place + 15 :].split(b"\r", 1)[0]) if place >= 0 else 0
            if head[9:10] != b"2":
                self._run.bad += 1
            data = self._head[end + 4 :]
            self._head = b""
            # Chunks are not looked into: the last one ends what this one answer sends.
            self._chunked = place < 0 and b"chunked" in head
            self._left = size
            self._run.size = size
        self._left -= len(data)
        if self._chunked:
            self._tail = (self._tail + data)[-5:]
            self._left = 0 if self._tail == b"0\r\n\r\n" else 1
        if self._left <= 0:
            self._left = -1
            self._tail = b""
            self._run.times.append(perf_counter() - self._began)
            self._send()


async def _run(port: int, requests: Iterator[bytes], seconds: float | None, connections: int) -> Load:
    loop = asyncio.get_running_loop()
    run = _Run(requests, loop.create_future(), connections)
    began = perf_counter()
    for _ in range(connections):
        await loop.create_connection(lambda: _Connection(run), "127.0.0.1", port)
    if seconds is not None:
        loop.call_later(seconds, setattr, run, "stopping", True)
    await asyncio.wait_for(run.done, (seconds or 0.0) + PATIENCE)
    took = perf_counter() - began
    times = sorted(run.times)
    return Load(
        rate=len(times) / took,
        p50=statistics.median(times) * 1000,
        p99=times[int(len(times) * 0.99)] * 1000,
        bad=run.bad,
        size=run.size,
    )
