"""Flags as every verb has them: each is an environment variable too, and those that several verbs share are here."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from loopsim.urls import split_url

Command = TypeVar("Command", bound=Callable[..., Any])

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8484

_TOKEN = re.compile(r"[!-~]+")
_HOST = re.compile(r"\[[0-9A-Fa-f:.]+\]|[\w.-]+")


class Flag(click.Option):
    """An option that `LOOPSIM_<FLAG>` sets too."""

    def __init__(self, param_decls: Sequence[str] | None = None, **attributes: Any) -> None:
        names = [name for name in param_decls or () if name.startswith("--")]
        attributes.setdefault("envvar", "LOOPSIM_" + names[0].lstrip("-").replace("-", "_").upper())
        super().__init__(param_decls, **attributes)

    def type_cast_value(self, ctx: click.Context, value: Any) -> Any:
        """As click's; a settings file may say one value where there may be several, and not the other way round."""
        if isinstance(value, list | dict) and not self.multiple:
            raise click.BadParameter(f"{value!r} are several values; it takes one.", ctx, self)
        if self.multiple and isinstance(value, str | int | float):
            value = (value,)
        return super().type_cast_value(ctx, value)


flag = partial(click.option, cls=Flag)


class Number(click.FloatRange):
    """A number that is one and lies between two ends: to click alone `nan` and `inf` are in most ranges."""

    name = "number"

    def __init__(self, least: float, most: float, *, above: bool = False) -> None:
        super().__init__(min=least, max=most, min_open=above)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(f"{value!r} is no number.", param, ctx)
        return number


class Whole(click.IntRange):
    """A whole number between two ends; as large as ids and seeds may be, if nothing else is said."""

    name = "whole number"

    def __init__(self, least: int = 0, most: int = 2**63 - 1) -> None:
        super().__init__(min=least, max=most)


def moment(text: str) -> datetime:
    """The type of a flag: a moment as ISO 8601 has it, of UTC where it has no offset."""
    try:
        read = datetime.fromisoformat(text)
        return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise click.BadParameter(f"{text!r} is no moment. Write it as 2026-06-01T09:00:00Z.") from error


SECONDS = Number(0, 31_536_000)
RATE = Number(0, 1_000_000, above=True)  # to `clock.MOST_RATE`, which costs 20 ms to import
PORT = Whole(0, 65535)
ID = Whole()


class Nouns(click.Group):
    """A verb with verbs of its own, which have the same settings as it, and the flags that were given to it."""

    def invoke(self, ctx: click.Context) -> Any:
        given = {name: value for name, value in ctx.params.items() if _is_given(ctx, name)}
        settings = {**(ctx.default_map or {}), **given}
        ctx.default_map = {name: dict(settings) for name in self.commands}
        return super().invoke(ctx)


def _is_given(ctx: click.Context, name: str) -> bool:
    return ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE


def webhook_url(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    """The address of a receiver, as Loop takes it."""
    if value is not None and split_url(value) is None:
        raise click.BadParameter(f"{value!r} is no address of a receiver, such as http://127.0.0.1:9000/loop.")
    return value


def hosts(_ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Names of hosts, as calls bring them: no address of a page, no port. `*` is any."""
    for value in values:
        if value != "*" and not _HOST.fullmatch(value):
            raise click.BadParameter(f"{value!r} is no name of a host. Write it without scheme, port and path.")
    return values


def targets(_ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Hosts and networks that webhooks may go to."""
    for value in values:
        if not (_is_network(value) if "/" in value else _HOST.fullmatch(value) or _is_network(value)):
            raise click.BadParameter(
                f"{value!r} is no host and no network. Write it like hooks.example.com or 10.0.0.0/8,"
                " without scheme and port."
            )
    return values


def _is_network(text: str) -> bool:
    # Only here: hardly any start allows a target.
    from ipaddress import ip_network

    try:
        ip_network(text.strip("[]"), strict=False)
    except ValueError:
        return False
    return True


def token_text(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    """What a header can carry as a token, and every client writes alike; None for an empty one."""
    if value and not _TOKEN.fullmatch(value):
        raise click.BadParameter("it takes letters, digits and signs of ASCII alone, without blanks and line ends.")
    return value or None


output = flag("--format", type=click.Choice(["text", "json"]), default="text", help="How to print the result.")
token = flag("--token", callback=token_text, help="Token of the control API, where the server was started with one.")
shop = flag("--shop", help="Name of the shop. [default: the server's only or first shop]")
timeout = flag(
    "--timeout",
    type=SECONDS,
    default=30.0,
    show_default=True,
    help="Longest wait, in seconds of real time.",
)


def server(command: Command) -> Command:
    """`--url`, `--port`, `--port-file` and `--token`: which server a verb speaks to."""
    for decorate in (
        token,
        flag("--port-file", type=click.Path(path_type=Path), help="File that `serve --port-file` wrote."),
        flag("--port", type=PORT, default=DEFAULT_PORT, show_default=True, help="Port on loopback."),
        flag("--url", help="Where the server is, if not on a port of loopback."),
    ):
        command = decorate(command)
    return command
