"""The pytest plugin: a server for the session, a fresh shop for each test, scenario files as tests.

    def test_a_return_is_booked(loopsim):
        returned = loopsim.customer.submits_return(items=[{"outcome": "refund"}])
        loopsim.clock.advance(by="14d")
        ...

Files named `*.loopsim.yaml` are tests, too: scenarios, played against the partner that `loopsim run` is set up for.

It imports nothing but pytest until it is used, since it is loaded in every run of whoever has loopsim installed.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from loopsim.client import Loopsim, Shop
    from loopsim.harness.document import Scenario
    from loopsim.harness.results import ScenarioResult
    from loopsim.harness.runner import Run

MARKER = (
    "loopsim(rules='error', rules_off=(), **shop): how the fixture `loopsim` makes its shop (world, seed, moment,"
    " policy, quirks, clock, ... as in Loopsim.create_shop), and what the rules' findings do: 'error' fails the test"
    " for errors and warns of the rest, 'warning' only warns, 'off' does not look."
)
SUFFIX = ".loopsim.yaml"
RULES = ("error", "warning", "off")


class LoopsimWarning(UserWarning):
    """A rule found something about how Loop's API was used that does not fail the test."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options."""
    group = parser.getgroup("loopsim", "loopsim, the simulator of Loop Returns")
    group.addoption(
        "--loopsim-url",
        metavar="URL",
        default=os.environ.get("LOOPSIM_URL"),
        help="use the loopsim server that runs there, whose shop 'default' scenario files take for theirs; without it"
        " each session (and each xdist worker) starts its own",
    )
    group.addoption(
        "--loopsim-token",
        metavar="TOKEN",
        default=os.environ.get("LOOPSIM_TOKEN"),
        help="the token that a loopsim server beyond loopback asks for",
    )
    group.addoption(
        "--loopsim-run",
        metavar="FLAGS",
        default="",
        help="flags of `loopsim run` for the scenario files that are collected, such as '--target URL --start COMMAND';"
        " what stands in loopsim.toml need not be repeated",
    )


def pytest_configure(config: pytest.Config) -> None:
    """The marker."""
    config.addinivalue_line("markers", MARKER)


@pytest.fixture(scope="session")
def loopsim_server(request: pytest.FixtureRequest) -> Iterator[Loopsim]:
    """A loopsim server: the one of `--loopsim-url`, or one in a thread of this process."""
    from loopsim.client import Loopsim

    with Loopsim(request.config.getoption("--loopsim-url"), request.config.getoption("--loopsim-token")) as server:
        server.health()
        yield server


@pytest.fixture
def loopsim(loopsim_server: Loopsim, request: pytest.FixtureRequest) -> Iterator[Shop]:
    """A fresh shop whose clock stands still until the test moves it. `@pytest.mark.loopsim(...)` says which."""
    asked = {name: value for name, value in _asked(request.node).items() if name not in ("rules", "rules_off")}
    shop = loopsim_server.shop(**asked)
    yield shop
    shop.delete()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Judge what the test did to its shop, as part of the test: a finding is a failure, no teardown error."""
    result = yield
    shop = getattr(item, "funcargs", {}).get("loopsim")
    if shop is not None:
        _judge(item, shop)
    return result


def _asked(item: pytest.Item) -> dict[str, Any]:
    asked: dict[str, Any] = {}
    for marker in reversed(list(item.iter_markers("loopsim"))):
        if marker.args:
            raise pytest.UsageError(f"{item.nodeid}: the marker loopsim takes names only, as in loopsim(seed=7).")
        asked |= marker.kwargs
    if asked.get("rules", "error") not in RULES:
        raise pytest.UsageError(f"{item.nodeid}: loopsim(rules=...) is one of {', '.join(RULES)}.")
    return asked


def _judge(item: pytest.Item, shop: Shop) -> None:
    asked = _asked(item)
    mode, off = asked.get("rules", "error"), asked.get("rules_off", ())
    if mode == "off":
        return
    errors = []
    for each in shop.findings():
        if each["outcome"] != "failed" or each["rule"] in off:
            continue
        says = " ".join(finding["says"] for finding in each["findings"])
        text = f"{each['rule']}: {says} {each['mend']}"
        if mode == "error" and each["level"] == "error":
            errors.append(text)
        else:
            warnings.warn(LoopsimWarning(text), stacklevel=2)
    if errors:
        pytest.fail("loopsim's rules found what is wrong with these calls:\n" + "\n".join(errors), pytrace=False)


# scenario files


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Files named `*.loopsim.yaml` hold scenarios."""
    return ScenarioFile.from_parent(parent, path=file_path) if file_path.name.endswith(SUFFIX) else None


