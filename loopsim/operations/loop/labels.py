"""Label requests, and labels made by third parties or on demand."""

from __future__ import annotations

from typing import Any

from msgspec import structs

from loopsim.domain import shipping
from loopsim.domain.labels import Label, LabelError, LabelRequest
from loopsim.domain.returns import has_label
from loopsim.errors import Invalid, Refusal
from loopsim.operations import moves
from loopsim.operations.perform import Answer, Call, operation
from loopsim.operations.windows import asked_moment
from loopsim.store.transaction import Transaction
from loopsim.wire import times
from loopsim.wire.numbers import whole
from loopsim.wire.payloads import parcel

LIMIT, LARGEST_LIMIT = 50, 250
STATUSES = ("issued", "cancelled", "fulfilled")


def _request_address(of: dict[str, str]) -> dict[str, str | None]:
    """REST says `region` and `postal_code` where the webhook says `state` and `zip`, and has no phone."""
    return {
        "name": of.get("name", ""),
        "company": of.get("company") or None,
        "address1": of.get("address1", ""),
        "address2": of.get("address2") or None,
        "city": of.get("city", ""),
        "region": of.get("state") or None,
        "postal_code": of.get("zip") or None,
        "country": of.get("country") or None,
        "country_code": of.get("country_code", ""),
    }


def _shown_request(request: LabelRequest, tx: Transaction) -> dict[str, Any]:
    offset = tx.settings.utc_offset
    return {
        "id": str(request.id),
        "addresses": {
            "origin": _request_address(request.origin),
            "destination": _request_address(request.destination),
        },
        "parcel": _parcel(request),
        "products": [
            {
                "name": product["name"],
                "price": {"amount": product["price"], "currency": product["currency"]},
                "country_of_origin": product["country_of_origin"],
                "hs_code": product["hs_code"],
                "sku": product["sku"],
            }
            for product in request.products
        ],
        "errors": [_shown_error(error, offset) for error in request.errors],
        "return_id": request.return_id,
        "shop_id": tx.settings.id,
        "status": request.status,
        "created_at": times.in_zone(request.created_at, offset),
    }


def _parcel(request: LabelRequest) -> dict[str, float]:
    sizes = parcel(request.parcel)
    return {name: sizes[name] for name in ("height", "length", "width", "weight")}


def _shown_error(error: LabelError, offset: int) -> dict[str, Any]:
    return {
        "reason": error.reason,
        "message": error.message,
        "created_at": times.in_zone(error.created_at, offset),
    }


def _shown_label(label: Label, offset: int) -> dict[str, Any]:
    return {
        "id": label.id,
        "tracking_number": label.tracking_number,
        "tracking_url": label.tracking_url,
        "carrier": label.carrier,
        "label_url": label.url,
        "qrcode_url": label.qrcode_url,
        "rate": {"amount": label.rate or 0, "currency_code": label.rate_currency},
        "status": label.status,
        "created_at": times.in_zone(label.created_at, offset),
    }


@operation("listLabelRequests", reads=True)
def list_label_requests(tx: Transaction, call: Call) -> Any:
    """Label requests in the order they were made. One with reported errors stays `issued`."""
    query, wrong = call.query, dict[str, list[str]]()
    since = _moment("from", call, tx, wrong)
    before = _moment("to", call, tx, wrong)
    return_id = _number("return_id", query, wrong)
    limit = _number("limit", query, wrong, LARGEST_LIMIT)
    offset = _number("offset", query, wrong)
    status = query.get("status") or None
    if status is not None and status not in STATUSES:
        wrong["status"] = ["The selected status is invalid."]
    if wrong:
        raise Invalid(wrong)
    found = tx.find_label_requests(since, before, return_id, status, LIMIT if limit is None else limit, offset or 0)
    return {"data": [_shown_request(request, tx) for request in found]}


def _moment(name: str, call: Call, tx: Transaction, wrong: dict[str, list[str]]) -> Any:
    text = call.query.get(name, "").strip()
    moment = asked_moment(text, call, tx.now) if text else None
    if text and moment is None:
        wrong[name] = [f"The {name} field must be a valid date."]
    return moment


