"""Carrying out the lines of a bulk operation, some at a time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from msgspec import structs

from loopsim.domain.bulk import PER_SECOND, BulkOperation, Job, operation_of
from loopsim.domain.events import Timer
from loopsim.errors import Invalid, Refusal
from loopsim.operations.perform import OPERATIONS, Answer, Call, timer
from loopsim.store.transaction import Transaction

TAKEN = {"external_id": ["The external id has already been taken."]}
REFUSED = {"data": ["The line was refused."]}


@timer("bulk.run")
def bulk_run(tx: Transaction, bulk_id: int, data: dict[str, Any]) -> None:
    """Carry out the next jobs, and come back a second later while there are more."""
    bulk = tx.resource("bulk_operation", bulk_id, BulkOperation)
    if bulk is None:
        return
    jobs = tx.resource_page("bulk_job", Job, PER_SECOND, after=data.get("after"), parent=bulk_id)
    done = [_carry_out(tx, job) for job in jobs]
    for job in done:
        tx.put_resource("bulk_job", job.id, job, parent=bulk_id)
    success = sum(job.status == "success" for job in done)
    bulk = structs.replace(bulk, success=bulk.success + success, failed=bulk.failed + len(done) - success)
    tx.put_resource("bulk_operation", bulk.id, bulk)
    if bulk.pending:
        tx.schedule(Timer("bulk.run", tx.now + timedelta(seconds=1), bulk_id, {"after": jobs[-1].id}))


def _carry_out(tx: Transaction, job: Job) -> Job:
    """The job as it is then; one that is refused leaves no trace of what it had begun."""
    name = operation_of(job.resource, job.action)
    if job.errors or name is None:
        return structs.replace(job, status="failed")
    try:
        with tx.attempt():
            answer = OPERATIONS[name].function(tx, Call(body=job.body))
    except Invalid as invalid:
        return structs.replace(job, status="failed", errors=invalid.fields)
    except Refusal as refusal:
        return structs.replace(job, status="failed", errors=TAKEN if refusal.code == "external_id_taken" else REFUSED)
    (made,) = (answer.body if isinstance(answer, Answer) else answer).values()
    return structs.replace(job, status="success", body=None, resource_id=made["id"])