class ScenarioFile(pytest.File):
    """A file of scenarios: a test for each row and schedule."""

    def collect(self) -> Iterator[pytest.Item]:
        """Read it. Whatever is wrong with it is told with its place, and no traceback."""
        from loopsim.errors import LoopsimError
        from loopsim.harness.reading import read_scenarios

        try:
            scenarios = read_scenarios(self.path)
        except LoopsimError as error:
            raise self.CollectError(str(error)) from error
        for scenario in scenarios:
            name = scenario.id.rpartition("/")[2]
            yield ScenarioItem.from_parent(self, name=name, scenario=scenario)


class ScenarioItem(pytest.Item):
    """One scenario."""

    def __init__(self, *, scenario: Scenario, **more: Any) -> None:
        super().__init__(**more)
        self.scenario = scenario

    def runtest(self) -> None:
        """Play it, and raise what is wrong."""
        run = _stage(self.session).play(self.scenario)
        (result,) = run.scenarios
        if result.status == "skipped":
            pytest.skip(result.why)
        if result.status != "passed":
            from loopsim.harness.reports.redaction import redacted
            from loopsim.harness.reports.terminal import plain

            told = redacted(run)
            raise ScenarioFailed(
                f"{result.title}\n{plain(told, told.scenarios[0])}\nagain: {told.scenarios[0].reproduce}"
            )

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What is wrong, in the words of `loopsim run`; a traceback only where loopsim itself broke."""
        from loopsim.errors import LoopsimError

        if isinstance(excinfo.value, ScenarioFailed | LoopsimError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where it stands, and its title."""
        return self.path, self.scenario.place.line - 1, f"{self.name}: {self.scenario.title}"


class ScenarioFailed(AssertionError):
    """The partner did not do what a scenario expects."""


STAGE = pytest.StashKey[Any]()


def _stage(session: pytest.Session) -> Run:
    """Where the session's scenarios are played: one server, one partner, begun with the first and kept to the end."""
    run = session.stash.get(STAGE, None)
    if run is None:
        from loopsim.cli import VERBS
        from loopsim.client import Loopsim
        from loopsim.commands.run import command
        from loopsim.commands.run_plan import plan_of
        from loopsim.harness.runner import Run
        from loopsim.settings import read_settings

        scenarios = [item.scenario for item in session.items if isinstance(item, ScenarioItem)]
        context = _run_context(command, session.config.getoption("--loopsim-run"), read_settings("run", VERBS))
        with context:
            plan = plan_of(context.params, scenarios, provoke=False)
        server = Loopsim(session.config.getoption("--loopsim-url"), session.config.getoption("--loopsim-token")).start()
        run = Run(plan, server, _Silent())
        session.stash[STAGE] = run
        session.config.add_cleanup(server.stop)
        session.config.add_cleanup(run.close)
    return run


def _run_context(command: Any, flags: str, settings: dict[str, Any]) -> Any:
    """What `loopsim run` would make of these flags. Raises SetupError."""
    import shlex

    import click

    from loopsim.errors import SetupError

    try:
        return command.make_context("run", shlex.split(flags), default_map=settings)
    except (ValueError, click.ClickException) as error:
        says = error.format_message() if isinstance(error, click.ClickException) else f"{error}."
        raise SetupError(f"--loopsim-run {flags!r}: {says} `loopsim run --help` lists the flags.") from error


class _Silent:
    def started(self, scenario: Scenario) -> None:
        """pytest says it."""

    def ended(self, result: ScenarioResult) -> None:
        """pytest says it."""
