"""Importing rows that are peculiar, spoilt, or both: properties."""

from __future__ import annotations

import copy
import json
import re
from datetime import timedelta
from typing import Any

import msgspec
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from loopsim.clock import to_ms
from loopsim.errors import Refusal
from loopsim.operations import moves, timers  # noqa: F401  (registers the timers)
from loopsim.operations.perform import run_next_timer
from loopsim.wire.payloads import return_payload
from loopsim.wire.returns import details, list_row
from tests.operations.importing import NOW, OLD, SAMPLES, Row, bring, listed, new_shop, shown, strictly

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
TIMES = st.sampled_from(
    [
        "2023-01-01T22:27:15.000Z",
        "2023-01-01 22:27:15",
        "2023-01-01T22:27:15.123456+02:00",
        "2023-01-01",
        "2023-1-5 07:00:00 UTC",
        None,
    ]
)
PHP_TIMES = st.sampled_from(
    [
        {"date": "2024-01-01 12:00:00.000000", "timezone_type": 3, "timezone": "UTC"},
        {"date": "2024-01-01 12:00:00.5", "timezone_type": 1, "timezone": "+02:00"},
        {"date": "2024-01-01 12:00:00", "timezone_type": 3, "timezone": "America/New_York"},
        "2024-01-01 12:00:00",
        None,
    ]
)
MONEY = st.sampled_from(["0.00", "-29.99", "7", "7.5", 12, 12.25, None, "123456789.01"])
IDS = st.integers(1, 10**18).flatmap(lambda number: st.sampled_from([number, str(number)]))
TEXTS = st.sampled_from(["", "N/A", "größer „als“", None, "\U0001f9e6 / \\u0041", 41])
# What may take the place of a value, by the keys under which it stands.
PECULIAR: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(["updated_at", "edited_at", "returned_at", "label_updated_at"], TIMES),
    **dict.fromkeys(["return_processed", "refund_processed", "exchange_processed"], PHP_TIMES),
    **dict.fromkeys(["price", "discount", "tax", "refund", "refund_item", "total", "gift_card", "return_total"], MONEY),
    **dict.fromkeys(["order_number", "sku", "title", "return_comment", "barcode", "carrier", "outcome"], TEXTS),
    **dict.fromkeys(["variant_id", "product_id", "exchange_order_id", "destination_id"], IDS | st.none()),
    **dict.fromkeys(
        ["condition", "disposition", "return_method", "outcomes_processed_at"], st.sampled_from([None, []])
    ),
    **dict.fromkeys(["exchanges", "labels", "shopify_refund_object"], st.sampled_from([None, []])),
    "exchange_variant": IDS | st.sampled_from(["", None]),
    "label_status": st.sampled_from(["pending", "N/A", "", "new", "failure", "available_for_pickup", None]),
    "label_rate": ANYTHING,
    "status_page_url": st.sampled_from(["", None, "https://example.com/#/return/nothing"]),
    "multi_currency": st.sampled_from([True, False, None]),
    "currency": st.sampled_from(["EUR", "USD", "JPY", None]),
}
NEEDED = {
    "id",
    "state",
    "created_at",
    "line_items",
    "line_item_id",
    "exchange_id",
    "provider_order_id",
    "order_id",
    "date",
}


def objects_in(value: Any) -> list[Row]:
    """Every object of a row, the row first."""
    found = [value] if isinstance(value, dict) else []
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        found += objects_in(inner)
    return found


@st.composite
def rows(draw: st.DrawFn) -> Row:
    row: Row = copy.deepcopy(draw(st.sampled_from([*SAMPLES, OLD])))
    for _ in range(draw(st.integers(0, 6))):
        target = draw(st.sampled_from(objects_in(row)))
        change = draw(st.sampled_from(["add", "drop", "twist"]))
        if change == "add":
            target[draw(st.text(min_size=1, max_size=6).map(lambda text: f"x_{text}"))] = draw(ANYTHING)
            continue
        keys = sorted(set(target) - NEEDED if change == "drop" else set(target) & set(PECULIAR))
        if not keys:
            continue
        key = draw(st.sampled_from(keys))
        if change == "drop":
            del target[key]
        else:
            target[key] = copy.deepcopy(draw(PECULIAR[key]))
    return row


MANY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@MANY
@given(row=rows())
def test_whatever_is_peculiar_about_a_row_list_shows_it_again(row: Row) -> None:
    shop = new_shop()
    bring(shop, [row])
    assert strictly(listed(shop)) == strictly([row])


@MANY
@given(row=rows())
def test_without_people_all_else_of_a_row_comes_back(row: Row) -> None:
    assume("@" not in json.dumps(row.get("return_comment")))
    shop = new_shop()
    bring(shop, [row], keep_personal_data=False)
    assert strictly(masked(listed(shop))) == strictly(masked([row]))


def masked(value: Any) -> Any:
    """The value with all e-mail addresses alike."""
    if isinstance(value, dict):
        return {key: masked(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [masked(inner) for inner in value]
    return "someone@somewhere" if isinstance(value, str) and re.fullmatch(r"[\w.+-]+@[\w.]+", value) else value


@MANY
@given(row=rows())
def test_an_imported_return_can_be_moved_on_and_keeps_what_it_had_beyond_ours(row: Row) -> None:
    shop = new_shop()
    bring(shop, [{**row, "x_extra": {"deep": [1]}, "state": "open"}])
    later = NOW + timedelta(days=1)
    with shop.transaction(later) as tx:
        moves.close(tx, tx.need_return(int(row["id"])))
    after = shown(shop, row["id"])
    assert (after["state"], after["updated_at"]) == ("closed", "2026-08-02T12:00:00+00:00")
    assert after["x_extra"] == {"deep": [1]}
    assert {key: after.get(key) for key in row if key.startswith("x_")} == {
        key: value for key, value in row.items() if key.startswith("x_")
    }


@st.composite
def spoilt_rows(draw: st.DrawFn) -> Row:
    row: Row = copy.deepcopy(draw(st.sampled_from([*SAMPLES, OLD])))
    for _ in range(draw(st.integers(1, 3))):
        target = draw(st.sampled_from(objects_in(row)))
        if target:
            target[draw(st.sampled_from(sorted(target)))] = copy.deepcopy(draw(ANYTHING | IDS | TIMES | MONEY | TEXTS))
    return row


@MANY
@given(row=spoilt_rows(), keep=st.booleans())
def test_a_row_with_anything_anywhere_is_refused_or_taken_whole(row: Row, keep: bool) -> None:
    shop = new_shop()
    code = None
    try:
        bring(shop, [row], keep_personal_data=keep, resume=True)
    except Refusal as refusal:
        code = refusal.code
    if code is not None:
        assert code == "import_invalid"
        return
    (return_,) = shop.records.returns()
    if keep:
        assert strictly(listed(shop)) == strictly([row])
    for view in (
        list_row(return_, shop.settings),
        details(return_, shop.settings),
        details(return_, shop.settings, "presentment"),
    ):
        msgspec.json.encode(view)
    msgspec.json.encode(return_payload("return.updated", return_, shop.settings))
    while run_next_timer(shop, to_ms(NOW + timedelta(days=60))):
        pass
