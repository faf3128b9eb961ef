"""The story of the demo on the screen: who did what, at which time of the shop."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import Any

from rich.text import Text

from loopsim.commands.connection import Json
from loopsim.commands.ledger import shopify_rows
from loopsim.commands.screen import print_json, screen
from loopsim.harness.results import RunResult

QUIET = 0.4  # seconds without news after which nothing more is expected
MOST = 5.0
LEAP = 3600.0  # seconds of the shop's time that are worth a line of their own

# What a call of the warehouse means, in words; a call that is not here is shown as it is.
CALLS = {
    "listReturns": "asks which returns there are",
    "getReturnDetails": "reads the return",
    "listNotes": "reads its notes",
    "createNote": "adds a note",
    "gradeItems": "grades the items",
    "assessItems": "decides what becomes of them",
    "processReturn": "asks Loop to process the return",
}
MEANT = {("listNotes", 422): "finds no notes on it yet"}  # Loop's way to say so: 422, body false
SCHEDULES = {"duplicate": "webhooks come twice", "swap": "webhooks change places", "delay": "webhooks come late"}
ACTORS = {
    "simulator": "cyan",
    "loop": "cyan",
    "warehouse": "green",
    "customer": "magenta",
    "shop": "blue",
    "clock": "yellow",
}


class Timeline:
    """Prints from several threads, a line at a time. `as_json`: one JSON object per line instead."""

    def __init__(self, *, as_json: bool) -> None:
        self._json = as_json
        self._console = screen()
        self._lock = threading.Lock()
        self._shown: float | None = None  # the shop's time of the line before
        self._news = time.monotonic()

    def started(self, who: str, where: str, says: str) -> None:
        """A process is up."""
        with self._lock:
            if self._json:
                print_json({"started": who, "url": where})
            else:
                self._console.print(Text.assemble(_actor(who), (f"{where:<46} ", "key"), (says, "quiet")))

    def act(self, at: str, who: str, what: str, detail: str = "") -> None:
        """The demo lets somebody do something."""
        self._line(datetime.fromisoformat(at).timestamp(), who, what, detail, {})

    def entry(self, entry: Json, payload: Any) -> None:
        """An entry of the journal: a webhook with its payload, or a call of the warehouse."""
        at = entry["at"] / 1000
        if entry["kind"] == "delivery":
            taken = entry.get("status") == 200
            answer = "signature verified" if taken else str(entry.get("status") or entry.get("error"))
            detail = f"{_news(payload)} · {answer}"
            self._line(at, "loop", f"→ {entry['trigger']}", detail.removeprefix(" · "), entry)
        elif entry["kind"] == "call":
            operation, status = str(entry.get("operation")), entry.get("status")
            what = MEANT.get((operation, status or 0)) or CALLS.get(operation, operation)
            self._line(at, "warehouse", what, f"{entry['method']} {_short(entry['path'])} {status}", entry)
        else:
            self._news = time.monotonic()

    def settle(self) -> None:
        """Wait until what happened is on the screen."""
        until = time.monotonic() + MOST
        while time.monotonic() < min(until, self._news + QUIET):
            time.sleep(QUIET / 8)

    def _line(self, at: float, who: str, what: str, detail: str, entry: Json) -> None:
        with self._lock:
            self._news = time.monotonic()
            if self._json:
                shown = {
                    name: entry[name] for name in ("kind", "operation", "trigger", "topic", "status") if name in entry
                }
                print_json({"at": _moment(at).isoformat(), "who": who, "what": what, "detail": detail, **shown})
                return
            leap = at - (self._shown if self._shown is not None else at)
            if self._shown is None or leap >= LEAP:
                self._console.print()
                title = Text(f"{_moment(at):%A, %d %B %Y}", style="bold")
                if leap >= LEAP:
                    title.append(f"  {_span(leap)} later", style="quiet")
                self._console.print(title)
            self._shown = at if self._shown is None else max(self._shown, at)
            self._console.print(
                Text.assemble(
                    (f"  {_moment(at):%H:%M:%S}  ", "time"),
                    _actor(who),
                    f"{what:<36} " if detail else what,
                    (detail, "quiet"),
                ),
                overflow="fold",
            )

    def outcome(self, view: Json, entries: list[Json], *, good: bool) -> None:
        """How the return ended, and what Loop did for it."""
        if self._json:
            print_json({"ok": good, "return": view, "shopify": entries})
            return
        console = self._console
        console.print("\n[key]What Loop did in the shop[/]")
        shopify_rows(console, entries)
        console.print()
        if good:
            closed = f"[ok]✓[/] Return [key]{view['id']}[/] of order {view['order_name']} is closed"
            console.print(f"{closed}: one item refunded, one exchanged.")
        else:
            console.print(
                f"[bad]✗[/] Return {view['id']} is {view['state']}, which is not how it should end: a bug of loopsim."
            )

    def verdict(self, run: RunResult, *, good: bool, seconds: float) -> None:
        """What the short suite says of the warehouse."""
        verdicts = [verdict.outcome for scenario in run.scenarios for verdict in scenario.verdicts]
        if self._json:
            told = [{"id": scenario.id, "status": scenario.status} for scenario in run.scenarios]
            ok = good and run.exit_code == 0
            print_json({"ok": ok, "suite": told, "seconds": round(seconds, 2)})
            return
        console = self._console
        console.print("\n[key]The same warehouse, judged by a short suite[/]")
        for scenario in run.scenarios:
            mark = "[ok]✓[/]" if scenario.status == "passed" else "[bad]✗[/]"
            schedule = f" [quiet]({SCHEDULES[scenario.schedule]})[/]" if scenario.schedule else ""
            console.print(f"  {mark} {scenario.title}{schedule}")
            for failure in scenario.failures:
                console.print(f"      {failure.says}", style="bad", markup=False)
        passed, broken = verdicts.count("passed"), verdicts.count("failed")
        rules = (
            f"{passed} verdicts of rules, {broken} against it" if broken else f"{passed} verdicts of rules, all for it"
        )
        held = sum(scenario.status == "passed" for scenario in run.scenarios)
        console.print(f"  {held} of {len(run.scenarios)} stories passed; {rules}. [quiet]It took {seconds:.1f} s.[/]")

    def goes_on(self, called: str, whole_suite: str) -> None:
        """What to try next: `called` is how loopsim is called here, `whole_suite` are flags for a run of all of it."""
        if self._json:
            return
        for title, commands in (
            ("The same warehouse, judged by all of the suite", (f"run @wms/two-way {whole_suite}",)),
            ("Your turn, the second in another terminal", ("serve", "trigger return.closed")),
            ("Your integration", ("init", "run")),
        ):
            self._console.print(f"\n[key]{title}[/]")
            for each in commands:
                # A line stays a line, so that it can be pasted.
                self._console.print(Text(f"  {called} {each}", style="command"), soft_wrap=True)


def _actor(who: str) -> Text:
    return Text(f"{who:<11}", style=ACTORS.get(who, ""))


def _news(payload: Any) -> str:
    if not isinstance(payload, dict):
        return ""
    if payload.get("topic") == "label":
        return f"{payload['carrier']} {payload['label_status'].replace('_', ' ')}"
    return f"return is {payload['state']}" if "state" in payload else str(payload.get("message", ""))


def _short(path: str) -> str:
    return path.removeprefix("/api/v1")


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def _span(seconds: float) -> str:
    days, hours = divmod(round(seconds / 3600), 24)
    parts = [(days, "day"), (hours, "hour")]
    return " ".join(f"{count} {name}{'s' if count != 1 else ''}" for count, name in parts if count)
