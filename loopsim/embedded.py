"""A server in a thread of this process, for tests: its own event loop, a free port, no signals, a clean stop.

with EmbeddedServer() as server:
    requests.get(server.api_base + "/warehouse/return/list", headers={"X-Authorization": server.key})
"""

from __future__ import annotations

import threading
from types import TracebackType

from loopsim.bootstrap import Options, Running, build
from loopsim.clock import Wall
from loopsim.clock import wall as wall_clock
from loopsim.errors import SetupError

_PATIENCE = 30.0
"""Seconds that starting and stopping may take at most."""


class EmbeddedServer:
    """Started by `start` or a `with` block. Several may run in one process; they share nothing."""

    def __init__(self, options: Options | None = None, *, wall: Wall = wall_clock) -> None:
        self._options = options or Options(port=0)
        self._wall = wall
        self._running: Running | None = None
        self._thread: threading.Thread | None = None
        self._up = threading.Event()
        self._failure: BaseException | None = None

    @property
    def running(self) -> Running:
        """The server itself. Its shops belong to its thread: look at them only while nothing calls it."""
        if self._running is None:
            raise SetupError("The embedded server is not running. Call start() first.")
        return self._running

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        return self.running.url

    @property
    def api_base(self) -> str:
        """What the base URL of a client of Loop's API is set to."""
        return f"{self.url}/api/v1"

    def start(self) -> EmbeddedServer:
        """Start, and return when calls are answered. Raises `SetupError`."""
        running = self._running = build(self._options, wall=self._wall)
        key = running.key
        self.key = "" if key is None else key.text
        self.secret = running.shop.settings.secret
        self._thread = threading.Thread(target=self._run, args=(running,), name="loopsim", daemon=True)
        self._thread.start()
        if not self._up.wait(_PATIENCE) or self._failure is not None:
            raise SetupError(f"The embedded server did not start ({self._failure}).") from self._failure
        return self

    def stop(self) -> None:
        """Stop, with everything written and closed."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self.running.stop()
        thread.join(_PATIENCE)
        self._running = None

    def _run(self, running: Running) -> None:
        try:
            running.run(self._up.set, signals=False)
        except BaseException as error:
            self._failure = error
            self._up.set()

    def __enter__(self) -> EmbeddedServer:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
