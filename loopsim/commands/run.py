"""`loopsim run`: scenarios against an integration, and a verdict."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec import structs

from loopsim.client import Loopsim
from loopsim.commands import options, run_reports
from loopsim.commands.connection import Server
from loopsim.commands.run_plan import plan_of
from loopsim.errors import PortTaken, SetupError
from loopsim.harness.document import Scenario
from loopsim.harness.results import RunResult, ScenarioResult

if TYPE_CHECKING:
    from loopsim.embedded import EmbeddedServer

DEFAULT_PATHS = ("scenarios",)
_LONGEST = 120.0  # seconds that one call of the control API may take


@click.command("run")
@click.argument("paths", nargs=-1, metavar="[PATH|@SUITE]...")
@options.flag(
    "--target",
    help="Where the integration takes webhooks, such as http://localhost:3000/webhooks/loop; none for one that only"
    " polls and that you have started yourself.",
)
@options.flag("--start", help="Command that starts the integration; {port} is a free port, where it is named.")
@options.flag("--start-timeout", default="30s", show_default=True, help="How long it may take until it is healthy.")
@options.flag("--health", help="URL that answers 2xx when it is ready. [default: the target's port is open]")
@options.flag("--env", multiple=True, metavar="NAME=TEMPLATE", help="More environment, e.g. BASE_URL={api_base}.")
@options.flag("--probe", help="URL or command that tells the integration's own state of {return_id}.")
@options.flag("--probe-path", help="JSONPath of the state in the probe's answer. [default: $]")
@options.flag("--probe-map", multiple=True, metavar="ITS=LOOP'S", help="What its words mean, e.g. done=closed.")
@options.flag(
    "--probe-shows",
    multiple=True,
    metavar="NAME=JSONPATH",
    help="Where that answer shows more of a return: refund, credit, exchange, fee, upsell (what was booked), paid_at,"
    " currency, outcome, order_name, tracking_number, label_status.",
)
@options.flag(
    "--idle-probe",
    help="URL that says, as JSON, whether it has nothing to do now; makes runs quick. The shop's clock waits until it"
    " is idle: one that sleeps until Loop has finished is idle, or what it waits for never comes.",
)
@options.flag("--idle-path", default="idle", show_default=True, help="The member of that answer, dotted.")
@options.flag("--asks", help="URL with {task} that takes what its own side asks of it (see `loopsim words`).")
@options.flag("--header", multiple=True, metavar="NAME=TEMPLATE", help="Header of its webhooks, e.g. X-Shop={shop}.")
@options.flag(
    "--register",
    help="URL that is told of each shop (name, api_base, key, secret, what --oauth hands) before its story.",
)
@options.flag(
    "--does",
    multiple=True,
    metavar="ABILITY",
    help="What it is able to do: process, grade, notes and others, or nothing; scenarios that need more are skipped.",
)
@options.flag(
    "--oauth",
    type=click.Choice(["tokens", "code"]),
    help="It comes in by OAuth, not with its key, and is handed tokens, or a code to exchange: as LOOP_OAUTH_CLIENT_ID,"
    " _CLIENT_SECRET, _TOKEN_URL and _ACCESS_TOKEN, _REFRESH_TOKEN or _CODE, _REDIRECT_URI, and in templates such as"
    " {client_id}.",
)
@options.flag(
    "--mode",
    type=click.Choice(["single", "per-worker", "tenant"]),
    default="single",
    show_default=True,
    help="One integration, story after story; -j of them, each started with its own {port} and key; or one that serves"
    " many shops at once and tells them apart by {shop} or {key} in --target, --header or --register.",
)
@options.flag("--jobs", "-j", type=options.Whole(1), default=1, show_default=True, help="How many at once.")
@options.flag("--only", "-k", metavar="WORDS", help="Only the scenarios with these words in id, title or covers.")
@options.flag("--reset", help="URL to POST to, or command, before each story; {port} is the first partner's.")
@options.flag("--salt", help="Any text: gives other ids, for an integration that remembers those of an earlier run.")
@options.flag("--patience", default="5s", show_default=True, help="How long an expectation waits.")
@options.flag("--timeout", default="60s", show_default=True, help="How long a scenario may take.")
@options.flag("--shift-windows", is_flag=True, help="Move the from and to of list calls to the shop's time.")
@options.flag(
    "--provoke/--no-provoke",
    default=None,
    envvar="LOOPSIM_PROVOKE",
    help="Also send forgeries, duplicates, odd payloads and the like. [default: with suites]",
)
@options.flag("--without", multiple=True, metavar="RULE", help="Do not judge by this rule (loopsim rules lists them).")
@options.flag("--strict", is_flag=True, help="Fail on what was skipped or not judged.")
@options.flag("--fail-on", type=click.Choice(["error", "warning"]), default="error", show_default=True)
@options.flag("--fail-under", type=options.Number(0, 100), help="Least coverage, in percent of what it calls.")
@options.flag("--url", help="A loopsim that runs already. [default: start one]")
@options.flag("--port", type=options.PORT, help="Port of the one started. [default: 8484, or a free one]")
@options.flag(
    "--shop",
    default="default",
    show_default=True,
    help="The shop whose place the stories take: what it held is gone afterwards.",
)
@run_reports.flags
@options.token
@options.output
def command(paths: tuple[str, ...], format: str, **values: Any) -> None:
    """Run scenarios against an integration, and say whether it is right.

    PATH is a file, a folder (the folder scenarios where nothing is named) or the id of a scenario, @SUITE a suite that
    ships: @wms, @wms/two-way, @all; provocations/NAME is one of the provocations that suites bring, such as
    provocations/duplicate. An integration has to be named: by --target or --start, or by --probe, --idle-probe, --asks
    or --register. With --start it is started with LOOP_API_BASE, LOOP_API_KEY, LOOP_WEBHOOK_SECRET and LOOPSIM_NOW in
    its environment, and ended afterwards; without, `loopsim env` says what to configure it with. Exits with 0 when all
    passed, 1 when some failed, 2 when the set-up is wrong, 4 when coverage is too low, 5 when the integration cannot be
    reached, 130 when it was interrupted.
    """
    from loopsim.harness.named_provocations import named
    from loopsim.harness.runner import Run
    from loopsim.harness.suites import choose

    reports = {name: values[name] for name in ("junit", "html", "ctrf")}
    run_reports.check(**reports)
    asked = named(paths)
    scenarios = choose(asked.rest or DEFAULT_PATHS, values["only"]) if asked.rest or not asked.kinds else []
    plan = plan_of(values, scenarios, provoke=_provokes(asked.rest, values["provoke"]))
    plan = structs.replace(plan, provocations=asked.kinds, bases=asked.stories)
    lines = run_reports.live(len(plan.scenarios)) if format == "text" else nullcontext(_Silent())
    starts = any(each.start for each in plan.partners.values())
    with _server(values, starts) as server, _interruptible(), lines as listener:
        result = Run(plan, server, listener).run()
    written, failures = run_reports.write(result, **reports)
    _tell(result, format, *written)
    if format == "text" and (hint := run_reports.waiting(result, plan)):
        click.echo(hint)
    if failures:
        raise SetupError("\n".join(failures))
    click.get_current_context().exit(result.exit_code)


class _Silent:
    """For those who want JSON alone."""

    def started(self, scenario: Scenario) -> None:
        """Nothing."""

    def ended(self, result: ScenarioResult) -> None:
        """Nothing."""


def _tell(result: RunResult, format: str, *written: Path) -> None:
    if format == "json":
        import msgspec

        from loopsim.harness.reports.redaction import redacted

        click.echo(msgspec.json.encode(redacted(result)).decode())
        return
    run_reports.tell(result, *written)


def _provokes(paths: tuple[str, ...], asked: bool | None) -> bool:
    """Whether the provocations are played: where nobody says, with the suites that ship."""
    return any(path.startswith("@") for path in paths) if asked is None else asked


@contextmanager
def _server(values: dict[str, Any], starts: bool) -> Iterator[Loopsim]:
    """The server to use: one that runs, or one of our own for as long as it takes."""
    if values["url"]:
        with Server(values["url"], values["token"], timeout=_LONGEST) as server:
            server.health()
            yield server
        return
    embedded = own_server(values["port"], starts=starts)
    try:
        with Server(embedded.url, timeout=_LONGEST) as own:
            yield own
    finally:
        embedded.stop()


def own_server(port: int | None, *, starts: bool) -> EmbeddedServer:
    """A server of our own. Where nobody names a port, an integration that loopsim `starts` is told of whichever is
    free. Raises `SetupError`."""
    from loopsim.bootstrap import Options
    from loopsim.embedded import EmbeddedServer

    try:
        # Tried, not asked for: between question and answer another run may take it.
        return EmbeddedServer(Options(port=options.DEFAULT_PORT if port is None else port, clock="manual")).start()
    except PortTaken as error:
        if port is not None:
            raise
        if not starts:
            raise SetupError(
                f"Port {options.DEFAULT_PORT} is taken. If it is by a loopsim that your integration is configured for,"
                f" name it: --url http://127.0.0.1:{options.DEFAULT_PORT}. Otherwise choose a --port."
            ) from error
        return EmbeddedServer(Options(port=0, clock="manual")).start()


@contextmanager
def _interruptible() -> Iterator[None]:
    """Ctrl-C and SIGTERM end a run with a report and with its processes ended. That takes seconds at most, in which
    another one does nothing."""
    stopping = False

    def stop(_number: int, _frame: Any) -> None:
        nonlocal stopping
        if not stopping:
            stopping = True
            raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
