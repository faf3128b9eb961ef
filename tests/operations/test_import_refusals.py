"""Files that are not imported, and why."""

from __future__ import annotations

import copy
import json
from typing import Any

import msgspec
import pytest

from loopsim.contract import Contract, load_contract, render
from loopsim.contract.responses import check_response
from loopsim.errors import Invalid
from loopsim.operations import moves, timers  # noqa: F401  (registers the timers)
from loopsim.operations.perform import Call, perform
from tests.operations.importing import (
    CANCELLED,
    CLOSED,
    NOW,
    OPEN,
    SAMPLES,
    bring,
    new_shop,
    position,
    refused,
    varied,
    with_line,
)

BROKEN: list[tuple[Any, str]] = [
    (with_line(OPEN, price="abc"), 'line_items[0].price: "abc" is not an amount like 69.95'),
    (with_line(OPEN, price="69,95"), 'line_items[0].price: "69,95" is not an amount like 69.95'),
    (with_line(OPEN, tax={}), "line_items[0].tax: an object is not an amount like 69.95"),
    (varied(OPEN, refund="1e5"), 'refund: "1e5" is not an amount like 69.95'),
    (varied(OPEN, state="processed"), 'state: "processed" is none of open, review, closed, cancelled, expired'),
    (varied(OPEN, created_at="yesterday"), 'created_at: "yesterday" is not a time like 2026-05-27T16:30:36+00:00'),
    (varied(OPEN, created_at=None), "created_at: the time is missing"),
    (varied(OPEN, edited_at=[7]), "edited_at: a list is not a time like 2026-05-27T16:30:36+00:00"),
    (varied(OPEN, id="12a"), 'id: "12a" is not an id, which is a whole number'),
    (varied(OPEN, id=-1), "id: -1 is not an id, which is a whole number"),
    (varied(OPEN, id=10**19), "id: 10000000000000000000 is not an id, which is a whole number"),
    (varied(OPEN, id=None), "id: the id is missing"),
    (varied(OPEN, line_items={}), "line_items: an object stands where a list belongs"),
    (varied(OPEN, line_items=["x"]), 'line_items[0]: "x" stands where an object belongs'),
    (with_line(OPEN, line_item_id=""), "line_items[0].line_item_id: the id is missing"),
    (with_line(OPEN, sku=["x"]), "line_items[0].sku: a list stands where text belongs"),
    (with_line(OPEN, condition="good"), 'line_items[0].condition: "good" stands where an object belongs'),
    (
        with_line(OPEN, condition={"images": [1]}),
        "line_items[0].condition.images: a list stands where a list of texts belongs",
    ),
    (varied(OPEN, was_processed="yes"), 'was_processed: "yes" stands where true or false belongs'),
    (varied(OPEN, order_id="", provider_order_id=None), "provider_order_id: the id is missing"),
    (
        varied(OPEN, labels=[{"status": "lost"}]),
        'labels[0].status: "lost" is none of new, pre_transit, in_transit, out_for_delivery, delivered, error, failure',
    ),
    (
        varied(OPEN, labels=[{"line_items": ["x"]}]),
        'labels[0].line_items[0]: "x" is not an id, which is a whole number',
    ),
    (
        varied(OPEN, outcomes_processed_at={"refund_processed": {"date": 5}}),
        "outcomes_processed_at.refund_processed: an object is not a time like 2026-05-27T16:30:36+00:00",
    ),
]


@pytest.mark.parametrize(("row", "message"), BROKEN, ids=[message.partition(":")[0] for _, message in BROKEN])
def test_a_broken_row_is_refused_with_its_position_and_leaves_no_trace(row: Any, message: str) -> None:
    shop = new_shop()
    bring(shop, [CANCELLED])
    assert position(refused(shop, {"rows": [CLOSED, row]}, "import_invalid")) == f"row 2: {message}"


def test_what_is_no_object_is_no_row() -> None:
    assert position(refused(new_shop(), {"rows": [CLOSED, []]}, "import_invalid")) == (
        "row 2: a list stands where an object belongs"
    )


