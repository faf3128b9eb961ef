"""The portal's side of Ship by Loop: asking, looking for answers, going on without."""

from __future__ import annotations

from typing import Any

from msgspec import structs

from loopsim.domain import returns
from loopsim.domain.events import Event, Timer
from loopsim.domain.labels import Label
from loopsim.domain.returns import Return
from loopsim.domain.ship_by_loop import ENTITY, MOST_POLLS, POLL, TRIGGERS, Shipment, after, cheapest
from loopsim.operations import moves
from loopsim.operations.perform import timer
from loopsim.store.transaction import Transaction


def step(tx: Transaction, shipment: Shipment, action: str, **changes: Any) -> Shipment:
    """One step of a shipment, with what it leads to: a webhook and the portal's looking, or the fall-back."""
    state = after(shipment, action)
    tx.moved(ENTITY, shipment.return_id, shipment.state, action, state)
    moved = structs.replace(shipment, state=state, **changes)
    tx.put("ship_by_loop", moved.id, moved)
    return_ = tx.need_return(moved.return_id)
    if state in TRIGGERS:
        tx.emit(Event(TRIGGERS[state], return_, {"shipment": moved}))  # type: ignore[arg-type]
        tx.cancel_timers(moved.id, "ship_by_loop.poll")
        tx.schedule(Timer("ship_by_loop.poll", tx.now + POLL, moved.id, {"poll": 1}))
    elif state == "fell_back" and returns.awaits_label(return_):
        tx.schedule(Timer("label.make", tx.now, return_.id))
    return moved


@timer("ship_by_loop.poll")
def poll(tx: Transaction, shipment_id: int, data: dict[str, Any]) -> None:
    """The portal looks whether the partner has answered; after the twelfth time it silently goes on without."""
    shipment = tx.get("ship_by_loop", shipment_id, Shipment)
    if shipment is None:
        return
    if shipment.state == "offered":
        step(tx, shipment, "polled", service=cheapest(shipment.services))
    elif shipment.state == "ordered":
        _label(tx, tx.need_return(shipment.return_id), step(tx, shipment, "polled"))
    elif shipment.state in TRIGGERS:
        if data["poll"] < MOST_POLLS:
            tx.schedule(Timer("ship_by_loop.poll", tx.now + POLL, shipment_id, {"poll": data["poll"] + 1}))
        else:
            step(tx, shipment, "give_up")


def _label(tx: Transaction, return_: Return, shipment: Shipment) -> None:
    """The partner's parcel as a label of the return."""
    order, service = shipment.order or {}, shipment.service or {}
    if return_.state not in {"open", "review"}:
        return
    label = Label(
        id=tx.next_id("label"),
        status="new",
        carrier=order["carrier"],
        tracking_number=order["tracking_number"],
        created_at=tx.now,
        updated_at=tx.now,
        line_ids=tuple(line.id for line in return_.lines),
        url=order.get("label_url"),
        rate=service["price"]["amount"],
        rate_currency=service["price"]["currency_code"],
        service=tx.settings.policy.carrier_service,
        shipment_id=shipment.id,
    )
    moves.attach_label(tx, return_, label, by_partner=True)
