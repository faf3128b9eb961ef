"""uvicorn's HTTP protocol, with what loopsim needs of the connection itself."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sized
from contextlib import suppress

import httptools
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from loopsim.server.memory import expect_large_bodies
from loopsim.server.requests import Scope, Send
from loopsim.server.stamps import Header

REQUEST_TIME = 60.0
"""Seconds that a request may take to come in, from its first byte to its last, while we read; and as many again for
each that brought `STEADY` bytes, so that a large import may come over a slow line."""
STEADY = 1024 * 1024
MOST_HEAD = 1024 * 1024
"""Bytes of a request's first line and headers. What is read at once, of several requests, counts whole."""
MOST_WAITING = 100
"""Requests of a connection that may wait for those before them, until no more is read."""
_PLAIN = re.compile(rb"(/[^?#%]*)(?:\?([^#]*))?")
"""Path and query of a target in which nothing has to be decoded."""
_SHORT = {name.encode(): name for name in ("GET", "POST", "PUT", "PATCH", "DELETE")}
"""Methods of requests that need no task."""
_ABSOLUTE = re.compile(rb"https?://([^/?#]*)", re.IGNORECASE)
_COPIED = 16 * 1024  # bytes; larger bodies are handed on as they are


class Protocol(HttpToolsProtocol):
    """Lets the app reach the connection (`scope["state"]["transport"]`), and answers what is no HTTP in JSON."""

    _head: int | None  # bytes of a head that is not complete, and what came with its beginning
    _whole: bool  # the last request that began came in to its end
    _begun = 0  # requests
    _answered = False  # the request that comes in is answered without uvicorn
    _held: Scope | None = None  # of a request that is begun when its body is there
    _held_headers: list[Header]  # of that
    _body = b""  # of that
    _upgrade = b""  # the head of the request that comes in, without its wish for another protocol
    _refusal = 0  # status of the last answer, which waits for those before it
    _active: RequestResponseCycle | None = None  # the request that a task answers
    _is_writing = False  # the last request is performed in a moment
    _idle_since: float | None = None  # since the last answer, where nothing came after it
    _late: asyncio.TimerHandle | None = None
    _came = 0  # bytes since then

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client connected."""
        super().connection_made(transport)
        self.flow = _Flow(transport, self.pipeline)
        self.app_state = {"transport": transport, "connection": self}
        self._head = None
        self._unsent: list[bytes] = []
        self._whole = False
        self._expect()
        self.timeout_keep_alive_handler()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._expect_nothing()
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
        if self._active is not None and not self._active.response_complete:
            # uvicorn tells the last request alone.
            self._active.disconnected = True
            self._active.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Something came in. The parser takes lines of any length; a head without end would fill the memory."""
        before = self._begun
        self._idle_since = None
        if not self._refusal:
            self._parse(data)
        if self._refusal:
            return
        if self._held is not None:
            self._hand_on(self._held_headers)
        if self._whole and (self._begun != before or self._is_answering()):
            # What came ends with the end of a request.
            return
        if self._late is None:
            self._expect()
        self._came += len(data)
        if self._head is not None:
            self._head += len(data)
            if self._head > MOST_HEAD and not self.transport.is_closing():
                self.send_400_response("")

    def _parse(self, data: bytes) -> None:
        """Take what came apart. A wish for another protocol is passed over (RFC 9110, 7.8): the parser, which takes the
        body for something of that protocol, is given the head once more without it."""
        while data:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                data = self._upgrade + data[upgrade.args[0] :]
                self._upgrade = b""
                self.parser = httptools.HttpRequestParser(self)
                with suppress(AttributeError):  # httptools before 0.6.3
                    self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
            except httptools.HttpParserError:
                self.send_400_response("")
                return
            else:
                return

    def on_message_begin(self) -> None:
        """A request begins. uvicorn's scope is made when it is needed (`_hand_on`)."""
        if self._is_writing:
            self._write_all()
        self.url = b""
        self._body = b""
        self.headers = []
        self.expect_100_continue = False
        self._begun += 1
        self._answered = False
        self._idle_since = None
        self._head = 0
        self._whole = False
        if self._late is not None:
            self._expect_nothing()

    def on_headers_complete(self) -> None:
        """Its head is there."""
        self._head = None
        absolute = None if self.url.startswith(b"/") else _ABSOLUTE.match(self.url)
        if absolute is not None:
            # What such a target says counts, and not the header (RFC 9112, 3.2.2).
            kept = [header for header in self.headers if header[0] != b"host"]
            self.headers = [*kept, (b"host", absolute[1])]
        if self.parser.should_upgrade():
            self._upgrade = self._head_without(b"upgrade")
            if self._upgrade:
                return
        headers, self.headers = self.headers, []  # what comes behind a body in chunks is no header
        scope = self._plain_scope()
        if scope is not None and scope["method"] != "GET":
            # It is begun when all of it is there, which mostly is now.
            self._held, self._held_headers = scope, headers
        elif scope is None or not self._answer_at_once(scope, headers):
            self._hand_on(headers)

    def _head_without(self, unwanted: bytes) -> bytes:
        """The head once more, but for a header; empty where that is not in it."""
        kept = [header for header in self.headers if header[0] != unwanted]
        if len(kept) == len(self.headers):
            return b""
        line = b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())
        return b"\r\n".join([line, *map(b": ".join, kept), b"", b""])

    def _hand_on(self, headers: list[Header]) -> None:
        """Let uvicorn answer, by a task."""
        url, expected, body, self._held = self.url, self.expect_100_continue, self._body, None
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expected
        self.headers += headers
        super().on_headers_complete()
        if not self.parser.should_keep_alive():
            self.cycle.keep_alive = False  # an old uvicorn does not look
        if not self.pipeline:
            self._active = self.cycle
        self.headers = []
        if body:
            super().on_body(body)

    def on_body(self, body: bytes) -> None:
        """A part of its body came."""
        if self._held is not None:
            self._body += body
        elif not (self._answered or self._upgrade):
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is there to its end."""
        if self._upgrade:
            return
        if self._held is not None:
            self._write_at_once(self._held)
        if not self._answered:
            super().on_message_complete()
        self._whole = True
        if self._late is not None:
            self._expect_nothing()

    def on_response_complete(self) -> None:
        """A request is answered."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        ahead = self.pipeline.pop() if self.pipeline else None
        self.flow.resume_reading()
        if ahead is not None:
            self._active, app = ahead
            task = self.loop.create_task(self._active.run_asgi(app))
            task.add_done_callback(self.tasks.discard)
            self.tasks.add(task)
        elif self._refusal:
            self._refuse(self._refusal)
        else:
            self._idle_since = self.loop.time()

    def timeout_keep_alive_handler(self) -> None:
        """Close the connection if nothing came for long. One timer serves for all its requests: to set one with each
        answer and cancel it with the next request costs as much as to parse one."""
        wait: float = self.timeout_keep_alive
        if self._idle_since is not None:
            wait -= self.loop.time() - self._idle_since
        if wait <= 0:
            super().timeout_keep_alive_handler()
        else:
            self.timeout_keep_alive_task = self.loop.call_later(wait, self.timeout_keep_alive_handler)

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _plain_scope(self) -> Scope | None:
        """What an ASGI scope says of a request that needs no task; None where it may. Requests that came behind each
        other, before the answer to the first, take turns as tasks.
        """
        parser = self.parser
        method = _SHORT.get(parser.get_method())
        if method is None or self._is_answering() or self.flow.write_paused or self.expect_100_continue:
            return None
        if not parser.should_keep_alive() or parser.get_http_version() != "1.1":
            return None
        target = _PLAIN.fullmatch(self.url)
        if target is None or not self.url.isascii() or self.transport.is_closing():
            return None
        raw_path, query = target.groups(b"")
        return {
            "method": method,
            "path": raw_path.decode(),
            "raw_path": raw_path,
            "query_string": query,
            "scheme": self.scheme,
            "server": self.server,
        }

    def _write_at_once(self, scope: Scope) -> None:
        """Perform what has nothing to wait for with what else came in, or hand it on."""
        write_at_once = getattr(self.app, "write_at_once", None)
        headers = self._held_headers
        self._answered = self._is_writing = True
        if write_at_once is None or not write_at_once(scope, headers, self._body, self._send_whole):
            self._answered = self._is_writing = False
            self._hand_on(headers)
        self._held = None

    def _send_whole(self, answer: tuple[bytes, ...]) -> None:
        """Send the answer to what was performed."""
        self._is_writing = False
        self.server_state.total_requests += 1
        self._idle_since = self.loop.time()
        self._unsent += answer
        self.write_unsent()

    def _answer_at_once(self, scope: Scope, headers: list[Header]) -> bool:
        """Answer here and now what has nothing to wait for: uvicorn's way, by a task, costs more than many answers."""
        at_once = getattr(self.app, "at_once", None)
        answer = None if at_once is None else at_once(scope, headers)
        if answer is None:
            return False
        self._answered = True
        self.server_state.total_requests += 1
        self._idle_since = self.loop.time()
        if len(answer) > 1:
            # Large.
            self.write_unsent()
            self.transport.writelines(answer)
            return True
        if not self._unsent:
            # When all that has come in by now is read: to wake whoever waits at the other end costs as much as an
            # answer, and who waits on several connections is woken once for all of them.
            self.loop.call_soon(self.write_unsent)
        self._unsent += answer
        return True

    def _write_all(self) -> None:
        write_all: Callable[[], None] = self.app.write_all
        write_all()

    def write_unsent(self) -> None:
        """Write the answers that wait for others to leave with."""
        if self._unsent and not self.transport.is_closing():
            self.transport.writelines(self._unsent)
        self._unsent = []

    def shutdown(self) -> None:
        """The server stops: answers that wait to be written are."""
        if self._is_writing:
            self._write_all()
        self.write_unsent()
        super().shutdown()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  uvicorn's words are not for Loop's clients
        """Answer bytes that are no HTTP request."""
        self._refuse(400)

    def _expect(self) -> None:
        """Give what is to come its time."""
        self._came = 0
        self._late = self.loop.call_later(REQUEST_TIME, self._too_late)

    def _expect_nothing(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _too_late(self) -> None:
        """The rest of a request did not come. Not its client's fault where it waits for us."""
        self._late = None
        answering = self.cycle is not None and not self.cycle.response_complete
        waits = self.flow.read_paused or (answering and (self._head is not None or self.pipeline))
        if waits or self._came >= STEADY:
            self._expect()
        elif (answering and self.cycle.response_started) or (self._head is None and not answering):
            self.transport.close()
        else:
            self._refuse(408)

    def _refuse(self, status: int) -> None:
        """Answer what never becomes a request, once all before it is answered, and hang up."""
        if self._is_writing:
            self._write_all()
        self._held = None
        active = self._active
        if active is not None and not (active.response_complete or active.more_body):
            if self.pipeline and self.pipeline[0][0].more_body:
                # The rest of it is missing.
                self.pipeline.popleft()
            self._refusal = status
            self._expect_nothing()
            return
        self.write_unsent()
        line = STATUS_LINE[status]
        body = b'{"message":"%b"}' % line[len("HTTP/1.1 408 ") :].rstrip()
        fields = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body)
        self.transport.write(line + fields + body)
        self.transport.close()


