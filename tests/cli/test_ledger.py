"""`loopsim ledger`."""

from __future__ import annotations

from loopsim.client import Shop
from loopsim.contract import load_contract
from tests.cli.terminal import invoke

Here = tuple[str, ...]


def test_it_has_a_row_for_every_operation_of_the_contract() -> None:
    answer = invoke("ledger", "--format", "json").json

    rows = {row["id"]: row for row in answer["operations"]}
    assert list(rows) == [operation.id for operation in load_contract().operations("loop")]
    assert {row["grade"] for row in rows.values()} <= {"captured", "documented", "reported", "assumed"}
    assert answer["quirks"]["action_success"]["default"] == "true"


def test_every_operation_is_simulated() -> None:
    done = invoke("ledger")

    rows = invoke("ledger", "--format", "json").json["operations"]
    assert [row["id"] for row in rows if not row["implemented"]] == []
    assert f"{len(rows)} of {len(rows)} operations are simulated" in done.out
    assert "action_success" in done.out


def test_an_operation_is_shown_statement_by_statement_with_the_facts() -> None:
    done = invoke("ledger", "processReturn")

    assert done.code == 0
    assert "POST /warehouse/return/{id}/process" in done.out
    assert "as a whole" in done.out
    assert load_contract().operation("processReturn").provenance is not None
    assert "error.too_many_attempts" in done.out


def test_a_grade_shows_only_its_statements() -> None:
    rows = invoke("ledger", "--grade", "assumed", "--format", "json").json["operations"]

    assert rows
    assert {field["grade"] for row in rows for field in row["fields"]} == {"assumed"}
    assert "documented" not in invoke("ledger", "--grade", "assumed").out.partition("as a whole")[0].split("\n")[1:]


def test_the_name_of_an_order_does_not_colour_the_terminal(shop: Shop, here: Here) -> None:
    order = shop.orders.makes(name="\x1b[31mred", lines=[{"variant": shop.variants()[0]["id"]}])
    shop.customer.submits_return(order=order["name"], items=[{}])

    assert "of order �[31mred" in invoke("ledger", "--shopify", *here).out


def test_shopify_shows_what_loop_did_in_the_shop(shop: Shop, here: Here) -> None:
    assert "Nothing was done" in invoke("ledger", "--shopify", *here).out
    order = shop.act("orders.makes", lines=[{"variant": "SOCK-M", "quantity": 2}])["name"]
    refunded = shop.act("customer.submits_return", order=order)["id"]
    credited = shop.act("customer.submits_return", order=order, items=[{"outcome": "credit"}])["id"]
    shop.clock.advance(until_idle=True)

    text = invoke("ledger", "--shopify", "--return", refunded, *here).out
    entries = invoke("ledger", "--shopify", "--return", credited, "--format", "json", *here).json["entries"]

    assert "refund" in text
    assert "USD" in text
    assert "return closed" in text
    assert str(credited) not in text
    assert {"gift_card", "return_closed"} <= {entry["kind"] for entry in entries}
