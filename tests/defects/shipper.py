"""Defects of a partner of Ship by Loop: the shopper waits for it, and webhooks come twice and late."""

from __future__ import annotations

from tests.defects.defect import SHIPPER, Defect

CALLED = '            self.loop.call("POST", f"/ship-by-loop/shipments/{shipment_id}/{what}", body)\n'
NUMBER = '        number = f"1Z{shipment_id:016d}"\n'
SOLD_ONCE = 'stage in (None, "offered"):\n'
STORIES = "label-provider/two-way/ship-by-loop-"

SHIPPER_DEFECTS = (
    Defect(
        "lets-the-portal-wait",
        SHIPPER,
        (('        if trigger == "ship-by-loop.services.requested" and stage is None:\n',
          '        if trigger == "ship-by-loop.services.requested" and stage == "asked":\n'),),
        ("portal-answered-in-time", f"{STORIES}in-time"),
        "The portal goes on without it, and nobody is told.",
    ),
    Defect(
        "offers-and-does-not-sell",
        SHIPPER,
        ((SOLD_ONCE, 'stage == "chosen":\n'),),
        ("portal-answered-in-time", f"{STORIES}in-time"),
        "The shopper has chosen a service, and gets a label of somebody else.",
    ),
    Defect(
        "sells-a-parcel-for-each-webhook",
        SHIPPER,
        ((SOLD_ONCE, "True:\n"), (NUMBER, '        number = f"1Z{shipment_id:010d}{threading.get_native_id()}{time.monotonic_ns()}"\n'),
         ("import sys\n", "import sys\nimport threading\nimport time\n")),
        ("parcels-bought-once",),
        "Two parcels are paid for, and one is used.",
    ),
    Defect(
        "answers-the-portal-once",
        SHIPPER,
        ((CALLED, '            token = self.loop.tokens.access()\n'
          '            status, _, said = self.loop._send("POST", f"/ship-by-loop/shipments/{shipment_id}/{what}", json.dumps(body).encode(), token)\n'
          "            label_provider.answer_of(status, said)\n"),),
        (f"{STORIES}while-loop-stumbles",),
        "One hiccup of Loop, and the parcel is carried by somebody else.",
    ),
    Defect(
        "overhears-the-cancellation",
        SHIPPER,
        (('stage != "cancelled":\n', 'stage == "sold twice":\n'),),
        (f"{STORIES}cancelled",),
        "The parcel that nobody hands in is paid for.",
    ),
)  # fmt: skip
