"""Clients that begin a request and do not end it: they have a time limit, and those that only wait have none."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from loopsim.bootstrap import Options
from loopsim.embedded import EmbeddedServer
from loopsim.server import protocol, serving

LIMIT = 0.2
PATIENCE = 10
HEAD = b"Host: localhost\r\n"


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedServer]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(protocol, "REQUEST_TIME", LIMIT)
        patch.setattr(protocol, "STEADY", 2000)
        with EmbeddedServer(Options(port=0)) as running:
            yield running


@pytest.fixture
def client(server: EmbeddedServer) -> Iterator[socket.socket]:
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as connection:
        yield connection


def rest_of(client: socket.socket) -> bytes:
    """Everything that comes until the server hangs up."""
    parts = []
    while part := client.recv(65536):
        parts.append(part)
    return b"".join(parts)


@pytest.mark.parametrize(
    "half",
    [
        b"GET /api/v1/web",
        b"GET /api/v1/webhooks HTTP/1.1\r\n" + HEAD,
        b"GET /api/v1/webhooks HTTP/1.1\r\n" + HEAD + b"X-Long: ",
    ],
)
def test_a_head_that_is_never_complete_ends_in_time(client: socket.socket, half: bytes) -> None:
    client.sendall(half)
    head, _, body = rest_of(client).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert b"connection: close" in head
    assert json.loads(body) == {"message": "Request Timeout"}


@pytest.mark.parametrize("nothing", [b"", b"\r\n"])
def test_who_says_nothing_is_hung_up_on_without_a_word(client: socket.socket, nothing: bytes) -> None:
    """Clients open connections ahead; they would take a 408 for the answer to what they are just sending."""
    client.sendall(nothing)
    assert rest_of(client) == b""


@pytest.mark.parametrize("path", [b"/_loopsim/shops", b"/api/v1/webhooks"])
def test_a_body_that_is_never_complete_ends_in_time(server: EmbeddedServer, client: socket.socket, path: bytes) -> None:
    key = b"X-Authorization: %b\r\n" % (server.key or "").encode()
    client.sendall(b"POST %b HTTP/1.1\r\n%bContent-Length: 50\r\n\r\n" % (path, HEAD + key) + b'{"name":"half')
    assert rest_of(client).startswith(b"HTTP/1.1 408 ")


def test_a_trickle_is_no_excuse(client: socket.socket) -> None:
    began = time.monotonic()
    client.sendall(b"POST /_loopsim/shops HTTP/1.1\r\n" + HEAD + b"Content-Length: 500000\r\n\r\n")
    client.settimeout(0.01)
    came = None
    while came is None:
        assert time.monotonic() - began < PATIENCE
        client.sendall(b" ")
        try:
            came = client.recv(100)
        except TimeoutError:
            continue
    assert came.startswith(b"HTTP/1.1 408 ")


def test_a_large_body_that_keeps_coming_has_all_its_time(client: socket.socket) -> None:
    size = 9_000_000
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client.sendall(b"POST /_loopsim/shops HTTP/1.1\r\n" + HEAD + b"Content-Length: %d\r\n\r\n" % size)
    ends = time.monotonic() + 3 * LIMIT
    while time.monotonic() < ends and size > 1000:
        client.sendall(b" " * 50)
        size -= 50
    client.sendall(b"[".rjust(size))
    assert client.recv(100).startswith(b"HTTP/1.1 400 ")


def test_an_answer_that_was_given_is_not_followed_by_another(client: socket.socket) -> None:
    """Refused before its body was there, which then never comes."""
    client.sendall(b"POST /api/v1/webhooks HTTP/1.1\r\n" + HEAD + b"Content-Length: 50\r\n\r\n")
    came = rest_of(client)
    assert came.startswith(b"HTTP/1.1 401 ")
    assert b"408" not in came


def test_a_call_that_waits_longer_is_answered(client: socket.socket) -> None:
    wait = 3 * LIMIT
    waits = b"GET /_loopsim/shops/default/journal?kind=note&wait=%g HTTP/1.1\r\n" % wait + HEAD + b"\r\n"
    # Half of the next one waits behind it, and is given its time from then on.
    client.sendall(waits + b"GET /api/v1/webh")
    began = time.monotonic()
    came = rest_of(client)
    assert came.startswith(b"HTTP/1.1 200 ")
    assert came.count(b"HTTP/1.1 408 ") == 1
    assert time.monotonic() - began > wait


def test_a_connection_is_kept_between_calls(client: socket.socket) -> None:
    call = b"GET /_loopsim/health HTTP/1.1\r\n" + HEAD + b"\r\n"
    client.sendall(call)
    assert client.recv(65536).startswith(b"HTTP/1.1 200 ")
    client.settimeout(3 * LIMIT)
    with pytest.raises(TimeoutError):
        client.recv(1)
    client.settimeout(PATIENCE)
    client.sendall(call[:20])
    client.sendall(call[20:])
    assert client.recv(65536).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("path", [b"/api/v1/webhooks", b"/_loopsim/health"])
def test_an_idle_connection_ends_in_time(monkeypatch: pytest.MonkeyPatch, path: bytes) -> None:
    monkeypatch.setattr(serving, "KEEP_ALIVE", LIMIT)
    with EmbeddedServer(Options(port=0)) as server:
        host, port = server.url.removeprefix("http://").split(":")
        call = b"GET %b HTTP/1.1\r\nX-Authorization: %b\r\n" % (path, server.key.encode()) + HEAD + b"\r\n"
        waits = b"GET /_loopsim/shops/default/journal?kind=note&wait=%g HTTP/1.1\r\n" % (3 * LIMIT) + HEAD + b"\r\n"
        with socket.create_connection((host, int(port)), timeout=PATIENCE) as client:
            began = time.monotonic()
            client.sendall(call + waits)
            # While it waits for an answer it is not idle.
            came = rest_of(client)
        assert came.count(b"HTTP/1.1 200 ") == 2
        assert time.monotonic() - began > 4 * LIMIT - 0.05


def test_of_who_never_reads_no_more_is_read(server: EmbeddedServer, client: socket.socket) -> None:
    """Each request that waits for its turn takes some kilobytes."""
    call = b"GET /api/v1/webhooks HTTP/1.1\r\nX-Fill: " + b"a" * 200 + b"\r\n" + HEAD + b"\r\n"
    client.settimeout(1)
    with suppress(TimeoutError):
        client.sendall(call * 100_000)
    connections = server.running._server.server_state.connections
    # What was read at once last is taken apart to its end.
    assert max(len(each.pipeline) for each in connections) < 5000
