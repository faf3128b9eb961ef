"""Ship by Loop: the partner's answers. The portal notices them when it looks the next time."""

from __future__ import annotations

from typing import Any

from loopsim.domain.ship_by_loop import Shipment
from loopsim.errors import Invalid, Refusal
from loopsim.operations.perform import Call, operation
from loopsim.operations.ship_by_loop import step
from loopsim.store.transaction import Transaction


def _named(tx: Transaction, call: Call) -> Shipment:
    found = tx.get("ship_by_loop", call.path["shipmentId"], Shipment)
    if found is None:
        raise Refusal("shipment_not_found")
    return found


def _answer(shipment: Shipment) -> dict[str, Any]:
    return {"shipment_id": shipment.id, "status": shipment.state}


@operation("offerShipmentServices")
def offer_shipment_services(tx: Transaction, call: Call) -> Any:
    """What the partner can do for the parcel."""
    return _answer(step(tx, _named(tx, call), "services", services=tuple(call.body["services"])))


@operation("confirmShipmentOrder")
def confirm_shipment_order(tx: Transaction, call: Call) -> Any:
    """The parcel is bought, or its cancellation done, whichever was asked for."""
    shipment, order = _named(tx, call), call.body
    if shipment.state == "purchase_requested":
        missing = [name for name in ("carrier", "tracking_number") if not order.get(name)]
        if missing:
            raise Invalid({name: [f"The {name.replace('_', ' ')} field is required."] for name in missing})
        return _answer(step(tx, shipment, "orders", order=order))
    return _answer(step(tx, shipment, "orders"))


@operation("reportShipmentError")
def report_shipment_error(tx: Transaction, call: Call) -> Any:
    """It cannot be done: the portal goes on without the partner."""
    return _answer(step(tx, _named(tx, call), "errors", error=call.body))
