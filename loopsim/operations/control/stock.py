"""Stock: how many of a variant a location holds."""

from __future__ import annotations

from typing import Any

from loopsim.domain.orders import Location
from loopsim.errors import Refusal
from loopsim.operations import moves
from loopsim.operations.control.named import named_variant
from loopsim.operations.perform import Call, operation
from loopsim.store.transaction import Transaction
from loopsim.wire.numbers import whole


@operation("stockSets")
def stock_sets(tx: Transaction, call: Call) -> Any:
    """How many of a variant a location holds; without a location, the first one, and none elsewhere."""
    body = call.body
    variant = named_variant(tx, body["variant"])
    known = [place.id for place in tx.resources("location", Location)]
    if body.get("location_id") is None:
        tx.delete_stock(variant.id)
        place = next(iter(known), 0)
    else:
        place = whole(str(body["location_id"])) or 0
        if place not in known:
            raise Refusal("location_not_found")
    tx.put_stock(variant.id, place, body["available"])
    return {"variant_id": variant.id, "sku": variant.sku, "available": moves.available(tx, variant.id)}
