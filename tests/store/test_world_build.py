"""What a world file becomes."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from loopsim.domain.snowflakes import EPOCH
from loopsim.store import worlds
from loopsim.store.built_world import BUILD_DAY, midnight, placed_orders
from loopsim.store.codec import encode
from loopsim.store.world_build import build_world
from loopsim.store.world_file import (
    ProductEntry,
    SpecialCustomer,
    SpecialOrder,
    VariantEntry,
    WorldFile,
    parse_world_file,
)
from loopsim.store.world_orders import line_tax, percent_of
from tests.store.shipped import WORLDS

ROOT = Path(__file__).parents[2]
NAMES = [name for name in WORLDS if name != "large-catalogue"]
"""Those built at once; the large one is made in slices and has tests of its own."""
SOLD = [name for name in NAMES if name not in ("empty", "new-outside-shopify")]
"""Those with orders."""


def world_file(name: str) -> WorldFile:
    return parse_world_file((worlds.SOURCE / f"{name}.yaml").read_bytes(), name)


def with_orders(file: WorldFile, **changes: Any) -> WorldFile:
    return msgspec.structs.replace(file, orders=msgspec.structs.replace(file.orders, **changes))


def made_at(global_id: int) -> datetime:
    return EPOCH + timedelta(milliseconds=global_id >> 22)


@pytest.mark.parametrize("name", NAMES)
def test_a_world_is_built_the_same_in_every_process(name: str) -> None:
    program = (
        "import sys\nfrom pathlib import Path\nfrom loopsim.store.codec import encode\n"
        "from loopsim.store.world_build import build_world\nfrom loopsim.store.world_file import parse_world_file\n"
        "sys.stdout.buffer.write(encode(build_world(parse_world_file(Path(sys.argv[1]).read_bytes(), ''))))"
    )
    command = [sys.executable, "-c", program, str(worlds.SOURCE / f"{name}.yaml")]
    here = encode(build_world(world_file(name)))
    for hash_seed in ("1", "2"):
        environment = {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
        there = subprocess.run(command, capture_output=True, check=True, timeout=60, env=environment).stdout
        assert there == here


@pytest.mark.parametrize("name", SOLD)
def test_one_more_order_leaves_the_others_as_they_were(name: str) -> None:
    file = world_file(name)
    more = build_world(with_orders(file, count=file.orders.count + 1)).orders
    assert len(more) == file.orders.count + 1
    assert more[:-1] == build_world(file).orders


def test_one_more_special_order_leaves_the_others_as_they_were() -> None:
    file = world_file("us-apparel")
    customer = SpecialCustomer(first_name="Ida", last_name="Stone", country="US")
    special = SpecialOrder(name="#1020", items={"CAP-GRN": 4}, customer=customer)
    more = build_world(with_orders(file, special=(*file.orders.special, special))).orders
    before = build_world(file).orders
    assert [one.name for one, other in zip(before, more, strict=True) if one != other] == ["#1020"]
    assert (more[19].customer.first_name, more[19].lines[0].sku, more[19].lines[0].quantity) == ("Ida", "CAP-GRN", 4)


def test_one_more_product_leaves_the_ids_of_the_others_as_they_were() -> None:
    file = world_file("us-apparel")
    product = ProductEntry(title="Scarf", price="15.00", variants=(VariantEntry(sku="SCARF"),))
    more = build_world(msgspec.structs.replace(file, catalogue=(product, *file.catalogue))).variants
    assert more[1:] == build_world(file).variants


def test_another_seed_gives_another_world() -> None:
    file = world_file("us-apparel")
    one, other = build_world(file), build_world(file, 99)
    assert other.seed == 99
    assert not {order.provider_id for order in one.orders} & {order.provider_id for order in other.orders}
    assert [order.customer.email for order in one.orders] != [order.customer.email for order in other.orders]


@pytest.mark.parametrize("name", SOLD)
def test_the_money_of_every_line_adds_up(name: str) -> None:
    file = world_file(name)
    built = build_world(file)
    variants = {variant.id: variant for variant in built.variants}
    for order in built.orders:
        rate = Decimal(file.countries[order.shipping_address.country_code].tax_rate)
        for line in order.lines:
            variant = variants[line.variant_id or 0]
            assert line.unit_price == variant.price
            paid = line.unit_price * line.quantity - line.discount
            assert 0 <= line.discount <= line.unit_price * line.quantity
            net = paid / (1 + rate) if file.taxes_included else Decimal(paid)
            tax = net * rate if variant.taxable else Decimal(0)
            assert abs(line.tax - tax) <= Decimal("0.5")


def test_tax_and_discount_are_rounded_half_up() -> None:
    assert line_tax(50, Decimal("0.01"), included=False) == 1
    assert line_tax(250, Decimal("0.01"), included=False) == 3
    assert line_tax(3990, Decimal("0.19"), included=True) == 637
    assert percent_of(5, 10) == 1
    assert percent_of(1995, 10) == 200


def test_the_default_world_has_something_of_everything() -> None:
    built = build_world(world_file("us-apparel"))
    lines = [line for order in built.orders for line in order.lines]
    assert len(built.orders) == 40
    assert len(built.variants) == 25
    assert any(line.final_sale for line in lines)
    assert any(line.quantity > 1 and line.discount % line.quantity for line in lines)
    assert any(not variant.taxable for variant in built.variants)
    assert any(sum(by_location.values()) == 0 for by_location in built.stock.values())
    first = built.orders[0]
    assert (first.name, first.lines[0].sku, first.lines[0].tax, first.number) == ("#1001", "TEE-RED-M", 217, "1")


@pytest.mark.parametrize("name", SOLD)
def test_orders_are_sent_days_after_they_were_made_except_the_few_that_were_not(name: str) -> None:
    orders = build_world(world_file(name)).orders
    sent = {order.name: sum(line.fulfilled for line in order.lines) for order in orders}
    ordered = {order.name: sum(line.quantity for line in order.lines) for order in orders}
    partly = [key for key, units in sent.items() if 0 < units < ordered[key]]
    never = [key for key, units in sent.items() if units == 0]
    assert len(partly) == 1
    assert 1 <= len(never) <= 3
    for order in orders:
        shipped = {line: quantity for each in order.fulfillments for line, quantity in each.lines}
        assert shipped == {line.id: line.fulfilled for line in order.lines if line.fulfilled}
        for each in order.fulfillments:
            assert order.created_at < each.fulfilled_at < order.created_at + timedelta(days=3)
            assert each.fulfilled_at < midnight(BUILD_DAY)


def test_an_order_too_young_to_be_packed_is_not_sent() -> None:
    old = with_orders(world_file("us-apparel"), count=1, hours_apart=1, special=())
    (sent,) = build_world(old).orders
    # Packing takes 20 hours and more.
    (waiting,) = build_world(with_orders(old, days_back=1, hours_apart=24), seed=1).orders
    assert waiting.created_at > midnight(BUILD_DAY) - timedelta(hours=20)
    assert (len(sent.fulfillments), len(waiting.fulfillments)) == (1, 0)
    assert [line.fulfilled for line in waiting.lines] == [0] * len(waiting.lines)


def test_a_shopify_world_has_the_ids_and_numbers_of_shopify() -> None:
    built = build_world(world_file("us-apparel"))
    for order in built.orders:
        assert len(str(order.provider_id)) == 13
        assert order.name == f"#{order.provider_number}"
        assert int(order.number) == int(order.provider_number) - 1000
        assert order.external_id is None
        assert abs(made_at(order.id) - order.created_at) < timedelta(seconds=1)
        assert all(len(str(line.id)) == 14 for line in order.lines)
    assert all(len(str(each.id)) == len(str(each.product_id)) == 14 for each in built.variants)


def test_a_world_of_another_platform_has_loops_own_ids_and_no_numbers() -> None:
    built = build_world(world_file("eu-multi-currency"))
    for order in built.orders:
        assert (order.number, order.provider_number) == ("", "")
        assert order.provider_id == order.id
        assert [line.id for line in order.lines] == [order.id + n for n in range(1, len(order.lines) + 1)]
        assert order.external_id
        assert order.id > 2**53
    assert all(each.id > 2**53 and each.product_id > 2**53 and each.external_id == each.sku for each in built.variants)


@pytest.mark.parametrize("name", SOLD)
def test_no_two_things_have_the_same_id(name: str) -> None:
    built = build_world(world_file(name))
    customers = {order.customer for order in built.orders}
    for ids in (
        [order.id for order in built.orders],
        [order.provider_id for order in built.orders],
        [order.loop_id for order in built.orders],
        [line.id for order in built.orders for line in order.lines],
        [each.id for order in built.orders for each in order.fulfillments],
        [customer.id for customer in customers],
        [customer.email for customer in customers],
        [variant.id for variant in built.variants],
        [location.id for location in built.locations],
    ):
        assert len(ids) == len(set(ids))
    assert all(100_000_000 <= order.loop_id <= 999_999_999 for order in built.orders)
    assert sorted(order.loop_id for order in built.orders) == [order.loop_id for order in built.orders]


def test_the_european_world_speaks_more_than_ascii_and_pays_in_four_currencies() -> None:
    built = build_world(world_file("eu-multi-currency"))
    text = encode(built).decode()
    assert all(letter in text for letter in "Üßłé☕🍀🎁渡辺美咲")
    rates = {order.presentment_currency: order.presentment_rate for order in built.orders}
    assert rates == {"EUR": 1_000_000, "GBP": 843_700, "SEK": 11_192_500, "PLN": 4_271_800}
    assert {order.presentment_currency != order.currency for order in built.orders} == {True, False}
    assert all(order.taxes_included and order.currency == "EUR" for order in built.orders)


@pytest.mark.parametrize("name", SOLD)
def test_nobody_made_up_can_be_reached(name: str) -> None:
    for order in build_world(world_file(name)).orders:
        assert order.customer.email.endswith("@example.com")
        assert order.customer.email.isascii()
        assert order.customer.phone == "" or order.customer.phone.startswith(
            (
                *("+1 503 555 01", "+1 604 555 01", "+1 416 555 01", "+1 716 555 01", "+1 512 555 01"),
                *("+49 30 23125 ", "+33 6 39 98 ", "+46 70 174 06 ", "+44 7700 900"),
            )
        )
        address = order.shipping_address
        assert address.city
        assert "\n" not in address.address1 + address.address2


# the day a shop starts


def test_orders_move_with_the_day_a_shop_starts() -> None:
    built = build_world(world_file("eu-multi-currency"))
    day = date(2026, 11, 23)
    moved = placed_orders(built, day)
    delta = midnight(day) - midnight(BUILD_DAY)
    for before, after in zip(built.orders, moved, strict=True):
        assert after.created_at - before.created_at == delta
        assert abs(made_at(after.id) - after.created_at) < timedelta(seconds=1)
        assert after.provider_id == after.id
        for each in after.fulfillments:
            assert all(after.line(line) for line, _ in each.lines)
    assert all(midnight(day) - timedelta(days=60) <= order.created_at < midnight(day) for order in moved)
    assert midnight(day) - moved[-1].created_at < timedelta(days=7)
