"""Calling the control API over HTTP with the standard library, and what is raised where that fails."""

from __future__ import annotations

import http.client
import json
import weakref
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

from loopsim.errors import LoopsimError, SetupError
from loopsim.urls import split_url

DEFAULT_URL = "http://127.0.0.1:8484"
TIMEOUT = 600.0
"""Seconds that a call may take; advancing a clock patiently and long polls take their time."""

Json = dict[str, Any]


class ControlError(LoopsimError):
    """The server refused. `code` names the rule, `problem` is the whole problem document."""

    def __init__(self, status: int, problem: Json) -> None:
        self.status = status
        self.problem = problem
        self.code = str(problem.get("type", "")).rpartition(":")[2]
        fields = "; ".join(f"{name}: {' '.join(messages)}" for name, messages in problem.get("errors", {}).items())
        super().__init__(f"{status} {problem.get('title', '')}: {fields or problem.get('detail', '')}")


class Transport:
    """Calls of a server's control API over connections that are kept; threads may share one. `url` is empty until it is
    known."""

    def __init__(self, token: str | None, timeout: float) -> None:
        self.url = ""
        # A list's pop and append are atomic, so threads share it without a lock.
        self._idle: list[http.client.HTTPConnection] = []
        weakref.finalize(self, _close_all, self._idle)
        self._headers = {"Accept": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
        self._timeout = timeout

    def _reach(self, url: str) -> None:
        parts = split_url(url if "://" in url else f"http://{url.removeprefix('//')}")
        if parts is None or parts.hostname is None:
            raise SetupError(f"{url!r} is no address of a loopsim server. Write it like {DEFAULT_URL}.")
        self._secure = parts.scheme == "https"
        self._host = parts.hostname
        self._port = parts.port or (443 if self._secure else 80)
        self.url = f"{'https' if self._secure else 'http'}://{parts.netloc}"

    def close(self) -> None:
        """Close the connections that are kept open. The next call opens one again."""
        _close_all(self._idle)

    def call(self, method: str, path: str, body: Any = None, query: Json | None = None) -> Any:
        """Make a call below `/_loopsim`; the JSON of its answer, None where it has none.

        Raises `ControlError` for an answer of 400 or more, and `SetupError` where the server cannot be reached.
        """
        if not self.url:
            raise SetupError("This Loopsim is not started. Use it in a `with` block, or call its start().")
        asked = {name: _text(value) for name, value in (query or {}).items() if value is not None}
        target = f"/_loopsim{path}" + (f"?{urlencode(asked)}" if asked else "")
        headers = dict(self._headers)
        payload = None
        if body is not None:
            payload = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        status, raw = self._send(method, target, payload, headers)
        try:
            answer = json.loads(raw) if raw else None
        except ValueError:
            answer = {"title": "no JSON", "detail": raw[:200].decode("utf-8", "replace")}
            status = max(status, 500)
        if status >= 400:
            raise ControlError(status, answer if isinstance(answer, dict) else {})
        return answer

    def _send(self, method: str, target: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, bytes]:
        try:
            while self._idle:
                # One that the server has closed since the last call gives no answer; then another is tried.
                with suppress(IndexError, http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                    return self._over(self._idle.pop(), method, target, body, headers)
            kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
            return self._over(kind(self._host, self._port, timeout=self._timeout), method, target, body, headers)
        except (OSError, http.client.HTTPException) as error:
            raise SetupError(
                f"No loopsim answers at {self.url} ({error}). Start one with `loopsim serve`, or name another."
            ) from error

    def _over(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        target: str,
        body: bytes | None,
        headers: dict[str, str],
    ) -> tuple[int, bytes]:
        try:
            answer = self._exchange(connection, method, target, body, headers)
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)
        return answer

    def _exchange(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        target: str,
        body: bytes | None,
        headers: dict[str, str],
    ) -> tuple[int, bytes]:
        connection.request(method, target, body, headers)
        response = connection.getresponse()
        return response.status, response.read()


def _close_all(connections: list[http.client.HTTPConnection]) -> None:
    while connections:
        connections.pop().close()


def given(**values: Any) -> Json:
    """What was asked for: whatever is not None."""
    return {name: value for name, value in values.items() if value is not None}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
