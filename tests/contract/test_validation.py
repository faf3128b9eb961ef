from __future__ import annotations

import json
import time
import timeit
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopsim.contract import Contract, Operation, load_contract, read_body, read_query, validate
from loopsim.errors import Invalid, Refusal

JSON = "application/json"
FORM = "application/x-www-form-urlencoded; charset=utf-8"
GOOD: dict[str, Any] = {"reader_name": "Ada", "kind": "book", "items": [{"line_id": 1}]}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def lend(library: Contract) -> Operation:
    return library.operation("createLoan")


@pytest.fixture(scope="module")
def put_shelf(library: Contract) -> Operation:
    return library.operation("putShelf")


def messages(operation: Operation, body: Any) -> dict[str, list[str]]:
    with pytest.raises(Invalid) as refused:
        validate(operation, body)
    return refused.value.fields


# Reading


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"", {}),
        (b"  \n", {}),
        (b'{"a": 1}', {"a": 1}),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b"[1]", [1]),
        (b"123456789012345678901234567890", 123456789012345678901234567890),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
    ],
)
def test_a_json_body_is_read(lend: Operation, raw: bytes, value: Any) -> None:
    assert read_body(lend, raw, JSON) == value
    assert read_body(lend, raw, "") == value


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b'{"a": NaN}',
        b"-Infinity",
        b"1e999",
        b'"\xff"',
        b'"\\ud800 "',
        b"[" * 15_000,
        b"{} {}",
        b"\xef\xbb\xbf{}",
    ],
)
def test_what_is_no_json_is_refused(lend: Operation, raw: bytes) -> None:
    with pytest.raises(Refusal) as refused:
        read_body(lend, raw, JSON)
    assert refused.value.code == "malformed_json"


@given(raw=st.binary(max_size=60), form=st.booleans())
def test_any_bytes_are_read_or_refused(lend: Operation, raw: bytes, form: bool) -> None:
    refused = None
    try:
        validate(lend, read_body(lend, raw, FORM if form else JSON))
    except Refusal as refusal:
        refused = refusal.code
    assert refused in (None, "malformed_json", "invalid")


def test_a_value_too_deep_to_be_looked_into_counts_as_unreadable(lend: Operation) -> None:
    deep: Any = {}
    for _ in range(5000):
        deep = {"a": deep}
    with pytest.raises(Refusal) as refused:
        validate(lend, {**GOOD, "notes": deep})
    assert refused.value.code == "malformed_json"


@pytest.mark.parametrize("depth", [200, 500, 900])
def test_an_unknown_field_is_refused_however_deep_its_value_is(put_shelf: Operation, depth: int) -> None:
    deep: Any = {}
    for _ in range(depth):
        deep = {"a": deep}
    with pytest.raises(Refusal) as refused:
        validate(put_shelf, {"room": "a", "bords": deep})
    assert refused.value.code in {"malformed_json", "invalid"}


def test_an_operation_without_a_body_reads_none(library: Contract) -> None:
    listing = library.operation("listLoans")
    assert read_body(listing, b"{no json", JSON) == {}
    assert validate(listing, {}).value == {}


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"a=1&b=x+y%21", {"a": "1", "b": "x y!"}),
        (b"a=&b", {"a": "", "b": ""}),
        (b"items[0][line_id]=5&items[1][line_id]=6", {"items": [{"line_id": "5"}, {"line_id": "6"}]}),
        (b"tags[]=x&tags[]=y", {"tags": ["x", "y"]}),
        (b"a[k]=1&a[l][m]=2", {"a": {"k": "1", "l": {"m": "2"}}}),
        (b"a=1&a[k]=2", {"a": {"k": "2"}}),
        (b"a[=1", {"a[": "1"}),
    ],
)
def test_a_form_is_read_as_php_reads_it(lend: Operation, raw: bytes, value: Any) -> None:
    assert read_body(lend, raw, FORM) == value


def test_a_form_is_as_good_as_json_where_its_texts_can_be_read(lend: Operation) -> None:
    raw = urlencode({"reader_name": "Ada", "kind": "book", "items[0][line_id]": "7", "items[0][gift]": "1"}).encode()
    assert validate(lend, read_body(lend, raw, FORM)).value["items"] == [{"line_id": 7, "gift": True}]


# Laravel's leniency


