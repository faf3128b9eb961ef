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
from loopsim.operations.perform import OPERATIONS, Answer, Call, operation
from loopsim.store.transaction import Transaction
from loopsim.wire.bulk import bulk_operation, job

BULK = Noun("bulk_operation", BulkOperation, "bulk_operation", "bulk_operations", bulk_operation)
JOB = Noun("bulk_job", Job, "bulk_operation_job", "bulk_operation_jobs", job)
PATH = "bulk-operations"


NO_LINE = {"line": ["The line must be an object with a resource and an action."]}
NO_OPERATION = {"resource": ["There is no such resource, or no such action on it."]}
BOTH_IDS = {"id": ["The id field prohibits external_id from being present."]}
UNREADABLE = {"data": ["The data field cannot be read."]}


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
    """A line as the gate of its operation sees it: ids that are in that one's path stand beside the data."""
    made = Job(id=commerce.new_id(tx), bulk_id=bulk_id, line=number, resource=None, action=None)
    try:
        fields = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
        resource, action = (msgspec.json.decode(fields.pop(name), type=str) for name in ("resource", "action"))
        data = bytes(fields.pop("data", b""))
        ids = {name: msgspec.json.decode(raw) for name, raw in fields.items()}
    except (msgspec.MsgspecError, RecursionError, KeyError):
        return structs.replace(made, errors=NO_LINE)
    made = structs.replace(made, resource=resource, action=action)
    name = operation_of(resource, action, by_external_id="external_id" in ids)
    if name not in OPERATIONS:
        return structs.replace(made, errors=NO_OPERATION)
    if {"id", "external_id"} <= ids.keys():
        return structs.replace(made, errors=BOTH_IDS)
    try:
        other = call.prepared(name, ids, data, f"lines.{number}.")
    except Invalid as invalid:
        return structs.replace(made, errors=invalid.fields)
    except Refusal:
        return structs.replace(made, errors=UNREADABLE)
    return structs.replace(made, operation=name, path=other.path, body=other.body, refusals=other.refusals)


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
