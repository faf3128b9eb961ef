"""Reading the fields of somebody else's JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from loopsim.wire import fields
from loopsim.wire.fields import Unreadable

MOMENT = datetime(2026, 5, 27, 16, 30, 36, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "minor"),
    [("69.95", 6995), ("-29.99", -2999), ("7", 700), ("7.5", 750), (7, 700), (12.25, 1225), (None, 0), ("0.00", 0)],
)
def test_money_is_read_in_minor_units(written: Any, minor: int) -> None:
    assert fields.amount({"price": written}, "price") == minor


@pytest.mark.parametrize("written", ["abc", "1.234", "", "1e3", "69,95", True, [], {}, 1.005, "9" * 30, "9" * 16, "٣"])
def test_what_is_no_amount_is_named(written: Any) -> None:
    with pytest.raises(Unreadable, match="is not an amount") as error:
        fields.amount({"price": written}, "price")
    assert error.value.field == "price"


@pytest.mark.parametrize(
    ("written", "found"),
    [("12", 12), (12, 12), ("", None), ("N/A", None), (None, None), (0, None), ("0", None), ("9" * 18, int("9" * 18))],
)
def test_ids_are_digits_or_numbers(written: Any, found: int | None) -> None:
    assert fields.maybe_id({"id": written}, "id") == found


@pytest.mark.parametrize("written", ["12a", -1, 1.0, True, [], "9" * 19, 10**19, "²", "\uff11\uff12"])
def test_what_is_no_id_is_named(written: Any) -> None:
    with pytest.raises(Unreadable, match="is not an id"):
        fields.maybe_id({"id": written}, "id")


def test_an_id_that_has_to_be_there_is_missed() -> None:
    with pytest.raises(Unreadable, match="the id is missing"):
        fields.an_id({}, "id")


@pytest.mark.parametrize(
    "written",
    [
        "2026-05-27T16:30:36+00:00",
        "2026-05-27T16:30:36.000Z",
        "2026-05-27 16:30:36",
        "2026-05-27T18:30:36+02:00",
        "2026-5-27 16:30:36 UTC",
        {"date": "2026-05-27 16:30:36.000000", "timezone_type": 3, "timezone": "UTC"},
        {"date": "2026-05-27 18:30:36.000000", "timezone_type": 1, "timezone": "+02:00"},
    ],
)
def test_all_spellings_of_a_moment_are_read(written: Any) -> None:
    assert fields.maybe_moment({"at": written}, "at") == MOMENT


@pytest.mark.parametrize("written", [None, "", "N/A", []])
def test_a_moment_may_be_absent(written: Any) -> None:
    assert fields.maybe_moment({"at": written}, "at") is None


@pytest.mark.parametrize(
    "written",
    ["yesterday", "7 days", 1700000000, "@1700000000", "0001-01-01", "9999-12-31", "2026-13-01", {}, {"date": 1}],
)
def test_what_is_no_moment_is_named(written: Any) -> None:
    with pytest.raises(Unreadable, match="is not a time like"):
        fields.maybe_moment({"at": written}, "at")


@pytest.mark.parametrize(("written", "found"), [("x", "x"), (None, "?"), (41, "41"), (1.5, "1.5"), ("", "")])
def test_text_may_come_as_a_number(written: Any, found: str) -> None:
    assert fields.text({"sku": written}, "sku", "?") == found


@pytest.mark.parametrize(
    ("written", "message"),
    [(True, "true stands where text belongs"), ([], "a list stands where text"), ({}, "an object stands where text")],
)
def test_what_is_no_text_is_named(written: Any, message: str) -> None:
    with pytest.raises(Unreadable, match=message):
        fields.maybe_text({"sku": written}, "sku")


def test_digits_that_are_none_count_as_nothing() -> None:
    assert fields.digits({"n": "46391"}, "n") == "46391"
    assert (
        fields.digits({"n": "EU-1"}, "n")
        == fields.digits({"n": None}, "n")
        == fields.digits({"n": "9" * 30}, "n")
        == ""
    )


def test_an_error_says_where_it_is_from_the_outside_in() -> None:
    def read(item: dict[str, Any]) -> Any:
        return fields.maybe_object(item, "condition", lambda inner: fields.truth(inner, "worn"))

    with pytest.raises(Unreadable) as error:
        fields.each({"items": [{}, {"condition": {"worn": 1}}]}, "items", read)
    assert error.value.field == "items[1].condition.worn"
    with pytest.raises(Unreadable) as error:
        fields.each({"items": [{}, 7]}, "items", read)
    assert (error.value.field, error.value.reason) == ("items[1]", "7 stands where an object belongs")


def test_long_values_are_quoted_in_part() -> None:
    assert fields.shown("x" * 1000) == '"' + "x" * 59 + "…"


def test_nesting_has_a_limit() -> None:
    def nested(times: int) -> Any:
        value: Any = {}
        for _ in range(times):
            value = [value]
        return value

    fields.check_depth({"x": nested(fields.DEEPEST - 2)})
    with pytest.raises(Unreadable, match="64 deep"):
        fields.check_depth({"x": nested(fields.DEEPEST)})
