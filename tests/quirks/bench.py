"""What tests of quirks need: a fresh shop of a running server, calls to it over a socket, a receiver of webhooks.

Calls go through `http.client`, as any partner's would.
"""

from __future__ import annotations

import base64
import hmac
import http.client
import json
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from loopsim.client import Shop

PATIENCE = 20.0
"""Seconds of real time that anything may take at most."""
MOMENT = "2026-06-01T12:00:00Z"
"""Where the clocks of test shops begin, unless they are told otherwise."""

Json = Any


class Reply(NamedTuple):
    """An answer. `headers` by lower-case name."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Json:
        """The value of the body."""
        return json.loads(self.body)


def exchange(
    url: str, method: str, target: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> Reply:
    """One request over a connection of its own."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE)
    try:
        connection.request(method, target, body, dict(headers or {}))
        answer = connection.getresponse()
        return Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    finally:
        connection.close()


class Bench:
    """A shop as its partner sees it, and (`control`) as its owner moves it. `api` is the version path called."""

    def __init__(self, control: Shop, receivers: Callable[[], Receiver]) -> None:
        self.control = control
        self.api = "/api/v1"
        self._receivers = receivers
        self._receiver: Receiver | None = None

    # the partner

    def call(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | str | None = None,
        body: Json = None,
        *,
        raw: bytes | None = None,
        key: str | None = "own",
        headers: Mapping[str, str] | None = None,
        api: str | None = None,
    ) -> Reply:
        """A call of Loop's API. A `query` that is a text goes out verbatim; `key` None brings none."""
        given = {} if key is None else {"X-Authorization": self.control.key if key == "own" else key}
        payload = raw
        if body is not None:
            payload = json.dumps(body).encode()
            given["Content-Type"] = "application/json"
        text = query if isinstance(query, str) else urlencode(query or {})
        place = f"{self.api if api is None else api}{path}"
        target = f"{place}?{text}" if text else place
        return exchange(self.control.server.url, method, target, payload, {**given, **(headers or {})})

    def get(self, path: str, query: Mapping[str, Any] | str | None = None, **more: Any) -> Reply:
        """GET."""
        return self.call("GET", path, query, **more)

    def post(self, path: str, body: Json = None, **more: Any) -> Reply:
        """POST."""
        return self.call("POST", path, body=body, **more)

    def put(self, path: str, body: Json = None, **more: Any) -> Reply:
        """PUT."""
        return self.call("PUT", path, body=body, **more)

    def delete(self, path: str, **more: Any) -> Reply:
        """DELETE."""
        return self.call("DELETE", path, **more)

    def act(self, return_id: int, action: str) -> Reply:
        """One of Loop's actions on a return."""
        return self.post(f"/warehouse/return/{return_id}/{action}")

    def rows(self, **query: Any) -> list[Json]:
        """The rows of the list, all states and a wide window unless asked otherwise."""
        if "from" not in query and "from_" not in query:
            query = {"from": "2026-05-20", "to": "2026-09-10", **query}
        reply = self.get("/warehouse/return/list", query)
        assert reply.status == 200, reply.body
        rows: list[Json] = reply.json
        return rows

    def row(self, return_id: int) -> Json:
        """The list row of a return, whatever its state."""
        states = (None, "cancelled", "review")
        found = [row for state in states for row in self.rows(**({} if state is None else {"state": state}))]
        (row,) = [row for row in found if str(row["id"]) == str(return_id)]
        return row

    def details(self, return_id: int) -> Json:
        """The details of a return."""
        reply = self.get("/warehouse/return/details", {"return_id": return_id})
        assert reply.status == 200
        return reply.json

    # what happens to the shop

    def submit(self, *items: Json, **more: Any) -> int:
        """A customer submits a return; its id."""
        asked = {"items": list(items)} if items else {}
        made = self.control.customer.submits_return(**asked, **more)
        return int(made["id"])

    def order(self, *lines: Json, **more: Any) -> str:
        """A customer ordered; the name of the order."""
        made = self.control.orders.makes(lines=list(lines), **more)
        return str(made["name"])

    def advance(self, by: str | float) -> None:
        """Let time pass, without waiting for anybody."""
        self.control.clock.advance(by=by, wait=False)

    # webhooks

    @property
    def receiver(self) -> Receiver:
        """The shop's own receiver, listening from its first use."""
        if self._receiver is None:
            self._receiver = self._receivers()
        return self._receiver

    def listen(self, *pairs: tuple[str, str], url: str | None = None) -> list[int]:
        """Subscribe the receiver to pairs of topic and trigger, by Loop's own API; the webhooks' ids."""
        ids = []
        for topic, trigger in pairs:
            reply = self.post("/webhooks", {"topic": topic, "trigger": trigger, "url": url or self.receiver.url})
            assert reply.status == 201, reply.body
            ids.append(int(reply.json["id"]))
        return ids

    def settle(self) -> None:
        """Wait until nothing is being delivered."""
        assert self.control.settle(PATIENCE, quiet_for=0)["settled"]

    def heard(self) -> list[Received]:
        """What the receiver has got so far, first to last."""
        self.settle()
        return list(self.receiver.got)

    def heard_one(self) -> Received:
        """The only thing that the receiver has got so far."""
        heard = self.heard()
        assert len(heard) == 1, [each.body for each in heard]
        return heard[0]


# receiving


class Received(NamedTuple):
    """A POST as it arrived. `headers` by lower-case name."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Json:
        """The payload."""
        return json.loads(self.body)

    @property
    def trigger(self) -> str | None:
        """The payload's own word for what happened; None where the payload is empty."""
        payload = self.json
        return str(payload["trigger"]) if isinstance(payload, dict) else None


class Answer(NamedTuple):
    """What the receiver answers."""

    status: int = 200
    headers: Mapping[str, str] = {}


class Receiver(ThreadingHTTPServer):
    """A partner's webhook endpoint: keeps what arrives in `got` and answers what `answer` says."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[Received] = []
        self.answer: Callable[[Received], Answer] = lambda _received: Answer()
        self.url = f"http://127.0.0.1:{self.server_address[1]}/loop"
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def answers(self, *answers: Answer) -> None:
        """Give these answers in turn, the last of them from then on."""
        left = list(answers)
        lock = threading.Lock()

        def next_one(_received: Received) -> Answer:
            with lock:
                return left.pop(0) if len(left) > 1 else left[0]

        self.answer = next_one

    def end(self) -> None:
        """Stop listening."""
        self.shutdown()
        self.server_close()
        self._thread.join(PATIENCE)


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        received = Received(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
        self.server.got.append(received)
        answer = self.server.answer(received)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_args: Any) -> None:
        """Nothing: tests look at what arrived."""


def signature(body: bytes, secret: str) -> str:
    """What `X-Loop-Signature` must be: base64 of the binary HMAC-SHA256 of the raw body; the secret counts as text."""
    return base64.b64encode(hmac.digest(secret.encode("utf-8"), body, "sha256")).decode()