def _number(name: str, query: dict[str, str], wrong: dict[str, list[str]], most: int = (1 << 63) - 1) -> int | None:
    text = query.get(name, "").strip()
    if not text:
        return None
    number, words = whole(text), name.replace("_", " ")
    if number is None:
        wrong[name] = [f"The {words} field must be an integer."]
    elif number < 0:
        wrong[name] = [f"The {words} field must be at least 0."]
    elif number > most:
        wrong[name] = [f"The {words} field must not be greater than {most}."]
    return number


def _named_request(tx: Transaction, request_id: int) -> LabelRequest:
    request = tx.label_request(request_id)
    if request is None:
        raise Refusal("label_request_not_found")
    return request


@operation("getLabelRequest", reads=True)
def get_label_request(tx: Transaction, call: Call) -> Any:
    """One label request."""
    return _shown_request(_named_request(tx, call.path["id"]), tx)


@operation("reportLabelRequestError")
def report_label_request_error(tx: Transaction, call: Call) -> Answer:
    """A third party could not make the label; the request stays open."""
    request = _named_request(tx, call.path["id"])
    error = LabelError(reason=call.body["reason"], message=call.body.get("message"), created_at=tx.now)
    moves.move_label_request(tx, request, "report_error", errors=(*request.errors, error))
    return Answer(_shown_error(error, tx.settings.utc_offset), 202)


@operation("createLabel")
def create_label(tx: Transaction, call: Call) -> Answer:
    """A third party made the label: the request is fulfilled, the return has a label."""
    body = call.body
    request = moves.move_label_request(tx, _named_request(tx, body["label_request_id"]), "fulfil")
    return_ = tx.need_return(request.return_id, "label_request_not_found")
    label = Label(
        id=tx.next_id("label"),
        status="new",
        carrier=body["carrier"],
        tracking_number=body["tracking_number"],
        created_at=tx.now,
        updated_at=tx.now,
        line_ids=shipping.units_of_request(return_, request, tx.label_requests_of(return_.id)),
        url=body.get("label_url"),
        rate=body["rate"]["amount"],
        rate_currency=body["rate"]["currency_code"],
        service=tx.settings.policy.carrier_service,
        tracking_url=body.get("tracking_url"),
        qrcode_url=body.get("qrcode_url"),
        shipment_id=tx.next_id("shipment"),
    )
    tx.put("partner_label", label.id, True)
    moves.attach_label(tx, return_, label, by_partner=True)
    location = f"{call.base_url}/labels/{label.id}"
    return Answer(_shown_label(label, tx.settings.utc_offset), 201, {"location": location})


@operation("updateLabel")
def update_label(tx: Transaction, call: Call) -> Answer:
    """A third party tells where its parcel is; going back is taken too."""
    label_id = call.path["id"]
    return_ = tx.return_of_label(label_id)
    label = None if return_ is None else return_.label(label_id)
    if return_ is None or label is None:
        raise Refusal("label_not_found")
    if tx.get("partner_label", label_id, bool) is None:
        raise Refusal("label_forbidden")
    if return_.state == "cancelled":
        raise Refusal("label_not_found")
    moves.scan_label(tx, return_, label, call.body["status"])
    return Answer(None, 204)


@operation("generateLabel")
def generate_label(tx: Transaction, call: Call) -> Answer:
    """Ask Loop for a label now; it is made a moment later."""
    return_ = tx.need_return(call.path["returnId"])
    if return_.state not in {"open", "review"}:
        raise Refusal("return_cannot_receive_label", state=return_.state)
    if return_.label_failed:
        raise Refusal("label_generation_failed")
    if has_label(return_) or moves.label_on_its_way(tx, return_):
        raise Refusal("label_already_exists")
    if not shipping.boxed(return_):
        raise Refusal("return_cannot_receive_label", state=return_.state)
    tx.put_return(structs.replace(return_, label_source="loop"))
    moves.queue_label(tx, return_)
    return Answer({"message": "Label generation queued", "returnId": return_.id}, 202)
