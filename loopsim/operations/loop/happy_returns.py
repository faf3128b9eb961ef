"""Happy Returns shipments. Two kinds of id on neighbouring paths: theirs (a string) and Loop's (an integer)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from loopsim.errors import Invalid, Refusal
from loopsim.operations.happy_returns import Shipment
from loopsim.operations.perform import Call, operation
from loopsim.operations.windows import asked_moment
from loopsim.store.transaction import Transaction
from loopsim.wire import times
from loopsim.wire.paging import length_aware, page_of

PER_PAGE = 200
DAY = timedelta(days=1)


def _shown(shipment: Shipment) -> dict[str, Any]:
    return {
        "loop_shipment_id": shipment.loop_shipment_id,
        "happy_returns_shipment_id": shipment.happy_returns_shipment_id,
        "line_item_count": shipment.line_item_count,
        "return_count": shipment.return_count,
        "created_at": times.iso(shipment.created_at),
        "updated_at": times.iso(shipment.updated_at),
    }


@operation("listHappyReturnsShipments", reads=True)
def list_shipments(tx: Transaction, call: Call) -> Any:
    """The shipments of a window, the previous 24 hours by default; links name the path with `/list` (documented)."""
    wrong: dict[str, list[str]] = {}
    window = {}
    for name, default in (("from", tx.now - DAY), ("to", tx.now)):
        text = call.query.get(name, "").strip()
        moment = asked_moment(text, call, tx.now) if text else default
        if moment is None:
            wrong[name] = [f"The {name} field must be a valid date."]
        else:
            window[name] = moment.replace(microsecond=0)
    if wrong:
        raise Invalid(wrong)
    last = window["to"] + timedelta(seconds=1)
    rows = [s for s in tx.all("shipment", Shipment) if window["from"] <= s.created_at < last]
    query: dict[str, str] = {name: call.query[name] for name in ("from", "to") if name in call.query}
    path = f"{call.base_url}/happy-returns/shipments/list"
    return length_aware([_shown(row) for row in rows], page_of(call.query), PER_PAGE, path, query)


@operation("getHappyReturnsShipment", reads=True)
def get_shipment(tx: Transaction, call: Call) -> Any:
    """One shipment, by Happy Returns' own id."""
    theirs = call.path["happy_returns_shipment_id"]
    for shipment in tx.all("shipment", Shipment):
        if shipment.happy_returns_shipment_id == theirs:
            return _shown(shipment)
    raise Refusal("shipment_not_found")


@operation("listHappyReturnsShipmentItems", reads=True)
def list_items(tx: Transaction, call: Call) -> Any:
    """The items of a shipment, by Loop's id."""
    shipment = tx.get("shipment", call.path["id"], Shipment)
    if shipment is None:
        raise Refusal("shipment_not_found")
    path = f"{call.base_url}/happy-returns/shipments/{shipment.loop_shipment_id}/items"
    return length_aware(list(shipment.items), page_of(call.query), PER_PAGE, path, {})
