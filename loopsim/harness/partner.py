"""A partner's process: started with what it needs to know, watched, and ended with all its children.

Process.start ── healthy ──▶ running ──▶ stop
    │ ends, or is never healthy    │ ends by itself
    ▼                              ▼
NeverStarted, with its log      on_end, at once
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import IO
from urllib.parse import urlsplit

from msgspec import Struct, structs

from loopsim.errors import SetupError
from loopsim.harness.asking import NoAnswer, ask
from loopsim.harness.oauth import Grant
from loopsim.harness.reports.redaction import hidden

STARTING = 30.0
"""Seconds that a partner may take until it is healthy."""
STOPPING = 5.0
LOG_BYTES = 64 * 1024
_ASKING = 2.0  # seconds for one question after its health
_LEAVING = 1.0  # seconds that its port may stay open after its end, and what it wrote to be read
_NAMED = re.compile(r"(?<!\$)\{([a-z_]+)\}")
_AGAIN = 0.02  # seconds between two of them; nothing tells when a port is opened


class NeverStarted(SetupError):
    """The partner did not come up."""

    exit_code = 5


class Start(Struct, frozen=True, kw_only=True):
    """How a partner is started: `command` for the shell, `env` templates by variable, `health` a URL that answers 2xx
    when it is ready (without one, the port of `target` has to be open)."""

    command: str
    target: str
    health: str = ""
    env: dict[str, str] = {}
    folder: str | None = None
    timeout: float = STARTING

    def needs_port(self) -> bool:
        """Whether a free port has to be chosen for it."""
        return any("{port}" in text for text in (self.command, self.target, self.health, *self.env.values()))


class Connection(Struct, frozen=True, kw_only=True):
    """What a partner has to know: as environment variables, and as `{names}` in the templates of its flags; what its
    `grant` holds too, where it comes in by OAuth."""

    api_base: str
    key: str
    secret: str
    now: str
    port: int | None = None
    shop: str = ""
    grant: Grant | None = None

    def fill(self, template: str) -> str:
        """The template with its `{names}` replaced; other braces stay."""
        own = {name: str(getattr(self, name)) for name in self.__struct_fields__ if name != "grant"}
        for name, value in (own | (self.grant.named() if self.grant else {})).items():
            template = template.replace(f"{{{name}}}", value)
        return template

    def environment(self, templates: dict[str, str]) -> dict[str, str]:
        """The variables to start a partner with."""
        fixed = {
            "LOOP_API_BASE": self.api_base,
            "LOOP_API_KEY": self.key,
            "LOOP_WEBHOOK_SECRET": self.secret,
            "LOOPSIM_NOW": self.now,
            **({"PORT": str(self.port)} if self.port is not None else {}),
            **(self.grant.environment() if self.grant else {}),
        }
        return {**fixed, **{name: self.fill(template) for name, template in templates.items()}}


NAMES = (*(name for name in Connection.__struct_fields__ if name != "grant"), *Grant.__struct_fields__)
"""What templates of a partner may name."""
FILLED = Connection(
    api_base="http://127.0.0.1/api/v1", key="k", secret="s", now="2026", port=1, shop="shop",
    grant=Grant(**dict.fromkeys(Grant.__struct_fields__, "x")),
)  # fmt: skip
"""An example of each, to see what becomes of a template."""


def unknown_names(template: str) -> list[str]:
    """The `{names}` in a template that nothing is filled in for; `${NAME}` is the shell's."""
    return [name for name in _NAMED.findall(template) if name not in NAMES]


