"""The moves of a return that several callers share: Loop's API, the acts of the control API, and timers all come here.

Each takes the transaction and does the whole move: records, units, timers, ledger, events. What may be done is decided
in `domain`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import structs

from loopsim.domain import processing, returns, shipping
from loopsim.domain.change import Change, events_of
from loopsim.domain.destinations import Destination, first_warehouse
from loopsim.domain.durations import DURATIONS
from loopsim.domain.events import NONE, Event, LedgerEntry, Timer, Trigger
from loopsim.domain.labels import Label, LabelRequest, LabelStatus, has_reached, move_request, scan
from loopsim.domain.orders import Location, Variant
from loopsim.domain.quirks import quirk
from loopsim.domain.returns import ProcessJob, Return
from loopsim.errors import Refusal
from loopsim.store.timers import RETURN_TIMERS
from loopsim.store.transaction import Transaction

STAFF = "admin"  # as `return.processing` names who started a processing


def apply(tx: Transaction, change: Change) -> Return:
    """Write a change down, all of it."""
    tx.put_return(change.return_)
    tx.schedule(*change.timers)
    tx.enter(*change.ledger)
    tx.emit(*change.events)
    for variant_id, taken in change.stock:
        take_stock(tx, variant_id, taken)
    return change.return_


def submit(tx: Transaction, change: Change) -> Return:
    """Write down a return that a customer submits."""
    tx.moved("return", change.return_.id, NONE, "submit", change.return_.state)
    return apply(tx, change)


def save(tx: Transaction, return_: Return, action: returns.Action, **changes: Any) -> Return:
    """Look an action up, make the move and tell subscribers."""
    after, triggers = returns.move(return_, action, tx.now, **changes)
    tx.moved("return", return_.id, return_.state, action, after.state)
    return apply(tx, Change(return_=after, events=events_of(after, triggers)))


# stock


def available(tx: Transaction, variant_id: int) -> int:
    """How many of a variant all locations hold together. A variant nobody counts is never out of stock."""
    stock = tx.stock(variant_id)
    return sum(stock.values()) if stock else 1_000_000


def take_stock(tx: Transaction, variant_id: int, count: int) -> None:
    """Take from the fullest location, or put back there (negative)."""
    stock = tx.stock(variant_id)
    if stock:
        fullest = max(stock, key=lambda location: (stock[location], location))
        tx.put_stock(variant_id, fullest, stock[fullest] - count)


# processing


def queue_processing(
    tx: Transaction, return_: Return, source: str | None, details: dict[str, Any] | None = None
) -> Return:
    """Processing is asynchronous: the job runs a moment later. A return whose job is queued already keeps that one, but
    staff may do more than the one who asked first, and takes it over."""
    if return_.pending is not None:
        if source != STAFF or return_.pending.source == STAFF:
            return return_
        tx.moved("return", return_.id, return_.state, "process_by_staff", return_.state)
        taken_over = structs.replace(return_, pending=structs.replace(return_.pending, source=STAFF))
        tx.put_return(taken_over)
        return taken_over
    action = "process_by_staff" if source == STAFF else "process"
    tx.moved("return", return_.id, return_.state, action, return_.state)
    queued = structs.replace(return_, pending=ProcessJob(source=source, details=details))
    tx.put_return(queued)
    tx.schedule(Timer("return.process", tx.now + DURATIONS["process_done"].fixed, return_.id))
    return queued


def process_now(tx: Transaction, return_: Return) -> Return:
    """Deliver the outcomes that are missing."""
    return finish_processing(tx, return_, run_processing(tx, return_))


def run_processing(tx: Transaction, return_: Return) -> Change:
    """What processing now would do. Nothing of it is written, but payments that were told to fail have failed."""
    around = processing.Surroundings(
        settings=tx.settings,
        stock={i.variant_id: available(tx, i.variant_id) for i in return_.exchanges if i.variant_id is not None},
        variants=variants_of(tx, (line.variant_id for line in return_.lines)),
        location_id=_stock_location(tx),
        payment_fails=lambda: tx.use_switch("payment_fails"),
        next_id=tx.next_id,
        now=tx.now,
    )
    return processing.process(return_, around)


def finish_processing(tx: Transaction, before: Return, change: Change) -> Return:
    """Write down what a processing did. What was sent back has arrived, so no card is charged for it any more, unless
    the policy processes before anything can arrive."""
    action = "process_done" if change.return_.state == "closed" else "process_partly_done"
    tx.moved("return", before.id, before.state, action, change.return_.state)
    done = apply(tx, change)
    tx.cancel_timers(done.id, "return.process", "return.expire")
    ahead = done.processing_event == "immediate" and done.label_source != "none"
    return release_hold(tx, done) if done.state == "closed" and not ahead else done


def variants_of(tx: Transaction, ids: Iterable[int | None]) -> dict[int, Variant]:
    """The shop's variants with these ids, by id."""
    found = (tx.resource("variant", id_, Variant) for id_ in {i for i in ids if i is not None})
    return {variant.id: variant for variant in found if variant is not None}


