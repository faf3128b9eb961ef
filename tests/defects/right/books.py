"""An ERP that books from webhooks alone. Its state has the form of the reference ERP's."""

from __future__ import annotations

import json
import os
import sys
import threading
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from loopsim.partners.warehouse import signed, text, whole

BOOKED = {
    "refund": ("refund", "refund_processed"),
    "credit": ("gift_card", "gift_card_processed"),
    "exchange": ("exchange_total", "exchange_processed"),
    "fee": ("handling_fee", "return_processed"),
    "upsell": ("upsell", "return_processed"),
}


class Books:
    """The newest payload of each return, and what it says was paid out."""

    def __init__(self) -> None:
        self.newest: dict[int, dict[str, Any]] = {}
        self.lock = threading.Lock()

    def take(self, payload: object) -> None:
        if not isinstance(payload, dict) or text(payload.get("topic")) != "return":
            return
        return_id = whole(payload.get("id"))
        if return_id is None:
            return
        with self.lock:
            known = self.newest.get(return_id, {})
            if (text(payload.get("updated_at")), over(payload)) >= (text(known.get("updated_at")), over(known)):
                self.newest[return_id] = payload

    def state(self) -> dict[str, Any]:
        with self.lock:
            return {"returns": {str(i): booked(payload) for i, payload in self.newest.items()}, "idle": True}


def over(payload: dict[str, Any]) -> bool:
    """Whether nothing more follows: of two messages of one second this is the later."""
    return text(payload.get("state")) in ("closed", "cancelled", "expired")


def booked(payload: dict[str, Any]) -> dict[str, Any]:
    done = payload.get("outcomes_processed_at")
    done = done if isinstance(done, dict) else {}
    sums = {}
    for kind, (field, outcome) in BOOKED.items():
        amount = Decimal(text(payload.get(field)) or "0") if done.get(outcome) else Decimal(0)
        sums[kind] = f"{amount:.2f}"
    known = {name: text(payload.get(name)) for name in ("state", "outcome", "currency")}
    moments = [text(at.get("date")) for at in done.values() if isinstance(at, dict)]
    entries = [{"at": at[:19]} for at in moments]
    return {**known, "order": text(payload.get("order_name")), "booked": sums, "entries": entries}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    books = Books()
    secrets: list[str] = []

    def do_GET(self) -> None:
        self._answer(200, self.books.state() if self.path.startswith("/state") else {"ok": True, "idle": True})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        if not signed(body, self.headers["X-Loop-Signature"] or "", self.secrets):
            self._answer(403, "no")
            return
        self.books.take(json.loads(body))
        self._answer(202, "ok")

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
