"""Carrying out the lines of a bulk operation, some at a time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from msgspec import structs

from loopsim.domain.bulk import PER_SECOND, BulkOperation, Job
from loopsim.domain.events import Timer
from loopsim.errors import Invalid, Refusal
from loopsim.operations.perform import OPERATIONS, Answer, Call, timer
from loopsim.store.transaction import Transaction

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
    if job.errors or job.operation is None:
        return structs.replace(job, status="failed")
    try:
        with tx.attempt():
            answer = OPERATIONS[job.operation].function(tx, Call(path=job.path, body=job.body))
    except Invalid as invalid:
        return structs.replace(job, status="failed", errors=invalid.fields)
    except Refusal as refusal:
        return structs.replace(job, status="failed", errors=job.refusals.get(refusal.code, REFUSED))
    return structs.replace(job, status="success", body=None, resource_id=_id_in(answer))


def _id_in(answer: Any) -> int | None:
    """The id of what was made, changed or deleted; None for inventories, which have none."""
    body = answer.body if isinstance(answer, Answer) else answer
    wrapped = next(iter(body.values()))
    id_: int | None = (wrapped if isinstance(wrapped, dict) else body).get("id")
    return id_
