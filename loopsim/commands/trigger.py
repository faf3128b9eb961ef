"""`loopsim trigger`: an event, and all that leads to it, on demand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from loopsim.commands import options
from loopsim.commands.connection import Server, Shop, Unreachable, chosen_shop, failed, reach
from loopsim.commands.events import delivery_rows, latest, show_delivery
from loopsim.commands.screen import mark, print_json, screen
from loopsim.commands.story import RECIPES, Step, Story, play

TOPICS = ("return", "return.processing", "label", "restock", "label.request", "giftcard", "happy.returns.shipment")
SETTLE = 30.0  # seconds that receivers may take to answer


@click.command("trigger")
@click.argument("trigger", type=click.Choice(list(RECIPES)), metavar="TRIGGER")
@options.flag("--return", "return_id", type=int, help="Take this return there, instead of a fresh one.")
@options.flag("--webhook", callback=options.webhook_url, help="Subscribe this URL to the trigger first.")
@options.flag(
    "--topic", type=click.Choice(TOPICS), help="Topic for --webhook. [default: the one that belongs to the trigger]"
)
@options.output
@options.shop
@options.server
def command(
    trigger: str,
    return_id: int | None,
    webhook: str | None,
    topic: str | None,
    format: str,
    shop: str | None,
    url: str | None,
    port: int,
    port_file: Path | None,
    token: str | None,
) -> None:
    """Make an event happen, with whatever leads there, on a fresh return or on the one that is named.

    \b
    return.created            return.updated            return.closed
    return.processing.failed  label.created             label.updated
    label.request.issued      label.request.cancelled   restock.requested
    giftcard.requested        shipment.processed

    It acts as customer, carrier and staff, and moves the shop's clock forward over what Loop takes its time for.
    Without a server it uses one of its own for as long as it takes. Exits with 1 if a receiver did not take the
    webhook.
    """
    if topic is not None and webhook is None:
        raise click.UsageError("--topic says what --webhook is subscribed to. Give both.")
    console = screen()
    with ExitStack() as stack:
        server, own = _server(reach(url, port, port_file, token), stack, shop, return_id)
        where = chosen_shop(server, shop)
        if own and format == "text":
            console.print(
                f"[quiet]No server at its default place, so this happens on a throw-away one at {server.url}.[/]"
            )
        shown = None
        if own and webhook is None:
            webhook = shown = stack.enter_context(_receiver())
        if webhook is not None:
            _subscribe(where, webhook, trigger, topic)
        after = latest(where, 1)[-1:]
        story = play(
            where, trigger, return_id, (lambda step: _tell(console, step)) if format == "text" else lambda _: None
        )
        settled = where.settle(SETTLE)
        found = [where.delivery(row["id"]) for row in _since(where, after[0]["id"] if after else 0)]
        found = [each for each in found if each["delivery"]["return_id"] in (story.return_id, None)]
        wanted = [each for each in found if each["delivery"]["trigger"] == trigger]
        listeners = _listeners(where, trigger)
        good = bool(wanted or not listeners) and all(each["delivery"]["state"] == "delivered" for each in wanted)
        if format == "json":
            print_json(_result(server, own, where, trigger, story, found, good))
        else:
            _report(console, trigger, found, wanted, listeners, shown is not None, settled)
    failed(not good)


def _server(server: Server, stack: ExitStack, shop: str | None, return_id: int | None) -> tuple[Server, bool]:
    try:
        server.health()
        return server, False
    except Unreachable:
        if server.given or shop is not None or return_id is not None:
            raise
    # Only here: mostly there is a server, and this one is heavy.
    from loopsim.embedded import EmbeddedServer

    embedded = stack.enter_context(EmbeddedServer())
    return Server(embedded.url), True


@contextmanager
def _receiver() -> Iterator[str]:
    """Somebody who takes everything, so that a throw-away server has somebody to tell."""
    import threading
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    class Taker(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"] or 0))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing: what is received is shown at the end."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Taker) as receiver:
        threading.Thread(target=receiver.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{receiver.server_port}/"
        finally:
            receiver.shutdown()


def _subscribe(shop: Shop, url: str, trigger: str, topic: str | None) -> None:
    for each in _listeners(shop, trigger):
        if each["url"] == url and topic in (None, each["topic"]):
            return
    shop.subscribe(url, topic, trigger)


def _listeners(shop: Shop, trigger: str) -> list[dict[str, Any]]:
    return [each for each in shop.subscriptions() if each["trigger"] == trigger and each["status"] == "active"]


def _since(shop: Shop, after: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    while page := shop.deliveries(after=after, limit=1000):
        rows += page
        after = page[-1]["id"]
    return rows


def _result(
    server: Server, own: bool, shop: Shop, trigger: str, story: Story, found: list[dict[str, Any]], good: bool
) -> dict[str, Any]:
    return {
        "trigger": trigger,
        "ok": good,
        "server": server.url,
        "throw_away": own,
        "shop": shop.name,
        "return_id": story.return_id,
        "steps": [step._asdict() for step in story.steps],
        "deliveries": found,
    }


def _tell(console: Console, step: Step) -> None:
    console.print(Text.assemble(mark("ok"), f" {step.who:<14}", (f"{step.what:<30} ", "key"), (step.detail, "quiet")))


def _report(
    console: Console,
    trigger: str,
    found: list[dict[str, Any]],
    wanted: list[dict[str, Any]],
    listeners: list[dict[str, Any]],
    show_payload: bool,
    settled: dict[str, Any],
) -> None:
    console.print()
    if show_payload and wanted:
        show_delivery(console, wanted[0])
        console.print("\nSend it to your own receiver: [command]--webhook http://127.0.0.1:9000/loop[/]")
        return
    if found:
        delivery_rows(console, found)
    if not listeners:
        console.print(f"{trigger} happened, but nobody is subscribed to it. Add [command]--webhook URL[/] to be told.")
    elif not wanted:
        console.print(Text.assemble(mark("fail"), f" {trigger} did not happen to this return."))
    blocked = [each for each in wanted if each["delivery"]["state"] == "blocked"]
    missed = [each for each in wanted if each["delivery"]["state"] in ("failed", "queued")]
    if blocked:
        console.print(
            "\nBlocked: it would leave this machine. Start the server with [command]--allow-target HOST[/] to let it."
        )
    if missed:
        more = " It will be tried again on the shop's clock." if settled["waiting"] else ""
        console.print(
            f"\nNot taken.{more} See why: [command]loopsim events show {missed[0]['delivery']['id']}[/], "
            f"then send it again: [command]loopsim resend {missed[0]['delivery']['id']}[/]"
        )
