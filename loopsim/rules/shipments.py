"""Whether a partner of Ship by Loop answers the portal in time, and sells a parcel once."""

from __future__ import annotations

import re

from loopsim.rules.rule import Judgement, Rule, failed, not_judged
from loopsim.rules.traffic import Call, Delivery, Moved, Traffic, shows, whole

_ANSWERS = ("offerShipmentServices", "confirmShipmentOrder", "reportShipmentError")
_TOPIC = "ship-by-loop"
_PATIENCE = 50_000  # ms of the shop's clock that a partner must have had at least: the portal waits for a minute


def _shipment(call: Call) -> int | None:
    found = re.search(r"/shipments/([0-9]{1,30})/", call.path)
    return whole(found.group(1)) if found else None


def _answered(traffic: Traffic) -> Judgement:
    asked = [each for each in traffic.deliveries if each.topic == _TOPIC and each.taken and each.genuine]
    if not asked:
        return not_judged("The portal asked the partner for no parcel in this story.")
    passed_over = [move for move in traffic.moves if move.entity == "shipment" and move.action == "give_up"]
    findings = []
    for move in passed_over:
        question = _question(asked, move)
        if question is not None and not _tried(traffic, question, move):
            said = f"It took {question.trigger} and said nothing; after a minute the portal went on without it."
            findings.append(shows(said, question, move))
    return failed(*findings)


def _question(asked: list[Delivery], move: Moved) -> Delivery | None:
    """What the portal had asked when it gave up, where the partner had heard it in time."""
    about = [each for each in asked if each.return_id == move.return_id and each.id < move.id]
    return about[-1] if about and about[-1].at + _PATIENCE <= move.at else None


def _tried(traffic: Traffic, question: Delivery, move: Moved) -> bool:
    """Whether the partner at least called, whatever came of it. While a question waits it may overlap its delivery."""
    wanted = whole(question.payload.get("shipment_id")) if isinstance(question.payload, dict) else None
    calls = [call for call in traffic.of(*_ANSWERS) if call.id < move.id and call.at >= question.at]
    return any(wanted is None or _shipment(call) == wanted for call in calls)


def _bought_once(traffic: Traffic) -> Judgement:
    bought: dict[int | None, dict[str, Call]] = {}
    for call in traffic.of("confirmShipmentOrder"):
        number = call.body.get("tracking_number") if isinstance(call.body, dict) else None
        if isinstance(number, str) and number:
            bought.setdefault(_shipment(call), {}).setdefault(number, call)
    if not bought:
        return not_judged("The partner sold no parcel of Ship by Loop in this story.")
    said = "It bought {} parcels for shipment {}: {}."
    several = [(id_, calls) for id_, calls in bought.items() if len(calls) > 1]
    return failed(*(shows(said.format(len(calls), id_, ", ".join(calls)), *calls.values()) for id_, calls in several))


RULES = (
    Rule(
        name="portal-answered-in-time",
        level="error",
        needs="traffic",
        title="Answer each question of the portal within a minute",
        reason="A shopper is waiting. The portal looks every five seconds, twelve times, and then goes on as if "
        "nobody had been asked: there is no error, and no parcel.",
        mend="Answer the webhook at once, then call services, orders, or errors where it cannot be done; go on calling "
        "where Loop stumbles.",
        fact="ship-by-loop-deadline",
        judge=_answered,
    ),
    Rule(
        name="parcels-bought-once",
        level="error",
        needs="traffic",
        title="Buy one parcel for a shipment",
        reason="Webhooks come twice. The second parcel is paid for and used by nobody.",
        mend="Remember what was bought by shipment_id before you answer, and answer with the same again.",
        fact="ship-by-loop-answers",
        judge=_bought_once,
    ),
)
