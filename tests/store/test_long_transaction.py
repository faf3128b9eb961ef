"""A transaction that takes turns with everything else."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import UTC, datetime

import pytest

from loopsim.clock import Clock, to_ms
from loopsim.domain.shop import Settings
from loopsim.store.shop import Shop, blank_pages

NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)


@pytest.fixture
def shop() -> Shop:
    return Shop.create("a", None, blank_pages(), Settings(id=1, subdomain="a", seed=1), Clock(shop_ms=to_ms(NOW)))


def test_the_shop_is_busy_until_it_ends(shop: Shop) -> None:
    with shop.long_transaction(NOW) as transaction:
        busy = shop.busy
        assert isinstance(busy, asyncio.Event)
        assert not busy.is_set()
        transaction.set_switch("payment_fails", 3)
    assert busy.is_set()
    assert shop.busy is None
    assert shop.records.get("switch", "payment_fails", int) == 3


@pytest.mark.parametrize("ending", [ValueError, asyncio.CancelledError])
def test_whatever_breaks_it_undoes_it_and_frees_the_shop(shop: Shop, ending: type[BaseException]) -> None:
    def breaks() -> None:
        with shop.long_transaction(NOW) as transaction:
            transaction.set_switch("payment_fails", 3)
            raise ending

    with pytest.raises(ending):
        breaks()
    assert shop.busy is None
    assert not shop.connection.in_transaction
    assert shop.records.get("switch", "payment_fails", int) is None


def test_a_second_one_cannot_begin_and_leaves_the_first_alone(shop: Shop) -> None:
    with shop.long_transaction(NOW) as transaction:
        busy = shop.busy
        with pytest.raises(sqlite3.OperationalError), shop.long_transaction(NOW):
            pass
        assert shop.busy is busy
        transaction.set_switch("payment_fails", 1)
    assert shop.records.get("switch", "payment_fails", int) == 1


def test_what_was_counted_meanwhile_is_not_counted_again(shop: Shop) -> None:
    with shop.long_transaction(NOW) as transaction:
        id_ = transaction.next_id("return")
        shop.counters["request"] = 7
    with shop.transaction(NOW) as transaction:
        assert transaction.count("request") == 8
        assert transaction.next_id("return") == id_ + 1
