"""A world file becomes a built world: customers, orders, shipments.

Every choice is a function of the seed and of what it is for. One more order leaves the others as they were. One more
variant or customer leaves the ids and names of the others; what orders pick from the longer list may change.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import TypeVar

from msgspec import Struct, structs

from loopsim.domain import chance
from loopsim.domain.orders import Address, Customer, Fulfillment, Order, OrderLine, Variant
from loopsim.domain.snowflakes import snowflake_at
from loopsim.store.built_world import BUILD_DAY, BuiltWorld, midnight
from loopsim.store.catalogue import Goods, millionths, stock_up
from loopsim.store.people import Person, invent
from loopsim.store.world_file import SpecialCustomer, SpecialOrder, WorldFile, order_name

K = TypeVar("K")
_BILLION = 10**9
_PACKING = (20 * 3600, 66 * 3600)  # seconds from an order to its shipment


class _Buyer(Struct, frozen=True, kw_only=True):
    """A customer as orders need them: with the home and the country's code."""

    customer: Customer
    country: str
    address: Address


class _Maker(Struct, frozen=True, kw_only=True):
    """What every order is made from."""

    file: WorldFile
    seed: int
    goods: Goods
    by_sku: dict[str, Variant]
    specials: dict[str, SpecialOrder]


def build_world(file: WorldFile, seed: int | None = None) -> BuiltWorld:
    """Build the world of a file, by its own seed or another.

    The same arguments and the same Faker give the same result in every process.
    """
    seed = file.seed if seed is None else seed
    goods = stock_up(file, seed)
    maker = _Maker(
        file=file,
        seed=seed,
        goods=goods,
        by_sku={variant.sku: variant for variant in goods.variants},
        specials={special.name: special for special in file.orders.special},
    )
    return BuiltWorld(
        name=file.name,
        sentence=file.sentence,
        seed=seed,
        platform=file.platform,
        currency=file.currency,
        taxes_included=file.taxes_included,
        country=file.countries[file.country].name,
        country_code=file.country,
        utc_offset=file.utc_offset,
        policy=file.policy,
        orders=tuple(_order(maker, index) for index in range(file.orders.count)),
        variants=goods.variants,
        locations=tuple(goods.locations.values()),
        stock=goods.stock,
        destinations=goods.destinations,
    )


def line_tax(amount: int, rate: Decimal, included: bool) -> int:
    """The tax of a line that costs `amount` after its discount, on top of it or the part within it; rounded half up."""
    exact = amount * rate / (1 + rate) if included else amount * rate
    return int(exact.quantize(Decimal(1), ROUND_HALF_UP))


def percent_of(amount: int, percent: int) -> int:
    """That many percent of an amount in minor units, rounded half up."""
    return (amount * percent + 50) // 100


def _weighted(weights: Mapping[K, int], drawn: int) -> K:
    point = drawn % sum(weights.values())
    for key, weight in weights.items():
        point -= weight
        if point < 0:
            return key
    raise AssertionError("weights are positive")


def _start(file: WorldFile) -> datetime:
    return midnight(BUILD_DAY) - timedelta(days=file.orders.days_back)


# who bought


def _buyer(maker: _Maker, name: str, special: SpecialCustomer | None) -> _Buyer:
    if special is not None:
        number = 1000 + list(maker.specials).index(name)
        person = _invented(maker, f"special {name}", number, special.country, (special.first_name, special.last_name))
        address = structs.replace(person.address, company=special.company)
        return _as_buyer(maker, number, special.country, person, address, special.tags)
    number = chance.draw(maker.seed, "buyer", name) % maker.file.orders.customers
    shares = {code: country.share for code, country in maker.file.countries.items() if country.share}
    code = _weighted(shares, chance.draw(maker.seed, "home", number))
    person = _invented(maker, f"customer {number}", number, code, None)
    return _as_buyer(maker, number, code, person, person.address, ())


