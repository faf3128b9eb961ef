"""A provider of labels for a shop that has them made elsewhere: answers each request with one label, or says why not."""

from __future__ import annotations

import json
import sys
from typing import Any

from loopsim.partners import warehouse
from loopsim.partners.warehouse import Refused, Unavailable, fields, rows, text, whole

READ = warehouse.answer_of
JOURNEY = ("new", "pre_transit", "in_transit", "out_for_delivery", "delivered")


class Provider(warehouse.Warehouse):
    """`returns` holds requests here: stage is open, answered, cancelled, refused or attention."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.status: dict[int, str] = {}  # of each label

    def catch_up(self) -> None:
        try:
            found = rows(fields(self.loop.call("GET", "/label-requests?status=issued&limit=250")).get("data"))
        except (Refused, Unavailable) as trouble:
            self.say(f"could not ask for requests: {trouble}")
            return
        for request in found:
            if (request_id := whole(request.get("id"))) is not None:
                self.answer(request_id)

    def heed(self, body: bytes) -> None:
        payload = json.loads(body)
        if not isinstance(payload, dict) or text(payload.get("topic")) != "label.request":
            return
        request_id = whole(payload.get("id"))
        if request_id is not None:
            self.answer(request_id)

    def answer(self, request_id: int) -> None:
        known = self.remember(request_id)
        if known.handed_over:
            return
        try:
            request = fields(self.loop.call("GET", f"/label-requests/{request_id}"))
            if text(request.get("status")) != "issued":
                known.handed_over = True
                self.mark(request_id, "cancelled" if request.get("status") == "cancelled" else "answered")
                return
            known.handed_over = True
            if why := problem(request):
                self.loop.call("POST", f"/label-requests/{request_id}/errors", {"reason": why, "message": None})
                self.mark(request_id, "refused", why)
                return
            label = self.loop.call("POST", "/labels", label_for(request_id), took_effect=lambda: self.done(request_id))
            self.mark(request_id, "answered")
            label_id = whole(label.get("id")) if isinstance(label, dict) else None
            if label_id is not None:
                self.move(label_id, "pre_transit")
        except Refused as refusal:
            self.mark(request_id, "attention", f"Loop refused: {refusal}")
        except Unavailable as trouble:
            self.mark(request_id, "attention", f"no answer from Loop: {trouble}")

    def done(self, request_id: int) -> bool:
        """Whether Loop has the label, where it gave no answer to it."""
        return fields(self.loop.call("GET", f"/label-requests/{request_id}")).get("status") == "fulfilled"

    def move(self, label_id: int, status: str) -> None:
        """Tell Loop where the parcel is; never backwards."""
        if JOURNEY.index(status) > JOURNEY.index(self.status.get(label_id, "new")):
            self.loop.call("PUT", f"/labels/{label_id}", {"status": status})
            self.status[label_id] = status


def answer_of(status: int, content: bytes) -> Any:
    """As the warehouse reads answers; to a change of a label Loop says nothing but 204."""
    return None if status == 204 else READ(status, content)


def problem(request: dict[str, Any]) -> str:
    """Why no label can be made, in Loop's word; "" where one can."""
    origin = (request.get("addresses") or {}).get("origin") or {}
    return "" if text(origin.get("postal_code")) and text(origin.get("address1")) else "INVALID_ADDRESS"


def label_for(request_id: int) -> dict[str, Any]:
    return {
        "label_request_id": request_id,
        "tracking_number": f"94612{request_id:017d}",
        "carrier": "USPS",
        "label_url": f"https://labels.example.com/{request_id}.pdf",
        "rate": {"amount": 1093, "currency_code": "USD"},
    }


if __name__ == "__main__":
    warehouse.Warehouse = Provider  # type: ignore[misc]
    warehouse.answer_of = answer_of
    sys.exit(warehouse.main())
