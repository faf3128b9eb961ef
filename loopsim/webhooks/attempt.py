"""One attempt: a POST and what came of it. The only module that knows aiohttp, which takes longest to import of all:
this one is imported when the first delivery is due.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Callable, Coroutine
from email.utils import parsedate_to_datetime
from functools import partial
from time import perf_counter, time
from typing import Any, ClassVar

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http import StreamWriter
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.payload import BytesPayload
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from loopsim.urls import is_loopback, plain_host
from loopsim.webhooks.deadlines import Deadlines
from loopsim.webhooks.reply import Reply
from loopsim.webhooks.targets import Target

MAX_ANSWER = 64 * 1024  # bytes of an answer's body that are read; the rest is not waited for
MOST_HEAD = 64 * 1024  # bytes that may come before an answer's head is complete, informational answers included
_SLICE, _HEAD_ENDS = 4 * 1024, b"\r\n\r\n"
_AT_ONCE = 32 * 1024  # bytes of a body; a transport's buffer holds twice as many before anybody has to wait
# Shorter than what any common server keeps an idle connection for, so that a POST does not meet a connection that is
# just being closed; and a receiver that serves one connection at a time is not held up for long.
KEEP_ALIVE = 1.0
_MAX_URLS = 1024
_LONGEST = 1e9  # seconds; a larger Retry-After means the same: too long


class _Malformed(aiohttp.ClientError):
    """What came behind an answer's head is no HTTP."""


# What a failed connection is called, by the first class that fits.
_ERRORS: tuple[tuple[type[Exception], str], ...] = (
    (TimeoutError, "timeout"),
    (aiohttp.ClientConnectorDNSError, "dns"),
    (aiohttp.ClientSSLError, "tls"),
    (aiohttp.ClientConnectorError, "refused"),
    (aiohttp.InvalidURL, "url"),
    (aiohttp.ClientResponseError, "malformed"),
    (_Malformed, "malformed"),
    (aiohttp.ClientPayloadError, "reset"),
    (aiohttp.ServerDisconnectedError, "reset"),
    (OSError, "reset"),
    (aiohttp.ClientError, "failed"),
    (ValueError, "url"),
)


class Sender:
    """Posts webhooks, and asks idle probes, over kept connections. It follows no redirect, keeps no cookie and uses no
    proxy."""

    def __init__(self) -> None:
        connector = _Connector(limit=0, limit_per_host=0, keepalive_timeout=KEEP_ALIVE, resolver=_LoopbackResolver())
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            request_class=_Request,
            timeout=aiohttp.ClientTimeout(total=None),
        )
        self._urls: dict[str, URL] = {}
        self._deadlines = Deadlines()

    def post(
        self, url: str, target: Target, body: bytes, headers: dict[str, str], timeout_ms: int
    ) -> Coroutine[Any, Any, Reply]:
        """POST the bytes and wait for the whole answer, at most `timeout_ms` of real time. Every failure is a reply."""
        return self._exchange("POST", url, target, body, headers, timeout_ms)

    def get(self, url: str, target: Target, headers: dict[str, str], timeout_ms: int) -> Coroutine[Any, Any, Reply]:
        """GET the answer, as `post` does."""
        return self._exchange("GET", url, target, None, headers, timeout_ms)

    async def _exchange(
        self, method: str, url: str, target: Target, body: bytes | None, headers: dict[str, str], timeout_ms: int
    ) -> Reply:
        began = perf_counter()
        task = self._deadlines.begin(timeout_ms / 1000)
        try:
            response = await self._session.request(
                method,
                self._parsed(url, target),
                data=None if body is None else BytesPayload(body),
                headers=headers,
                allow_redirects=False,
                # Nobody can own a public certificate for loopback; elsewhere it is checked.
                ssl=not target.loopback,
            )
            answer = await _read(response)
        except asyncio.CancelledError:
            if not self._deadlines.broke_off(task):
                raise
            return Reply(error="timeout", duration_ms=_since(began), began_ms=_ms(began))
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Reply(error=_name(error), duration_ms=_since(began), began_ms=_ms(began))
        finally:
            self._deadlines.end(task)
        answered = response.headers
        return Reply(
            status=response.status,
            headers={name: value if value.isascii() else _text(value) for name, value in answered.items()},
            body=answer.decode("utf-8", "replace"),
            retry_after=retry_after(answered["Retry-After"], time()) if "Retry-After" in answered else None,
            duration_ms=_since(began),
            began_ms=_ms(began),
        )

    async def close(self) -> None:
        """Let go of all connections."""
        self._deadlines.close()
        await self._session.close()

    def _parsed(self, url: str, target: Target) -> URL:
        parsed = self._urls.get(url)
        if parsed is None:
            parsed = URL(url)
            # Two parsers may disagree about an odd URL. What was allowed is the host that `targets` read.
            if plain_host(parsed.host or "") != target.host or parsed.port != target.port:
                raise aiohttp.InvalidURL(url)
            if len(self._urls) >= _MAX_URLS:
                self._urls.clear()
            self._urls[url] = parsed
        return parsed


