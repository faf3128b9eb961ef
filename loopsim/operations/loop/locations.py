"""Locations: where stock is. Not to be mixed up with destinations, where returns are sent."""

from __future__ import annotations

from typing import Any

from msgspec import structs

from loopsim.domain.orders import Address, Location
from loopsim.operations import commerce
from loopsim.operations.commerce import Noun
from loopsim.operations.perform import Answer, Call, operation
from loopsim.store.transaction import Transaction
from loopsim.wire import commerce as wire

LOCATION = Noun("location", Location, "location", "locations", wire.location)


def address_of(body: dict[str, Any]) -> Address:
    """An address as this family writes it. The country's name is left empty: only its code is sent."""
    renamed = {"region": "state", "postal_code": "zip"}
    return Address(**{renamed.get(name, name): value or "" for name, value in body.items()})


def _changed(location: Location, body: dict[str, Any]) -> Location:
    changes = {name: body[name] for name in ("name", "status") if body.get(name) is not None}
    changes |= {name: body[name] for name in ("external_id", "sales_channel") if name in body}
    if body.get("address") is not None:
        changes["address"] = address_of(body["address"])
    return structs.replace(location, **changes)


def _put(tx: Transaction, location: Location) -> Location:
    tx.put_resource("location", location.id, location, location.external_id)
    return location


def _new(tx: Transaction, body: dict[str, Any]) -> Location:
    id_ = commerce.new_id(tx)
    return _put(tx, _changed(Location(id=id_, name="", address=Address(), provider_location_id=id_), body))


@operation("listLocations", reads=True)
def list_locations(tx: Transaction, call: Call) -> Any:
    """A page of locations."""
    return commerce.list_page(tx, LOCATION, call)


@operation("getLocation", reads=True)
@operation("getLocationByExternalId", reads=True)
def get_location(tx: Transaction, call: Call) -> Any:
    """One location."""
    return commerce.shown(LOCATION, commerce.need(tx, LOCATION, call), call)


@operation("createLocation")
def create_location(tx: Transaction, call: Call) -> Answer:
    """A new location; 201."""
    return Answer(commerce.shown(LOCATION, _new(tx, call.body), call), 201)


@operation("upsertLocation")
def upsert_location(tx: Transaction, call: Call) -> Any:
    """The location with the merchant's own id, made or changed; 200 both ways."""
    found = tx.resource_by_external("location", call.body["external_id"], Location)
    kept = _new(tx, call.body) if found is None else _put(tx, _changed(found, call.body))
    return commerce.shown(LOCATION, kept, call)


@operation("updateLocation")
def update_location(tx: Transaction, call: Call) -> Any:
    """Change a location."""
    return commerce.shown(LOCATION, _put(tx, _changed(commerce.need(tx, LOCATION, call), call.body)), call)


@operation("deleteLocation")
def delete_location(tx: Transaction, call: Call) -> Any:
    """Remove a location, and with it what it holds."""
    answer = commerce.delete(tx, LOCATION, call)
    tx.delete_stock_at(call.path["id"])
    return answer
