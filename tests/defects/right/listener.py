"""An integration that only listens: each message counts once, and of a return the one that is of the latest change.

It calls nobody. Its state has the form of the reference ERP's, with what the parcel does beside it.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from loopsim.partners.warehouse import signed, text, whole

Payload = dict[str, Any]
BOOKED = {
    "refund": ("refund", "refund_processed"),
    "credit": ("gift_card", "gift_card_processed"),
    "exchange": ("exchange_total", "exchange_processed"),
    "fee": ("handling_fee", "return_processed"),
    "upsell": ("upsell", "return_processed"),
}
ENDED = ("closed", "cancelled", "expired")


class Messages:
    """What came. Each message counts once: Loop sends it again when it saw no answer, and when somebody asks it to."""

    def __init__(self) -> None:
        self.known: set[bytes] = set()
        self.latest: dict[int, Payload] = {}
        self.lock = threading.Lock()

    def take(self, body: bytes) -> None:
        payload, digest = json.loads(body), hashlib.sha256(body).digest()
        if not isinstance(payload, dict) or text(payload.get("topic")) != "return":
            return  # a topic that has nothing to say about an event comes as []
        return_id = whole(payload.get("id"))
        with self.lock:
            if return_id is None or digest in self.known:
                return
            self.known.add(digest)
            if age(payload) >= age(self.latest.get(return_id, {})):
                self.latest[return_id] = payload

    def state(self) -> Payload:
        with self.lock:
            return {"returns": {str(each): shown(payload) for each, payload in self.latest.items()}, "idle": True}


def age(payload: Payload) -> tuple[str, bool]:
    """Messages may overtake each other: the later one is that of a later change, whenever it came."""
    return text(payload.get("updated_at")), text(payload.get("state")) in ENDED


def shown(payload: Payload) -> Payload:
    """A return as its latest message has it. What was not paid yet counts for nothing."""
    done = mapping(payload.get("outcomes_processed_at"))
    paid = {kind: text(payload.get(field)) if done.get(at) else "" for kind, (field, at) in BOOKED.items()}
    known = ("state", "outcome", "currency", "tracking_number", "label_status", "updated_at")
    at = text(mapping(done.get("return_processed")).get("date"))[:19]
    return {
        **{name: text(payload.get(name)) for name in known},
        "order": text(payload.get("order_name")),
        "booked": paid,
        "entries": [{"at": at}] if at else [],
    }


def mapping(value: object) -> Payload:
    """An object, or an empty one where there is none yet."""
    return value if isinstance(value, dict) else {}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    messages = Messages()
    secrets: list[str] = []

    def do_GET(self) -> None:
        self._answer(200, self.messages.state() if self.path.startswith("/state") else {"ok": True, "idle": True})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        if not signed(body, self.headers["X-Loop-Signature"] or "", self.secrets):
            self._answer(401, "Loop did not sign this")
            return
        self.messages.take(body)
        self._answer(200, "taken")

    def _answer(self, status: int, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


def main() -> int:
    Handler.secrets = [os.environ["LOOP_WEBHOOK_SECRET"]]
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT") or 0)), Handler)
    print(json.dumps({"listening": f"http://127.0.0.1:{server.server_port}/webhooks/loop"}), flush=True)
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
