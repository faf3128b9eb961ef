"""A shop of a generated world is filled in slices: it keeps its callers waiting, and nobody else's."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from loopsim.client import Loopsim, Shop
from tests.generated_world import LARGE, ORDERS, shrunk
from tests.server.control.conftest import MOMENT, PATIENCE, Held, call_loop


@pytest.fixture(autouse=True)
def _small(tmp_path: Path) -> Iterator[None]:
    with shrunk(tmp_path):
        yield


def orders(shop: Shop) -> int:
    return len(call_loop(shop, "/orders?limit=250")["orders"])


def test_a_shop_has_all_its_orders_when_it_is_made_reset_or_replaced(server: Loopsim) -> None:
    shop = server.create_shop(world=LARGE, clock={"mode": "manual"}, moment=MOMENT)
    first = call_loop(shop, "/orders?limit=250")
    assert len(first["orders"]) == ORDERS
    shop.reset()
    assert call_loop(shop, "/orders?limit=250") == first
    shop.replace(world="empty")
    assert orders(shop) == 0
    other = shop.replace(world=LARGE, clock={"mode": "manual"}, moment=MOMENT)
    assert orders(other) == ORDERS
    assert other.customer.submits_return(order="#1001")["state"] == "open"
    other.delete()


def test_while_it_is_filled_other_shops_are_served_and_its_own_callers_wait(
    server: Loopsim, shop: Shop, held: Held, pool: ThreadPoolExecutor
) -> None:
    making = pool.submit(server.create_shop, "filled", world=LARGE, clock={"mode": "manual"}, moment=MOMENT)
    assert held.begun.wait(PATIENCE)
    assert call_loop(shop, "/orders?limit=1")["orders"]
    asked = pool.submit(server.shop, "filled")
    assert not asked.done()
    assert not making.done()
    held.go_on()
    made = making.result(PATIENCE)
    assert asked.result(PATIENCE).name == "filled"
    assert orders(made) == ORDERS
    made.delete()
