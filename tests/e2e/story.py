"""A long script of calls, acts and clock moves against a fresh server; prints everything that came back.

Run as a program in a process of its own, twice: the two outputs must be the same bytes. What may differ is left out:
`Date` is the shop's and stays, the rate limit's headers and the ports do not. With a folder as argument the server
keeps its shops there and is started anew in the middle.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import sys
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from loopsim.bootstrap import Options
from loopsim.client import ControlError, Loopsim, Shop
from loopsim.domain.events import TOPICS, TRIGGERS
from loopsim.embedded import EmbeddedServer

MOMENT = datetime(2026, 5, 27, 16, 30, 36, tzinfo=UTC)
VOLATILE = {"x-ratelimit-remaining", "x-ratelimit-limit", "x-ratelimit-reset"}


class Receiver(BaseHTTPRequestHandler):
    """Notes every webhook: signature and body."""

    received: list[tuple[str, str, bytes]] = []
    lock = threading.Lock()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        with self.lock:
            self.received.append((self.path, self.headers["x-loop-signature"] or "", body))
        # Every third path refuses, so that retries are part of the story.
        self.send_response(503 if self.path.endswith("3") else 200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        return


class Story:
    """Drives one shop and keeps what it saw as lines."""

    def __init__(self, server: EmbeddedServer, receiver: str) -> None:
        self.lines: list[str] = []
        self.ids: list[int] = []
        self.host = server.url.removeprefix("http://")
        self.shop: Shop = Loopsim(server.url).create_shop(
            "story", seed=41, moment=MOMENT.isoformat(), clock={"mode": "manual"}, rate_limit=100_000
        )
        self.receiver = receiver

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One call of Loop's API; status, headers and bytes become part of the record."""
        connection = http.client.HTTPConnection(self.host, timeout=30)
        headers = {"X-Authorization": self.shop.key, "content-type": "application/json"}
        connection.request(method, f"/api/v1{path}", None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        raw = answer.read()
        connection.close()
        kept = sorted((k, v.replace(self.host, "HOST")) for k, v in answer.getheaders() if k not in VOLATILE)
        text = raw.decode("latin-1").replace(self.host, "HOST")
        kept = [(k, v) for k, v in kept if k != "content-length"]  # follows the length of the port
        self.lines.append(json.dumps([method, path, answer.status, kept, text]))
        try:
            return json.loads(raw)
        except ValueError:
            return None

    def act(self, word: str, **body: Any) -> Any:
        """One act; a refusal is part of the record as well."""
        try:
            answer = self.shop.act(word, **body)
        except ControlError as refused:
            answer = {"refused": str(refused)}
        self.lines.append(json.dumps([word, answer]))
        return answer

    def move(self, server: EmbeddedServer) -> None:
        """Go on with a server that was started anew."""
        self.host = server.url.removeprefix("http://")
        self.shop = Shop(Loopsim(server.url), self.shop.name, self.shop.key, self.shop.secret, server.api_base)

    def begin(self) -> None:
        """The story until some returns are on their way."""
        for index, (topic, trigger) in enumerate((a, b) for a in TOPICS[:3] for b in TRIGGERS):
            url = f"{self.receiver}/{index}"
            self.call("POST", "/webhooks", {"topic": topic, "trigger": trigger, "url": url})
        for outcome in ("refund", "credit", "exchange", "refund", "shop_now", "credit"):
            item: dict[str, Any] = {"outcome": outcome, "reason": "Zu klein ✂ / <b>"}
            extra: dict[str, Any] = {}
            if outcome == "exchange":
                item["exchange_variant"] = "TEE-RED-L"
            if outcome == "shop_now":
                extra = {"shop_now": [{"variant": "TEE-RED-M"}], "leftover": "credit"}
            made = self.act("customer.submits_return", items=[item], **extra)
            self.ids.append(made["id"])
        self.shop.clock.advance(by="1h", quiet_for=20)

    def end(self) -> None:
        """What comes of them."""
        ids = self.ids
        self.call("POST", f"/warehouse/return/{ids[0]}/flag")
        self.call("POST", f"/warehouse/return/{ids[1]}/cancel")
        self.call("POST", f"/warehouse/return/{ids[3]}/process", {"erp": "4711"})
        for id_ in [*ids, 1]:
            self.call("GET", f"/warehouse/return/details?return_id={id_}")
            self.call("POST", f"/warehouse/return/{id_}/note", {"content": "ä/ö"})
            self.call("GET", f"/warehouse/return/{id_}/notes")
        self.shop.clock.advance(by="40d", quiet_for=20)
        self.call("GET", "/warehouse/return/list?from=2026-05-01&to=2026-07-30&paginate=true&pageSize=2")
        self.call("GET", "/warehouse/reporting/asn?from=2026-05-01")
        self.call("POST", "/order/qr", {"name": "1001", "zip": "nowhere", "type": "svg"})
        self.shop.settle()
        for entry in self.shop.journal(canonical=True, limit=2000)["entries"]:
            self.lines.append(json.dumps(entry).replace(self.host, "HOST"))


def main() -> None:
    """Tell the story and print it."""
    receiver = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{receiver.server_port}"
    options = Options(port=0, db=Path(sys.argv[1]) if sys.argv[1:] else None)
    with EmbeddedServer(options) as server:
        story = Story(server, url)
        story.begin()
        if options.db is None:
            story.end()
    if options.db is not None:
        with EmbeddedServer(options) as server:
            story.move(server)
            story.end()
    receiver.shutdown()
    # Deliveries of different returns and subscriptions run beside each other: what came counts, not in which order.
    for path, signature, body in sorted(Receiver.received):
        story.lines.append(json.dumps([path, signature, hashlib.sha256(body).hexdigest(), body.decode("latin-1")]))
    sys.stdout.write("\n".join(story.lines).replace(f"127.0.0.1:{receiver.server_port}", "RECEIVER") + "\n")


if __name__ == "__main__":
    main()
