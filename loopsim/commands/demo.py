"""`loopsim demo`: the main job in a terminal.

The simulator and a warehouse's integration run as processes of their own, and one return goes round between them.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

import click

import loopsim
from loopsim.commands import options
from loopsim.commands.connection import Json, Server, Shop, chosen_shop, failed
from loopsim.commands.timeline import Timeline
from loopsim.errors import LoopsimError, SetupError

MOMENT = "2026-06-01T09:00:00Z"  # a Monday morning, after the rows of the sample
SEED = "2026"
STARTING = 20.0  # seconds that a process may take to say where it listens
STOPPING = 5.0
LONGEST = 60.0  # seconds that anything else may take
WEBHOOKS = (("return", None), ("label", None), ("return.processing", None))
SAMPLE = Path("fixtures", "samples", "returns-export.json")


@click.command("demo")
@options.output
def command(format: str) -> None:
    """Watch a return go round between a shop, Loop and a warehouse, in a few seconds.

    It starts a simulator and a sample warehouse integration as processes of their own, imports real rows, and lets a
    customer send two items back. The warehouse hears of it by signed webhooks, inspects what arrives, and has Loop pay
    out. Weeks pass on the shop's clock while you look. Then a short suite judges the same warehouse. Exits with 1 if
    the return does not come to its end, or the suite fails.
    """
    # Like Ctrl-C, so that it does not leave its processes behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    began = time.monotonic()
    timeline = Timeline(as_json=format == "json")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="loopsim-demo-")))
        shop = _simulator(stack, folder, timeline)
        hooks = _warehouse(stack, folder, shop, timeline)
        _caught_up(shop)
        shop.update(policy={"processing_event": "disabled"})
        for topic, trigger in WEBHOOKS:
            shop.subscribe(hooks, topic, trigger)
        with _followed(shop, timeline):
            return_id = _story(shop, timeline)
            timeline.settle()
        view, entries = shop.get_return(return_id), shop.ledger(return_id)
        kinds = {entry["kind"] for entry in entries}
        good = view["state"] == "closed" and {"refund", "exchange_order"} <= kinds
        timeline.outcome(view, entries, good=good)
        # Only here: what judges a partner takes a while to load, and the story need not wait for it.
        from loopsim.commands.demo_suite import judge_warehouse

        run = judge_warehouse(shop.server, hooks)
    timeline.verdict(run, good=good, seconds=time.monotonic() - began)
    timeline.goes_on(_called(), _whole_suite())
    failed(not good or run.exit_code != 0)


def _story(shop: Shop, timeline: Timeline) -> int:
    """What happens, told as it does. Returns the id of the return that it is about."""
    imported = shop.import_returns(raw=_sample().read_text("utf-8"))
    timeline.act(shop.clock.now, "shop", f"imports a real export: {imported.get('imported', 3)} returns", SAMPLE.name)
    order, items = _choice(shop)
    outcomes = f"{items[0]['sku']} for a refund, {items[1]['sku']} for a {items[1]['exchange_variant']}"
    timeline.act(shop.clock.now, "customer", f"returns two items of order {order['name']}", outcomes)
    view = shop.act("customer.submits_return", order=order["name"], items=items)
    shop.settle(10)
    timeline.act(shop.clock.now, "clock", "time passes, until nothing is left to come")
    shop.clock.advance(until_idle=True)
    return int(view["id"])


def _choice(shop: Shop) -> tuple[Json, list[Json]]:
    """An order of two lines: one to be refunded, the other to be exchanged for a size or colour that is in stock."""
    variants = {each["id"]: each for each in shop.variants()}
    for order in shop.list_orders(limit=1000, returnable=True):
        lines = [line for line in order["lines"] if line["returnable"] and not line["final_sale"] and line["sku"]]
        for line in lines:
            other = _sibling(variants, line["variant_id"])
            rest = [each for each in lines if each["id"] != line["id"]]
            if other is not None and rest:
                refund = {"sku": rest[0]["sku"], "outcome": "refund", "reason": "Changed my mind"}
                exchange = {"sku": line["sku"], "outcome": "exchange", "reason": "Too small"}
                return order, [refund, {**exchange, "exchange_variant": other["sku"]}]
    raise SetupError("The world of the demo has no order of two returnable items. This is a bug of loopsim.")


def _sibling(variants: dict[int, Json], variant_id: int | None) -> Json | None:
    mine = variants.get(variant_id or 0)
    for each in variants.values():
        if mine is not None and each["product_id"] == mine["product_id"] and each["id"] != mine["id"]:
            stock = each["available"]
            if each["price"] == mine["price"] and (stock is None or sum(stock.values()) > 0):
                return each
    return None


def _called() -> str:
    """How loopsim is called from here: by its name where the shell finds it, else by where it is."""
    program = Path(sys.argv[0])
    if program.name != "loopsim":
        return f"{_near(sys.executable)} -m loopsim.cli"
    found = shutil.which("loopsim")
    return "loopsim" if found and program.exists() and program.samefile(found) else _near(str(program))


def _whole_suite() -> str:
    """The flags that let a run judge the sample warehouse."""
    home = "http://127.0.0.1:{port}"
    start = shlex.quote(f"{_near(sys.executable)} -m loopsim.partners.warehouse")
    urls = {"target": f"{home}/webhooks/loop", "health": f"{home}/health", "idle-probe": f"{home}/state"}
    return " ".join((f"--start {start}", *(f"--{name} '{url}'" for name, url in urls.items())))


def _near(program: str) -> str:
    """A program's path as one would type it here."""
    path, here = Path(program), Path.cwd()
    return shlex.quote(str(path.relative_to(here) if path.is_relative_to(here) else path))


