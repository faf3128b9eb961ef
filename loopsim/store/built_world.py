"""A world as it is kept: everything that chance and Faker decided, as domain records around one fixed day.

Orders belong to the weeks before a shop starts, so a shop is given them moved to its own day: the moments, and the ids
that hold the moment they were made at (`domain.snowflakes`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct, convert, structs

from loopsim.domain import snowflakes
from loopsim.domain.destinations import Destination
from loopsim.domain.orders import Fulfillment, Location, Order, OrderLine, Variant
from loopsim.domain.policy import Policy
from loopsim.domain.shop import Settings

if TYPE_CHECKING:
    from loopsim.store.recipe import Recipe

BUILD_DAY = date(2026, 1, 1)
"""The day that built worlds are kept for."""

_EARLIEST, _LATEST = date(2020, 1, 1), date(2080, 1, 1)


class WorldHead(Struct, frozen=True, kw_only=True):
    """What a world says of a shop that starts with it, beside its goods. Destinations have id 0: a shop numbers its
    own."""

    name: str
    sentence: str
    seed: int
    platform: Literal["shopify", "custom"]
    currency: str
    taxes_included: bool
    country: str
    country_code: str
    utc_offset: int
    policy: Policy
    destinations: tuple[Destination, ...] = ()

    def settings(self, *, id: int, subdomain: str, seed: int, **own: Any) -> Settings:
        """The settings of a new shop of this world; `own` overrides what the world says."""
        of_the_world = {
            "world": self.name,
            "platform": self.platform,
            "currency": self.currency,
            "taxes_included": self.taxes_included,
            "country": self.country,
            "country_code": self.country_code,
            "utc_offset": self.utc_offset,
            "policy": self.policy,
        }
        return Settings(id=id, subdomain=subdomain, seed=seed, **{**of_the_world, **own})


class BuiltWorld(WorldHead, frozen=True, kw_only=True):
    """All that a shop of this world starts with. `stock` is available pieces by variant id and location id.

    A generated world has a recipe instead of goods and orders, as plain data: a shop makes its own of it.
    """

    orders: tuple[Order, ...] = ()
    variants: tuple[Variant, ...] = ()
    locations: tuple[Location, ...] = ()
    stock: dict[int, dict[int, int]] = {}
    plain_recipe: dict[str, Any] | None = None

    @property
    def recipe(self) -> Recipe | None:
        """The recipe of a generated world."""
        # Only here: few shops are of such a world, and to read any world is cheaper without all that a recipe may hold.
        from loopsim.store.recipe import Recipe

        return None if self.plain_recipe is None else convert(self.plain_recipe, Recipe, str_keys=True)


def midnight(day: date) -> datetime:
    """The moment a day begins, UTC."""
    return datetime.combine(day, time(), UTC)


def placed_orders(built: BuiltWorld, day: date) -> tuple[Order, ...]:
    """The world's orders, as a shop has them that starts on `day`."""
    return tuple(placed(built.platform, built.orders, day))


def placed(platform: str, orders: Iterable[Order], day: date) -> Iterator[Order]:
    """Orders around `BUILD_DAY`, moved to a shop that starts on `day`."""
    delta = midnight(day) - midnight(BUILD_DAY)
    # Ids have no room for moments before 2019 or long after; orders of such a shop have right times and bent ids.
    bent = midnight(min(max(day, _EARLIEST), _LATEST)) - midnight(BUILD_DAY)
    shift = (bent // timedelta(milliseconds=1)) << snowflakes.SHIFT
    # Ids of other platforms are made by Loop and hold the moment; Shopify's are its own.
    own_shift = shift if platform == "custom" else 0
    return (_placed(order, delta, shift, own_shift) for order in orders)


def _placed(order: Order, delta: timedelta, shift: int, own_shift: int) -> Order:
    return structs.replace(
        order,
        id=order.id + shift,
        provider_id=order.provider_id + own_shift,
        created_at=order.created_at + delta,
        customer=structs.replace(order.customer, id=order.customer.id + shift),
        lines=tuple(_placed_line(line, own_shift) for line in order.lines),
        fulfillments=tuple(_placed_fulfillment(each, delta, own_shift) for each in order.fulfillments),
    )


def _placed_line(line: OrderLine, own_shift: int) -> OrderLine:
    return structs.replace(line, id=line.id + own_shift) if own_shift else line


def _placed_fulfillment(fulfillment: Fulfillment, delta: timedelta, own_shift: int) -> Fulfillment:
    return structs.replace(
        fulfillment,
        id=fulfillment.id + own_shift,
        fulfilled_at=fulfillment.fulfilled_at and fulfillment.fulfilled_at + delta,
        lines=tuple((line + own_shift, quantity) for line, quantity in fulfillment.lines),
    )
