"""Whether a label provider's labels move forward, and its requests are still wanted."""

from __future__ import annotations

from loopsim.rules.rule import Judgement, Rule, failed, not_judged
from loopsim.rules.traffic import Call, Delivery, Traffic, shows, whole

JOURNEY = ("new", "pre_transit", "in_transit", "out_for_delivery", "delivered")


def _status(call: Call) -> str:
    status = call.body.get("status") if isinstance(call.body, dict) else None
    return status if isinstance(status, str) else ""


def _forward(traffic: Traffic) -> Judgement:
    updates = [call for call in traffic.of("updateLabel") if _status(call) in JOURNEY]
    if not updates:
        return not_judged("The partner told no status of a label in this story.")
    furthest: dict[str, Call] = {}
    findings = []
    for call in updates:
        before = furthest.get(call.path)
        if before is not None and JOURNEY.index(_status(call)) < JOURNEY.index(_status(before)):
            label = call.path.rpartition("/")[2]
            findings.append(
                shows(f"It moved label {label} from {_status(before)} back to {_status(call)}.", before, call)
            )
        elif call.accepted:
            furthest[call.path] = call
    return failed(*findings)


def _still_wanted(traffic: Traffic) -> Judgement:
    cancelled = [each for each in traffic.deliveries if each.trigger == "label.request.cancelled" and each.taken]
    if not cancelled:
        return not_judged("The partner heard of no cancelled label request in this story.")
    findings = []
    for each in cancelled:
        made = next((call for call in traffic.of("createLabel") if call.id > each.id and _same(call, each)), None)
        if made is not None:
            findings.append(shows("It made a label for a request that it had heard was cancelled.", each, made))
    return failed(*findings)


def _same(call: Call, delivery: Delivery) -> bool:
    if not isinstance(call.body, dict) or not isinstance(delivery.payload, dict):
        return False
    asked = whole(call.body.get("label_request_id"))
    return asked is not None and asked == whole(delivery.payload.get("id"))


RULES = (
    Rule(
        name="label-status-forward",
        level="error",
        needs="traffic",
        title="Move a label's status forward only",
        reason="Loop takes any status it is told. One that goes back reopens what was refunded on delivery, and the "
        "shopper "
        "is told that the parcel is on its way again.",
        mend="Remember the furthest status of each label, and send nothing that is behind it: scans arrive out of "
        "order.",
        fact="label-update",
        judge=_forward,
    ),
    Rule(
        name="cancelled-requests-left-alone",
        level="error",
        needs="traffic",
        title="Make no label for a request that was cancelled",
        reason="The label is paid for and used by nobody.",
        mend="On label.request.cancelled take the request off your queue; before buying a label read the request's "
        "status.",
        fact="label-requests-not-open",
        judge=_still_wanted,
    ),
)
