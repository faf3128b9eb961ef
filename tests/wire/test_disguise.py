"""Rows without the people in them."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from msgspec import Struct

from loopsim.domain.orders import Address
from loopsim.wire.disguise import disguised


class Invented(Struct, frozen=True):
    who: str
    first_name: str = "Ina"
    last_name: str = "Vented"
    phone: str = "+1 503 555 0100"
    address: Address = Address(address1="1 Made-up Way", city="Nowhere", zip="00000", state="Ohio", company="")

    @property
    def email(self) -> str:
        return f"{self.who.partition('@')[0]}@example.com"


def without_people(row: dict[str, Any]) -> dict[str, Any]:
    before = copy.deepcopy(row)
    found = disguised(row, Invented)
    assert row == before
    return found


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ({"customer": "ann@real.com"}, {"customer": "ann@example.com"}),
        ({"customer": "Ann Real"}, {"customer": "Ina Vented"}),
        ({"customer": ""}, {"customer": ""}),
        ({"customer": "N/A"}, {"customer": "N/A"}),
        ({"customer": None}, {"customer": None}),
        ({"x": "call bob@real.co.uk or eve@real.com."}, {"x": "call bob@example.com or eve@example.com."}),
        ({"x": "@home", "y": "3 @ 4"}, {"x": "@home", "y": "3 @ 4"}),
        ({"customer_first_name": "Ann"}, {"customer_first_name": "Ina"}),
        ({"shipping_phone": "030 1"}, {"shipping_phone": "+1 503 555 0100"}),
        ({"name": "Product", "state": "open"}, {"name": "Product", "state": "open"}),
        (
            {"customer_detail": {"name": "Ann", "tags": ["vip"]}},
            {"customer_detail": {"name": "Ina Vented", "tags": ["vip"]}},
        ),
        ({"address": "12 Main Street"}, {"address": "1 Made-up Way"}),
        ({"lines": [{"return_processor": "Joe"}, {}]}, {"lines": [{"return_processor": "Ina Vented"}, {}]}),
        (
            {
                "billing_address": {
                    "name": "Ann",
                    "state": "Bavaria",
                    "country": "Germany",
                    "x": "2nd door",
                    "n": [3, None, True],
                }
            },
            {
                "billing_address": {
                    "name": "Ina Vented",
                    "state": "Ohio",
                    "country": "Germany",
                    "x": "",
                    "n": [0, None, True],
                }
            },
        ),
    ],
)
def test_people_give_way(row: dict[str, Any], found: dict[str, Any]) -> None:
    assert without_people(row) == found


def test_a_row_without_people_is_not_copied() -> None:
    row = {"id": "1", "line_items": [{"title": "Mug", "images": ["https://example.com/a.jpg"]}], "refund": "1.00"}
    assert disguised(row, Invented) is row


def test_nobody_is_invented_who_is_not_needed() -> None:
    asked: list[str] = []

    def stand_in(who: str) -> Invented:
        asked.append(who)
        return Invented(who)

    disguised({"id": "1", "customer": "N/A", "title": "Mug"}, stand_in)
    assert asked == []
    disguised({"id": "1", "first_name": "Ann"}, stand_in)
    assert asked == ["return 1"]
