"""`GET /warehouse/return/list`: its window, its order, its pages."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.quirks.bench import Bench, Reply, exchange
from tests.quirks.catalogue import shows
from tests.quirks.conftest import OpenShop

LIST = "/warehouse/return/list"
SOCK = {"sku": "SOCK-M"}
DAY_OF_TESTS = {"from": "2026-06-01", "to": "2026-06-02"}


def ids(reply: Reply) -> list[int]:
    """The ids of a bare array's or a page's rows."""
    assert reply.status == 200, reply.body
    rows = reply.json["returns"] if isinstance(reply.json, dict) else reply.json
    return [int(row["id"]) for row in rows]


def many(shop: Bench, count: int, apart: float = 0) -> list[int]:
    """So many returns, one after the other."""
    order = shop.order({"variant": "SOCK-M", "quantity": count})
    made = []
    for _ in range(count):
        made.append(shop.submit(SOCK, order=order))
        if apart:
            shop.advance(apart)
    return made


@shows("list-bare-array")
def test_without_paginate_the_list_is_a_bare_array(shop: Bench) -> None:
    made = many(shop, 2)

    rows = shop.get(LIST).json

    assert isinstance(rows, list)
    assert [int(row["id"]) for row in rows] == made


# the window


@shows("list-window-24h")
def test_without_a_window_it_is_the_last_24_hours(shop: Bench) -> None:
    shop.submit()
    shop.advance(3600)
    young = shop.submit()
    shop.advance("23h")
    shop.advance(1)

    assert ids(shop.get(LIST)) == [young]


@shows("list-from-alone")
def test_from_alone_means_24_hours_after_it(shop: Bench) -> None:
    first = shop.submit()
    shop.advance("23h")
    second = shop.submit()
    shop.advance("2h")
    third = shop.submit()

    assert ids(shop.get(LIST, {"from": "2026-06-01 12:00:00"})) == [first, second]
    assert ids(shop.get(LIST, {"from": "2026-06-02 13:00:00"})) == [third]


@shows("list-to-alone")
def test_to_alone_is_ignored(shop: Bench) -> None:
    shop.submit()
    shop.advance("10d")
    young = shop.submit()

    assert ids(shop.get(LIST, {"to": "2026-06-02 00:00:00"})) == [young]


@shows("list-120-days")
@pytest.mark.parametrize("to", ["2026-09-29 00:00:01", "2026-12-31"])
def test_more_than_120_days_are_refused(shop: Bench, to: str) -> None:
    reply = shop.get(LIST, {"from": "2026-06-01 00:00:00", "to": to})

    assert reply.status == 422
    assert list(reply.json) == ["message", "errors"]
    assert list(reply.json["errors"]) == ["to"]


@shows("list-120-days-exact")
def test_exactly_120_days_are_accepted(shop: Bench) -> None:
    made = shop.submit()

    assert ids(shop.get(LIST, {"from": "2026-06-01 00:00:00", "to": "2026-09-29 00:00:00"})) == [made]


@shows("list-last-second")
def test_the_last_second_of_the_window_is_included(open_shop: OpenShop) -> None:
    shop = open_shop(moment="2026-06-01T12:00:00.700Z")
    made = shop.submit()

    assert ids(shop.get(LIST, {"from": "2026-06-01 11:00:00", "to": "2026-06-01 12:00:00"})) == [made]
    assert ids(shop.get(LIST, {"from": "2026-06-01 11:00:00", "to": "2026-06-01 11:59:59"})) == []


@shows("list-lenient-dates")
@pytest.mark.parametrize(
    "spelling",
    [
        "2026-06-01",
        "2026-6-1",
        "2026-06-01 00:00:00",
        "2026-06-01 00:00",
        "2026-06-01T00:00:00",
        "2026-06-01T00:00:00.000Z",
        "2026-06-01T00:00:00.123456789Z",
        "2026-06-01T00:00:00+00:00",
        "2026-06-01T02:00:00+02:00",
        "2026-06-01T02:00:00 02:00",
        "2026-05-31T17:00:00-0700",
        "2026-06-01 00:00:00 UTC",
        "@1780272000",
        "today",
        "-12 hours",
        "12 hours ago",
        "2026/06/01",
        "20260601",
        "June 1, 2026",
        "1 June 2026",
        "06/01/2026",
        "Mon, 01 Jun 2026 00:00:00 %2B0000",
    ],
)
def test_dates_are_read_as_leniently_as_carbon_reads_them(open_shop: OpenShop, spelling: str) -> None:
    shop = open_shop(moment="2026-05-31T23:59:59Z")
    shop.submit()
    shop.advance(12 * 3600 + 1)
    made = shop.submit()

    query = "from=" + spelling.replace(" ", "%20").replace(",", "%2C")

    assert ids(shop.get(LIST, query)) == [made], "a plus that nobody encoded is a space, and is understood all the same"


@shows("list-states")
def test_unasked_cancelled_returns_and_those_in_review_are_left_out(shop: Bench) -> None:
    opened, closed, cancelled, review, expired = many(shop, 5)
    shop.advance(5)
    for return_id in (opened, closed, cancelled, review):
        shop.control.carrier.scans(return_id=return_id, status="in_transit")
    shop.act(closed, "close")
    shop.act(cancelled, "cancel")
    shop.control.payment.fails_next()
    shop.act(review, "process")
    shop.advance("28d")
    states = {return_id: shop.details(return_id)["state"] for return_id in (opened, closed, cancelled, review, expired)}
    window = {"from": "2026-06-01", "to": "2026-07-01"}

    assert list(states.values()) == ["open", "closed", "cancelled", "review", "expired"]
    assert ids(shop.get(LIST, window)) == [opened, closed, expired]
    for return_id, state in states.items():
        assert ids(shop.get(LIST, {**window, "state": state})) == [return_id]


# the order


@shows("list-oldest-first")
def test_rows_ascend_by_the_filter_column_then_by_id(shop: Bench) -> None:
    first, second = many(shop, 2)
    shop.advance(60)
    third = shop.submit()
    shop.advance(60)
    shop.act(first, "flag")

    assert ids(shop.get(LIST, DAY_OF_TESTS)) == [first, second, third]
    assert ids(shop.get(LIST, {**DAY_OF_TESTS, "filter": "updated_at"}))[-1] == first


# pages


def walk(shop: Bench, page: Reply, key: str = "nextPageUrl") -> list[Reply]:
    """The page and all that follow it, each URL followed verbatim."""
    pages = [page]
    while True:
        assert isinstance(pages[-1].json, dict)
        assert key in pages[-1].json
        url = pages[-1].json[key]
        if url is None:
            return pages
        parts = urlsplit(url)
        target = f"{parts.path}?{parts.query}"
        headers = {"X-Authorization": shop.control.key}
        pages.append(exchange(f"{parts.scheme}://{parts.netloc}", "GET", target, None, headers))
        assert len(pages) < 20


def parameters(url: str) -> dict[str, str]:
    """The query of a URL."""
    return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))


@shows("page-both-keys")
def test_both_urls_are_always_there_and_null_at_the_ends(shop: Bench) -> None:
    many(shop, 3)

    alone = shop.get(LIST, {"paginate": "true"}).json
    first, last = walk(shop, shop.get(LIST, {"paginate": "true", "pageSize": "2"}))

    assert list(alone) == list(first.json) == list(last.json) == ["returns", "nextPageUrl", "previousPageUrl"]
    assert (alone["nextPageUrl"], alone["previousPageUrl"]) == (None, None)
    assert (first.json["previousPageUrl"], last.json["nextPageUrl"]) == (None, None)


@shows("page-repeats-query")
def test_the_next_page_repeats_whatever_shaped_this_one(shop: Bench) -> None:
    many(shop, 3)
    asked = {
        "from": "2026-06-01 00:00:00",
        "to": "2026-07-01",
        "filter": "updated_at",
        "state": "open",
        "pageSize": "2",
    }

    url = shop.get(LIST, {**asked, "paginate": "true"}).json["nextPageUrl"]

    assert parameters(url).pop("cursor")
    assert parameters(url) == {**asked, "cursor": parameters(url)["cursor"]}


@shows("page-window-resolved")
def test_the_next_page_of_a_defaulted_window_names_its_moments(shop: Bench) -> None:
    made = many(shop, 3)

    url = shop.get(LIST, {"paginate": "true", "pageSize": "2"}).json["nextPageUrl"]
    window = parameters(url)
    shop.advance("30d")
    late = exchange(url, "GET", url.partition(urlsplit(url).netloc)[2], None, {"X-Authorization": shop.control.key})

    assert {"from", "to"} <= window.keys()
    assert window["from"].startswith("2026-05-31T12:00:00")
    assert window["to"].startswith("2026-06-01T12:00:00")
    assert ids(late) == made[2:], "a day that went by meanwhile does not shift the window"


@shows("page-own-host")
@pytest.mark.parametrize("api", ["/api/v1", "/api/2026-10", ""])
def test_page_urls_are_on_the_host_port_and_version_that_the_client_used(shop: Bench, api: str) -> None:
    many(shop, 2)
    port = urlsplit(shop.control.server.url).port

    page = shop.get(
        LIST, {"paginate": "true", "pageSize": "1"}, api=api, headers={"Host": f"loop.localhost:{port}"}
    ).json

    assert page["nextPageUrl"].startswith(f"http://loop.localhost:{port}{api}{LIST}?")


@shows("page-verbatim")
def test_page_urls_can_be_followed_verbatim_there_and_back(shop: Bench) -> None:
    made = many(shop, 5, apart=1)
    asked = {"from": "2026-06-01T14:00:00+02:00", "to": "2026-06-30", "paginate": "true", "pageSize": "2"}

    there = walk(shop, shop.get(LIST, asked))
    back = walk(shop, there[-1], "previousPageUrl")

    assert [ids(page) for page in there] == [made[0:2], made[2:4], made[4:]]
    assert [ids(page) for page in back[1:]] == [made[2:4], made[0:2]]


@shows("page-none-empty")
@pytest.mark.parametrize(("count", "pages"), [(4, 2), (2, 1)])
def test_there_is_no_empty_last_page(shop: Bench, count: int, pages: int) -> None:
    many(shop, count)

    walked = walk(shop, shop.get(LIST, {"paginate": "true", "pageSize": "2"}))

    assert [len(ids(page)) for page in walked] == [2] * pages


def cursor_of(page: Reply) -> str:
    """The cursor of the next page."""
    return parameters(page.json["nextPageUrl"])["cursor"]


@shows("cursor-content")
@pytest.mark.parametrize("column", ["created_at", "updated_at"])
def test_the_cursor_is_base64_of_json_about_the_last_row(shop: Bench, column: str) -> None:
    made = many(shop, 2, apart=10)

    cursor = cursor_of(shop.get(LIST, {**DAY_OF_TESTS, "filter": column, "paginate": "true", "pageSize": "1"}))

    assert "=" not in cursor
    raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4))
    assert raw.startswith(b'{"'), raw
    content: Any = json.loads(raw)
    assert content == {column: "2026-06-01 12:00:00" if column == "created_at" else content[column], "id": made[0]} | {
        "_pointsToNextItems": True
    }


@shows("cursor-envelope")
def test_a_request_with_a_cursor_gets_the_envelope_without_paginate(shop: Bench) -> None:
    made = many(shop, 2)
    cursor = cursor_of(shop.get(LIST, {"paginate": "true", "pageSize": "1"}))

    page = shop.get(LIST, {"pageSize": "1", "cursor": cursor}).json

    assert isinstance(page, dict)
    assert [int(row["id"]) for row in page["returns"]] == made[1:]


@shows("cursor-equal-times")
def test_no_row_of_equal_times_is_lost_or_doubled_between_pages(shop: Bench) -> None:
    made = many(shop, 5)

    walked = walk(shop, shop.get(LIST, {"paginate": "true", "pageSize": "2"}))

    assert [id_ for page in walked for id_ in ids(page)] == made


@shows("cursor-unreadable")
@pytest.mark.parametrize("cursor", ["garbage", "", "e30", "bnVsbA", "%00%ff", "W10", "eyJjcmVhdGVkX2F0IjoxfQ"])
def test_a_cursor_that_cannot_be_read_counts_as_none(shop: Bench, cursor: str) -> None:
    many(shop, 2)

    page = shop.get(LIST, f"pageSize=1&cursor={cursor}")

    first = shop.get(LIST, {"paginate": "true", "pageSize": "1"})
    assert (page.status, page.json) == (200, first.json)
