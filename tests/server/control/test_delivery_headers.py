"""Headers of one's own on every webhook, for a receiver of many shops."""

from __future__ import annotations

import pytest

from loopsim.client import ControlError, Shop
from tests.cli.terminal import receiving


def test_every_delivery_bears_them_and_loops_own_stay(shop: Shop) -> None:
    assert shop.update(delivery_headers={"X-Shop": "north"})["delivery_headers"] == {"X-Shop": "north"}
    with receiving() as receiver:
        shop.subscribe(receiver.url, "return", "return.created")
        shop.customer.submits_return()
        shop.settle()

    (attempt,) = shop.delivery(shop.deliveries()[0]["id"])["attempts"]
    assert attempt["request_headers"]["X-Shop"] == "north"
    assert "X-Loop-Signature" in attempt["request_headers"]


@pytest.mark.parametrize("name", ["Content-Type", "X-Loop-Signature", "X-Shop: a", ""])
def test_what_is_loops_or_no_header_is_refused(shop: Shop, name: str) -> None:
    with pytest.raises(ControlError):
        shop.update(delivery_headers={name: "x"})
