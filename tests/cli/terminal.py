"""The command line as its users have it: processes, a receiver of webhooks, and what came out of both."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

from click.testing import CliRunner

from loopsim.cli import main

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "fixtures" / "samples" / "returns-export.json"
PATIENCE = 60.0  # seconds that anything may take; only a failing test waits that long


class Done(NamedTuple):
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON value that it printed."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """The JSON values that it printed, one per line."""
        return [json.loads(line) for line in self.out.splitlines()]


def environment(**settings: str) -> dict[str, str]:
    """This process's environment, with no setting of loopsim but these."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LOOPSIM_", "LOOP_"))}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", **settings}


def command(*arguments: object) -> list[str]:
    """The words that start loopsim as a process."""
    return [sys.executable, "-m", "loopsim.cli", *map(str, arguments)]


def run(*arguments: object, cwd: Path | None = None, stdin: bytes = b"", **settings: str) -> Done:
    """Run loopsim as a process of its own."""
    done = subprocess.run(
        command(*arguments),
        cwd=cwd or ROOT / "tests" / "cli",
        env=environment(**settings),
        input=stdin,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


def invoke(*arguments: object, stdin: bytes | None = None, **settings: str) -> Done:
    """Run loopsim in this process, which is faster."""
    hidden: dict[str, str | None] = {name: None for name in os.environ if name.startswith(("LOOPSIM_", "LOOP_"))}
    result = CliRunner().invoke(main, [str(each) for each in arguments], input=stdin, env={**hidden, **settings})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Done(result.exit_code, result.stdout, result.stderr)


class Serving(NamedTuple):
    """A server that runs as a process. `facts` is the line it printed."""

    process: subprocess.Popen[bytes]
    facts: dict[str, Any]
    log: Path

    @property
    def url(self) -> str:
        return str(self.facts["url"])


@contextmanager
def serving(folder: Path, *arguments: object, **settings: str) -> Iterator[Serving]:
    """`loopsim serve` on a free port, until the block ends. Its log is in `folder`."""
    log = folder / "serve.log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            command("serve", "--port", 0, "--format", "json", *arguments),
            cwd=folder,
            env=environment(**settings),
            stdout=subprocess.PIPE,
            stderr=errors,
        )
    with process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, log.read_text()
            yield Serving(process, json.loads(line), log)
        finally:
            process.terminate()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()


class Receiver(ThreadingHTTPServer):
    """Takes webhooks on loopback: answers `status`, and keeps each as (path, body, whether `secret` signed it)."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/loop"
        self.status = 200
        self.secret = ""
        self.got: list[tuple[str, bytes, bool]] = []
        self.news = threading.Condition()
        self.hold = threading.Event()
        self.hold.set()

    def payloads(self) -> list[Any]:
        """What came in so far."""
        with self.news:
            return [json.loads(body) for _, body, _ in self.got]

    def wait_for(self, count: int) -> None:
        """Until so many came in."""
        with self.news:
            assert self.news.wait_for(lambda: len(self.got) >= count, PATIENCE), f"{len(self.got)} of {count} came"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        made = base64.b64encode(hmac.digest(self.server.secret.encode(), body, hashlib.sha256)).decode()
        with self.server.news:
            self.server.got.append((self.path, body, made == self.headers["X-Loop-Signature"]))
            self.server.news.notify_all()
        self.server.hold.wait(PATIENCE)
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver that listens until the block ends."""
    with Receiver() as receiver:
        thread = threading.Thread(target=receiver.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield receiver
        finally:
            receiver.hold.set()
            receiver.shutdown()
            thread.join()
