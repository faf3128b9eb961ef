"""Whether Loop is told a shop's own goods and orders (Commerce Data) once, whole, and to the cent."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from loopsim.rules.rule import Finding, Judgement, Rule, failed, not_judged
from loopsim.rules.traffic import TAKEN, Call, Traffic, shows, whole

NOUNS = {
    **dict.fromkeys(("createOrder", "upsertOrder", "updateOrder"), "order"),
    **dict.fromkeys(("createCustomer", "upsertCustomer", "updateCustomer", "patchCustomer"), "customer"),
    **dict.fromkeys(("createProduct", "upsertProduct", "updateProduct"), "product"),
    **dict.fromkeys(("createProductVariant", "upsertProductVariant", "patchProductVariant"), "product_variant"),
    **dict.fromkeys(("createCollection", "upsertCollection", "updateCollection"), "collection"),
    **dict.fromkeys(("createLocation", "upsertLocation", "updateLocation"), "location"),
    **dict.fromkeys(("createInventory", "upsertInventory"), "inventory"),
}
"""The operations that tell Loop a record, and the member of their answers that holds it."""

_NOTHING_TOLD = not_judged("The partner told Loop nothing of its own goods and orders in this story.")
_NO_ORDER = not_judged("The partner told Loop no order in this story.")
_BOTH = "prohibits"
_OFTEN = 3


def _told(traffic: Traffic) -> tuple[Call, ...]:
    return traffic.of(*NOUNS)


def _record(call: Call) -> dict[str, Any]:
    """The record in an answer, empty where there is none."""
    record = call.answer.get(NOUNS.get(call.operation, "")) if isinstance(call.answer, dict) else None
    return record if isinstance(record, dict) else {}


def _sent(call: Call, name: str) -> Any:
    return call.body.get(name) if isinstance(call.body, dict) else None


def _whole_amounts(traffic: Traffic) -> Judgement:
    if not _told(traffic):
        return _NOTHING_TOLD
    cut: dict[str, Call] = {}
    for call in traffic.calls:
        if call.truncated and call.accepted:
            cut.setdefault(call.operation, call)
    said = "Loop cut the fraction off {} of its {} and said nothing."
    return failed(*(shows(said.format(", ".join(call.truncated[:4]), call.word), call) for call in cut.values()))


def _taken_ids(traffic: Traffic) -> Judgement:
    told = _told(traffic)
    if not told:
        return _NOTHING_TOLD
    findings = []
    for call in told:
        taken = [field for field, says in call.complaints if TAKEN in says]
        later = [each for each in traffic.calls if each.id > call.id and each.accepted]
        if taken and not any(_same_record(call, each) or _looks_up(call, each) for each in later):
            said = f"Loop refused its {call.word} because {taken[0]} is taken, and it left the record at that."
            findings.append(shows(said, call))
    return failed(*findings)


def _looks_up(refused: Call, later: Call) -> bool:
    """Whether a call finds what has the record's own external id: after a lost answer it is the record itself."""
    own = _sent(refused, "external_id")
    return isinstance(own, str) and later.method == "GET" and later.path.endswith(f"/external/{quote(own, safe='')}")


def _same_record(refused: Call, later: Call) -> bool:
    """Whether a call that was accepted is about the record that was refused: by the merchant's id, else by name."""
    if NOUNS[refused.operation] != NOUNS.get(later.operation):
        return False
    name = "external_id" if _sent(refused, "external_id") is not None else "name"
    return bool(_record(later).get(name) == _sent(refused, name))


def _one_id(traffic: Traffic) -> Judgement:
    told = _told(traffic)
    if not told:
        return _NOTHING_TOLD
    findings = []
    for call in told:
        both = [field for field, says in call.complaints if _BOTH in says]
        if both:
            findings.append(shows(f"It sent {call.word} with two ids in one reference ({both[0]}).", call))
    return failed(*findings[:5])


def _not_repeated(traffic: Traffic) -> Judgement:
    told = _told(traffic)
    if not any(call.refused for call in told):
        return not_judged("Loop refused no record that the partner told in this story.")
    times: dict[Any, list[Call]] = {}
    findings: list[Finding] = []
    for call in told:
        if call.accepted:
            times.clear()
        elif call.status == 422:
            same = times.setdefault(call.request, [])
            same.append(call)
            if len(same) == _OFTEN:
                findings.append(
                    shows(f"It sent the same {call.word} {_OFTEN} times, and was refused each time.", *same)
                )
    return failed(*findings)


def _orders(traffic: Traffic) -> dict[int, tuple[Call, dict[str, Any]]]:
    """By Loop's id, each order as it was when the partner had told it for the last time."""
    found = {}
    for call in _told(traffic):
        order_id = whole(_record(call).get("id"))
        if call.accepted and NOUNS[call.operation] == "order" and order_id is not None:
            found[order_id] = (call, _record(call))
    return found


