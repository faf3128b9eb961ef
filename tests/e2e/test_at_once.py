"""Many callers at once on the same thing: one of them gets it, and the shop holds together."""

from __future__ import annotations

import http.client
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from loopsim.bootstrap import Options
from loopsim.client import ControlError, Loopsim, Shop
from loopsim.embedded import EmbeddedServer
from tests.e2e.serving import receiver

CALLERS = 10
FINAL = {"closed", "cancelled"}


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedServer]:
    with EmbeddedServer(Options(port=0)) as running:
        yield running


@pytest.fixture
def shop(server: EmbeddedServer) -> Iterator[Shop]:
    with Loopsim(server.url, timeout=30) as client:
        made = client.create_shop(clock={"mode": "manual"}, rate_limit=1_000_000, quiet_for=0)
        yield made
        made.delete()


def at_once(calls: list[Callable[[], Any]]) -> list[Any]:
    """What came of calls that all begin at the same moment."""
    gate = threading.Barrier(len(calls), timeout=30)

    def through(call: Callable[[], Any]) -> Any:
        gate.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result(30) for future in [pool.submit(through, call) for call in calls]]


def partner(shop: Shop, path: str) -> Callable[[], Any]:
    """A call of Loop's API on a connection of its own."""

    def call() -> Any:
        connection = http.client.HTTPConnection(shop.server.url.removeprefix("http://"), timeout=30)
        connection.request("POST", f"/api/v1{path}", "{}", {"X-Authorization": shop.key})
        answer = connection.getresponse()
        body = json.loads(answer.read())
        connection.close()
        assert answer.status < 500, body
        return body

    return call


def actor(shop: Shop, word: str, **body: Any) -> Callable[[], str]:
    """An act of the control API: `done`, or the code of its refusal."""

    def call() -> str:
        try:
            shop.act(word, **body)
        except ControlError as refused:
            return refused.code
        return "done"

    return call


def held_units(server: EmbeddedServer, shop: Shop) -> Counter[tuple[int, int]]:
    """How many returns hold each unit."""
    connection = server.running.runtime.world.shops[shop.name].connection
    return Counter(connection.execute("select order_line_id, unit from units where held = 1").fetchall())


@pytest.mark.parametrize("attempt", range(5))
def test_whatever_many_do_to_one_return_it_ends_once(server: EmbeddedServer, shop: Shop, attempt: int) -> None:
    with receiver() as (url, bodies):
        for trigger in ("return.closed", "return.updated"):
            shop.subscribe(url, "return", trigger)
        order = shop.act("orders.makes", lines=[{"variant": "TEE-RED-M", "quantity": 2}])["name"]
        made = shop.act("customer.submits_return", order=order, items=[{"quantity": 2}])
        path = f"/warehouse/return/{made['id']}"
        line = made["line_items"][attempt % 2]["id"]
        ways = [
            partner(shop, f"{path}/close"),
            partner(shop, f"{path}/cancel"),
            partner(shop, f"{path}/process"),
            partner(shop, f"{path}/flag"),
            partner(shop, f"{path}/remove?line_item_id={line}"),
            actor(shop, "staff.closes", return_id=made["id"]),
            actor(shop, "staff.cancels", return_id=made["id"]),
            actor(shop, "customer.edits_return", return_id=made["id"], items=[{}]),
        ]
        outcomes = at_once([ways[(number + attempt) % len(ways)] for number in range(CALLERS + attempt)])
        assert "server_error" not in outcomes
        shop.clock.advance(by="1h", quiet_for=0)
        assert shop.settle()["settled"]
    ended = shop.get_return(made["id"])
    assert ended["state"] in FINAL
    told = Counter(json.loads(body)["trigger"] for body in bodies)
    assert told["return.closed"] == (ended["state"] == "closed")
    held = held_units(server, shop)
    assert max(held.values(), default=0) <= 1
    if ended["state"] == "cancelled":
        assert not held
        assert actor(shop, "customer.submits_return", order=order, items=[{"quantity": 2}])() == "done"
    else:
        assert len(held) == len(ended["line_items"])


def test_of_many_who_want_the_same_unit_one_gets_it(server: EmbeddedServer, shop: Shop) -> None:
    for _ in range(5):
        order = shop.act("orders.makes", lines=[{"variant": "TEE-RED-M"}])["name"]
        outcomes = at_once([actor(shop, "customer.submits_return", order=order) for _ in range(CALLERS)])
        assert Counter(outcomes) == {"done": 1, "nothing_returnable": CALLERS - 1}
    assert set(held_units(server, shop).values()) == {1}


def test_many_who_submit_get_returns_and_ids_of_their_own(server: EmbeddedServer, shop: Shop) -> None:
    order = shop.act("orders.makes", lines=[{"variant": "TEE-RED-M", "quantity": 100}])["name"]
    made = at_once([lambda: [shop.act("customer.submits_return", order=order)["id"] for _ in range(5)]] * CALLERS)
    ids = [id_ for several in made for id_ in several]
    assert len(set(ids)) == len(ids) == 5 * CALLERS
    assert set(held_units(server, shop).values()) == {1}


def test_of_many_who_advance_the_clock_one_does(shop: Shop) -> None:
    with receiver() as (url, _):
        shop.subscribe(url, "return", "return.created")
        shop.act("customer.submits_return")

        def advance() -> str:
            try:
                return str(shop.clock.advance(by="1h", quiet_for=200)["now"])
            except ControlError as refused:
                return refused.code

        before = shop.clock.read()["now"]
        outcomes = Counter(at_once([advance] * CALLERS))
    assert outcomes.pop("clock_busy") == CALLERS - 1
    assert list(outcomes.values()) == [1]
    assert next(iter(outcomes)) == shop.clock.read()["now"] > before


def test_shops_made_and_deleted_at_once_do_not_hurt_each_other(server: EmbeddedServer) -> None:
    def live(name: str) -> str:
        with Loopsim(server.url, timeout=30) as client:
            try:
                mine = client.create_shop(name, clock={"mode": "manual"})
            except ControlError as refused:
                return refused.code
            mine.act("customer.submits_return")
            mine.reset()
            assert mine.returns() == []
            mine.delete()
        return "lived"

    outcomes = Counter(at_once([partial(live, f"race-{number % 3}") for number in range(CALLERS)]))
    assert outcomes["lived"] >= 3
    assert set(outcomes) <= {"lived", "shop_exists"}
    with Loopsim(server.url) as client:
        assert [row["name"] for row in client.shops() if row["name"].startswith("race-")] == []
