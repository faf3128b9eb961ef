"""Retries, chance, the clock and faults: pure decisions, as tables and properties."""

from __future__ import annotations

import re
import subprocess
import sys
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopsim.clock import EPOCH, Clock, from_ms, to_ms
from loopsim.contract import Contract
from loopsim.domain import chance
from loopsim.domain.destinations import Destination, first_warehouse
from loopsim.domain.events import TOPICS, TRIGGERS
from loopsim.domain.faults import Fault, matches_answer, matches_delivery, strikes
from loopsim.domain.quirks import QUIRKS, quirk
from loopsim.domain.webhooks import Decision, judge

# retries


def judged(status: int | None, attempt: int = 1, retry_after: float | None = None) -> Decision:
    return judge(status=status, retry_after=retry_after, attempt=attempt, seed=1, delivery_id=9)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_delivered(status: int) -> None:
    assert judged(status) == Decision(delivered=True)
    assert judged(status, retry_after=60, attempt=6) == Decision(delivered=True)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599, None])
def test_what_may_pass_is_tried_again_up_to_the_sixth_attempt(status: int | None) -> None:
    for attempt in range(1, 6):
        wait = judged(status, attempt).retry_in
        assert wait is not None
        plain = timedelta(seconds=30) * 2 ** (attempt - 1)
        assert 0.8 * plain <= wait <= 1.2 * plain
    assert judged(status, 6) == Decision(delivered=False)


@pytest.mark.parametrize("status", [300, 301, 302, 304, 400, 401, 403, 404, 405, 409, 410, 422, 451])
def test_what_will_not_pass_is_not_tried_again(status: int) -> None:
    assert judged(status) == Decision(delivered=False)
    assert judged(status, retry_after=5) == Decision(delivered=False)


@pytest.mark.parametrize(
    ("asked", "wait"),
    [(0, timedelta()), (1, timedelta(seconds=1)), (0.5, timedelta(seconds=0.5)), (1800, timedelta(minutes=30)),
     (1800.001, None), (1801, None), (86400, None)],
)  # fmt: skip
def test_retry_after_is_honoured_up_to_half_an_hour_and_fatal_above(asked: float, wait: timedelta | None) -> None:
    assert judged(503, retry_after=asked) == Decision(delivered=False, retry_in=wait)
    assert judged(503, 6, retry_after=asked) == Decision(delivered=False)


def test_a_negative_retry_after_counts_as_none() -> None:
    assert judged(503, retry_after=-5) == judged(503)


def test_deliveries_that_fail_together_are_not_tried_again_together() -> None:
    waits = {judge(status=500, retry_after=None, attempt=1, seed=1, delivery_id=i).retry_in for i in range(50)}
    assert len(waits) == 50


# chance


@given(st.integers(0, 2**63), st.text(max_size=9), st.integers(0, 99), st.integers(-50, 50), st.integers(0, 50))
def test_chance_stays_in_its_bounds(seed: int, purpose: str, counter: int, low: int, width: int) -> None:
    assert 0 <= chance.draw(seed, purpose, "x", counter) < 2**64
    assert 0 <= chance.fraction(seed, purpose, "x", counter) < 1
    assert low <= chance.between(low, low + width, seed, purpose, "x", counter) <= low + width
    parsed = uuid.UUID(chance.uuid4(seed, purpose, "x", counter))
    assert (parsed.version, parsed.variant) == (4, uuid.RFC_4122)


@given(st.integers(1, 60), st.integers(0, 9999))
def test_digits_are_as_many_as_asked_for_and_begin_with_none_that_is_lost(count: int, entity: int) -> None:
    assert re.fullmatch(rf"[1-9][0-9]{{{count - 1}}}", chance.digits(count, 1, "d", entity))


def test_chance_depends_on_all_its_arguments_and_on_nothing_else() -> None:
    asked = [(1, "a", "x", 0), (2, "a", "x", 0), (1, "b", "x", 0), (1, "a", "y", 0), (1, "a", "x", 1)]
    assert len({chance.draw(*each) for each in asked}) == len(asked)
    code = "from loopsim.domain import chance; print(chance.draw(1, 'a', 'x', 0))"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert int(other.stdout) == chance.draw(1, "a", "x", 0)


def test_every_value_of_a_range_comes_up() -> None:
    assert {chance.between(3, 7, 1, "dice", i) for i in range(200)} == {3, 4, 5, 6, 7}


# the clock

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


