"""Bulk operations: a JSONL file is taken at once, its lines are carried out on the shop's clock, each for itself."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import structs

from loopsim.domain.bulk import MOST_LINES, BulkOperation, Job, lines_of, operation_of
from loopsim.domain.durations import DURATIONS
from loopsim.domain.events import Timer
from loopsim.errors import Invalid, Refusal
from loopsim.operations import commerce
from loopsim.operations.commerce import Noun
from loopsim.operations.perform import Answer, Call, operation
from loopsim.store.transaction import Transaction
from loopsim.wire.bulk import bulk_operation, job

BULK = Noun("bulk_operation", BulkOperation, "bulk_operation", "bulk_operations", bulk_operation)
JOB = Noun("bulk_job", Job, "bulk_operation_job", "bulk_operation_jobs", job)
PATH = "bulk-operations"


class Line(msgspec.Struct, frozen=True):
    """A line as it is sent."""

    resource: str
    action: str
    data: msgspec.Raw


@operation("createBulkOperation")
def create_bulk_operation(tx: Transaction, call: Call) -> Answer:
    """Take a file; 201 before any line of it is carried out."""
    lines = lines_of(call.body["file"])
    if not lines:
        raise Invalid({"file": ["The file field must hold at least one line."]})
    if len(lines) > MOST_LINES:
        raise Invalid({"file": [f"The file field must not hold more than {MOST_LINES} lines."]})
    bulk = BulkOperation(id=commerce.new_id(tx), jobs=len(lines))
    tx.put_resource("bulk_operation", bulk.id, bulk)
    for number, line in lines:
        made = _job(tx, call, bulk.id, number, line)
        tx.put_resource("bulk_job", made.id, made, parent=bulk.id)
    tx.schedule(Timer("bulk.run", tx.now + DURATIONS["bulk_begins"].fixed, bulk.id))
    return Answer(commerce.shown(BULK, bulk, call), 201)


def _job(tx: Transaction, call: Call, bulk_id: int, number: int, line: str) -> Job:
    made = Job(id=commerce.new_id(tx), bulk_id=bulk_id, line=number, resource=None, action=None)
    try:
        read = msgspec.json.decode(line, type=Line)
    except (msgspec.MsgspecError, RecursionError):
        return structs.replace(made, errors={"line": ["The line must be JSON with resource, action and data."]})
    made = structs.replace(made, resource=read.resource, action=read.action)
    name = operation_of(read.resource, read.action)
    if name is None:
        return structs.replace(made, errors={"resource": ["There is no such resource, or no such action on it."]})
    try:
        return structs.replace(made, body=call.validated(name, bytes(read.data)))
    except Invalid as invalid:
        return structs.replace(made, errors=invalid.fields)
    except Refusal:
        return structs.replace(made, errors={"data": ["The data field cannot be read."]})


@operation("listBulkOperations", reads=True)
def list_bulk_operations(tx: Transaction, call: Call) -> Any:
    """A page of bulk operations."""
    return commerce.list_page(tx, BULK, call, path=PATH)


@operation("getBulkOperation", reads=True)
def get_bulk_operation(tx: Transaction, call: Call) -> Any:
    """One bulk operation, as far as it has come."""
    return commerce.shown(BULK, commerce.need(tx, BULK, call), call)


@operation("listBulkOperationJobs", reads=True)
def list_bulk_operation_jobs(tx: Transaction, call: Call) -> Any:
    """A page of its jobs, in the order of the lines."""
    bulk = commerce.need(tx, BULK, call)
    return commerce.list_page(tx, JOB, call, path=f"{PATH}/{bulk.id}/jobs", parent=bulk.id)
