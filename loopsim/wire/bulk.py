"""Bulk operations as their API shows them."""

from __future__ import annotations

from typing import Any

from loopsim.domain.bulk import BulkOperation, Job
from loopsim.wire.commerce import Spell


def bulk_operation(of: BulkOperation, spell: Spell) -> dict[str, Any]:
    """A file that was sent, with what became of its lines so far."""
    return {
        "id": spell(of.id),
        "status": of.status,
        "pending_count": of.pending,
        "success_count": of.success,
        "failed_count": of.failed,
    }


def job(of: Job, spell: Spell) -> dict[str, Any]:
    """One line. What was found wrong with it is told when its turn has come."""
    return {
        "id": spell(of.id),
        "bulk_operation_id": spell(of.bulk_id),
        "line": of.line,
        "resource": of.resource,
        "action": of.action,
        "status": of.status,
        "resource_id": spell(of.resource_id),
        "errors": of.errors if of.status == "failed" else {},
    }
