"""Problem documents (RFC 9457) for what no operation words: calls that are not let in, operations nobody wrote."""

from __future__ import annotations

from typing import Any, NamedTuple

from loopsim.contract.dialect import PROBLEM_TYPE
from loopsim.contract.operation import read_error_form
from loopsim.contract.shapes import PROBLEM
from loopsim.store.codec import encode

PROBLEM_HEADERS = [(b"content-type", PROBLEM.encode()), (b"cache-control", b"no-store")]


class Problem(NamedTuple):
    """A problem document, ready to be sent."""

    status: int
    body: bytes


def problem(code: str, status: int, title: str, detail: str, instance: str) -> Problem:
    """A problem in our own words."""
    return Problem(
        status,
        encode({"type": PROBLEM_TYPE + code, "title": title, "status": status, "detail": detail, "instance": instance}),
    )


def stated_problem(document: dict[str, Any], name: str, code: str, instance: str) -> Problem:
    """A problem in the words of `components.x-errors` of a document."""
    form = read_error_form(document["components"]["x-errors"][name])
    return problem(code, form.status, form.title, form.detail, instance)


def not_simulated(operation_id: str, instance: str) -> Problem:
    """For an operation that the contract has and loopsim does not do."""
    return problem(
        "not_simulated",
        501,
        "Not simulated",
        f"loopsim knows the operation {operation_id} and does not simulate it. `loopsim ledger` lists what it does.",
        instance,
    )