def _sample() -> Path:
    package = Path(loopsim.__file__).parent
    for base in (package.parent, package / "_data"):
        if (base / SAMPLE).is_file():
            return base / SAMPLE
    raise SetupError(f"This installation of loopsim has no {SAMPLE}. Install it again.")


# the processes


def _simulator(stack: ExitStack, folder: Path, timeline: Timeline) -> Shop:
    arguments = ["serve", "--port", "0", "--format", "json", "--clock", "manual", "--moment", MOMENT, "--seed", SEED]
    said = stack.enter_context(_process("simulator", ["-m", "loopsim.cli", *arguments], folder, {}))
    timeline.started("simulator", said["url"], f"key {said['key'][:14]}…, its clock at {MOMENT}")
    return chosen_shop(Server(said["url"], timeout=LONGEST))


def _warehouse(stack: ExitStack, folder: Path, shop: Shop, timeline: Timeline) -> str:
    settings = {"LOOP_API_BASE": shop.api_base, "LOOP_API_KEY": shop.key, "LOOP_WEBHOOK_SECRET": shop.secret}
    settings["WAREHOUSE_QUIET"] = "1"
    said = stack.enter_context(_process("warehouse", ["-m", "loopsim.partners.warehouse"], folder, settings))
    timeline.started("warehouse", said["listening"], "loopsim/partners/warehouse.py, with Loop's public API alone")
    return str(said["listening"])


@contextmanager
def _process(name: str, arguments: list[str], folder: Path, settings: dict[str, str]) -> Iterator[Json]:
    """A process of ours, from its first line of JSON on standard output until it is no longer needed."""
    environ = {key: value for key, value in os.environ.items() if not key.startswith(("LOOPSIM_", "LOOP_"))}
    roots = [str(Path(loopsim.__file__).parents[1]), environ.get("PYTHONPATH", "")]
    environ |= {"PYTHONPATH": os.pathsep.join(filter(None, roots)), "PORT": "0", **settings}
    log = folder / f"{name}.log"
    with log.open("wb") as errors:
        # In the empty folder: settings of the directory that the demo is started from are not about it.
        child = subprocess.Popen(
            [sys.executable, *arguments], cwd=folder, env=environ, stdout=subprocess.PIPE, stderr=errors
        )
    try:
        assert child.stdout is not None
        line = _first_line(child.stdout, child)
        if not line:
            raise SetupError(f"The {name} of the demo did not start:\n{log.read_text('utf-8', 'replace')[-2000:]}")
        yield json.loads(line)
    finally:
        _end(child)


def _first_line(stream: IO[bytes], child: subprocess.Popen[bytes]) -> bytes:
    timer = threading.Timer(STARTING, child.kill)
    timer.start()
    try:
        return stream.readline()
    finally:
        timer.cancel()


def _end(child: subprocess.Popen[bytes]) -> None:
    with child:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(STOPPING)
        except subprocess.TimeoutExpired:
            child.kill()


@contextmanager
def _followed(shop: Shop, timeline: Timeline) -> Iterator[None]:
    """Show what goes over the wire, as it does."""
    after = _last_entry(shop)
    over = threading.Event()

    def follow() -> None:
        try:
            for entry in shop.events(after=after):
                if over.is_set():
                    return
                payload = shop.delivery(entry["delivery_id"])["payload"] if entry["kind"] == "delivery" else "{}"
                timeline.entry(entry, json.loads(payload))
        except (LoopsimError, OSError):
            # The server is gone, and with it the end of the story; what the demo found out before counts.
            return

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    yield
    over.set()


def _caught_up(shop: Shop) -> None:
    """Wait until the warehouse has asked what it missed, so that the story begins with an event."""
    shop.journal(kind="call", wait=STARTING)
    shop.settle(STARTING)


def _last_entry(shop: Shop) -> int:
    entries: list[Any] = shop.journal(limit=10_000)["entries"]
    return int(entries[-1]["id"]) if entries else 0
