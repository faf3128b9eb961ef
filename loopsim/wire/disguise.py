"""Taking people out of a row: every e-mail address, name and postal address gives way to those of an invented person.

Which person stands for whom is the caller's choice. Everything else of the row stays: types, keys, nulls, empty texts,
and countries, which say nothing about a person.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Protocol

from loopsim.domain.orders import Address
from loopsim.wire.fields import NOTHING


class Person(Protocol):
    """Somebody invented."""

    @property
    def first_name(self) -> str: ...
    @property
    def last_name(self) -> str: ...
    @property
    def email(self) -> str: ...
    @property
    def phone(self) -> str: ...
    @property
    def address(self) -> Address: ...


StandIn = Callable[[str], Person]
"""The invented person that stands for somebody, by the e-mail address or name that a row has of them."""

_EMAIL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@[\w-]+(?:\.[\w-]+)+")
_PREFIXES = ("customer_", "shipping_", "billing_", "recipient_", "shopper_")
_KEPT_IN_ADDRESSES = frozenset({"country", "country_code", "country_name", "countryCode"})
_PEOPLE = frozenset({"customer", "customer_detail", "customer_details", "recipient", "shopper", "sender", "contact"})
_STAFF = frozenset({"return_processor", "processed_by", "created_by", "updated_by", "author", "user_name"})


def _full_name(person: Person) -> str:
    return f"{person.first_name} {person.last_name}"


# What replaces a text under a key, wherever in a row it stands.
_ANYWHERE: dict[str, Callable[[Person], str]] = {
    "customer": _full_name,
    "customer_name": _full_name,
    "full_name": _full_name,
    "recipient": _full_name,
    "shopper": _full_name,
    "first_name": lambda person: person.first_name,
    "middle_name": lambda _: "",
    "last_name": lambda person: person.last_name,
    "email": lambda person: person.email,
    "phone": lambda person: person.phone,
    "phone_number": lambda person: person.phone,
    "address": lambda person: person.address.address1,
    "address1": lambda person: person.address.address1,
    "address2": lambda person: person.address.address2,
    "street": lambda person: person.address.address1,
    "city": lambda person: person.address.city,
    "zip": lambda person: person.address.zip,
    "zip_code": lambda person: person.address.zip,
    "postal_code": lambda person: person.address.zip,
    "postcode": lambda person: person.address.zip,
}
# What replaces a text in an address or a person only: elsewhere these keys mean other things.
_INSIDE: dict[str, Callable[[Person], str]] = {
    **_ANYWHERE,
    "name": _full_name,
    "company": lambda person: person.address.company,
    "state": lambda person: person.address.state,
    "province": lambda person: person.address.state,
}


def disguised(row: dict[str, Any], stand_in: StandIn) -> dict[str, Any]:
    """The row without the people in it. What needs no change is shared with the original, which is left as it is."""
    customer = row.get("customer")
    known = isinstance(customer, str) and customer not in NOTHING
    walk = _Walk(stand_in, customer if known and isinstance(customer, str) else f"return {row.get('id')}")
    result: dict[str, Any] = walk.object(row)
    return result


class _Walk:
    """One row's walk. The customer is asked for only when something of theirs is met."""

    def __init__(self, stand_in: StandIn, who: str) -> None:
        self._stand_in = stand_in
        self._who = who

    def object(self, of: dict[str, Any], inside: bool = False) -> dict[str, Any]:
        changed = {
            key: new
            for key, old in of.items()
            # Nearly everything is a text that says nothing about a person: it is seen here, without a call.
            if old
            and (type(old) is not str or "@" in old or not _is_neutral(key, inside))
            and (new := self._value(key, old, inside)) is not old
        }
        return {**of, **changed} if changed else of

    def _value(self, key: str, value: Any, inside: bool) -> Any:
        kind = type(value)
        if kind is str:
            return self._text(key, value, inside)
        if kind is dict:
            return self._address(value) if key.endswith("address") else self.object(value, inside or key in _PEOPLE)
        if kind is list:
            return self._list(key, value, inside)
        return value

    def _list(self, key: str, values: list[Any], inside: bool) -> list[Any]:
        new = [self._value(key, each, inside) if each else each for each in values]
        return new if any(a is not b for a, b in zip(new, values, strict=True)) else values

    def _text(self, key: str, value: str, inside: bool) -> str:
        if "@" in value:
            replaced = _EMAIL.sub(self._mailbox, value)
            if replaced != value:
                return replaced
        if key in _STAFF:
            return _full_name(self._stand_in(value))
        part = _part_of(key, inside)
        return value if part is None or value in NOTHING else part(self._stand_in(self._who))

    def _mailbox(self, found: re.Match[str]) -> str:
        return self._stand_in(found[0]).email

    def _address(self, address: dict[str, Any]) -> dict[str, Any]:
        """Every part is replaced; a part that nobody knows is emptied, since it may say where somebody lives."""
        return {key: value if key in _KEPT_IN_ADDRESSES else self._part(key, value) for key, value in address.items()}

    def _part(self, key: str, value: Any) -> Any:
        if isinstance(value, dict):
            return {inner: self._part(inner, each) for inner, each in value.items()}
        if isinstance(value, list):
            return [self._part(key, each) for each in value]
        if isinstance(value, str) and value not in NOTHING:
            part = _part_of(key, True)
            return "" if part is None else part(self._stand_in(self._who))
        if isinstance(value, int | float) and not isinstance(value, bool):
            return type(value)(0)
        return value


@lru_cache(maxsize=4096)
def _part_of(key: str, inside: bool) -> Callable[[Person], str] | None:
    for prefix in _PREFIXES:
        if key.startswith(prefix):
            key = key[len(prefix) :]
            break
    return (_INSIDE if inside else _ANYWHERE).get(key)


@lru_cache(maxsize=4096)
def _is_neutral(key: str, inside: bool) -> bool:
    return key not in _STAFF and _part_of(key, inside) is None
