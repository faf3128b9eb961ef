"""References to earlier values."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopsim.harness.references import UnknownReference, has_reference, heads, replace, resolve

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
NAMES: dict[str, Any] = {
    "now": NOW,
    "ret": {"id": 2**60, "items": [{"sku": "A"}], "gift": None, "total-due": "1.00"},
    "row": {"outcome": "refund"},
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${ret.id}", 2**60), ("${ret}", NAMES["ret"]), ("${ret.items.0.sku}", "A"), ("${ret.gift}", None),
        ("${ret.total-due}", "1.00"), ("return ${ret.id} for ${row.outcome}", f"return {2**60} for refund"),
        ("is ${ret.gift}", "is null"), ("plain", "plain"), ("$${ret.id}", "${ret.id}"), ("$5", "$5"),
        ("${now}", "2026-03-02T09:00:00+00:00"), ("${now+2d}", "2026-03-04T09:00:00+00:00"),
        ("${now-1h30m}", "2026-03-02T07:30:00+00:00"), ("${now + 1w}", "2026-03-09T09:00:00+00:00"),
        ("from ${now-1d} on", "from 2026-03-01T09:00:00+00:00 on"),
    ],
)  # fmt: skip
def test_a_reference_takes_its_value(text: str, value: Any) -> None:
    assert resolve(text, NAMES) == value


def test_references_are_found_at_any_depth_and_the_original_stays() -> None:
    original = {"path": {"id": "${ret.id}"}, "all": ["${row.outcome}", 1]}
    assert resolve(original, NAMES) == {"path": {"id": 2**60}, "all": ["refund", 1]}
    assert original["path"] == {"id": "${ret.id}"}


def test_the_time_is_asked_for_only_where_it_is_needed() -> None:
    asked: list[int] = []

    def now() -> str:
        asked.append(1)
        return "2026-03-02T09:00:00Z"

    assert resolve("${ret.id}", {"now": now, "ret": {"id": 1}}) == 1
    assert asked == []
    assert resolve("${now+1s}", {"now": now}) == "2026-03-02T09:00:01+00:00"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("${rett.id}", "Nothing is called rett at this step; there are now, ret, row. Did you mean ret?"),
        ("${ret.idd}", "ret has no member idd; it has id, items, gift, total-due. Did you mean id?"),
        ("${ret.items.1.sku}", "ret.items is a list of 1, which has no element 1"),
        ("${ret.id.x}", "has no members such as x"),
        ("${}", "is no reference"),
        ("${ret id}", "is no reference"),
        ("a ${now+2x} b", "is no reference"),
    ],
)
def test_what_names_nothing_is_an_error_that_says_what_there_is(text: str, says: str) -> None:
    with pytest.raises(UnknownReference) as caught:
        resolve(text, NAMES)
    assert says in str(caught.value)


def test_one_name_is_replaced_and_the_others_stay_for_later() -> None:
    value = {"a": "${row.outcome}", "b": "${ret.id}", "c": "${row.outcome} $${x} ${now+2d}"}
    assert replace(value, "row", NAMES["row"]) == {"a": "refund", "b": "${ret.id}", "c": "refund $${x} ${now+2d}"}


@given(st.text())
def test_any_text_is_read_or_refused_with_words(text: str) -> None:
    refused = ""
    try:
        heads(text)
        resolve(text, NAMES)
    except UnknownReference as error:
        refused = str(error) or "without words"
    assert refused != "without words"
    assert not refused or "${" in text


@given(st.text(alphabet="ab$ {}", max_size=12))
def test_a_text_without_references_stays_as_it_is(text: str) -> None:
    if "${" not in text:
        assert resolve(text, {}) == text
        assert not has_reference(text)


@pytest.mark.parametrize(
    ("value", "there"),
    [("${a}", True), ("x ${a.b} y", True), ({"a": ["${b}"]}, True), ("$${a}", False), (["$a"], False), (3, False)],
)
def test_a_reference_is_seen_at_any_depth(value: Any, there: bool) -> None:
    assert has_reference(value) is there
