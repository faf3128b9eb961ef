"""Blocklists and allowlists: their dialect. What they do to returns is under tests/domain/test_listings.py."""

from __future__ import annotations

from typing import Any

import pytest

Shop = Any


@pytest.mark.parametrize("noun", ["Blocklist", "Allowlist"])
def test_an_entry_is_made_read_and_deleted(noun: str, shop: Shop) -> None:
    made = shop.call(f"create{noun}", {"type": "email", "value": "abc@example.com", "colour": "red"})
    assert made.status == 201
    entry = {"id": made.body["id"], "type": "email", "value": "abc@example.com", "secondary_value": None}
    assert list(made.body.items()) == list(entry.items())
    assert made.body["id"] < 2**53
    read = shop.call(f"get{noun}", id=made.body["id"])
    assert list(read.body.items()) == [*entry.items(), ("created_at", "2026-06-01 09:00:00")]
    assert shop.call(f"list{noun}s").body["data"] == [read.body]
    gone = shop.call(f"delete{noun}", id=made.body["id"])
    assert (gone.status, gone.body) == (200, True)
    assert shop.call(f"get{noun}", id=made.body["id"]).status == 404


def test_the_lists_are_apart(shop: Shop) -> None:
    made = shop.call("createBlocklist", {"type": "order", "value": "#1001"}).body
    assert shop.call("getAllowlist", id=made["id"]).status == 404
    assert shop.call("deleteAllowlist", id=made["id"]).status == 404
    assert shop.call("listAllowlists").body["data"] == []


@pytest.mark.parametrize(
    ("noun", "body", "errors"),
    [
        ("Blocklist", {"type": "email"}, {"value": ["The value field is required."]}),
        ("Allowlist", {"type": "email", "value": " "}, {"value": ["The value field is required."]}),
        ("Blocklist", {"type": "colour", "value": "red"}, {"type": ["The selected type is invalid."]}),
        ("Allowlist", {"type": "product", "value": "1"}, {"type": ["The selected type is invalid."]}),
    ],
)
def test_what_is_refused_is_told_in_laravels_words(noun: str, body: Any, errors: Any, shop: Shop) -> None:
    reply = shop.call(f"create{noun}", body)
    assert (reply.status, reply.body["errors"]) == (422, errors)
    assert shop.call(f"list{noun}s").body["total"] == 0


def test_pages_are_of_fifteen_with_links(shop: Shop) -> None:
    ids = [shop.call("createBlocklist", {"type": "order", "value": f"#{n}"}).body["id"] for n in range(31)]
    first, last = shop.call("listBlocklists").body, shop.call("listBlocklists", query={"page": 3}).body
    assert list(first) == [
        "current_page", "data", "first_page_url", "from", "last_page", "last_page_url", "links", "next_page_url",
        "path", "per_page", "prev_page_url", "to", "total",
    ]  # fmt: skip
    assert [each["id"] for each in first["data"]] == ids[:15]
    assert (first["from"], first["to"], first["total"], first["last_page"], first["per_page"]) == (1, 15, 31, 3, 15)
    assert [each["id"] for each in last["data"]] == ids[30:]
    assert last["next_page_url"] is None
    assert [(each["label"], each["active"]) for each in first["links"]] == [
        ("&laquo; Previous", False), ("1", True), ("2", False), ("3", False), ("Next &raquo;", False),
    ]  # fmt: skip
    assert first["links"][-1]["url"] == first["next_page_url"]
