"""A warehouse that goes by the newest payload of a return, and asks Loop only where an answer was lost."""

from __future__ import annotations

import json
import sys
from typing import Any

from loopsim.partners import warehouse
from loopsim.partners.warehouse import Refused, Unavailable, arrived, text, whole


class Listening(warehouse.Warehouse):
    """Payloads in, actions out. It keeps what it handed over, so a repeated or late payload changes nothing."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.newest: dict[int, dict[str, Any]] = {}

    def catch_up(self) -> None:
        """Nothing: it has no other source."""

    def heed(self, body: bytes) -> None:
        payload = json.loads(body)
        if not isinstance(payload, dict):
            return
        failed = text(payload.get("trigger")) == "return.processing.failed"
        return_id = whole(payload.get("return_id" if failed else "id"))
        if return_id is None or text(payload.get("topic")) not in ("return", "return.processing"):
            return
        known = self.remember(return_id)
        if failed:
            self.mark(return_id, "attention", text(payload.get("message")) or "Loop could not process it")
            return
        if age(payload) >= age(self.newest.get(return_id, {})):
            self.newest[return_id] = payload
        latest = self.newest[return_id]
        if self.stood_back(return_id, latest) or known.handed_over or not arrived(latest):
            return
        known.handed_over = True
        try:
            self.loop.process(return_id)
            self.mark(return_id, "processing")
        except Refused as refusal:
            self.mark(return_id, "attention", f"Loop refused: {refusal}")
        except Unavailable as trouble:
            self.mark(return_id, "attention", f"a person must look: {trouble}")


def age(payload: dict[str, Any]) -> tuple[str, bool]:
    """What a newer payload has more of. Within one second, what is over is newer: nothing comes after it."""
    return text(payload.get("updated_at")), text(payload.get("state")) in ("closed", "cancelled")


if __name__ == "__main__":
    warehouse.Warehouse = Listening  # type: ignore[misc]
    sys.exit(warehouse.main())