@given(st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)))
def test_moments_survive_as_milliseconds(moment: datetime) -> None:
    aware = moment.replace(tzinfo=UTC)
    assert from_ms(to_ms(aware)) == aware.replace(microsecond=aware.microsecond // 1000 * 1000)
    assert to_ms(EPOCH) == 0


@pytest.mark.parametrize(("mode", "rate", "shop_ms"), [("real", 1, 1500), ("scaled", 60, 31_000), ("manual", 1, 1000)])
def test_a_clock_goes_by_its_mode(mode: Any, rate: float, shop_ms: int) -> None:
    clock = Clock(mode=mode, rate=rate, shop_ms=1000, wall_ms=50_000)
    assert clock.now_ms(50_500) == shop_ms
    assert clock.now_ms(40_000) == 1000  # a wall clock that was set back


def test_a_clock_is_set_forward_only() -> None:
    clock = Clock(mode="manual", shop_ms=1000)
    assert clock.at(5000, 0).now_ms(0) == 5000
    assert clock.at(500, 0).now_ms(0) == 1000


def test_switching_the_mode_does_not_move_the_time() -> None:
    clock = Clock(mode="scaled", rate=10, shop_ms=0, wall_ms=0)
    switched = clock.switched("real", 1, 2000)
    assert (switched.now_ms(2000), switched.now_ms(3000)) == (20_000, 21_000)


@pytest.mark.parametrize(
    ("mode", "rate", "goal", "seconds"),
    [("real", 1, 61_000, 60), ("scaled", 60, 61_000, 1), ("real", 1, 500, 0), ("manual", 1, 61_000, None)],
)
def test_a_clock_knows_how_long_the_wall_has_to_wait(mode: Any, rate: float, goal: int, seconds: Any) -> None:
    assert Clock(mode=mode, rate=rate, shop_ms=1000).wall_delay(goal, 0) == seconds


# faults


def test_a_fault_strikes_as_often_as_it_may() -> None:
    assert strikes(Fault(id=1, on="answer", kind="reset", count=1), 7)
    assert not strikes(Fault(id=1, on="answer", kind="reset", count=0), 7)
    assert strikes(Fault(id=1, on="answer", kind="reset", count=None), 7)


def test_a_rate_strikes_its_share_and_always_the_same_ones() -> None:
    struck = [strikes(Fault(id=1, on="answer", kind="reset", count=None, rate=0.3, seen=i), 7) for i in range(1000)]
    again = [strikes(Fault(id=1, on="answer", kind="reset", count=None, rate=0.3, seen=i), 7) for i in range(1000)]
    assert struck == again
    assert 230 < sum(struck) < 370


@pytest.mark.parametrize(
    ("own", "matches"),
    [
        ({}, True),
        ({"trigger": "return.closed"}, True),
        ({"trigger": "return.updated"}, False),
        ({"topic": "return", "subscription_id": 3}, True),
        ({"topic": "label"}, False),
        ({"subscription_id": 4}, False),
        ({"on": "answer"}, False),
    ],
)
def test_a_fault_on_deliveries_matches_what_it_names(own: dict[str, Any], matches: bool) -> None:
    fault = Fault(**{"id": 1, "on": "delivery", "kind": "drop", **own})
    assert matches_delivery(fault, "return.closed", "return", 3) is matches


def test_a_fault_on_answers_matches_its_operation() -> None:
    assert matches_answer(Fault(id=1, on="answer", kind="reset", operation="listReturns"), "listReturns")
    assert matches_answer(Fault(id=1, on="answer", kind="reset"), "listReturns")
    assert not matches_answer(Fault(id=1, on="answer", kind="reset", operation="listReturns"), "listNotes")
    assert not matches_answer(Fault(id=1, on="delivery", kind="drop"), "listNotes")


# names


def test_the_contract_and_the_domain_know_the_same_quirks(contract: Contract) -> None:
    declared = contract.quirks()
    assert set(declared) == set(QUIRKS)
    for name, values in QUIRKS.items():
        assert sorted(map(str, declared[name]["values"])) == sorted(values)
        assert str(declared[name]["default"]) == values[0]


def test_a_quirk_is_the_shop_s_choice_or_the_default() -> None:
    assert quirk({}, "empty_pair") == "send"
    assert quirk({"empty_pair": "skip"}, "empty_pair") == "skip"


def test_there_are_seven_topics_and_eleven_triggers() -> None:
    assert (len(TOPICS), len(TRIGGERS)) == (7, 11)


def test_returns_go_to_the_first_enabled_warehouse() -> None:
    def place(id_: int, type_: Any, enabled: bool = True) -> Destination:
        return Destination(id=id_, type=type_, name="", address=None, enabled=enabled)

    assert first_warehouse(()) is None
    assert first_warehouse((place(1, "donate"),)) is None
    chosen = first_warehouse((place(1, "donate"), place(2, "warehouse", False), place(3, "warehouse")))
    assert chosen is not None
    assert chosen.id == 3
