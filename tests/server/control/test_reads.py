"""What the control API shows of a shop, and the acts that change it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from loopsim.bootstrap import Running
from loopsim.client import ControlError, Loopsim, Shop
from loopsim.operations.perform import OPERATIONS
from loopsim.server.control.registry import RUNTIME_OPERATIONS
from tests.server.control.conftest import MOMENT, call_loop


def test_orders_tell_what_of_them_can_come_back(shop: Shop) -> None:
    first, *_ = shop.list_orders(returnable=True)
    line = first["lines"][0]
    shop.customer.submits_return(order=first["name"], items=[{"line_item_id": line["id"]}])
    again = next(order for order in shop.list_orders(limit=1000) if order["id"] == first["id"])
    assert again["lines"][0]["returnable"] == line["returnable"] - 1


def test_lists_are_walked_by_id(shop: Shop) -> None:
    every = shop.list_orders(limit=5)
    assert shop.list_orders(after=every[1]["id"], limit=2) == every[2:4]
    made = [shop.customer.submits_return()["id"] for _ in range(3)]
    assert [each["id"] for each in shop.returns()] == made
    assert [each["id"] for each in shop.returns(after=made[0], limit=1)] == [made[1]]
    shop.staff.cancels(return_id=made[2])
    assert [each["id"] for each in shop.returns(state="cancelled")] == [made[2]]


@pytest.mark.parametrize("moment", ["2015-06-01T00:00:00Z", "2100-06-01T00:00:00Z", "2999-12-31T00:00:00Z"])
def test_what_is_made_at_a_far_moment_is_listed_and_can_come_back(server: Loopsim, moment: str) -> None:
    shop = server.create_shop(moment=moment, clock={"mode": "manual"})
    made = [shop.orders.makes(lines=[{"variant": shop.variants()[0]["sku"]}]) for _ in range(2)]
    assert {order["id"] for order in made} < {order["id"] for order in shop.list_orders(limit=1000)}
    assert shop.customer.submits_return(order=made[1]["name"])["order_name"] == made[1]["name"]
    shop.delete()


def test_variants_tell_their_stock(shop: Shop) -> None:
    variant = shop.variants()[0]
    shop.stock.sets(variant=variant["sku"], available=7)
    assert sum(shop.variants()[0]["available"].values()) == 7


def test_a_return_tells_what_is_still_to_come(shop: Shop) -> None:
    made = shop.customer.submits_return()
    assert made["timers"] == [{"kind": "label.make", "due": "2026-06-01T09:00:04.000Z"}]
    assert shop.get_return(made["id"]) == made


def test_the_ledger_tells_what_happened_on_the_platform(shop: Shop) -> None:
    made = shop.customer.submits_return(items=[{"outcome": "refund"}])
    other = shop.customer.submits_return()
    shop.clock.advance(until_idle=True)
    entries = shop.ledger(made["id"])
    assert {"return_opened", "refund"} <= {entry["kind"] for entry in entries}
    assert {entry["return_id"] for entry in shop.ledger()} == {made["id"], other["id"]}


# acts


def test_a_whole_story_in_acts(shop: Shop) -> None:
    order = shop.orders.makes(lines=[{"variant": shop.variants()[0]["sku"], "quantity": 2}], fulfilled=False)
    with pytest.raises(ControlError) as refused:
        shop.customer.submits_return(order=order["name"])
    assert (refused.value.status, refused.value.code) == (409, "nothing_returnable")
    shop.orders.fulfils(order=order["name"])
    made = shop.customer.submits_return(order=order["name"], items=[{"quantity": 2, "outcome": "credit"}])
    assert [line["resolution"] for line in made["line_items"]] == ["credit", "credit"]
    edited = shop.customer.edits_return(return_id=made["id"], items=[{"outcome": "refund"}])
    assert [line["resolution"] for line in edited["line_items"]] == ["refund"]
    assert shop.staff.flags(return_id=made["id"])["flagged"]
    assert not shop.staff.unflags(return_id=made["id"])["flagged"]
    shop.clock.advance(by="4s")
    scanned = shop.carrier.scans(return_id=made["id"], status="in_transit")
    assert scanned["labels"][0]["status"] == "in_transit"
    assert shop.staff.processes(return_id=made["id"])["pending"]
    shop.clock.advance(by="2s")
    assert shop.get_return(made["id"])["state"] == "closed"


@pytest.mark.parametrize(
    ("word", "body", "status", "code"),
    [
        ("staff.flags", {"return_id": 1}, 404, "return_not_found"),
        ("customer.submits_return", {"order": "#0"}, 404, "order_not_found"),
        ("orders.makes", {"lines": [{"variant": "NONE"}]}, 422, "unknown_variant"),
        ("stock.sets", {"variant": "NONE", "available": 1}, 422, "unknown_variant"),
        ("happy_returns.ships", {}, 409, "nothing_to_ship"),
        ("staff.flags", {}, 422, "invalid"),
        ("carrier.scans", {"return_id": 1, "status": "lost"}, 422, "invalid"),
        ("customer.submits_return", {"itmes": []}, 422, "invalid"),
        ("happy_returns.ships", {"return_id": 1}, 422, "invalid"),
    ],
)
def test_an_act_that_cannot_be_is_refused_as_a_problem(
    shop: Shop, word: str, body: dict[str, Any], status: int, code: str
) -> None:
    with pytest.raises(ControlError) as refused:
        shop.act(word, **body)
    assert (refused.value.status, refused.value.code) == (status, code)
    assert refused.value.problem["detail"]


def test_an_act_that_the_state_forbids_names_the_state(shop: Shop) -> None:
    made = shop.customer.submits_return()
    shop.staff.cancels(return_id=made["id"])
    for act in (shop.staff.closes, shop.staff.processes, shop.staff.flags):
        with pytest.raises(ControlError, match="cancelled") as refused:
            act(return_id=made["id"])
        assert (refused.value.status, refused.value.code) == (409, "unprocessable")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"items": [{"exchange_variant": "NONE", "outcome": "exchange"}]}, "unknown_variant"),
        ({"items": [{"outcome": "exchange"}]}, "exchange_variant_missing"),
        ({"gift": True}, "gift_needs_credit"),
        ({"items": [{"sku": "NONE"}]}, "unit_already_returned"),
    ],
)
def test_a_return_that_the_rules_forbid_is_refused(shop: Shop, body: dict[str, Any], code: str) -> None:
    with pytest.raises(ControlError) as refused:
        shop.customer.submits_return(**body)
    assert refused.value.code == code
    assert shop.returns() == []


def test_rules_of_the_shop_exclude_outcomes_and_methods(shop: Shop) -> None:
    shop.update(policy={"workflows": [{"then": {"exclude_outcomes": ["refund"], "exclude_methods": ["in_store"]}}]})
    in_store = {"items": [{"outcome": "credit"}], "method": "in_store"}
    for body, code in (({}, "outcome_excluded"), (in_store, "method_excluded")):
        with pytest.raises(ControlError) as refused:
            shop.customer.submits_return(**body)
        assert refused.value.code == code


def test_failing_next_is_counted(shop: Shop) -> None:
    assert shop.payment.fails_next() == 1
    assert shop.processing.fails_next(count=3) == 3


# the journal


def test_the_journal_tells_both_ways_in_order(shop: Shop) -> None:
    call_loop(shop, "/warehouse/return/list")
    shop.subscribe("http://127.0.0.1:9/none", "return", "return.created")
    shop.customer.submits_return()
    shop.settle()
    page = shop.journal()
    kinds = [entry["kind"] for entry in page["entries"]]
    assert kinds == ["call", "control", "move", "control", "delivery", "control"]
    assert page["dropped"] == 0
    assert [entry["id"] for entry in page["entries"]] == [1, 2, 3, 4, 5, 6]
    assert [entry["kind"] for entry in shop.journal(kind="call")["entries"]] == ["call"]
    assert shop.journal(after=page["last_id"])["entries"] == []


def test_the_canonical_journal_has_nothing_that_differs_from_run_to_run(server: Loopsim) -> None:
    journals = []
    for _ in range(2):
        shop = server.create_shop("same", clock={"mode": "manual"}, moment=MOMENT)
        call_loop(shop, "/warehouse/return/list")
        shop.customer.submits_return()
        shop.clock.advance(by="7d")
        journals.append(shop.journal(canonical=True)["entries"])
        shop.delete()
    assert journals[0] == journals[1]
    assert not any("duration_ms" in entry for entry in journals[0])


def test_a_reader_of_the_journal_is_told_as_soon_as_something_happens(shop: Shop) -> None:
    last = shop.journal()["last_id"]
    pages: list[Any] = []
    reader = threading.Thread(target=lambda: pages.append(shop.journal(after=last, kind="call", wait=20)))
    reader.start()
    shop.stock.sets(variant=shop.variants()[0]["id"], available=1)
    call_loop(shop, "/warehouse/return/list")
    reader.join(10)
    assert not reader.is_alive()
    assert [entry["operation"] for entry in pages[0]["entries"]] == ["listReturns"]


@pytest.mark.parametrize("begin", [Shop.reset, Shop.replace], ids=["reset", "replaced"])
def test_who_follows_the_journal_is_told_of_a_new_beginning_from_its_first_entry(
    shop: Shop, begin: Callable[[Shop], Any]
) -> None:
    for _ in range(5):
        shop.view()
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(next, shop.events(after=shop.journal()["last_id"]))
        begin(shop)
        shop.variants()
        try:
            entry = following.result(15)
        finally:
            shop.delete()  # ends the following
    assert (entry["id"], entry["operation"]) == (1, "listVariants")


def test_waiting_for_the_journal_ends_with_the_shop(shop: Shop) -> None:
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(shop.journal, after=shop.journal()["last_id"], wait=20)
        shop.delete()
        with pytest.raises(ControlError, match="No such shop"):
            reading.result(10)


def test_waiting_for_the_journal_ends(shop: Shop) -> None:
    last = shop.journal()["last_id"]
    assert shop.journal(after=last, wait=0.01)["entries"] == []


# all of it


def test_every_operation_of_the_control_api_is_there(running: Running) -> None:
    declared = {operation.id for operation in running.runtime.contract.operations("control")}
    assert declared <= OPERATIONS.keys() | RUNTIME_OPERATIONS.keys()


def test_bodies_are_closed(running: Running) -> None:
    for operation in running.runtime.contract.operations("control"):
        if operation.body_schema is not None:
            schema = operation.schemas.resolve(operation.body_schema)
            closed = schema.get("additionalProperties", schema.get("unevaluatedProperties"))
            assert closed is False, operation.id


def test_every_operation_on_a_shop_says_when_there_is_none(running: Running) -> None:
    for operation in running.runtime.contract.operations("control"):
        if "{shop}" in operation.path:
            assert operation.errors["shop_not_found"].status == 404, operation.id
