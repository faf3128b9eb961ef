"""Happy Returns: dropped off at a bar, looked at some twelve hours later, sent to the warehouse in boxes about twice a
week.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct, structs

from loopsim.clock import to_ms
from loopsim.domain import chance, returns
from loopsim.domain.durations import DURATIONS, HAPPY_RETURNS_SHIPS
from loopsim.domain.events import Event, Timer
from loopsim.domain.returns import Return
from loopsim.errors import Refusal
from loopsim.operations import moves
from loopsim.store.transaction import Transaction


class Shipment(Struct, frozen=True, kw_only=True):
    """A pallet's worth of boxes on its way to the warehouse. `items` are rows as the items endpoint prints them."""

    loop_shipment_id: int
    happy_returns_shipment_id: str
    line_item_count: int
    return_count: int
    created_at: datetime
    updated_at: datetime
    items: tuple[dict[str, Any], ...] = ()


def drop_off(tx: Transaction, return_: Return) -> Return:
    """The customer hands the items over. In a store they have arrived with that; at a Happy Returns bar the bag gets a
    barcode."""
    method = return_.return_method
    if return_.state not in returns.LIFECYCLE["label_changed"]:
        raise Refusal("unprocessable", state=return_.state)
    if method is None or method.state != "new":
        raise Refusal("nothing_to_drop_off")
    if method.provider != "happy_returns":
        return moves.release_hold(tx, arrived(tx, return_))
    bag = f"HRB{chance.digits(9, tx.settings.seed, 'bag', return_.id)}"
    dropped = moves.save(
        tx,
        return_,
        "label_changed",
        return_method=structs.replace(method, state="in_transit"),
        package_reference=bag,
    )
    tx.put("dropped_off", return_.id, to_ms(tx.now))
    tx.schedule(Timer("happy_returns.processed", tx.now + DURATIONS["happy_returns_processed"].fixed, return_.id))
    if not tx.timers_of(0, "happy_returns.ships"):
        tx.schedule(_next_shipping(tx))
    return moves.release_hold(tx, dropped)


def arrived(tx: Transaction, return_: Return) -> Return:
    """The items are there: for the policy that is their delivery."""
    method = return_.return_method
    if method is None:
        return return_
    after = moves.save(tx, return_, "label_changed", return_method=structs.replace(method, state="delivered"))
    if after.state == "open" and not after.flagged and after.processing_event != "disabled":
        return moves.queue_processing(tx, after, None)
    return after


def ship(tx: Transaction) -> Shipment | None:
    """Everything dropped off so far leaves; None where there is nothing."""
    ids = tx.ids("dropped_off")
    found = [return_ for return_ in map(tx.return_, ids) if return_ is not None]
    for id_ in ids:
        tx.delete("dropped_off", id_)
    if not found:
        return None
    loop_id = tx.next_id("happy_returns_shipment")
    theirs = chance.digits(6, tx.settings.seed, "happy_returns_shipment", loop_id)
    box = f"HRBOX{chance.digits(8, tx.settings.seed, 'box', loop_id)}"
    tracking = f"1Z{chance.digits(16, tx.settings.seed, 'box_tracking', loop_id)}"
    items = [row for return_ in found for row in _items(return_, loop_id, theirs, box, tracking)]
    shipment = Shipment(
        loop_shipment_id=loop_id,
        happy_returns_shipment_id=theirs,
        line_item_count=len(items),
        return_count=len(found),
        created_at=tx.now,
        updated_at=tx.now,
        items=tuple(items),
    )
    tx.put("shipment", loop_id, shipment)
    for return_ in found:
        if return_.state in returns.LIFECYCLE["label_changed"]:
            moves.save(tx, return_, "label_changed", happy_returns_shipment_id=theirs)
    ids_of_shipment = {"loop_shipment_id": loop_id, "happy_returns_shipment_id": theirs}
    tx.emit(Event("shipment.processed", None, {"shipment": ids_of_shipment}))
    return shipment


def _items(return_: Return, loop_id: int, theirs: str, box: str, tracking: str) -> list[dict[str, Any]]:
    method = return_.return_method
    return [
        {
            "carrier": "UPS",
            "happy_returns_return_bag_barcodes": [return_.package_reference],
            "happy_returns_rma_id": method.rma_id if method else None,
            "happy_returns_shipment_id": theirs,
            "item_title": line.line_title or line.title,
            "order_name": return_.order.name,
            "po_number": None,
            "return_id": return_.id,
            "shipment_id": loop_id,
            "shipping_box_barcode": box,
            "sku": line.sku,
            "tracking_number": tracking,
            "variant_title": line.variant_title,
        }
        for line in return_.lines
        if line.outcome == "default"
    ]


def _next_shipping(tx: Transaction) -> Timer:
    """When the boxes next leave."""
    for days in range(8):
        day = tx.now + timedelta(days=days)
        for weekday, hour in HAPPY_RETURNS_SHIPS:
            due = day.replace(hour=hour, minute=0, second=0, microsecond=0)
            if day.weekday() == weekday and due > tx.now:
                return Timer("happy_returns.ships", due, 0)
    raise AssertionError("the timetable names at least one day of the week")
