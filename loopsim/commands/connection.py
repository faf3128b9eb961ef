"""How the verbs reach a running server: its control API, and the one shop that they are about."""

from __future__ import annotations

import functools
import json
import socket
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import click

from loopsim.commands import options
from loopsim.errors import LoopsimError, SetupError

ATTEMPT_TIMEOUT = 30.0
DEFAULT_SHOP = "default"


class Unreachable(SetupError):
    """Nobody answers where a server should be."""

    exit_code = 5


class Refused(LoopsimError):
    """The server said no. `problem` is its problem document (RFC 9457)."""

    exit_code = 1

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(_sentence(problem))
        self.problem = problem

    @property
    def code(self) -> str:
        """The name of the rule that refused."""
        return str(self.problem.get("type", "")).rpartition(":")[2]


def _sentence(problem: dict[str, Any]) -> str:
    text = str(problem.get("detail") or problem.get("title") or "The server refused without a reason.")
    for field, messages in (problem.get("errors") or {}).items():
        for message in messages:
            text += f"\n  {field}: {message}"
    return text


class Server:
    """A server to speak to. `given` tells whether the user named it, or it is where one would be by default."""

    def __init__(self, url: str, token: str | None = None, *, given: bool = True) -> None:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise SetupError(f"{url!r} is no address of a server. Give one such as http://127.0.0.1:8484.")
        self.url = f"{parts.scheme}://{parts.netloc}"
        self.given = given
        self._netloc = parts.netloc
        self._connect = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._headers = {"Content-Type": "application/json", "User-Agent": "loopsim-cli"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"

    def call(
        self, method: str, path: str, body: Any = None, *, timeout: float | None = ATTEMPT_TIMEOUT, **query: Any
    ) -> Any:
        """The parsed answer to a call of the control API; `path` is below `/_loopsim/`. Raises Unreachable and Refused."""
        target = f"/_loopsim/{path}"
        given = {name: value for name, value in query.items() if value is not None}
        if given:
            target += "?" + urlencode({name: str(value).lower() if value in (True, False) else value for name, value in given.items()})
        status, answer = self.exchange(method, target, None if body is None else json.dumps(body).encode(), timeout)
        if status >= 400:
            raise Refused(answer if isinstance(answer, dict) else {"detail": f"The server answered {status}."})
        return answer

    def exchange(
        self, method: str, target: str, body: bytes | None, timeout: float | None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        """Status and parsed body of any call to this server; a body that is no JSON is None. Raises Unreachable."""
        connection = self._connect(self._netloc, timeout=timeout)
        try:
            connection.request(method, target, body, {**self._headers, **(headers or {})})
            response = connection.getresponse()
            content = response.read()
        except (OSError, HTTPException) as error:
            raise Unreachable(self._nobody(error)) from error
        finally:
            connection.close()
        try:
            return response.status, json.loads(content) if content else None
        except ValueError:
            return response.status, None

    def _nobody(self, error: Exception) -> str:
        if isinstance(error, TimeoutError | socket.timeout):
            return f"{self.url} did not answer in time. Is it busy? Try again, or with a longer --timeout."
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return f"No loopsim answers at {self.url} ({reason}). Start one with `loopsim serve`, or say where it is with --url."

    def health(self, timeout: float = ATTEMPT_TIMEOUT) -> dict[str, Any]:
        """What the server says of itself. Raises Unreachable also where something else than loopsim answers."""
        status, answer = self.exchange("GET", "/_loopsim/health", None, timeout)
        if status != 200 or not isinstance(answer, dict) or "capabilities" not in answer:
            raise Unreachable(f"Something answers at {self.url}, but it is no loopsim. Say where yours is with --url.")
        return answer

    def shop(self, name: str | None = None) -> Shop:
        """The shop of this name; without one the default shop, or the only one. Raises SetupError where that leaves a choice."""
        names = [row["name"] for row in self.call("GET", "shops")["shops"]]
        chosen = name or (DEFAULT_SHOP if DEFAULT_SHOP in names else names[0] if len(names) == 1 else None)
        if chosen is None:
            listed = ", ".join(sorted(names)) or "none"
            raise SetupError(f"Which shop? Name one with --shop. The server has: {listed}.")
        if chosen not in names:
            raise SetupError(f"The server has no shop {chosen!r}. It has: {', '.join(sorted(names)) or 'none'}.")
        return Shop(self, chosen)


class Shop:
    """One shop of a server."""

    def __init__(self, server: Server, name: str) -> None:
        self.server = server
        self.name = name

    def call(self, method: str, path: str = "", body: Any = None, *, timeout: float | None = ATTEMPT_TIMEOUT, **query: Any) -> Any:
        """A call of the control API below this shop."""
        below = f"shops/{quote(self.name)}" + (f"/{path}" if path else "")
        return self.server.call(method, below, body, timeout=timeout, **query)

    def get(self, path: str = "", *, timeout: float | None = ATTEMPT_TIMEOUT, **query: Any) -> Any:
        return self.call("GET", path, timeout=timeout, **query)

    def post(self, path: str, body: Any = None, *, timeout: float | None = ATTEMPT_TIMEOUT) -> Any:
        return self.call("POST", path, {} if body is None else body, timeout=timeout)

    def act(self, word: str, **body: Any) -> Any:
        """Let somebody do something: `act("carrier.scans", return_id=…, status=…)`."""
        return self.post(f"acts/{word}", body)


def reach(url: str | None, port: int, port_file: Path | None, token: str | None) -> Server:
    """The server that the shared flags name."""
    if url:
        return Server(url, token)
    given = port != options.DEFAULT_PORT
    if port_file is not None:
        try:
            port, given = int(port_file.read_text()), True
        except FileNotFoundError:
            raise Unreachable(f"There is no {port_file} yet. Start `loopsim serve --port-file {port_file}`.") from None
        except (OSError, ValueError) as error:
            raise SetupError(f"{port_file} cannot be read as a port ({error}). Remove it and start the server again.") from error
    return Server(f"http://{options.DEFAULT_HOST}:{port}", token, given=given)


def with_server(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a verb the server that its flags name, as its first argument."""

    @functools.wraps(command)
    def run(*, url: str | None, port: int, port_file: Path | None, token: str | None, **values: Any) -> Any:
        return command(reach(url, port, port_file, token), **values)

    return options.server(run)


def with_shop(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a verb the shop that its flags name, as its first argument."""

    @functools.wraps(command)
    def run(server: Server, *, shop: str | None, **values: Any) -> Any:
        return command(server.shop(shop), **values)

    return with_server(options.shop(run))


def failed(status: bool) -> None:
    """End with exit code 1 where a check failed."""
    if status:
        click.get_current_context().exit(1)
