from __future__ import annotations

import pytest

from loopsim.contract import Contract, Provenance, public_document


def test_an_operation_says_who_may_call_it_and_how_sure_it_is(library: Contract) -> None:
    lend = library.operation("createLoan")
    assert (lend.method, lend.path, lend.tag, lend.api) == ("POST", "/loans", "Loans", "loop")
    assert lend.scopes == ("loans:write",)
    assert lend.oauth_scopes == ("loans:lend",)
    assert not lend.public
    assert lend.limits == {"books": 3}
    assert lend.provenance == Provenance("documented", "loan")
    assert library.operation("getLatestLoan").public
    assert library.operation("putShelf").api == "control"


def test_versions_have_operations_of_their_own(library: Contract) -> None:
    assert library.versions == ("2026-07", "2026-10")
    first, second = (library.operation("createLoan", version) for version in library.versions)
    assert (first.version, second.version) == ("2026-07", "2026-10")
    assert library.route("loop", "POST", "/loans", "2026-10").operation is second
    assert library.route("loop", "POST", "/loans").operation is first


def test_what_the_contract_does_not_have_is_a_lookup_error(library: Contract) -> None:
    with pytest.raises(LookupError, match="burnLibrary"):
        library.operation("burnLibrary")
    with pytest.raises(LookupError, match="2031-01"):
        library.route("loop", "GET", "/loans", "2031-01")


def test_all_operations_come_in_the_order_of_the_document(library: Contract) -> None:
    assert [operation.id for operation in library.operations("loop")] == [
        "listLoans",
        "createLoan",
        "endLoan",
        "getLatestLoan",
        "getBook",
    ]
    assert [operation.id for operation in library.operations("control")] == ["putShelf"]


def test_the_quirks_are_those_of_the_documents(library: Contract) -> None:
    assert library.quirks()["unauthorized_body"]["default"] == "by_group"


@pytest.mark.parametrize(
    ("version", "urls"),
    [
        (None, ["http://127.0.0.1:8484/api/v1", "http://127.0.0.1:8484/api/2026-07"]),
        ("2026-10", ["http://127.0.0.1:8484/api/2026-10"]),
    ],
)
def test_a_served_document_names_the_absolute_servers_of_its_version(
    library: Contract, version: str | None, urls: list[str]
) -> None:
    served = public_document(library, "loop", version, "http://127.0.0.1:8484/")
    assert [server["url"] for server in served["servers"]] == urls
    assert served["paths"]["/loans"]["get"]["x-provenance"]["fact"] == "loan"

    served["paths"].clear()
    assert library.document("loop", version)["paths"]


def test_the_served_control_document_stands_at_the_root(library: Contract) -> None:
    assert public_document(library, "control", None, "http://[::1]:1")["servers"] == [{"url": "http://[::1]:1"}]
