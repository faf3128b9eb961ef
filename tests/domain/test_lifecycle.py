"""The full product of actions and states, against a table written from the facts (section 6.3), not from the code."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from loopsim.domain import returns
from loopsim.domain.labels import Label
from loopsim.domain.returns import ProcessJob
from loopsim.errors import Refusal

UPDATED = ("return.updated",)
CLOSED = ("return.updated", "return.closed")
STATES = ("open", "review", "closed", "cancelled", "expired")

# action -> what becomes of a return in each state: where it goes, and what is fired. What is not here is refused.
EXPECTED: dict[str, dict[str, tuple[str, tuple[str, ...]]]] = {
    "process": {"open": ("open", ())},
    "process_by_staff": {"open": ("open", ()), "review": ("review", ())},
    "process_done": {"open": ("closed", CLOSED), "review": ("closed", CLOSED)},
    "process_partly_done": {"open": ("review", UPDATED), "review": ("review", UPDATED)},
    "process_failed": {
        "open": ("open", ("return.processing.failed",)),
        "review": ("review", ("return.processing.failed",)),
    },
    "resolve": {"review": ("open", UPDATED)},
    "close": {"open": ("closed", CLOSED), "review": ("closed", CLOSED), "expired": ("closed", CLOSED)},
    "cancel": {"open": ("cancelled", UPDATED), "review": ("cancelled", UPDATED)},
    "flag": {"open": ("open", UPDATED), "review": ("review", UPDATED)},
    "unflag": {"open": ("open", UPDATED), "review": ("review", UPDATED)},
    "remove": {"open": ("open", ())},
    "expire": {"open": ("expired", UPDATED)},
    "edit": {"open": ("open", UPDATED)},
    "inspect": {state: (state, UPDATED) for state in STATES},
    # A parcel travels on after its return was processed, closed or given up; a cancelled return has none.
    "label_changed": {state: (state, UPDATED) for state in ("open", "review", "closed", "expired")},
}


def test_the_table_of_the_facts_and_that_of_the_code_have_the_same_actions_and_states() -> None:
    assert set(returns.ACTIONS) == set(EXPECTED) == set(returns.LIFECYCLE)
    assert set(returns.STATES) == set(STATES)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("action", EXPECTED)
def test_each_action_does_in_each_state_what_the_facts_say_or_is_refused(action: Any, state: Any, make: Any) -> None:
    return_ = make.return_(state=state)
    expected = EXPECTED[action].get(state)
    if expected is None:
        with pytest.raises(Refusal) as refused:
            returns.move(return_, action, make.now)
        assert (refused.value.code, refused.value.params) == ("unprocessable", {"state": state})
        return
    after, triggers = returns.move(return_, action, make.now + timedelta(seconds=5))
    assert (after.state, triggers) == expected
    assert after.updated_at == (make.now + timedelta(seconds=5) if triggers else make.now)


def test_nothing_leaves_a_final_state() -> None:
    for moves in returns.LIFECYCLE.values():
        assert all(moves[state].to == state for state in returns.FINAL if state in moves)


def test_a_return_is_closed_at_the_moment_of_closing_and_what_was_queued_is_dropped(make: Any) -> None:
    queued = make.return_(pending=ProcessJob(source="api"))
    later = make.now + timedelta(hours=1)
    closed, _ = returns.move(queued, "close", later)
    assert (closed.closed_at, closed.pending, closed.was_processed) == (later, None, False)
    cancelled, _ = returns.move(queued, "cancel", later)
    assert cancelled.pending is None


def test_a_scan_after_closing_leaves_the_moment_of_closing(make: Any) -> None:
    closed, _ = returns.move(make.return_(), "close", make.now)
    after, _ = returns.move(closed, "label_changed", make.now + timedelta(days=1))
    assert after.closed_at == make.now


def test_time_never_runs_backwards_on_a_return(make: Any) -> None:
    after, _ = returns.move(make.return_(), "flag", make.now - timedelta(days=1))
    assert after.updated_at == make.now


def test_a_cancelled_exchange_is_worth_nothing_but_keeps_the_price_of_its_items(make: Any) -> None:
    exchange = make.return_(make.unit("exchange", tax=100), exchanges=(make.item(tax=100),))
    cancelled, _ = returns.move(exchange, "cancel", make.now)
    amounts = {name: getattr(cancelled.totals, name) for name in cancelled.totals.__struct_fields__}
    assert amounts.pop("exchange") == 2100
    assert set(amounts.values()) == {0}
    assert cancelled.lines == exchange.lines
    assert cancelled.outcome == "exchange"


# what stands beside the table


def test_a_flag_stops_processing_with_a_code_of_its_own_unless_the_shop_allows_it(make: Any) -> None:
    flagged = make.return_(flagged=True)
    with pytest.raises(Refusal) as refused:
        returns.check_processable(flagged, allow_flagged=False)
    assert (refused.value.code, refused.value.params) == ("flagged", {"state": "open"})
    returns.check_processable(flagged, allow_flagged=True)
    returns.check_processable(make.return_(), allow_flagged=False)


@pytest.mark.parametrize(
    ("state", "flagged", "word"),
    [("expired", False, "expired"), ("expired", True, "expired"), ("open", True, "flagged"),
     ("review", True, "flagged"), ("open", False, None),
     ("review", False, None), ("closed", True, None), ("cancelled", True, None)],
)  # fmt: skip
def test_cancelling_words_expired_and_flagged_in_a_sentence_of_its_own(
    state: Any, flagged: bool, word: str | None, make: Any
) -> None:
    return_ = make.return_(state=state, flagged=flagged)
    if word is None:
        returns.check_cancellable(return_)
        return
    with pytest.raises(Refusal) as refused:
        returns.check_cancellable(return_)
    assert (refused.value.code, refused.value.params) == ("cannot_be_processed", {"word": word})


def label(make: Any, status: Any, days_ago: int = 28) -> Label:
    made = make.now - timedelta(days=days_ago)
    return Label(
        id=1, status=status, carrier="USPS", tracking_number="9", created_at=made, updated_at=made, line_ids=()
    )


@pytest.mark.parametrize(
    ("state", "statuses", "expires"),
    [
        ("open", ("new",), True),
        ("open", ("pre_transit",), True),
        ("open", ("new", "pre_transit"), True),
        ("open", ("in_transit",), False),
        ("open", ("new", "delivered"), False),
        ("open", ("error",), False),
        ("open", (), False),
        ("review", ("new",), False),
        ("closed", ("new",), False),
        ("expired", ("new",), False),
    ],
)
def test_only_an_open_return_with_labels_that_never_moved_expires(
    state: Any, statuses: tuple[Any, ...], expires: bool, make: Any
) -> None:
    return_ = make.return_(state=state, labels=tuple(label(make, status) for status in statuses))
    assert returns.has_expired(return_, make.now - timedelta(days=28)) is expires


def test_a_younger_label_keeps_a_return_alive(make: Any) -> None:
    return_ = make.return_(labels=(label(make, "new"), label(make, "new", days_ago=27)))
    assert not returns.has_expired(return_, make.now - timedelta(days=28))


@pytest.mark.parametrize(
    ("own", "awaits"),
    [
        ({}, True),
        ({"state": "review"}, True),
        ({"state": "closed"}, False),
        ({"state": "closed", "was_processed": True}, False),
        ({"state": "closed", "was_processed": True, "processing_event": "immediate"}, True),
        ({"state": "closed", "processing_event": "immediate"}, False),
        ({"state": "cancelled"}, False),
        ({"state": "expired"}, False),
        ({"label_source": "none"}, False),
        ({"label_failed": True}, False),
    ],
)
def test_a_label_is_awaited_while_the_parcel_has_yet_to_travel(own: dict[str, Any], awaits: bool, make: Any) -> None:
    assert returns.awaits_label(make.return_(**own)) is awaits


@pytest.mark.parametrize("status", ["new", "pre_transit", "in_transit", "out_for_delivery", "delivered"])
def test_a_label_that_works_needs_no_other(status: Any, make: Any) -> None:
    return_ = make.return_(labels=(label(make, status),))
    assert returns.has_label(return_)
    assert not returns.awaits_label(return_)


@pytest.mark.parametrize("status", ["error", "failure"])
def test_a_label_that_failed_may_be_followed_by_another(status: Any, make: Any) -> None:
    return_ = make.return_(labels=(label(make, status),))
    assert not returns.has_label(return_)
    assert returns.awaits_label(return_)
