"""A warehouse that lets hints pile up and works them off together: one grading call for the lines of many returns."""

from __future__ import annotations

import json
import sys
from typing import Any

from loopsim.partners import warehouse
from loopsim.partners.warehouse import INSPECTOR, RETURN_ID, Refused, Unavailable, arrived, rows, stamp, text, whole


class Batching(warehouse.Warehouse):
    """The reference warehouse's memory and queue; what it does with a return is its own."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.due: dict[int, str] = {}

    def heed(self, body: bytes) -> None:
        payload = json.loads(body)
        if isinstance(payload, dict):
            keys = RETURN_ID.get(text(payload.get("topic")), ())
            return_id = next((i for key in keys if (i := whole(payload.get(key))) is not None), None)
            if return_id is not None:
                self.remember(return_id)
                failed = text(payload.get("trigger")) == "return.processing.failed"
                self.due[return_id] = (
                    text(payload.get("message")) or "failed" if failed else self.due.get(return_id, "")
                )
        if self.jobs.empty():
            self.work_off()

    def work_off(self) -> None:
        due, self.due = self.due, {}
        ready: dict[int, list[dict[str, Any]]] = {}
        for return_id, failure in due.items():
            try:
                details = self.loop.details(return_id)
                known = self.returns[return_id]
                if self.stood_back(return_id, details):
                    continue
                if failure:
                    known.handed_over = True
                    self.mark(return_id, "attention", failure)
                elif arrived(details) and not known.handed_over:
                    ready[return_id] = rows(details.get("line_items"))
            except (Refused, Unavailable) as trouble:
                self.mark(return_id, "attention", str(trouble))
        self.inspect([line for lines in ready.values() for line in lines])
        for return_id in ready:
            self.attend(return_id)

    def inspect(self, lines: list[dict[str, Any]]) -> None:
        """All lines, of whatever return: so the reference's own inspection finds nothing left to do."""
        by = {"return_processor": INSPECTOR, "inspected_at": stamp(self.loop.now)}
        ids = [{"line_item_id": whole(line.get("line_item_id")), **by} for line in lines if not line.get("condition")]
        try:
            self.loop.grade([{**one, "description": "Fine.", "condition_category": "grade_a"} for one in ids])
        except (Refused, Unavailable) as trouble:
            self.say(f"graded one by one: {trouble}")


if __name__ == "__main__":
    warehouse.Warehouse = Batching  # type: ignore[misc]
    sys.exit(warehouse.main())