def _stock_location(tx: Transaction) -> int | None:
    locations = tx.resources("location", Location)
    return locations[0].provider_location_id if locations else None


def start_if_due(tx: Transaction, return_: Return) -> Return:
    """Automatic processing: the label has come to the policy's event, nothing stops the return, nothing is queued."""
    due = (
        return_.state == "open"
        and not return_.flagged
        and return_.pending is None
        and (return_.processing_event == "immediate" or has_reached(return_.labels, return_.processing_event))
    )
    return queue_processing(tx, return_, None) if due else return_


# labels


def attach_label(tx: Transaction, return_: Return, label: Label, *, by_partner: bool = False) -> Return:
    """A label is made: subscribers hear of it, the carrier's timetable and the 28 days begin. Of a label that a partner
    made, the partner tells where it is, and no carrier of ours."""
    tx.put_label(label.id, return_.id)
    tx.moved("label", return_.id, NONE, "make", label.status)
    timers = shipping.label_timers(label, return_.id, tx.settings)
    tx.schedule(*(timer for timer in timers if not by_partner or timer.kind != "carrier.scan"))
    return _label_changed(tx, return_, ("label.created", label), labels=(*return_.labels, label))


def scan_label(tx: Transaction, return_: Return, label: Label, status: LabelStatus) -> Return:
    """The carrier, a third party or staff says where the parcel is. May start automatic processing. A scan that says
    what is known already changes nothing and fires nothing."""
    if label.status == status:
        return return_
    after = scan(label, status, tx.now)
    tx.moved("label", return_.id, label.status, "scan", status)
    labels = tuple(after if each.id == label.id else each for each in return_.labels)
    moved = _label_changed(tx, return_, ("label.updated", after), labels=labels)
    if has_reached(moved.labels, "in_transit"):
        moved = release_hold(tx, moved)
    return start_if_due(tx, moved)


def fail_label(tx: Transaction, return_: Return) -> None:
    """No label can be made: what was pending is not to come."""
    _label_changed(tx, return_, label_failed=True)


def _label_changed(tx: Transaction, return_: Return, *events: tuple[Trigger, Label], **changes: Any) -> Return:
    after, _ = returns.move(return_, "label_changed", tx.now, **changes)
    tx.moved("return", return_.id, return_.state, "label_changed", after.state)
    tx.put_return(after)
    tx.emit(*(Event(trigger, after, {"label_id": label.id}) for trigger, label in events))
    if quirk(tx.settings.quirks, "label_change_fires_return_updated") == "on":
        tx.emit(Event("return.updated", after))
    return after


def release_hold(tx: Transaction, return_: Return) -> Return:
    """Let go of the customer's card, as far as an instant exchange has hold of it: it will not be charged."""
    instant = return_.instant
    if instant is None or instant.state not in {"held", "lapsed"}:
        return return_
    released = structs.replace(return_, instant=structs.replace(instant, state="released"))
    tx.put_return(released)
    tx.cancel_timers(return_.id, "exchange.charge", "exchange.hold_ends")
    if instant.state == "held":
        tx.enter(LedgerEntry("hold_released", return_.id, {"amount": instant.hold}))
    return released


def request_label(tx: Transaction, return_: Return) -> None:
    """Ask a third party for a label per parcel."""
    destination = _destination_address(tx, return_.destination_id)
    variants = variants_of(tx, (line.variant_id for line in return_.lines))
    for line_ids in shipping.parcels(return_, tx.settings.policy.items_per_label):
        request = shipping.make_request(return_, line_ids, destination, variants, tx.next_id("label_request"), tx.now)
        tx.put_label_request(request)
        tx.moved("label_request", return_.id, NONE, "issue", request.status)
        tx.emit(Event("label.request.issued", return_, {"label_request": request}))


def queue_label(tx: Transaction, return_: Return) -> None:
    """A label is made, or asked for, a moment later."""
    tx.schedule(Timer("label.make", tx.now + DURATIONS["label_made"].fixed, return_.id))


def label_on_its_way(tx: Transaction, return_: Return) -> bool:
    """Whether a label is about to be made or asked for."""
    return bool(tx.timers_of(return_.id, "label.make"))


