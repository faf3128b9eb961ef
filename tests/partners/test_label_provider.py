"""The sample label provider as a real process, against a real loopsim."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from loopsim.client import Loopsim, Shop
from loopsim.embedded import EmbeddedServer
from loopsim.harness.oauth import grant
from loopsim.harness.partner import Connection, Process, Start, free_port

PROGRAM = Path(__file__).parents[2] / "loopsim" / "partners" / "label_provider.py"

Begin = Callable[..., Process]


@pytest.fixture
def shop() -> Iterator[Shop]:
    """A shop whose labels others make, on a clock that stands still."""
    policy = {"label_source": "third_party", "carrier": "manual"}
    with EmbeddedServer() as server, Loopsim(server.url, timeout=60) as client:
        yield client.create_shop(clock={"mode": "manual"}, policy=policy)


@pytest.fixture
def begin(shop: Shop) -> Iterator[Begin]:
    """Start the provider, subscribed and let in; `env` is more of its environment."""
    begun: list[Process] = []

    def start(given: Any = "tokens", **env: str) -> Process:
        port = free_port()
        home = f"http://127.0.0.1:{port}"
        connection = Connection(
            api_base=shop.api_base, key=shop.key, secret=shop.secret, now="", port=port, grant=grant(shop, "", given)
        )
        plan = Start(
            command=f"exec {sys.executable} {PROGRAM}", target=f"{home}/webhooks/loop", health=f"{home}/health", env=env
        )
        begun.append(Process(plan, connection))
        begun[-1].start()
        shop.update(idle_probe={"url": f"{home}/state"})
        for row in shop.subscriptions():
            shop.unsubscribe(row["id"])
        shop.subscribe(f"{home}/webhooks/loop", "label.request")
        return begun[-1]

    yield start
    for process in begun:
        process.stop()


def calls(shop: Shop, operation: str) -> list[int]:
    entries = shop.journal(limit=10_000, kind="call")["entries"]
    return [entry["status"] for entry in entries if entry.get("operation") == operation]


def asks_for_a_label(shop: Shop) -> int:
    made = shop.customer.submits_return(items=[{"outcome": "refund"}])
    shop.clock.advance(by="10s")
    return int(made["id"])


def test_it_needs_nothing_but_the_standard_library() -> None:
    tree = ast.parse(PROGRAM.read_text("utf-8"))
    names = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    names |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert {name.partition(".")[0] for name in names} <= set(sys.stdlib_module_names)


def test_without_what_lets_it_in_it_says_what_to_set() -> None:
    done = subprocess.run([sys.executable, str(PROGRAM)], capture_output=True, text=True, check=False, env={})
    assert done.returncode == 2
    assert "LOOP_OAUTH_" in done.stderr


@pytest.mark.parametrize("given", ["tokens", "code"])
def test_a_request_gets_one_label_also_hours_later(shop: Shop, begin: Begin, given: str) -> None:
    begin(given)
    for hours in range(3):
        returned = asks_for_a_label(shop)
        (label,) = shop.get_return(returned)["labels"]
        assert label["tracking_number"].startswith("94612")
        assert calls(shop, "createLabel") == [201] * (hours + 1)
        shop.clock.advance(by="1h")
    assert calls(shop, "requestToken") == [200] * (2 + (given == "code"))


def test_who_is_locked_out_asks_once_and_calls_no_more(shop: Shop, begin: Begin) -> None:
    process = begin()
    shop.delete_oauth_tokens(shop.oauth_clients()[0]["client_id"])
    for _ in range(3):
        asks_for_a_label(shop)
    assert calls(shop, "requestToken") == [400]
    assert calls(shop, "getLabelRequest") == [401]
    with urlopen(process.target.replace("/webhooks/loop", "/state")) as answer:
        assert set(json.load(answer)["requests"].values()) == {"attention"}
    process.stop()
    assert "the merchant has to let us in again" in process.log()


def test_what_it_was_given_outlives_a_restart_where_refresh_tokens_are_good_once(
    shop: Shop, begin: Begin, tmp_path: Path
) -> None:
    shop.update(quirks={"oauth_refresh_rotation": "on"})
    store = tmp_path / "tokens.json"
    process = begin(LABELS_STORE=str(store))
    shop.clock.advance(by="1h")
    asks_for_a_label(shop)
    assert oct(store.stat().st_mode & 0o777) == "0o600"
    # With the same environment as before: its refresh token was spent, and a second use would end them all.
    process.restart()
    shop.clock.advance(by="1h")
    asks_for_a_label(shop)
    assert calls(shop, "createLabel") == [201, 201]
    assert calls(shop, "requestToken") == [200, 200]
    # The merchant's next yes counts more than what was kept.
    shop.delete_oauth_tokens(shop.oauth_clients()[0]["client_id"])
    process.stop()
    begin(LABELS_STORE=str(store))
    asks_for_a_label(shop)
    assert calls(shop, "createLabel") == [201, 201, 201]


@pytest.mark.parametrize("reason", ["INSUFFICIENT_FUNDS", "INVALID_ADDRESS", "Other"])
def test_it_says_why_there_is_no_label(shop: Shop, begin: Begin, reason: str) -> None:
    begin(CARRIER_SAYS=reason)
    returned = asks_for_a_label(shop)
    assert calls(shop, "reportLabelRequestError") == [202]
    assert shop.get_return(returned)["labels"] == []


def test_a_forgery_is_turned_away(shop: Shop, begin: Begin) -> None:
    process = begin()
    (first, *_) = shop.subscriptions()
    sent = shop.send(
        first["id"], '{"topic":"label.request","id":1}', signature="none", topic="label.request", wait=True
    )
    assert sent["attempts"][-1]["status"] == 401
    assert calls(shop, "getLabelRequest") == []
    process.stop()
    assert "did not sign" in process.log()
