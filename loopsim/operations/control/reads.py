"""What a shop holds, read through the control API. Nothing here moves anything."""

from __future__ import annotations

from itertools import islice
from typing import Any

from msgspec import structs

from loopsim.domain.orders import Variant
from loopsim.errors import Refusal
from loopsim.operations.control.views import order_view, return_view, variant_view
from loopsim.operations.perform import Call, operation
from loopsim.store import deliveries
from loopsim.store.deliveries import Attempt, Delivery
from loopsim.store.transaction import Transaction
from loopsim.wire.times import truth, with_millis

_LIMIT = 100


def number(call: Call, name: str, otherwise: int | None = None) -> Any:
    """A query parameter that the contract found to be an integer."""
    value = call.query.get(name)
    return otherwise if value is None else int(value)


def is_set(call: Call, name: str) -> bool:
    """Whether a query parameter that the contract found to be a boolean is true."""
    return truth(str(call.query.get(name, "")))


@operation("listOrders", reads=True)
def list_orders(tx: Transaction, call: Call) -> dict[str, Any]:
    """Orders by id."""
    views = (order_view(order, tx) for order in tx.orders(number(call, "after", 0)))
    if is_set(call, "returnable"):
        views = (view for view in views if any(line["returnable"] for line in view["lines"]))
    return {"orders": list(islice(views, number(call, "limit", _LIMIT)))}


@operation("listVariants", reads=True)
def list_variants(tx: Transaction, _call: Call) -> dict[str, Any]:
    """Variants by id."""
    return {"variants": [variant_view(variant, tx) for variant in tx.resources("variant", Variant)]}


@operation("listShopReturns", reads=True)
def list_shop_returns(tx: Transaction, call: Call) -> dict[str, Any]:
    """Returns by id."""
    found = tx.returns(number(call, "after", 0), call.query.get("state"), number(call, "limit", _LIMIT))
    return {"returns": [return_view(return_, tx) for return_ in found]}


@operation("getReturn", reads=True)
def get_return(tx: Transaction, call: Call) -> dict[str, Any]:
    """One return."""
    return {"return": return_view(tx.need_return(call.path["return_id"]), tx)}


@operation("listDeliveries", reads=True)
def list_deliveries(tx: Transaction, call: Call) -> dict[str, Any]:
    """Deliveries, oldest first."""
    after = number(call, "after", 0)
    found = deliveries.list_deliveries(
        tx.connection,
        after=after,
        limit=number(call, "limit", _LIMIT),
        state=call.query.get("state"),
        return_id=number(call, "return_id"),
    )
    return {"deliveries": [_delivery(each) for each in found], "last_id": found[-1].id if found else after}


@operation("getDelivery", reads=True)
def get_delivery(tx: Transaction, call: Call) -> dict[str, Any]:
    """One delivery with its payload and attempts."""
    found = deliveries.find_delivery(tx.connection, call.path["id"])
    if found is None:
        raise Refusal("delivery_not_found")
    return {
        "delivery": _delivery(found),
        "payload": deliveries.payload(tx.connection, found.payload_id).decode(),
        "attempts": [_attempt(each) for each in deliveries.attempts_of(tx.connection, found.id)],
    }


@operation("readLedger", reads=True)
def read_ledger(tx: Transaction, call: Call) -> dict[str, Any]:
    """What Loop did on the shop's platform."""
    return {"entries": [_ledger_entry(dict(entry)) for entry in tx.ledger(number(call, "return_id"))]}


def _ledger_entry(entry: dict[str, Any]) -> dict[str, Any]:
    at = with_millis(entry.pop("at"))
    return {
        "id": entry.pop("id"),
        "at": at,
        "return_id": entry.pop("return_id"),
        "kind": entry.pop("kind"),
        "data": entry,
    }


def _delivery(delivery: Delivery) -> dict[str, Any]:
    return {
        "id": delivery.id,
        "subscription_id": delivery.subscription_id,
        "return_id": delivery.return_id,
        "topic": delivery.topic,
        "trigger": delivery.trigger,
        "state": delivery.state,
        "attempt_count": delivery.attempts,
        "created_at": with_millis(delivery.created_at),
        "settled_at": None if delivery.settled_at is None else with_millis(delivery.settled_at),
        "fault": delivery.fault,
    }


def _attempt(attempt: Attempt) -> dict[str, Any]:
    shown = structs.asdict(attempt)
    del shown["delivery_id"]
    shown["at"] = with_millis(attempt.at)
    shown["retry_at"] = None if attempt.retry_at is None else with_millis(attempt.retry_at)
    return shown
