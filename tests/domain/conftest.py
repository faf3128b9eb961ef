"""Returns and orders made by hand, small enough to see through."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest
from msgspec import structs

from loopsim.domain.orders import Address, Customer, Order, OrderLine, Variant
from loopsim.domain.policy import Policy, decide
from loopsim.domain.returns import Exchange, OrderRef, Return, ReturnLine, with_money
from loopsim.domain.shop import Settings
from loopsim.domain.submission import Item, Submission, candidates, submit
from loopsim.domain.totals import Totals

NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)
ADDRESS = Address(
    name="Robin Roe", address1="1 Test Street", city="Testville", state="Ohio", zip="43004", country="United States",
    country_code="US", phone="+1 (503) 555-0100",
)  # fmt: skip


class Maker:
    """Makes domain records; ids rise from 1 for each kind."""

    now = NOW

    def __init__(self) -> None:
        self._ids: dict[str, Any] = {}

    def next_id(self, kind: str) -> int:
        return next(self._ids.setdefault(kind, count(1)))

    def line(self, id_: int = 11, **own: Any) -> OrderLine:
        values = {
            "product_id": 5, "variant_id": 50 + id_, "sku": f"SKU-{id_}", "title": "Tee", "variant_title": "Red / M",
            "quantity": 3, "unit_price": 2000, "discount": 301, "tax": 451, "fulfilled": 3,
        }  # fmt: skip
        return OrderLine(id=id_, **{**values, **own})

    def order(self, *lines: OrderLine, **own: Any) -> Order:
        values = {
            "loop_id": 7, "provider_id": 900, "name": "#1001", "number": "1", "provider_number": "1001",
            "customer": Customer(id=3, email="robin@example.com", first_name="Robin", last_name="Roe"),
            "currency": "USD", "created_at": NOW, "shipping_address": ADDRESS,
        }  # fmt: skip
        return Order(id=1, lines=lines or (self.line(),), **{**values, **own})

    def variant(self, id_: int, **own: Any) -> Variant:
        values = {"product_id": 5, "product_title": "Tee", "title": f"V{id_}", "sku": f"V-{id_}", "price": 2500}
        return Variant(id=id_, inventory_item_id=id_ + 1000, **{**values, **own})

    def settings(self, policy: Policy | None = None, **own: Any) -> Settings:
        return Settings(id=1, subdomain="shop", seed=7, policy=policy or Policy(), **own)

    def submission(self, *outcomes: str, order: Order | None = None, **own: Any) -> Submission:
        """The first units of the order's first line, one per outcome; an exchange is for variant 61."""
        order = order or self.order()
        items = tuple(
            Item(
                line=order.lines[0],
                unit=unit,
                resolution=outcome,  # type: ignore[arg-type]
                exchange_variant=self.variant(61) if outcome == "exchange" else None,
            )
            for unit, outcome in enumerate(outcomes)
        )
        return Submission(order=order, items=items, **own)

    def submit(self, *outcomes: str, policy: Policy | None = None, platform: str = "shopify", **own: Any) -> Any:
        """The change that submitting makes."""
        submission, settings = self.submission(*outcomes, **own), self.settings(policy, platform=platform)
        units = candidates(submission)
        decision = decide(settings.policy, submission.order, units, submission.method, 5)
        return submit(submission, decision, settings, self.next_id, NOW)

    def unit(self, resolution: str = "refund", **own: Any) -> ReturnLine:
        values = {
            "order_line_id": 11, "unit": 0, "product_id": 5, "variant_id": 61, "sku": "SKU", "barcode": "",
            "title": "Tee", "price": 2000, "discount": 0, "tax": 0, "reason": "Too big", "returned_at": NOW,
        }  # fmt: skip
        return ReturnLine(id=self.next_id("unit"), resolution=resolution, **{**values, **own})  # type: ignore[arg-type]

    def item(self, **own: Any) -> Exchange:
        values = {"product_id": 5, "variant_id": 61, "sku": "V-61", "title": "Tee", "price": 2000}
        return Exchange(id=self.next_id("item"), **{**values, **own})

    def return_(self, *lines: ReturnLine, **own: Any) -> Return:
        ref = OrderRef(
            id=1, loop_id=7, provider_id=900, name="#1001", number="1", provider_number="1001",
            email="robin@example.com", first_name="Robin", last_name="Roe", currency="USD", address=ADDRESS,
        )  # fmt: skip
        ref = structs.replace(ref, **own.pop("ref", {}))
        values = {
            "uuid": "u", "state": "open", "order": ref, "totals": Totals(), "outcome": None, "created_at": NOW,
            "updated_at": NOW,
        }  # fmt: skip
        return with_money(Return(id=1, lines=lines or (self.unit(),), **{**values, **own}))


@pytest.fixture
def make() -> Maker:
    return Maker()


Make = Callable[[], Maker]


@pytest.fixture(scope="session")
def new_maker() -> Make:
    """For properties, which make their records anew for every example."""
    return Maker
