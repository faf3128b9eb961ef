"""Defects of a label provider."""

from __future__ import annotations

from tests.defects.defect import LABELS, Defect

SENT = '            label = self.loop.call("POST", "/labels", label_for(request_id), took_effect=lambda: self.done(request_id))\n'
MOVED = '                self.move(label_id, "pre_transit")\n'

LABEL_DEFECTS = (
    Defect(
        "moves-a-label-backwards",
        LABELS,
        (
            (
                MOVED,
                '                self.move(label_id, "in_transit")\n                self.loop.call("PUT", f"/labels/{label_id}", {"status": "pre_transit"})\n',
            ),
        ),
        ("label-status-forward",),
        "A parcel that is on its way is printed again, and a return that should be safe expires.",
    ),
    Defect(
        "answers-a-request-twice",
        LABELS,
        ((SENT, SENT + '            self.loop.call("POST", "/labels", label_for(request_id))\n'),),
        ("label-provider/two-way/repeated-request",),
        "Two labels are bought for one parcel.",
    ),
    Defect(
        "answers-every-duplicate",
        LABELS,
        (
            ("        if known.handed_over:\n            return\n        try:\n", "        try:\n"),
            (
                '            if text(request.get("status")) != "issued":\n',
                '            if text(request.get("status")) == "cancelled":\n',
            ),
        ),
        ("label-provider/two-way/repeated-request",),
        "Each repeated webhook buys another label.",
    ),
    Defect(
        "answers-what-was-cancelled",
        LABELS,
        (
            (
                '            if text(request.get("status")) != "issued":\n',
                '            if text(request.get("status")) == "fulfilled":\n',
            ),
        ),
        ("cancelled-requests-left-alone",),
        "A label is bought for a return that no longer exists.",
    ),
    Defect(
        "never-says-why-there-is-no-label",
        LABELS,
        (
            (
                '                self.loop.call("POST", f"/label-requests/{request_id}/errors", {"reason": why, "message": None})\n',
                "",
            ),
        ),
        ("label-provider/two-way/address-cannot-be-used",),
        "The customer waits for a label that never comes, and nobody knows why.",
    ),
    Defect(
        "prices-labels-in-whole-units",
        LABELS,
        (('"amount": 1093', '"amount": 10.93'),),
        ("label-rates-in-cents",),
        "The rate is in cents; Loop refuses the label.",
    ),
)
