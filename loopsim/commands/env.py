"""`loopsim env`: what a client needs to find the simulator, as lines for a shell."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from loopsim.commands import options
from loopsim.commands.connection import Shop, with_shop
from loopsim.errors import SetupError

if TYPE_CHECKING:
    from loopsim.harness.oauth import Given

SHELLS: dict[str, Callable[[str, str], str]] = {
    "sh": lambda name, value: f"export {name}={shlex.quote(value)}",
    "fish": lambda name, value: f"set -gx {name} {shlex.quote(value)};",
    "powershell": lambda name, value: f"$env:{name} = '{value}'",
    "dotenv": lambda name, value: f'{name}="{value}"',
}


@click.command("env")
@options.flag("--shell", type=click.Choice(list(SHELLS)), default="sh", show_default=True, help="Whose words to use.")
@options.flag(
    "--oauth",
    type=click.Choice(["tokens", "code"]),
    help="Also let the client in by OAuth: with tokens, or with a code that it has to exchange.",
)
@options.output
@with_shop
def command(shop: Shop, shell: str, oauth: Given | None, format: str) -> None:
    """Print what points a client at the simulator.

    \b
    eval "$(loopsim env)"                  # LOOP_API_BASE, LOOP_API_KEY, LOOP_WEBHOOK_SECRET
    loopsim env --shell dotenv > .env
    loopsim env --oauth tokens             # and LOOP_OAUTH_CLIENT_ID, _CLIENT_SECRET, _TOKEN_URL, _ACCESS_TOKEN, ...
    """
    values = environment(shop)
    if oauth:
        from loopsim.harness.oauth import grant

        values |= grant(shop, "", oauth).environment()
    if format == "json":
        from loopsim.commands.screen import print_json

        print_json(values)
        return
    for name, value in values.items():
        click.echo(SHELLS[shell](name, value))


def environment(shop: Shop) -> dict[str, str]:
    """The variables by name, with the shop's oldest key. Raises SetupError where it has none."""
    if not shop.key:
        raise SetupError(f"Shop {shop.name} has no API key left. Make one: POST /_loopsim/shops/{shop.name}/keys.")
    return {
        "LOOP_API_BASE": shop.api_base,
        "LOOP_API_KEY": shop.key,
        "LOOP_WEBHOOK_SECRET": shop.secret,
    }
