"""Fraud reports: at most one per return, and with real statuses, unlike the warehouse routes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct

from loopsim.errors import Refusal
from loopsim.operations.perform import Answer, Call, operation
from loopsim.store.transaction import Transaction
from loopsim.wire.times import with_millis


class FraudReport(Struct, frozen=True, kw_only=True):
    """What was reported about a return."""

    id: int
    return_id: int
    category: str
    comment: str | None
    created_at: datetime


@operation("createFraudReport")
def create_fraud_report(tx: Transaction, call: Call) -> Answer:
    """Report a return; it is not changed by that."""
    return_ = tx.need_return(call.path["id"])
    if tx.get("fraud_report", return_.id, FraudReport) is not None:
        raise Refusal("fraud_report_exists")
    report = FraudReport(
        id=tx.count("fraud_report"),
        return_id=return_.id,
        category=call.body["category"],
        comment=call.body.get("comment"),
        created_at=tx.now,
    )
    tx.put("fraud_report", return_.id, report)
    return Answer(_shown(report), 201)


@operation("deleteFraudReport")
def delete_fraud_report(tx: Transaction, call: Call) -> Answer:
    """Take the report back."""
    return_ = tx.need_return(call.path["id"])
    if not tx.delete("fraud_report", return_.id):
        raise Refusal("fraud_report_not_found")
    return Answer(None, 204)


def _shown(report: FraudReport) -> dict[str, Any]:
    return {
        "category": report.category,
        "comment": report.comment,
        "created_at": with_millis(report.created_at),
        "return_id": report.return_id,
        "id": report.id,
    }