class Process:
    """One partner. `on_end` is called, from another thread, when it ends without being asked to; `grants` gives what it
    needs to come in by OAuth, anew for each start: it may have spent, or lost, what the one before was given."""

    def __init__(
        self, start: Start, connection: Connection, name: str = "partner", grants: Callable[[], Grant] | None = None
    ) -> None:
        if connection.port is None and start.needs_port():
            connection = structs.replace(connection, port=free_port())
        self.name = name
        self.plan = start
        self.connection = connection
        self.extra: dict[str, str] = {}
        self.on_end: Callable[[str], None] | None = None
        self._grants = grants
        self._secrets: set[str] = set()
        self._log = Log()
        self._child: subprocess.Popen[bytes] | None = None
        self._ended = threading.Event()
        self._stopping = False
        self._lock = threading.Lock()

    @property
    def target(self) -> str:
        """Where its webhooks go."""
        return self.connection.fill(self.plan.target)

    @property
    def running(self) -> bool:
        """Whether it lives."""
        return self._child is not None and not self._ended.is_set()

    def start(self) -> None:
        """Start it, and return when it is healthy. Raises NeverStarted, with the end of its log."""
        if self.running:
            return
        if not _closed(where := self.connection.fill(self.plan.health) or self.target):
            raise NeverStarted(
                f"Somebody answers at {where} already, before {self.name} is started. End that one, take another port,"
                " or leave --start out."
            )
        if self._grants is not None:
            self.connection = structs.replace(self.connection, grant=self._grants())
            self._secrets.update(self.connection.grant.secrets() if self.connection.grant else ())
        with self._lock:
            self._stopping = False
            self._ended = threading.Event()
            self._child = self._spawn()
        reader = threading.Thread(target=self._collect, args=(self._child,), daemon=True)
        reader.start()
        threading.Thread(target=self._watch, args=(self._child, self._ended, reader), daemon=True).start()
        try:
            self._await_health(self._ended)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End it and its children: politely, then not."""
        with self._lock:
            child, self._stopping = self._child, True
        if child is None:
            return
        _signal(child, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(STOPPING)
        # Also where it has ended: its children may not have.
        _signal(child, signal.SIGKILL)
        child.wait()
        self._await_closed()
        self._ended.wait(2 * _LEAVING)
        self._child = None

    def _await_closed(self) -> None:
        # What the shell had started is gone a moment after the shell, and its port with it.
        deadline = time.monotonic() + _LEAVING
        where = self.connection.fill(self.plan.health) or self.target
        while not _closed(where) and time.monotonic() < deadline:
            time.sleep(_AGAIN)

    def restart(self, connection: Connection | None = None, env: dict[str, str] | None = None) -> None:
        """End it and start it again, with another connection or more environment."""
        self.stop()
        self.connection = connection or self.connection
        self.extra |= env or {}
        self.start()

    def mark(self) -> int:
        """Where its log stands now."""
        return self._log.written

    def log(self, since: int = 0) -> str:
        """What it wrote to its standard output and error, as far as it was kept, without its key and secrets."""
        return hidden(self._log.text(since), (self.connection.key, self.connection.secret, *self._secrets))

    def _spawn(self) -> subprocess.Popen[bytes]:
        plan = self.plan
        # What configures loopsim itself is not the partner's.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("LOOPSIM_")}
        direct = _past_proxies(inherited, self.connection.api_base)
        env = {**inherited, **direct, **self.connection.environment(plan.env), **self.extra}
        try:
            return subprocess.Popen(
                self.connection.fill(plan.command),
                shell=True,
                cwd=plan.folder,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise NeverStarted(f"{self.name} cannot be started ({error.strerror}): {plan.command}") from error

    def _collect(self, child: subprocess.Popen[bytes]) -> None:
        assert child.stdout is not None
        self._log.follow(child.stdout)

    def _watch(self, child: subprocess.Popen[bytes], ended: threading.Event, reader: threading.Thread) -> None:
        code = child.wait()
        with self._lock:
            asked = self._stopping
        if not asked:
            # Its children are of no use without it.
            _signal(child, signal.SIGKILL)
        # Whoever asks why it ended is told by the last it wrote. One that left its group may go on writing.
        reader.join(_LEAVING)
        ended.set()
        if not asked and self.on_end is not None:
            self.on_end(f"{self.name} ended by itself, {_how(code)}.")

    def _await_health(self, ended: threading.Event) -> None:
        deadline = time.monotonic() + self.plan.timeout
        url = self.connection.fill(self.plan.health)
        said = "nobody answers"
        while True:
            said = _unhealthy(url) if url else _closed(self.target)
            if ended.wait(0 if not said else _AGAIN):
                code = self._child.returncode if self._child else None
                raise NeverStarted(self._never(f"it ended, {_how(code)}"))
            if not said:
                return
            if time.monotonic() > deadline:
                where = url or self.target
                raise NeverStarted(self._never(f"after {self.plan.timeout:g} s {where} is not healthy: {said}"))

    def _never(self, why: str) -> str:
        log = self.log()[-2000:].strip()
        return (
            f"{self.name} did not start: {why}.\n  command: {self.connection.fill(self.plan.command)}\n"
            + (f"  its log:\n{log}" if log else "  It wrote nothing.")
            + "\nMend --start or --health, or give it longer (--start-timeout)."
        )


class Log:
    """The end of what somebody wrote, by position."""

    def __init__(self, limit: int = LOG_BYTES) -> None:
        self.written = 0
        self._limit = limit
        self._kept = 0
        self._lines: deque[bytes] = deque()
        self._lock = threading.Lock()

    def follow(self, stream: IO[bytes]) -> None:
        """Take in a stream until it ends."""
        with contextlib.suppress(OSError, ValueError), stream:
            while line := stream.readline(self._limit):
                self.add(line)

    def add(self, line: bytes) -> None:
        """Take in a line; the oldest go when there are too many."""
        with self._lock:
            self.written += len(line)
            self._kept += len(line)
            self._lines.append(line)
            while self._kept > self._limit and len(self._lines) > 1:
                self._kept -= len(self._lines.popleft())

    def text(self, since: int = 0) -> str:
        """What came after a position."""
        with self._lock:
            kept, first = b"".join(self._lines), self.written - self._kept
        return kept[max(since - first, 0) :].decode("utf-8", "replace")


def free_port() -> int:
    """A port of loopback that nobody listens on at this moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def unreachable(url: str) -> str:
    """Why nobody can be reached at a URL; empty where somebody takes connections there."""
    return _closed(url)


def _closed(url: str) -> str:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        with socket.create_connection((parts.hostname or "127.0.0.1", port), timeout=_ASKING):
            return ""
    except OSError as error:
        return error.strerror or str(error)


def _past_proxies(env: dict[str, str], url: str) -> dict[str, str]:
    """What lets a partner reach Loop's API where the environment names proxies: they do not lead back to here."""
    if not any(name.lower() in ("http_proxy", "https_proxy", "all_proxy") for name in env):
        return {}
    known = env.get("no_proxy") or env.get("NO_PROXY") or ""
    direct = ",".join(filter(None, (known, urlsplit(url).hostname, "localhost")))
    return {"no_proxy": direct, "NO_PROXY": direct}


def _unhealthy(url: str) -> str:
    try:
        ask(url, timeout=_ASKING)
    except NoAnswer as error:
        return str(error)
    return ""


def _signal(child: subprocess.Popen[bytes], number: int) -> None:
    # It leads its own session, so its group is all that it started and that did not leave on purpose.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, number)


def _how(code: int | None) -> str:
    if code is None:
        return "nobody knows how"
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"killed by {signal.Signals(-code).name}"
    return f"with exit code {code}"
