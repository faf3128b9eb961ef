"""A helpdesk: a ticket for each return, which follows it to its end, and a note at Loop of what the customer wrote."""

from __future__ import annotations

import json
import sys
from typing import Any
from urllib.parse import quote

from loopsim.partners import warehouse
from loopsim.partners.warehouse import Refused, Unavailable, rows, text, whole

LONGEST_NOTE = 255
STAGES = {"open": "expected", "review": "attention", "closed": "closed"}


class Helpdesk(warehouse.Warehouse):
    """`returns` holds tickets here: stage is expected while the return is open, attention, closed or ignored."""

    def catch_up(self) -> None:
        """Nothing: tickets begin with webhooks."""

    def heed(self, body: bytes) -> None:
        payload = json.loads(body)
        if not isinstance(payload, dict) or text(payload.get("topic")) != "return":
            return
        return_id, order = whole(payload.get("id")), text(payload.get("order_name"))
        if return_id is not None and order:
            self.remember(return_id)
            self.follow(return_id, order)

    def follow(self, return_id: int, order: str) -> None:
        """Look the order's returns up, as an agent does who only knows the order."""
        try:
            found = rows(self.loop.call("GET", f"/warehouse/return/details?order_name={quote(order)}"))
            details = next((each for each in found if whole(each.get("id")) == return_id), None)
            if details is None:
                raise Refused("the order has no such return")
            state = text(details.get("state"))
            self.mark(return_id, STAGES.get(state, "ignored"))
            if state in ("open", "review"):
                self.loop.add_note(return_id, note(details))
        except Refused as refusal:
            self.mark(return_id, "attention", f"Loop refused: {refusal}")
        except Unavailable as trouble:
            self.mark(return_id, "attention", f"no answer from Loop: {trouble}")


def note(details: dict[str, Any]) -> str:
    """What the customer wrote, in the length that Loop takes."""
    said = "; ".join(filter(None, (text(line.get("return_comment")) for line in rows(details.get("line_items")))))
    whole_note = f"Ticket: {said or 'nothing written'}"
    return whole_note if len(whole_note) <= LONGEST_NOTE else whole_note[: LONGEST_NOTE - 1] + "…"


if __name__ == "__main__":
    warehouse.Warehouse = Helpdesk  # type: ignore[misc]
    sys.exit(warehouse.main())
