"""What carriers do: scan parcels."""

from __future__ import annotations

from typing import Any

from loopsim.domain import returns
from loopsim.domain.labels import JOURNEY
from loopsim.errors import Refusal
from loopsim.operations import moves
from loopsim.operations.control.named import named_return, shown
from loopsim.operations.perform import Call, operation
from loopsim.store.transaction import Transaction
from loopsim.wire.times import with_millis


@operation("carrierScans")
def carrier_scans(tx: Transaction, call: Call) -> Any:
    """Scan a parcel. On the way to a later status every scan in between happens too, as it would on the road."""
    return_, status = named_return(tx, call), call.body["status"]
    label_id = call.body.get("label_id")
    label = (return_.labels[-1] if return_.labels else None) if label_id is None else return_.label(label_id)
    if label is None:
        due = next((timer.due for timer in tx.timers_of(return_.id, "label.make")), None)
        if due is not None and label_id is None:
            raise Refusal("label_not_made", due=with_millis(due))
        raise Refusal("label_not_found")
    if return_.state not in returns.LIFECYCLE["label_changed"]:
        raise Refusal("unprocessable", state=return_.state)
    for step in _steps(label.status, status):
        current = return_.label(label.id)
        assert current is not None
        return_ = moves.scan_label(tx, return_, current, step)
    return shown(tx, return_)


def _steps(now: str, goal: str) -> list[Any]:
    if now in JOURNEY and goal in JOURNEY and JOURNEY.index(goal) > JOURNEY.index(now):
        return list(JOURNEY[JOURNEY.index(now) + 1 : JOURNEY.index(goal) + 1])
    return [goal]
