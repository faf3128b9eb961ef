"""`loopsim serve`: the server, in the foreground.

Nothing here imports rich: the server has to answer soon and stay small, and click has the colours it needs.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import click

from loopsim import __version__
from loopsim.commands import log, options
from loopsim.errors import LoopsimError, SetupError
from loopsim.urls import split_url

if TYPE_CHECKING:
    from loopsim.bootstrap import Running


@click.command("serve")
@options.flag(
    "--host",
    default=options.DEFAULT_HOST,
    show_default=True,
    help="Address to listen on. Beyond loopback a --token is needed.",
)
@options.flag(
    "--port",
    type=options.PORT,
    default=options.DEFAULT_PORT,
    show_default=True,
    help="Port to listen on; 0 picks a free one.",
)
@options.flag(
    "--port-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the port to this file once calls are answered.",
)
@options.flag(
    "--db", type=click.Path(path_type=Path, file_okay=False), help="Keep the state in this folder. [default: in memory]"
)
@options.flag("--durable", is_flag=True, help="Survive a loss of power, too. Slower; needs --db.")
@options.flag("--world", default="us-apparel", show_default=True, help="What the first shop starts with.")
@options.flag(
    "--seed", type=options.Whole(), default=1, show_default=True, help="What ids, keys and chance follow from."
)
@options.flag(
    "--clock",
    type=click.Choice(["real", "scaled", "manual"]),
    default="real",
    show_default=True,
    help="How the first shop's time passes.",
)
@options.flag(
    "--rate",
    type=options.RATE,
    help="How many times as fast as the wall; for --clock scaled.",
)
@options.flag(
    "--moment",
    type=options.moment,
    help="When the first shop's time starts, such as 2026-06-01T09:00:00Z. [default: now]",
)
@options.flag(
    "--webhook",
    callback=options.webhook_url,
    help="Subscribe this URL to everything, each trigger under the topic it belongs to.",
)
@options.flag(
    "--allow-target",
    multiple=True,
    callback=options.targets,
    metavar="HOST|CIDR",
    help="Let webhooks go there, beyond loopback. Repeatable.",
)
@options.flag(
    "--allow-host",
    multiple=True,
    callback=options.hosts,
    help="Answer calls under this host name, too; * is any. Repeatable.",
)
@options.flag(
    "--token",
    callback=options.token_text,
    help="What calls to the control API must bring: Authorization: Bearer TOKEN.",
)
@options.flag("--rate-limit", type=options.Whole(1), help="Calls per minute and key. [default: 300, as Loop]")
@options.flag("--log-format", type=click.Choice(["text", "json"]), default="text", show_default=True)
@options.flag("--log-level", type=click.Choice(log.LEVELS), default="info", show_default=True)
@options.output
def command(
    port_file: Path | None,
    webhook: str | None,
    rate_limit: int | None,
    log_format: str,
    log_level: str,
    format: str,
    **values: Any,
) -> None:
    """Start the simulator: Loop's API, its webhooks and loopsim's control API on one port.

    Prints where it is, with which key, and what to try next, then a line per call and delivery. Ctrl-C stops it.
    """
    if values["durable"] and values["db"] is None:
        raise click.UsageError("--durable needs a folder to keep the state in: --db DIR.")
    if (values["clock"] == "scaled") != (values["rate"] is not None):
        raise click.UsageError("--rate goes with --clock scaled, which needs it: --clock scaled --rate 3600.")
    log.set_up(log_level, log_format)
    running = _build(values)
    tasks: set[asyncio.Task[None]] = set()
    failures: list[LoopsimError | OSError] = []

    async def open_up() -> None:
        try:
            if webhook or rate_limit:
                await asyncio.to_thread(_adjust, running.url, values["token"], webhook, rate_limit)
            if port_file is not None:
                _write_port(port_file, running.url)
            _tell(running, values, webhook, format)
        except (LoopsimError, OSError) as error:
            failures.append(error)
            running.stop()

    def ready() -> None:
        gc.freeze()
        gc.enable()
        # A few calls that came in together hold the usual 700 objects: none is garbage, and to look costs 4 % of them.
        gc.set_threshold(10_000)
        loop = asyncio.get_running_loop()
        if log.wanted():
            tasks.add(loop.create_task(log.follow(running.runtime.world), name="log"))
        tasks.add(loop.create_task(open_up(), name="open up"))

    if port_file is not None:
        # One that is there is of a server that was killed, and would mislead whoever waits for ours.
        port_file.unlink(missing_ok=True)
    try:
        running.run(ready)
    finally:
        if port_file is not None:
            port_file.unlink(missing_ok=True)
    if failures:
        raise failures[0]
    if format == "text":
        kept = "" if values["db"] else "; its state is gone (--db DIR keeps it)"
        click.echo(f"loopsim stopped{kept}.", err=True)


class _Nothing(ModuleType):
    """A module that has every name, as None."""

    def __getattr__(self, name: str) -> None:
        if name.startswith("__"):
            raise AttributeError(name)


def _import_uvicorn() -> None:
    """Import uvicorn without what restarts and multiplies its processes, which a simulator does not: multiprocessing
    and all that comes with it is a twentieth of the start."""
    name = "uvicorn.supervisors"
    sys.modules[name] = _Nothing(name)
    # Another version may want more of it, and gets it when it is imported again.
    with suppress(ImportError):
        import uvicorn as uvicorn
    # Whoever asks for it later gets the real one.
    del sys.modules[name]


def _build(values: dict[str, Any]) -> Running:
    _import_uvicorn()
    # Only here: the verbs that speak to a server need none of it.
    from loopsim.bootstrap import Options, build

    return build(
        Options(
            host=values["host"],
            port=values["port"],
            db=values["db"],
            durable=values["durable"],
            seed=values["seed"],
            world=values["world"],
            clock=values["clock"],
            rate=values["rate"] or 1.0,
            moment=values["moment"],
            allow_hosts=tuple(values["allow_host"]),
            allow_targets=tuple(values["allow_target"]),
            token=values["token"],
        )
    )


def _write_port(file: Path, url: str) -> None:
    """The port for those who wait for it, whole or not at all."""
    part = file.with_name(f"{file.name}.part")
    try:
        part.write_text(f"{url.rpartition(':')[2]}\n")
        part.replace(file)
    except OSError as error:
        raise SetupError(f"{file} cannot be written ({error.strerror}). Choose another --port-file.") from error


def _adjust(url: str, token: str | None, webhook: str | None, rate_limit: int | None) -> None:
    """Give the first shop what it gets beside its world. Raises ControlError."""
    # Only here: mostly there is nothing to adjust.
    from loopsim.client import Loopsim
    from loopsim.commands.connection import DEFAULT_SHOP

    with Loopsim(url, token) as server:
        shop = server.shop(DEFAULT_SHOP)
        if rate_limit:
            shop.update(rate_limit=rate_limit)
        if webhook and webhook not in {each["url"] for each in shop.subscriptions()}:
            shop.subscribe(webhook)


def _facts(running: Running, values: dict[str, Any], webhook: str | None) -> dict[str, Any]:
    shop, key = running.shop, running.key
    return {
        "url": running.url,
        "base_url": f"{running.url}/api/v1",
        "key": None if key is None else key.text,
        "secret": shop.settings.secret,
        "docs_url": f"{running.url}/_loopsim/docs",
        "control_url": f"{running.url}/_loopsim",
        "shop": shop.name,
        "world": shop.settings.world,
        "seed": shop.settings.seed,
        "clock": shop.clock.mode,
        "now": running.runtime.now(shop).isoformat(),
        "db": None if values["db"] is None else str(values["db"].resolve()),
        "webhook": webhook,
        "version": __version__,
    }


def _blocked(running: Running, values: dict[str, Any], webhook: str) -> str:
    """That nothing will go to the receiver, where that is so, and what lets it."""
    if running.may_post(webhook, tuple(values["allow_target"])):
        return ""
    parts = split_url(webhook)
    host = parts.hostname if parts else "HOST"
    return f", but blocked: nothing is sent beyond this machine without --allow-target {host}"


def _tell(running: Running, values: dict[str, Any], webhook: str | None, format: str) -> None:
    facts = _facts(running, values, webhook)
    if format == "json":
        click.echo(json.dumps(facts))
        return
    port = running.url.rpartition(":")[2]
    where = "" if port == str(options.DEFAULT_PORT) else f" --port {port}"
    token = " --token …" if values["token"] else ""
    clock = {
        "real": "follows the wall",
        "scaled": f"runs {running.shop.clock.rate:g} times as fast as the wall",
        "manual": "stands still until `loopsim clock advance`",
    }
    kept = f"kept in {facts['db']}" if facts["db"] else "in memory, gone when this stops (--db DIR keeps it)"
    rows = [
        ("Base URL", click.style(facts["base_url"], bold=True), ""),
        ("API key", click.style(facts["key"] or "none left", bold=True), "header X-Authorization"),
        ("Secret", click.style(facts["secret"], bold=True), "signs webhooks, header X-Loop-Signature"),
        ("Docs", facts["docs_url"], ""),
        ("Control", facts["control_url"], "acts, clock, faults, deliveries, journal"),
        ("Shop", facts["shop"], f"world {facts['world']}, seed {facts['seed']}; its clock {clock[facts['clock']]}"),
        *([("Webhooks", webhook, f"subscribed to everything{_blocked(running, values, webhook)}")] if webhook else []),
        ("State", kept, ""),
    ]
    click.echo()
    click.echo(
        "  "
        + click.style("loopsim", fg="cyan", bold=True)
        + f" {__version__}"
        + click.style("  Loop Returns, simulated on this machine", dim=True)
    )
    click.echo()
    for name, value, says in rows:
        click.echo(
            "  " + click.style(f"{name:<10}", dim=True) + value + (click.style(f"   {says}", dim=True) if says else "")
        )
    example = "" if webhook else " --webhook http://127.0.0.1:9000/loop"
    click.echo()
    click.echo(
        "  "
        + click.style("Try", dim=True)
        + "       "
        + click.style(f"loopsim trigger return.closed{where}{token}{example}", fg="cyan")
    )
    click.echo(
        "            "
        + click.style(f'eval "$(loopsim env{where}{token})"', fg="cyan")
        + click.style("   points your client here", dim=True)
    )
    click.echo()
