"""The servers that are measured, each a process of its own that is ended and waited for."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import perf_counter, sleep

import psutil

ROOT = Path(__file__).parents[2]
PATIENCE = 30.0
LEAN = ("--lifespan", "off", "--no-access-log", "--log-level", "warning", "--loop", "uvloop", "--http", "httptools")

# A server starts from what Python compiled the last time, as it does for its users, and in a folder of its own.
_ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
_ENVIRONMENT["PYTHONPATH"] = str(ROOT)


class Process:
    """A server that answers. `started` is how many seconds its first answer took."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, started: float) -> None:
        self.pid = process.pid
        self.port = port
        self.started = started
        self._process = psutil.Process(process.pid)

    def memory(self) -> float:
        """MiB of memory that it holds (RSS)."""
        return float(self._process.memory_info().rss) / 2**20

    def processor_seconds(self) -> float:
        """Seconds of processor time that it has used."""
        times = self._process.cpu_times()
        return float(times.user + times.system)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def raw_server(body: bytes) -> Iterator[Process]:
    """uvicorn with the raw app, which answers `body`."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(body)
        file.flush()
        command = [sys.executable, "-m", "uvicorn", *LEAN, "tests.performance.raw_app:app"]
        with running(command, RAW_BODY=file.name) as it:
            yield it


@contextmanager
def loopsim_server(db: Path | None = None, *options: str, log_level: str = "error") -> Iterator[Process]:
    """`loopsim serve`, on a folder or in memory."""
    command = [sys.executable, "-m", "loopsim.cli", "serve", "--log-level", log_level]
    if db is not None:
        command += ["--db", str(db)]
    with running([*command, *options], path="/_loopsim/health") as process:
        yield process


@contextmanager
def running(
    command: list[str], path: str = "/", ready: bytes = b"HTTP/1.1 200", **environment: str
) -> Iterator[Process]:
    """Any server that takes `--port`, from its start until it was ended."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="loopsim-bench-") as own:
        began = perf_counter()
        process = subprocess.Popen(
            [*command, "--port", str(port)],
            cwd=own,
            env={**_ENVIRONMENT, **environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _await_answer(process, port, path, ready)
            yield Process(process, port, perf_counter() - began)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)


def _await_answer(process: subprocess.Popen[bytes], port: int, path: str, ready: bytes) -> None:
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode()
    deadline = perf_counter() + PATIENCE
    while perf_counter() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode}")
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as connection:
            connection.settimeout(PATIENCE)
            connection.sendall(request)
            if connection.recv(1024).startswith(ready):
                return
        # Often enough to be exact to a millisecond or two, seldom enough to leave the server its core.
        sleep(0.001)
    raise TimeoutError(f"{process.args!r} does not answer")