class _Flow(FlowControl):
    """Reads on while few are `waiting`, where uvicorn would fill the memory for whoever never reads."""

    def __init__(self, transport: asyncio.Transport, waiting: Sized) -> None:
        super().__init__(transport)
        self._waiting = waiting

    def resume_reading(self) -> None:
        if len(self._waiting) < MOST_WAITING:
            super().resume_reading()


def write_whole(send: Send, status: int, headers: list[Header], body: bytes) -> bool:
    """Write an answer in one piece; False where the connection is in no state for that, and nothing was written.

    uvicorn looks at every header and writes head and body apart: a quarter of the time that a small answer takes.
    `headers` must be clean (`answers.encoded`) and without `content-length`.
    """
    cycle = getattr(send, "__self__", None)
    if type(cycle) is not RequestResponseCycle or not _is_plain(cycle):
        return False
    cycle.response_started = cycle.response_complete = True
    whole = in_one_piece(status, headers, body)
    if len(whole) == 1:
        cycle.transport.write(whole[0])
    else:
        cycle.transport.writelines(whole)
    cycle.message_event.set()
    cycle.on_response()
    return True


def in_one_piece(status: int, headers: list[Header], body: bytes | None) -> tuple[bytes, ...]:
    """An answer as it leaves: what is small in one piece, a large body by itself, so that it is not copied."""
    fields = b"\r\n".join(map(b": ".join, headers))
    if body is None:
        return (b"%b%b\r\n\r\n" % (STATUS_LINE[status], fields),)
    head = b"%b%b\r\ncontent-length: %d\r\n\r\n" % (STATUS_LINE[status], fields, len(body))
    if len(body) < _COPIED:
        return (head + body,)
    expect_large_bodies()
    return head, body


def _is_plain(cycle: RequestResponseCycle) -> bool:
    """Whether the answer may be written in one piece, with nothing to wait for and nothing to close."""
    return not (
        cycle.response_started
        or cycle.disconnected
        or not cycle.keep_alive
        or cycle.flow.write_paused
        or cycle.scope["method"] == "HEAD"
    )