def _shipments(order: dict[str, Any]) -> list[dict[str, Any]]:
    """The shipments of an order that Loop takes for sent."""
    given = order.get("fulfillments")
    shipments = [each for each in given if isinstance(each, dict)] if isinstance(given, list) else []
    return [each for each in shipments if each.get("status") == "success"]


def _dated(traffic: Traffic) -> Judgement:
    orders = _orders(traffic)
    if not orders:
        return _NO_ORDER
    undated = [(call, order) for call, order in orders.values() if order.get("created_at") is None]
    said = "It told order {} without created_at, which Loop does not fill in."
    return failed(*(shows(said.format(order.get("name")), call) for call, order in undated[:5]))


def _shipped(traffic: Traffic) -> Judgement:
    sent = [(call, order, each) for call, order in _orders(traffic).values() for each in _shipments(order)]
    if not sent:
        return not_judged("The partner told Loop no shipment in this story.")
    undated = [(call, order, each) for call, order, each in sent if not each.get("fulfilled_at")]
    said = "Its shipment {} of order {} has no fulfilled_at, so nothing in it can come back."
    return failed(
        *(shows(said.format(each.get("external_id"), order.get("name")), call) for call, order, each in undated[:5])
    )


def _told_once(traffic: Traffic) -> Judgement:
    orders = _orders(traffic)
    if not orders:
        return _NO_ORDER
    deleted = {whole(call.path.rpartition("/")[2]) for call in traffic.of("deleteOrder") if call.accepted}
    first: dict[str, tuple[Call, Any]] = {}
    findings = []
    for order_id, (call, order) in orders.items():
        if order_id in deleted:
            continue
        name, own = str(order.get("name")), order.get("external_id")
        before, known = first.setdefault(name, (call, own))
        # Under the same id of its own an order is made anew only where somebody deleted it.
        if before is not call and (own is None or own != known):
            findings.append(shows(f"It made order {name} a second time.", before, call))
    return failed(*findings[:5])


RULES = (
    Rule(
        name="amounts-whole",
        level="error",
        needs="traffic",
        title="Send amounts of commerce data as whole hundredths",
        reason="Loop cuts a fraction off and answers 201: 16.80 becomes 16 cents, and that is what a refund pays.",
        mend="Multiply by a hundred with decimal arithmetic, and send an integer in amount.",
        fact="commerce-money-truncated",
        judge=_whole_amounts,
    ),
    Rule(
        name="taken-ids-resolved",
        level="error",
        needs="traffic",
        title="Make sure that a record arrives when its external id is taken",
        reason="Loop wants external ids of lines and shipments unique over the whole shop; with ids that begin anew in "
        "each order only the first order arrives, and nobody can return anything of the others.",
        mend="Put the order's id in front of those of its parts, and use PUT, which changes the record that is there.",
        fact="commerce-external-id-taken",
        judge=_taken_ids,
    ),
    Rule(
        name="references-by-one-id",
        level="error",
        needs="traffic",
        title="Name a record by Loop's id or by your own, not by both",
        reason="A reference with both ids is refused, and the order with it; often from the second push on, when "
        "Loop's id is known.",
        mend="Send external_id alone, or id alone.",
        fact="commerce-references",
        judge=_one_id,
    ),
    Rule(
        name="refused-records-not-repeated",
        level="warning",
        needs="traffic",
        title="Do not send again what was refused while nothing has changed",
        reason="The answer stays the same, each try costs one of 300 calls a minute, and the record does not arrive.",
        mend="Put the record aside with Loop's sentence; send it again when it, or what it refers to, has changed.",
        fact="commerce-invalid",
        judge=_not_repeated,
    ),
    Rule(
        name="orders-told-once",
        level="error",
        needs="traffic",
        title="Tell an order under one external id",
        reason="Without one, or with a new one for each push, every retry makes another order, and each can be "
        "returned.",
        mend="Use PUT /orders with your own id of the order; it makes the order once and changes it from then on.",
        fact="commerce-upsert",
        judge=_told_once,
    ),
    Rule(
        name="orders-dated",
        level="warning",
        needs="traffic",
        title="Send created_at with an order",
        reason="Loop does not fill it in: the order has no date, and version 2026-10 refuses it.",
        mend="Send the moment in ATOM format, such as 2026-05-20T09:00:00+00:00.",
        fact="order-created-at",
        judge=_dated,
    ),
    Rule(
        name="shipments-dated",
        level="error",
        needs="traffic",
        title="Send fulfilled_at with what was shipped",
        reason="It is what makes units returnable. Without it the order is taken, and shoppers find nothing to return.",
        mend="Send the moment at which the parcel left in fulfilled_at of each shipment.",
        fact="order-fulfilled-at",
        judge=_shipped,
    ),
)
