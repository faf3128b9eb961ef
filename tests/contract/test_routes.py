from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopsim.contract import Contract, read_path, render
from loopsim.errors import Refusal

FOUND = [
    ("GET", "/loans", "listLoans", {}),
    ("GET", "/loans/", "listLoans", {}),
    ("GET", "/loans/all", "listLoans", {}),
    ("POST", "/loans", "createLoan", {}),
    ("GET", "/loans/latest", "getLatestLoan", {}),
    ("GET", "/loans/%6catest", "getLatestLoan", {}),
    ("DELETE", "/loans/12/", "endLoan", {"id": "12"}),
    ("GET", "/shelves/top%2Fleft/books/7", "getBook", {"shelf": "top/left", "id": "7"}),
    ("GET", "/shelves/a%20b/books/7", "getBook", {"shelf": "a b", "id": "7"}),
]


@pytest.mark.parametrize(("method", "path", "operation_id", "params"), FOUND)
def test_a_call_finds_its_operation(
    library: Contract, method: str, path: str, operation_id: str, params: dict[str, str]
) -> None:
    match = library.route("loop", method, path)
    assert (match.operation.id, match.path_params) == (operation_id, params)


@pytest.mark.parametrize("path", ["/", "", "/loan", "/loans//", "//loans", "/loans/1/2", "/shelves//books/1", "/Loans"])
def test_an_unknown_path_is_not_found(library: Contract, path: str) -> None:
    with pytest.raises(Refusal) as refused:
        library.route("loop", "GET", path)
    assert refused.value.code == "not_found"
    assert render(library.unrouted("loop"), refused.value, {}).status == 404


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/loans", "GET, POST"),
        ("HEAD", "/loans", "GET, POST"),
        ("OPTIONS", "/loans/5", "DELETE"),
        ("TRACE", "/loans/5", "DELETE"),
        ("DELETE", "/loans/latest", "GET"),
        ("DELETE", "/loans/%6catest", "GET"),
    ],
)
def test_an_undeclared_method_names_the_declared_ones(library: Contract, method: str, path: str, allow: str) -> None:
    with pytest.raises(Refusal) as refused:
        library.route("loop", method, path)
    assert refused.value.code == "method_not_allowed"
    answer = render(library.unrouted("loop"), refused.value, {})
    assert (answer.status, answer.headers, answer.body) == (405, {"Allow": allow}, {"message": f"Not {method}."})


@given(
    shelf=st.text(st.characters(codec="utf-8"), min_size=1), number=st.integers(min_value=-(2**63), max_value=2**63 - 1)
)
def test_path_values_come_back_as_they_were_encoded(library: Contract, shelf: str, number: int) -> None:
    match = library.route("loop", "GET", f"/shelves/{quote(shelf, safe='')}/books/{number}")
    assert match.path_params["shelf"] == shelf
    assert read_path(match.operation, match.path_params) == {"shelf": shelf, "id": number}


@pytest.mark.parametrize("value", ["9223372036854775808", "9" * 30])
def test_a_number_that_is_too_large_is_a_number_that_nobody_has(library: Contract, value: str) -> None:
    match = library.route("loop", "GET", f"/shelves/a/books/{value}")
    assert read_path(match.operation, match.path_params)["id"] == 2**63 - 1


@pytest.mark.parametrize("value", ["x", "1.0", "1e3", "007", "%C2%B2", "1%20", "-", "٣"])
def test_an_unreadable_id_is_refused_as_the_operation_declares(library: Contract, value: str) -> None:
    for method, path, code in (
        ("DELETE", f"/loans/{value}", "loan_not_found"),
        ("GET", f"/shelves/a/books/{value}", "book_id_unreadable"),
    ):
        match = library.route("loop", method, path)
        with pytest.raises(Refusal) as refused:
            read_path(match.operation, match.path_params)
        assert refused.value.code == code
        assert render(match.operation, refused.value, {}).status in (200, 400)
