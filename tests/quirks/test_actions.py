"""Process, cancel, flag, close and remove: what they answer, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.quirks.bench import Bench
from tests.quirks.catalogue import shows
from tests.quirks.test_fields import EXCHANGED

ACTIONS = ("process", "cancel", "flag", "close")
UNKNOWN = {"errors": {"message": "No return found with this ID."}}
PROCESSED = ("return.processing", "return.processing.failed")


def refusal(state: str, code: str = "UNPROCESSABLE_RETURN") -> dict[str, Any]:
    """What an action answers that the state does not allow."""
    return {"errors": {"message": f"Return is {state} and therefore cannot be processed.", "code": code}}


def lines(shop: Bench, return_id: int) -> list[str]:
    """The ids of a return's line items."""
    return [line["line_item_id"] for line in shop.row(return_id)["line_items"]]


# answers


@shows("refusals-200")
@pytest.mark.parametrize("action", ACTIONS)
def test_refusals_arrive_with_status_200(shop: Bench, action: str) -> None:
    return_id = shop.submit()
    shop.act(return_id, "close")

    for refused, body in ((shop.act(1, action), UNKNOWN), (shop.act(return_id, action), refusal("closed"))):
        assert (refused.status, refused.json) == (200, body)


@shows("success-true")
@pytest.mark.parametrize("action", [*ACTIONS, "remove", "note"])
def test_success_is_the_bare_scalar_true(shop: Bench, action: str) -> None:
    return_id = shop.submit({"sku": "SOCK-M", "quantity": 2}, order="#1003")
    query = {"line_item_id": lines(shop, return_id)[0]} if action == "remove" else None
    body = {"content": "counted"} if action == "note" else None

    reply = shop.post(f"/warehouse/return/{return_id}/{action}", body, query=query)

    assert (reply.status, reply.body) == (200, b"true")
    assert reply.headers["content-type"] == "application/json"


def _closed(shop: Bench, return_id: int) -> None:
    shop.act(return_id, "close")


def _cancelled(shop: Bench, return_id: int) -> None:
    shop.act(return_id, "cancel")


def _in_review(shop: Bench, return_id: int) -> None:
    shop.control.payment.fails_next()
    shop.act(return_id, "process")
    shop.advance(5)


def _expired(shop: Bench, _return_id: int) -> None:
    shop.advance("29d")


@shows("refusal-echo")
@pytest.mark.parametrize(
    ("lead", "state"),
    [(_closed, "closed"), (_cancelled, "cancelled"), (_in_review, "review"), (_expired, "expired")],
)
def test_the_refusal_echoes_the_raw_state(shop: Bench, lead: Callable[[Bench, int], None], state: str) -> None:
    return_id = shop.submit()
    lead(shop, return_id)

    assert shop.details(return_id)["state"] == state
    assert shop.act(return_id, "process").json == refusal(state)


@shows("flagged-open")
def test_a_flagged_return_is_refused_as_open_with_a_code_of_its_own(shop: Bench) -> None:
    return_id = shop.submit()
    shop.act(return_id, "flag")

    reply = shop.act(return_id, "process")

    assert (reply.status, reply.json) == (200, refusal("open", "UNPROCESSABLE_FLAGGED_RETURN"))


@shows("cancel-words")
@pytest.mark.parametrize("word", ["expired", "flagged"])
def test_cancel_words_two_of_its_refusals_in_its_own_way(shop: Bench, word: str) -> None:
    return_id = shop.submit()
    if word == "expired":
        shop.advance("29d")
    else:
        shop.act(return_id, "flag")

    reply = shop.act(return_id, "cancel")

    assert (reply.status, reply.json) == (200, {"errors": {"message": f"Return is {word} and cannot be processed."}})


# processing


@shows("process-later")
def test_process_answers_at_once_and_happens_later(shop: Bench) -> None:
    shop.listen(("return", "return.closed"))
    return_id = shop.submit()

    assert shop.act(return_id, "process").body == b"true"
    assert shop.details(return_id)["state"] == "open"
    assert shop.heard() == []
    shop.advance(30)

    assert shop.details(return_id)["state"] == "closed"
    assert [each.trigger for each in shop.heard()] == ["return.closed"]


@shows("process-fails")
def test_a_process_that_fails_later_is_told_by_a_webhook(shop: Bench) -> None:
    shop.listen(PROCESSED)
    return_id = shop.submit()
    shop.control.processing.fails_next()

    assert shop.act(return_id, "process").body == b"true"
    shop.advance(30)

    heard = shop.heard_one()
    assert list(heard.json) == ["topic", "trigger", "return_id", "return_state", "message", "source"]
    assert (heard.json["topic"], heard.json["trigger"]) == PROCESSED
    assert (heard.json["return_id"], heard.json["return_state"], heard.json["source"]) == (return_id, "open", "api")
    assert shop.details(return_id)["state"] == "open"


