"""Bulk operations: a file of lines, each of them a job. Line format, states and pace are assumed
(`FACTS.md#bulk-lines`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from msgspec import Struct, field

RESOURCES = ("order", "customer", "product", "product_variant", "collection", "inventory", "location")
ACTIONS = ("create", "upsert", "update", "patch", "delete")
MOST_LINES = 2_000
PER_SECOND = 25

Status = Literal["pending", "success", "failed"]


class Job(Struct, frozen=True, kw_only=True):
    """One line. `operation` is to carry it out with `path` and `body`; `refusals` are what it may say by code, then by
    field. `errors` says by field why it cannot be carried out, or was not."""

    id: int
    bulk_id: int
    line: int
    resource: str | None
    action: str | None
    operation: str | None = None
    path: dict[str, Any] = field(default_factory=dict)
    body: Any = None
    refusals: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    status: Status = "pending"
    resource_id: int | None = None
    errors: dict[str, list[str]] = field(default_factory=dict)


class BulkOperation(Struct, frozen=True, kw_only=True):
    """A file that was sent. `jobs` is how many lines it has; those that are neither done nor failed are pending."""

    id: int
    jobs: int
    success: int = 0
    failed: int = 0

    @property
    def pending(self) -> int:
        """How many jobs wait."""
        return self.jobs - self.success - self.failed

    @property
    def status(self) -> str:
        """`pending` until the first job has run, `completed` after the last."""
        if self.pending == 0:
            return "completed"
        return "pending" if self.pending == self.jobs else "processing"


def operation_of(resource: str, action: str, *, by_external_id: bool) -> str | None:
    """The name of the operation for one that a line asks for, which there need not be; None for what no line is for."""
    if resource not in RESOURCES or action not in ACTIONS:
        return None
    noun = "".join(map(str.capitalize, resource.split("_")))
    return f"{action}{noun}{'ByExternalId' if by_external_id else ''}"


def lines_of(text: str) -> Sequence[tuple[int, str]]:
    """The lines of a JSONL file with their numbers from 1, without those that are blank."""
    return [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
