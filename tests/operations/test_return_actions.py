"""process, cancel, flag, close, remove, notes: what each does, whom it tells, and the exact body of each refusal."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from loopsim.contract import render
from loopsim.errors import Refusal
from loopsim.operations.loop.return_actions import BROKE

Shop = Any
UNKNOWN = 1
NOT_FOUND = {"errors": {"message": "No return found with this ID."}}


def state_refusal(state: str, code: str = "UNPROCESSABLE_RETURN") -> Any:
    return {"errors": {"message": f"Return is {state} and therefore cannot be processed.", "code": code}}


def own_refusal(word: str) -> Any:
    return {"errors": {"message": f"Return is {word} and cannot be processed."}}


def made(shop: Shop, state: str, flagged: bool = False) -> int:
    """A return that came into this state as returns do."""
    id_ = int(shop.submit("refund", "refund", order=wide_order(shop))["id"])
    shop.advance(seconds=4)
    if state == "expired":
        shop.advance(days=28)
    elif state == "review":
        shop.act("paymentFailsNext")
        shop.act("staffProcesses", return_id=id_)
        shop.advance(seconds=2)
    elif state in ("closed", "cancelled"):
        shop.act("staffCloses" if state == "closed" else "staffCancels", return_id=id_)
    if flagged:
        shop.act("staffFlags", return_id=id_)
    assert (shop.return_(id_).state, shop.return_(id_).flagged) == (state, flagged)
    shop.heard()
    return id_


def wide_order(shop: Shop) -> str:
    """The name of a new order of three units."""
    return str(shop.act("ordersMakes", lines=[{"variant": "MUG-BLU", "quantity": 3}])["order"]["name"])


@pytest.fixture
def shop(shop: Shop) -> Shop:
    shop.subscribe()
    return shop


# what every action refuses

# action -> state (or state and flag) -> the answer to it
ANSWERS: dict[str, dict[Any, Any]] = {
    "processReturn": {
        "open": True,
        "review": state_refusal("review"),
        "closed": state_refusal("closed"),
        "cancelled": state_refusal("cancelled"),
        "expired": state_refusal("expired"),
        ("open", "flagged"): state_refusal("open", "UNPROCESSABLE_FLAGGED_RETURN"),
        ("review", "flagged"): state_refusal("review"),
    },
    "cancelReturn": {
        "open": True,
        "review": True,
        "closed": state_refusal("closed"),
        "cancelled": state_refusal("cancelled"),
        "expired": own_refusal("expired"),
        ("open", "flagged"): own_refusal("flagged"),
        ("review", "flagged"): own_refusal("flagged"),
    },
    "flagReturn": {
        "open": True,
        "review": True,
        "closed": state_refusal("closed"),
        "cancelled": state_refusal("cancelled"),
        "expired": state_refusal("expired"),
        ("open", "flagged"): True,
        ("review", "flagged"): True,
    },
    "closeReturn": {
        "open": True,
        "review": True,
        "closed": state_refusal("closed"),
        "cancelled": state_refusal("cancelled"),
        "expired": True,
        ("open", "flagged"): True,
        ("review", "flagged"): True,
    },
}


@pytest.mark.parametrize(
    ("action", "state", "answer"), [(action, *each) for action, answers in ANSWERS.items() for each in answers.items()]
)
def test_each_action_answers_in_each_state_as_documented(action: str, state: Any, answer: Any, shop: Shop) -> None:
    id_ = made(shop, state) if isinstance(state, str) else made(shop, state[0], flagged=True)
    before = shop.dump()
    reply = shop.call(action, id=id_)
    assert (reply.status, reply.body) == (200, answer)
    if answer is not True:
        assert shop.dump() == before
        assert shop.heard() == []


@pytest.mark.parametrize("action", ANSWERS)
def test_an_unknown_return_is_told_with_status_200(action: str, shop: Shop) -> None:
    for id_ in (UNKNOWN, 10**30, "abc"):
        reply = shop.call(action, id=id_)
        assert (reply.status, reply.body) == (200, NOT_FOUND)


def test_success_can_be_the_text_true(open_shop: Any) -> None:
    shop = open_shop(quirks={"action_success": '"true"'})
    assert shop.call("closeReturn", id=shop.submit()["id"]).body == "true"


# process


def test_true_means_queued_and_details_still_say_open(shop: Shop) -> None:
    id_ = made(shop, "open")
    assert shop.call("processReturn", id=id_).body is True
    assert shop.heard() == []
    assert shop.call("getReturnDetails", query={"return_id": id_}).body["state"] == "open"
    shop.advance(seconds=1)
    assert shop.heard() == []
    shop.advance(seconds=1)
    told = shop.heard()
    assert [trigger for trigger, _ in told] == ["return.updated", "return.closed"]
    assert [payload["state"] for _, payload in told] == ["closed", "closed"]
    assert shop.call("getReturnDetails", query={"return_id": id_}).body["was_processed"] is True


def test_a_second_call_before_the_work_is_done_adds_nothing(shop: Shop) -> None:
    id_ = made(shop, "open")
    assert shop.call("processReturn", id=id_).body is True
    assert shop.call("processReturn", {"late": 1}, id=id_).body is True
    shop.advance(days=1)
    assert shop.triggers() == ["return.updated", "return.closed"]
    assert shop.ledger(id_).count("refund") == 1
    assert shop.call("listNotes", id=id_).status == 422


def test_what_comes_with_the_call_goes_to_the_platform_and_into_a_note(shop: Shop) -> None:
    id_ = made(shop, "open")
    shop.call("processReturn", {"inspected_by": "dock 4", "ok": True}, id=id_)
    (note,) = shop.call("listNotes", id=id_).body
    assert note["content"] == "inspected_by: dock 4, ok: true"
    shop.advance(seconds=2)
    updated = next(entry for entry in shop.records.ledger(id_) if entry["kind"] == "order_updated")
    assert updated["additional_details"] == {"inspected_by": "dock 4", "ok": True}


def test_a_note_about_what_came_with_the_call_writes_values_as_json(shop: Shop) -> None:
    id_ = made(shop, "open")
    shop.call("processReturn", {"none": None, "lots": {"a": [1, "b"]}, "weight": 1.5}, id=id_)
    (note,) = shop.call("listNotes", id=id_).body
    assert note["content"] == 'none: null, lots: {"a":[1,"b"]}, weight: 1.5'


@pytest.mark.parametrize("body", [[], "text", 5, True, [1, 2], {}])
def test_a_body_that_says_nothing_is_ignored(body: Any, shop: Shop) -> None:
    id_ = made(shop, "open")
    assert shop.call("processReturn", body, id=id_).body is True
    assert shop.call("listNotes", id=id_).status == 422


def test_a_failed_processing_is_told_with_who_asked_for_it_and_can_be_tried_again(shop: Shop) -> None:
    id_ = made(shop, "open")
    shop.act("processingFailsNext")
    shop.call("processReturn", id=id_)
    shop.advance(seconds=2)
    ((trigger, told),) = shop.heard()
    assert trigger == "return.processing.failed"
    assert told == {
        "topic": "return.processing", "trigger": trigger, "return_id": id_, "return_state": "open",
        "message": "Return failed to process", "source": "api",
    }  # fmt: skip
    assert shop.call("processReturn", id=id_).body is True
    shop.advance(seconds=2)
    assert shop.return_(id_).state == "closed"


def test_a_flag_set_after_the_call_stops_the_work_unless_the_shop_allows_it(open_shop: Any) -> None:
    for allowed, state, told in (
        (False, "open", ["return.processing.failed"]),
        (True, "closed", ["return.updated", "return.closed"]),
    ):
        shop = open_shop(carrier="manual", allow_flagged_processing=allowed)
        shop.subscribe()
        id_ = shop.submit()["id"]
        shop.call("processReturn", id=id_)
        shop.call("flagReturn", id=id_)
        shop.heard()
        shop.advance(seconds=2)
        assert (shop.return_(id_).state, shop.triggers()) == (state, told)


def test_a_flagged_return_can_be_processed_where_the_shop_allows_it(open_shop: Any) -> None:
    shop = open_shop(carrier="manual", allow_flagged_processing=True)
    id_ = shop.submit()["id"]
    shop.call("flagReturn", id=id_)
    assert shop.call("processReturn", id=id_).body is True
    shop.advance(seconds=2)
    assert shop.return_(id_).state == "closed"


def test_staff_takes_over_what_the_flag_would_stop(shop: Shop) -> None:
    id_ = made(shop, "open")
    shop.call("processReturn", id=id_)
    shop.act("staffFlags", return_id=id_)
    shop.act("staffProcesses", return_id=id_)
    shop.advance(seconds=2)
    assert shop.return_(id_).state == "closed"


def test_a_close_before_the_work_is_done_wins(shop: Shop) -> None:
    id_ = made(shop, "open")
    shop.call("processReturn", id=id_)
    shop.call("closeReturn", id=id_)
    shop.heard()
    shop.advance(days=1)
    assert shop.heard() == []
    assert "refund" not in shop.ledger(id_)


# cancel and close


def test_cancelling_frees_the_units_and_closing_does_not(shop: Shop) -> None:
    for action, freed in (("cancelReturn", True), ("closeReturn", False)):
        order = wide_order(shop)
        id_ = shop.submit("refund", "refund", "refund", order=order)["id"]
        assert shop.call("customerSubmitsReturn", {"order": order}).refusal == "nothing_returnable"
        shop.call(action, id=id_)
        again = shop.call("customerSubmitsReturn", {"order": order, "items": [{"quantity": 3}]})
        assert again.status == (200 if freed else 409)


def test_cancelling_tells_once_and_leaves_nothing_to_happen(shop: Shop) -> None:
    id_ = made(shop, "open")
    shop.call("cancelReturn", id=id_)
    ((trigger, told),) = shop.heard()
    assert (trigger, told["state"], told["total"], told["return_total"]) == (
        "return.updated",
        "cancelled",
        "0.00",
        "0.00",
    )
    assert told["outcome"] == "refund"
    shop.advance(days=60)
    assert shop.heard() == []
    assert shop.ledger(id_)[-1] == "return_cancelled"


def test_closing_tells_of_the_update_first_and_pays_nothing(shop: Shop) -> None:
    id_ = made(shop, "open")
    shop.call("closeReturn", id=id_)
    told = shop.heard()
    assert [(trigger, payload["state"]) for trigger, payload in told] == [
        ("return.updated", "closed"),
        ("return.closed", "closed"),
    ]
    assert shop.ledger(id_) == ["return_opened", "return_closed"]
    assert shop.records.ledger(id_)[-1]["processed"] is False
    row = shop.call("getReturnDetails", query={"return_id": id_}).body
    assert (row["was_processed"], row["refunds"]) == (False, [])
    assert set(row["outcomes_processed_at"].values()) == {None}


def test_an_expired_return_can_be_closed(shop: Shop) -> None:
    id_ = made(shop, "expired")
    shop.call("closeReturn", id=id_)
    assert shop.triggers() == ["return.updated", "return.closed"]


# flag


def test_a_flag_is_a_marker_and_flagging_again_changes_nothing(shop: Shop) -> None:
    id_ = made(shop, "open")
    shop.call("flagReturn", id=id_)
    assert (shop.return_(id_).state, shop.return_(id_).flagged) == ("open", True)
    assert shop.triggers() == ["return.updated"]
    before = shop.return_(id_)
    shop.advance(hours=1)
    shop.call("flagReturn", id=id_)
    assert shop.heard() == []
    assert shop.return_(id_) == before


def test_a_flag_can_mean_review(open_shop: Any) -> None:
    shop = open_shop(carrier="manual", quirks={"flag_moves_to_review": "on"})
    shop.subscribe()
    id_ = shop.submit()["id"]
    shop.heard()
    shop.call("flagReturn", id=id_)
    ((trigger, told),) = shop.heard()
    assert (trigger, told["state"], shop.return_(id_).state) == ("return.updated", "review", "review")
    assert shop.call("listReturns", query={"state": "review"}).body[0]["id"] == str(id_)
    shop.call("flagReturn", id=id_)
    assert shop.heard() == []


def test_staff_can_take_a_flag_away_once(shop: Shop) -> None:
    id_ = made(shop, "open", flagged=True)
    shop.act("staffUnflags", return_id=id_)
    assert (shop.return_(id_).flagged, shop.triggers()) == (False, ["return.updated"])
    assert shop.call("staffUnflags", {"return_id": id_}).refusal == "not_unflaggable"


def test_a_flag_stops_automatic_processing_and_only_that(shop: Shop) -> None:
    id_ = made(shop, "open", flagged=True)
    shop.act("carrierScans", return_id=id_, status="delivered")
    shop.advance(days=1)
    assert shop.return_(id_).state == "open"
    shop.act("staffProcesses", return_id=id_)
    shop.advance(seconds=2)
    assert shop.return_(id_).state == "closed"


# remove


def lines(shop: Shop, id_: int) -> list[int]:
    return [line.id for line in shop.return_(id_).lines]


def removed(shop: Shop, id_: int, *line_ids: Any) -> Any:
    return shop.call("removeLineItems", id=id_, query={"line_item_id": ",".join(map(str, line_ids))})


def test_removing_some_units_processes_the_rest_inside_the_call(shop: Shop) -> None:
    id_ = made(shop, "open")
    first, second = lines(shop, id_)
    reply = removed(shop, id_, first)
    assert (reply.status, reply.body) == (200, True)
    return_ = shop.return_(id_)
    assert (return_.state, return_.was_processed, [line.id for line in return_.lines]) == ("closed", True, [second])
    assert return_.edited_at == shop.now
    assert return_.totals.refund == return_.lines[0].refund
    assert shop.triggers() == ["return.updated", "return.closed"]
    assert removed(shop, id_, second).refusal == "not_modifiable"
    shop.advance(days=1)
    assert shop.heard() == []


def test_removed_units_may_be_returned_anew(shop: Shop) -> None:
    order = wide_order(shop)
    id_ = shop.submit("refund", "refund", "refund", order=order)["id"]
    removed(shop, id_, *lines(shop, id_)[:2])
    assert shop.call("customerSubmitsReturn", {"order": order, "items": [{"quantity": 2}]}).status == 200
    assert shop.call("customerSubmitsReturn", {"order": order}).refusal == "nothing_returnable"


def test_removing_all_units_cancels(shop: Shop) -> None:
    id_ = made(shop, "open")
    assert removed(shop, id_, *lines(shop, id_)).body is True
    assert (shop.return_(id_).state, shop.triggers()) == ("cancelled", ["return.updated"])
    assert len(shop.return_(id_).lines) == 2


@pytest.mark.parametrize("text", [None, "", "  "])
def test_remove_needs_to_be_told_what(text: str | None, shop: Shop) -> None:
    reply = shop.call("removeLineItems", id=made(shop, "open"), query={} if text is None else {"line_item_id": text})
    sentence = "The line item id field is required."
    assert (reply.status, reply.body) == (422, {"message": sentence, "errors": {"line_item_id": [sentence]}})


def test_remove_from_an_unknown_return_is_403_with_a_list(shop: Shop) -> None:
    reply = removed(shop, UNKNOWN, 5)
    assert (reply.status, reply.body) == (403, {"errors": [{"message": "No return found with this ID."}]})


@pytest.mark.parametrize("state", ["review", "closed", "cancelled", "expired"])
def test_remove_is_for_open_returns(state: str, shop: Shop) -> None:
    id_ = made(shop, state)
    reply = removed(shop, id_, lines(shop, id_)[0])
    assert (reply.status, reply.body) == (422, {"message": "Return cannot be modified."})


def test_remove_of_nothing_that_qualifies(shop: Shop) -> None:
    id_ = made(shop, "open")
    before = shop.dump()
    for ids in ((5,), ("x",), (",",), (10**30, "-1")):
        reply = removed(shop, id_, *ids)
        assert (reply.status, reply.body) == (422, {"message": "There are no line items that qualify for removal"})
    assert shop.dump() == before


def test_remove_of_some_that_do_not_qualify(shop: Shop) -> None:
    id_ = made(shop, "open")
    for other in (5, "x"):
        reply = removed(shop, id_, lines(shop, id_)[0], other)
        assert (reply.status, reply.body) == (422, {"message": "Not all line items qualify for removal"})


def test_exchanged_units_cannot_be_removed(shop: Shop) -> None:
    items = [{"outcome": "exchange", "exchange_variant": "MUG-WHT"}, {"outcome": "credit"}]
    id_ = shop.act("customerSubmitsReturn", order=wide_order(shop), items=items)["id"]
    exchanged, credited = lines(shop, id_)
    assert removed(shop, id_, exchanged).refusal == "nothing_removable"
    assert removed(shop, id_, exchanged, credited).refusal == "not_all_removable"
    assert removed(shop, id_, credited).body is True
    assert shop.return_(id_).outcome == "exchange"


def test_what_is_paid_cannot_be_removed(shop: Shop) -> None:
    shop.act("stockSets", variant="MUG-WHT", available=0)
    items = [{"outcome": "exchange", "exchange_variant": "MUG-WHT"}, {"outcome": "credit"}, {"outcome": "refund"}]
    id_ = shop.act("customerSubmitsReturn", order=wide_order(shop), items=items)["id"]
    shop.act("paymentFailsNext")
    shop.call("processReturn", id=id_)
    shop.advance(seconds=2)
    shop.act("staffResolvesReview", return_id=id_)
    shop.act("stockSets", variant="MUG-WHT", available=1)
    _, credited, unpaid = lines(shop, id_)
    assert removed(shop, id_, credited).refusal == "nothing_removable"
    assert removed(shop, id_, credited, unpaid).refusal == "not_all_removable"
    assert removed(shop, id_, unpaid).body is True
    row = shop.call("getReturnDetails", query={"return_id": id_}).body
    assert (row["state"], row["refund"], row["refunds"]) == ("closed", "0.00", [])
    assert row["outcomes_processed_at"]["gift_card_processed"] is not None


def test_a_flagged_return_refuses_removal_as_it_refuses_processing(shop: Shop) -> None:
    id_ = made(shop, "open", flagged=True)
    reply = removed(shop, id_, lines(shop, id_)[0])
    assert (reply.status, reply.body) == (200, state_refusal("open", "UNPROCESSABLE_FLAGGED_RETURN"))


@pytest.mark.parametrize("act", ["paymentFailsNext", "processingFailsNext"])
def test_a_processing_that_breaks_inside_remove_changes_nothing_and_passes(act: str, shop: Shop) -> None:
    id_ = made(shop, "open")
    before = shop.return_(id_)
    shop.act(act)
    reply = removed(shop, id_, lines(shop, id_)[0])
    assert (reply.status, reply.body) == (500, {"message": "An error was encountered during processing."})
    assert (shop.return_(id_), shop.heard()) == (before, [])
    assert removed(shop, id_, lines(shop, id_)[0]).body is True


def test_remove_says_it_broke_in_the_words_of_the_contract(contract: Any) -> None:
    assert render(contract.operation("removeLineItems"), Refusal("processing_broke"), {}).body == BROKE


def test_a_queued_processing_is_done_by_the_removal(shop: Shop) -> None:
    id_ = made(shop, "open")
    shop.call("processReturn", id=id_)
    removed(shop, id_, lines(shop, id_)[0])
    shop.heard()
    shop.advance(days=1)
    assert shop.heard() == []


# notes


def test_notes_come_newest_first_with_space_times(shop: Shop) -> None:
    id_ = made(shop, "open")
    for text in ("first", "zweite Notiz / 2"):
        assert shop.call("createNote", {"content": text}, id=id_).body is True
        shop.advance(minutes=1)
    notes = shop.call("listNotes", id=id_).body
    assert [note["content"] for note in notes] == ["zweite Notiz / 2", "first"]
    assert notes[0]["id"] > notes[1]["id"]
    assert notes[0]["created_at"] == f"{shop.now - timedelta(minutes=1):%Y-%m-%d %H:%M:%S}"


def test_no_notes_are_422_and_false_for_an_unknown_return_too(shop: Shop) -> None:
    for id_ in (made(shop, "open"), UNKNOWN, "abc", 10**30):
        reply = shop.call("listNotes", id=id_)
        assert (reply.status, reply.body) == (422, False)


@pytest.mark.parametrize("length", [1, 255])
def test_a_note_may_have_up_to_255_characters(length: int, shop: Shop) -> None:
    assert shop.call("createNote", {"content": "ü" * length}, id=made(shop, "closed")).body is True


@pytest.mark.parametrize("body", [{}, {"content": ""}, {"content": "x" * 256}, {"content": None}, {"content": 5}, []])
def test_a_note_without_or_with_too_much_content_gets_one_fixed_sentence(body: Any, shop: Shop) -> None:
    id_ = made(shop, "open")
    reply = shop.call("createNote", body, id=id_)
    sentence = "Content is required and must be less than 255 characters."
    assert (reply.status, reply.body) == (422, {"errors": {"message": sentence}})
    assert shop.call("listNotes", id=id_).status == 422


def test_a_note_on_an_unknown_return_is_refused_as_other_actions_are(shop: Shop) -> None:
    reply = shop.call("createNote", {"content": "x"}, id=UNKNOWN)
    assert (reply.status, reply.body) == (200, NOT_FOUND)
