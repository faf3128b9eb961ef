"""What the connection itself does, over plain sockets."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from loopsim.embedded import EmbeddedServer
from loopsim.server.protocol import MOST_HEAD


@contextmanager
def connected(server: EmbeddedServer) -> Iterator[socket.socket]:
    host, _, port = server.url.removeprefix("http://").rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        yield connection


def statuses(server: EmbeddedServer, sent: bytes) -> list[bytes]:
    """The status of each answer until the server closes the connection, or `sent` asks it to."""
    return re.findall(rb"HTTP/1\.1 (\d+) ", everything(server, sent))


def everything(server: EmbeddedServer, sent: bytes) -> bytes:
    """What comes until then."""
    with connected(server) as connection:
        with suppress(ConnectionError):
            connection.sendall(sent)
        got = b""
        with suppress(ConnectionError):
            while part := connection.recv(65536):
                got += part
    return got


@pytest.mark.parametrize("line", [b"X-Long: ", b"X-Many: 1\r\n"])
def test_a_head_without_end_is_refused_before_it_is_read(server: EmbeddedServer, line: bytes) -> None:
    endless = line + b"a" * MOST_HEAD if line.endswith(b" ") else line * (MOST_HEAD // len(line) + 2)
    assert statuses(server, b"GET /api/v1/webhooks HTTP/1.1\r\nHost: localhost\r\n" + endless) == [b"400"]


def test_many_small_requests_at_once_are_no_long_head(server: EmbeddedServer) -> None:
    call = b"GET /api/v1/webhooks HTTP/1.1\r\nHost: localhost\r\nX-Fill: " + b"a" * 2000 + b"\r\n\r\n"
    last = call.replace(b"X-Fill", b"Connection: close\r\nX-Fill")
    assert statuses(server, call * 700 + last) == [b"401"] * 701


@pytest.mark.parametrize(
    ("target", "host", "status"),
    [
        (b"http://localhost/api/v1/webhooks", b"localhost", b"401"),
        (b"http://localhost/api/v1/webhooks", b"evil.test", b"401"),
        (b"http://evil.test/api/v1/webhooks", b"localhost", b"403"),
        (b"HTTP://user@localhost/api/v1/webhooks", b"localhost", b"403"),
        (b"//evil.test/api/v1/webhooks", b"localhost", b"404"),
    ],
)
def test_the_host_of_an_absolute_target_counts(
    server: EmbeddedServer, target: bytes, host: bytes, status: bytes
) -> None:
    head = b"GET %b HTTP/1.1\r\nHost: %b\r\nConnection: close\r\n\r\n" % (target, host)
    assert statuses(server, head) == [status]


def test_answers_leave_in_the_order_of_their_requests(server: EmbeddedServer) -> None:
    """Reads are answered on the spot and written together, others by a task: one connection sees them in turn."""
    head = b" HTTP/1.1\r\nHost: localhost\r\nX-Authorization: %b\r\n" % server.key.encode()
    read = b"GET /api/v1/webhooks" + head + b"\r\n"
    nowhere = b"GET /api/v1/nowhere" + head + b"\r\n"
    write = b"POST /api/v1/webhooks" + head + b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    last = b"GET /_loopsim/nowhere" + head + b"Connection: close\r\n\r\n"
    calls = (read + read + write + read + nowhere) * 3 + last
    assert statuses(server, calls) == [b"200", b"200", b"422", b"200", b"404"] * 3 + [b"404"]
    # What can be answered before the rest is seen to be no HTTP is answered.
    assert statuses(server, read + read + b"nonsense\r\n\r\n") == [b"200", b"200", b"400"]


def test_a_read_is_the_same_in_every_spelling(server: EmbeddedServer) -> None:
    """Most reads are answered on the spot; these are not, or bring what nobody asks for: the answers do not differ."""
    key = b"Host: localhost\r\nX-Authorization: %b\r\n" % server.key.encode()
    plain = b"GET /api/v1/webhooks HTTP/1.1\r\n" + key
    spellings = [
        b"GET /api/v1/web%68ooks HTTP/1.1\r\n" + key,
        b"GET /api/v1/webhooks?a=%20#fragment HTTP/1.1\r\n" + key,
        b"GET http://localhost/api/v1/webhooks HTTP/1.1\r\n" + key,
        plain + b"Content-Length: 5\r\n\r\nhello" + plain,
        plain + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n" + plain,
        plain + b"Expect: 100-continue\r\n",
    ]
    for spelling in spellings:
        calls = b"\r\n".join([plain, spelling, plain + b"Connection: close\r\n\r\n"])
        bodies = re.findall(rb"\r\n\r\n([^\r]+?)(?=HTTP/1\.1|$)", everything(server, calls))
        assert len(bodies) == calls.count(b" HTTP/1.1\r\n"), spelling
        assert len(set(bodies)) == 1


HOOK = b'{"topic":"restock","trigger":"restock.requested","url":"http://127.0.0.1:9/"}'
CHUNKED = b"%x\r\n%b\r\n0\r\n" % (len(HOOK), HOOK)


def asks(server: EmbeddedServer, line: bytes, *headers: bytes) -> bytes:
    """The head of a request, with the key and what `headers` say."""
    key = b"X-Authorization: %b" % server.key.encode()
    return b"\r\n".join([line + b" HTTP/1.1", b"Host: localhost", key, *headers, b"", b""])


def last(server: EmbeddedServer) -> bytes:
    return asks(server, b"GET /api/v1/nowhere", b"Connection: close")


@pytest.mark.parametrize("cut", [0, 1, 40])
@pytest.mark.parametrize("coding", [b"Content-Length: %d" % len(HOOK), b"Transfer-Encoding: chunked"])
def test_a_wish_for_another_protocol_costs_no_body(server: EmbeddedServer, coding: bytes, cut: int) -> None:
    """Java's HttpClient asks for HTTP/2 with each request, until a server takes it up."""
    wish = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAEAAEAAAAIAAAAAAAMAAAAA")
    head = asks(server, b"POST /api/v1/webhooks", *wish, b"Content-Type: application/json", coding)
    body = HOOK if b"Length" in coding else CHUNKED + b"\r\n"
    with connected(server) as connection, connection.makefile("rb") as file:
        connection.sendall(head + body[:cut])
        if cut:
            statuses(server, last(server))  # by now the first part is read
        connection.sendall(body[cut:] + asks(server, b"GET /api/v1/webhooks", *wish) + last(server))
        assert re.findall(rb"HTTP/1\.1 (\d+) ", file.read()) == [b"201", b"200", b"404"]


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("trailer", [b"X-Authorization: other", b"Host: evil.test", b"Content-Type: text/plain"])
def test_what_comes_behind_a_body_is_no_header(server: EmbeddedServer, trailer: bytes, at_once: bool) -> None:
    head = asks(server, b"POST /api/v1/webhooks", b"Content-Type: application/json", b"Transfer-Encoding: chunked")
    parts = [head + CHUNKED, trailer + b"\r\n\r\n" + last(server)]
    with connected(server) as connection, connection.makefile("rb") as file:
        for part in [b"".join(parts)] if at_once else parts:
            connection.sendall(part)
            statuses(server, last(server))  # by now it is read
        assert re.findall(rb"HTTP/1\.1 (\d+) ", file.read()) == [b"201", b"404"]


@pytest.mark.parametrize(
    ("line", "status"), [(b"GET /_loopsim/health", b"200"), (b"POST /api/v1/webhooks", b"422"), (b"HEAD /", b"404")]
)
@pytest.mark.parametrize("bad", [b"nonsense\r\n\r\n", b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"])
def test_a_refusal_waits_for_the_answers_before_it(
    server: EmbeddedServer, line: bytes, status: bytes, bad: bytes
) -> None:
    """Whoever it came behind would take it for the answer to what was in fact done."""
    calls = asks(server, line) * 2
    assert statuses(server, calls + bad) == [status, status, b"400"]


@pytest.mark.parametrize("around", [b"%s ", b"%s\t", b"  %s \t"])
def test_white_space_around_a_key_is_no_part_of_it(server: EmbeddedServer, around: bytes) -> None:
    head = b"GET /api/v1/webhooks HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Authorization: "
    assert statuses(server, head + around % server.key.encode() + b"\r\n\r\n") == [b"200"]
