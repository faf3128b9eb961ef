"""What journals exercise of what can be exercised."""

from __future__ import annotations

from loopsim.client import Loopsim
from loopsim.embedded import EmbeddedServer
from loopsim.harness import coverage
from loopsim.harness.results import Coverage, Transition
from tests.harness.reports.example import COVERED, POSSIBLE, journal


def test_calls_refusals_deliveries_and_moves_count() -> None:
    found = coverage.exercised(journal())

    assert found.operations == ("getReturnDetails", "listReturns", "processReturn")
    assert set(found.errors) == {*COVERED.errors, "listReturns 429 too_many_attempts"}
    assert found.triggers == COVERED.triggers
    assert Transition("return", "open", "process_done", "closed") in found.transitions


def test_a_refusal_that_every_operation_can_give_counts_once() -> None:
    possible = Coverage(errors=("any 429 too_many_attempts", "processReturn 200 not_open"))
    done = Coverage(errors=("getReturnDetails 429 too_many_attempts", "listReturns 429 too_many_attempts"))

    errors = coverage.measured(done, possible).kinds[1]

    assert errors.covered == ("any 429 too_many_attempts",)
    assert errors.missing == ("processReturn 200 not_open",)
    assert errors.extra == ()


def test_a_hundred_percent_is_only_said_of_the_whole() -> None:
    many = tuple(f"operation{number}" for number in range(3000))

    assert coverage.measured(Coverage(operations=many[1:]), Coverage(operations=many)).percent == 99.9
    assert coverage.measured(POSSIBLE, POSSIBLE).percent == 100
    assert coverage.measured(Coverage(), Coverage()).percent == 100


def test_a_real_shop_exercises_what_its_server_says_is_possible() -> None:
    with EmbeddedServer() as server, Loopsim(server.url) as client:
        shop = client.create_shop(clock={"mode": "manual"})
        shop.staff.cancels(return_id=shop.customer.submits_return(items=[{"outcome": "refund"}])["id"])
        lifecycle = client.lifecycle()
        entries = shop.journal(limit=10_000)["entries"]

    found = coverage.measured(coverage.exercised(entries), coverage.possible(lifecycle))

    assert all(kind.extra == () for kind in found.kinds)
    assert "return: open → cancelled by cancel" in found.kinds[3].covered
    assert coverage.assumptions(lifecycle, ["getCart"]) == ("carts-read-unknown",)
    assert coverage.facts(lifecycle, ["versions-path", "gone"])["versions-path"].grade == "documented"


def test_only_the_parts_of_the_api_that_were_called_are_measured() -> None:
    step = Transition("return", "open", "cancel", "cancelled")
    scan = Transition("label", "new", "scan", "delivered")
    lifecycle = {
        "operations": [
            {"operation": "listReturns", "family": "Return Data"},
            {"operation": "getReturnDetails", "family": "Return Data"},
            {"operation": "createCart", "family": "Cart"},
        ]
    }
    possible = Coverage(
        operations=("createCart", "getReturnDetails", "listReturns"),
        errors=("any 429 too_many_attempts", "createCart 200 empty_cart", "listReturns 422 invalid"),
        triggers=("return.created",),
        transitions=(scan, step),
    )
    done = Coverage(operations=("listReturns",), transitions=(step,))

    kept, families = coverage.within(possible, done, lifecycle)

    assert families == ("Return Data",)
    assert kept.operations == ("getReturnDetails", "listReturns")
    assert kept.errors == ("any 429 too_many_attempts", "listReturns 422 invalid")
    assert (kept.triggers, kept.transitions) == (("return.created",), (step,))
