"""`GET /warehouse/return/list`: windows, states, order, pages and their links."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from loopsim.operations.perform import Call, perform

START = datetime(2026, 6, 1, 9, tzinfo=UTC)
DAY = timedelta(days=1)
Shop = Any


def at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def coded(cursor: bytes) -> str:
    return base64.b64encode(cursor).decode()


def ids(reply: Any) -> list[int]:
    assert reply.status == 200, reply
    rows = reply.body["returns"] if isinstance(reply.body, dict) else reply.body
    return [int(row["id"]) for row in rows]


def listed(shop: Shop, **query: Any) -> list[int]:
    query = {"from" if name == "since" else "to" if name == "until" else name: value for name, value in query.items()}
    return ids(shop.call("listReturns", query=query))


def put(shop: Shop, *returns: tuple[datetime, str], updated: timedelta = timedelta()) -> list[int]:
    """Put copies of a return into the shop, made at these moments and in these states."""
    template = shop.return_(shop.submit()["id"]) if not list(shop.records.returns()) else next(shop.records.returns())
    made = []
    with shop.shop.transaction(shop.now) as tx:
        for moment, state in returns:
            id_ = tx.next_id("return")
            lines = tuple(structs.replace(line, id=tx.next_id("line_item")) for line in template.lines)
            own = {"created_at": moment, "updated_at": moment + updated, "state": state, "lines": lines}
            tx.put_return(structs.replace(template, id=id_, **own))
            made.append(id_)
        tx.connection.execute("delete from returns where id = ?", (template.id,))
    return made


# windows


def test_without_dates_the_list_covers_the_last_24_hours(shop: Shop) -> None:
    moments = [shop.now - DAY - timedelta(seconds=1), shop.now - DAY, shop.now, shop.now + timedelta(seconds=1)]
    _, first, last, _ = put(shop, *((moment, "open") for moment in moments))
    assert listed(shop) == [first, last]


def test_from_alone_covers_the_24_hours_after_it(shop: Shop) -> None:
    since = shop.now - 10 * DAY
    moments = [since - timedelta(seconds=1), since, since + DAY, since + DAY + timedelta(seconds=1)]
    _, first, last, _ = put(shop, *((moment, "open") for moment in moments))
    assert listed(shop, since=at(since)) == [first, last]


def test_to_alone_is_ignored_even_when_it_cannot_be_read(shop: Shop) -> None:
    recent, _ = put(shop, (shop.now - timedelta(hours=1), "open"), (shop.now - 10 * DAY, "open"))
    assert listed(shop, until=at(shop.now - 5 * DAY)) == [recent]
    assert listed(shop, until="soon") == [recent]


def test_the_last_second_of_the_window_belongs_to_it(shop: Shop) -> None:
    edge = shop.now - 2 * DAY
    (inside, _) = put(shop, (edge + timedelta(milliseconds=999), "open"), (edge + timedelta(seconds=1), "open"))
    assert listed(shop, since=at(edge), until=at(edge)) == [inside]


def test_a_window_may_end_in_the_future_and_span_120_days_exactly(shop: Shop) -> None:
    (id_,) = put(shop, (shop.now, "open"))
    since = shop.now - 60 * DAY
    assert listed(shop, since=at(since), until=at(since + 120 * DAY)) == [id_]
    reply = shop.call("listReturns", query={"from": at(since), "to": at(since + 120 * DAY + timedelta(seconds=1))})
    assert (reply.status, list(reply.body["errors"])) == (422, ["to"])


def test_a_window_that_ends_before_it_begins_is_refused(shop: Shop) -> None:
    reply = shop.call("listReturns", query={"from": "2026-06-01", "to": "2026-05-31"})
    assert (reply.status, list(reply.body["errors"])) == (422, ["to"])


def test_dates_are_read_leniently(shop: Shop) -> None:
    (id_,) = put(shop, (START, "open"))
    for since in ("2026-06-01", "2026-06-01T00:00:00.000Z", "2026-06-01 02:00:00+02:00", "yesterday", "06/01/2026"):
        assert listed(shop, since=since, until="2026-06-02") == [id_], since


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ({"from": "soon"}, ["from"]),
        ({"from": "2026-06-01", "to": "soon"}, ["to"]),
        ({"state": "processed"}, ["state"]),
        ({"filter": "closed_at"}, ["filter"]),
        ({"pageSize": "0"}, ["pageSize"]),
        ({"pageSize": "751"}, ["pageSize"]),
        ({"pageSize": "many"}, ["pageSize"]),
        ({"state": "x", "filter": "y", "from": "z"}, ["from", "filter", "state"]),
    ],
)
def test_what_cannot_be_read_is_named(query: Any, fields: list[str], shop: Shop) -> None:
    before = shop.dump()
    reply = shop.call("listReturns", query=query)
    assert (reply.status, reply.refusal, list(reply.body["errors"])) == (422, "invalid", fields)
    first = reply.body["errors"][fields[0]][0]
    more = f" (and {len(fields) - 1} more errors)" if len(fields) > 1 else ""
    assert reply.body["message"] == first + more
    assert shop.dump() == before


def test_a_page_size_out_of_range_can_be_clamped(open_shop: Any) -> None:
    shop = open_shop(quirks={"page_size_over_limit": "clamp"})
    put(shop, *((shop.now, "open") for _ in range(3)))
    assert len(listed(shop, paginate="true", pageSize="0")) == 1
    assert len(listed(shop, paginate="true", pageSize="9999999")) == 3


def test_unknown_parameters_are_ignored(shop: Shop) -> None:
    (id_,) = put(shop, (shop.now, "open"))
    assert listed(shop, limit="zero", offset="-3") == [id_]


# states and order


def test_unasked_for_cancelled_and_review_are_left_out(shop: Shop) -> None:
    states = ("open", "closed", "cancelled", "expired", "review")
    made = dict(zip(states, put(shop, *((shop.now, state) for state in states)), strict=True))
    assert listed(shop) == [made["open"], made["closed"], made["expired"]]
    for state in states:
        assert listed(shop, state=state) == [made[state]]


def test_rows_come_oldest_first_and_equal_moments_by_id(shop: Shop) -> None:
    moments = [shop.now - timedelta(hours=hours) for hours in (1, 5, 3, 5, 2)]
    made = put(shop, *((moment, "open") for moment in moments))
    assert listed(shop) == [made[1], made[3], made[2], made[4], made[0]]


def test_the_filter_chooses_window_and_order(shop: Shop) -> None:
    old, older = put(
        shop, (shop.now - 10 * DAY, "open"), (shop.now - 11 * DAY, "open"), updated=9 * DAY + timedelta(hours=1)
    )
    assert listed(shop) == []
    assert listed(shop, filter="updated_at") == [old]
    assert listed(shop, filter="updated_at", since=at(shop.now - 3 * DAY), until=at(shop.now)) == [older, old]


def test_a_changed_return_shows_its_change(shop: Shop) -> None:
    id_ = shop.submit()["id"]
    assert shop.call("listReturns").body[0]["state"] == "open"
    shop.call("closeReturn", id=id_)
    assert shop.call("listReturns").body[0]["state"] == "closed"


# pages


def follow(shop: Shop, url: str) -> Any:
    parts = urlsplit(url)
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == "http://127.0.0.1:8484/api/v1/warehouse/return/list"
    return shop.call("listReturns", query=dict(parse_qsl(parts.query, keep_blank_values=True)))


@pytest.mark.parametrize("paginate", ["true", "True", "1", "on"])
def test_a_page_has_both_links_always(paginate: str, shop: Shop) -> None:
    reply = shop.call("listReturns", query={"paginate": paginate})
    assert reply.body == {"returns": [], "nextPageUrl": None, "previousPageUrl": None}


@pytest.mark.parametrize("paginate", ["false", "0", ""])
def test_without_paging_the_rows_come_bare(paginate: str, shop: Shop) -> None:
    assert shop.call("listReturns", query={"paginate": paginate}).body == []


def test_links_repeat_what_shaped_the_page_but_not_paginate(shop: Shop) -> None:
    put(shop, *((shop.now, "closed") for _ in range(3)))
    asked = {"from": "2026-05-31 00:00:00", "to": "2026-06-02T00:00:00+00:00", "state": "closed", "pageSize": "2"}
    page = shop.call("listReturns", query={**asked, "paginate": "True"}).body
    query = dict(parse_qsl(urlsplit(page["nextPageUrl"]).query))
    cursor = query.pop("cursor")
    assert query == {**asked, "filter": "created_at"}
    content = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4)))
    assert content == {
        "created_at": "2026-06-01 09:00:00",
        "id": int(page["returns"][-1]["id"]),
        "_pointsToNextItems": True,
    }
    assert not cursor.endswith("=")


def test_a_window_that_was_not_given_stands_in_the_links_as_moments(shop: Shop) -> None:
    put(shop, *((shop.now, "open") for _ in range(2)))
    page = shop.call("listReturns", query={"paginate": "1", "pageSize": "1"}).body
    query = dict(parse_qsl(urlsplit(page["nextPageUrl"]).query))
    assert (query["from"], query["to"]) == ("2026-05-31T09:00:00+00:00", "2026-06-01T09:00:00+00:00")
    shop.advance(hours=30)
    assert len(ids(follow(shop, page["nextPageUrl"]))) == 1


def test_no_empty_page_follows_a_full_one(shop: Shop) -> None:
    put(shop, *((shop.now, "open") for _ in range(4)))
    first = shop.call("listReturns", query={"paginate": "1", "pageSize": "2"})
    second = follow(shop, first.body["nextPageUrl"])
    assert (len(ids(second)), second.body["nextPageUrl"]) == (2, None)


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "%%%",
        "",
        coded(b"{}"),
        coded(b'{"created_at":1,"id":2}'),
        coded(b'{"updated_at":"2026-06-01 00:00:00","id":1,"_pointsToNextItems":true}'),
        coded(b'{"created_at":"2026-06-01 00:00:00","id":true,"_pointsToNextItems":true}'),
        coded(b'{"created_at":"2026-06-01 00:00:00","id":99999999999999999999,"_pointsToNextItems":true}'),
        coded(b"[" * 5000),
        coded(b'"text"'),
    ],
)
def test_a_cursor_that_cannot_be_read_counts_as_none_and_answers_a_page(cursor: str, shop: Shop) -> None:
    (id_,) = put(shop, (shop.now, "open"))
    reply = shop.call("listReturns", query={"cursor": cursor})
    assert (ids(reply), reply.body["previousPageUrl"]) == ([id_], None)


@pytest.fixture(scope="module")
def crowded(open_shops: Any) -> Any:
    """A shop with many returns in few seconds, so that most moments are shared."""
    shop = open_shops(carrier="manual")
    spread = [START - timedelta(seconds=n * n % 7, milliseconds=n * 37 % 1000) for n in range(40)]
    states = ("open", "closed", "expired", "review", "cancelled")
    put(shop, *((moment, states[n % 5]) for n, moment in enumerate(spread)), updated=timedelta(seconds=3))
    yield shop
    shop.shop.close()


@given(
    size=st.integers(1, 45),
    column=st.sampled_from(["created_at", "updated_at"]),
    state=st.sampled_from([None, "open", "review"]),
)
def test_a_walk_through_any_pages_gives_every_row_once_forward_and_back(
    crowded: Any, size: int, column: str, state: str | None
) -> None:
    query = {"from": "2026-05-31 09:00:00", "to": "2026-06-01 09:00:10", "filter": column}
    query |= {"state": state} if state else {}
    everything = ids(crowded.call("listReturns", query=query))
    assert len(everything) == (8 if state else 24)
    page = crowded.call("listReturns", query={**query, "paginate": "true", "pageSize": size})
    pages = [page]
    while page.body["nextPageUrl"]:
        page = follow(crowded, page.body["nextPageUrl"])
        pages.append(page)
    forward = [ids(each) for each in pages]
    assert [id_ for each in forward for id_ in each] == everything
    assert all(len(each) == size for each in forward[:-1])
    backward = [ids(page)]
    while page.body["previousPageUrl"]:
        page = follow(crowded, page.body["previousPageUrl"])
        backward.append(ids(page))
        assert page.body["nextPageUrl"] is not None
    assert sorted(id_ for each in backward for id_ in each) == sorted(everything)
    assert [id_ for each in reversed(backward) for id_ in each] == everything


# what is kept


def test_a_page_shows_every_change_at_once(shop: Shop) -> None:
    first = int(shop.submit()["id"])
    query = {"paginate": "true"}
    assert listed(shop, **query) == [first]
    assert listed(shop, **query) == [first]
    second = int(shop.submit()["id"])
    assert listed(shop, **query) == [first, second]
    shop.call("flagReturn", id=second)
    shop.call("cancelReturn", id=first)
    assert listed(shop, **query) == [second]
    assert listed(shop, state="cancelled", **query) == [first]


def test_the_same_page_on_another_host_links_to_that_host(shop: Shop) -> None:
    for _ in range(2):
        shop.submit()
    query = {"paginate": "true", "pageSize": "1"}
    links = [
        perform(shop.shop, "listReturns", Call(query=query, base_url=base), shop.now).answer.body
        for base in ("http://a/api/v1", "http://b/api/v1")
    ]
    assert [b"http:\\/\\/a\\/" in link for link in links] == [True, False]
