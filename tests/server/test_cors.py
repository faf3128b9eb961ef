"""Carts are called from shop pages in browsers, nothing else is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.server.conftest import Client

SHOP_PAGE = "https://shop.example"
ASKS = {"Origin": SHOP_PAGE, "Access_Control_Request_Method": "POST"}


def test_a_browser_may_ask_before_it_has_a_key(client: Client) -> None:
    asked = client.call("OPTIONS", "/api/v1/cart/", key="", Access_Control_Request_Headers="x-authorization", **ASKS)
    assert (asked.status, asked.raw) == (204, b"")
    assert asked.headers["access-control-allow-origin"] == SHOP_PAGE
    assert asked.headers["access-control-allow-credentials"] == "true"
    assert asked.headers["access-control-allow-headers"] == "x-authorization"
    assert "POST" in asked.headers["access-control-allow-methods"]
    assert client.journal() == []


@pytest.mark.parametrize(("key", "status"), [(None, 200), ("wrong", 401)])
def test_answers_can_be_read_by_the_page_refusals_too(key: str | None, status: int, client: Client) -> None:
    answer = client.call("POST", "/api/v1/cart", {"cart": []}, key=key, Origin=SHOP_PAGE)
    assert answer.status == status
    assert answer.headers["access-control-allow-origin"] == SHOP_PAGE


def test_a_caller_that_is_no_page_is_told_nothing_of_it(client: Client) -> None:
    assert "access-control-allow-origin" not in client.call("POST", "/api/v1/cart", {"cart": []}).headers


@pytest.mark.parametrize("path", ["/api/v1/warehouse/return/list", "/api/v1/nowhere"])
def test_other_paths_admit_no_pages(path: str, client: Client) -> None:
    assert client.call("OPTIONS", path, **ASKS).status in (404, 405)
    assert "access-control-allow-origin" not in client.call("GET", path, Origin=SHOP_PAGE).headers
