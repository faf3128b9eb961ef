from __future__ import annotations

import msgspec
import pytest

from loopsim.contract import Contract, render
from loopsim.errors import Invalid, Refusal


def test_a_fixed_body_is_rendered_with_its_status(library: Contract) -> None:
    answer = render(library.operation("endLoan"), Refusal("loan_not_found"), {})
    assert (answer.status, answer.body, answer.headers) == (200, {"errors": {"message": "No such loan."}}, {})
    assert answer.media_type == "application/json"


def test_a_bare_scalar_is_a_body(library: Contract) -> None:
    assert render(library.operation("endLoan"), Refusal("no_fines"), {}).body is False


def test_parameters_fill_the_body_and_the_headers(library: Contract) -> None:
    lend = library.operation("createLoan")
    answer = render(lend, Refusal("lent_out", book=7, reader="Ada {reader}"), {})
    assert answer.body == {"message": "Book 7 is lent to Ada {reader}.", "book": 7}
    assert render(lend, Refusal("too_many_attempts", retry_after=12), {}).headers == {"Retry-After": "12"}


def test_field_messages_come_in_laravels_envelope(library: Contract) -> None:
    lend = library.operation("createLoan")
    one = {"a": ["The a field is required."]}
    assert render(lend, Invalid(one), {}).body == {"message": "The a field is required.", "errors": one}

    two = {"a": ["First."], "b": ["Second."]}
    assert render(lend, Invalid(two), {}).body["message"] == "First. (and 1 more error)"
    three = {"a": ["First.", "Second."], "b": ["Third."]}
    assert render(lend, Invalid(three), {}).body["message"] == "First. (and 2 more errors)"


def test_a_refusal_may_have_fixed_field_messages(library: Contract) -> None:
    assert render(library.operation("endLoan"), Refusal("line_missing"), {}).body == {
        "message": "The line id field is required.",
        "errors": {"line_id": ["The line id field is required."]},
    }


@pytest.mark.parametrize(
    ("operation_id", "quirk", "body"),
    [
        ("listLoans", "by_group", {"errors": "Who are you?"}),
        ("createLoan", "by_group", {"error": {"message": "Who are you?"}}),
        ("listLoans", "gateway", {"error": {"message": "Who are you?"}}),
        ("createLoan", "legacy", {"errors": "Who are you?"}),
    ],
)
def test_the_401_is_that_of_the_group_unless_the_quirk_says_otherwise(
    library: Contract, operation_id: str, quirk: str, body: object
) -> None:
    answer = render(library.operation(operation_id), Refusal("unauthorized"), {"unauthorized_body": quirk})
    assert (answer.status, answer.body) == (401, body)


def test_the_control_api_answers_problem_documents(library: Contract) -> None:
    shelf = library.operation("putShelf")
    answer = render(shelf, Refusal("shelf_full", shelf="a", count=40), {}, instance="/_loopsim/shelves/a")
    assert answer.media_type == "application/problem+json"
    assert answer.body == {
        "type": "urn:loopsim:problem:shelf_full",
        "title": "The shelf is full",
        "status": 409,
        "detail": "Shelf a holds 40 books.",
        "instance": "/_loopsim/shelves/a",
    }
    invalid = render(shelf, Invalid({"room": ["The room field is required."]}), {})
    assert invalid.body["detail"] == "The room field is required."
    assert invalid.body["errors"] == {"room": ["The room field is required."]}


def test_a_refusal_that_the_contract_does_not_know_is_a_bug_and_says_whose(library: Contract) -> None:
    with pytest.raises(LookupError, match=r"listLoans refused lent_out"):
        render(library.operation("listLoans"), Refusal("lent_out"), {})
    with pytest.raises(LookupError, match=r"createLoan refused lent_out without its parameter 'reader'"):
        render(library.operation("createLoan"), Refusal("lent_out", book=1), {})


def test_an_answer_without_a_body_says_so(library: Contract) -> None:
    operation = library.operation("endLoan")
    form = msgspec.structs.replace(operation.errors["no_fines"], body=msgspec.UNSET)
    bare = msgspec.structs.replace(operation, errors={"no_fines": form})
    assert render(bare, Refusal("no_fines"), {}).body is msgspec.UNSET
