"""What the journal says beside the traffic: steps in lifecycles, and how much a list answered."""

from __future__ import annotations

from typing import Any
from urllib.error import HTTPError

import pytest

from loopsim.client import ControlError, Loopsim, Shop
from tests.server.control.conftest import MOMENT, call_loop


def moves(shop: Shop, entity: str | None = None) -> list[tuple[str, str, str]]:
    """State, action and next state of each step, in order."""
    entries = shop.journal(kind="move")["entries"]
    assert all(entry["direction"] == "inside" and entry["return_id"] for entry in entries)
    return [(each["state"], each["action"], each["to"]) for each in entries if entity in (None, each["entity"])]


def test_a_return_goes_from_submit_to_closed(shop: Shop) -> None:
    made = shop.customer.submits_return()
    shop.clock.advance(by="10s")
    call_loop(shop, f"/warehouse/return/{made['id']}/process", "POST")
    shop.clock.advance(by="10s")
    assert moves(shop, "return") == [
        ("none", "submit", "open"),
        ("open", "label_changed", "open"),
        ("open", "process", "open"),
        ("open", "process_done", "closed"),
    ]
    assert moves(shop, "label") == [("none", "make", "new")]
    (entry,) = [each for each in shop.journal(kind="move")["entries"] if each["to"] == "closed"]
    assert entry["return_id"] == made["id"]


def test_staff_and_carrier_move_things_too(shop: Shop) -> None:
    made = shop.customer.submits_return()["id"]
    shop.clock.advance(by="10s")
    before = len(moves(shop))
    shop.staff.flags(return_id=made)
    shop.staff.flags(return_id=made)
    shop.staff.unflags(return_id=made)
    shop.carrier.scans(return_id=made, status="pre_transit")
    shop.staff.closes(return_id=made)
    assert moves(shop)[before:] == [
        ("open", "flag", "open"),
        ("open", "unflag", "open"),
        ("new", "scan", "pre_transit"),
        ("open", "label_changed", "open"),
        ("open", "close", "closed"),
    ]


def test_staff_have_a_second_label_made_while_the_return_is_open(shop: Shop) -> None:
    made = shop.customer.submits_return()["id"]
    shop.clock.advance(by="10s")
    shop.carrier.scans(return_id=made, status="error")
    labels = shop.staff.makes_label(return_id=made)["labels"]
    assert [label["status"] for label in labels] == ["error", "new"]
    assert labels[0]["tracking_number"] != labels[1]["tracking_number"]
    shop.staff.closes(return_id=made)
    with pytest.raises(ControlError, match="closed"):
        shop.staff.makes_label(return_id=made)
    at_the_counter = shop.customer.submits_return(method="in_store")["id"]
    with pytest.raises(ControlError):
        shop.staff.makes_label(return_id=at_the_counter)


def test_label_requests_move(server: Loopsim) -> None:
    shop = server.create_shop(clock={"mode": "manual"}, moment=MOMENT, policy={"label_source": "third_party"})
    first, second = (shop.customer.submits_return()["id"] for _ in range(2))
    shop.clock.advance(by="10s")
    asked = {row["return_id"]: row["id"] for row in call_loop(shop, "/label-requests")["data"]}
    call_loop(shop, f"/label-requests/{asked[first]}/errors", "POST", {"reason": "INVALID_ADDRESS"})
    shop.staff.cancels(return_id=first)
    label = {"label_request_id": asked[second], "carrier": "UPS", "tracking_number": "1Z", "rate": RATE}
    call_loop(shop, "/labels", "POST", {**label, "label_url": "http://127.0.0.1/label.pdf"})
    assert moves(shop, "label_request") == [
        ("none", "issue", "issued"),
        ("none", "issue", "issued"),
        ("issued", "report_error", "issued"),
        ("issued", "cancel", "cancelled"),
        ("issued", "fulfil", "fulfilled"),
    ]
    shop.delete()


RATE = {"amount": 500, "currency_code": "USD"}


def test_what_is_refused_moves_nothing(shop: Shop) -> None:
    made = shop.customer.submits_return()["id"]
    shop.staff.cancels(return_id=made)
    before = moves(shop)
    with pytest.raises(ControlError):
        shop.staff.closes(return_id=made)
    assert call_loop(shop, f"/warehouse/return/{made}/process", "POST")["errors"]
    assert moves(shop) == before


def test_lines_that_are_removed_end_the_return_in_one_call(shop: Shop) -> None:
    made = shop.customer.submits_return(items=[{"outcome": "refund"}, {"outcome": "refund"}])
    line = made["line_items"][0]["id"]
    call_loop(shop, f"/warehouse/return/{made['id']}/remove?line_item_id={line}", "POST")
    assert moves(shop, "return")[1:] == [("open", "remove", "open"), ("open", "process_done", "closed")]


def lists(shop: Shop) -> list[tuple[Any, Any]]:
    return [(entry.get("count"), entry.get("more")) for entry in shop.journal(kind="call")["entries"]]


def test_the_journal_says_how_much_a_list_answered(shop: Shop) -> None:
    made = [shop.customer.submits_return()["id"] for _ in range(3)]
    call_loop(shop, "/warehouse/return/list")
    for _ in range(2):
        # The second is answered from memory.
        page = call_loop(shop, "/warehouse/return/list?paginate=true&pageSize=2")
    call_loop(shop, page["nextPageUrl"].partition("/api/v1")[2])
    call_loop(shop, "/destinations")
    call_loop(shop, f"/warehouse/return/details?return_id={made[0]}")
    with pytest.raises(HTTPError):
        call_loop(shop, "/warehouse/return/list?filter=colour")
    assert lists(shop)[:4] == [(3, None), (2, True), (2, True), (1, None)]
    assert lists(shop)[4][0] > 0
    assert lists(shop)[5:] == [(None, None), (None, None)]
