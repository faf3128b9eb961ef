"""`loopsim trigger`: an event, and all that leads to it, on demand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

import click
from rich.console import Console
from rich.text import Text

from loopsim.commands import options
from loopsim.commands.connection import (
    Json,
    Refused,
    Server,
    Shop,
    Unreachable,
    chosen_shop,
    failed,
    flags_to,
    with_server,
)
from loopsim.commands.events import delivery_rows, latest, show_delivery
from loopsim.commands.screen import mark, print_json, screen
from loopsim.commands.story import RECIPES, Step, Story, play

TOPICS = ("return", "return.processing", "label", "restock", "label.request", "giftcard", "happy.returns.shipment")
SETTLE = 30.0  # seconds that receivers may take to answer


@click.command("trigger")
@click.argument("trigger", type=click.Choice(list(RECIPES)), metavar="TRIGGER")
@options.flag("--return", "return_id", type=options.ID, help="Take this return there, instead of a fresh one.")
@options.flag("--webhook", callback=options.webhook_url, help="Subscribe this URL to the trigger first.")
@options.flag(
    "--topic", type=click.Choice(TOPICS), help="Topic for --webhook. [default: the one that belongs to the trigger]"
)
@options.output
@options.shop
@with_server
def command(
    server: Server,
    trigger: str,
    return_id: int | None,
    webhook: str | None,
    topic: str | None,
    format: str,
    shop: str | None,
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
    text = format == "text"
    console = screen()
    with ExitStack() as stack:
        server, own = _server(server, stack, shop, return_id)
        where = chosen_shop(server, shop)
        if own and text:
            console.print(f"[quiet]No server at its default place: this happens on a throw-away one, {server.url}.[/]")
        show_payload = own and webhook is None
        if show_payload:
            webhook = stack.enter_context(_receiver())
        if webhook is not None:
            _subscribe(where, webhook, trigger, topic)
        try:
            came = _happen(where, trigger, return_id, (lambda step: _tell(console, step)) if text else lambda _: None)
        except Refused as error:
            if error.code == "return_not_found":
                error.problem["detail"] = f"{error} Leave --return out for a fresh one."
            raise
    if text:
        _report(console, came, flags_to(server, where.name), show_payload=show_payload)
    else:
        print_json({"server": server.url, "throw_away": own, "shop": where.name, **came.as_json()})
    failed(not came.good)


class Outcome(NamedTuple):
    """What came of a trigger. `deliveries` are all of the return since, `listeners` the active subscriptions to the
    trigger."""

    trigger: str
    story: Story
    deliveries: list[Json]
    listeners: list[Json]

    @property
    def wanted(self) -> list[Json]:
        """The deliveries of the trigger itself."""
        return [each for each in self.deliveries if each["delivery"]["trigger"] == self.trigger]

    @property
    def good(self) -> bool:
        """Whether everybody who listens was told, and took it."""
        happened = bool(self.wanted or not self.listeners)
        return happened and all(each["delivery"]["state"] == "delivered" for each in self.wanted)

    def as_json(self) -> Json:
        """For scripts."""
        steps = [step._asdict() for step in self.story.steps]
        own = {"trigger": self.trigger, "ok": self.good, "return_id": self.story.return_id}
        return {**own, "steps": steps, "deliveries": self.deliveries}


def _happen(shop: Shop, trigger: str, return_id: int | None, tell: Callable[[Step], None]) -> Outcome:
    before = latest(shop, 1)
    story = play(shop, trigger, return_id, tell)
    shop.settle(SETTLE)
    found = [shop.delivery(row["id"]) for row in _since(shop, before[0]["id"] if before else 0)]
    mine = [each for each in found if each["delivery"]["return_id"] in (story.return_id, None)]
    return Outcome(trigger, story, mine, _listeners(shop, trigger))


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


def _listeners(shop: Shop, trigger: str) -> list[Json]:
    return [each for each in shop.subscriptions() if each["trigger"] == trigger and each["status"] == "active"]


def _since(shop: Shop, after: int) -> list[Json]:
    rows: list[Json] = []
    while page := shop.deliveries(after=after, limit=1000):
        rows += page
        after = page[-1]["id"]
    return rows


def _tell(console: Console, step: Step) -> None:
    console.print(Text.assemble(mark("ok"), f" {step.who:<14}", (f"{step.what:<30} ", "key"), (step.detail, "quiet")))


def _report(console: Console, came: Outcome, there: str, *, show_payload: bool) -> None:
    console.print()
    wanted = came.wanted
    if show_payload and wanted:
        show_delivery(console, wanted[0])
        console.print("\nSend it to your own receiver: [command]--webhook http://127.0.0.1:9000/loop[/]")
        return
    if came.deliveries:
        delivery_rows(console, came.deliveries)
    if not came.listeners:
        console.print(
            f"{came.trigger} happened, but nobody is subscribed to it: [command]--webhook URL[/] adds somebody."
        )
    elif not wanted:
        console.print(Text.assemble(mark("fail"), f" {came.trigger} did not happen to this return."))
    if any(each["delivery"]["state"] == "blocked" for each in wanted):
        console.print("\nBlocked: it would leave this machine. [command]loopsim serve --allow-target HOST[/] lets it.")
    missed = [each["delivery"] for each in wanted if each["delivery"]["state"] in ("failed", "queued")]
    if missed:
        number, comes = missed[0]["id"], missed[0]["state"] == "queued"
        more = "It will be tried again on the shop's clock." if comes else "It is not tried again."
        console.print(
            f"\nNot taken. {more} See why: [command]loopsim events show {number}{there}[/], "
            f"then send it again: [command]loopsim resend {number}{there}[/]"
        )
