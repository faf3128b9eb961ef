"""Grading and assessing returned items. Both answer with a bare array that echoes the items."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import structs

from loopsim.domain.events import Event
from loopsim.domain.quirks import quirk
from loopsim.domain.returns import Condition, Disposition, Return, ReturnLine, move
from loopsim.errors import Refusal
from loopsim.operations.perform import Call, operation
from loopsim.store.transaction import Transaction

Item = dict[str, Any]
GRADE = ("line_item_id", "description", "condition_category", "return_processor", "note", "images", "inspected_at")
ASSESS = ("line_item_id", "disposition_outcome", "return_processor", "note", "inspected_at")


@operation("gradeItems")
def grade_items(tx: Transaction, call: Call) -> Any:
    """Note the condition of items; grading again overwrites."""

    def graded(line: ReturnLine, item: Item) -> ReturnLine:
        category = item.get("condition_category")
        condition = Condition(
            description=item.get("description"),
            # 2026-10 sends an object of unknown shape; what is read stays the text (assumed).
            condition_category=category.get("category") if isinstance(category, dict) else category,
            return_processor=item.get("return_processor"),
            note=item.get("note"),
            inspected_at=item.get("inspected_at"),
            images=None if item.get("images") is None else tuple(item["images"]),
        )
        return structs.replace(line, condition=condition)

    return _inspect(tx, call.body["items"], GRADE, graded)


@operation("assessItems")
def assess_items(tx: Transaction, call: Call) -> Any:
    """Note what becomes of items; assessing again overwrites."""

    def assessed(line: ReturnLine, item: Item) -> ReturnLine:
        disposition = Disposition(
            disposition_outcome=item.get("disposition_outcome"),
            return_processor=item.get("return_processor"),
            note=item.get("note"),
            inspected_at=item.get("inspected_at"),
        )
        return structs.replace(line, disposition=disposition)

    return _inspect(tx, call.body["items"], ASSESS, assessed)


def _inspect(
    tx: Transaction, items: list[Item], keys: tuple[str, ...], change: Callable[[ReturnLine, Item], ReturnLine]
) -> list[Item]:
    touched: dict[int, Return] = {}
    owners: dict[int, int] = {}
    for item in items:
        line_id = item["line_item_id"]
        return_ = tx.return_of_line(line_id)
        if return_ is None or return_.line(line_id) is None:
            raise Refusal("line_items_forbidden")
        touched.setdefault(return_.id, return_)
        owners[line_id] = return_.id
    for item in items:
        return_ = touched[owners[item["line_item_id"]]]
        lines = tuple(change(line, item) if line.id == item["line_item_id"] else line for line in return_.lines)
        touched[return_.id] = structs.replace(return_, lines=lines)
    for return_ in touched.values():
        after, triggers = move(return_, "inspect", tx.now)
        tx.moved("return", return_.id, return_.state, "inspect", after.state)
        tx.put_return(after)
        if quirk(tx.settings.quirks, "grading_fires_return_updated") == "on":
            tx.emit(*(Event(trigger, after) for trigger in triggers))
    return [{key: item[key] for key in keys if key in item} for item in items]