# flags


@shows("flag-marker")
def test_a_flag_is_a_marker_that_leaves_the_state(shop: Bench) -> None:
    return_id = shop.submit()
    shop.advance(5)

    assert shop.act(return_id, "flag").body == b"true"
    assert shop.act(return_id, "flag").body == b"true"
    shop.control.carrier.scans(return_id=return_id, status="delivered")
    shop.advance("1d")

    assert shop.details(return_id)["state"] == "open", "it stops automatic processing, and that is all"
    assert shop.control.get_return(return_id)["flagged"] is True


@shows("flag-staff")
def test_staff_takes_a_flag_away_and_sends_a_review_back_to_open(shop: Bench) -> None:
    flagged, reviewed = shop.submit(), shop.submit()
    shop.act(flagged, "flag")
    _in_review(shop, reviewed)

    shop.control.staff.unflags(return_id=flagged)
    shop.control.staff.resolves_review(return_id=reviewed)

    assert shop.details(reviewed)["state"] == "open"
    for return_id in (flagged, reviewed):
        assert shop.act(return_id, "process").body == b"true"


# removing items


def remove(shop: Bench, return_id: int, *ids: str) -> Any:
    """Remove line items."""
    return shop.post(f"/warehouse/return/{return_id}/remove", query={"line_item_id": ",".join(ids)})


@shows("remove-at-once")
def test_remove_processes_inside_the_call(shop: Bench) -> None:
    return_id = shop.submit({"sku": "SOCK-M", "quantity": 3}, order="#1003")
    first, *others = lines(shop, return_id)

    assert remove(shop, return_id, first).body == b"true"

    row = shop.row(return_id)
    assert (row["state"], row["was_processed"]) == ("closed", True)
    assert lines(shop, return_id) == others
    assert len(shop.details(return_id)["refunds"]) == 1


@shows("remove-first-closes")
def test_the_first_remove_closes_the_return_so_that_a_second_is_refused(shop: Bench) -> None:
    return_id = shop.submit({"sku": "SOCK-M", "quantity": 3}, order="#1003")
    first, second, _ = lines(shop, return_id)
    remove(shop, return_id, first)

    reply = remove(shop, return_id, second)

    assert (reply.status, reply.json) == (422, {"message": "Return cannot be modified."})


@shows("remove-all-cancels")
def test_removing_every_item_cancels_the_return_and_frees_the_items(shop: Bench) -> None:
    socks = {"sku": "SOCK-M", "quantity": 3}
    return_id = shop.submit(socks, order="#1003")

    assert remove(shop, return_id, *lines(shop, return_id)).body == b"true"

    assert shop.details(return_id)["state"] == "cancelled"
    assert shop.submit(socks, order="#1003") > return_id


def _of_unknown(shop: Bench) -> Any:
    return remove(shop, 1, "2")


def _of_none(shop: Bench) -> Any:
    return shop.act(shop.submit(), "remove")


def _of_closed(shop: Bench) -> Any:
    return_id = shop.submit()
    ids = lines(shop, return_id)
    shop.act(return_id, "close")
    return remove(shop, return_id, *ids)


def _of_exchanged(shop: Bench) -> Any:
    return_id = shop.submit(EXCHANGED)
    return remove(shop, return_id, *lines(shop, return_id))


def _of_some_foreign(shop: Bench) -> Any:
    return_id = shop.submit({"sku": "SOCK-M", "quantity": 3}, order="#1003")
    return remove(shop, return_id, lines(shop, return_id)[0], "1")


def _of_what_breaks(shop: Bench) -> Any:
    return_id = shop.submit({"sku": "SOCK-M", "quantity": 3}, order="#1003")
    shop.control.payment.fails_next()
    return remove(shop, return_id, lines(shop, return_id)[0])


NEEDED = "The line item id field is required."


@shows("remove-own-errors")
@pytest.mark.parametrize(
    ("provoke", "status", "body"),
    [
        (_of_unknown, 403, {"errors": [{"message": "No return found with this ID."}]}),
        (_of_none, 422, {"message": NEEDED, "errors": {"line_item_id": [NEEDED]}}),
        (_of_closed, 422, {"message": "Return cannot be modified."}),
        (_of_exchanged, 422, {"message": "There are no line items that qualify for removal"}),
        (_of_some_foreign, 422, {"message": "Not all line items qualify for removal"}),
        (_of_what_breaks, 500, {"message": "An error was encountered during processing."}),
    ],
)
def test_remove_has_a_mixture_of_errors_of_its_own(
    shop: Bench, provoke: Callable[[Bench], Any], status: int, body: Any
) -> None:
    reply = provoke(shop)

    assert (reply.status, reply.json) == (status, body)
    assert {row["state"] for row in shop.rows()} <= {"open", "closed"}, "nothing changed by what was refused"
