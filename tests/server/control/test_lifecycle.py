"""What can be exercised at all, and that whatever happens is among it."""

from __future__ import annotations

from typing import Any
from urllib.error import HTTPError

import pytest

from loopsim.client import Loopsim, Shop
from tests.server.control.conftest import call_loop

KEYS = ("entity", "state", "action", "to")


def steps(rows: list[dict[str, Any]]) -> set[tuple[Any, ...]]:
    return {tuple(row[name] for name in KEYS) for row in rows}


def test_every_step_of_a_busy_shop_is_one_that_can_be(server: Loopsim, shop: Shop) -> None:
    possible = steps(server.lifecycle()["transitions"])
    for word in ("staff.processes", "staff.flags", "staff.closes", "staff.cancels"):
        shop.act(word, return_id=shop.customer.submits_return()["id"])
    shop.stock.sets(variant="HOOD-NVY-M", available=0)
    short = shop.customer.submits_return(items=[{"outcome": "exchange", "exchange_variant": "HOOD-NVY-M"}])["id"]
    shop.update(policy={"label_source": "third_party"})
    shop.customer.submits_return()
    shop.clock.advance(by="30d")
    assert shop.get_return(short)["state"] == "review"
    done = steps(shop.journal(kind="move", limit=10_000)["entries"])
    assert done <= possible
    assert {("return", "open", "process_partly_done", "review"), ("label", "new", "scan", "pre_transit")} <= done


def test_what_can_be_exercised_is_said_once(server: Loopsim) -> None:
    found = server.lifecycle()
    assert len(steps(found["transitions"])) == len(found["transitions"])
    assert ("return", "none", "submit", "open") in steps(found["transitions"])
    assert ("label_request", "issued", "fulfil", "fulfilled") in steps(found["transitions"])
    assert "return.created" in found["triggers"]
    assert {"operation": "processReturn", "status": 200, "refusal": "flagged"} in found["errors"]
    shared = {each["refusal"] for each in found["shared_errors"]}
    assert {"unauthorized", "too_many_attempts", "not_found"} <= shared
    assert not shared & {each["refusal"] for each in found["errors"]}
    grades = {each["operation"]: each["assumed"] for each in found["operations"]}
    assert "listReturns" in grades
    assert any(grades.values())


def test_a_refusal_in_the_journal_is_called_as_it_is_listed(server: Loopsim, shop: Shop) -> None:
    listed = {(each["operation"], each["status"], each["refusal"]) for each in server.lifecycle()["errors"]}
    made = shop.customer.submits_return(items=[{"outcome": "refund"}, {"outcome": "refund"}])
    shop.processing.fails_next()
    line = made["line_items"][0]["id"]
    with pytest.raises(HTTPError, match="500"):
        call_loop(shop, f"/warehouse/return/{made['id']}/remove?line_item_id={line}", "POST")
    shop.staff.cancels(return_id=made["id"])
    call_loop(shop, f"/warehouse/return/{made['id']}/close", "POST")
    calls = shop.journal(kind="call")["entries"]
    refused = [(call["operation"], call["status"], call["refusal"]) for call in calls]
    assert refused == [("removeLineItems", 500, "processing_broke"), ("closeReturn", 200, "unprocessable")]
    assert set(refused) <= listed
