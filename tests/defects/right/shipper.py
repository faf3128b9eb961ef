"""A partner of Ship by Loop: the portal asks who carries a parcel, and it answers before the shopper has waited long.

Tokens, calls and queue are those of the sample label provider.
"""

from __future__ import annotations

import json
import sys

from loopsim.partners import label_provider
from loopsim.partners.label_provider import Json, Refused, fields, text, whole

PRICE = {"amount": 690, "currency_code": "USD"}  # in cents
SERVICES = [
    {"id": "ground", "name": "Ground", "carrier": "UPS", "price": PRICE},
    {"id": "air", "name": "Air", "carrier": "UPS", "price": PRICE | {"amount": 1950}},
]


class Shipper(label_provider.Provider):
    """Its shipments go from offered to sold, void or cancelled. What was sold is kept: a webhook may come again."""

    def catch_up(self) -> None:
        """Nothing: there is no way to ask Loop which shipments wait."""

    def heed(self, body: bytes) -> None:
        payload = fields(json.loads(body))
        shipment_id, trigger = whole(payload.get("shipment_id")), text(payload.get("trigger"))
        if text(payload.get("topic")) != "ship-by-loop" or shipment_id is None:
            return
        stage = self.stages.get(shipment_id)
        if trigger == "ship-by-loop.services.requested" and stage is None:
            self.reply(shipment_id, "services", {"services": SERVICES}, "offered")
        elif trigger == "ship-by-loop.purchase.requested" and stage in (None, "offered"):
            self.reply(shipment_id, "orders", self.buy(shipment_id), "sold")
        elif trigger == "ship-by-loop.cancellation.requested" and stage != "cancelled":
            self.reply(shipment_id, "orders", {"id": f"o-{shipment_id}"}, "cancelled")

    def buy(self, shipment_id: int) -> Json:
        number = f"1Z{shipment_id:016d}"
        label_url = f"https://labels.example.com/{number}.pdf"
        return {"id": f"o-{shipment_id}", "carrier": "UPS", "tracking_number": number, "label_url": label_url}

    def reply(self, shipment_id: int, what: str, body: Json, stage: str) -> None:
        """Tell Loop, again where it stumbles. A no means that the portal has gone on: what was bought is given back."""
        try:
            self.loop.call("POST", f"/ship-by-loop/shipments/{shipment_id}/{what}", body)
        except Refused:
            stage = "void"
        self.mark(shipment_id, stage)


if __name__ == "__main__":
    label_provider.Provider = Shipper  # type: ignore[misc]
    sys.exit(label_provider.main())
