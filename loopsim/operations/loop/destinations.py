"""Destinations: where returned items go. Create answers 200, delete the JSON string "Success" (documented)."""

from __future__ import annotations

from typing import Any

from msgspec import structs

from loopsim.domain.destinations import ADDRESS_KEYS, Destination
from loopsim.errors import Refusal
from loopsim.operations.perform import Answer, Call, operation
from loopsim.store.transaction import Transaction


def _shown(of: Destination) -> dict[str, Any]:
    return {
        "id": of.id,
        "type": of.type,
        "name": of.name,
        "enabled": of.enabled,
        "provider_location_id": of.provider_location_id,
        "address": of.address,
    }


def _address(given: dict[str, Any]) -> dict[str, str | None]:
    return {key: given.get(key) for key in ADDRESS_KEYS}


def _named(tx: Transaction, call: Call) -> Destination:
    found = tx.get("destination", call.path["id"], Destination)
    if found is None:
        raise Refusal("destination_not_found")
    return found


@operation("listDestinations", reads=True)
def list_destinations(tx: Transaction, _call: Call) -> Any:
    """All destinations; one without an address breaks the whole list (documented)."""
    found = tx.all("destination", Destination)
    if any(each.address is None for each in found):
        raise Refusal("destination_without_address")
    return {"destinations": [_shown(each) for each in found]}


@operation("createDestination")
def create_destination(tx: Transaction, call: Call) -> Any:
    """A new destination, as far as the shop may have another."""
    if len(tx.all("destination", Destination)) >= tx.settings.destination_limit:
        raise Refusal("destination_limit_exceeded")
    body = call.body
    enabled = body.get("enabled")
    made = Destination(
        id=tx.next_id("destination"),
        type=body["type"],
        name=body["name"],
        enabled=True if enabled is None else enabled,
        provider_location_id=body.get("provider_location_id"),
        address=_address(body["address"]),
    )
    tx.put("destination", made.id, made)
    return _shown(made)


@operation("getDestination", reads=True)
def get_destination(tx: Transaction, call: Call) -> Any:
    """One destination."""
    return _shown(_named(tx, call))


@operation("updateDestination")
def update_destination(tx: Transaction, call: Call) -> Any:
    """What is left out stays; an address is replaced whole."""
    found, body = _named(tx, call), call.body
    changes = {
        key: body[key]
        for key in ("type", "name", "enabled", "provider_location_id")
        if key in body and (body[key] is not None or key == "provider_location_id")
    }
    if body.get("address") is not None:
        changes["address"] = _address(body["address"])
    changed = structs.replace(found, **changes)
    tx.put("destination", found.id, changed)
    return _shown(changed)


@operation("deleteDestination")
def delete_destination(tx: Transaction, call: Call) -> Answer:
    """Remove a destination."""
    tx.delete("destination", _named(tx, call).id)
    return Answer("Success")