READ_AS: dict[str, tuple[Any, Any]] = {
    "texts are trimmed": ({"reader_name": "  Ada\t"}, {"reader_name": "Ada"}),
    "an empty text is null": ({"reason": "   "}, {"reason": None}),
    "digits are an integer": ({"items": [{"line_id": "12"}]}, {"items": [{"line_id": 12}]}),
    "a whole number is an integer": ({"items": [{"line_id": 12.0}]}, {"items": [{"line_id": 12}]}),
    "a numeric text is a number": (
        {"items": [{"line_id": 1, "weight": "1.5"}]},
        {"items": [{"line_id": 1, "weight": 1.5}]},
    ),
    "1 and '0' are booleans": ({"items": [{"line_id": 1, "gift": 1}]}, {"items": [{"line_id": 1, "gift": True}]}),
    "moments are read by the operation": ({"due": "next friday"}, {"due": "next friday"}),
    "an empty array is an empty object": ({"address": []}, {"address": {}}),
    "maps cast their values": ({"extra": {"any": "7"}}, {"extra": {"any": 7}}),
    "free objects keep everything, trimmed": (
        {"notes": {"a": [" x ", {"b": ""}]}},
        {"notes": {"a": ["x", {"b": None}]}},
    ),
    "the largest integer stays": ({"items": [{"line_id": 2**63 - 1}]}, {"items": [{"line_id": 2**63 - 1}]}),
}


@pytest.mark.parametrize("name", READ_AS)
def test_a_body_is_read_as_laravel_reads_it(name: str, lend: Operation) -> None:
    sent, read = READ_AS[name]
    validated = validate(lend, {**GOOD, **sent})
    assert validated.value == {**GOOD, **read}
    assert json.dumps(validated.value) == json.dumps({**GOOD, **read}), "the JSON types must be right too"


def test_unknown_fields_are_dropped_and_told_by_their_paths(lend: Operation) -> None:
    body = {**GOOD, "colour": 1, "items": [{"line_id": 1, "size": {"x": 1}}], "address": {"street": 1}}
    validated = validate(lend, body)
    assert validated.value == {**GOOD, "address": {}}
    assert set(validated.unknown) == {"colour", "items.0.size", "address.street"}


def test_the_body_that_was_sent_is_left_as_it_was(lend: Operation) -> None:
    body = {**GOOD, "reader_name": " Ada ", "colour": 1}
    validate(lend, body)
    assert body == {**GOOD, "reader_name": " Ada ", "colour": 1}


@given(body=json_values | json_values.map(lambda value: {**GOOD, "notes": {"x": value}, "extra": value}))
def test_any_body_is_accepted_or_refused_by_fields(lend: Operation, body: Any) -> None:
    fields: dict[str, list[str]] = {}
    value = None
    try:
        value = validate(lend, body).value
    except Invalid as refused:
        fields = refused.fields
    assert (value is None) == bool(fields)
    assert all(field and texts for field, texts in fields.items())
    if value is not None:
        assert validate(lend, value).value == value, "what was accepted is accepted again, unchanged"


# Laravel's words


SAYS: dict[str, tuple[dict[str, Any], dict[str, list[str]]]] = {
    "null is missing": ({"reader_name": None}, {"reader_name": ["The reader name field is required."]}),
    "blank is missing": ({"reader_name": " "}, {"reader_name": ["The reader name field is required."]}),
    "an empty array is missing": ({"items": []}, {"items": ["The items field is required."]}),
    "a text": ({"reader_name": 5}, {"reader_name": ["The reader name field must be a string."]}),
    "an integer": ({"pageSize": "x"}, {"pageSize": ["The page size field must be an integer."]}),
    "an integer beyond 64 bits": (
        {"items": [{"line_id": 2**63}, {"line_id": -1e30}]},
        {
            "items.0.line_id": ["The items.0.line_id field must be an integer."],
            "items.1.line_id": ["The items.1.line_id field must be an integer."],
        },
    ),
    "an array": ({"items": "x"}, {"items": ["The items field must be an array."]}),
    "an object": ({"notes": 7}, {"notes": ["The notes field must be an array."]}),
    "too long": (
        {"reader_name": "x" * 11},
        {"reader_name": ["The reader name field must not be greater than 10 characters."]},
    ),
    "too large": ({"pageSize": 10}, {"pageSize": ["The page size field must not be greater than 9."]}),
    "too many": ({"items": [{"line_id": 1}] * 4}, {"items": ["The items field must not have more than 3 items."]}),
    "own words for a list of values": ({"kind": "cd"}, {"kind": ["Must be one of the following values:book,film"]}),
    "a listed field of the wrong type": ({"kind": 5}, {"kind": ["Must be one of the following values:book,film"]}),
    "own words for a condition": ({"kind": "film"}, {"reason": ["A film needs a reason."]}),
    "a url": ({"homepage": "ftp://x"}, {"homepage": ["The homepage field must be a valid URL."]}),
    "a nested field": (
        {"address": {"first_name": 1}},
        {"address.first_name": ["The address.first name field must be a string."]},
    ),
    "a reference into another schema": ({"isbn": 5}, {"isbn": ["The isbn field must be a string."]}),
    "rows, rule by rule": (
        {"items": [{"weight": -1}, {"line_id": "x", "gift": 2}]},
        {
            "items.0.line_id": ["The items.0.line_id field is required."],
            "items.1.line_id": ["The items.1.line_id field must be an integer."],
            "items.0.weight": ["The items.0.weight field must be at least 0."],
            "items.1.gift": ["The items.1.gift field must be true or false."],
        },
    ),
}


