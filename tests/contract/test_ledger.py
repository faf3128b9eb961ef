from __future__ import annotations

from loopsim.contract import Contract
from loopsim.contract.ledger import Entry, ledger


def test_a_row_says_how_sure_an_operation_is_and_whether_it_is_simulated(library: Contract) -> None:
    rows = ledger(library, {"listLoans"})
    assert [(row.id, row.grade, row.fact, row.implemented) for row in rows] == [
        ("listLoans", "documented", "loan", True),
        ("createLoan", "documented", "loan", False),
        ("endLoan", "documented", "loan", False),
        ("getLatestLoan", "assumed", "shelf", False),
        ("getBook", "assumed", "shelf", False),
    ]


def test_a_row_names_the_parts_that_are_surer_or_less_sure_than_the_whole(library: Contract) -> None:
    rows = {row.id: row.fields for row in ledger(library, ())}
    assert rows["listLoans"] == (Entry("query.open", "assumed", "shelf"), Entry("200[].due", "captured", "loan-due"))
    assert rows["endLoan"] == (Entry("error.loan_not_found", "assumed", "shelf"),)


def test_a_schema_that_holds_itself_ends(library: Contract) -> None:
    assert {row.id: row.fields for row in ledger(library, ())}["getBook"] == ()