def retry_after(value: str, now: float) -> float | None:
    """The seconds a `Retry-After` header asks for, in either of its forms; a date counts from `now` of the wall
    (seconds since 1970). None where it cannot be read."""
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(float(text), _LONGEST)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, OverflowError):
        return None


def _text(value: str) -> str:
    """A header's value without what stands in it for bytes that are no UTF-8: no file could hold that."""
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The body of the answer, as far as it is read. The connection is kept only if nothing more was to come."""
    content = response.content
    parts, left = [], MAX_ANSWER
    try:
        if content.is_eof():
            # All of it came with the head.
            parts.append(content.read_nowait(left))
            left -= len(parts[0])
        while left > 0 and not content.at_eof():
            part = await content.read(left)
            parts.append(part)
            left -= len(part)
    finally:
        if content.at_eof():
            response.release()
        else:
            response.close()
    return b"".join(parts)


def _name(error: Exception) -> str:
    return next(name for kind, name in _ERRORS if isinstance(error, kind))


def _since(began: float) -> float:
    return _ms(perf_counter() - began)


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)


class _Handler(ResponseHandler):
    """Reads answers. What only announces one (`100 Continue` and the like) comes to an end at `MOST_HEAD`: aiohttp
    would read it for as long as it comes, and let nobody else have the loop meanwhile. Who says something unasked on a
    kept connection (`408`, as it is about to close it) is hung up on: aiohttp would take it for the answer to the
    next post."""

    _ahead: int | None = None  # bytes that came before the head was complete; None once it is
    _answered = False

    def set_response_params(self, **params: Any) -> None:
        self._ahead, self._answered = 0, False
        super().set_response_params(**params)

    def data_received(self, data: bytes) -> None:
        begin = 0
        while self._ahead is not None and begin < len(data):
            # The head by itself: what is more than it announced must not spoil it.
            end = data.find(_HEAD_ENDS, begin, begin + _SLICE)
            end = begin + _SLICE if end < 0 else end + len(_HEAD_ENDS)
            self._receive(data[begin:end])
            if not self.is_connected():
                return
            begin = end
        if begin < len(data):
            self._receive(data[begin:] if begin else data)

    def _receive(self, data: bytes) -> None:
        if self._answered and (self._payload is None or self._payload.is_eof()):
            self.abort()
            return
        super().data_received(data)
        if self._exception is not None and self._payload is not None and not self._payload.is_eof():
            # Nobody else tells who waits for the rest of it.
            self._payload.set_exception(_Malformed())
        if self._ahead is not None:
            self._ahead += len(data)
            if self._ahead > MOST_HEAD and self.transport is not None:
                self.set_exception(HttpProcessingError(message="No end of informational answers"))
                self.transport.abort()

    def feed_data(self, data: Any, size: int = 0) -> None:
        super().feed_data(data, size)
        if self._ahead is not None and not 100 <= data[0].code < 200:
            self._ahead, self._answered = None, True


class _Connector(aiohttp.TCPConnector):
    """Connections whose answers `_Handler` reads."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        made: Callable[..., ResponseHandler] = _Handler
        self._factory = partial(made, loop=asyncio.get_running_loop())


class _Request(aiohttp.ClientRequest):
    """A request with no headers but our own. To have each one skipped would cost some 3 % of a post."""

    DEFAULT_HEADERS: ClassVar[dict[str, str]] = {}  # type: ignore[assignment, misc]

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        """Send it. Before Python 3.12, which can begin a task at once, aiohttp makes one to send the body: a tenth of a
        post. What a socket's buffer takes without waiting is sent here instead."""
        protocol, body = conn.protocol, self._body
        if sys.version_info >= (3, 12) or protocol is None or protocol.writing_paused:
            return await super().send(conn)
        if body is None or not body.size or body.size > _AT_ONCE:
            return await super().send(conn)
        writer = StreamWriter(protocol, self.loop)
        await writer.write_headers(f"{self.method} {self.url.raw_path_qs} HTTP/1.1", self.headers)
        # Whoever else was answered just now writes in the same turn: the receiver is woken once for all of them.
        await asyncio.sleep(0)
        await self.write_bytes(writer, conn, body.size)
        response = self.response_class(
            self.method,
            self.original_url,
            writer=None,
            continue100=None,
            timer=self._timer,
            request_info=self.request_info,
            traces=[],
            loop=self.loop,
            session=self._session,
            stream_writer=writer,
        )
        self.response = response  # type: ignore[assignment]
        return response


class _LoopbackResolver(AbstractResolver):
    """`localhost` and the names below it are this machine, whatever the system's resolver says or does not know."""

    def __init__(self) -> None:
        self._others = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        if not is_loopback(host):
            return await self._others.resolve(host, port, family)
        return [
            ResolveResult(hostname=host, host=address, port=port, family=of, proto=0, flags=socket.AI_NUMERICHOST)
            for address, of in (("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6))
            if family in (socket.AF_UNSPEC, of)
        ]

    async def close(self) -> None:
        await self._others.close()
