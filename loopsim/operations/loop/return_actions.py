"""Acting on returns. Refusals arrive with status 200 and `errors`, but for remove and notes
(`FACTS.md#actions-remove`)."""

from __future__ import annotations

from typing import Any

from loopsim.domain import returns
from loopsim.domain.quirks import quirk
from loopsim.domain.returns import Return
from loopsim.errors import Invalid, Refusal
from loopsim.operations import moves
from loopsim.operations.perform import Answer, Call, operation
from loopsim.store.transaction import Transaction
from loopsim.wire import php
from loopsim.wire.numbers import whole
from loopsim.wire.times import spaced

BROKE = {"message": "An error was encountered during processing."}


def _done(tx: Transaction) -> Answer:
    """The bare scalar `true`, or the string that the vendor's pages print (quirk)."""
    return Answer("true" if quirk(tx.settings.quirks, "action_success") == '"true"' else True)


def _named(tx: Transaction, call: Call) -> Return:
    return tx.need_return(call.path["id"])


@operation("processReturn")
def process_return(tx: Transaction, call: Call) -> Answer:
    """Queue the processing. `true` only means queued: the result arrives as a webhook."""
    return_ = _named(tx, call)
    returns.move(return_, "process", tx.now)
    returns.check_processable(return_, tx.settings.policy.allow_flagged_processing)
    details: dict[str, Any] | None = call.body if isinstance(call.body, dict) and call.body else None
    queued = moves.queue_processing(tx, return_, "api", details)
    if details is not None and queued is not return_:
        text = ", ".join(f"{name}: {_as_text(value)}" for name, value in details.items())
        tx.put_note(tx.next_id("note"), return_.id, text[:17_000], tx.now)
    return _done(tx)


def _as_text(value: Any) -> str:
    """A value as a note shows it: text as it is, the rest as JSON."""
    return value if isinstance(value, str) else php.encode(value).decode()


@operation("cancelReturn")
def cancel_return(tx: Transaction, call: Call) -> Answer:
    """Cancel, so that the items may be returned anew."""
    return_ = _named(tx, call)
    returns.check_cancellable(return_)
    moves.cancel(tx, return_)
    return _done(tx)


@operation("flagReturn")
def flag_return(tx: Transaction, call: Call) -> Answer:
    """Stop automatic processing until a person has looked."""
    moves.flag(tx, _named(tx, call))
    return _done(tx)


@operation("closeReturn")
def close_return(tx: Transaction, call: Call) -> Answer:
    """Close without delivering any outcome."""
    moves.close(tx, _named(tx, call))
    return _done(tx)


@operation("removeLineItems")
def remove_line_items(tx: Transaction, call: Call) -> Answer:
    """Remove refund or credit units and process the rest, inside the call."""
    text = call.query.get("line_item_id", "").strip()
    if not text:
        raise Invalid({"line_item_id": ["The line item id field is required."]})
    return_ = _named(tx, call)
    # What is no number is no line item of this return.
    ids = [whole(part) for part in text.split(",") if part.strip()]
    done = moves.remove_lines(tx, return_, [-1 if id_ is None else id_ for id_ in ids])
    # Answered, not raised: a failure that was asked for once must not come back on the next try.
    return Answer(BROKE, 500, refusal="processing_broke") if done is None else _done(tx)


@operation("listNotes", reads=True)
def list_notes(tx: Transaction, call: Call) -> Answer:
    """Newest first; a return without notes answers 422 and the bare `false`."""
    notes = tx.notes(call.path["id"])
    if not notes:
        raise Refusal("no_notes")
    return Answer([{"id": id_, "content": content, "created_at": spaced(at)} for id_, content, at in notes])


@operation("createNote")
def create_note(tx: Transaction, call: Call) -> Answer:
    """Add a note, up to 255 characters by this way."""
    return_ = _named(tx, call)
    tx.put_note(tx.next_id("note"), return_.id, call.body["content"], tx.now)
    return _done(tx)
