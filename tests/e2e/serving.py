"""A real server process on a folder, to be killed; and a receiver that counts what it gets."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.listening import listening

_PROGRAM = """
import sys
from pathlib import Path
from loopsim.bootstrap import Options, build
from loopsim.errors import SetupError
try:
    running = build(Options(port=0, db=Path(sys.argv[1]), clock="manual"))
except SetupError as error:
    sys.exit(f"loopsim: {error}")
running.run(lambda: print(running.url, running.key.text, flush=True))
"""


class Server:
    """A server process; `url` and `key` once it answers."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, str(folder)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            _, errors = self.process.communicate(timeout=30)
            raise RuntimeError(errors)
        self.url, self.key = line.split()

    def kill(self) -> None:
        """SIGKILL: no goodbye."""
        self.process.send_signal(signal.SIGKILL)
        self._gone()

    def stop(self) -> None:
        """SIGTERM: a clean stop."""
        self.process.terminate()
        self._gone()

    def _gone(self) -> None:
        self.process.wait(30)
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()


@contextmanager
def receiver() -> Iterator[tuple[str, list[bytes]]]:
    """A webhook receiver on a free port: its URL, and the bodies it has got so far."""
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with listening(server):
        yield f"http://127.0.0.1:{server.server_port}/hook", bodies
