"""`loopsim events`: what was sent to subscribers, and what they made of it."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime
from typing import Any

import click
from rich.console import Console
from rich.json import JSON
from rich.text import Text

from loopsim.commands import options
from loopsim.commands.connection import Shop, flags_to, numbered, with_shop
from loopsim.commands.following import finding_line, news
from loopsim.commands.screen import DELIVERY_STYLES, columns, moment, outcome, pairs, print_json, printable, screen

PAGE = 1000
STATES = ("queued", "delivered", "failed", "blocked", "dropped")

Row = dict[str, Any]


@click.group("events", cls=options.Nouns, invoke_without_command=True)
@options.flag("--follow", is_flag=True, help="Go on, with a line per attempt as it is made. Ctrl-C ends it.")
@options.flag("--findings", is_flag=True, help="With --follow: also what the rules for partners find wrong.")
@options.flag("--limit", type=options.Whole(1), default=20, show_default=True, help="How many of the latest to list.")
@options.flag("--state", type=click.Choice(STATES), help="Only deliveries in this state.")
@options.flag("--return", "return_id", type=options.ID, help="Only those about this return.")
@options.output
@with_shop
def command(
    shop: Shop, follow: bool, findings: bool, limit: int, state: str | None, return_id: int | None, format: str
) -> None:
    """List webhook deliveries, latest last.

    `loopsim events show NUMBER` prints one with its payload and every attempt.
    """
    if findings and not follow:
        raise click.UsageError("--findings is shown as it comes: add --follow.")
    seen = last_entry(shop) if follow else 0
    found = [shop.delivery(row["id"]) for row in latest(shop, limit, state=state, return_id=return_id)]
    if format == "json":
        if not follow:
            print_json({"deliveries": [_with_last(each) for each in found]})
        for each in found if follow else ():
            print_json(_with_last(each))
    else:
        _list(screen(), shop, found, quiet=follow)
    if follow:
        try:
            for entry in news(shop, seen, judged=findings):
                if return_id not in (None, entry.get("return_id")):
                    continue
                if format == "json":
                    print_json(entry)
                else:
                    screen().print(attempt_line(entry) if entry["kind"] == "delivery" else finding_line(entry))
        except KeyboardInterrupt:
            return


@command.command("show")
@click.argument("delivery", type=options.ID)
@options.output
@with_shop
def show(shop: Shop, delivery: int, format: str) -> None:
    """Print a delivery with its payload and every attempt."""
    with numbered(shop):
        answer = shop.delivery(delivery)
    if format == "json":
        print_json(answer)
    else:
        show_delivery(screen(), answer)


def latest(shop: Shop, limit: int, **filters: Any) -> list[Row]:
    """The last deliveries that match, oldest first."""
    rows: deque[Row] = deque(maxlen=limit)
    after = 0
    while True:
        page = shop.deliveries(after=after, limit=PAGE, **filters)
        rows.extend(page)
        if len(page) < PAGE:
            return list(rows)
        after = page[-1]["id"]


def last_entry(shop: Shop) -> int:
    """The journal entry after which nothing was delivered yet."""
    after = 0
    while True:
        page = shop.journal(after=after, limit=10_000, kind="delivery")
        if not page["entries"]:
            return max(after, int(page["last_id"]))
        after = page["entries"][-1]["id"]


def attempt_line(entry: Row) -> Text:
    """An attempt of the journal as one line."""
    at = datetime.fromtimestamp(entry["at"] / 1000, UTC)
    line = Text.assemble(
        (f"{at:%d %b %H:%M:%S} ", "time"),
        (f"#{entry.get('delivery_id', '')} ", "quiet"),
        (str(entry.get("trigger", "")), "event"),
        f" as {entry.get('topic', '')}" if entry.get("topic") else "",
        f" of return {entry['return_id']}" if entry.get("return_id") else "",
        " → ",
        (entry.get("url") or "", "quiet"),
        " ",
        outcome(entry.get("status"), entry.get("error")),
    )
    if entry.get("duration_ms") is not None:
        line.append(f" {entry['duration_ms']:.0f} ms", "quiet")
    if entry.get("attempt", 1) > 1:
        line.append(f" (attempt {entry['attempt']})", "warn")
    return line


def _with_last(answer: Row) -> Row:
    last = answer["attempts"][-1] if answer["attempts"] else {}
    return {
        **answer["delivery"],
        "status": last.get("status"),
        "error": last.get("error"),
        "duration_ms": last.get("duration_ms"),
    }


def _list(console: Console, shop: Shop, found: list[Row], *, quiet: bool) -> None:
    if found:
        delivery_rows(console, found)
    if quiet:
        return
    there = flags_to(shop.server, shop.name)
    if not found:
        console.print(
            f"Shop {shop.name} has sent nothing that matches. Subscribe a receiver and let something happen:\n"
            f"  [command]loopsim trigger return.created --webhook http://127.0.0.1:9000/loop{there}[/]"
        )
    else:
        console.print(f"\n[quiet]One with its payload:[/] [command]loopsim events show NUMBER{there}[/]")


def delivery_rows(console: Console, found: list[Row]) -> None:
    """A table of deliveries, each as the control API shows one."""
    rows = []
    for answer in found:
        delivery, last = answer["delivery"], answer["attempts"][-1] if answer["attempts"] else None
        state = delivery["state"]
        rows.append(
            (
                str(delivery["id"]),
                Text(moment(delivery["created_at"]), style="time"),
                str(delivery["return_id"] or ""),
                Text(delivery["trigger"], style="event"),
                delivery["topic"],
                Text(state, style=DELIVERY_STYLES.get(state, "")),
                str(delivery["attempt_count"]),
                outcome(last["status"], last["error"]) if last else Text(""),
                f"{last['duration_ms']:.0f} ms" if last else "",
            )
        )
    columns(console, ("no.", "shop time", "return", "trigger", "topic", "state", "tries", "answer", "took"), rows)


def show_delivery(console: Console, answer: Row, *, payload: bool = True) -> None:
    """A delivery with its attempts, and with its payload laid out."""
    delivery, attempts = answer["delivery"], answer["attempts"]
    state = delivery["state"]
    pairs(
        console,
        [
            ("delivery", str(delivery["id"])),
            ("event", Text(f"{delivery['trigger']}, as topic {delivery['topic']}", style="event")),
            ("return", str(delivery["return_id"] or "none")),
            ("state", Text(state, style=DELIVERY_STYLES.get(state, ""))),
            ("made", moment(delivery["created_at"])),
            *([("fault", str(delivery["fault"]))] if delivery["fault"] else []),
        ],
    )
    console.print()
    for attempt in attempts:
        _show_attempt(console, attempt)
    if not attempts:
        console.print("[quiet]No attempt was made yet.[/]")
    if payload:
        console.print("\n[quiet]Payload, laid out; the bytes sent are compact (--format json shows them):[/]")
        try:
            console.print(JSON(answer["payload"], ensure_ascii=False))
        except ValueError:
            console.print(Text(answer["payload"]))
    if state == "blocked":
        console.print(
            "\nIt may not leave this machine. Start the server with [command]--allow-target HOST[/] to let it."
        )


def _show_attempt(console: Console, attempt: Row) -> None:
    line = Text.assemble(
        (f"attempt {attempt['number']}  ", "key"),
        (f"{moment(attempt['at'])}  ", "time"),
        f"POST {attempt['url']} → ",
        outcome(attempt["status"], attempt["error"]),
        (f"  {attempt['duration_ms']:.0f} ms", "quiet"),
    )
    if attempt["retry_at"]:
        line.append(f"  again at {moment(attempt['retry_at'])}", "warn")
    console.print(line)
    for name, value in attempt["request_headers"].items():
        if name.lower() == "x-loop-signature":
            console.print(Text(f"           {name}: {value}", style="quiet"))
    if attempt["response_body"] and not (attempt["status"] and 200 <= attempt["status"] < 300):
        console.print(Text(f"           it said: {printable(attempt['response_body'][:500])}", style="quiet"))