@pytest.mark.parametrize("name", SAYS)
def test_what_is_wrong_is_said_in_laravels_words(name: str, lend: Operation) -> None:
    sent, says = SAYS[name]
    found = messages(lend, {**GOOD, **sent})
    assert found == says
    assert list(found) == list(says), "in the order of Laravel's rules"


@pytest.mark.parametrize("body", [{}, None, [], 5, "x", [1, 2]])
def test_a_body_that_is_no_object_lacks_every_required_field(lend: Operation, body: Any) -> None:
    assert list(messages(lend, body)) == ["reader_name", "kind", "items"]


def test_a_version_has_rules_of_its_own(library: Contract) -> None:
    record = {**GOOD, "kind": "record", "pageSize": 99}
    assert "kind" in messages(library.operation("createLoan", "2026-07"), record)
    validated = validate(library.operation("createLoan", "2026-10"), record)
    assert validated.unknown == ("pageSize",)


@pytest.mark.parametrize("body", [{**GOOD, "items": [{}] * 100_000}, {**GOOD, "items": [{"line_id": "x"}] * 100_000}])
def test_a_body_with_countless_faults_is_refused_at_once(lend: Operation, body: dict[str, Any]) -> None:
    began = time.process_time()
    found = messages(lend, body)
    # Of the processor's time a hundred times less than it takes to tell all of them.
    assert time.process_time() - began < 0.5
    assert found["items"] == ["The items field must not have more than 3 items."]
    assert 100 < len(found) < 2000


def test_a_fault_beyond_what_is_looked_at_is_a_fault_all_the_same(put_shelf: Operation, lend: Operation) -> None:
    assert messages(lend, {**GOOD, "extra": {**dict.fromkeys(map(str, range(5000)), 1), "last": "x"}}) == {
        "body": ["The body field is not well formed, and too large to say where."]
    }
    junk = dict.fromkeys(map(str, range(5000)), 1)
    assert messages(put_shelf, {**junk, "boards": "x"})["boards"] == ["The boards field must be an integer."]


# The control API


def test_the_control_api_reads_literally(put_shelf: Operation) -> None:
    assert validate(put_shelf, {"room": " a ", "boards": 3.0}).value == {"room": " a ", "boards": 3}
    assert messages(put_shelf, {"room": "a", "boards": "3"}) == {"boards": ["The boards field must be an integer."]}
    assert messages(put_shelf, {"room": "a", "bords": 3}) == {"bords": ["The bords field is not known."]}
    assert messages(put_shelf, {"room": "a", "boards": 1e30}) == {"boards": ["The boards field must be an integer."]}
    assert messages(put_shelf, []) == {"body": ["The body field must be an object."]}


def test_every_field_of_an_object_that_is_to_be_empty_is_told(edit: Callable[[str, str, str], Path]) -> None:
    boards = "boards: {type: integer}"
    folder = edit("control/_root.yaml", boards, f"{boards}, lamp: {{type: object, additionalProperties: false}}")
    operation = load_contract(folder).operation("putShelf")
    assert messages(operation, {"room": "a", "lamp": {"on": 1, "off": 2}}) == {
        "lamp.on": ["The lamp.on field is not known."],
        "lamp.off": ["The lamp.off field is not known."],
    }


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ({"after": "5"}, {"after": 5, "dry_run": False}),
        ({"after": "5", "dry_run": "on"}, {"after": 5, "dry_run": True}),
        ({"after": "5", "dry_run": "False", "x": "y"}, {"after": 5, "dry_run": False}),
    ],
)
def test_a_query_is_read_by_its_declared_types(
    put_shelf: Operation, query: dict[str, str], value: dict[str, Any]
) -> None:
    read = read_query(put_shelf, query)
    assert read.value == value
    assert read.unknown == tuple(name for name in query if name == "x")


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({}, {"after": ["The after field is required."]}),
        ({"after": "-1"}, {"after": ["The after field must be at least 0."]}),
        (
            {"after": "x", "dry_run": "maybe"},
            {
                "dry_run": ["The dry run field must be true or false."],
                "after": ["The after field must be an integer."],
            },
        ),
    ],
)
def test_a_query_that_cannot_be_read_is_refused_by_name(
    put_shelf: Operation, query: dict[str, str], says: dict[str, list[str]]
) -> None:
    with pytest.raises(Invalid) as refused:
        read_query(put_shelf, query)
    assert refused.value.fields == says


def test_routing_and_validating_a_call_takes_microseconds(library: Contract) -> None:
    raw = json.dumps(GOOD).encode()

    def call() -> None:
        operation = library.route("loop", "POST", "/loans").operation
        validate(operation, read_body(operation, raw, JSON))

    call()
    best = min(timeit.repeat(call, number=200, repeat=5)) / 200
    # Ten times the target, so that a busy machine does not fail it and a compiled schema per call does.
    assert best < 300e-6
