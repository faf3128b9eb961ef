"""`loopsim listen`: what the shop sends to a receiver, live, and the last of it once more at the press of a key."""

from __future__ import annotations

import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import click

from loopsim.commands import options
from loopsim.commands.connection import Refused, Shop, with_shop
from loopsim.commands.events import attempt_line, last_entry, show_delivery
from loopsim.commands.screen import print_json, screen
from loopsim.commands.story import RECIPES
from loopsim.commands.trigger import TOPICS
from loopsim.errors import LoopsimError

Entry = dict[str, Any]
SHIP_TOPIC = "ship-by-loop"
SHIP_TRIGGERS = tuple(f"{SHIP_TOPIC}.{what}.requested" for what in ("services", "purchase", "cancellation"))
HELP = "r sends the last one again, s shows it, q ends"
_LOOK = 0.5  # seconds between two looks whether the server is still there


@click.command("listen")
@options.flag("--target", required=True, callback=options.webhook_url, help="The receiver to subscribe and to watch.")
@options.flag("--topic", type=click.Choice((*TOPICS, SHIP_TOPIC)), metavar="TOPIC", help="Only this topic.")
@options.flag("--trigger", type=click.Choice((*RECIPES, *SHIP_TRIGGERS)), metavar="TRIGGER", help="Only this trigger.")
@options.output
@with_shop
def command(shop: Shop, target: str, topic: str | None, trigger: str | None, format: str) -> None:
    """Subscribe a receiver, and show what the shop sends to it as it happens.

    In a terminal the key r sends the last delivery again, s shows it whole, q or Ctrl-C ends. What it subscribed it
    unsubscribes at the end.
    """
    # In the background of a script this is all that can end it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    seen = last_entry(shop)
    with _subscribed(shop, target, topic, trigger) as ids:
        watch = _Watch(shop, ids, seen, as_json=format == "json")
        watch.say(f"Shop {shop.name} sends to {target} from now on.")
        with suppress(KeyboardInterrupt):
            if sys.stdin.isatty() and format != "json":
                _with_keys(watch)
            else:
                watch.follow()


class _Watch:
    """The deliveries of some subscriptions as they are attempted. `last` is the id of the latest."""

    def __init__(self, shop: Shop, ids: frozenset[int], seen: int, *, as_json: bool) -> None:
        self.shop = shop
        self.last: int | None = None
        self.failure: LoopsimError | None = None
        self._ids = ids
        self._seen = seen
        self._as_json = as_json

    def say(self, text: str) -> None:
        """A line for people."""
        if not self._as_json:
            click.echo(text)

    def follow(self) -> None:
        """For ever. Raises what the server's end raises."""
        for entry in self.shop.events(after=self._seen, kind="delivery"):
            if entry.get("subscription_id") in self._ids:
                self.last = entry["delivery_id"]
                print_json(entry) if self._as_json else screen().print(attempt_line(entry))

    def follow_in_background(self) -> None:
        """As `follow`; what ends it is kept in `failure`."""
        try:
            self.follow()
        except LoopsimError as error:
            self.failure = error

    def resend(self) -> None:
        """The last delivery once more; its line comes by itself."""
        if self.last is None:
            self.say("Nothing was sent yet.")
            return
        try:
            self.shop.resend(self.last)
        except Refused as error:
            self.say(str(error))

    def show(self) -> None:
        """The last delivery, whole."""
        if self.last is None:
            self.say("Nothing was sent yet.")
        else:
            show_delivery(screen(), self.shop.delivery(self.last))


def _with_keys(watch: _Watch) -> None:
    keys: dict[str, Callable[[], None]] = {"r": watch.resend, "s": watch.show}
    watch.say(HELP)
    thread = threading.Thread(target=watch.follow_in_background, daemon=True)
    thread.start()
    with _single_keys():
        while watch.failure is None:
            if not select.select([sys.stdin], [], [], _LOOK)[0]:
                continue
            key = sys.stdin.read(1)
            if key in ("q", "\x04", ""):
                return
            keys.get(key.lower(), lambda: watch.say(HELP))()
    raise watch.failure


@contextmanager
def _single_keys() -> Iterator[None]:
    """Keys arrive as they are pressed, and are not shown; Ctrl-C still is one."""
    # Only here: other systems have no such module, and without a terminal nobody needs it.
    import termios
    import tty

    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setcbreak(sys.stdin)
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


@contextmanager
def _subscribed(shop: Shop, target: str, topic: str | None, trigger: str | None) -> Iterator[frozenset[int]]:
    """The subscriptions of the target: those that are there already, or new ones that go at the end."""
    rows = [
        row
        for row in shop.subscriptions()
        if row["url"] == target and topic in (None, row["topic"]) and trigger in (None, row["trigger"])
    ]
    made = [] if rows else shop.subscribe(target, topic, trigger)
    try:
        yield frozenset(row["id"] for row in rows or made)
    finally:
        with suppress(LoopsimError):
            for row in made:
                shop.unsubscribe(row["id"])
