"""How the verbs reach a running server, and the one shop that they are about."""

from __future__ import annotations

import functools
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from loopsim.client import TIMEOUT, ControlError, Json, Loopsim, Shop
from loopsim.commands import options
from loopsim.errors import SetupError

DEFAULT_SHOP = "default"
PROBLEM = "urn:loopsim:problem:"
"""What the type of each refusal of the control API begins with."""

__all__ = [
    "Json",
    "Refused",
    "Server",
    "Shop",
    "Unreachable",
    "chosen_shop",
    "failed",
    "flags_to",
    "numbered",
    "reach",
    "with_server",
    "with_shop",
]


class Unreachable(SetupError):
    """Nobody answers where a server should be."""

    exit_code = 5


class Refused(ControlError):
    """The server said no."""

    exit_code = 1

    def __str__(self) -> str:
        problem = self.problem
        text = str(problem.get("detail") or problem.get("title") or f"The server answered {self.status}.")
        fields = problem.get("errors") or {}
        told = [f"{field}: {each}" for field, messages in fields.items() for each in messages]
        if len(told) == 1 and told[0].endswith(f": {text}"):
            return told[0]
        return text + "".join(f"\n  {each}" for each in told)


class Server(Loopsim):
    """A server to speak to. `given` tells whether the user named it, or it is where one would be by default."""

    def __init__(self, url: str, token: str | None = None, *, given: bool = True, timeout: float = TIMEOUT) -> None:
        super().__init__(url, token, timeout=timeout)
        self.given = given

    def call(self, method: str, path: str, body: Any = None, query: Json | None = None) -> Any:
        """As the client does, with the exit code of a verb on what it raises: Unreachable, Refused."""
        try:
            return super().call(method, path, body, query)
        except ControlError as error:
            if error.code == "stopping":
                says = f"The server at {self.url} is being stopped. Start one with `loopsim serve`."
                raise Unreachable(says) from error
            if not str(error.problem.get("type", "")).startswith(PROBLEM):
                raise _stranger(self.url) from error
            refused = Refused(error.status, error.problem)
            if error.status == 401:
                refused.problem["detail"] = f"{refused} Give it with --token."
            raise refused from error
        except SetupError as error:
            reason = getattr(error.__cause__, "strerror", None) or str(error.__cause__ or "no answer")
            raise Unreachable(
                f"No loopsim answers at {self.url} ({reason}). Start one with `loopsim serve`, or give its --url."
            ) from error

    def health(self) -> Json:
        """What the server says of itself. Raises Unreachable also where something else than loopsim answers."""
        answer = super().health()
        if not isinstance(answer, dict) or "capabilities" not in answer:
            raise _stranger(self.url)
        return answer


def _stranger(url: str) -> Unreachable:
    return Unreachable(f"Something answers at {url}, but it is no loopsim. Say where yours is: --url.")


def chosen_shop(server: Loopsim, name: str | None = None) -> Shop:
    """The shop of this name; without one the default shop, or the only one. Raises SetupError where that is none."""
    try:
        names = [row["name"] for row in server.shops()]
    except (KeyError, TypeError) as error:
        raise _stranger(server.url) from error
    chosen = name or (DEFAULT_SHOP if DEFAULT_SHOP in names else names[0] if len(names) == 1 else None)
    listed = ", ".join(names) or "none"
    if chosen is None:
        raise SetupError(f"Which shop? Name one with --shop. The server has: {listed}.")
    if chosen not in names:
        raise SetupError(f"The server has no shop {chosen!r}. It has: {listed}.")
    return server.shop(chosen)


def reach(url: str | None, port: int, port_file: Path | None, token: str | None, timeout: float = TIMEOUT) -> Server:
    """The server that the shared flags name."""
    if url:
        return Server(url, token, timeout=timeout)
    given = port != options.DEFAULT_PORT
    if port_file is not None:
        try:
            port, given = int(port_file.read_text()), True
        except FileNotFoundError:
            raise Unreachable(f"There is no {port_file} yet. Start `loopsim serve --port-file {port_file}`.") from None
        except (OSError, ValueError) as error:
            why = f" ({error.strerror})" if isinstance(error, OSError) else ""
            raise SetupError(f"{port_file} holds no port{why}. Name the file of `serve --port-file`.") from error
    return Server(f"http://{options.DEFAULT_HOST}:{port}", token, given=given, timeout=timeout)


def flags_to(server: Loopsim, shop: str | None = None) -> str:
    """What leads a verb to this server and shop, with a space before; nothing where it looks there by itself."""
    at_home = f"http://{options.DEFAULT_HOST}:"
    if server.url == f"{at_home}{options.DEFAULT_PORT}":
        flags = ""
    elif server.url.startswith(at_home):
        flags = f" --port {server.url.removeprefix(at_home)}"
    else:
        flags = f" --url {shlex.quote(server.url)}"
    if shop is not None and shop != DEFAULT_SHOP:
        flags += f" --shop {shlex.quote(shop)}"
    return flags


@contextmanager
def numbered(shop: Shop) -> Iterator[None]:
    """Says where the numbers of deliveries stand, to whoever names one that the shop has not."""
    try:
        yield
    except Refused as error:
        if error.status == 404:
            error.problem["detail"] = (
                f"{error} `loopsim events{flags_to(shop.server, shop.name)}` lists the deliveries."
            )
        raise


def with_server(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a verb the server that its flags name, as its first argument."""

    @functools.wraps(command)
    def run(*, url: str | None, port: int, port_file: Path | None, token: str | None, **values: Any) -> Any:
        if click.get_current_context().invoked_subcommand is not None:
            return None  # It is the one that needs the server, and its flags say which.
        return command(reach(url, port, port_file, token), **values)

    return options.server(run)


def with_shop(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a verb the shop that its flags name, as its first argument."""

    @functools.wraps(command)
    def run(server: Server, *, shop: str | None, **values: Any) -> Any:
        return command(chosen_shop(server, shop), **values)

    return with_server(options.shop(run))


def failed(status: bool) -> None:
    """End with exit code 1 where a check failed."""
    if status:
        click.get_current_context().exit(1)
