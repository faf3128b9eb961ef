"""What Happy Returns does: send what was dropped off to the warehouse."""

from __future__ import annotations

from typing import Any

from loopsim.errors import Refusal
from loopsim.operations import happy_returns
from loopsim.operations.perform import Call, operation
from loopsim.store.transaction import Transaction


@operation("happyReturnsShips")
def happy_returns_ships(tx: Transaction, _call: Call) -> Any:
    """Let the boxes leave now."""
    shipment = happy_returns.ship(tx)
    if shipment is None:
        raise Refusal("nothing_to_ship")
    return {
        "loop_shipment_id": shipment.loop_shipment_id,
        "happy_returns_shipment_id": shipment.happy_returns_shipment_id,
        "return_count": shipment.return_count,
        "line_item_count": shipment.line_item_count,
    }
