"""`loopsim clock`: a shop's time, read and moved."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from contextlib import suppress
from datetime import datetime
from typing import Any

import click

from loopsim.commands import options
from loopsim.commands.connection import Server, Shop, chosen_shop, flags_to, with_server, with_shop

LOOK_EVERY = 0.2  # seconds of real time between two looks at a clock that is being advanced


@click.group("clock", cls=options.Nouns, invoke_without_command=True)
@options.output
@with_shop
def command(shop: Shop, format: str) -> None:
    """Show a shop's time and what is due next, let time pass, or change how the clock runs."""
    _show(shop, shop.clock.read(), format)


@command.command("show")
@options.output
@with_shop
def show(shop: Shop, format: str) -> None:
    """Show a shop's time and what is due next."""
    _show(shop, shop.clock.read(), format)


@command.command("advance")
@click.argument("by", required=False)
@options.flag("--to", type=options.moment, help="To this moment instead, such as 2026-06-15T09:00:00Z.")
@options.flag("--next-event", is_flag=True, help="To the next thing that is due.")
@options.flag("--until-idle", is_flag=True, help="Until nothing is left to come.")
@options.flag("--no-wait", is_flag=True, help="Do not wait for webhooks to be answered on the way.")
@options.flag(
    "--quiet-for",
    type=options.Whole(0, 60_000),
    help="Milliseconds without a call after which the partner is done reacting.",
)
@options.output
@options.shop
@with_server
def advance(
    server: Server,
    shop: str | None,
    by: str | None,
    to: datetime | None,
    next_event: bool,
    until_idle: bool,
    no_wait: bool,
    quiet_for: int | None,
    format: str,
) -> None:
    """Let time pass: BY such as 90s, 2h, 14d, 1d12h or PT2H, or one of the flags.

    All that is due happens on the way, in order and each at its own moment; after what sent webhooks it waits until
    they are answered and the receiver has made its calls. Ctrl-C stops between two events.
    """
    until = None if to is None else to.isoformat()
    goals = {"by": by, "to": until, "next_event": next_event or None, "until_idle": until_idle or None}
    goal = {name: value for name, value in goals.items() if value is not None}
    if len(goal) != 1:
        raise click.UsageError("Say exactly one: a duration such as 14d, --to, --next-event or --until-idle.")
    body: dict[str, Any] = {**goal, "wait": not no_wait}
    if quiet_for is not None:
        body["quiet_for"] = quiet_for
    answer = advance_shop(chosen_shop(server, shop), body, show=format == "text")
    if format == "json":
        _json(answer)
    else:
        _came(answer)
    if answer["stopped"] == "interrupted":
        click.get_current_context().exit(1)


@command.command("set")
@click.argument("mode", type=click.Choice(["real", "scaled", "manual"]))
@options.flag("--rate", type=options.RATE, help="How many times as fast as the wall; for scaled.")
@options.flag("--at", type=options.moment, help="Set it to this moment, which must lie ahead.")
@options.output
@options.shop
@with_server
def set_mode(server: Server, shop: str | None, mode: str, rate: float | None, at: datetime | None, format: str) -> None:
    """Let the clock follow the wall (real), run faster or slower (scaled), or stand still until advanced (manual)."""
    if (mode == "scaled") != (rate is not None):
        raise click.UsageError("--rate goes with scaled, and scaled needs it: loopsim clock set scaled --rate 3600.")
    chosen = chosen_shop(server, shop)
    _show(chosen, chosen.clock.set(mode, rate=rate, at=None if at is None else at.isoformat()), format)


def advance_shop(shop: Shop, body: dict[str, Any], *, show: bool) -> dict[str, Any]:
    """Advance, and interrupt it at Ctrl-C. `show` follows the clock on a terminal."""
    answer: Future[dict[str, Any]] = Future()

    def run() -> None:
        try:
            answer.set_result(shop.clock.advance(**body))
        except BaseException as error:
            answer.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        return _watched(shop, answer, show)
    except KeyboardInterrupt:
        shop.clock.interrupt()
        return answer.result()


def _watched(shop: Shop, answer: Future[dict[str, Any]], show: bool) -> dict[str, Any]:
    from loopsim.commands.screen import moment, screen

    console = screen(stderr=True)
    if not (show and console.is_terminal):
        return answer.result()
    with suppress(TimeoutError):
        return answer.result(LOOK_EVERY)
    with console.status("Time passes …") as status:
        while True:
            clock = shop.clock.read()
            status.update(f"Time passes: [key]{moment(clock['now'])}[/], {clock['timers']} things ahead. Ctrl-C stops.")
            with suppress(TimeoutError):
                return answer.result(LOOK_EVERY)


def _json(value: Any) -> None:
    from loopsim.commands.screen import print_json

    print_json(value)


STOPS = {
    "goal": "",
    "idle": "Nothing is left to come.",
    "interrupted": "Stopped on the way.",
    "nothing": "Nothing is due, so the clock stayed.",
}


def _came(answer: dict[str, Any]) -> None:
    from loopsim.commands.screen import moment, screen

    console = screen()
    events, sent = answer["timers_run"], answer["deliveries"]
    happened = f"{events} {'thing' if events == 1 else 'things'} happened"
    went_out = f"{sent} {'webhook was' if sent == 1 else 'webhooks were'} sent"
    stopped = STOPS.get(answer["stopped"], "")
    console.print(f"It is now [key]{moment(answer['now'])}[/]; {happened}, {went_out}. {stopped}".rstrip())


def _show(shop: Shop, clock: dict[str, Any], format: str) -> None:
    if format == "json":
        _json({"clock": clock})
        return
    from loopsim.commands.screen import columns, moment, screen

    console = screen()
    modes = {
        "real": "follows the wall",
        "scaled": f"runs {clock['rate']:g} times as fast",
        "manual": "stands still until advanced",
    }
    advancing = ", being advanced" if clock["advancing"] else ""
    console.print(f"[key]{moment(clock['now'])}[/] UTC, {modes[clock['mode']]}{advancing}")
    if not clock["next"]:
        console.print("[quiet]Nothing is due.[/]")
        return
    left = clock["timers"] - len(clock["next"])
    console.print("\n[quiet]Due next[/]" + (f" [quiet](and {left} more)[/]" if left > 0 else ""))
    columns(console, ("at", "what", "of"), ((moment(t["due"]), t["kind"], str(t["entity"])) for t in clock["next"]))
    there = flags_to(shop.server, shop.name)
    console.print(f"\n[quiet]Go there:[/] [command]loopsim clock advance --next-event{there}[/]")