def _invented(maker: _Maker, entity: str, number: int, code: str, name: tuple[str, str] | None) -> Person:
    return invent(maker.seed, entity, number + 1, code, maker.file.countries[code], name)


def _as_buyer(maker: _Maker, number: int, code: str, person: Person, address: Address, tags: tuple[str, ...]) -> _Buyer:
    made = _start(maker.file) - timedelta(days=2) + timedelta(minutes=number)
    customer = Customer(
        id=snowflake_at(made, chance.between(0, 1023, maker.seed, "customer", number) << 12),
        email=person.email,
        first_name=person.first_name,
        last_name=person.last_name,
        phone=person.phone,
        external_id=f"C-{1001 + number}" if maker.file.platform == "custom" else None,
        tags=tags,
    )
    return _Buyer(customer=customer, country=code, address=address)


# what they bought


def _order(maker: _Maker, index: int) -> Order:
    file, seed = maker.file, maker.seed
    name = order_name(file.orders, index)
    special = maker.specials.get(name, SpecialOrder(name=name))
    step = file.orders.hours_apart * 3600
    jitter = chance.between(0, step - 1, seed, "order time", name)
    created = _start(file) + timedelta(seconds=index * step + jitter)
    id_ = snowflake_at(created, chance.between(0, 1023, seed, "order", name) << 12)
    shopify = file.platform == "shopify"
    buyer = _buyer(maker, name, special.customer)
    pays_in = file.countries[buyer.country].pays_in or file.currency
    order = Order(
        id=id_,
        loop_id=chance.between(100_000_000, 800_000_000, seed, "loop order ids") + index * 1000 + jitter % 1000,
        provider_id=_provider_order_id(maker, index) if shopify else id_,
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


def _provider_order_id(maker: _Maker, index: int) -> int:
    name = order_name(maker.file.orders, index)
    first = 5_000 * _BILLION + chance.between(0, 900 * _BILLION, maker.seed, "provider order ids")
    return first + index * 40_000 + chance.between(0, 39_999, maker.seed, "provider order", name)


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
    wanted = _weighted(orders.lines, chance.draw(seed, "lines", name))
    chosen: dict[str, Variant] = {}
    attempt = 0
    while len(chosen) < wanted:
        drawn = maker.goods.variants[chance.draw(seed, "item", name, attempt) % len(maker.goods.variants)]
        chosen.setdefault(drawn.sku, drawn)
        attempt += 1
    return [
        (variant, _weighted(orders.quantities, chance.draw(seed, "quantity", name, position)))
        for position, variant in enumerate(chosen.values())
    ]


def _discount(maker: _Maker, name: str, special: SpecialOrder) -> int:
    if special.discount is not None:
        return special.discount
    orders = maker.file.orders
    if chance.draw(maker.seed, "discounted", name) % 100 >= orders.discount_share:
        return 0
    return orders.discounts[chance.draw(maker.seed, "discount", name) % len(orders.discounts)]


def _lines(maker: _Maker, order: Order, special: SpecialOrder, buyer: _Buyer) -> tuple[OrderLine, ...]:
    percent = _discount(maker, order.name, special)
    rate = Decimal(maker.file.countries[buyer.country].tax_rate)
    lines = []
    for part, (variant, quantity) in enumerate(_choice(maker, order.name, special), 1):
        full = variant.price * quantity
        discount = percent_of(full, percent)
        lines.append(
            OrderLine(
                id=_part_id(maker, order, part, 13_000),
                product_id=variant.product_id,
                variant_id=variant.id,
                sku=variant.sku,
                title=variant.product_title,
                variant_title=variant.title or None,
                quantity=quantity,
                unit_price=variant.price,
                discount=discount,
                tax=line_tax(full - discount, rate, order.taxes_included) if variant.taxable else 0,
                barcode=variant.barcode,
                image=variant.image,
                external_id=f"{order.external_id}-{part}" if order.external_id else None,
                final_sale=variant.sku in maker.goods.final_sale,
                tags=variant.tags,
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
