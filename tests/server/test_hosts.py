from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from loopsim.bootstrap import Options, build
from loopsim.embedded import EmbeddedServer
from loopsim.errors import SetupError
from loopsim.server.hosts import Hosts
from loopsim.urls import is_loopback

if TYPE_CHECKING:
    from tests.server.conftest import Client, Connect

LIST = "/api/v1/warehouse/return/list"


@pytest.fixture(scope="module")
def guarded() -> Iterator[EmbeddedServer]:
    """A server with a token and a name of its own."""
    with EmbeddedServer(Options(port=0, token="sesame", allow_hosts=("loopsim.test",))) as running:
        yield running


@pytest.fixture
def visitor(guarded: EmbeddedServer, connect: Connect) -> Client:
    return connect(guarded)


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST", "127.0.0.1", "127.8.8.8", "[::1]", "shop.localhost", "localhost.", "[::ffff:127.0.0.1]"],
)
def test_a_name_of_this_machine_is_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["localhost.evil.test", "evil.test", "10.0.0.1", "", "127.0.0.1.evil.test", "0x7f000001"]
)
def test_any_other_name_is_not(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize("path", [LIST, "/_loopsim/health", "/_loopsim/docs", "/openapi.json", "/"])
def test_a_host_that_is_not_ours_is_refused_everywhere(visitor: Client, path: str) -> None:
    answer = visitor.call("GET", path, Host="evil.test:80")
    assert (answer.status, answer.body["type"]) == (403, "urn:loopsim:problem:forbidden")
    assert "--allow-host" in answer.body["detail"]


@pytest.mark.parametrize(
    "host",
    ["", "127.0.0.1:80@evil.test", "[::1]evil.test", "[127.0.0.1].evil.test", "[::1", "localhost:abc", "local host",
     "localhost, evil.test", '127.0.0.1:80"><b>', "localhost:80:80", "[::1%evil]"],
)  # fmt: skip
def test_what_only_begins_like_a_name_of_ours_is_refused(host: str) -> None:
    assert not Hosts(("loopsim.test",)).admits(host.encode())
    assert not Hosts(("*",)).admits(host.encode())


def test_an_address_of_ipv6_is_a_name_with_brackets_and_without() -> None:
    assert Hosts(("2001:db8::7",)).admits(b"[2001:db8::7]:8484")
    assert Hosts(("[2001:DB8::7]",)).admits(b"[2001:db8::7]")
    assert not Hosts(("2001:db8::7",)).admits(b"[2001:db8::8]")


def test_of_two_hosts_none_counts(visitor: Client) -> None:
    address = visitor.authority.rpartition(":")
    with socket.create_connection((address[0], int(address[2])), timeout=10) as connection:
        connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: evil.test\r\nHost: localhost\r\n\r\n")
        assert connection.recv(12) == b"HTTP/1.1 403"


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1", "[::1]:8484", "loopsim.test", "LoopSim.Test:99"])
def test_names_of_ours_are_let_in(visitor: Client, host: str) -> None:
    assert visitor.call("GET", LIST, Host=host).status == 200


def test_any_name_is_let_in_where_all_are_allowed() -> None:
    assert Hosts(("*",)).admits(b"anything.test")


@pytest.mark.parametrize("origin", ["http://evil.test", "null", "http://localhost:3000", "file://"])
@pytest.mark.parametrize("path", ["/_loopsim/shops", "/_loopsim/docs", "/openapi.json"])
def test_a_page_of_another_origin_is_kept_out_of_what_is_ours(visitor: Client, path: str, origin: str) -> None:
    answer = visitor.call("GET", path, key="", Origin=origin, X_Loopsim_Token="sesame")
    assert answer.status == 403


def test_a_page_of_this_server_is_let_in(visitor: Client) -> None:
    own = f"http://{visitor.authority}"
    assert visitor.call("GET", "/_loopsim/shops", Origin=own, X_Loopsim_Token="sesame").status == 200


def test_loops_api_answers_pages_of_any_origin(visitor: Client) -> None:
    assert visitor.call("GET", LIST, Origin="http://shop.test").status == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"X_Loopsim_Token": "wrong"}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": "sesame"}, 401),
        ({"X_Loopsim_Token": "sesame"}, 200),
        ({"Authorization": "Bearer sesame"}, 200),
    ],
)
def test_the_control_api_wants_the_token_where_there_is_one(
    visitor: Client, headers: dict[str, str], status: int
) -> None:
    answer = visitor.call("GET", "/_loopsim/shops", key="", **headers)
    assert answer.status == status
    if status == 401:
        assert answer.body["type"] == "urn:loopsim:problem:unauthorized"
        assert answer.headers["www-authenticate"] == "Bearer"


def test_loops_api_and_health_want_no_token(visitor: Client) -> None:
    assert visitor.call("GET", LIST).status == 200
    assert visitor.call("GET", "/_loopsim/health").status == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_listening_beyond_loopback_without_a_token_is_refused(host: str) -> None:
    with pytest.raises(SetupError, match="--token"):
        build(Options(host=host, port=0))
