from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from loopsim.contract.compile import compile_documents
from loopsim.errors import SetupError

Edit = Callable[[str, str, str], Path]


def test_fragments_overlays_and_facts_become_one_plain_json_value(openapi_dir: Path) -> None:
    compiled = compile_documents(openapi_dir)

    assert list(compiled["loop"]) == ["2026-07", "2026-10"]
    base, later = compiled["loop"].values()
    assert [tag["name"] for tag in base["tags"]] == ["Loans", "Shelves"]
    assert base["info"]["version"] == "2026-07"
    assert later["info"]["version"] == "2026-10"
    assert base["components"]["schemas"]["LoanInput"]["properties"]["kind"]["enum"] == ["book", "film"]
    assert later["components"]["schemas"]["LoanInput"]["properties"]["kind"]["enum"] == ["book", "film", "record"]
    assert "pageSize" not in later["components"]["schemas"]["LoanInput"]["properties"]
    assert compiled["facts"]["loan"] == {
        "grade": "documented",
        "text": "A reader borrows one book. It stays a loan until it is brought back.",
    }
    assert json.loads(json.dumps(compiled)) == compiled


def test_an_operation_inherits_the_errors_from_in_front_of_it_with_their_responses(openapi_dir: Path) -> None:
    document = compile_documents(openapi_dir)["loop"]["2026-07"]

    reading, writing = document["paths"]["/loans"]["get"], document["paths"]["/loans"]["post"]
    assert set(reading["x-errors"]) == {"unauthorized", "too_many_attempts", "server_error"}
    assert {"malformed_json", "body_too_large", "invalid", "lent_out"} < set(writing["x-errors"])
    assert set(reading["responses"]) == {"200", "401", "429", "500"}
    assert set(writing["responses"]) == {"201", "400", "401", "409", "413", "422", "429", "500"}
    assert len(reading["responses"]["401"]["content"]["application/json"]["schema"]["oneOf"]) == 2
    assert "unauthorized" not in document["paths"]["/loans/latest"]["get"]["x-errors"]


def test_the_control_api_inherits_its_own_gates(openapi_dir: Path) -> None:
    control = compile_documents(openapi_dir)["control"]
    operation = control["paths"]["/_loopsim/shelves/{shelf}"]["put"]
    assert {"unauthorized", "forbidden", "malformed_json"} < set(operation["x-errors"])
    assert list(operation["responses"]["403"]["content"]) == ["application/problem+json"]
    assert {"not_found", "forbidden"} < set(control["x-unrouted"])


def test_a_response_that_does_not_admit_an_inherited_body_is_widened(openapi_dir: Path) -> None:
    document = compile_documents(openapi_dir)["loop"]["2026-07"]
    book = document["paths"]["/shelves/{shelf}/books/{id}"]["get"]
    assert book["responses"]["400"]["content"]["application/json"]["schema"] == {"type": "object"}

    closed = {"type": "object", "additionalProperties": False, "properties": {"no": {"type": "integer"}}}
    path = openapi_dir / "loop" / "loans.yaml"
    declared = "'204': {description: There is none.}"
    source = path.read_text(encoding="utf-8")
    content = f"{{application/json: {{schema: {json.dumps(closed)}}}}}"
    own = f"        '500': {{description: x, content: {content}}}"
    path.write_text(source.replace(declared, f"{declared}\n{own}"), encoding="utf-8")

    document = compile_documents(openapi_dir)["loop"]["2026-07"]
    schema = document["paths"]["/loans/latest"]["get"]["responses"]["500"]["content"]["application/json"]["schema"]
    assert schema["oneOf"][0] == closed
    assert schema["oneOf"][1]["properties"] == {"message": {"const": "Broken."}}


def test_an_error_form_is_resolved_and_keeps_what_stands_beside_the_reference(openapi_dir: Path) -> None:
    document = compile_documents(openapi_dir)["loop"]["2026-07"]
    assert document["paths"]["/loans/{id}"]["delete"]["x-errors"]["loan_not_found"] == {
        "status": 200,
        "body": {"errors": {"message": "No such loan."}},
        "x-provenance": {"grade": "assumed", "fact": "shelf"},
    }


