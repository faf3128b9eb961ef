"""What the staff of a shop does with its returns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from loopsim.domain import returns, shipping
from loopsim.domain.returns import Return
from loopsim.errors import Refusal
from loopsim.operations import moves
from loopsim.operations.control.named import named_return, shown
from loopsim.operations.perform import Call, operation
from loopsim.store.transaction import Transaction


def _by_staff(operation_id: str, change: Callable[[Transaction, Return], Return]) -> None:
    def act(tx: Transaction, call: Call) -> Any:
        return shown(tx, change(tx, named_return(tx, call)))

    operation(operation_id)(act)


def _process(tx: Transaction, return_: Return) -> Return:
    returns.move(return_, "process_by_staff", tx.now)
    return moves.queue_processing(tx, return_, moves.STAFF)


def _unflag(tx: Transaction, return_: Return) -> Return:
    if not return_.flagged:
        raise Refusal("not_unflaggable")
    return moves.save(tx, return_, "unflag", flagged=False)


def _resolve(tx: Transaction, return_: Return) -> Return:
    return moves.save(tx, return_, "resolve", flagged=False)


def _make_label(tx: Transaction, return_: Return) -> Return:
    travels = return_.method == "mail" and shipping.boxed(return_) and shipping.can_ship(return_)
    if return_.state not in {"open", "review"} or not travels:
        raise Refusal("unprocessable", state=return_.state)
    for line_ids in shipping.parcels(return_, tx.settings.policy.items_per_label):
        return_ = moves.attach_label(
            tx, return_, shipping.make_label(return_, line_ids, tx.settings, tx.next_id, tx.now)
        )
    moves.withdraw_requests(tx, return_)
    return return_


_by_staff("staffProcesses", _process)
_by_staff("staffFlags", moves.flag)
_by_staff("staffUnflags", _unflag)
_by_staff("staffCloses", moves.close)
_by_staff("staffCancels", moves.cancel)
_by_staff("staffResolvesReview", _resolve)
_by_staff("staffMakesLabel", _make_label)
