"""A world file becomes a built world: people by Faker, goods, orders.

Every choice is a function of the seed and of what it is for. One more order leaves the others as they were. One more
variant or customer leaves the ids and names of the others; what orders pick from the longer list may change.
"""

from __future__ import annotations

from datetime import timedelta

from msgspec import structs, to_builtins

from loopsim.domain import chance
from loopsim.domain.orders import Address, Customer
from loopsim.domain.snowflakes import snowflake_at
from loopsim.store.built_world import BuiltWorld
from loopsim.store.catalogue import places, stock_up
from loopsim.store.people import Person, invent
from loopsim.store.recipe import Buyer, Recipe
from loopsim.store.world_file import SpecialCustomer, WorldFile
from loopsim.store.world_orders import first_moment, orders_of, weighted


def build_world(file: WorldFile, seed: int | None = None) -> BuiltWorld:
    """Build the world of a file, by its own seed or another. Of a generated one, all but its goods and orders.

    The same arguments and the same Faker give the same result in every process.
    """
    recipe = _recipe(file, file.seed if seed is None else seed)
    locations, destinations = places(file, recipe.seed)
    built = BuiltWorld(
        name=file.name,
        sentence=file.sentence,
        seed=recipe.seed,
        platform=file.platform,
        currency=file.currency,
        taxes_included=file.taxes_included,
        country=file.countries[file.country].name,
        country_code=file.country,
        utc_offset=file.utc_offset,
        policy=file.policy,
        locations=tuple(locations.values()),
        destinations=destinations,
    )
    if file.generated:
        return structs.replace(built, plain_recipe=to_builtins(recipe, str_keys=True))
    goods = stock_up(file, recipe.seed)
    orders = tuple(orders_of(recipe, goods))
    return structs.replace(built, variants=goods.variants, stock=goods.stock, orders=orders)


def _recipe(file: WorldFile, seed: int) -> Recipe:
    if not file.orders.count:
        return Recipe(file=file, seed=seed)
    special = [(order.name, order.customer) for order in file.orders.special]
    return Recipe(
        file=file,
        seed=seed,
        buyers=tuple(_buyer(file, seed, number) for number in range(file.orders.customers)),
        special_buyers={
            name: _special_buyer(file, seed, name, 1000 + position, customer)
            for position, (name, customer) in enumerate(special)
            if customer is not None
        },
    )


def _buyer(file: WorldFile, seed: int, number: int) -> Buyer:
    shares = {code: country.share for code, country in file.countries.items() if country.share}
    code = weighted(shares, chance.draw(seed, "home", number))
    person = invent(seed, f"customer {number}", number + 1, code, file.countries[code])
    return _as_buyer(file, seed, number, code, person, person.address, ())


def _special_buyer(file: WorldFile, seed: int, name: str, number: int, who: SpecialCustomer) -> Buyer:
    full_name = (who.first_name, who.last_name)
    person = invent(seed, f"special {name}", number + 1, who.country, file.countries[who.country], full_name)
    address = structs.replace(person.address, company=who.company)
    return _as_buyer(file, seed, number, who.country, person, address, who.tags)


def _as_buyer(
    file: WorldFile, seed: int, number: int, code: str, person: Person, address: Address, tags: tuple[str, ...]
) -> Buyer:
    made = first_moment(file) - timedelta(days=2) + timedelta(minutes=number)
    customer = Customer(
        id=snowflake_at(made, chance.between(0, 1023, seed, "customer", number) << 12),
        email=person.email,
        first_name=person.first_name,
        last_name=person.last_name,
        phone=person.phone,
        external_id=f"C-{1001 + number}" if file.platform == "custom" else None,
        tags=tags,
    )
    return Buyer(customer=customer, country=code, address=address)
