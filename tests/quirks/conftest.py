"""One server for all tests of quirks, a fresh shop for each, and the option that switches a quirk off."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from loopsim.bootstrap import Options
from loopsim.client import Loopsim
from loopsim.contract import Contract, check_response, load_contract
from loopsim.embedded import EmbeddedServer
from loopsim.errors import Refusal
from tests.quirks.bench import MOMENT, Bench, Check, Receiver, Reply
from tests.quirks.catalogue import QUIRKS

OpenShop = Callable[..., Bench]
VERSIONS = {"v1": "2026-07", "2026-07": "2026-07", "2026-10": "2026-10", "latest": "2026-10", "unstable": "2026-10"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--without-quirk", metavar="ID", help="switch one quirk off and run only the tests that show it")
    parser.addoption("--quirk-report", metavar="FILE", help="write which tests ran, and how, as JSON")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "shows(*ids): the quirks of tests/quirks/catalogue.py that a test shows")
    report = config.getoption("--quirk-report", default=None)
    if report:
        config.pluginmanager.register(Reporter(Path(report)))


def shown_by(item: pytest.Item) -> list[str]:
    """The quirks that a test shows."""
    return [name for mark in item.iter_markers("shows") for name in mark.args]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    wanted = config.getoption("--without-quirk", default=None)
    if wanted:
        others = [item for item in items if wanted not in shown_by(item)]
        items[:] = [item for item in items if wanted in shown_by(item)]
        config.hook.pytest_deselected(items=others)


class Reporter:
    """Writes for each test which quirks it shows and how it came out."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._shown: dict[str, list[str]] = {}
        self._outcomes: dict[str, dict[str, str]] = {}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._shown = {item.nodeid: shown_by(item) for item in session.items}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
        report = yield
        if call.when == "call" or not report.passed:
            kind = "passed" if call.excinfo is None else call.excinfo.typename
            self._outcomes[item.nodeid] = {"when": str(call.when), "outcome": report.outcome, "kind": kind}
        return report

    def pytest_sessionfinish(self) -> None:
        self._path.write_text(json.dumps({"shown": self._shown, "outcomes": self._outcomes}), "utf-8")


# the server


@pytest.fixture(scope="session")
def without(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """The quirk that is switched off, if one is; it is, before the server starts."""
    name: str | None = request.config.getoption("--without-quirk", default=None)
    if name is None:
        yield None
        return
    from tests.quirks.switches import SWITCHES, Patch

    patch = Patch()
    SWITCHES[name](patch)
    yield name
    patch.undo()


@pytest.fixture(scope="session")
def contract() -> Contract:
    return load_contract()


@pytest.fixture(scope="session")
def server(without: str | None) -> Iterator[EmbeddedServer]:  # noqa: ARG001  the switch comes first
    with EmbeddedServer(Options(port=0)) as running:
        yield running


@pytest.fixture(scope="session")
def loopsim(server: EmbeddedServer) -> Iterator[Loopsim]:
    with Loopsim(server.url) as client:
        yield client


@pytest.fixture(scope="session")
def check(without: str | None, contract: Contract) -> Check | None:
    """Holds answers against the contract; not where a quirk is switched off, for then the test itself has to notice."""
    if without is not None:
        return None

    def problems(method: str, place: str, reply: Reply, lenient: bool) -> list[str]:
        version, path = None, place
        if place.startswith("/api/"):
            name, _, rest = place.removeprefix("/api/").partition("/")
            named = VERSIONS.get(name)
            if named is not None:
                version, path = named, f"/{rest}"
        try:
            operation = contract.route("loop", method, path, version).operation
        except Refusal:
            operation = contract.unrouted("loop", version)
            if str(reply.status) not in operation.responses:
                return []
        return check_response(
            operation, reply.status, reply.headers.get("content-type"), reply.body, allow_unknown=lenient
        )

    return problems


@pytest.fixture
def receivers() -> Iterator[Callable[[], Receiver]]:
    """Makes receivers that end with the test."""
    made: list[Receiver] = []

    def make() -> Receiver:
        made.append(Receiver())
        return made[-1]

    yield make
    for receiver in made:
        receiver.end()


@pytest.fixture
def open_shop(loopsim: Loopsim, check: Check | None, receivers: Callable[[], Receiver]) -> Iterator[OpenShop]:
    """Makes shops that go with the test: on a manual clock, parcels scanned by hand, nobody waited for."""
    made: list[Bench] = []

    def make(policy: dict[str, Any] | None = None, **asked: Any) -> Bench:
        chosen: dict[str, Any] = {"clock": {"mode": "manual"}, "moment": MOMENT, "quiet_for": 0, **asked}
        shop = loopsim.create_shop(policy={"carrier": "manual", **(policy or {})}, **chosen)
        made.append(Bench(shop, check, receivers))
        return made[-1]

    yield make
    for bench in made:
        bench.control.delete()


@pytest.fixture
def shop(open_shop: OpenShop) -> Bench:
    return open_shop()


def pytest_report_header(config: pytest.Config) -> str | None:
    wanted = config.getoption("--without-quirk", default=None)
    return None if wanted is None else f"without the quirk {wanted}: {QUIRKS[wanted].says}"
