"""The dialect of the Commerce Data family: global ids, money in minor units, cursor pages.

Ids are bare numbers beyond 2^53, or texts where the client asked for them (`X-Loop-Global-Identifier-Type: string`).
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import quote

from loopsim.domain.orders import Address, Customer

Spell = Callable[[int | None], Any]
"""How an id is written: as it is, or as text. None stays null."""


def spelling(*, as_text: bool) -> Spell:
    """The spelling of ids that a client asked for."""
    return (lambda id_: None if id_ is None else str(id_)) if as_text else (lambda id_: id_)


def money(amount: int, currency: str) -> dict[str, Any]:
    """An amount in minor units."""
    return {"amount": amount, "currency_code": currency}


def or_null(text: str) -> str | None:
    """Empty texts are null on this side of the API."""
    return text or None


class Cursor(NamedTuple):
    """Where a page begins: after this id, or before it when walking back."""

    id: int
    forward: bool


def write_cursor(cursor: Cursor) -> str:
    """Base64url without padding, of JSON as captured."""
    text = json.dumps({"global_id": cursor.id, "_pointsToNextItems": cursor.forward}, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(text: str | None) -> Cursor | None:
    """The cursor a text stands for; None for one that cannot be read, which counts as none (assumed)."""
    if not text:
        return None
    try:
        value = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        id_, forward = value["global_id"], value["_pointsToNextItems"]
    except (binascii.Error, ValueError, TypeError, KeyError):
        return None
    fits = isinstance(id_, int) and not isinstance(id_, bool) and abs(id_) < 1 << 63
    return Cursor(id_, forward) if fits and isinstance(forward, bool) else None


def page_url(base: str, query: dict[str, str], cursor: Cursor) -> str:
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
