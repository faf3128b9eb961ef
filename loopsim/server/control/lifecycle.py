"""What can be exercised at all, from the tables and the contract that the server runs on."""

from __future__ import annotations

from typing import Any

from msgspec import structs

from loopsim.contract import Contract, Operation
from loopsim.contract.ledger import Row, ledger
from loopsim.domain.events import TRIGGERS
from loopsim.domain.lifecycles import transitions
from loopsim.operations.perform import OPERATIONS, Answer, Call
from loopsim.server.runtime import Runtime

GATE = "unauthorized"
"""The refusal beside `x-unrouted` that operations do not state themselves."""


async def read_lifecycle(runtime: Runtime, _call: Call) -> Answer:
    """Every step, trigger, simulated operation and refusal."""
    contract = runtime.contract
    operations = [each for each in contract.operations("loop") if each.id in OPERATIONS]
    shared = _shared(contract, operations)
    rows = {row.id: row for row in ledger(contract, OPERATIONS)}
    return Answer(
        {
            "transitions": [structs.asdict(each) for each in transitions()],
            "triggers": list(TRIGGERS),
            "operations": [
                {"operation": each.id, "family": each.tag, "assumed": _assumed(rows[each.id], shared)}
                for each in operations
            ],
            "errors": [
                {"operation": each.id, "status": form.status, "refusal": code}
                for each in operations
                for code, form in each.errors.items()
                if code not in shared
            ],
            "shared_errors": [{"status": status, "refusal": code} for code, status in shared.items()],
            "facts": {
                anchor: {"grade": fact["grade"], "text": fact["text"]} for anchor, fact in contract.facts.items()
            },
        }
    )


def _shared(contract: Contract, operations: list[Operation]) -> dict[str, int]:
    """The statuses of refusals that come from in front of any operation, by code."""
    gates = (form.status for each in operations for code, form in each.errors.items() if code == GATE)
    return {GATE: next(gates), **{code: form.status for code, form in contract.unrouted("loop").errors.items()}}


def _assumed(row: Row, shared: dict[str, Any]) -> list[str]:
    """The anchors of what is assumed about an operation, without what it shares with all."""
    stated = [(row.grade, row.fact)] + [
        (each.grade, each.fact) for each in row.fields if each.where.removeprefix("error.") not in shared
    ]
    return sorted({fact for grade, fact in stated if grade == "assumed" and fact})
