"""What an adversary needs: a server to attack, requests byte by byte, receivers that misbehave, and a look at what
changed.
"""

from __future__ import annotations

import json
import logging
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from loopsim.bootstrap import Options
from loopsim.client import Loopsim, Shop
from loopsim.contract import Contract, Operation
from loopsim.contract.responses import check_response
from loopsim.embedded import EmbeddedServer
from loopsim.store import shop as store

MOMENT = "2026-05-27T16:30:36Z"
PATIENCE = 60.0
"""Seconds of real time after which a test gives up waiting."""

_CACHES = {"journal", "list_rows", "sqlite_sequence"}


class Reply(NamedTuple):
    """An answer as it came over the wire; `closes` where the server said it would close the connection."""

    status: int
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw)

    @property
    def closes(self) -> bool:
        return self.headers.get("connection") == "close"


class Wire:
    """One connection to a server, with nothing in between that would mend a request."""

    def __init__(self, url: str) -> None:
        host, _, port = url.removeprefix("http://").rpartition(":")
        self.address = (host, int(port))
        self._socket: socket.socket | None = None

    def call(
        self, method: str, target: str | bytes, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Reply:
        """One request, and its answer."""
        return self.ask(request(method, target, body, headers), method)

    def ask(self, raw: bytes, method: str = "GET") -> Reply:
        """Send bytes, and read one answer."""
        return self.answers(raw, 1, method)[0]

    def answers(self, raw: bytes, count: int, method: str = "GET") -> list[Reply]:
        """Send bytes, and read so many answers."""
        if self._socket is None:
            self._socket = socket.create_connection(self.address, timeout=PATIENCE)
            self._file = self._socket.makefile("rb")
        with suppress(ConnectionError):
            # A server that has heard enough does not wait for the rest.
            self._socket.sendall(raw)
        try:
            replies = [self._read(method) for _ in range(count)]
        except OSError:
            # Whoever asks next has nothing to do with it.
            self.close()
            raise
        if replies[-1].closes:
            self.close()
        return replies

    def _read(self, method: str) -> Reply:
        line = self._file.readline()
        assert line, "the server closed the connection without an answer"
        headers = {}
        while (field := self._file.readline()) not in (b"\r\n", b""):
            name, _, value = field.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        status = int(line.split()[1])
        bare = method == "HEAD" or status in (204, 304)
        return Reply(status, headers, b"" if bare else self._file.read(int(headers.get("content-length", 0))))

    def close(self) -> None:
        if self._socket is not None:
            self._file.close()
            self._socket.close()
            self._socket = None


def request(
    method: str, target: str | bytes, body: bytes | None = None, headers: dict[str, str] | None = None
) -> bytes:
    """The bytes of a request. `Host` and `Content-Length` are as they should be, unless `headers` say otherwise."""
    given = {"Host": "localhost"} | ({} if body is None else {"Content-Length": str(len(body))}) | (headers or {})
    target = target if isinstance(target, bytes) else target.encode("latin-1")
    lines = [b"%b %b HTTP/1.1" % (method.encode(), target)]
    lines += [f"{name}: {value}".encode("latin-1") for name, value in given.items()]
    return b"\r\n".join([*lines, b"", body or b""])


class Victim:
    """A server with a shop that has some of everything, and what its state is."""

    def __init__(self, server: EmbeddedServer, contract: Contract) -> None:
        self.contract = contract
        self.server = server
        self.wire = Wire(server.url)
        self.client = Loopsim(server.url, timeout=PATIENCE)
        self.shop: Shop = self.client.create_shop(
            "victim",
            seed=3,
            moment=MOMENT,
            clock={"mode": "manual"},
            rate_limit=10_000_000,
            policy={"label_source": "third_party"},
        )
        self.key = {"X-Authorization": self.shop.key}
        own = {"client_id": "app", "redirect_uris": ["http://127.0.0.1:9/"], "scopes": ["ship_by_loop:write"]}
        self.shop.call("POST", "/oauth-clients", own)
        tokens = self.shop.call("POST", "/oauth-clients/app/tokens")
        self.token = {"Authorization": f"Bearer {tokens['access_token']}"}
        dropped = self.shop.act("customer.submits_return", method="happy_returns")
        self.shop.act("customer.drops_off", return_id=dropped["id"])
        self.shop.act("happy_returns.ships")
        self.returns = [self.shop.act("customer.submits_return")["id"] for _ in range(6)]
        self.subscriptions = self.client.call(
            "POST",
            "/shops/victim/subscriptions",
            {"url": "http://127.0.0.1:9/", "topic": "return", "trigger": "return.created", "status": "inactive"},
        )["subscriptions"]
        self.shop.clock.advance(by="10s")
        self.stored: store.Shop = server.running.runtime.world.shops["victim"]

    def loop(self, method: str, path: str, body: bytes | None = None, version: str = "v1", **headers: str) -> Reply:
        """A call of Loop's API with the shop's key."""
        return self.wire.call(method, f"/api/{version}{path}", body, {**self.key, **headers})

    def control(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Reply:
        """A call of the control API."""
        return self.wire.call(method, f"/_loopsim{path}", body, headers)

    def commits(self) -> tuple[object, ...]:
        """What differs whenever anything was committed to the shop, or a shop was made."""
        shops = frozenset(self.server.running.runtime.world.shops)
        keys = frozenset(self.server.running.runtime.world.keys)
        return self.stored.changes, self.stored.clock, self.stored.settings, shops, keys

    def dump(self) -> dict[str, list[str]]:
        """Everything in the shop's database but the journal, and what is kept of answers."""
        connection, tables = self.stored.connection, {}
        for (table,) in connection.execute("select name from sqlite_master where type = 'table'").fetchall():
            if table not in _CACHES:
                columns = [row[1] for row in connection.execute(f"pragma table_info({table})")]
                named = ", ".join(name for name in columns if name not in ("details", "counters"))
                tables[table] = sorted(map(repr, connection.execute(f"select {named} from {table}")))
        counters = {name: value for name, value in self.stored.counters.items() if name != "request"}
        return tables | {"counters": [repr(sorted(counters.items()))]}

    def judged(self, operation: Operation, reply: Reply) -> None:
        """Fail for an answer that the contract does not have, and for a 500."""
        assert reply.status < 500, reply
        assert check_response(operation, reply.status, reply.headers.get("content-type"), reply.raw) == []

    def close(self) -> None:
        self.wire.close()
        self.client.close()


@contextmanager
def victim(contract: Contract) -> Iterator[Victim]:
    """A server under attack. At the end it must not have logged an error."""
    broken = Broken()
    logger = logging.getLogger("loopsim")
    logger.addHandler(broken)
    with EmbeddedServer(Options(port=0)) as server:
        made = Victim(server, contract)
        try:
            yield made
        finally:
            made.close()
    logger.removeHandler(broken)
    assert broken.heard == []


class Broken(logging.Handler):
    """Keeps what was logged as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append(self.format(record))


Behave = Callable[[socket.socket, bytes], bool | None]


class BadReceiver:
    """Reads each POST, and lets `behave(connection, body)` do with it what it wants; True keeps the connection.

    `lines` are the request lines that came in, `bodies` what came with them, `got` is set after each.
    """

    def __init__(self, behave: Behave, host: str = "127.0.0.1") -> None:
        self.behave = behave
        self.lines: list[bytes] = []
        self.bodies: list[bytes] = []
        self.got = threading.Event()
        self._open: list[socket.socket] = []
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family, backlog=64)
        name = f"[{host}]" if ":" in host else host
        self.url = f"http://{name}:{self._listener.getsockname()[1]}/hook"
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                connection.settimeout(PATIENCE)
                self._open.append(connection)
                self._threads.append(threading.Thread(target=self._serve, args=(connection,), daemon=True))
                self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection, connection.makefile("rb") as file:
            while line := file.readline():
                length = 0
                while (field := file.readline()).strip():
                    found = re.match(rb"content-length: *(\d+)", field, re.IGNORECASE)
                    length = int(found[1]) if found else length
                body = file.read(length)
                self.lines.append(line.strip())
                self.bodies.append(body)
                self.got.set()
                if not self.behave(connection, body):
                    return

    def close(self) -> None:
        # A thread that waits for a socket is not woken by closing it.
        for each in (self._listener, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(PATIENCE)


@contextmanager
def receiving(behave: Behave, host: str = "127.0.0.1") -> Iterator[BadReceiver]:
    """A receiver for as long as the block lasts."""
    receiver = BadReceiver(behave, host)
    try:
        yield receiver
    finally:
        receiver.close()


def says(raw: bytes) -> Behave:
    """Answer these bytes, and close the connection."""

    def behave(connection: socket.socket, _body: bytes) -> None:
        connection.sendall(raw)

    return behave


def fine(connection: socket.socket, _body: bytes) -> bool:
    """Answer 200."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    return True
