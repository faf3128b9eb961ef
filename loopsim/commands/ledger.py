"""`loopsim ledger`: what is simulated and how sure it is. With `--shopify`: what Loop did on the shop's platform."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from loopsim.commands import options
from loopsim.commands.connection import Json, chosen_shop, reach
from loopsim.commands.screen import columns, moment, print_json, printable, screen

GRADES = ("captured", "documented", "reported", "assumed")
GRADE_STYLES = {"captured": "green", "documented": "cyan", "reported": "yellow", "assumed": "magenta"}
MEANINGS = {
    "captured": "seen in published traffic of the real API",
    "documented": "stated by Loop itself",
    "reported": "told by somebody who integrates with it",
    "assumed": "nobody says; our choice",
}


@click.command("ledger")
@click.argument("operation", required=False)
@options.flag("--grade", type=click.Choice(GRADES), help="Only statements of this grade.")
@options.flag(
    "--shopify", is_flag=True, help="What Loop did in the shop instead: refunds, gift cards, exchange orders."
)
@options.flag("--return", "return_id", type=options.ID, help="Only what it did for this return; with --shopify.")
@options.output
@options.shop
@options.server
def command(
    operation: str | None,
    grade: str | None,
    shopify: bool,
    return_id: int | None,
    format: str,
    shop: str | None,
    url: str | None,
    port: int,
    port_file: Path | None,
    token: str | None,
) -> None:
    """Say what is simulated and how sure it is, operation by operation; with OPERATION, statement by statement.

    With --shopify, list what Loop did on the platform of a running server's shop.
    """
    if shopify and (operation is not None or grade is not None):
        raise click.UsageError("OPERATION and --grade are about what is simulated; --shopify is about what happened.")
    if shopify:
        entries = chosen_shop(reach(url, port, port_file, token), shop).ledger(return_id)
        if format == "json":
            print_json({"entries": entries})
        else:
            shopify_rows(screen(), entries)
        return
    if return_id is not None:
        raise click.UsageError("--return goes with --shopify.")
    rows, facts, quirks = _contract()
    if operation is not None and operation not in {row["id"] for row in rows}:
        raise click.BadParameter(
            f"There is no operation {operation!r}. `loopsim ledger` lists them.", param_hint="OPERATION"
        )
    rows = [row for row in rows if operation in (None, row["id"])]
    if grade is not None:
        rows = [
            {**row, "fields": [field for field in row["fields"] if field["grade"] == grade]}
            for row in rows
            if row["grade"] == grade or any(field["grade"] == grade for field in row["fields"])
        ]
    if format == "json":
        print_json({"operations": rows, "quirks": quirks})
    elif operation is not None or grade is not None:
        for row in rows:
            _statements(screen(), row, facts, grade)
    else:
        _overview(screen(), rows, quirks)


def _contract() -> tuple[list[Json], dict[str, dict[str, str]], dict[str, dict[str, Any]]]:
    # Only here: with --shopify the server is asked, and none of it is needed.
    import msgspec

    from loopsim.bootstrap import check_registered, know_all
    from loopsim.contract import load_contract
    from loopsim.contract.ledger import ledger
    from loopsim.server.places import Places

    contract = load_contract()
    know_all()
    check_registered(contract)
    # The table by which the server sends calls on knows best where it would answer 501.
    places = Places(contract)
    simulated = {
        operation.id
        for operation in contract.operations("loop")
        if places.find(operation.method, operation.address.encode()).simulated
    }
    return [msgspec.to_builtins(row) for row in ledger(contract, simulated)], contract.facts, contract.quirks()


def _overview(console: Console, rows: list[Json], quirks: dict[str, dict[str, Any]]) -> None:
    table: list[tuple[str | Text, ...]] = []
    for tag, group in groupby(rows, key=lambda row: str(row["tag"])):
        table.append((Text(tag, style="key"), *[""] * (len(GRADES) + 3)))
        for row in group:
            others = Counter(field["grade"] for field in row["fields"])
            table.append(
                (
                    f"  {row['id']}",
                    Text("✓", style="ok") if row["implemented"] else Text("501", style="bad"),
                    Text(row["grade"], style=GRADE_STYLES.get(row["grade"], "")),
                    *(Text(str(others[grade] or ""), style=GRADE_STYLES[grade]) for grade in GRADES),
                    Text(f"{row['method']} {row['path']}", style="quiet"),
                )
            )
    shorts = [grade[:3] for grade in GRADES]
    columns(console, ("operation", "", "as a whole", *shorts, ""), table, wrap=False)
    done = sum(row["implemented"] for row in rows)
    console.print(
        f"\n[key]{done} of {len(rows)}[/] operations are simulated. How sure each is as a whole, and how many"
    )
    console.print("of its parts (parameters, fields, errors) are surer or less sure than that:")
    for short, grade in zip(shorts, GRADES, strict=True):
        console.print(f"  [{GRADE_STYLES[grade]}]{short}  {grade:<11}[/] [quiet]{MEANINGS[grade]}[/]")
    console.print("\nWhere the public facts allow two answers, a quirk of the shop chooses:")
    columns(
        console,
        ("quirk", "values, default first", "says"),
        (
            (
                name,
                " | ".join(sorted(each["values"], key=lambda value: value != each["default"])),
                Text(each["says"], "quiet"),
            )
            for name, each in quirks.items()
        ),
    )
    console.print("\n[quiet]Statement by statement:[/] [command]loopsim ledger processReturn[/]")


def _statements(console: Console, row: Json, facts: dict[str, dict[str, str]], only: str | None) -> None:
    simulated = "simulated" if row["implemented"] else "answers 501: not simulated"
    console.print(f"[key]{row['id']}[/]  {row['method']} {row['path']}  [quiet]{simulated}[/]")
    own = [{"where": "as a whole", "grade": row["grade"], "fact": row["fact"]}]
    for field in [*own, *row["fields"]]:
        if only in (None, field["grade"]):
            grade = Text(f"{field['grade']:<11}", style=GRADE_STYLES.get(field["grade"], ""))
            console.print(Text.assemble("  ", grade, f" {field['where']}", (f"  #{field['fact']}", "quiet")))
            fact = facts.get(field["fact"], {}).get("text", "")
            for line in textwrap.wrap(fact, max(40, min(console.width, 120) - 14)):
                console.print(Text(f"              {line}", style="quiet"))
    console.print()


def shopify_rows(console: Console, entries: list[Json]) -> None:
    """What Loop did on the platform, as a table."""
    if not entries:
        console.print("[quiet]Nothing was done on the platform yet.[/]")
        return
    columns(
        console,
        ("shop time", "return", "what", ""),
        (
            (
                Text(moment(entry["at"]), style="time"),
                str(entry["return_id"]),
                Text(entry["kind"].replace("_", " "), style="key"),
                Text(printable(_data(entry["kind"], entry["data"])), style="quiet"),
            )
            for entry in entries
        ),
    )


# What an entry says beside its kind, in the words of people.
_SAYS: dict[str, Callable[[Json], str]] = {
    "return_opened": lambda data: f"of order {data['order']}",
    "order_updated": lambda data: ", ".join(f"{name}: {value}" for name, value in data["additional_details"].items()),
    "refund": lambda data: _money(data),
    "gift_card": lambda data: f"{_money(data)}, ends in {data['last_characters']}",
    "exchange_order": lambda data: f"{data['order_name']}: {_skus(data['items'])}",
    "restock": lambda data: ", ".join(f"{_signed(item)} of variant {item['variant_id']}" for item in data["items"]),
    "return_closed": lambda data: "processed" if data["processed"] else "without processing",
}


def _data(kind: str, data: Json) -> str:
    try:
        return _SAYS[kind](data)
    except (KeyError, TypeError, AttributeError):
        # A server of another version, or a kind that has no words here: all it says, as it is.
        return ", ".join(
            _money(data) if name == "amount" else f"{name.replace('_', ' ')} {value}" for name, value in data.items()
        )


def _money(data: Json) -> str:
    return f"{data['amount'] / 100:.2f} {data.get('currency', '')}".strip()


def _skus(items: list[Json]) -> str:
    return ", ".join(str(item["sku"]) for item in items)


def _signed(item: Json) -> str:
    return f"{item['available_adjustment']:+d}"
