"""Filling a shop from an export of the real list endpoint; `operations.importing` does it."""

from __future__ import annotations

from typing import cast

from loopsim.operations.perform import Call, operation
from loopsim.store.transaction import Transaction


@operation("importReturns")
def import_returns(tx: Transaction, call: Call) -> dict[str, int]:
    """Import rows of a real shop.

    Body: `rows` (a list, or the envelope) or `raw` (the file as it is, so that a syntax error has line and column);
    `keep_personal_data`; `resume` sets the timers of open returns; `replace` lets rows take the place of returns with
    their ids. Answers how many returns, orders, replaced returns, replaced people and held units came of it.

    Raises `import_unreadable` (line, column, reason), `import_invalid` (where, row, field, reason; rows count from 1)
    and `import_conflict` (ids, count).
    """
    # Only here: a server starts without it.
    from loopsim.operations.importing.rows import import_steps

    steps = import_steps(tx, call.body or {})
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return cast("dict[str, int]", done.value)
