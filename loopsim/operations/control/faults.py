"""Telling a shop to show faults."""

from __future__ import annotations

from typing import Any

from msgspec import structs

from loopsim.domain.faults import DeliveryFault, Fault
from loopsim.errors import Invalid, Refusal
from loopsim.operations.perform import OPERATIONS, Answer, Call, operation
from loopsim.store.transaction import Transaction

_ON_DELIVERIES: frozenset[str] = frozenset(DeliveryFault.__args__)  # type: ignore[attr-defined]
_OF_DELIVERIES = ("trigger", "topic", "subscription_id")
# Which parameters a kind reads; any other would be a slip that nobody notices.
_PARAMS: dict[str, frozenset[str]] = {
    "duplicate": frozenset({"copies"}),
    "delay": frozenset({"seconds"}),
    "tamper": frozenset({"what"}),
    "latency": frozenset({"ms"}),
    "too_many": frozenset({"retry_after"}),
    "server_error": frozenset({"status"}),
}


@operation("listFaults", reads=True)
def list_faults(tx: Transaction, _call: Call) -> dict[str, Any]:
    """All of them, used up ones too."""
    return {"faults": [_view(fault) for fault in tx.all("fault", Fault)]}


@operation("createFault")
def create_fault(tx: Transaction, call: Call) -> Answer:
    """A new fault. Raises `Invalid` for a match or a parameter that its kind does not look at."""
    body = call.body
    _check(body)
    on = "delivery" if body["kind"] in _ON_DELIVERIES else "answer"
    fault = Fault(id=tx.count("fault"), on=on, **body)  # type: ignore[arg-type]
    tx.put("fault", fault.id, fault)
    return Answer({"fault": _view(fault)}, 201)


@operation("deleteFault")
def delete_fault(tx: Transaction, call: Call) -> Answer:
    """Forget one."""
    if not tx.delete("fault", call.path["id"]):
        raise Refusal("fault_not_found")
    return Answer(None, 204)


@operation("clearFaults")
def clear_faults(tx: Transaction, _call: Call) -> Answer:
    """Forget all."""
    for fault in tx.all("fault", Fault):
        tx.delete("fault", fault.id)
    return Answer(None, 204)


def _check(body: dict[str, Any]) -> None:
    kind = body["kind"]
    messages: dict[str, list[str]] = {}
    foreign = ("operation",) if kind in _ON_DELIVERIES else _OF_DELIVERIES
    where = "answers of the API" if kind in _ON_DELIVERIES else "webhook deliveries"
    for name in foreign:
        if name in body:
            messages[name] = [f"{name} is for faults on {where}; {kind} is none."]
    for name in body.get("params", {}):
        if name not in _PARAMS.get(kind, frozenset()):
            messages[f"params.{name}"] = [f"{kind} has no parameter {name}."]
    if body.get("operation") is not None and body["operation"] not in OPERATIONS:
        messages.setdefault("operation", [f"Loop's API has no operation {body['operation']} here."])
    if messages:
        raise Invalid(messages)


def _view(fault: Fault) -> dict[str, Any]:
    return structs.asdict(fault)
