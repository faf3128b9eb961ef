"""A sample partner as a real process, whatever it is written in: started, spoken to over HTTP, stopped."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import signal
import subprocess
import threading
from collections.abc import Sequence
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[2]
LIMIT = 30.0  # seconds that anything may take; only a failing test waits that long


class Program:
    """The program under test. Its first line says where it listens; `output` has all lines that it printed so far."""

    def __init__(self, command: Sequence[str], **environment: str) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("LOOP")}
        self.process = subprocess.Popen(
            command, cwd=ROOT, env={**kept, "PORT": "0", **environment}, stdout=subprocess.PIPE, text=True
        )
        self.output: list[str] = []
        first_line = threading.Event()
        self.reader = threading.Thread(target=self._read, args=(first_line,), daemon=True)
        self.reader.start()
        assert first_line.wait(LIMIT), "it did not start"
        self.address = urlsplit(json.loads(self.output[0])["listening"])

    def _read(self, first_line: threading.Event) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.output.append(line.rstrip("\n"))
            first_line.set()

    def call(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, Any]:
        """Status and JSON of an answer; `_` in a header's name stands for `-`."""
        connection = HTTPConnection(self.address.netloc, timeout=LIMIT)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): each for name, each in headers.items()})
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    def do(self, task: str, **about: Any) -> Any:
        """Ask for something as its own side does; the answer."""
        status, answer = self.call("POST", f"/do/{task}", json.dumps(about).encode())
        assert status == 200, answer
        return answer

    def send(self, payload: object, secret: str) -> int:
        """Deliver a webhook as Loop does, over the exact bytes, and return the status of the answer."""
        body = json.dumps(payload, separators=(",", ":")).replace("/", "\\/").encode()
        signature = base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)).decode()
        return self.call("POST", self.address.path, body, X_Loop_Signature=signature)[0]

    def stop(self) -> int:
        """End it as a user would; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(LIMIT)
        finally:
            self.process.kill()
            self.reader.join(LIMIT)
            if self.process.stdout:
                self.process.stdout.close()
