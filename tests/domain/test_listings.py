"""What the lists say of an order and its lines."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from loopsim.domain.listings import Listing, is_line_listed, is_order_listed
from loopsim.domain.orders import Customer, Order, OrderLine

LINE = OrderLine(
    id=1, product_id=2, variant_id=33, sku="A", title="T", variant_title=None, quantity=1, unit_price=100,
    tags=("Final", "sale"),
)  # fmt: skip
ORDER = Order(
    id=1, loop_id=2, provider_id=3, name="#1001", number="", provider_number="", currency="USD",
    customer=Customer(id=4, email="Abc@Example.com", first_name="A", last_name="B"),
    created_at=datetime(2026, 1, 1, tzinfo=UTC), lines=(LINE,),
)  # fmt: skip


def entry(type_: Any, value: str) -> tuple[Listing, ...]:
    return (Listing(id=1, type=type_, value=value, created_at=datetime(2026, 1, 1, tzinfo=UTC)),)


@pytest.mark.parametrize(
    ("type_", "value", "listed"),
    [
        ("order", "1001", True),
        ("order", "#1001", True),
        ("order", "#10012", False),
        ("email", "abc@example.COM", True),
        ("email", "bc@example.com", False),
        ("product", "1001", False),
        ("product_tag", "#1001", False),
    ],
)
def test_an_order_is_named_by_name_or_address(type_: str, value: str, listed: bool) -> None:
    assert is_order_listed(entry(type_, value), ORDER) is listed


@pytest.mark.parametrize(
    ("type_", "value", "listed"),
    [("product", "33", True), ("product", "2", False), ("product_tag", "final", True), ("order", "33", False)],
)
def test_a_line_is_named_by_variant_or_tag(type_: str, value: str, listed: bool) -> None:
    assert is_line_listed(entry(type_, value), LINE) is listed
