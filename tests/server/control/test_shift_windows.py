"""A partner that lists by the wall's clock, in a shop that lives at another time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from loopsim.client import Loopsim, Shop
from tests.server.control.conftest import MOMENT, call_loop


def window(**around: timedelta) -> str:
    """The query of a window around now, as the wall has it."""
    now = datetime.now(UTC)
    return "&".join(f"{name}={quote((now + by).isoformat())}" for name, by in around.items())


HOUR = timedelta(hours=1)


def notes(shop: Shop) -> list[str | None]:
    return [entry.get("note") for entry in shop.journal(kind="call")["entries"]]


def test_the_windows_of_a_partner_are_moved_to_the_shops_time(shop: Shop) -> None:
    made = [shop.customer.submits_return()["id"] for _ in range(3)]
    asked = {"from": -HOUR, "to": HOUR}
    assert call_loop(shop, f"/warehouse/return/list?{window(**asked)}") == []
    assert shop.update(shift_windows=True)["shift_windows"] is True
    rows = call_loop(shop, f"/warehouse/return/list?{window(**asked)}")
    assert [int(row["id"]) for row in rows] == made
    assert call_loop(shop, f"/warehouse/return/list?{window(**{'from': -3 * HOUR, 'to': -2 * HOUR})}") == []
    assert notes(shop) == [None, *["Its window was moved from the wall's time to the shop's (shift_windows)."] * 2]


def test_links_to_further_pages_say_what_the_partner_said(shop: Shop) -> None:
    made = [shop.customer.submits_return()["id"] for _ in range(3)]
    shop.update(shift_windows=True)
    asked = window(**{"from": -HOUR, "to": HOUR})
    page = call_loop(shop, f"/warehouse/return/list?{asked}&paginate=true&pageSize=2")
    link = page["nextPageUrl"].partition("/api/v1")[2]
    assert asked in link
    rest = call_loop(shop, link)
    assert [int(row["id"]) for row in page["returns"] + rest["returns"]] == made
    assert rest["nextPageUrl"] is None


@pytest.mark.parametrize("since", ["-1 hour", "1 hour ago", "today"])
def test_words_are_meant_as_of_now(shop: Shop, since: str) -> None:
    made = shop.customer.submits_return()["id"]
    shop.update(shift_windows=True)
    rows = call_loop(shop, f"/warehouse/return/list?from={quote(since)}")
    assert [int(row["id"]) for row in rows] == [made]


def test_the_other_lists_follow(server: Loopsim) -> None:
    shop = server.create_shop(
        moment=MOMENT, clock={"mode": "manual"}, policy={"label_source": "third_party"}, shift_windows=True
    )
    dropped = shop.customer.submits_return(method="happy_returns")["id"]
    shop.customer.drops_off(return_id=dropped)
    shop.happy_returns.ships()
    shop.customer.submits_return()
    shop.clock.advance(by="10s")
    asked, gone = window(**{"from": -HOUR, "to": HOUR}), window(**{"from": -3 * HOUR, "to": -2 * HOUR})
    for path in ("/label-requests", "/happy-returns/shipments"):
        assert len(call_loop(shop, f"{path}?{asked}")["data"]) == 1
        assert call_loop(shop, f"{path}?{gone}")["data"] == []
    assert call_loop(shop, f"/warehouse/reporting/asn?{asked}")
    shop.delete()
