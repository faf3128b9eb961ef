"""The invented people of an import: who stands for whom, and where they live.

The same e-mail address or name gives the same invented person in every import of a shop, so that the returns of one
customer stay those of one. Faker is loaded when the first person is needed, not before.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from msgspec import structs

from loopsim.domain import chance, snowflakes
from loopsim.domain.orders import Address, Customer
from loopsim.domain.returns import OrderRef
from loopsim.domain.shop import Settings

if TYPE_CHECKING:
    from loopsim.store.people import Person

# By country: Faker's locale, and how numbers begin in a range that is kept for fiction, with how many digits follow.
_COUNTRIES: dict[str, tuple[str, str, int]] = {
    "US": ("en_US", "+1 503 555 01", 2),
    "CA": ("en_CA", "+1 604 555 01", 2),
    "GB": ("en_GB", "+44 7700 900", 3),
    "DE": ("de_DE", "+49 30 23125 ", 3),
    "FR": ("fr_FR", "+33 6 39 98 ", 4),
    "SE": ("sv_SE", "+46 70 174 06 ", 2),
    "AT": ("de_AT", "", 0),
    "AU": ("en_AU", "", 0),
    "BE": ("nl_BE", "", 0),
    "BR": ("pt_BR", "", 0),
    "CH": ("de_CH", "", 0),
    "CZ": ("cs_CZ", "", 0),
    "DK": ("da_DK", "", 0),
    "ES": ("es_ES", "", 0),
    "FI": ("fi_FI", "", 0),
    "GR": ("el_GR", "", 0),
    "HU": ("hu_HU", "", 0),
    "IE": ("en_IE", "", 0),
    "IN": ("en_IN", "", 0),
    "IT": ("it_IT", "", 0),
    "JP": ("ja_JP", "", 0),
    "MX": ("es_MX", "", 0),
    "NL": ("nl_NL", "", 0),
    "PL": ("pl_PL", "", 0),
    "PT": ("pt_PT", "", 0),
    "RO": ("ro_RO", "", 0),
}
_ELSEWHERE = ("en_US", "", 0)
_DECADE_MS = 10 * 365 * 86_400_000


class ImportedPeople:
    """Who stands for whom, by the e-mail address or name that a file has of them."""

    def __init__(self, settings: Settings) -> None:
        self._seed = settings.seed
        self._known: dict[str, Person] = {}
        self._replaced: set[str] = set()

    @property
    def count(self) -> int:
        """How many people of the file somebody invented stands for."""
        return len(self._replaced)

    def stand_in(self, who: str, country_code: str) -> Person:
        """Whoever replaces `who` in the file; counted."""
        self._replaced.add(_same(who))
        return self.invented(who, country_code)

    def invented(self, who: str, country_code: str) -> Person:
        """The invented person that belongs to `who`, living in the country that is asked for first."""
        key = _same(who)
        person = self._known.get(key)
        if person is None:
            person = self._known[key] = _invent(self._seed, key, country_code)
        return person

    def customer(self, who: str, ref: OrderRef) -> tuple[Customer, OrderRef]:
        """The customer of an imported order, and the order's reference with the name and address that no row has."""
        person = self.invented(who, ref.origin_country_code)
        number = chance.draw(self._seed, "imported customer", _same(who))
        customer = Customer(
            id=(number % _DECADE_MS) << snowflakes.SHIFT | number % (1 << snowflakes.SHIFT),
            email=ref.email,
            first_name=person.first_name,
            last_name=person.last_name,
            phone=person.phone,
        )
        country, code = ref.origin_country, ref.origin_country_code
        address = structs.replace(person.address, country=country, country_code=code)
        named = structs.replace(ref, first_name=person.first_name, last_name=person.last_name, address=address)
        return customer, named


def _same(who: str) -> str:
    return who.strip().lower()


@cache
def _faker(locale: str) -> Any:
    from faker import Faker

    # Weighted choice would make a person five times as dear, and a large file has tens of thousands.
    return Faker(locale, use_weighting=False)


def _invent(seed: int, who: str, code: str) -> Person:
    from loopsim.store.people import Person

    locale, phone, digits = _COUNTRIES.get(code, _ELSEWHERE)
    number = chance.draw(seed, "imported person", who)
    fake = _faker(locale)
    fake.seed_instance(number)
    first_name, last_name = fake.first_name(), fake.last_name()
    phone = phone and phone + chance.digits(digits, seed, "phone", number)
    # Some locales write the flat and the house on two lines.
    address1, _, address2 = fake.street_address().partition("\n")
    address = Address(
        name=f"{first_name} {last_name}",
        address1=address1,
        address2=address2,
        city=fake.city(),
        state=fake.administrative_unit(),
        zip=fake.postcode(),
        country_code=code,
        phone=phone,
    )
    email = f"shopper{number % 10**10}@example.com"
    return Person(first_name=first_name, last_name=last_name, email=email, phone=phone, address=address)
