"""The invented people of an import: who stands for whom, and where they live.

The same e-mail address or name gives the same invented person in every import of a shop, so that returns of one customer stay those of one
customer. Faker is loaded when the first person is needed, not before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from loopsim.domain import chance
from loopsim.domain.orders import Customer
from loopsim.domain.returns import OrderRef
from loopsim.domain.shop import Settings
from loopsim.store.built_world import SNOWFLAKE_SHIFT
from loopsim.store.world_file import Country

if TYPE_CHECKING:
    from loopsim.store.people import Person

# Faker's locale and a range of numbers kept for fiction, by country. Others live in the United States' way, under their own country's name.
_COUNTRIES: dict[str, tuple[str, str]] = {
    "US": ("en_US", "+1 503 555 01##"),
    "CA": ("en_CA", "+1 604 555 01##"),
    "GB": ("en_GB", "+44 7700 900###"),
    "AU": ("en_AU", "+61 491 570 1##"),
    "IE": ("en_IE", "+353 20 911 0###"),
    "DE": ("de_DE", "+49 30 23125 ###"),
    "AT": ("de_AT", ""),
    "CH": ("de_CH", ""),
    "FR": ("fr_FR", "+33 6 39 98 ## ##"),
    "NL": ("nl_NL", ""),
    "BE": ("nl_BE", ""),
    "IT": ("it_IT", ""),
    "ES": ("es_ES", ""),
    "PT": ("pt_PT", ""),
    "SE": ("sv_SE", "+46 70 174 06 ##"),
    "DK": ("da_DK", ""),
    "FI": ("fi_FI", ""),
    "PL": ("pl_PL", ""),
    "CZ": ("cs_CZ", ""),
    "HU": ("hu_HU", ""),
    "RO": ("ro_RO", ""),
    "GR": ("el_GR", ""),
    "JP": ("ja_JP", ""),
    "BR": ("pt_BR", ""),
    "MX": ("es_MX", ""),
    "IN": ("en_IN", ""),
}
_DECADE_MS = 10 * 365 * 86_400_000


class ImportedPeople:
    """Who stands for whom, by the e-mail address or name that a file has of them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
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
            person = self._known[key] = self._invent(key, country_code)
        return person

    def _invent(self, who: str, code: str) -> Person:
        from loopsim.store.people import invent

        locale, phone = _COUNTRIES.get(code, ("en_US", ""))
        number = chance.draw(self._settings.seed, "imported person", who)
        country = Country(name=code, locale=locale, phone=phone)
        return invent(self._settings.seed, f"imported {number}", number % 1_000_000, code, country)

    def customer(self, who: str, ref: OrderRef) -> tuple[Customer, OrderRef]:
        """The customer of an imported order, and the order's reference with the name and address that no row has."""
        person = self.invented(who, ref.origin_country_code)
        number = chance.draw(self._settings.seed, "imported customer", _same(who))
        customer = Customer(
            id=(number % _DECADE_MS) << SNOWFLAKE_SHIFT | number % (1 << SNOWFLAKE_SHIFT),
            email=ref.email,
            first_name=person.first_name,
            last_name=person.last_name,
            phone=person.phone,
        )
        address = structs.replace(person.address, country=ref.origin_country, country_code=ref.origin_country_code)
        named = structs.replace(ref, first_name=person.first_name, last_name=person.last_name, address=address)
        return customer, named


def _same(who: str) -> str:
    return who.strip().lower()
