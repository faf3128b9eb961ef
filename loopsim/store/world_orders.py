"""The orders of a world: who bought, when, what, at which price, and what was sent.

Nobody is invented here, so that a server can make the orders of a generated world without Faker.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import TypeVar

from msgspec import Struct, structs

from loopsim.domain import chance
from loopsim.domain.orders import Fulfillment, Order, OrderLine, Variant
from loopsim.domain.snowflakes import snowflake_at
from loopsim.store.built_world import BUILD_DAY, midnight
from loopsim.store.catalogue import Goods, millionths
from loopsim.store.recipe import Buyer, Recipe
from loopsim.store.world_file import SpecialOrder, WorldFile, order_name, seconds_apart

K = TypeVar("K")
_BILLION = 10**9
_PACKING = (20 * 3600, 66 * 3600)  # seconds from an order to its shipment


class _Maker(Struct, frozen=True, kw_only=True):
    """What every order is made from."""

    file: WorldFile
    seed: int
    goods: Goods
    recipe: Recipe
    first_loop_id: int
    first_provider_id: int
    by_sku: dict[str, Variant]
    specials: dict[str, SpecialOrder]


def orders_of(recipe: Recipe, goods: Goods) -> Iterator[Order]:
    """The orders of a world one after the other, around `BUILD_DAY`."""
    maker = _Maker(
        file=recipe.file,
        seed=recipe.seed,
        goods=goods,
        recipe=recipe,
        first_loop_id=chance.between(100_000_000, 800_000_000, recipe.seed, "loop order ids"),
        first_provider_id=5_000 * _BILLION + chance.between(0, 900 * _BILLION, recipe.seed, "provider order ids"),
        by_sku={variant.sku: variant for variant in goods.variants},
        specials={special.name: special for special in recipe.file.orders.special},
    )
    return (_order(maker, index) for index in range(recipe.file.orders.count))


def line_tax(amount: int, rate: Decimal, included: bool) -> int:
    """The tax of a line that costs `amount` after its discount, on top of it or the part within it; rounded half up."""
    exact = amount * rate / (1 + rate) if included else amount * rate
    return int(exact.quantize(Decimal(1), ROUND_HALF_UP))


def percent_of(amount: int, percent: int) -> int:
    """That many percent of an amount in minor units, rounded half up."""
    return (amount * percent + 50) // 100


def weighted(weights: Mapping[K, int], drawn: int) -> K:
    """The key that a number drawn at random falls on, as often as its weight says."""
    point = drawn % sum(weights.values())
    for key, weight in weights.items():
        point -= weight
        if point < 0:
            return key
    raise AssertionError("weights are positive")


def first_moment(file: WorldFile) -> datetime:
    """When the first order may have been made."""
    return midnight(BUILD_DAY) - timedelta(days=file.orders.days_back)


def _buyer(maker: _Maker, name: str) -> Buyer:
    special = maker.recipe.special_buyers.get(name)
    if special is not None:
        return special
    return maker.recipe.buyers[chance.draw(maker.seed, "buyer", name) % len(maker.recipe.buyers)]


# what they bought


def _order(maker: _Maker, index: int) -> Order:
    file, seed = maker.file, maker.seed
    name = order_name(file.orders, index)
    special = maker.specials.get(name, SpecialOrder(name=name))
    step = seconds_apart(file.orders)
    jitter = chance.between(0, step - 1, seed, "order time", name)
    created = first_moment(file) + timedelta(seconds=index * step + jitter)
    id_ = snowflake_at(created, chance.between(0, 1023, seed, "order", name) << 12)
    shopify = file.platform == "shopify"
    buyer = _buyer(maker, name)
    pays_in = file.countries[buyer.country].pays_in or file.currency
    order = Order(
        id=id_,
        loop_id=maker.first_loop_id + index * 1000 + jitter % 1000,
        provider_id=_provider_order_id(maker, index, name) if shopify else id_,
        name=name,
        number=str(1 + index) if shopify else "",
        provider_number=str(1001 + index) if shopify else "",
        customer=buyer.customer,
        currency=file.currency,
        created_at=created,
        lines=(),
        shipping_address=buyer.address,
        billing_address=buyer.address,
        taxes_included=file.taxes_included,
        presentment_currency=pays_in,
        presentment_rate=1_000_000 if pays_in == file.currency else millionths(file.currencies[pays_in]),
        external_id=None if shopify else f"SO-{1001 + index}",
        sales_channel=file.sales_channel,
        tags=special.tags,
    )
    return _shipped(maker, structs.replace(order, lines=_lines(maker, order, special, buyer)), special)


def _provider_order_id(maker: _Maker, index: int, name: str) -> int:
    return maker.first_provider_id + index * 40_000 + chance.between(0, 39_999, maker.seed, "provider order", name)


def _part_id(maker: _Maker, order: Order, part: int, billions: int) -> int:
    """The platform's id of a part of an order: near the order's at Shopify, the next of its sequence elsewhere."""
    if maker.file.platform == "custom":
        return order.id + part
    return billions * _BILLION + order.provider_id * 100 % (1_000 * _BILLION) + part


def _choice(maker: _Maker, name: str, special: SpecialOrder) -> list[tuple[Variant, int]]:
    """The variants of an order and how many of each."""
    if special.items:
        return [(maker.by_sku[sku], quantity) for sku, quantity in special.items.items()]
    orders, seed = maker.file.orders, maker.seed
    wanted = weighted(orders.lines, chance.draw(seed, "lines", name))
    chosen: dict[str, Variant] = {}
    attempt = 0
    while len(chosen) < wanted:
        drawn = maker.goods.variants[chance.draw(seed, "item", name, attempt) % len(maker.goods.variants)]
        chosen.setdefault(drawn.sku, drawn)
        attempt += 1
    return [
        (variant, weighted(orders.quantities, chance.draw(seed, "quantity", name, position)))
        for position, variant in enumerate(chosen.values())
    ]


def _discount(maker: _Maker, name: str, special: SpecialOrder) -> int:
    if special.discount is not None:
        return special.discount
    orders = maker.file.orders
    if chance.draw(maker.seed, "discounted", name) % 100 >= orders.discount_share:
        return 0
    return orders.discounts[chance.draw(maker.seed, "discount", name) % len(orders.discounts)]


def _lines(maker: _Maker, order: Order, special: SpecialOrder, buyer: Buyer) -> tuple[OrderLine, ...]:
    percent = _discount(maker, order.name, special)
    rate = Decimal(maker.file.countries[buyer.country].tax_rate)
    lines = []
    for part, (variant, quantity) in enumerate(_choice(maker, order.name, special), 1):
        full = variant.price * quantity
        discount = percent_of(full, percent)
        lines.append(
            OrderLine.of_variant(
                variant,
                id=_part_id(maker, order, part, 13_000),
                quantity=quantity,
                discount=discount,
                tax=line_tax(full - discount, rate, order.taxes_included) if variant.taxable else 0,
                external_id=f"{order.external_id}-{part}" if order.external_id else None,
                final_sale=variant.sku in maker.goods.final_sale,
            )
        )
    return tuple(lines)


# what was sent


def _shipped(maker: _Maker, order: Order, special: SpecialOrder) -> Order:
    """The order with its shipment, unless it is to have none or the day the shop starts comes first."""
    seed, orders = maker.seed, maker.file.orders
    sent_at = order.created_at + timedelta(seconds=chance.between(*_PACKING, seed, "packing", order.name))
    units = _units_to_send(order, special.fulfilled)
    if not units or sent_at >= midnight(BUILD_DAY):
        return order
    locations = list(maker.goods.locations.values())
    fulfillment = Fulfillment(
        id=_part_id(maker, order, 100, 4_000),
        fulfilled_at=sent_at,
        lines=tuple(units.items()),
        location_id=locations[chance.draw(seed, "sent from", order.name) % len(locations)].id,
        carrier=orders.carriers[chance.draw(seed, "sent by", order.name) % len(orders.carriers)],
        tracking_number=chance.digits(20, seed, "tracking", order.name),
        external_id=f"{order.external_id}-F1" if order.external_id else None,
    )
    lines = tuple(structs.replace(line, fulfilled=units.get(line.id, 0)) for line in order.lines)
    return structs.replace(order, lines=lines, fulfillments=(fulfillment,))


def _units_to_send(order: Order, fulfilled: str) -> dict[int, int]:
    """Quantity by line id; of an order that is sent partly, the first unit of its first line."""
    if fulfilled == "none":
        return {}
    if fulfilled == "partly":
        return {order.lines[0].id: 1}
    return {line.id: line.quantity for line in order.lines}
