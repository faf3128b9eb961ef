"""Folders full of returns, made with the operations themselves, many to a transaction."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from msgspec import structs

from loopsim.bootstrap import DEFAULT_SHOP
from loopsim.clock import Clock, to_ms
from loopsim.contract import load_contract
from loopsim.domain.orders import Order
from loopsim.operations.index import import_all
from loopsim.operations.perform import OPERATIONS, TIMERS, Call
from loopsim.store.shop import Shop
from loopsim.store.transaction import Transaction
from loopsim.store.world import World, new_settings

START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
APART = timedelta(seconds=60)
UNITS = 2
RATE_LIMIT = 1_000_000_000  # raised, but counting
_BATCH = 200
_FIRST = 900_000_000_000


class Seeded(NamedTuple):
    """A folder that is ready to be served: who may call, what is in it. `free` are orders that nobody returned yet."""

    folder: Path
    key: str
    returns: tuple[int, ...]
    free: tuple[int, ...]
    since: datetime
    until: datetime

    @property
    def headers(self) -> dict[str, str]:
        """What a call brings."""
        return {"X-Authorization": self.key}


def seed(folder: Path, returns: int, free: int = 0, hooks: tuple[str, ...] = (), labels: bool = True) -> Seeded:
    """A folder with so many returns of two units each, with labels, and orders for so many more.

    `hooks` are URLs that are subscribed to `return.created` once the returns are there. The clock stands still.
    """
    import_all()
    world = World(folder)
    try:
        clock = Clock(mode="manual", shop_ms=to_ms(START))
        shop = world.create(DEFAULT_SHOP, settings=new_settings(DEFAULT_SHOP, rate_limit=RATE_LIMIT), clock=clock)
        key = world.add_key(DEFAULT_SHOP, load_contract().scopes(), "bench")
        model = next(order for order in shop.records.orders() if len(order.lines) == UNITS)
        ids = _orders(shop, model, returns + free)
        batches = range(0, returns, _BATCH)
        made = [id_ for at in batches for id_ in _submit(shop, ids[at : min(at + _BATCH, returns)], at, labels)]
        until = START + APART * max(returns, 1)
        shop.set_clock(structs.replace(shop.clock, shop_ms=to_ms(until)))
        with shop.transaction(until) as transaction:
            for url in hooks:
                body = {"url": url, "topic": "return", "trigger": "return.created"}
                OPERATIONS["createSubscription"].function(transaction, Call(body=body))
        return Seeded(folder, key.text, tuple(made), tuple(ids[returns:]), START, until)
    finally:
        world.close()


def _orders(shop: Shop, model: Order, count: int) -> list[int]:
    ids = []
    for first in range(0, count, 1000):
        with shop.transaction(START) as transaction:
            for number in range(first, min(first + 1000, count)):
                order = _order(model, number)
                transaction.put_order(order)
                ids.append(order.id)
    return ids


def _order(model: Order, number: int) -> Order:
    own = _FIRST + number * 10
    lines = tuple(
        structs.replace(line, id=own + index, quantity=1, fulfilled=1, final_sale=False)
        for index, line in enumerate(model.lines)
    )
    return structs.replace(model, id=own, provider_id=own + 5, name=f"#B{number}", lines=lines)


def submit_body(order: int) -> dict[str, object]:
    """What the customer of a seeded order sends: both units, each with a reason."""
    items = [
        {"line_item_id": order, "outcome": "refund", "reason": "Too small"},
        {"line_item_id": order + 1, "outcome": "credit", "reason": "Not as pictured", "comment": "The colour is off"},
    ]
    return {"order": order, "items": items}


def _submit(shop: Shop, orders: list[int], first: int, labels: bool) -> list[int]:
    made = []
    with shop.transaction(START + APART * first) as transaction:
        for number, order in enumerate(orders, first):
            transaction.now = START + APART * number
            made.append(_submit_one(transaction, order, labels))
    return made


def _submit_one(transaction: Transaction, order: int, labels: bool) -> int:
    answer = OPERATIONS["customerSubmitsReturn"].function(transaction, Call(body=submit_body(order)))
    id_: int = answer["return"]["id"]
    if labels:
        TIMERS["label.make"](transaction, id_, {})
        transaction.cancel_timers(id_, "label.make")
    transaction.events.clear()
    return id_
