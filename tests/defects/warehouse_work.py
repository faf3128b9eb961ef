"""Defects in what the warehouse does with a return: when it acts, on what, how often, and what it believes after."""

from __future__ import annotations

from tests.defects.defect import WAREHOUSE, Defect

ARRIVED = "            elif not known.handed_over and arrived(details):\n"
NOT_OPEN = '        return state != "open"\n'
AT_THE_DOCK = '    return text(parcel.get(status)) == "delivered"\n'
PROCESSED = '            self.loop.process(return_id)\n            known.handed_over = True\n            self.mark(return_id, "processing")\n'
LAST_LOOK = '        if not self.stood_back(return_id, self.loop.details(return_id)):\n            self.loop.process(return_id)\n            known.handed_over = True\n            self.mark(return_id, "processing")\n'
REFUSED = "        except Refused as refusal:\n            known.handed_over = True\n"


def acts_on(*states: str) -> tuple[tuple[str, str], ...]:
    """The changes with which the warehouse takes these states for open ones."""
    known = ("open", *states)
    stage = '        if state != "open":\n            self.mark(return_id, HANDS_OFF'
    return (
        (NOT_OPEN, f"        return state not in {known!r}\n"),
        (stage, stage.replace('state != "open"', f"state not in {known!r}")),
    )


