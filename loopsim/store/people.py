"""Made-up customers and their addresses: names and places by Faker, the rest such that it can reach nobody.

Faker costs a quarter of a second to load, so this is imported only where a world is built. It is seeded anew for
each person, so that one more person changes no other.
"""

from __future__ import annotations

import unicodedata
from functools import cache

from faker import Faker
from msgspec import Struct

from loopsim.domain import chance
from loopsim.domain.orders import Address
from loopsim.store.world_file import Country

_SPELLED_OUT = str.maketrans({"ß": "ss", "ł": "l", "ø": "o", "æ": "ae", "đ": "d"})


class Person(Struct, frozen=True, kw_only=True):
    """Somebody with a name, an e-mail address at example.com, a home, and a phone number that is nobody's or empty."""

    first_name: str
    last_name: str
    email: str
    phone: str
    address: Address


@cache
def _faker(locale: str) -> Faker:
    return Faker(locale)


def invent(
    seed: int, entity: str, number: int, code: str, country: Country, name: tuple[str, str] | None = None
) -> Person:
    """The person that `entity` is, living in `country` (its code beside it); `number` keeps e-mail addresses apart.

    `name` is (first, last) where chance is not to choose it.
    """
    fake = _faker(country.locale)
    fake.seed_instance(chance.draw(seed, "person", entity))
    drawn = (fake.first_name(), fake.last_name())
    first_name, last_name = name or drawn
    # Some locales write the flat and the house on two lines.
    address1, _, address2 = fake.street_address().partition("\n")
    phone = _filled(country.phone, seed, entity)
    address = Address(
        name=f"{first_name} {last_name}",
        address1=address1,
        address2=address2,
        city=fake.city(),
        state=fake.administrative_unit(),
        zip=fake.postcode(),
        country=country.name,
        country_code=code,
        phone=phone,
    )
    email = f"{_mailbox(first_name, last_name)}{number}@example.com"
    return Person(first_name=first_name, last_name=last_name, email=email, phone=phone, address=address)


def _filled(pattern: str, seed: int, entity: str) -> str:
    digits = iter(chance.digits(max(1, pattern.count("#")), seed, "phone", entity))
    return "".join(next(digits) if each == "#" else each for each in pattern)


def _mailbox(*names: str) -> str:
    letters = (_plain_letters(name) for name in names)
    return ".".join(name for name in letters if name) or "customer"


def _plain_letters(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name.lower().translate(_SPELLED_OUT))
    return "".join(each for each in decomposed if each.isascii() and each.isalpha())
