"""One server for all tests of quirks, a fresh shop for each, and the option that switches a quirk off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from loopsim.bootstrap import Options
from loopsim.client import Loopsim
from loopsim.embedded import EmbeddedServer
from tests.quirks.bench import MOMENT, Bench, Receiver
from tests.quirks.catalogue import QUIRKS, shown_by

OpenShop = Callable[..., Bench]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--without-quirk", metavar="ID", help="switch one quirk off and run only the tests that show it")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "shows(*ids): the quirks of tests/quirks/catalogue.py that a test shows")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    wanted = config.getoption("--without-quirk", default=None)
    if wanted:
        others = [item for item in items if wanted not in shown_by(item)]
        items[:] = [item for item in items if wanted in shown_by(item)]
        config.hook.pytest_deselected(items=others)


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
def server(without: str | None) -> Iterator[EmbeddedServer]:  # noqa: ARG001  the switch comes first
    with EmbeddedServer(Options(port=0)) as running:
        yield running


@pytest.fixture(scope="session")
def loopsim(server: EmbeddedServer) -> Iterator[Loopsim]:
    with Loopsim(server.url) as client:
        yield client


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
def open_shop(loopsim: Loopsim, receivers: Callable[[], Receiver]) -> Iterator[OpenShop]:
    """Makes shops that go with the test: on a manual clock, parcels scanned by hand, nobody waited for."""
    made: list[Bench] = []

    def make(policy: dict[str, Any] | None = None, **asked: Any) -> Bench:
        chosen: dict[str, Any] = {"clock": {"mode": "manual"}, "moment": MOMENT, "quiet_for": 0, **asked}
        shop = loopsim.create_shop(policy={"carrier": "manual", **(policy or {})}, **chosen)
        made.append(Bench(shop, receivers))
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