def label_as_edited(tx: Transaction, return_: Return) -> None:
    """What was to travel and now stays at home needs no label any more, and the other way round."""
    if return_.label_source == "none":
        tx.cancel_timers(return_.id, "label.make")
        withdraw_requests(tx, return_)
        return
    asked = any(request.status == "issued" for request in tx.label_requests_of(return_.id))
    if returns.awaits_label(return_) and not asked and not label_on_its_way(tx, return_):
        queue_label(tx, return_)


def move_label_request(tx: Transaction, request: LabelRequest, action: str, **changes: Any) -> LabelRequest:
    """Look an action on a label request up and write down what it comes to."""
    after = structs.replace(move_request(request, action), **changes)
    tx.moved("label_request", request.return_id, request.status, action, after.status)
    tx.put_label_request(after)
    return after


def withdraw_requests(tx: Transaction, return_: Return) -> None:
    """Tell third parties that no label of theirs is wanted any more."""
    for request in tx.label_requests_of(return_.id):
        if request.status == "issued":
            withdrawn = move_label_request(tx, request, "cancel")
            tx.emit(Event("label.request.cancelled", return_, {"label_request": withdrawn}))


def default_destination(tx: Transaction) -> Destination | None:
    """Where returns go that no rule sends elsewhere: where the shop sends them, as long as that is in use."""
    known = tx.all("destination", Destination)
    chosen = next((each for each in known if each.id == tx.settings.default_destination_id), None)
    return chosen if chosen is not None and chosen.enabled else first_warehouse(known)


def _destination_address(tx: Transaction, destination_id: int | None) -> dict[str, str]:
    destination = None if destination_id is None else tx.get("destination", destination_id, Destination)
    destination = destination or default_destination(tx)
    if destination is None:
        return {"name": tx.settings.subdomain, "country": tx.settings.country, "country_code": tx.settings.country_code}
    parts = {name: value or "" for name, value in (destination.address or {}).items()}
    return {"name": destination.name, **parts}


# ends


def close(tx: Transaction, return_: Return) -> Return:
    """Close without delivering anything. The units stay taken; the return is closed on Shopify too."""
    closed = save(tx, return_, "close")
    tx.cancel_timers(return_.id, "return.process", "return.expire", "label.make")
    _enter(tx, LedgerEntry("return_closed", return_.id, {"processed": False}))
    return closed


def cancel(tx: Transaction, return_: Return) -> Return:
    """Cancel: the units may be returned again, label requests are withdrawn."""
    cancelled = save(tx, return_, "cancel")
    tx.free_units(line.id for line in return_.lines)
    tx.cancel_timers(return_.id, *RETURN_TIMERS)
    withdraw_requests(tx, cancelled)
    _enter(tx, LedgerEntry("return_cancelled", return_.id, {}))
    return release_hold(tx, cancelled)


def flag(tx: Transaction, return_: Return) -> Return:
    """Flag a return. Flagging twice is no change, and no refusal (reported)."""
    if return_.flagged and return_.state in returns.LIFECYCLE["flag"]:
        return return_
    flagged = save(tx, return_, "flag", flagged=True)
    if quirk(tx.settings.quirks, "flag_moves_to_review") == "on" and flagged.state == "open":
        flagged = structs.replace(flagged, state="review")
        tx.events[-1] = Event("return.updated", flagged)
        tx.moves[-1] = structs.replace(tx.moves[-1], to=flagged.state)
        tx.put_return(flagged)
    return flagged


def remove_lines(tx: Transaction, return_: Return, line_ids: list[int]) -> Return | None:
    """Remove units and process the rest inside the call; removing every unit cancels the return. None: the processing
    broke, and nothing has changed but that the failure it was told of has come to pass."""
    if return_.state not in returns.LIFECYCLE["remove"]:
        raise Refusal("not_modifiable")
    returns.check_processable(return_, tx.settings.policy.allow_flagged_processing)
    known = {line.id for line in return_.lines if returns.can_be_removed(return_, line)}
    wanted = set(line_ids)
    if not wanted & known:
        raise Refusal("nothing_removable")
    if not wanted <= known:
        raise Refusal("not_all_removable")
    if wanted == {line.id for line in return_.lines}:
        tx.moved("return", return_.id, return_.state, "remove", return_.state)
        return cancel(tx, return_)
    left = tuple(line for line in return_.lines if line.id not in wanted)
    without = structs.replace(return_, lines=left, edited_at=tx.now)
    without = returns.with_money(shipping.reboxed(without, return_))
    change = None if tx.use_switch("processing_fails") else run_processing(tx, without)
    if change is None or change.return_.state == "review":
        return None
    tx.free_units(wanted)
    tx.moved("return", return_.id, return_.state, "remove", return_.state)
    return finish_processing(tx, return_, change)


def _enter(tx: Transaction, entry: LedgerEntry) -> None:
    if tx.settings.platform == "shopify":
        tx.enter(entry)
