"""`loopsim doctor`: what is wrong with a set-up, in the order in which it would hurt, and how to mend each."""

from __future__ import annotations

import os
from collections.abc import Mapping

import click
from click.core import ParameterSource
from rich.console import Console
from rich.text import Text

from loopsim.commands import options
from loopsim.commands.checks import Finding, Setup, all_checks
from loopsim.commands.connection import Server, Unreachable, failed, with_server
from loopsim.commands.screen import mark, print_json, screen
from loopsim.urls import is_loopback, split_url

NAMING = ("url", "port", "port_file")
"""The flags that name a server."""


@click.command("doctor")
@options.flag("--no-delivery", is_flag=True, help="Send no test delivery.")
@options.output
@options.shop
@with_server
def command(server: Server, shop: str | None, no_delivery: bool, format: str) -> None:
    """Check a set-up from base URL to a signed test delivery, and say what to mend.

    It looks at the server and at LOOP_API_BASE, LOOP_API_KEY and LOOP_WEBHOOK_SECRET of this environment; where no flag
    names the server, it is that of LOOP_API_BASE. The test delivery is a return of a copy of the shop, which is
    deleted again: receivers hear of a return that does not stay.
    Exits with 1 if something has to be mended, 5 if there is no server.
    """
    server, why = _meant(server, os.environ)
    setup = Setup(server, shop, why=why)
    found: list[Finding] = []
    console = screen()
    for check in all_checks(with_delivery=not no_delivery):
        for finding in check(setup):
            found.append(finding)
            if format == "text":
                _print(console, finding)
    bad = sum(finding.kind == "fail" for finding in found)
    odd = sum(finding.kind == "warn" for finding in found)
    if format == "json":
        print_json({"ok": not bad, "findings": [finding._asdict() for finding in found]})
    else:
        console.print()
        if bad:
            console.print(f"[bad]{bad} to mend[/]" + (f", {odd} to look at." if odd else "."))
        else:
            console.print("[ok]Nothing to mend.[/]" + (f" {odd} to look at." if odd else ""))
    failed(bool(bad))


def _meant(server: Server, environ: Mapping[str, str]) -> tuple[Server, str]:
    """The server to check, and why: where nobody named one, that of LOOP_API_BASE, if it is on this machine. Raises
    Unreachable."""
    parts, context = split_url(environ.get("LOOP_API_BASE", "")), click.get_current_context()
    given = any(context.get_parameter_source(name) is not ParameterSource.DEFAULT for name in NAMING)
    if given or parts is None or not is_loopback(parts.hostname or ""):
        return server, ""
    named = Server(f"{parts.scheme}://{parts.netloc}", context.params["token"])
    if named.url == server.url:
        return server, ""
    try:
        named.health()
    except Unreachable as error:
        raise Unreachable(f"{error} It is LOOP_API_BASE that names this place.") from error
    return named, ", as LOOP_API_BASE has it"


def _print(console: Console, finding: Finding) -> None:
    console.print(Text.assemble(mark(finding.kind), f" {finding.name:<20}", finding.says))
    if finding.mend:
        for line in finding.mend.splitlines():
            console.print(Text(f"                      → {line}", style="command"))