def test_a_row_that_nests_too_deep_is_refused() -> None:
    deep: Any = []
    for _ in range(80):
        deep = [deep]
    assert position(refused(new_shop(), {"rows": [varied(OPEN, x=deep)]}, "import_invalid")) == (
        "row 1: objects or lists stand more than 64 deep in each other"
    )


def test_a_return_stands_in_a_file_once() -> None:
    refusal = refused(new_shop(), {"rows": [OPEN, CLOSED, OPEN]}, "import_invalid")
    assert position(refusal) == f"row 3: id: {OPEN['id']} is the id of row 1 too"


def test_a_line_item_belongs_to_one_return() -> None:
    item = OPEN["line_items"][0]["line_item_id"]
    refusal = refused(new_shop(), {"rows": [OPEN, with_line(CLOSED, line_item_id=item)]}, "import_invalid")
    assert position(refusal) == f"row 2: line_items[0].line_item_id: {item} is an item of return {OPEN['id']} too"
    doubled = varied(CLOSED, line_items=[copy.deepcopy(CLOSED["line_items"][0])] * 2)
    refusal = refused(new_shop(), {"rows": [doubled]}, "import_invalid")
    assert position(refusal).startswith("row 1: line_items[1].line_item_id: ")


SYNTAX = [
    ('[\n {"id": "1",\n  "state" "open"}\n]', 3, 11, "expecting ':' delimiter"),
    ('[{"id": "ü"},,]', 1, 14, "expecting value"),
    ('[{"id": 1}', 1, 11, "expecting ',' delimiter"),
    ("", 1, 1, "expecting value"),
    ('[\n{"price": NaN}]', 2, 11, "invalid character"),
    (b'[\n"\xff"]', 2, 2, "this is not UTF-8"),
    # Seen only when its row's turn comes.
    (b"[" + json.dumps(OPEN).encode() + b',\n{"id": "7", "x": "\xff"}]', 2, 19, "this is not UTF-8"),
    ("[" * 100_000, 1, 1, "objects or lists stand too deep in each other"),
]


@pytest.mark.parametrize(("raw", "line", "column", "reason"), SYNTAX, ids=[reason for *_, reason in SYNTAX])
def test_text_that_is_no_json_is_refused_with_line_and_column(raw: Any, line: int, column: int, reason: str) -> None:
    refusal = refused(new_shop(), {"raw": raw}, "import_unreadable")
    assert refusal.params == {"line": line, "column": column, "reason": reason}


@pytest.mark.parametrize("raw", ["7", '{"data": []}', '{"returns": {}}', "null"])
def test_json_without_a_list_of_returns_is_refused(raw: str) -> None:
    refusal = refused(new_shop(), {"raw": raw}, "import_invalid")
    assert refusal.params["where"] == "the file"


@pytest.mark.parametrize("body", [{}, None, {"rows": [], "raw": "[]"}])
def test_either_rows_or_their_text_are_sent(body: Any) -> None:
    with pytest.raises(Invalid):
        perform(new_shop(), "importReturns", Call(body=body), NOW)


def test_ids_that_are_there_are_refused_all_of_them() -> None:
    shop = new_shop()
    bring(shop, [OPEN, CANCELLED])
    refusal = refused(shop, {"rows": SAMPLES}, "import_conflict")
    assert refusal.params["ids"] == ", ".join(sorted([OPEN["id"], CANCELLED["id"]]))


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load_contract()


def test_answer_and_refusals_are_what_the_contract_says(contract: Contract) -> None:
    operation, shop = contract.operation("importReturns"), new_shop()
    answer = bring(shop, SAMPLES)
    assert not check_response(operation, 200, "application/json", msgspec.json.encode(answer))
    bodies = [({"rows": SAMPLES}, "import_conflict"), ({"raw": "["}, "import_unreadable")]
    for body, code in [*bodies, ({"rows": [{}]}, "import_invalid")]:
        rendered = render(operation, refused(shop, body, code), {}, "/here")
        assert not check_response(operation, rendered.status, rendered.media_type, msgspec.json.encode(rendered.body))
    assert rendered.body["detail"] == "row 1: id: the id is missing. Nothing was imported."
