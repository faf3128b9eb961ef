"""What happens when a timer is due. Each looks first whether it still matters: a return may have moved on since."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from msgspec import structs

from loopsim.domain import returns, shipping
from loopsim.domain.events import Event, LedgerEntry
from loopsim.domain.labels import is_ahead
from loopsim.operations import happy_returns, moves
from loopsim.operations.perform import timer
from loopsim.store.deliveries import find_delivery
from loopsim.store.transaction import Transaction

PROCESSABLE = {"open", "review"}


@timer("label.make")
def label_make(tx: Transaction, return_id: int, _data: dict[str, Any]) -> None:
    """Loop makes the label, or asks a third party for it. A label of Loop's own makes those that were asked for
    needless."""
    return_ = tx.return_(return_id)
    if return_ is None or not returns.awaits_label(return_):
        return
    if not shipping.can_ship(return_):
        moves.fail_label(tx, return_)
        return
    if return_.label_source == "third_party":
        moves.request_label(tx, return_)
        return
    for line_ids in shipping.parcels(return_, tx.settings.policy.items_per_label):
        label = shipping.make_label(return_, line_ids, tx.settings, tx.next_id, tx.now)
        return_ = moves.attach_label(tx, return_, label)
    moves.withdraw_requests(tx, return_)


@timer("carrier.scan")
def carrier_scan(tx: Transaction, return_id: int, data: dict[str, Any]) -> None:
    """The seeded carrier scans the parcel, unless somebody was there before it."""
    return_ = tx.return_(return_id)
    label = None if return_ is None else return_.label(data["label_id"])
    if return_ is None or label is None:
        return
    if is_ahead(label, data["status"]) and return_.state in returns.LIFECYCLE["label_changed"]:
        return_ = moves.scan_label(tx, return_, label, data["status"])
        label = return_.label(label.id) or label
    tx.schedule(*shipping.next_scan(label, return_id, tx.settings))


@timer("return.process")
def return_process(tx: Transaction, return_id: int, _data: dict[str, Any]) -> None:
    """The queued processing runs: done, partly done, or failed."""
    return_ = tx.return_(return_id)
    if return_ is None or return_.pending is None or return_.state not in PROCESSABLE:
        return
    source = return_.pending.source
    stopped = return_.flagged and source != moves.STAFF and not tx.settings.policy.allow_flagged_processing
    if stopped or tx.use_switch("processing_fails"):
        after, _ = returns.move(return_, "process_failed", tx.now, pending=None)
        tx.moved("return", return_.id, return_.state, "process_failed", after.state)
        tx.put_return(after)
        data = {"message": "Return failed to process", "source": source}
        tx.emit(Event("return.processing.failed", after, data))
        return
    moves.process_now(tx, return_)


@timer("return.expire")
def return_expire(tx: Transaction, return_id: int, _data: dict[str, Any]) -> None:
    """The labels' time is up: an open return whose parcel never moved expires."""
    return_ = tx.return_(return_id)
    made_until = tx.now - timedelta(days=tx.settings.policy.expiry_days)
    if return_ is not None and return_.pending is None and returns.has_expired(return_, made_until):
        moves.save(tx, return_, "expire")
        tx.cancel_timers(return_id, "carrier.scan")


@timer("exchange.charge")
def exchange_charge(tx: Transaction, return_id: int, _data: dict[str, Any]) -> None:
    """An instant exchange whose parcel did not move in time is charged in full; the charge may fail."""
    return_ = tx.return_(return_id)
    if return_ is None or return_.instant is None or return_.instant.state not in {"held", "lapsed"}:
        return
    failed = tx.use_switch("payment_fails")
    instant = structs.replace(return_.instant, state="charge_failed" if failed else "charged")
    tx.put_return(structs.replace(return_, instant=instant))
    tx.enter(LedgerEntry("charge_failed" if failed else "charge", return_id, {"amount": instant.charge}))


@timer("exchange.hold_ends")
def exchange_hold_ends(tx: Transaction, return_id: int, _data: dict[str, Any]) -> None:
    """A hold on a card ends by itself; the exchange can still be charged."""
    return_ = tx.return_(return_id)
    if return_ is not None and return_.instant is not None and return_.instant.state == "held":
        tx.put_return(structs.replace(return_, instant=structs.replace(return_.instant, state="lapsed")))
        tx.enter(LedgerEntry("hold_released", return_id, {"amount": return_.instant.hold}))


@timer("happy_returns.processed")
def happy_returns_processed(tx: Transaction, return_id: int, _data: dict[str, Any]) -> None:
    """Happy Returns has looked at what was dropped off: the return has arrived as far as processing is concerned."""
    return_ = tx.return_(return_id)
    if return_ is not None and return_.state in returns.LIFECYCLE["label_changed"]:
        happy_returns.arrived(tx, return_)


@timer("happy_returns.ships")
def happy_returns_ships(tx: Transaction, _entity: int, _data: dict[str, Any]) -> None:
    """The boxes leave, about twice a week, as long as something was dropped off."""
    happy_returns.ship(tx)


@timer("delivery.retry")
def delivery_retry(tx: Transaction, delivery_id: int, _data: dict[str, Any]) -> None:
    """A webhook is due again."""
    delivery = find_delivery(tx.connection, delivery_id)
    if delivery is not None and delivery.state == "queued":
        tx.deliveries.append(delivery)
