"""Ship by Loop: a partner carries the parcel, if it answers the portal in time; otherwise Loop goes on as if nobody had
been asked. The deadline is documented, what is in the bodies is assumed (`FACTS.md#ship-by-loop-bodies`)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from msgspec import Struct

from loopsim.errors import Refusal

POLL = timedelta(seconds=5)
MOST_POLLS = 12
ENTITY = "shipment"

# state → action → next state. `polled` is what the portal does when it sees an answer, `give_up` when none came.
LIFECYCLE: dict[str, dict[str, str]] = {
    "none": {"ask": "services_requested"},
    "services_requested": {"services": "offered", "errors": "fell_back", "give_up": "fell_back"},
    "offered": {"polled": "purchase_requested"},
    "purchase_requested": {"orders": "ordered", "errors": "fell_back", "give_up": "fell_back"},
    "ordered": {"polled": "purchased"},
    "purchased": {"cancel": "cancellation_requested"},
    "cancellation_requested": {"orders": "cancelled", "errors": "purchased", "give_up": "cancelled"},
    "fell_back": {},
    "cancelled": {},
}
TRIGGERS = {
    "services_requested": "ship-by-loop.services.requested",
    "purchase_requested": "ship-by-loop.purchase.requested",
    "cancellation_requested": "ship-by-loop.cancellation.requested",
}


class Shipment(Struct, frozen=True, kw_only=True):
    """A parcel that a partner is asked for. `service` is what the shopper chose, `order` what the partner confirmed."""

    id: int
    return_id: int
    state: str = "none"
    services: tuple[dict[str, Any], ...] = ()
    service: dict[str, Any] | None = None
    order: dict[str, Any] | None = None
    error: dict[str, Any] | None = None


def after(shipment: Shipment, action: str) -> str:
    """The state that an action leads to. Raises `Refusal("shipment_not_open")`."""
    state = LIFECYCLE[shipment.state].get(action)
    if state is None:
        raise Refusal("shipment_not_open", state=shipment.state)
    return state


def cheapest(services: tuple[dict[str, Any], ...]) -> dict[str, Any]:
    """What a simulated shopper chooses."""
    return min(services, key=lambda service: service["price"]["amount"])
