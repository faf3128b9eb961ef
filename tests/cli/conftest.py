"""One server process for all tests of the command line, a fresh shop for each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from loopsim.client import Loopsim, Shop
from tests.cli.terminal import Receiver, Serving, receiving, serving

MOMENT = "2026-06-01T09:00:00Z"


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A server as a process."""
    with serving(tmp_path_factory.mktemp("serve"), "--clock", "manual", "--moment", MOMENT) as server:
        yield server


@pytest.fixture
def shop(server: Serving) -> Iterator[Shop]:
    """A fresh shop whose clock stands still."""
    with Loopsim(server.url) as client:
        shop = client.create_shop(clock={"mode": "manual"}, moment=MOMENT)
        yield shop
        shop.delete()


@pytest.fixture
def here(server: Serving, shop: Shop) -> tuple[str, ...]:
    """The flags that name the shop."""
    return ("--url", server.url, "--shop", shop.name)


@pytest.fixture
def receiver(shop: Shop) -> Iterator[Receiver]:
    """Somebody who takes the shop's webhooks, once subscribed."""
    with receiving() as receiver:
        receiver.secret = shop.secret
        yield receiver


@pytest.fixture(autouse=True)
def _somewhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The settings of this project's pyproject.toml are not what these tests are about.
    monkeypatch.chdir(tmp_path)
