"""A server, a shop of its own for each test, and clients over real sockets."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from loopsim.bootstrap import Options
from loopsim.embedded import EmbeddedServer

MOMENT = "2026-06-01T09:00:00.000Z"


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw)


class Client:
    """One keep-alive connection to a server, with a key and its shop."""

    def __init__(self, url: str, shop: str = "default", key: str = "") -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        self.authority = parts.netloc
        self.connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
        self.shop = shop
        self.key = key

    def call(
        self, method: str, path: str, body: Any = None, *, key: str | None = None, **headers: str | bytes
    ) -> Reply:
        """Call as a partner does. A body that is not bytes is sent as JSON; keywords are headers, `_` for `-`."""
        key = self.key if key is None else key
        sent: dict[str, str | bytes] = {"X-Authorization": key} if key else {}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if raw is not None:
            sent.setdefault("Content-Type", "application/json")
        self.connection.request(method, path, raw, sent)
        response = self.connection.getresponse()
        got = {name.lower(): value for name, value in response.getheaders()}
        return Reply(response.status, got, response.read())

    def control(self, method: str, path: str, body: Any = None, **headers: str | bytes) -> Reply:
        """Call the control API; a path that does not begin with a slash is below the shop."""
        whole = path if path.startswith("/") else f"/shops/{self.shop}/{path}".rstrip("/")
        return self.call(method, f"/_loopsim{whole}", body, key="", **headers)

    def journal(self) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = self.control("GET", "journal").body["entries"]
        return entries

    def close(self) -> None:
        self.connection.close()


Connect = Callable[[EmbeddedServer], Client]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Make clients of servers, for the first shop and its key."""
    made: list[Client] = []

    def make(server: EmbeddedServer) -> Client:
        made.append(Client(server.url, key=server.key))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedServer]:
    with EmbeddedServer(Options(port=0)) as running:
        yield running


_numbers = count(1)


@pytest.fixture
def client(server: EmbeddedServer) -> Iterator[Client]:
    """A client of a shop of its own, on a clock that stands still."""
    client = Client(server.url)
    made = client.control(
        "POST", "/shops", {"name": f"shop-{next(_numbers)}", "moment": MOMENT, "clock": {"mode": "manual"}}
    ).body
    client.shop, client.key = made["shop"]["name"], made["key"]["key"]
    yield client
    client.control("DELETE", "")
    client.close()
