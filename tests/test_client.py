"""The client where there is no server, or one that misbehaves; a good one is under the tests of the control API."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from loopsim.client import ControlError, Loopsim, Shop
from loopsim.errors import SetupError
from tests.listening import listening


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Canned:
    """A server that answers what the test says, and closes the connection after each answer if told to."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        self.status, self.body, self.hang_up = 200, b"{}", False


@pytest.fixture
def canned() -> Iterator[Canned]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            state.seen.append((self.command, self.path, dict(self.headers), body))
            self.send_response(state.status)
            self.send_header("Content-Length", str(len(state.body)))
            self.end_headers()
            self.wfile.write(state.body)
            # Without saying so: the client finds out when it calls again.
            self.close_connection = state.hang_up

        do_GET = do_POST

        def log_message(self, *_args: Any) -> None:
            """Say nothing."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state = Canned(f"http://127.0.0.1:{http.server_address[1]}")
    with listening(http):
        yield state


def test_without_a_server_it_says_how_to_start_one(free_port: int) -> None:
    with pytest.raises(SetupError, match="loopsim serve"):
        Loopsim(f"http://127.0.0.1:{free_port}").health()


@pytest.mark.parametrize(
    "url", ["", "ftp://127.0.0.1", "http://", "http://[::1", "http://127.0.0.1:99999", "http://a:b"]
)
def test_what_is_no_address_is_refused_at_once(url: str) -> None:
    with pytest.raises(SetupError, match="no address"):
        Loopsim(url)


def test_a_refusal_carries_its_problem(canned: Canned) -> None:
    canned.status, canned.body = 409, b'{"type":"urn:loopsim:problem:clock_busy","title":"Busy","detail":"Wait."}'
    with Loopsim(canned.url) as server, pytest.raises(ControlError) as refused:
        server.health()
    assert (refused.value.status, refused.value.code, str(refused.value)) == (409, "clock_busy", "409 Busy: Wait.")


def test_an_answer_that_is_no_json_is_an_error(canned: Canned) -> None:
    canned.body = b"<html>"
    with Loopsim(canned.url) as server, pytest.raises(ControlError, match="<html>"):
        server.health()


def test_a_token_is_brought_along(canned: Canned) -> None:
    with Loopsim(canned.url, token="s3cret") as server:
        server.health()
    assert canned.seen[0][2]["Authorization"] == "Bearer s3cret"


def test_connections_are_kept_and_a_closed_one_is_replaced(canned: Canned) -> None:
    with Loopsim(canned.url) as server:
        server.health()
        server.health()
        assert len(server._idle) == 1
        canned.hang_up = True
        server.health()
        server.health()
    assert len(canned.seen) == 4


@pytest.mark.parametrize("says", [b"Connection: close", b"Connection: keep-alive"])
def test_a_server_that_goes_away_between_two_calls_is_missed_like_any_other(says: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = Loopsim(f"http://127.0.0.1:{listener.getsockname()[1]}")

        def answer_once() -> None:
            with listener.accept()[0] as connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + says + b"\r\n\r\n{}")
            listener.close()

        server = Thread(target=answer_once)
        server.start()
        assert client.call("GET", "/health") == {}
        server.join()
    with pytest.raises(SetupError, match="loopsim serve"):
        client.call("GET", "/health")


def test_acts_are_words_with_a_dot(canned: Canned) -> None:
    canned.body = b'{"return":{"id":7}}'
    with Loopsim(canned.url) as server:
        shop = Shop(server, "a shop", "key", "secret", canned.url)
        assert shop.staff.flags(return_id=7) == {"id": 7}
    method, path, _, body = canned.seen[0]
    assert (method, path, body) == ("POST", "/_loopsim/shops/a%20shop/acts/staff.flags", b'{"return_id": 7}')


def test_an_act_that_does_not_exist_names_those_that_do(canned: Canned) -> None:
    with Loopsim(canned.url) as server, pytest.raises(AttributeError, match="processes, flags, unflags"):
        Shop(server, "one", "key", "secret", canned.url).staff.explodes()
