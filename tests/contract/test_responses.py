from __future__ import annotations

import json
from typing import Any

import pytest

from loopsim.contract import Contract
from loopsim.contract.responses import check_response, check_webhook

JSON = "application/json"
BOOK = {"title": "A", "sequel": {"title": "B", "sequel": None}}
LOAN: dict[str, Any] = {
    "id": 1,
    "reader": "Ada",
    "due": "soon",
    "items": [{"kind": "book", "book": BOOK}, {"minutes": 90, "kind": "film"}],
}


def check(library: Contract, value: Any, *, allow_unknown: bool = False) -> list[str]:
    operation = library.operation("listLoans")
    return check_response(operation, 200, JSON, json.dumps(value).encode(), allow_unknown=allow_unknown)


def test_a_right_answer_has_nothing_wrong(library: Contract) -> None:
    assert check(library, [LOAN, LOAN]) == []
    assert check_response(library.operation("getLatestLoan"), 204, None, b"") == []
    assert check_response(library.operation("endLoan"), 200, "application/json; charset=utf-8", b"true") == []
    assert check_response(library.operation("endLoan"), 422, JSON, b"false") == []


def test_an_undeclared_status_is_told_with_the_declared_ones(library: Contract) -> None:
    assert check_response(library.operation("getLatestLoan"), 418, JSON, b"{}") == [
        "getLatestLoan answers 418, which it does not declare (declared: 204, 429, 500)"
    ]


def test_a_wrong_media_type_a_surplus_body_and_broken_json_are_told(library: Contract) -> None:
    assert check_response(library.operation("listLoans"), 200, "text/html", b"[]") == [
        "listLoans 200 is text/html, declared is application/json"
    ]
    assert check_response(library.operation("listLoans"), 200, None, b"[]")[0].startswith("listLoans 200 is without")
    assert check_response(library.operation("getLatestLoan"), 204, JSON, b"{}") == [
        "getLatestLoan 204 has a body, and declares none"
    ]
    assert "is no JSON" in check_response(library.operation("listLoans"), 200, JSON, b"[")[0]


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a missing key": ({key: LOAN[key] for key in ("id", "reader", "due")}, '"items" is a required property'),
    "a surplus key": ({**LOAN, "fine": 1}, "'fine' was unexpected"),
    "a wrong type": ({**LOAN, "id": "1"}, "$[0].id"),
    "a row of no kind": ({**LOAN, "items": [{"kind": "cd"}]}, "$[0].items[0]"),
    "two keys swapped": ({"reader": "Ada", "id": 1, "due": "", "items": []}, "$[0] has reader where id comes first"),
    "two keys swapped in a reference": (
        {**LOAN, "items": [{"kind": "book", "book": {"sequel": None, "title": "A"}}]},
        "$[0].items[0].book has sequel where title comes first",
    ),
    "two keys swapped in the branch that fits": (
        {**LOAN, "items": [{"kind": "film", "minutes": 90}]},
        "$[0].items[0] has kind where minutes comes first",
    ),
    "two keys swapped inside itself": (
        {**LOAN, "items": [{"kind": "book", "book": {"title": "A", "sequel": {"sequel": None, "title": "B"}}}]},
        "$[0].items[0].book.sequel has sequel where title comes first",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_answer_is_told_with_its_place(name: str, library: Contract) -> None:
    value, says = WRONG[name]
    problems = check(library, [value])
    assert len(problems) == 1
    assert says in problems[0]


def test_keys_of_an_import_are_let_through_but_the_known_ones_keep_their_order(library: Contract) -> None:
    newer = {**LOAN, "fine": 1, "items": [{"kind": "book", "since": "2030", "book": BOOK}]}
    assert check(library, [newer]) != []
    assert check(library, [newer], allow_unknown=True) == []
    swapped = {"new": 1, "reader": "Ada", "id": 1, "due": "", "items": []}
    assert "reader where id" in check(library, [swapped], allow_unknown=True)[0]
    assert check(library, [{"id": 1}], allow_unknown=True) != []


def test_a_webhook_payload_is_checked_by_its_topic(library: Contract) -> None:
    assert check_webhook(library, "loan", json.dumps(LOAN).encode()) == []
    assert check_webhook(library, "loan", json.dumps({**LOAN, "id": None}).encode()) != []
    assert check_webhook(library, "loan", json.dumps(dict(reversed(LOAN.items()))).encode()) != []
    with pytest.raises(LookupError, match="topic fine"):
        check_webhook(library, "fine", b"{}")


def test_the_empty_payload_of_a_pair_without_data_is_right_only_where_it_is_expected(library: Contract) -> None:
    assert check_webhook(library, "loan", b"[]", allow_empty=True) == []
    assert check_webhook(library, "loan", b"[]") != []
