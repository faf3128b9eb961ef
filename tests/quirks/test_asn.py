"""`GET /warehouse/reporting/asn`."""

from __future__ import annotations

import pytest

from tests.quirks.bench import Bench
from tests.quirks.catalogue import shows

ASN = "/warehouse/reporting/asn"


def units(shop: Bench, **query: str) -> list[str]:
    """The units that the notice names."""
    reply = shop.get(ASN, query)
    assert reply.status == 200, reply.body
    return [row["return_line_item_id"] for row in reply.json]


def unit(shop: Bench) -> str:
    """A unit that comes back."""
    (line,) = shop.row(shop.submit())["line_items"]
    return str(line["line_item_id"])


@shows("asn-epoch")
@pytest.mark.parametrize("nonsense", ["garbage", "2026-13-45", "%", "{}"])
def test_a_date_that_cannot_be_read_is_the_epoch(shop: Bench, nonsense: str) -> None:
    old = unit(shop)
    shop.advance("60d")
    young = unit(shop)

    assert units(shop, **{"from": nonsense}) == [old, young], "everything since 1970"
    assert units(shop, to=nonsense) == [], "nothing until then"


@shows("asn-week")
def test_by_default_it_covers_the_last_week_to_the_end_of_today(shop: Bench) -> None:
    unit(shop)
    shop.advance("2d")
    kept = unit(shop)
    shop.advance("6d")
    young = unit(shop)

    assert units(shop) == [kept, young]
