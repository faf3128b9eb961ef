"""Cases of the rules about commerce data and draft returns."""

from __future__ import annotations

from typing import Any

from tests.rules.building import Case, Entry, call, story

BIG = 897_124_837_339_762_688
TAKEN = "This external id has already been taken."
DRAFT = "/api/v1/draft-returns/43"


def order(order_id: int = BIG, **members: Any) -> Entry:
    """An order that Loop took. `members` are of its answer; what was sent bears the same external id and name."""
    record = {"id": order_id, "external_id": "SO-1", "name": "#1", "created_at": "2026-03-01", "fulfillments": []}
    record |= members
    body = {name: record[name] for name in ("external_id", "name")}
    return wrote("upsertOrder", body, answer={"order": record})


def wrote(operation: str, body: Any, **given: Any) -> Entry:
    """A call that tells Loop a record."""
    return {**call(operation, body=body, **given), "method": "PUT", "path": "/api/v1/orders"}


def said_no(body: Any, *, operation: str = "upsertOrder", **errors: list[str]) -> Entry:
    """A record that Loop refused."""
    answer = {"message": "No.", "errors": errors}
    return wrote(operation, body, status=422, refusal="invalid", answer=answer)


def looked_up(external_id: str) -> Entry:
    return call("getOrderByExternalId") | {"path": f"/api/v1/orders/external/{external_id}"}


def shipment(**members: Any) -> dict[str, Any]:
    return {"external_id": "S1", "status": "success", "fulfilled_at": "2026-03-01T09:00:00+00:00", **members}


def deleted(order_id: int = BIG) -> Entry:
    entry = {**call("deleteOrder", answer={"id": order_id, "success": True}), "method": "DELETE"}
    return {**entry, "path": f"/api/v1/orders/{order_id}"}


def drafted(operation: str, path: str, *rels: str, **given: Any) -> Entry:
    """A step of a draft return, and what its answer offers."""
    answer = {"draft_return": {"id": 43}, "links": [{"rel": rel} for rel in rels], "errors": []}
    return {**call(operation, body={}, answer=answer), "method": "POST", "path": path, **given}


def submitted(**given: Any) -> Entry:
    return drafted("submitDraftReturn", f"{DRAFT}/submit", "self", **given)


LINE_TAKEN = said_no({"external_id": "SO-2", "name": "#2"}, line_items=[TAKEN])
BOTH = "The customer.id field prohibits customer.external_id from being present."
BEGUN = drafted("createDraftReturn", "/api/v1/draft-returns", "add-returning-item")
READY = drafted("acceptReturnPolicy", f"{DRAFT}/accept-return-policy", "submit-draft-return")
NOT_YET: dict[str, Any] = {"status": 422, "refusal": "draft_incomplete"}

CASES = {
    "amounts-whole": Case(
        passes=(story(order()),),
        fails=((story(order() | {"truncated": ["total_price.amount"]}), "the fraction off total_price.amount"),),
    ),
    "taken-ids-resolved": Case(
        passes=(
            story(order()),
            story(LINE_TAKEN, order(external_id="SO-2")),
            story(
                said_no({"external_id": "SO-1"}, operation="createOrder", external_id=[TAKEN]),
                order() | {"operation": "updateOrder"},
            ),
            story(said_no({"name": "#1"}, line_items=[TAKEN]), order()),
            # Its answer had been lost, and it looked.
            story(said_no({"external_id": "SO-1"}, external_id=[TAKEN]), looked_up("SO-1")),
        ),
        fails=(
            (story(order(), LINE_TAKEN), "because line_items is taken"),
            (story(LINE_TAKEN, order()), "left the record at that"),
            (story(said_no({"external_id": "SO-1"}, external_id=[TAKEN]), looked_up("SO-2")), "external_id is taken"),
        ),
    ),
    "references-by-one-id": Case(
        passes=(story(order()), story(said_no({}, customer=["The selected customer.id is invalid."]))),
        fails=((story(said_no({}, **{"customer.id": [BOTH]})), "two ids in one reference (customer.id)"),),
    ),
    "refused-records-not-repeated": Case(
        passes=(
            story(*[LINE_TAKEN] * 2),
            story(*[LINE_TAKEN, order(external_id="SO-2")] * 3),
            story(*[said_no({"name": f"#{number}"}, name=["No."]) for number in range(4)]),
        ),
        fails=((story(*[LINE_TAKEN] * 3), "the same upsertOrder 3 times"),),
        not_judged=(story(), story(order())),
    ),
    "orders-told-once": Case(
        passes=(
            story(order(), order()),
            story(order(), order(BIG + 1, name="#2", external_id="SO-2")),
            story(order(), deleted(), order(BIG + 1, external_id="SO-7")),
            # Under its own id it was made anew: somebody had deleted it.
            story(order(), order(BIG + 1)),
        ),
        fails=(
            (story(order(external_id=None), order(BIG + 1, external_id=None)), "It made order #1 a second time."),
            (story(order(), order(BIG + 1, external_id="SO-1b")), "a second time"),
        ),
        not_judged=(story(), story(LINE_TAKEN)),
    ),
    "orders-dated": Case(
        passes=(story(order()), story(order(created_at=None), order())),
        fails=((story(order(), order(created_at=None)), "told order #1 without created_at"),),
        not_judged=(story(), story(LINE_TAKEN)),
    ),
    "shipments-dated": Case(
        passes=(
            story(order(fulfillments=[shipment()])),
            story(order(fulfillments=[shipment(fulfilled_at=None)]), order(fulfillments=[shipment()])),
        ),
        fails=((story(order(fulfillments=[shipment(fulfilled_at=None)])), "shipment S1 of order #1 has no fulfilled"),),
        not_judged=(story(), story(order()), story(order(fulfillments=[shipment(status="pending")]))),
    ),
    "drafts-submitted-when-offered": Case(
        passes=(
            story(BEGUN, READY, submitted()),
            # Refused, though it was offered: for what nobody could know.
            story(BEGUN, READY, submitted(**NOT_YET)),
            story(BEGUN, call("getDraftReturn") | {"path": DRAFT}, submitted(**NOT_YET)),
        ),
        fails=((story(BEGUN, submitted(**NOT_YET)), "that Loop did not offer to take"),),
        not_judged=(story(), story(BEGUN)),
    ),
}
