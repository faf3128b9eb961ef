"""Pushing commerce data over HTTP: orders upserted against constant bytes; creates and late pages with many objects."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from loopsim.bootstrap import DEFAULT_SHOP
from loopsim.clock import Clock, to_ms
from loopsim.contract import load_contract
from loopsim.operations.index import import_all
from loopsim.operations.perform import OPERATIONS, Call
from loopsim.store.shop import Shop
from loopsim.store.world import World, new_settings
from tests.performance.load import each_once, for_seconds, get, write
from tests.performance.plan import Plan
from tests.performance.reads import fetch
from tests.performance.report import Row
from tests.performance.rounds import Sent, alternate, processor_ratios
from tests.performance.seeds import RATE_LIMIT, START
from tests.performance.servers import Process, loopsim_server, raw_server

FEW, PAGE = 100, 50
TURNS, PASSES = 15, 20
LINES = 2
_BATCH = 500
Body = dict[str, Any]


class Pushed(NamedTuple):
    """A folder with orders that a merchant pushed, and as many customers: who may call, what an order refers to."""

    folder: Path
    key: str
    customer: int
    goods: tuple[tuple[int, int], ...]

    @property
    def headers(self) -> dict[str, str]:
        """What a call brings."""
        return {"X-Authorization": self.key}

    def order(self, number: int) -> Body:
        """What a merchant sends of an order: two lines with their taxes, sent in one parcel."""
        return _order(number, self.customer, self.goods)


def push(folder: Path, count: int) -> Pushed:
    """A folder with so many orders and customers, made with the operations themselves, many to a transaction."""
    import_all()
    world = World(folder)
    try:
        settings = new_settings(DEFAULT_SHOP, rate_limit=RATE_LIMIT)
        shop = world.create(DEFAULT_SHOP, settings=settings, clock=Clock(mode="manual", shop_ms=to_ms(START)))
        key = world.add_key(DEFAULT_SHOP, load_contract().scopes(), "bench")
        model = next(order for order in shop.records.orders() if len(order.lines) == LINES)
        goods = tuple((line.product_id, line.variant_id or 0) for line in model.lines)
        pushed = Pushed(folder, key.text, model.customer.id, goods)
        _fill(shop, count, "createOrder", lambda number: pushed.order(number))
        _fill(shop, count, "createCustomer", _customer)
        return pushed
    finally:
        world.close()


def _fill(shop: Shop, count: int, operation: str, body: Callable[[int], Body]) -> None:
    for first in range(0, count, _BATCH):
        with shop.transaction(START) as transaction:
            for number in range(first, min(first + _BATCH, count)):
                transaction.now = START + timedelta(milliseconds=number)
                OPERATIONS[operation].function(transaction, Call(body=body(number)))


def _customer(number: int) -> Body:
    return {
        "external_id": f"C-{number}",
        "first_name": "Ada",
        "last_name": "Lovelace",
        "email": f"ada{number}@example.com",
        "phone": "617 555 0100",
        "tags": [],
    }


def _usd(amount: int) -> Body:
    return {"amount": amount, "currency_code": "USD"}


def _order(number: int, customer: int, goods: tuple[tuple[int, int], ...]) -> Body:
    home = {
        "name": "Ada Lovelace",
        "address1": "1 Main Street",
        "city": "Boston",
        "region": "Massachusetts",
        "postal_code": "02101",
        "country_code": "US",
    }
    lines = [
        {
            "external_id": f"{number}-{index}",
            "product": {"id": product},
            "product_variant": {"id": variant},
            "quantity": 1,
            "unit_price": _usd(7_000),
            "taxable": True,
            "tax_lines": [{"title": "Sales tax", "rate": 0.0625, "price": _usd(437)}],
        }
        for index, (product, variant) in enumerate(goods)
    ]
    sent = {
        "external_id": f"{number}-F",
        "status": "success",
        "fulfilled_at": "2026-02-22T10:00:00+00:00",
        "shipping_carrier": "UPS",
        "tracking_numbers": [f"1Z{number:016}"],
        "fulfillment_line_items": [
            {"external_id": f"{number}-F{index}", "order_line_item_external_id": f"{number}-{index}", "quantity": 1}
            for index in range(len(goods))
        ],
    }
    return {
        "external_id": f"SO-{number}",
        "name": f"#SO{number}",
        "status": "active",
        "taxes_included": False,
        "sales_channel": "ERP",
        "source": "ERP",
        "customer": {"id": customer},
        "shipping_address": home,
        "billing_address": home,
        "total_price": _usd(14_874),
        "total_taxes": _usd(874),
        "line_items": lines,
        "fulfillments": [sent],
        "tags": [],
        "created_at": "2026-02-20T10:00:00+00:00",
        "updated_at": "2026-02-20T10:00:00+00:00",
    }


def _requests(method: str, path: str, pushed: Pushed, bodies: Iterator[Body]) -> Iterator[bytes]:
    headers = {**pushed.headers, "Content-Type": "application/json"}
    return (write(method, path, json.dumps(body).encode(), headers) for body in bodies)


def upserts(plan: Plan) -> list[Row]:
    """Orders upserted per second against constant bytes: new ones, and the same ones sent again."""
    pushed = push(plan.scratch / "upserts", FEW)
    count = plan.orders // plan.rounds

    def requests() -> Iterator[bytes]:
        return _requests("PUT", "/api/v1/orders", pushed, map(pushed.order, range(FEW, FEW + count * plan.rounds)))

    with ExitStack() as stack:
        server = stack.enter_context(loopsim_server(pushed.folder))
        answer = fetch(server.port, "/api/v1/orders/external/SO-0", pushed.headers)
        raw = stack.enter_context(raw_server(answer))
        new, again = requests(), requests()
        compared = alternate(
            lambda: for_seconds(raw.port, [get("/")], plan.seconds),
            {
                "new": lambda: each_once(server.port, list(islice(new, count))),
                "again": lambda: each_once(server.port, list(islice(again, count))),
            },
            plan.rounds,
        )
    shutil.rmtree(pushed.folder)
    rows = {f"upsert {count * plan.rounds:,} orders": compared["new"], "upsert the same again": compared["again"]}
    return [Row(name, "×", each.ratios, "at least", 0.08, each.says) for name, each in rows.items()]


CREATED: dict[str, Callable[[Pushed, int], Body]] = {
    "orders": lambda pushed, number: pushed.order(number),
    "customers": lambda _pushed, number: _customer(number),
}
"""What is created, by its path."""


def creates(plan: Plan) -> list[Row]:
    """Creates per second with few objects and with many, and the last pages of many customers against the first."""
    folders = {"few": push(plan.scratch / "few-pushed", FEW), "many": push(plan.scratch / "many-pushed", plan.many)}
    with ExitStack() as stack:
        served = {name: stack.enter_context(loopsim_server(pushed.folder)) for name, pushed in folders.items()}
        rows = [_flat(plan, path, folders, served) for path in CREATED]
        rows.append(_late_pages(plan, served["many"], folders["many"]))
    for pushed in folders.values():
        shutil.rmtree(pushed.folder)
    return rows


def _flat(plan: Plan, path: str, folders: dict[str, Pushed], served: dict[str, Process]) -> Row:
    def sender(name: str) -> Callable[[], Sent]:
        pushed = folders[name]
        numbers = range(plan.many, plan.many + plan.creates * plan.rounds)
        bodies = (CREATED[path](pushed, number) for number in numbers)
        requests = _requests("POST", f"/api/v1/{path}", pushed, bodies)
        return lambda: Sent(served[name], list(islice(requests, plan.creates)))

    ratios, says = processor_ratios(sender("few"), sender("many"), plan.rounds)
    return Row(f"create {path} at {plan.many:,} against {FEW}", "×", ratios, "at least", 0.9, says)


def _late_pages(plan: Plan, server: Process, pushed: Pushed) -> Row:
    paths = _walk(server, pushed)
    requests = [get(path, pushed.headers) for path in paths[:-1]]
    ratios, says = processor_ratios(
        lambda: Sent(server, requests[:TURNS] * PASSES), lambda: Sent(server, requests[-TURNS:] * PASSES), plan.rounds
    )
    return Row(f"customers, pages to {len(requests)} against pages from 1", "×", ratios, "at least", 0.95, says)


def _walk(server: Process, pushed: Pushed) -> list[str]:
    """The paths of all pages of customers, as their links lead from one to the next."""
    paths, path = [], f"/api/v1/customers?limit={PAGE}"
    while path:
        paths.append(path)
        parts = urlsplit(json.loads(fetch(server.port, path, pushed.headers))["next_page_url"] or "")
        path = f"{parts.path}?{parts.query}" if parts.path else ""
    return paths
