"""Typed matchers: what matches, and what is said where something does not."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopsim.errors import SetupError
from loopsim.harness.matchers import MATCHERS, MISSING, Mismatch, check, is_matcher, match, matches

texts = st.text(max_size=8).filter(lambda text: not text.startswith("#"))
names = st.text(alphabet="abcdefg", min_size=1, max_size=3)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=10,
)


@given(values)
def test_every_value_matches_itself(value: Any) -> None:
    assert match(value, value) == []


@given(st.dictionaries(names, values, max_size=4), st.dictionaries(names, values, max_size=4))
def test_a_mapping_matches_whatever_has_more(small: dict[str, Any], more: dict[str, Any]) -> None:
    assert matches(small, {**more, **small})


@given(st.lists(values, max_size=4), values)
def test_a_list_matches_only_one_as_long(elements: list[Any], more: Any) -> None:
    assert not matches(elements, [*elements, more])
    assert not matches([*elements, more], elements)


@given(values, values)
def test_not_is_the_opposite_and_one_of_is_any(first: Any, second: Any) -> None:
    assert matches({"$not": first}, second) != matches(first, second)
    assert matches({"$one_of": [first, second]}, second)


@given(st.decimals(-1000, 1000, places=2), st.decimals(-1000, 1000, places=2), st.decimals(-1000, 1000, places=2))
def test_a_range_holds_its_ends_and_compares_money_exactly(low: Decimal, value: Decimal, high: Decimal) -> None:
    assert matches({"$range": [str(low), str(high)]}, str(value)) == (low <= value <= high)
    assert matches({"$range": [str(value), None]}, str(value))


@given(st.integers(), st.integers())
def test_integers_above_2_to_53_are_told_apart(left: int, right: int) -> None:
    assert matches(left, right) == (left == right)
    assert not matches(2**60 + left, 2**60 + left + 1)


@given(st.uuids(), st.datetimes(timezones=st.just(UTC)))
def test_uuids_and_moments_are_known_by_their_form(made: uuid.UUID, moment: datetime) -> None:
    assert matches("#uuid", str(made))
    assert matches("#iso8601", moment.isoformat())
    assert not matches("#uuid", moment.isoformat())
    assert matches({"$range": [moment.isoformat(), None]}, moment.isoformat())


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ("#money", "12.30"), ("#money", "-0.05"), ("#integer", 2**60), ("#number", 1.5), ("#string", ""),
        ("#boolean", False), ("#null", None), ("#any", MISSING), ("#present", None), ("#absent", MISSING),
        ({"a": "#absent"}, {"b": 1}), ({"$not": "#absent"}, None), ("##uuid", "#uuid"), ("#1001", "#1001"),
        ({"$regex": "^R"}, "R-1"), ({"$regex": "^9"}, 90071), ({"$range": [1, 3]}, 3), ({"$range": [None, "2.5"]}, 2.5),
        ({"$contains": "und"}, "refund"), ({"$contains": {"sku": "A"}}, [{"sku": "B"}, {"sku": "A", "n": 1}]),
        ({"$one_of": ["#null", {"$range": [1, 2]}]}, 2), (1, 1.0), ({"$.items[0]": 1}, {"$.items[0]": 1}),
        ("2026-03-02T09:00:00Z", "2026-03-02T09:00:00Z"), ("#iso8601", "2026-03-02"),
        ("#iso8601", "2026-03-02 09:00:00"),
    ],
)  # fmt: skip
def test_it_matches(expected: Any, actual: Any) -> None:
    assert match(expected, actual) == []


@pytest.mark.parametrize(
    ("expected", "actual", "says"),
    [
        ("12.30", "12.3", 'expected "12.30", found "12.3"'),
        (12.3, "12.30", 'expected 12.3 (a number, not a text), found "12.30"'),
        (1, True, "expected 1, found true"),
        (None, MISSING, "expected null, found nothing"),
        ("#money", "12.3", 'expected money as a text with two decimals, such as "12.30" (#money), found "12.3"'),
        ("#money", 12.3, "(#money), found 12.3"),
        ("#integer", True, "expected an integer (#integer), found true"),
        ("#integer", 1.0, "found 1.0"),
        ("#iso8601", "2026-13-02T09:00:00Z", "expected a moment or date"),
        ("#present", MISSING, "found nothing"),
        ("#absent", None, "expected no such member (#absent), found null"),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3]}}, "a.b.1: expected 2, found 3"),
        ({"a": 1}, [1], 'expected a mapping with {"a": 1}, found [1]'),
        ([1], "1", 'expected a list of 1, found "1"'),
        ([1], [1, 2], "expected a list of 1: [1], found a list of 2: [1, 2]"),
        ({"$range": [1, 3]}, 4, "expected between 1 and 3, found 4"),
        ({"$range": [1, None]}, "x", 'expected at least 1, found "x"'),
        ({"$range": ["2026-03-01", None]}, "2026-02-01", "at least"),
        ({"$range": ["2026-03-01T00:00:00Z", None]}, "2026-03-02", "at least"),
        ({"$regex": "^R"}, None, "expected a text like /^R/, found null"),
        ({"$contains": 1}, [2], "expected something with 1 in it, found [2]"),
        ({"$one_of": [1, 2]}, 3, "expected one of [1, 2], found 3"),
        ({"$not": {"a": 1}}, {"a": 1, "b": 2}, 'expected anything but {"a": 1}'),
    ],
)
def test_it_does_not_match_and_says_why(expected: Any, actual: Any, says: str) -> None:
    assert says in "; ".join(map(str, match(expected, actual)))


def test_each_difference_is_named_with_its_path() -> None:
    expected = {"id": "#integer", "items": [{"sku": "A"}, {"sku": "B"}], "state": "closed"}
    actual = {"id": "7", "items": [{"sku": "A"}, {}], "state": "closed", "more": 1}
    assert match(expected, actual) == [
        Mismatch("id", "an integer (#integer)", '"7"'),
        Mismatch("items.1.sku", '"B"', "nothing"),
    ]


def test_long_values_are_cut() -> None:
    (found,) = match("x", "y" * 1000)
    assert len(found.actual) == 120


@pytest.mark.parametrize(
    ("expected", "says"),
    [
        ({"a": {"$regexp": "x"}}, "Found $regexp; expected one of $regex, $range, $contains, $one_of, $not. Did you"),
        ({"a": {"$regex": "("}}, "$regex takes a regular expression"),
        ({"a": {"$range": [1]}}, "$range takes [lowest, highest]"),
        ({"a": {"$one_of": 1}}, "$one_of takes a list"),
        ({"a": {"$not": 1, "$regex": "x"}}, "a matcher stands alone"),
        ({"a": {"$not": 1, "b": 2}}, "a matcher stands alone"),
    ],
)  # fmt: skip
def test_what_is_no_matcher_is_refused_and_found_before_a_run(expected: Any, says: str) -> None:
    with pytest.raises(SetupError) as caught:
        match(expected, {"a": 1})
    assert says in str(caught.value)
    ((path, found),) = check(expected)
    assert path == ("a",)
    assert says in found


def test_a_misspelt_matcher_is_found_before_a_run() -> None:
    assert check({"a": ["#uid"]}) == [
        (("a", 0), "Found #uid, which is no matcher. Did you mean #uuid? For the text itself write ##uid.")
    ]
    assert check(["#1001", "#wholly-different", *(f"#{name}" for name in MATCHERS)]) == []


def test_a_shift_of_an_hour_is_seen_whatever_the_zone_is_called() -> None:
    now = datetime(2026, 3, 2, 9, tzinfo=UTC)
    expected = {"$range": [now.isoformat(), (now + timedelta(hours=1)).isoformat()]}
    assert matches(expected, "2026-03-02T10:30:00+01:00")
    assert not matches(expected, "2026-03-02T10:30:00+00:00")


@pytest.mark.parametrize(
    ("value", "meant"),
    [("#uuid", True), ("#uid", True), ({"$regex": "x"}, True), ("#1001", False), ({"a": "#uuid"}, False), (3, False)],
)
def test_what_is_meant_as_a_matcher_is_told_from_a_literal(value: Any, meant: bool) -> None:
    assert is_matcher(value) is meant
