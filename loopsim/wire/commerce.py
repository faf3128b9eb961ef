"""The dialect of the Commerce Data family: global ids, money in minor units, cursor pages.

Ids are bare numbers beyond 2^53, or texts where the client asked for them (`X-Loop-Global-Identifier-Type: string`).
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable
from typing import Any, Generic, NamedTuple, TypeVar
from urllib.parse import quote

from loopsim.domain.orders import Address, Customer, Location, Variant
from loopsim.domain.products import Collection, Product

Spell = Callable[[int | None], Any]
"""How an id is written: as it is, or as text. None stays null."""


def spelling(*, as_text: bool) -> Spell:
    """The spelling of ids that a client asked for."""
    return (lambda id_: None if id_ is None else str(id_)) if as_text else (lambda id_: id_)


def money(amount: int, currency: str) -> dict[str, Any]:
    """An amount in minor units."""
    return {"amount": amount, "currency_code": currency}


def in_order(said: Any) -> Any:
    """What a merchant said, with every amount of money in it spelled in the order of its keys here."""
    if isinstance(said, list):
        return [in_order(each) for each in said] if said else said
    if not isinstance(said, dict):
        return said
    if len(said) == 2 and "amount" in said and "currency_code" in said:
        return money(said["amount"], said["currency_code"])
    return {name: in_order(each) if isinstance(each, (dict, list)) else each for name, each in said.items()}


def or_null(text: str) -> str | None:
    """Empty texts are null on this side of the API."""
    return text or None


Key = TypeVar("Key", int, tuple[int, int])
ONE, PAIR = ("global_id",), ("product_variant_id", "location_id")
"""What a cursor holds of the last row: its id (captured), or the two ids that an inventory has instead (assumed)."""


class Cursor(NamedTuple, Generic[Key]):
    """Where a page begins: after this row, or before it when walking back."""

    id: Key
    forward: bool


def write_cursor(cursor: Cursor[Any]) -> str:
    """Base64url without padding, of JSON as captured."""
    ids = dict(zip(PAIR, cursor.id, strict=True)) if isinstance(cursor.id, tuple) else {ONE[0]: cursor.id}
    text = json.dumps({**ids, "_pointsToNextItems": cursor.forward}, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(text: str | None) -> Cursor[int] | None:
    """The cursor a text stands for; None for one that cannot be read, which counts as none (assumed)."""
    read = _read(text, ONE)
    return None if read is None else Cursor(read[0][0], read[1])


def read_pair_cursor(text: str | None) -> Cursor[tuple[int, int]] | None:
    """The same for rows of two ids."""
    read = _read(text, PAIR)
    return None if read is None else Cursor((read[0][0], read[0][1]), read[1])


def _read(text: str | None, names: tuple[str, ...]) -> tuple[list[int], bool] | None:
    if not text:
        return None
    try:
        value = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        ids, forward = [value[name] for name in names], value["_pointsToNextItems"]
    except (binascii.Error, ValueError, TypeError, KeyError):
        return None
    fit = all(isinstance(id_, int) and not isinstance(id_, bool) and abs(id_) < 1 << 63 for id_ in ids)
    return (ids, forward) if fit and isinstance(forward, bool) else None


def page_url(base: str, query: dict[str, str], cursor: Cursor[Any]) -> str:
    """The address of a neighbouring page: what shaped this one, and the cursor in front, as captured."""
    parts = [f"cursor={write_cursor(cursor)}", *(f"{name}={quote(value, safe='')}" for name, value in query.items())]
    return f"{base}?{'&'.join(parts)}"


def address(of: Address) -> dict[str, Any]:
    """An address in the words of this family, where return data say `state` and `zip`."""
    return {
        "name": or_null(of.name),
        "company": or_null(of.company),
        "address1": of.address1,
        "address2": or_null(of.address2),
        "city": of.city,
        "region": or_null(of.state),
        "postal_code": or_null(of.zip),
        "country_code": of.country_code,
    }


def customer(of: Customer, spell: Spell) -> dict[str, Any]:
    """A customer. `sales_channel` is null whatever was sent (captured)."""
    return {
        "id": spell(of.id),
        "external_id": of.external_id,
        "sales_channel": None,
        "first_name": or_null(of.first_name),
        "last_name": or_null(of.last_name),
        "email": or_null(of.email),
        "phone": or_null(of.phone),
        "tags": list(of.tags),
    }


def location(of: Location, spell: Spell) -> dict[str, Any]:
    """A place that holds stock."""
    return {
        "id": spell(of.id),
        "external_id": of.external_id,
        "sales_channel": of.sales_channel,
        "name": of.name,
        "status": of.status,
        "address": address(of.address),
    }


def product(of: Product, collections: Iterable[Collection], spell: Spell) -> dict[str, Any]:
    """A product, with the collections it is in."""
    return {
        "id": spell(of.id),
        "external_id": of.external_id,
        "sku": of.sku,
        "name": of.name,
        "sales_channel": of.sales_channel,
        "weight_grams": of.weight_grams,
        "barcode": of.barcode,
        "description": of.description,
        "type": of.type,
        "vendor": of.vendor,
        "price": money(of.price, of.currency),
        "created_at": of.created_at,
        "updated_at": of.updated_at,
        "collections": [
            {"id": spell(each.id), "external_id": each.external_id, "name": each.name} for each in collections
        ],
        "options": [{"name": each.name, "position": each.position, "values": list(each.values)} for each in of.options],
        "images": list(of.images),
        "tags": list(of.tags),
        "source": of.source,
        "default_variant_id": spell(of.default_variant_id),
    }


def variant(of: Variant, currency: str, spell: Spell) -> dict[str, Any]:
    """A variant; `currency` is the shop's."""
    return {
        "id": spell(of.id),
        "external_id": of.external_id,
        "sku": or_null(of.sku),
        "name": of.title or of.product_title,
        "weight_grams": of.weight_grams,
        "barcode": or_null(of.barcode),
        "taxable": of.taxable,
        "price": money(of.price, of.currency or currency),
        "images": [of.image] if of.image else [],
        "options": [{"position": each.position, "value": each.value} for each in of.options],
        "logistics_information": of.logistics,
    }


def collection(of: Collection, products: Iterable[Product], spell: Spell) -> dict[str, Any]:
    """A collection with what is in it."""
    return {
        "id": spell(of.id),
        "external_id": of.external_id,
        "name": of.name,
        "sales_channel": of.sales_channel,
        "products": [
            {"id": spell(each.id), "external_id": each.external_id, "sku": each.sku, "name": each.name}
            for each in products
        ],
    }


def inventory(of: Variant, place: Location, available: int, spell: Spell) -> dict[str, Any]:
    """How many of a variant a location holds."""
    return {
        "available_count": available,
        "product_variant": {
            "id": spell(of.id),
            "external_id": of.external_id,
            "sku": or_null(of.sku),
            "name": of.title or of.product_title,
            "weight_grams": of.weight_grams,
            "barcode": or_null(of.barcode),
        },
        "location": {
            "id": spell(place.id),
            "external_id": place.external_id,
            "name": place.name,
            "status": place.status,
            "address": address(place.address),
        },
    }
