"""Customers, and with them what the whole Commerce Data family shares: ids, pages, upsert, refusals."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from loopsim.domain.snowflakes import EPOCH, SHIFT

Shop = Any
TAKEN = {
    "message": "This external id has already been taken.",
    "errors": {"external_id": ["This external id has already been taken."]},
}


def make(shop: Shop, **own: Any) -> Any:
    reply = shop.call("createCustomer", {"first_name": "Ada", **own})
    assert reply.status == 201
    return reply.body["customer"]


def test_a_customer_is_made_with_a_global_id_of_the_moment(empty: Shop) -> None:
    made = make(empty, external_id="12345", sales_channel="NetSuite", last_name=" ", email="a@example.com", id=5)
    assert list(made.items()) == [
        ("id", made["id"]), ("external_id", "12345"), ("sales_channel", None), ("first_name", "Ada"),
        ("last_name", None), ("email", "a@example.com"), ("phone", None), ("tags", []),
    ]  # fmt: skip
    assert made["id"] > 2**53
    assert EPOCH + timedelta(milliseconds=made["id"] >> SHIFT) == empty.now
    assert empty.call("getCustomer", id=made["id"]).body == {"customer": made}
    assert empty.call("getCustomerByExternalId", externalId="12345").body == {"customer": made}


def test_ids_are_texts_where_the_client_asks_for_it(empty: Shop) -> None:
    made = make(empty)
    assert empty.call("getCustomer", id=made["id"], text_ids=True).body["customer"]["id"] == str(made["id"])
    assert empty.call("deleteCustomer", id=made["id"], text_ids=True).body == {"id": str(made["id"]), "success": True}


def test_upsert_answers_200_both_ways_and_keeps_the_id(empty: Shop) -> None:
    first = empty.call("upsertCustomer", {"external_id": "1", "first_name": "Ada", "phone": "1"})
    second = empty.call("upsertCustomer", {"external_id": "1", "id": 7, "first_name": None})
    assert (first.status, second.status) == (200, 200)
    assert second.body["customer"] == {**first.body["customer"], "first_name": None}
    assert len(empty.call("listCustomers").body["customers"]) == 1


def test_upsert_needs_the_merchants_id(empty: Shop) -> None:
    reply = empty.call("upsertCustomer", {"id": 7, "first_name": "Ada"})
    assert (reply.status, reply.body["errors"]) == (422, {"external_id": ["The external id field is required."]})


@pytest.mark.parametrize("operation", ["updateCustomer", "patchCustomer"])
def test_an_update_changes_what_it_names(operation: str, empty: Shop) -> None:
    made = make(empty, phone="1", tags=["a"])
    reply = empty.call(operation, {"phone": "2"}, id=made["id"])
    assert (reply.status, reply.body) == (200, {"customer": {**made, "phone": "2"}})


def test_the_merchants_id_is_unique_until_it_is_given_back(empty: Shop) -> None:
    first, second = make(empty, external_id="1"), make(empty)
    before = empty.dump()
    for reply in (
        empty.call("createCustomer", {"external_id": "1"}),
        empty.call("updateCustomer", {"external_id": "1"}, id=second["id"]),
    ):
        assert (reply.status, reply.body) == (422, TAKEN)
    assert empty.dump() == before
    assert empty.call("deleteCustomerByExternalId", externalId="1").body == {"id": first["id"], "success": True}
    assert make(empty, external_id="1")["id"] != first["id"]


@pytest.mark.parametrize(
    ("operation", "path"),
    [
        ("getCustomer", {"id": 5}),
        ("getCustomer", {"id": 2**80}),
        ("updateCustomer", {"id": 5}),
        ("deleteCustomer", {"id": 5}),
        ("getCustomerByExternalId", {"externalId": "x"}),
        ("deleteCustomerByExternalId", {"externalId": "x"}),
    ],
)
def test_what_is_not_there_is_404(operation: str, path: Any, empty: Shop) -> None:
    assert empty.call(operation, **path).status == 404


@pytest.mark.parametrize(
    ("field", "longest"), [("external_id", 64), ("first_name", 50), ("last_name", 50), ("email", 255), ("phone", 30)]
)
def test_texts_have_their_lengths(field: str, longest: int, empty: Shop) -> None:
    assert empty.call("createCustomer", {field: "x" * longest}).status == 201
    reply = empty.call("createCustomer", {field: "y" * (longest + 1)})
    assert (reply.status, list(reply.body["errors"])) == (422, [field])


# pages


def follow(shop: Shop, page: Any, name: str = "next_page_url") -> Any:
    query = {key: values[0] for key, values in parse_qs(urlsplit(page[name]).query).items()}
    return shop.call("listCustomers", query=query).body


def test_pages_lead_on_and_back(empty: Shop) -> None:
    ids = [make(empty)["id"] for _ in range(7)]
    page = empty.call("listCustomers", query={"limit": 3}).body
    assert list(page) == ["customers", "next_page_url", "previous_page_url"]
    assert page["previous_page_url"] is None
    seen, pages = [each["id"] for each in page["customers"]], [page]
    while page["next_page_url"]:
        page = follow(empty, page)
        pages.append(page)
        seen += [each["id"] for each in page["customers"]]
    assert seen == ids
    assert [len(each["customers"]) for each in pages] == [3, 3, 1]
    back = follow(empty, pages[2], "previous_page_url")
    assert back["customers"] == pages[1]["customers"]
    assert follow(empty, back, "previous_page_url") == pages[0]


def test_the_newest_come_first_where_that_is_asked_for(empty: Shop) -> None:
    ids = [make(empty)["id"] for _ in range(5)]
    page = empty.call("listCustomers", query={"limit": 2, "sort_order": "desc"}).body
    second = follow(empty, page)
    assert [each["id"] for each in (*page["customers"], *second["customers"])] == ids[:0:-1]
    assert follow(empty, second, "previous_page_url")["customers"] == page["customers"]


def test_the_cursor_is_as_captured(empty: Shop) -> None:
    ids = [make(empty)["id"] for _ in range(2)]
    url = empty.call("listCustomers", query={"limit": 1}).body["next_page_url"]
    base, _, query = url.partition("?")
    assert base == "http://127.0.0.1:8484/api/v1/customers"
    cursor, limit = query.split("&")
    assert limit == "limit=1"
    text = cursor.removeprefix("cursor=")
    assert "=" not in text
    decoded = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    assert decoded == json.dumps({"global_id": ids[0], "_pointsToNextItems": True}, separators=(",", ":")).encode()


def test_a_default_limit_stays_out_of_the_address(empty: Shop) -> None:
    for _ in range(51):
        make(empty)
    page = empty.call("listCustomers").body
    assert len(page["customers"]) == 50
    assert "limit" not in page["next_page_url"]


@pytest.mark.parametrize("cursor", ["", "x", "e30", base64.urlsafe_b64encode(b'{"global_id":true}').decode()])
def test_a_cursor_that_cannot_be_read_counts_as_none(cursor: str, empty: Shop) -> None:
    made = make(empty)
    assert empty.call("listCustomers", query={"cursor": cursor}).body["customers"] == [made]


def test_a_list_is_filtered_by_the_merchants_id(empty: Shop) -> None:
    make(empty, external_id="1")
    two = make(empty, external_id="2")
    assert empty.call("listCustomers", query={"external_id": "2"}).body["customers"] == [two]
    assert empty.call("listCustomers", query={"external_id": "3"}).body["customers"] == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 251}, "limit"),
        ({"limit": "x"}, "limit"),
        ({"sort_order": "up"}, "sort_order"),
    ],
)
def test_a_page_that_cannot_be_is_refused(query: Any, field: str, empty: Shop) -> None:
    reply = empty.call("listCustomers", query=query)
    assert (reply.status, list(reply.body["errors"])) == (422, [field])