def test_two_files_may_share_a_path_but_not_an_operation(openapi_dir: Path) -> None:
    operation = (
        "operationId: touchLoans, x-provenance: {grade: assumed, fact: loan}, x-error-group: legacy, "
        "responses: {'204': {description: Touched.}}"
    )
    second = openapi_dir / "loop" / "more.yaml"
    second.write_text(f"paths: {{/loans: {{patch: {{{operation}}}}}}}", encoding="utf-8")
    assert list(compile_documents(openapi_dir)["loop"]["2026-07"]["paths"]["/loans"]) == ["get", "post", "patch"]

    second.write_text(f"paths: {{/loans: {{get: {{{operation}}}}}}}", encoding="utf-8")
    with pytest.raises(SetupError, match=r"paths → /loans → get is defined in loop/loans.yaml and in loop/more.yaml"):
        compile_documents(openapi_dir)


def test_a_key_twice_in_one_file_is_refused_with_its_place(edit: Edit) -> None:
    folder = edit("loop/_root.yaml", "openapi: 3.1.0\n", "openapi: 3.1.0\nopenapi: 3.1.0\n")
    with pytest.raises(SetupError, match=r"_root.yaml .*'openapi' stands here twice") as refused:
        compile_documents(folder)
    assert "line 2, column 1" in str(refused.value)


BROKEN = {
    "an operation without an id": ("loop/loans.yaml", "      operationId: endLoan\n", "", "has no operationId"),
    "an id used twice": ("loop/loans.yaml", "operationId: endLoan", "operationId: listLoans", "of GET /loans"),
    "an id of both APIs": ("control/_root.yaml", "operationId: putShelf", "operationId: getBook", "of GET /shelves/"),
    "an operation without provenance": (
        "loop/loans.yaml",
        "      x-provenance: {grade: documented, fact: loan}\n      x-error-group: gateway",
        "      x-error-group: gateway",
        "POST /loans has no x-provenance",
    ),
    "a fact that nobody wrote": ("FACTS.md", 'id="loan-due"', 'id="loan-done"', "the fact loan-due, which FACTS.md"),
    "a grade that is none": (
        "loop/loans.yaml",
        "grade: captured, fact: loan-due",
        "grade: sure, fact: loan-due",
        "grade",
    ),
    "a fact without a grade": ("FACTS.md", "*captured*", "*guessed*", "loan-due must begin with its grade"),
    "a fact twice": ("FACTS.md", 'id="shelf"', 'id="loan"', "anchor loan stands there twice"),
    "a group that is none": ("loop/loans.yaml", "x-error-group: gateway", "x-error-group: gates", "x-error-group, one"),
    "a reference to nothing": (
        "loop/loans.yaml",
        "schemas/Book'",
        "schemas/Boook'",
        "leads nowhere: there is no 'Boook'",
    ),
    "an error without a status": (
        "loop/loans.yaml",
        "no_fines: {status: 422, ",
        "no_fines: {",
        "no_fines without a status",
    ),
    "an error with an undeclared status": (
        "loop/loans.yaml",
        "no_fines: {status: 422",
        "no_fines: {status: 418",
        "refuses no_fines with 418, which its responses do not declare",
    ),
    "an undeclared path parameter": ("loop/loans.yaml", "name: shelf,", "name: board,", "its path parameter shelf"),
    "an unreadable id without a refusal": (
        "loop/loans.yaml",
        "        loan_not_found: {$ref",
        "        loan_gone: {$ref",
        "what an unreadable id is refused with",
    ),
    "a refusal of an id that is not declared": (
        "loop/loans.yaml",
        "x-invalid: book_id_unreadable",
        "x-invalid: book_unread",
        "with book_unread, which its x-errors",
    ),
    "a shared error that is missing": (
        "loop/_root.yaml",
        "    ServerError:",
        "    Server:",
        "x-errors.ServerError is miss",
    ),
    "an overlay on nothing": ("overlays/2026-10.yaml", "properties.pageSize", "properties.size", "selects nothing"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_documents_that_do_not_hold_together_are_refused_in_words_that_say_where(name: str, edit: Edit) -> None:
    file, old, new, says = BROKEN[name]
    with pytest.raises(SetupError) as refused:
        compile_documents(edit(file, old, new))
    assert says in str(refused.value)
