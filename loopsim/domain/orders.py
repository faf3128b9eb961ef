"""What a shop sold: orders, their lines and units, customers, variants and locations.

Money is integer minor units (hundredths) of the order's shop currency. A *unit* is one piece of an order line: an order
line of quantity 3 has the units 0, 1 and 2, and a return holds units, never quantities (`FACTS.md#returns-units`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from msgspec import Struct


class Address(Struct, frozen=True, kw_only=True):
    """A postal address in the words of return data; `state` is the full name, absent parts are empty strings."""

    name: str = ""
    company: str = ""
    address1: str = ""
    address2: str = ""
    city: str = ""
    state: str = ""
    zip: str = ""
    country: str = ""
    country_code: str = ""
    phone: str = ""


class Customer(Struct, frozen=True, kw_only=True):
    """Who bought. `id` is a snowflake, `external_id` the merchant's own id or None."""

    id: int
    email: str
    first_name: str
    last_name: str
    phone: str = ""
    external_id: str | None = None
    tags: tuple[str, ...] = ()


class OptionValue(Struct, frozen=True):
    """The value that a variant has of the option at a position of its product."""

    position: int
    value: str


class Variant(Struct, frozen=True, kw_only=True):
    """One sellable variant of a product, `price` in minor units of `currency` (the shop's, where it is empty).

    Weight and customs data feed label requests; `logistics` is what the merchant said of them, to the letter.
    """

    id: int
    product_id: int
    product_title: str
    title: str
    sku: str
    price: int
    barcode: str = ""
    inventory_item_id: int = 0
    product_type: str = ""
    tags: tuple[str, ...] = ()
    image: str | None = None
    taxable: bool = True
    weight_grams: int = 300
    hs_code: str = ""
    country_of_origin: str = "US"
    external_id: str | None = None
    currency: str = ""
    options: tuple[OptionValue, ...] = ()
    logistics: dict[str, Any] | None = None

    @property
    def full_title(self) -> str:
        """The title as return rows print it: product, dash, variant."""
        return f"{self.product_title} - {self.title}" if self.title else self.product_title


class Location(Struct, frozen=True, kw_only=True):
    """A place that holds stock. `provider_location_id` is the platform's id."""

    id: int
    name: str
    address: Address
    provider_location_id: int
    external_id: str | None = None
    status: Literal["active", "inactive"] = "active"
    sales_channel: str | None = None


class OrderLine(Struct, frozen=True, kw_only=True):
    """A line of an order. `discount` and `tax` are totals of the line; `share` splits them over its units.

    `said` is what the merchant said of it through the orders API beyond that, to the letter (`Order.said`).
    """

    id: int
    product_id: int
    variant_id: int | None
    sku: str | None
    title: str
    variant_title: str | None
    quantity: int
    unit_price: int
    discount: int = 0
    tax: int = 0
    fulfilled: int = 0
    barcode: str = ""
    image: str | None = None
    external_id: str | None = None
    final_sale: bool = False
    tags: tuple[str, ...] = ()
    said: dict[str, Any] = {}

    @classmethod
    def of_variant(
        cls,
        variant: Variant,
        *,
        id: int,
        quantity: int,
        discount: int,
        tax: int,
        external_id: str | None = None,
        final_sale: bool = False,
    ) -> OrderLine:
        """A line that sells a variant at its price."""
        return cls(
            id=id,
            product_id=variant.product_id,
            variant_id=variant.id,
            sku=variant.sku,
            title=variant.product_title,
            variant_title=variant.title or None,
            quantity=quantity,
            unit_price=variant.price,
            discount=discount,
            tax=tax,
            barcode=variant.barcode,
            image=variant.image,
            external_id=external_id,
            final_sale=final_sale,
            tags=variant.tags,
        )

    @property
    def full_title(self) -> str:
        """Product, dash, variant."""
        return f"{self.title} - {self.variant_title}" if self.variant_title else self.title


class Fulfillment(Struct, frozen=True, kw_only=True):
    """A shipment of some units to the customer: (order line id, quantity) pairs. It happened at `fulfilled_at`; one
    without that moment has not, and nothing of it can be returned (`FACTS.md#order-fulfilled-at`)."""

    id: int
    fulfilled_at: datetime | None
    lines: tuple[tuple[int, int], ...]
    location_id: int | None = None
    carrier: str = ""
    tracking_number: str = ""
    external_id: str | None = None
    status: str = "success"
    said: dict[str, Any] = {}


class DeletedOrder(Struct, frozen=True, kw_only=True):
    """What stays of an order that the merchant deleted, as its returns stay: what they are asked for by."""

    id: int
    provider_id: int
    name: str


class Order(Struct, frozen=True, kw_only=True):
    """An order.

    `id` is Loop's global id (snowflake), `loop_id` the small integer that return rows print as `order_id`,
    `provider_id` the platform's id. `number` is Shopify's `number`, 1000 less than `provider_number`; both are empty
    outside Shopify. `presentment_rate` is what one unit of shop money is in the customer's currency, in millionths.
    `said` is what the merchant said of the order through the orders API and the engine has no use for, to the letter;
    empty for orders that came another way.
    """

    id: int
    loop_id: int
    provider_id: int
    name: str
    number: str
    provider_number: str
    customer: Customer
    currency: str
    created_at: datetime
    lines: tuple[OrderLine, ...]
    shipping_address: Address = Address()
    billing_address: Address = Address()
    taxes_included: bool = False
    presentment_currency: str = ""
    presentment_rate: int = 1_000_000
    fulfillments: tuple[Fulfillment, ...] = ()
    external_id: str | None = None
    sales_channel: str = "Online Store"
    status: str = "active"
    tags: tuple[str, ...] = ()
    said: dict[str, Any] = {}

    def line(self, line_id: int) -> OrderLine | None:
        """The line with this id, or None."""
        return next((line for line in self.lines if line.id == line_id), None)


def share(total: int, parts: int, index: int) -> int:
    """The part of `total` that falls on piece `index` of `parts`; earlier pieces take the odd cents, so all add up."""
    base, odd = divmod(total, parts)
    return base + (1 if index < odd else 0)


def free_units(line: OrderLine, held: set[tuple[int, int]]) -> int:
    """How many shipped units of a line no return holds; `held` are (line id, unit) pairs."""
    return line.fulfilled - sum(line_id == line.id and unit < line.fulfilled for line_id, unit in held)


def is_known_by(order: Order, secret: str) -> bool:
    """Whether this is what only the customer knows of an order: its postal code, e-mail or phone. Spaces and case do
    not count."""
    keys = (order.shipping_address.zip, order.customer.email, order.customer.phone, order.shipping_address.phone)
    return any(key and _plain(key) == _plain(secret) for key in keys)


def _plain(text: str) -> str:
    return "".join(text.split()).lower()


def parts_of(order: Order) -> list[tuple[str, str]]:
    """The merchant's own ids of an order's parts: (`line`, `fulfillment` or `fulfillment_line`, id)."""
    named = [("line", line.external_id) for line in order.lines]
    for shipment in order.fulfillments:
        named.append(("fulfillment", shipment.external_id))
        named += [("fulfillment_line", each.get("external_id")) for each in shipment.said.get("lines", ())]
    return [(kind, external_id) for kind, external_id in named if external_id]
