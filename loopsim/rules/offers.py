"""Whether what Checkout+ offered comes back with the order as it was offered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from loopsim.rules.rule import Judgement, Rule, failed, not_judged
from loopsim.rules.traffic import Call, Traffic, shows

_NO_OFFER = not_judged("The partner told Loop of no order with an offer of Checkout+ in this story.")
_ORDERS = ("createOrder", "upsertOrder", "updateOrder")


def _rows(value: Any, name: str) -> list[dict[str, Any]]:
    rows = value.get(name) if isinstance(value, dict) else None
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _modes(order: Call) -> list[Any]:
    return [fee["accepted_offer_mode"] for fee in _rows(order.body, "fees") if fee.get("accepted_offer_mode")]


def _with_offers(traffic: Traffic) -> Iterator[tuple[Call, list[Call]]]:
    """Each order that says that an offer was taken, with the offers that Loop had made before it."""
    for order in traffic.of(*_ORDERS):
        if _modes(order) and not order.refused:
            asked = (call for call in traffic.of("analyzeCart") if call.id < order.id and call.accepted)
            yield (
                order,
                [call for call in asked if isinstance(call.answer, dict) and call.answer.get("eligible") is True],
            )


def _verbatim(traffic: Traffic) -> Judgement:
    orders = list(_with_offers(traffic))
    if not orders:
        return _NO_OFFER
    findings = []
    for order, offers in orders:
        known = [offer.answer.get("mode") for offer in offers]
        for mode in _modes(order):
            if not offers:
                findings.append(shows("It told of an order with an offer, and Loop had made none.", order))
            elif mode not in known:
                said = f"It told of an order with the mode {mode!r}; what Loop had offered was {known[-1]!r}."
                findings.append(shows(said, offers[-1], order))
    return failed(*findings)


def _sessions(traffic: Traffic) -> Judgement:
    orders = list(_with_offers(traffic))
    if not orders:
        return _NO_OFFER
    findings = []
    for order, offers in orders:
        said = _session(order)
        if said is None:
            findings.append(shows("It told of an order with an offer, and not of which session.", order))
        elif offers and said not in [offer.answer.get("sessionId") for offer in offers]:
            findings.append(shows(f"It told of an order with the session {said!r}, which Loop does not know.", order))
    return failed(*findings)


def _session(order: Call) -> Any:
    """The session that an order names, in its own metadata or in that of a line."""
    for holder in (order.body, *_rows(order.body, "line_items")):
        for row in _rows(holder, "metadata"):
            if row.get("key") == "session_id":
                return row.get("value")
    return None


RULES = (
    Rule(
        name="offers-told-verbatim",
        level="error",
        needs="traffic",
        title="Put the mode of an accepted offer into the order as Checkout+ gave it",
        reason="By the mode Loop knows what the shopper has paid for. Another one, or one that was never offered, "
        "is a fee for nothing.",
        mend="Keep mode of the analysis that was eligible, and send it unchanged in fees[].accepted_offer_mode; send "
        "none where nothing was offered or the shopper declined.",
        fact="checkout-plus-order",
        judge=_verbatim,
    ),
    Rule(
        name="offers-told-with-session",
        level="error",
        needs="traffic",
        title="Name the session of an accepted offer in the order",
        reason="It is what ties the order to the analysis that its offer came from.",
        mend='Send {"key": "session_id", "value": …} in the order\'s metadata, with the sessionId that Checkout+ '
        "answered.",
        fact="checkout-plus-order",
        judge=_sessions,
    ),
)
