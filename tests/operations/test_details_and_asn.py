"""Details by return or order, and the shipping notice, in both versions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

Shop = Any
NOT_FOUND = {"error": {"message": "No return found with this ID."}}


def details(shop: Shop, **query: Any) -> Any:
    reply = shop.call("getReturnDetails", query=query)
    assert reply.status == 200
    return reply.body


@pytest.fixture
def order(shop: Shop) -> Any:
    """An order of three units, the first two in returns of their own, the older closed."""
    order = shop.act("ordersMakes", name="#7007", lines=[{"variant": "MUG-BLU", "quantity": 3}])["order"]
    ids = []
    for _ in range(2):
        ids.append(shop.submit("refund", order=order["id"])["id"])
        shop.advance(hours=1)
    shop.call("closeReturn", id=ids[0])
    return {**order, "returns": ids}


def test_by_return_id_one_object(shop: Shop, order: Any) -> None:
    first, second = order["returns"]
    assert details(shop, return_id=first)["id"] == first
    assert details(shop, return_id=f" {second} ")["id"] == second
    assert details(shop, return_id=first, order_name="7007")["id"] == first


@pytest.mark.parametrize("name", ["7007", "#7007"])
def test_by_order_name_a_list_newest_last(name: str, shop: Shop, order: Any) -> None:
    assert [each["id"] for each in details(shop, order_name=name)] == order["returns"]


def test_by_order_id_a_list_of_the_platform_s_order(shop: Shop, order: Any) -> None:
    assert [each["id"] for each in details(shop, order_id=order["provider_id"])] == order["returns"]
    assert details(shop, order_id=order["id"]) == NOT_FOUND


def test_returns_of_an_order_that_was_deleted_are_found_by_it_all_the_same(shop: Shop, order: Any) -> None:
    shop.call("deleteOrder", id=order["id"])
    for query in ({"order_name": "7007"}, {"order_name": "#7007"}, {"order_id": order["provider_id"]}):
        assert [each["id"] for each in details(shop, **query)] == order["returns"]
    again = shop.act("ordersMakes", name="#7007", lines=[{"variant": "MUG-BLU"}])["order"]
    newest = shop.submit("refund", order=again["id"])["id"]
    assert [each["id"] for each in details(shop, order_name="7007")] == [*order["returns"], newest]


def test_by_order_the_newest_alone_if_the_shop_is_told_so(open_shop: Any) -> None:
    shop = open_shop(quirks={"details_by_order": "object"})
    name = shop.act("ordersMakes", lines=[{"variant": "MUG-BLU", "quantity": 2}])["order"]["name"]
    shop.submit("refund", order=name)
    newest = shop.submit("refund", order=name)["id"]
    assert details(shop, order_name=name)["id"] == newest


@pytest.mark.parametrize(
    "query",
    [{}, {"return_id": "5"}, {"return_id": "abc"}, {"return_id": "9" * 39}, {"return_id": str(2**63)},
     {"return_id": "-1"},
     {"order_name": "nope"}, {"order_id": "5"}, {"order_id": "x"}, {"order_id": "9" * 39}, {"order_name": "#"}],
)  # fmt: skip
def test_nothing_found_is_told_with_status_200_and_a_singular_error(query: Any, shop: Shop, order: Any) -> None:
    assert details(shop, **query) == NOT_FOUND
    assert order


def test_an_order_without_returns_has_no_details(shop: Shop) -> None:
    name = shop.act("ordersMakes", lines=[{"variant": "MUG-BLU"}])["order"]["name"]
    assert details(shop, order_name=name) == NOT_FOUND


def test_details_show_every_change_at_once(shop: Shop) -> None:
    id_ = shop.submit()["id"]
    assert details(shop, return_id=id_)["state"] == "open"
    shop.call("cancelReturn", id=id_)
    assert details(shop, return_id=id_)["state"] == "cancelled"


# the shipping notice


def reported(shop: Shop, version: str = "2026-07", **query: Any) -> Any:
    query = {"from" if name == "since" else "to" if name == "until" else name: value for name, value in query.items()}
    return shop.call("reportAsn", query=query, version=version)


def lines(reply: Any) -> int:
    assert reply.status == 200
    return len(reply.body)


def test_the_notice_covers_the_last_week_to_the_end_of_today(shop: Shop) -> None:
    shop.submit()
    shop.advance(days=7, hours=14, minutes=59)  # 23:59, a week and some hours later
    assert lines(reported(shop)) == 1
    shop.advance(minutes=1)
    assert lines(reported(shop)) == 0


def test_a_plain_to_date_runs_to_the_end_of_its_day(shop: Shop) -> None:
    shop.submit()
    assert lines(reported(shop, since="2026-06-01", until="2026-06-01")) == 1
    assert lines(reported(shop, since="2026-06-02", until="2026-06-03")) == 0
    assert lines(reported(shop, since="2026-06-01T09:00:01Z", until="2026-06-03")) == 0


def test_a_date_that_cannot_be_read_is_the_epoch(shop: Shop) -> None:
    shop.submit()
    assert lines(reported(shop, since="soon", until="2026-06-01")) == 1
    assert lines(reported(shop, since="2026-06-01", until="soon")) == 0
    assert lines(reported(shop, since="", until=" ")) == 1


def test_every_state_is_in_the_notice_oldest_first(shop: Shop) -> None:
    ids = []
    for end in ("closeReturn", "cancelReturn", "flagReturn"):
        ids.append(shop.submit()["id"])
        shop.call(end, id=ids[-1])
        shop.advance(minutes=1)
    rows = reported(shop).body
    assert [row["state"] for row in rows] == ["closed", "cancelled", "open"]
    assert [row["id"] for row in rows] == [line.id for id_ in ids for line in shop.return_(id_).lines]


def test_the_notice_can_be_of_one_label_status(shop: Shop) -> None:
    moving, _ = shop.submit()["id"], shop.submit()["id"]
    shop.advance(seconds=4)
    shop.act("carrierScans", return_id=moving, status="in_transit")
    assert lines(reported(shop)) == 2
    (row,) = reported(shop, tracking_status="in_transit").body
    assert row["return_line_item_id"] == str(shop.return_(moving).lines[0].id)
    assert lines(reported(shop, tracking_status="delivered")) == 0


def test_a_unit_without_a_label_is_not_told_with_the_number_of_another_parcel(open_shop: Any) -> None:
    shop = open_shop(items_per_label=1, label_source="third_party", carrier="manual")
    order = shop.act("ordersMakes", lines=[{"variant": "MUG-BLU", "quantity": 2}])["order"]["name"]
    id_ = shop.act("customerSubmitsReturn", order=order, items=[{"quantity": 2}])["id"]
    told = ("carrier", "tracking_number", "label_status", "label_updated_at")
    pending = ["", "N/A", "pending", "2026-06-01T09:00:00+00:00"]
    assert [[row[key] for key in told] for row in reported(shop).body] == [pending, pending]
    shop.advance(seconds=4)
    request = shop.records.label_requests_of(id_)[0]
    label = {"label_request_id": request.id, "tracking_number": "94612", "carrier": "USPS", "label_url": None}
    label["rate"] = {"amount": 500, "currency_code": "USD"}
    assert shop.call("createLabel", label).status == 201
    made, waiting = ([row[key] for key in told] for row in reported(shop).body)
    assert made == ["USPS", "94612", "new", "2026-06-01T09:00:04+00:00"]
    assert waiting == pending
    assert lines(reported(shop, tracking_status="new")) == 1
    shop.call("closeReturn", id=id_)
    assert [reported(shop).body[1][key] for key in told] == ["N/A"] * 4


def test_since_2026_10_the_notice_covers_120_days_at_most(shop: Shop) -> None:
    until = shop.now
    exact, longer = until - timedelta(days=120), until - timedelta(days=120, seconds=1)
    assert lines(reported(shop, "2026-10", since=exact.isoformat(), until=until.isoformat())) == 0
    for since in (longer.isoformat(), "soon"):
        reply = reported(shop, "2026-10", since=since, until=until.isoformat())
        assert (reply.status, list(reply.body["errors"])) == (422, ["to"])
        assert lines(reported(shop, since=since, until=until.isoformat())) == 0


def test_120_days_are_counted_from_date_to_date(shop: Shop) -> None:
    first, longer = (f"{shop.now - timedelta(days=days):%Y-%m-%d}" for days in (120, 121))
    today = f"{shop.now:%Y-%m-%d}"
    shop.submit()
    assert lines(reported(shop, "2026-10", since=first, until=today)) == 1
    assert lines(reported(shop, "2026-10", since=first)) == 1
    assert reported(shop, "2026-10", since=longer, until=today).status == 422
    assert reported(shop, "2026-10", since=longer).status == 422
