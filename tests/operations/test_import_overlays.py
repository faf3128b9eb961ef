"""What an imported row had beyond ours stays with the item it came with, whatever becomes of the items beside it."""

from __future__ import annotations

import copy
from datetime import timedelta

from msgspec import structs

from loopsim.operations import moves, timers  # noqa: F401  (registers the timers)
from loopsim.operations.perform import Call, perform
from loopsim.wire.returns import list_row
from tests.operations.importing import CLOSED, NOW, OPEN, Row, bring, new_shop, shown, strictly, varied

LATER = NOW + timedelta(hours=1)
ID, OTHER_ID = (item["line_item_id"] for item in CLOSED["line_items"])


def two_units() -> Row:
    """An open return of two units, each with a field that nobody knows."""
    row = varied(CLOSED, state="open", was_processed=False, shopify_refund_object=[])
    row["outcomes_processed_at"] = dict.fromkeys(row["outcomes_processed_at"])
    for number, item in enumerate(row["line_items"]):
        item["provider_line_item_id"] = str(int(item["provider_line_item_id"]) + number)
        item["x_shelf"] = f"shelf of {item['line_item_id']}"
    return row


def shelves(row: Row) -> dict[str, str | None]:
    return {item["line_item_id"]: item.get("x_shelf") for item in row["line_items"]}


def test_unknown_fields_stay_with_their_unit_when_another_is_removed() -> None:
    shop, row = new_shop(), two_units()
    bring(shop, [row])
    with shop.transaction(LATER) as tx:
        assert moves.remove_lines(tx, tx.need_return(int(row["id"])), [int(ID)])
    assert shelves(shown(shop, row["id"])) == {OTHER_ID: f"shelf of {OTHER_ID}"}


def test_unknown_fields_stay_with_their_unit_through_an_edit() -> None:
    shop, row = new_shop(), two_units()
    bring(shop, [row])
    other = int(row["line_items"][1]["provider_line_item_id"])
    body = {"return_id": int(row["id"]), "items": [{"line_item_id": other, "outcome": "refund"}]}
    perform(shop, "customerEditsReturn", Call(body=body), LATER)
    assert shelves(shown(shop, row["id"])) == {OTHER_ID: f"shelf of {OTHER_ID}"}


def test_what_a_replaced_new_item_had_goes_with_it() -> None:
    shop, row = new_shop(), copy.deepcopy(OPEN)
    row["exchanges"][0]["x_gift_wrap"] = True
    bring(shop, [row])
    return_ = shop.records.need_return(int(row["id"]))
    (item,) = return_.exchanges
    later = list_row(structs.replace(return_, exchanges=(structs.replace(item, id=item.id + 1),)), shop.settings)
    assert "x_gift_wrap" not in later["exchanges"][0]
    assert strictly(shown(shop, row["id"])) == strictly(row)


def test_an_id_in_another_spelling_still_finds_its_item() -> None:
    shop, row = new_shop(), two_units()
    for item in row["line_items"]:
        item["line_item_id"] = int(item["line_item_id"])
    bring(shop, [row])
    assert strictly(shown(shop, row["id"])) == strictly(row)


def test_items_that_share_an_id_are_shown_as_they_came() -> None:
    shop, row = new_shop(), copy.deepcopy(OPEN)
    row["exchanges"] = [{**row["exchanges"][0], "x_number": number} for number in range(2)]
    bring(shop, [row])
    assert strictly(shown(shop, row["id"])) == strictly(row)
