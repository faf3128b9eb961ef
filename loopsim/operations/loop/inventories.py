"""Inventories: how many of a variant a location holds."""

from __future__ import annotations

from typing import Any

from loopsim.domain.orders import Location, Variant
from loopsim.errors import Invalid, Refusal
from loopsim.operations import commerce
from loopsim.operations.perform import Answer, Call, operation
from loopsim.store.transaction import Transaction
from loopsim.wire import commerce as wire
from loopsim.wire.numbers import whole


def _pair(tx: Transaction, call: Call) -> tuple[Variant, Location]:
    variant = tx.resource("variant", call.path["productVariantId"], Variant)
    location = tx.resource("location", call.path["locationId"], Location)
    if variant is None or location is None:
        raise Refusal(commerce.NOT_FOUND)
    return variant, location


def _counted(tx: Transaction, variant: Variant, location: Location) -> int | None:
    return (tx.stock(variant.id) or {}).get(location.id)


def _shown(variant: Variant, location: Location, available: int, call: Call) -> dict[str, Any]:
    return {"inventory": wire.inventory(variant, location, available, commerce.spell_of(call))}


def _put(tx: Transaction, call: Call) -> dict[str, Any]:
    variant, location = _pair(tx, call)
    available = call.body["available_count"]
    tx.put_stock(variant.id, location.id, available)
    return _shown(variant, location, available, call)


@operation("listInventories", reads=True)
def list_inventories(tx: Transaction, call: Call) -> Any:
    """A page of inventories, by variant and location."""
    limit, descending = commerce.page_size(call), commerce.is_descending(call)
    cursor = wire.read_pair_cursor(call.query.get("cursor"))
    backward = cursor is not None and not cursor.forward
    found = tx.stock_page(
        limit + 1,
        after=None if cursor is None else cursor.id,
        descending=descending != backward,
        variant_id=_number(call, "product_variant_id"),
        location_id=_number(call, "location_id"),
    )
    rows, urls = commerce.cut(found, limit, cursor, call, "inventories", lambda row: row[:2])
    return {"inventories": [_row(tx, row, call) for row in rows], **urls}


def _row(tx: Transaction, row: tuple[int, int, int], call: Call) -> dict[str, Any]:
    variant, location = tx.resource("variant", row[0], Variant), tx.resource("location", row[1], Location)
    assert variant is not None
    assert location is not None
    return wire.inventory(variant, location, row[2], commerce.spell_of(call))


def _number(call: Call, name: str) -> int | None:
    text = call.query.get(name, "").strip()
    if not text:
        return None
    number = whole(text)
    if number is None:
        raise Invalid({name: [f"The {name.replace('_', ' ')} field must be an integer."]})
    return number


@operation("getInventory", reads=True)
def get_inventory(tx: Transaction, call: Call) -> Any:
    """What one location holds of one variant."""
    variant, location = _pair(tx, call)
    available = _counted(tx, variant, location)
    if available is None:
        raise Refusal(commerce.NOT_FOUND)
    return _shown(variant, location, available, call)


@operation("createInventory")
def create_inventory(tx: Transaction, call: Call) -> Answer:
    """Begin to count a variant at a location; 201. Refused where it is counted already (assumed)."""
    if _counted(tx, *_pair(tx, call)) is not None:
        raise Refusal("inventory_exists")
    return Answer(_put(tx, call), 201)


@operation("upsertInventory")
def upsert_inventory(tx: Transaction, call: Call) -> Any:
    """Set what a location holds, counted before or not; 200."""
    return _put(tx, call)


@operation("deleteInventory")
def delete_inventory(tx: Transaction, call: Call) -> Any:
    """Count a variant at a location no longer."""
    variant, location = _pair(tx, call)
    if _counted(tx, variant, location) is None:
        raise Refusal(commerce.NOT_FOUND)
    tx.delete_stock(variant.id, location.id)
    spell = commerce.spell_of(call)
    return {"product_variant_id": spell(variant.id), "location_id": spell(location.id), "success": True}
