"""What a shopper does with a parcel of Ship by Loop, and how far its shipments are."""

from __future__ import annotations

from typing import Any

from msgspec import to_builtins

from loopsim.domain.ship_by_loop import Shipment
from loopsim.errors import Refusal
from loopsim.operations.control.named import named_return
from loopsim.operations.perform import Call, operation
from loopsim.operations.ship_by_loop import step
from loopsim.store.transaction import Transaction


def _shown(shipment: Shipment) -> dict[str, Any]:
    shown: dict[str, Any] = to_builtins(shipment)
    return {"shipment": shown}


@operation("customerShipsByLoop")
def customer_ships_by_loop(tx: Transaction, call: Call) -> Any:
    """The portal asks the partner for a parcel of a return, or for its cancellation."""
    return_ = named_return(tx, call)
    own = [each for each in tx.all("ship_by_loop", Shipment) if each.return_id == return_.id]
    if call.body.get("cancel"):
        if not own or own[-1].state != "purchased":
            raise Refusal("unprocessable", state=return_.state)
        return _shown(step(tx, own[-1], "cancel"))
    if return_.state not in {"open", "review"} or (own and own[-1].state not in {"fell_back", "cancelled"}):
        raise Refusal("unprocessable", state=return_.state)
    tx.cancel_timers(return_.id, "label.make")
    return _shown(step(tx, Shipment(id=tx.next_id("ship_by_loop"), return_id=return_.id), "ask"))


@operation("listShipByLoop", reads=True)
def list_ship_by_loop(tx: Transaction, _call: Call) -> Any:
    """Every shipment, those that silently fell back too."""
    return {"shipments": [to_builtins(each) for each in tx.all("ship_by_loop", Shipment)]}
