"""`loopsim wait`: for scripts that start a server and go on when it can serve."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from loopsim.commands import options
from loopsim.commands.connection import Server, Unreachable, reach

PAUSE = 0.05  # seconds between two looks: nobody can tell us when a port begins to listen


@click.command("wait")
@options.timeout
@options.output
@options.server
def command(url: str | None, port: int, port_file: Path | None, token: str | None, timeout: float, format: str) -> None:
    """Wait until a simulator is ready to serve.

    With --port-file it also waits for the file. Exits with 5 if none is ready in time.
    """
    started = time.monotonic()
    server, health = _ready(lambda left: reach(url, port, port_file, token, left), started + timeout)
    seconds = time.monotonic() - started
    if format == "json":
        from loopsim.commands.screen import print_json

        print_json({"url": server.url, "seconds": round(seconds, 3), "health": health})
    else:
        click.echo(f"{server.url} is ready (loopsim {health['version']}, waited {seconds:.1f} s).")


def _ready(find: Callable[[float], Server], until: float) -> tuple[Server, dict[str, Any]]:
    while True:
        left = until - time.monotonic()
        try:
            server = find(max(left, PAUSE))
            return server, server.health()
        except Unreachable as error:
            if left <= PAUSE:
                raise Unreachable(f"It did not become ready in time. {error}") from error
        time.sleep(PAUSE)
