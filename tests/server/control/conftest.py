"""A real server on a free port, a fresh shop on a manual clock for each test, and a receiver of webhooks."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.request import Request, urlopen

import pytest

from loopsim.bootstrap import Options, Running, build
from loopsim.client import Loopsim, Shop
from loopsim.contract.responses import check_response
from loopsim.server import runtime as runtime_module
from loopsim.server.slices import Steps, in_slices
from tests.listening import listening

PATIENCE = 30.0
MOMENT = "2026-06-01T09:00:00.000Z"


class CheckedLoopsim(Loopsim):
    """A client that holds every answer against the contract."""

    running: Running

    def _exchange(self, connection: Any, method: str, target: str, body: Any, headers: Any) -> tuple[int, bytes]:
        connection.request(method, target, body, headers)
        response = connection.getresponse()
        raw = response.read()
        match = self.running.runtime.contract.route("control", method, target.partition("?")[0])
        assert check_response(match.operation, response.status, response.getheader("content-type"), raw) == []
        return response.status, raw


@pytest.fixture(scope="session")
def running() -> Iterator[Running]:
    built = build(Options(port=0, clock="manual"))
    ready = threading.Event()
    thread = threading.Thread(target=lambda: built.run(ready.set, signals=False))
    thread.start()
    assert ready.wait(30)
    yield built
    built.stop()
    thread.join(30)


@pytest.fixture
def server(running: Running) -> Iterator[Loopsim]:
    client = CheckedLoopsim(running.url, timeout=30)
    client.running = running
    yield client
    client.close()


@pytest.fixture
def shop(server: Loopsim) -> Iterator[Shop]:
    made = server.create_shop(clock={"mode": "manual"}, moment=MOMENT, quiet_for=0)
    yield made
    if any(row["name"] == made.name for row in server.shops()):
        made.delete()


class Receiver:
    """Receives webhooks. `answer` is called with each payload and gives the status."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.received: list[dict[str, Any]] = []
        self.answer: Callable[[dict[str, Any]], int] = lambda _payload: 200


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the name that http.server calls
            payload = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            received.received.append(payload)
            self.send_response(received.answer(payload))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_args: Any) -> None:
            """Say nothing."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    received = Receiver(f"http://127.0.0.1:{http.server_address[1]}/hook")
    with listening(http):
        yield received


def call_loop(shop: Shop, path: str, method: str = "GET", body: Any = None) -> Any:
    """What a partner does: a call of Loop's API."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"X-Authorization": shop.key, "Content-Type": "application/json"}
    with urlopen(Request(shop.api_base + path, data, headers, method=method), timeout=10) as answer:
        return json.loads(answer.read() or b"null")


class Held:
    """Long works that stop after their first steps, until they are let go on."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self._let_go = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def in_slices(self, steps: Steps) -> Any:
        self._loop = asyncio.get_running_loop()
        for _ in range(5):
            next(steps)
        self.begun.set()
        await asyncio.wait_for(self._let_go.wait(), PATIENCE)
        return await in_slices(steps)

    def go_on(self) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._let_go.set)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(10) as pool:
        yield pool


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch, pool: ThreadPoolExecutor) -> Iterator[Held]:  # noqa: ARG001  ends before it
    held = Held()
    monkeypatch.setattr(runtime_module, "in_slices", held.in_slices)
    yield held
    held.go_on()
