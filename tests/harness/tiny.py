"""A partner in a few lines, right as it stands, with one switch for each thing that it may get wrong."""

from __future__ import annotations

import hmac
import json
import queue
import threading
import time
import urllib.request
from base64 import b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.error import HTTPError

KNOWN = {"open", "closed", "review", "cancelled", "expired"}
TRIES, PAUSE = 4, 0.3


class Tiny(ThreadingHTTPServer):
    """It has every return processed whose label says delivered. `wrong` names its mistakes; `sign` how it signs."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, base: str, key: str, secret: str, *wrong: str, sign: Any = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.base, self.key, self.secret, self.wrong = base, key, secret, set(wrong)
        self.sign = sign or (lambda body, secret: b64encode(hmac.digest(secret.encode(), body, "sha256")).decode())
        self.header = "X-Loop-Signature"
        self.states: dict[int, str] = {}
        self.asked: set[int] = set()
        self.jobs: queue.Queue[dict[str, Any]] = queue.Queue()
        self.open_jobs = 0
        self.lock = threading.Lock()
        for work in (self.serve_forever, self.work):
            threading.Thread(target=work, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def take(self, body: bytes, signature: str | None) -> int:
        if "no check" not in self.wrong and not self.genuine(body, signature):
            return 401
        payload = json.loads(body)
        if not isinstance(payload, dict) and "objects only" not in self.wrong:
            return 200
        payload["topic"]
        if "works blindly" not in self.wrong:
            self.check(payload)
        if "works first" in self.wrong:
            self.heed(payload)
            return 200
        with self.lock:
            self.open_jobs += 1
        self.jobs.put(payload)
        return 200

    def check(self, payload: dict[str, Any]) -> None:
        if "strict fields" in self.wrong and any("loopsim" in name for name in payload):
            raise ValueError("an unknown field")
        if "strict words" in self.wrong and payload.get("state", "open") not in KNOWN:
            raise ValueError("an unknown state")
        if "no nulls" in self.wrong and payload["topic"] == "return" and payload["provider_order_number"] is None:
            raise ValueError("a null")
        if "label times" in self.wrong and not payload.get("label_updated_at", "2026-").startswith("2026-"):
            raise ValueError("no time")

    def genuine(self, body: bytes, signature: str | None) -> bool:
        if signature is None:
            return "no header no check" in self.wrong
        if "writes again" in self.wrong:
            body = json.dumps(json.loads(body), separators=(",", ":")).replace("/", "\\/").encode()
        return hmac.compare_digest(self.sign(body, self.secret), signature)

    def work(self) -> None:
        dead = False
        while True:
            payload = self.jobs.get()
            try:
                if not dead:
                    self.heed(payload)
            except Exception:
                dead = "dies" in self.wrong
            with self.lock:
                self.open_jobs -= 1

    def heed(self, payload: dict[str, Any]) -> None:
        self.check(payload)
        return_id = int(payload["id"])
        self.states.setdefault(return_id, "expected")
        if "believes payloads" in self.wrong and "state" in payload:
            self.states[return_id] = payload["state"]
        if payload.get("label_status") != "delivered" and payload["trigger"] != "return.closed":
            return
        never = "never looks" in self.wrong or ("trusts news" in self.wrong and payload.get("state") != "cancelled")
        state = "open" if never else self.state_of(return_id)
        if state == "closed" and "believes payloads" not in self.wrong:
            self.states[return_id] = "closed"
        elif state == "open" and (return_id not in self.asked or "never looks" in self.wrong):
            self.process(return_id)

    def state_of(self, return_id: int) -> str:
        return str(self.call("GET", f"/warehouse/return/details?return_id={return_id}").get("state"))

    def process(self, return_id: int) -> None:
        self.asked.add(return_id)
        path = f"/warehouse/return/{return_id}/process"
        looks = None if "repeats" in self.wrong else lambda: self.state_of(return_id) != "open"
        answer = self.call("POST", path, looks)
        good = answer is True or "trusts 200" in self.wrong
        if "believes payloads" not in self.wrong:
            self.states[return_id] = "processing" if good else "attention"

    def call(self, method: str, path: str, done: Any = None) -> Any:
        headers = {"X-Authorization": self.key, "Content-Type": "application/json"}
        for _ in range(TRIES):
            request = urllib.request.Request(self.base + path, method=method, headers=headers)
            try:
                with urllib.request.urlopen(request, timeout=5) as answer:
                    return json.loads(answer.read())
            except HTTPError as error:
                with error:
                    if error.code == 429 and "drops 429" not in self.wrong:
                        time.sleep(0 if "ignores 429" in self.wrong else float(error.headers.get("Retry-After", 1)))
                        continue
                    if error.code < 500 or "drops 500" in self.wrong:
                        return {}
            except OSError:
                pass
            # Loop may have done it all the same, and may need a moment for it.
            time.sleep(PAUSE)
            if done is not None and done():
                return True
        return {}


class Handler(BaseHTTPRequestHandler):
    server: Tiny
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        with self.server.lock:
            idle = self.server.open_jobs == 0
        self._answer(200, {"idle": idle, "returns": {str(id_): state for id_, state in self.server.states.items()}})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            status = self.server.take(body, self.headers[self.server.header])
        except Exception:
            status = 500
        self._answer(status, {})

    def _answer(self, status: int, content: Any) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""
