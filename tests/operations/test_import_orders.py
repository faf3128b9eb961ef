"""The orders and units behind imported returns."""

from __future__ import annotations

from typing import Any

import msgspec

from loopsim.operations import moves, timers  # noqa: F401  (registers the timers)
from loopsim.store.shop import Shop
from tests.operations.importing import (
    CLOSED,
    NOW,
    OPEN,
    Row,
    again,
    bring,
    listed,
    new_shop,
    position,
    refused,
    strictly,
    varied,
    with_line,
)


def test_orders_have_exactly_the_units_seen() -> None:
    shop = new_shop()
    bring(shop, [CLOSED, again(CLOSED, 1), again(CLOSED, 2, state="cancelled")])
    (order,) = shop.records.orders()
    (line,) = order.lines
    units = [unit.unit for return_ in shop.records.returns() for unit in return_.lines]
    assert units == list(range(3 * len(CLOSED["line_items"])))
    assert line.quantity == line.fulfilled == len(units)
    assert str(line.id) == CLOSED["line_items"][0]["provider_line_item_id"]
    assert str(order.provider_id) == CLOSED["provider_order_id"]
    assert order.fulfillments[0].lines == ((line.id, len(units)),)
    assert order.created_at < order.fulfillments[0].fulfilled_at < min(r.created_at for r in shop.records.returns())


def test_units_are_held_but_those_of_cancelled_returns() -> None:
    shop = new_shop()
    answer = bring(shop, [CLOSED, again(CLOSED, 1, state="cancelled"), again(CLOSED, 2, state="expired")])
    line = int(CLOSED["line_items"][0]["provider_line_item_id"])
    count = len(CLOSED["line_items"])
    held = shop.records.held_units([line])
    assert held == {(line, unit) for unit in (*range(count), *range(2 * count, 3 * count))}
    assert answer["held_units"] == 2 * count


def test_the_order_of_a_second_import_grows() -> None:
    shop = new_shop()
    bring(shop, [CLOSED])
    more = with_line(again(CLOSED, 1), provider_line_item_id="13872699999999")
    assert bring(shop, [more])["orders"] == 1
    (order,) = shop.records.orders()
    count = len(CLOSED["line_items"])
    assert {line.id: line.quantity for line in order.lines} == {
        int(CLOSED["line_items"][0]["provider_line_item_id"]): 2 * count - 1,
        13872699999999: 1,
    }


def placed(shop: Shop, row: Row, **changes: Any) -> None:
    """An order that nobody inferred, with the lines of a row."""
    bring(shop, [row])
    (order,) = shop.records.orders()
    with shop.transaction(NOW) as tx:
        tx.put_order(msgspec.structs.replace(order, tags=(), **changes))
        tx.delete_return(int(row["id"]))


def test_an_order_of_the_shop_is_used_when_it_has_the_lines_and_made_longer_when_needed() -> None:
    shop = new_shop()
    placed(shop, CLOSED, name="#mine")
    bring(shop, [CLOSED, again(CLOSED, 1)])
    (order,) = shop.records.orders()
    assert (order.name, order.tags) == ("#mine", ())
    assert order.lines[0].quantity == order.lines[0].fulfilled == 2 * len(CLOSED["line_items"])
    assert {return_.order.id for return_ in shop.records.returns()} == {order.id}


def test_an_order_of_the_shop_without_the_line_is_not_touched() -> None:
    shop = new_shop()
    placed(shop, CLOSED)
    row = with_line(CLOSED, provider_line_item_id="5")
    refusal = refused(shop, {"rows": [row]}, "import_invalid")
    assert position(refusal) == (
        f"row 1: line_items[0].provider_line_item_id: order {CLOSED['provider_order_id']} of this shop has no line 5"
    )


def test_a_unit_that_another_order_of_the_shop_holds_is_not_given_out_again() -> None:
    shop = new_shop()
    bring(shop, [CLOSED])
    bring(shop, [again(CLOSED, 1, provider_order_id="777")])
    count = len(CLOSED["line_items"])
    held = shop.records.held_units([int(CLOSED["line_items"][0]["provider_line_item_id"])])
    assert {unit for _, unit in held} == set(range(2 * count))


def test_an_order_of_the_shop_knows_better_than_a_row_whether_taxes_are_inside_prices() -> None:
    shop = new_shop()
    placed(shop, CLOSED, taxes_included=True)
    bring(shop, [CLOSED])
    assert shop.records.need_return(int(CLOSED["id"])).order.taxes_included
    assert strictly(listed(shop)) == strictly([CLOSED])


def test_orders_outside_shopify_keep_the_platforms_id_as_their_own() -> None:
    shop = new_shop()
    bring(shop, [varied(OPEN, provider_order_id="897124837339762688"), CLOSED])
    ids = {return_.id: return_.order.id for return_ in shop.records.returns()}
    assert ids[int(OPEN["id"])] == 897124837339762688
    assert ids[int(CLOSED["id"])] != int(CLOSED["provider_order_id"])
    assert all(shop.records.order(id_) is not None for id_ in ids.values())


def test_an_order_line_belongs_to_one_order() -> None:
    line = OPEN["line_items"][0]["provider_line_item_id"]
    refusal = refused(new_shop(), {"rows": [OPEN, with_line(CLOSED, provider_line_item_id=line)]}, "import_invalid")
    assert position(refusal) == (
        f"row 2: line_items[0].provider_line_item_id: {line} is a line of order {OPEN['provider_order_id']} in an"
        " earlier row"
    )


def test_ids_of_the_file_are_never_given_out_again() -> None:
    shop = new_shop()
    with shop.transaction(NOW) as tx:
        first = {kind: tx.first_id(kind) for kind in ("return", "line_item", "exchange", "refund")}
    row = varied(OPEN, id=str(first["return"] + 50))
    row["line_items"][0]["line_item_id"] = str(first["line_item"] + 70)
    row["exchanges"][0]["exchange_id"] = str(first["exchange"] + 90)
    row["shopify_refund_object"] = [{"id": first["refund"] + 110}]
    bring(shop, [row])
    with shop.transaction(NOW) as tx:
        assert tx.next_id("return") == first["return"] + 51
        assert tx.next_id("line_item") == first["line_item"] + 71
        assert tx.next_id("exchange") == first["exchange"] + 91
        assert tx.next_id("refund") == first["refund"] + 111