WORK_DEFECTS = (
    Defect(
        "acts-on-created",
        WAREHOUSE,
        (
            (ARRIVED, "            elif not known.handed_over:\n"),
            (
                'known.stage != "closed" and (failure or',
                'known.stage != "closed" and (known.stage == "expected" or failure or',
            ),
        ),
        (
            "wms/two-way/inspect-and-process",
            "wms/two-way/cancelled-on-the-way",
        ),
        "`return.created` comes before there is a label, let alone a parcel: the money is paid for goods that may never come.",
    ),
    Defect(
        "acts-on-in-transit",
        WAREHOUSE,
        ((AT_THE_DOCK, '    return text(parcel.get(status)) in ("in_transit", "out_for_delivery", "delivered")\n'),),
        (
            "wms/two-way/inspect-and-process",
            "wms/two-way/cancelled-on-the-way",
        ),
        "The money is paid while the parcel is on its way, whatever is in it.",
    ),
    Defect(
        "acts-on-out-for-delivery",
        WAREHOUSE,
        ((AT_THE_DOCK, '    return text(parcel.get(status)) in ("out_for_delivery", "delivered")\n'),),
        ("wms/two-way/inspect-and-process",),
        "The parcel is on a van that turns back, and the money is paid.",
    ),
    Defect(
        "acts-on-whatever-has-a-label",
        WAREHOUSE,
        ((AT_THE_DOCK, '    return text(parcel.get(status)) != "pending"\n'),),
        (
            "wms/two-way/cancelled-on-the-way",
            "wms/two-way/closed-by-staff-first",
        ),
        "A printed label counts as a parcel.",
    ),
    Defect(
        "looks-at-the-first-label-only",
        WAREHOUSE,
        (
            (
                '    parcels = rows(ret.get("labels"))\n    shipped',
                '    parcels = rows(ret.get("labels"))[:1]\n    shipped',
            ),
        ),
        (
            "wms/two-way/two-parcels",
            "wms/two-way/second-parcel-lost",
        ),
        "Half of the goods came, and all of the money goes.",
    ),
    Defect(
        "acts-on-the-first-parcel",
        WAREHOUSE,
        (("    return shipped <= landed if shipped else", "    return bool(shipped & landed) if shipped else"),),
        (
            "wms/two-way/two-parcels",
            "wms/two-way/second-parcel-lost",
        ),
        "The first of two parcels is taken for both.",
    ),
    Defect(
        "waits-for-the-old-label",
        WAREHOUSE,
        (
            (
                "    return shipped <= landed if shipped else",
                '    return all(at_the_dock(parcel, "status") for parcel in parcels) if shipped else',
            ),
        ),
        ("wms/two-way/label-error-and-replacement",),
        "After a second label replaced the first, the return waits for a parcel that nobody will send.",
    ),
    Defect(
        "processes-twice-on-a-duplicate",
        WAREHOUSE,
        ((ARRIVED, "            elif arrived(details):\n"),),
        ("processed-once",),
        "Each repeated message asks Loop once more to pay out.",
    ),
    Defect(
        "processes-every-time-it-looks",
        WAREHOUSE,
        (
            (
                PROCESSED,
                '            self.loop.process(return_id)\n            self.loop.process(return_id)\n            known.handed_over = True\n            self.mark(return_id, "processing")\n',
            ),
        ),
        ("processed-once",),
        "Two requests for one payout race each other.",
    ),
    Defect(
        "tries-again-what-was-refused",
        WAREHOUSE,
        ((REFUSED, "        except Refused as refusal:\n"),),
        ("processed-once", "refusals-not-repeated"),
        "A flagged return is asked for again at each event, and paid the moment somebody takes the flag away.",
    ),
    Defect(
        "processes-again-after-a-failure",
        WAREHOUSE,
        (
            (
                '                known.handed_over = True\n                self.mark(return_id, "attention", failure)\n',
                "                self.take_in(return_id, known, details)\n",
            ),
        ),
        ("wms/two-way/processing-fails",),
        "Each duplicate of the failure starts another payout.",
    ),
    Defect(
        "acts-on-cancelled",
        WAREHOUSE,
        acts_on("cancelled"),
        ("ended-returns-left-alone",),
        "Goods of a cancelled return are graded and its money asked for, while the customer has sent them in again.",
    ),
    Defect(
        "acts-on-closed",
        WAREHOUSE,
        acts_on("closed"),
        ("ended-returns-left-alone",),
        "What staff closed without a payout is asked to be paid.",
    ),
    Defect(
        "acts-on-review",
        WAREHOUSE,
        acts_on("review"),
        ("reviews-left-alone",),
        "What people wanted to look at first is decided by a machine.",
    ),
    Defect(
        "acts-on-expired",
        WAREHOUSE,
        acts_on("expired"),
        ("wms/two-way/expired-parcel-turns-up",),
        "A parcel that turns up after months is paid as if nothing had been.",
    ),
    Defect(
        "cancels-what-it-may-not-process",
        WAREHOUSE,
        ((REFUSED, REFUSED + '            self.loop.call("POST", f"/warehouse/return/{return_id}/cancel")\n'),),
        ("wms/two-way/flagged-on-the-dock",),
        "A return that only waited for a person is cancelled, and the customer is told that nothing comes.",
    ),
    Defect(
        "takes-queued-for-done",
        WAREHOUSE,
        ((PROCESSED, PROCESSED.replace('"processing"', '"closed"')),),
        (
            "wms/two-way/processing-fails",
            "wms/two-way/out-of-stock-at-processing",
        ),
        "The books say paid, while Loop's queue comes back with a failure.",
    ),
    Defect(
        "trusts-200",
        WAREHOUSE,
        (
            ("    if status >= 300 or errors:\n", "    if status >= 300:\n"),
            (
                '        if answer not in (True, "true"):\n            raise Refused("Loop\'s answer to process is neither true nor an error")\n',
                "",
            ),
        ),
        ("refusals-noticed",),
        "A refusal arrives as 200 and is taken for a yes: nobody ever looks at the return again.",
    ),
    Defect(
        "does-not-look-again-before-paying",
        WAREHOUSE,
        (
            (
                LAST_LOOK,
                '        self.loop.process(return_id)\n        known.handed_over = True\n        self.mark(return_id, "processing")\n',
            ),
        ),
        ("ended-returns-left-alone",),
        "Inspection took an hour; meanwhile the customer cancelled.",
    ),
    Defect(
        "forgets-to-process",
        WAREHOUSE,
        ((LAST_LOOK, '        known.handed_over = True\n        self.mark(return_id, "processing")\n'),),
        ("wms/two-way/inspect-and-process",),
        "The parcel is inspected, and the customer never sees the money.",
    ),
    Defect(
        "closes-instead-of-processing",
        WAREHOUSE,
        (
            (
                '        path = f"/warehouse/return/{return_id}/process"\n',
                '        path = f"/warehouse/return/{return_id}/close"\n',
            ),
        ),
        (
            "wms/two-way/inspect-and-process",
            "wms/two-way/outcomes",
        ),
        "A closed return pays nothing, and looks done on every screen.",
    ),
    Defect(
        "ignores-edits",
        WAREHOUSE,
        (
            ("    handed_over: bool = False\n", "    handed_over: bool = False\n    lines: Any = None\n"),
            (
                '        lines = rows(details.get("line_items"))\n',
                '        lines = known.lines or rows(details.get("line_items"))\n',
            ),
            (
                "        known = self.remember(return_id)\n        failure",
                '        known = self.remember(return_id)\n        known.lines = known.lines or rows(payload.get("line_items"))\n        failure',
            ),
        ),
        ("wms/two-way/edited-and-graded",),
        "The customer changed the return, and the warehouse grades items that are no longer in it.",
    ),
    Defect(
        "loses-what-it-was-told-when-it-restarts",
        WAREHOUSE,
        (("    warehouse.add_job(warehouse.catch_up)\n", ""),),
        ("wms/two-way/webhooks-missed",),
        "What arrived during a deployment is never looked at again.",
    ),
    Defect(
        "parses-ids-as-floats",
        WAREHOUSE,
        (
            (
                "        known = self.remember(return_id)\n        failure",
                '        known = self.remember(return_id)\n        if order := payload.get("provider_order_id"):\n            self.loop.orders[return_id] = float(order)\n        failure',
            ),
            ("        self.stop = stop\n", "        self.stop = stop\n        self.orders: dict[int, float] = {}\n"),
            (
                '        return fields(self.call("GET", f"/warehouse/return/details?return_id={return_id}"))\n',
                "        if order := self.orders.get(return_id):\n"
                '            found = rows(self.call("GET", f"/warehouse/return/details?order_id={int(order)}"))\n'
                '            return next((row for row in found if whole(row.get("id")) == return_id), {})\n'
                '        return fields(self.call("GET", f"/warehouse/return/details?return_id={return_id}"))\n',
            ),
        ),
        ("ids-intact",),
        "The last digits of a long id turn to zeros, and another order is read, or none.",
    ),
    Defect(
        "grades-everything-in-one-call",
        WAREHOUSE,
        (("BATCH = 30  #", "BATCH = 10_000  #"),),
        ("graded-in-batches",),
        "A wholesale return of forty units is refused, and lies there.",
    ),
    Defect(
        "removes-line-by-line",
        WAREHOUSE,
        (
            (
                '        self.loop.add_note(return_id, f"Warehouse',
                '        for line in lines:\n            if verdict(line)[1] == "recycle":\n'
                '                line_id = whole(line.get("line_item_id"))\n'
                '                self.loop.call("POST", f"/warehouse/return/{return_id}/remove?line_item_id={line_id}")\n'
                '        self.loop.add_note(return_id, f"Warehouse',
            ),
        ),
        ("items-removed-in-one-call",),
        "The first removal closes the return; the other damaged units are paid.",
    ),
    Defect(
        "reads-zoneless-times-of-details-as-local",
        WAREHOUSE,
        (("(read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)", "read.astimezone(UTC)"),),
        ("times-read-right",),
        "Parcels that are on their way are chased hours too early, or too late.",
        (("TZ", "America/New_York"),),
    ),
    Defect(
        "writes-inspection-times-in-local-time",
        WAREHOUSE,
        (('"inspected_at": stamp(self.loop.now)', '"inspected_at": stamp(self.loop.now.astimezone())'),),
        ("inspections-dated-right",),
        "Reports show goods that were inspected hours before they came.",
        (("TZ", "America/New_York"),),
    ),
)
