"""Bytes, amounts, dates and numbers on the wire."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopsim.wire import overlay, php
from loopsim.wire.money import convert, decimal, minor
from loopsim.wire.numbers import whole
from loopsim.wire.paging import length_aware
from loopsim.wire.times import (
    in_zone,
    iso,
    iso_or_none,
    parse,
    php_dump,
    spaced,
    spaced_or_none,
    truth,
    with_millis,
)

# JSON as PHP writes it

texts = st.text(st.characters(exclude_categories=["Cs"]))
numbers = st.integers(-(2**63), 2**64 - 1)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


@given(values)
def test_php_json_is_ascii_and_reads_back_as_it_was(value: Any) -> None:
    written = php.encode(value)
    assert written.isascii()
    assert json.loads(written) == value


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ({"a": [1, True, None], "b": {}}, b'{"a":[1,true,null],"b":{}}'),
        ("https://a/b", rb'"https:\/\/a\/b"'),
        ({"a/b": 1}, rb'{"a\/b":1}'),
        ("Köln", rb'"K\u00f6ln"'),
        ("ŁÓDŹ", rb'"\u0141\u00d3D\u0179"'),
        ("👟", rb'"\ud83d\udc5f"'),
        ("a👟/ü", rb'"a\ud83d\udc5f\/\u00fc"'),
        ("\u2028\u2029", rb'"\u2028\u2029"'),
        ('say "hi"', rb'"say \"hi\""'),
        ("back\\slash", rb'"back\\slash"'),
        ("\\/", rb'"\\\/"'),
        ("\b\f\n\r\t", rb'"\b\f\n\r\t"'),
        ("\x00\x1f", rb'"\u0000\u001f"'),
        ("\x7f", b'"\x7f"'),
        ("<&'>", b'"<&\'>"'),
        (914283650721513472, b"914283650721513472"),
        (65.9, b"65.9"),
        ("", b'""'),
        ([], b"[]"),
    ],
)
def test_php_json_spells_as_php_does(value: Any, written: bytes) -> None:
    assert php.encode(value) == written


# money


@given(st.integers(-(10**12), 10**12))
def test_amounts_survive_as_text(amount: int) -> None:
    assert minor(decimal(amount)) == amount


@pytest.mark.parametrize(
    ("amount", "text"), [(0, "0.00"), (5, "0.05"), (6995, "69.95"), (-2999, "-29.99"), (-5, "-0.05")]
)
def test_amounts_have_two_decimals(amount: int, text: str) -> None:
    assert decimal(amount) == text


@pytest.mark.parametrize(
    ("text", "amount"), [("69.95", 6995), ("69", 6900), ("69.9", 6990), ("-0.05", -5), ("1.", 100)]
)
def test_amounts_are_read(text: str, amount: int) -> None:
    assert minor(text) == amount


@pytest.mark.parametrize(
    "text", ["", "-", ".", ".50", "1.234", "1,50", "1e3", "abc", "--1", "1.-5", "٣.00", " 1.00", "+1"]
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an amount"):
        minor(text)


@pytest.mark.parametrize(
    ("amount", "rate", "converted"),
    [(1000, 1_000_000, 1000), (1000, 4_271_800, 4272), (1, 500_000, 1), (1, 499_999, 0), (-1, 500_000, -1), (0, 5, 0)],
)
def test_amounts_are_converted_half_away_from_zero(amount: int, rate: int, converted: int) -> None:
    assert convert(amount, rate) == converted


# times

MOMENT = datetime(2026, 5, 27, 16, 30, 36, 38_000, tzinfo=UTC)


def test_each_dialect_spells_a_moment_its_own_way() -> None:
    assert iso(MOMENT) == "2026-05-27T16:30:36+00:00"
    assert spaced(MOMENT) == "2026-05-27 16:30:36"
    assert with_millis(MOMENT) == "2026-05-27T16:30:36.038Z"
    assert in_zone(MOMENT, -420) == "2026-05-27T09:30:36-07:00"
    assert in_zone(MOMENT, 330) == "2026-05-27T22:00:36+05:30"
    assert php_dump(MOMENT) == {"date": "2026-05-27 16:30:36.000000", "timezone_type": 3, "timezone": "UTC"}
    assert (iso_or_none(None), spaced_or_none(None), php_dump(None)) == (None, None, None)
    assert (iso_or_none(MOMENT), spaced_or_none(MOMENT)) == (iso(MOMENT), spaced(MOMENT))


NOW = datetime(2026, 6, 3, 9, 30, 15, tzinfo=UTC)
DAY = datetime(2026, 5, 27, tzinfo=UTC)
AT = datetime(2026, 5, 27, 16, 30, 36, tzinfo=UTC)

READ: dict[str, datetime | None] = {
    # what clients were seen to send
    "2026-05-27": DAY,
    "2026-05-27 16:30:36": AT,
    "2026-05-27T16:30:36": AT,
    "2026-05-27T16:30:36Z": AT,
    "2026-05-27T16:30:36.000Z": AT,
    "2026-05-27T16:30:36.000000Z": AT,
    "2026-05-27T16:30:36+00:00": AT,
    "2026-05-27T18:30:36+02:00": AT,
    "2026-05-27T11:30:36-0500": AT,
    "2026-05-27T11:30:36-05": AT,
    "2026-05-27T11:30:36-5": AT,
    # a plus that was not encoded arrives as a space
    "2026-05-27T18:30:36 02:00": AT,
    "2026-05-27 18:30:36 02:00": AT,
    "2026-05-27T18:30:36.000 02:00": AT,
    # and beyond
    "2026-05-27 16:30": AT.replace(second=0),
    "2026-5-7": DAY.replace(day=7),
    " 2026-05-27 ": DAY,
    "2026-05-27T16:30:36,5Z": AT.replace(microsecond=500_000),
    "2026-05-27T16:30:36.123456789Z": AT.replace(microsecond=123_456),
    "2026-05-27 16:30:36 UTC": AT,
    "2026-05-27t16:30:36z": AT,
    "2026-05-27 09:30:36 PDT": AT,
    "2026-05-27 04:30:36 PM": AT,
    "2026-05-27 12:00 am": DAY,
    "2026-05-27 12:00 pm": DAY.replace(hour=12),
    "2026-05-27 24:00:00": DAY + timedelta(days=1),
    "2026-02-30": datetime(2026, 3, 2, tzinfo=UTC),
    "2026-05-00": datetime(2026, 4, 30, tzinfo=UTC),
    "2026/05/27": DAY,
    "05/27/2026": DAY,
    "27-05-2026": DAY,
    "27.05.2026 16:30:36": AT,
    "20260527": DAY,
    "20260527T163036Z": AT,
    "27 May 2026": DAY,
    "27-May-2026": DAY,
    "May 27, 2026 4:30 PM": AT.replace(second=0),
    "May 27th 2026": DAY,
    "Wed, 27 May 2026 16:30:36 GMT": AT,
    "Wed, 27 May 2026 18:30:36 +0200": AT,
    "Wed May 27 2026 16:30:36 GMT+0000 (Coordinated Universal Time)": AT,
    "1 Sept 2026": datetime(2026, 9, 1, tzinfo=UTC),
    "@1779899436": AT,
    "now": NOW,
    "Today": NOW.replace(hour=0, minute=0, second=0),
    "yesterday": datetime(2026, 6, 2, tzinfo=UTC),
    "tomorrow": datetime(2026, 6, 4, tzinfo=UTC),
    "-7 days": NOW - timedelta(days=7),
    "+1 week": NOW + timedelta(weeks=1),
    "2 hours ago": NOW - timedelta(hours=2),
    "30 minutes": NOW + timedelta(minutes=30),
    # what cannot be read
    "": None,
    "soon": None,
    "2026-13-01": None,
    "2026-00-01": None,
    "2026-05-32": None,
    "2026-05-27 25:00:00": None,
    "2026-05-27 24:00:01": None,
    "2026-05-27 16:60:00": None,
    "2026-05-27 13:00 PM": None,
    "2026-05-27 16:30:36 XYZ": None,
    "27 Foo 2026": None,
    "26-05-27": None,
    "2026-05-27T": None,
    "2026-05-27T16:30:36+2:00:00": None,
    "0001-01-01": None,
    "9999-12-31": None,
    "99999-01-01": None,
    "@99999999999999": None,
    "@nan": None,
    "-99999 weeks": None,
    "\u0662\u0660\u0662\u0666-05-27": None,
    "2026-05-27\x00": None,
    "2026-05-27" + " " * 200 + "x": None,
}


@pytest.mark.parametrize(("text", "moment"), READ.items())
def test_dates_are_read_as_leniently_as_carbon_reads_them(text: str, moment: datetime | None) -> None:
    assert parse(text, NOW) == moment


def test_a_plain_date_may_stand_for_its_end() -> None:
    assert parse("2026-05-27", NOW, end_of_day=True) == DAY.replace(hour=23, minute=59, second=59)
    assert parse("2026-05-27 00:00:00", NOW, end_of_day=True) == DAY


@given(st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1)))
def test_what_we_print_is_what_we_read(moment: datetime) -> None:
    second = moment.replace(microsecond=0, tzinfo=UTC)
    for spelt in (iso(second), spaced(second), with_millis(second), in_zone(second, 345)):
        assert parse(spelt, NOW) == second


@given(st.text(max_size=120))
def test_no_text_breaks_the_reader(text: str) -> None:
    found = parse(text, NOW)
    assert found is None or found.tzinfo is not None


@pytest.mark.parametrize(
    ("text", "is_true"),
    [("true", True), ("True", True), ("TRUE", True), ("1", True), ("on", True), ("yes", True), (" true ", True),
     ("false", False), ("0", False), ("", False), ("2", False), ("off", False), (None, False)],
)  # fmt: skip
def test_booleans_in_queries_are_read_as_laravel_and_python_write_them(text: str | None, is_true: bool) -> None:
    assert truth(text) is is_true


# numbers


@pytest.mark.parametrize(
    ("text", "number"),
    [("5", 5), (" 5 ", 5), ("+5", 5), ("-5", -5), ("007", 7), ("914283650721513472", 914283650721513472), ("", None),
     ("5.0", None), ("1e3", None), ("five", None), ("٣", None), ("²", None), ("--5", None), ("9" * 41, None)],
)  # fmt: skip
def test_whole_numbers_are_ascii_digits(text: str, number: int | None) -> None:
    assert whole(text) == number


# Laravel's pages


@given(st.integers(0, 1000), st.integers(1, 12))
def test_a_page_says_where_it_is(total: int, page: int) -> None:
    rows = list(range(total))
    got = length_aware(rows, page, 200, "http://h/list", {"from": "2026-05-27 00:00:00"})
    last = max(1, math.ceil(total / 200))
    assert got["data"] == rows[(page - 1) * 200 : page * 200]
    assert (got["current_page"], got["last_page"], got["total"], got["per_page"]) == (page, last, total, 200)
    assert (got["next_page_url"] is None) is (page >= last)
    assert (got["prev_page_url"] is None) is (page == 1)
    assert got["first_page_url"] == "http://h/list?from=2026-05-27%2000%3A00%3A00&page=1"
    assert got["last_page_url"].endswith(f"&page={last}")
    if got["data"]:
        assert (got["from"], got["to"]) == (got["data"][0] + 1, got["data"][-1] + 1)
    else:
        assert (got["from"], got["to"]) == (None, None)


# overlays

json_texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=3)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.0, 1.0]) | json_texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(json_texts, inner, max_size=3),
    max_leaves=12,
)
rows = st.dictionaries(json_texts, json_values, max_size=5)


def copied(value: Any) -> Any:
    return json.loads(json.dumps(value))


def typed(value: Any) -> str:
    """1, 1.0 and true are not the same on the wire; the order of keys does not matter here."""
    return json.dumps(value, sort_keys=True)


@given(rows, rows)
def test_an_overlay_shows_the_row_as_it_came(ours: Any, theirs: Any) -> None:
    steps = copied(overlay.difference(ours, theirs))
    kept = tuple((tuple(path), old, new) for path, old, new in steps)
    assert typed(overlay.apply(copied(ours), kept)) == typed(theirs)
    if not kept:
        assert typed(ours) == typed(theirs)


@given(rows, rows, rows)
def test_an_overlay_gives_way_where_our_value_has_changed_and_never_breaks(ours: Any, theirs: Any, later: Any) -> None:
    steps = tuple(overlay.difference(ours, theirs))
    shown = overlay.apply(copied(later), copied_steps(steps))
    for key in later:
        if key in ours and typed(later[key]) != typed(ours[key]) and not isinstance(later[key], dict | list):
            assert typed(shown[key]) == typed(later[key])


def copied_steps(steps: Any) -> Any:
    return tuple((path, copied(old), copied(new)) for path, old, new in steps)


def test_an_unknown_field_stays_and_a_spelling_gives_way() -> None:
    kept = tuple(overlay.difference({"state": "open", "carrier": ""}, {"state": "OPEN", "carrier": "", "extra": 1}))
    assert overlay.apply({"state": "open", "carrier": ""}, kept) == {"state": "OPEN", "carrier": "", "extra": 1}
    assert overlay.apply({"state": "closed", "carrier": "UPS"}, kept) == {
        "state": "closed",
        "carrier": "UPS",
        "extra": 1,
    }
