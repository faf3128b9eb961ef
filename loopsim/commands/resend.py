"""`loopsim resend`: the same bytes once more."""

from __future__ import annotations

import click

from loopsim.commands import options
from loopsim.commands.connection import Shop, failed, numbered, with_shop


@click.command("resend")
@click.argument("delivery", type=options.ID)
@options.output
@with_shop
def command(shop: Shop, delivery: int, format: str) -> None:
    """Send a webhook delivery again, byte for byte, and wait for the answer.

    DELIVERY is its number in `loopsim events`. Exits with 1 unless the receiver takes it.
    """
    with numbered(shop):
        answer = shop.resend(delivery)
    attempts = answer["attempts"]
    if format == "json":
        from loopsim.commands.screen import print_json

        print_json(answer)
    else:
        from loopsim.commands.events import show_delivery
        from loopsim.commands.screen import screen

        show_delivery(screen(), answer, payload=False)
    last = attempts[-1]["status"] if attempts else None
    failed(last is None or not 200 <= last < 300)
