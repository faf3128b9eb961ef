"""What is concluded from rows about what they do not show."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec import structs

from loopsim.domain import inference
from loopsim.domain.orders import Address, Customer, OrderLine, share
from loopsim.domain.returns import Exchange, OrderRef, Return, ReturnLine
from loopsim.domain.totals import Totals, settle

NOW = datetime(2026, 5, 27, tzinfo=UTC)


def unit(**own: Any) -> ReturnLine:
    return ReturnLine(
        **{
            "id": 1,
            "order_line_id": 9,
            "unit": 0,
            "product_id": 3,
            "variant_id": 4,
            "sku": "MUG",
            "barcode": "",
            "title": "Mug - Blue",
            "line_title": "Mug",
            "variant_title": "Blue",
            "price": 4900,
            "discount": 490,
            "tax": 305,
            "resolution": "refund",
            "reason": "",
            "returned_at": NOW,
            **own,
        }
    )


@pytest.mark.parametrize(
    ("line", "outcome", "gift_card", "exchanges", "resolution"),
    [
        (unit(exchange_variant_id=7), "refund", 0, False, "exchange"),
        (unit(refund=100), "refund", 0, False, "refund"),
        (unit(refund=0), "refund", 0, False, "refund"),
        (unit(refund=0), "credit", 100, False, "credit"),
        (unit(refund=100), "credit+refund", 100, False, "refund"),
        (unit(refund=0), "credit+refund", 100, False, "credit"),
        (unit(refund=0), "exchange+credit", 100, True, "credit"),
        (unit(refund=0), "exchange", 0, True, "shop_now"),
        (unit(refund=0), "upsell", 0, True, "shop_now"),
        (unit(refund=100), "exchange+refund", 0, True, "refund"),
        (unit(refund=0), "exchange+refund", 0, True, "shop_now"),
        (unit(refund=0), "", 100, False, "credit"),
        (unit(refund=0), "", 0, True, "shop_now"),
        (unit(refund=100), "", 0, True, "refund"),
        (unit(refund=0), "", 0, False, "refund"),
    ],
)
def test_the_resolution_of_a_unit_follows_from_the_row(
    line: ReturnLine, outcome: str, gift_card: int, exchanges: bool, resolution: str
) -> None:
    words = frozenset(outcome.split("+")) if outcome else frozenset[str]()
    assert inference.resolution_of(line, words, gift_card, exchanges) == resolution


NO_TOTALS = Totals()
ITEM = Exchange(id=1, product_id=2, variant_id=3, sku=None, title="", price=1000, tax=100)


@pytest.mark.parametrize(
    ("totals", "lines", "exchanges", "included"),
    [
        (Totals(return_product=1000, return_tax=100, return_total=1100), [], [], False),
        (Totals(return_product=1000, return_tax=100, return_total=1000), [], [], True),
        (NO_TOTALS, [unit(price=1000, discount=0, tax=100, refund=1000)], [], True),
        (NO_TOTALS, [unit(price=1000, discount=0, tax=100, refund=1100)], [], False),
        (NO_TOTALS, [unit(refund=0)], [(ITEM, 1100)], False),
        (NO_TOTALS, [], [(ITEM, 1000)], True),
        (NO_TOTALS, [unit(refund=0)], [(ITEM, 5)], None),
        (Totals(return_product=1000, return_total=1000), [], [], None),
    ],
)
def test_taxes_are_inside_prices_where_a_sum_says_so(
    totals: Totals, lines: list[ReturnLine], exchanges: list[tuple[Exchange, int]], included: bool | None
) -> None:
    assert inference.taxes_included(totals, lines, exchanges) is included


@pytest.mark.parametrize("bonus", [0, 500])
def test_the_bonus_of_totals_that_add_up_is_found_again(bonus: int) -> None:
    totals = settle([(unit(), "exchange")], [unit(price=9000)], taxes_included=False, bonus=bonus, fee=100)
    assert inference.bonus_of(structs.replace(totals, bonus=0)) == bonus


def order(lines: tuple[OrderLine, ...] = ()) -> Any:
    ref = OrderRef(
        id=0, loop_id=5, provider_id=6, name="#7", number="", provider_number="", email="a@example.com",
        first_name="A", last_name="B", currency="USD", address=Address(city="X"),
    )  # fmt: skip
    return_ = Return(
        id=1, uuid="", state="open", order=ref, lines=(), totals=NO_TOTALS, outcome=None, created_at=NOW, updated_at=NOW
    )
    customer = Customer(id=1, email="a@example.com", first_name="A", last_name="B")
    return structs.replace(inference.inferred_order(return_, 77, customer), lines=lines)


def test_the_shares_of_an_inferred_line_are_those_of_its_units() -> None:
    units = {0: unit(tax=305), 1: unit(tax=304), 2: unit(tax=304)}
    line = inference.order_line(9, units)
    assert (line.quantity, line.fulfilled, line.unit_price, line.full_title) == (3, 3, 4900, "Mug - Blue")
    assert [share(line.tax, line.quantity, n) for n in range(3)] == [305, 304, 304]
    assert [share(line.discount, line.quantity, n) for n in range(3)] == [490, 490, 490]


def test_an_inferred_order_was_placed_and_shipped_before_its_first_return() -> None:
    earliest = NOW - timedelta(days=3)
    found = inference.with_units(order(), {9: {0: unit()}, 8: {}}, earliest)
    assert [line.id for line in found.lines] == [9]
    assert found.created_at < found.fulfillments[0].fulfilled_at < earliest
    assert found.tags == (inference.INFERRED,)


def test_a_placed_order_is_only_made_longer() -> None:
    line = OrderLine(
        id=9, product_id=3, variant_id=4, sku="MUG", title="Mug", variant_title=None, quantity=2, unit_price=4900,
        tax=600, discount=980, fulfilled=1,
    )  # fmt: skip
    placed = order((line,))
    assert inference.with_room(placed, {9: {0: unit()}}) == placed
    (longer,) = inference.with_room(placed, {9: {1: unit(), 2: unit(tax=300)}}).lines
    assert (longer.quantity, longer.fulfilled, longer.tax, longer.discount) == (3, 3, 900, 1470)
    (shipped,) = inference.with_room(placed, {9: {1: unit()}}).lines
    assert (shipped.quantity, shipped.fulfilled, shipped.tax) == (2, 2, 600)
