"""What is to go wrong next: a payment, a processing, looking an order up for a draft return."""

from __future__ import annotations

from typing import Any

from loopsim.operations.perform import Call, operation
from loopsim.store.transaction import Transaction


def _fails_next(operation_id: str, switch: str) -> None:
    def act(tx: Transaction, call: Call) -> Any:
        count = (call.body or {}).get("count", 1)
        tx.set_switch(switch, count)
        return {"count": count}

    operation(operation_id)(act)


_fails_next("paymentFailsNext", "payment_fails")
_fails_next("processingFailsNext", "processing_fails")
_fails_next("orderLookupFailsNext", "order_lookup_fails")
_fails_next("orderRetrievalFailsNext", "order_retrieval_fails")
