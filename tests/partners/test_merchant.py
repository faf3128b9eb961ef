"""The sample merchant as a real process, against a Loop with a shop of its own for each test."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from loopsim import Loopsim
from loopsim.client import Shop
from tests.partners.program import ROOT, Program

PROGRAM = ROOT / "loopsim" / "partners" / "merchant.py"
PLACE = {"address1": "1 Sample Street", "city": "Austin", "region": "TX", "postal_code": "78701", "country_code": "US"}
SIZES = [
    {"id": f"tee-{size}", "name": size, "sku": f"TEE-{size}", "price": "16.80", "values": [size], "stock": {"depot": 3}}
    for size in ("S", "M")
]
TEE = {"id": "tee", "name": "Tee", "price": "16.80", "options": [{"name": "Size", "values": ["S", "M"]}]}
CATALOGUE = {
    "currency": "USD",
    "locations": [{"id": "depot", "name": "Depot", "address": PLACE}],
    "products": [{**TEE, "variants": SIZES}],
}


def order(**changes: Any) -> dict[str, Any]:
    """An order of one tee, shipped."""
    who = {
        "id": "C-1",
        "first_name": "Ada",
        "last_name": "Byron",
        "email": "ada@example.com",
        "phone": "+1 512 555 0100",
    }
    sent = {"id": "1", "at": "2026-02-21T09:00:00Z", "location": "depot", "lines": [{"line": "1", "quantity": 1}]}
    made = {
        "id": "SO-1",
        "number": "#1",
        "currency": "USD",
        "placed_at": "2026-02-20T09:00:00Z",
        "customer": who,
        "address": PLACE,
        "lines": [{"id": "1", "product": "tee", "variant": "tee-S", "quantity": 1, "price": "16.80"}],
        "shipments": [sent],
    }
    return {**made, **changes}


class Merchant(Program):
    """The program under test, connected to a shop."""

    def __init__(self, shop: Shop, *command: str) -> None:
        self.shop = shop
        super().__init__(
            [sys.executable, *(command or ("-m", "loopsim.partners.merchant"))],
            LOOP_API_BASE=shop.api_base,
            LOOP_API_KEY=shop.key,
            LOOP_WEBHOOK_SECRET=shop.secret,
            MERCHANT_QUIET="1",
        )

    def settled(self) -> dict[str, Any]:
        """Its state, when it has done all that was asked before: a task is done after what came in before it."""
        self.do("check-returnable", order="none")
        return dict(self.call("GET", "/state")[1])


@pytest.fixture(scope="module")
def server() -> Iterator[Loopsim]:
    with Loopsim() as started:
        yield started


@pytest.fixture
def shop(server: Loopsim) -> Shop:
    return server.create_shop(
        world="new-outside-shopify",
        clock={"mode": "manual"},
        moment="2026-03-02T09:00:00Z",
        policy={"carrier": "manual"},
    )


@pytest.fixture
def start(shop: Shop) -> Iterator[Callable[..., Merchant]]:
    started: list[Merchant] = []

    def run(*command: str) -> Merchant:
        started.append(Merchant(shop, *command))
        return started[-1]

    yield run
    for one in started:
        one.stop()


@pytest.fixture
def merchant(start: Callable[..., Merchant]) -> Merchant:
    running = start()
    running.do("push-catalogue", **CATALOGUE)
    return running


def returned(merchant: Merchant, resolution: str = "refund", **item: str) -> int:
    """A return made on its own form."""
    items = [{"line": "1", "reason": "Too small", **item}]
    asked = {"order": "#1", "email": "ada@example.com", "method": "mail", "resolution": resolution, "items": items}
    return int(merchant.do("start-return", **asked)["return_id"])


def test_what_is_told_twice_is_there_once_and_its_id_is_exact(merchant: Merchant) -> None:
    told = [merchant.do("push-order", order=order())["loop_id"] for _ in range(2)]
    (there,) = merchant.shop.list_orders()
    assert told == [there["id"]] * 2
    assert there["id"] > 1 << 53
    assert merchant.settled()["orders"] == {"SO-1": there["id"]}


def test_a_refused_order_is_not_taken_for_told(merchant: Merchant) -> None:
    strange = [{"id": "1", "product": "hat", "variant": "hat-S", "quantity": 1, "price": "5.00"}]
    answer = merchant.do("push-order", order=order(lines=strange, shipments=[]))
    assert answer["loop_id"] is None
    assert "product.external_id is invalid" in answer["why"]
    assert merchant.settled()["unsent"] == ["SO-1"]


@pytest.mark.parametrize("kind", ["too_many", "server_error", "answer_lost"])
def test_an_order_arrives_once_whatever_happens_on_the_way(merchant: Merchant, kind: str) -> None:
    merchant.shop.fault(kind, operation="upsertOrder", params={"retry_after": 1} if kind == "too_many" else {})
    assert merchant.do("push-order", order=order())["loop_id"]
    assert len(merchant.shop.list_orders()) == 1


def test_each_outcome_is_carried_out_once_however_often_loop_says_so(merchant: Merchant) -> None:
    merchant.do("push-order", order=order())
    return_id = returned(merchant)
    merchant.shop.staff.processes(return_id=return_id)
    merchant.shop.clock.advance(by="1m")
    for _ in range(3):
        assert merchant.send({"topic": "return", "id": str(return_id)}, merchant.shop.secret) == 200
    book = merchant.settled()["returns"][str(return_id)]
    assert (book["state"], book["refund"], book["credit"], book["exchange"]) == ("closed", "16.80", "", "")


def test_the_order_of_an_exchange_is_made_and_told_and_its_goods_are_counted(merchant: Merchant) -> None:
    merchant.do("push-order", order=order())
    return_id = returned(merchant, "exchange", exchange_for="tee-M")
    merchant.shop.staff.processes(return_id=return_id)
    merchant.shop.clock.advance(by="1m")
    merchant.send({"topic": "return", "id": str(return_id)}, merchant.shop.secret)
    merchant.send({"topic": "return", "id": str(return_id)}, merchant.shop.secret)
    book = merchant.settled()["returns"][str(return_id)]
    assert (book["exchange"], book["exchange_order"]) == ("16.80", f"EXC-{return_id}")
    assert [each["name"] for each in merchant.shop.list_orders()] == ["#1", f"EXC-{return_id}"]
    counts = {each["sku"]: list(each["available"].values()) for each in merchant.shop.variants() if each["sku"]}
    assert counts == {"TEE-S": [3], "TEE-M": [2]}


@pytest.mark.parametrize("secret", ["another-secret", ""])
def test_what_loop_did_not_sign_has_no_effect(merchant: Merchant, secret: str) -> None:
    restock = {"topic": "restock", "id": 7, "restock_items": []}
    assert merchant.send(restock, secret) == 401
    state = merchant.settled()
    assert (state["returns"], state["rejected"]) == ({}, 1)


@pytest.mark.parametrize(
    "payload", [[], {}, {"topic": "return"}, {"topic": "new", "id": 4}, {"topic": "label", "id": 4}]
)
def test_a_payload_without_anything_for_it_is_taken_and_does_nothing(merchant: Merchant, payload: object) -> None:
    assert merchant.send(payload, merchant.shop.secret) == 200
    assert merchant.settled()["returns"] == {}


def test_what_nobody_can_do_is_said(merchant: Merchant) -> None:
    assert merchant.call("POST", "/do/dance", b"{}")[0] == 404
    assert merchant.call("POST", "/do/push-order", b'{"order": {}}')[0] == 500
    assert merchant.call("POST", "/do/push-order", b"{")[0] == 500
    assert merchant.do("start-return", order="#404", items=[]) == {"return_id": None, "why": "order-not-found"}
    assert merchant.do("push-order", order=order())["loop_id"]


def test_sigterm_stops_it_cleanly(merchant: Merchant) -> None:
    assert merchant.stop() == 0


def test_without_configuration_it_says_what_is_missing() -> None:
    bare = {name: value for name, value in os.environ.items() if not name.startswith("LOOP_")}
    done = subprocess.run([sys.executable, str(PROGRAM)], env=bare, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "LOOP_API_BASE" in done.stderr


def test_it_runs_as_a_file_by_itself(start: Callable[..., Merchant]) -> None:
    assert start(str(PROGRAM)).call("GET", "/health") == (200, {"ok": True})


def test_it_imports_nothing_but_the_standard_library() -> None:
    imported = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(PROGRAM.read_text("utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
    }
    assert imported <= sys.stdlib_module_names
