"""Label requests, labels of third parties and on demand: each success, each refusal, and whom they tell."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from loopsim.domain.labels import Label
from loopsim.domain.orders import Address

Shop = Any
RATE = {"amount": 1093, "currency_code": "USD"}
REQUEST_NOT_FOUND = {"code": "NOT_FOUND", "message": "The label request could not be found."}
LABEL_NOT_FOUND = {"code": "NOT_FOUND", "message": "The label could not be found."}


@pytest.fixture
def shop(open_shop: Any) -> Shop:
    """A shop in Portland (seven hours behind UTC) whose labels a third party makes."""
    shop = open_shop(label_source="third_party", carrier="auto")
    shop.subscribe()
    return shop


def asked(shop: Shop, **own: Any) -> tuple[int, int]:
    """A return whose label was asked for, and the request."""
    id_ = int(shop.submit(**own)["id"])
    shop.advance(seconds=4)
    return id_, shop.records.label_requests_of(id_)[0].id


def label_input(request_id: Any, **own: Any) -> Any:
    values = {"label_request_id": request_id, "tracking_number": "94612", "carrier": "USPS", "label_url": "https://l/1"}
    return {**values, "rate": RATE, **own}


# the request


def test_a_third_party_is_asked_for_the_label(shop: Shop) -> None:
    id_, request_id = asked(shop)
    told = shop.heard()
    assert [trigger for trigger, _ in told] == ["return.created", "label.request.issued"]
    payload = told[1][1]
    shown = shop.call("getLabelRequest", id=request_id).body
    assert (payload["id"], shown["id"]) == (request_id, str(request_id))
    assert payload["return_id"] == shown["return_id"] == id_
    assert payload["created_at"] == shown["created_at"] == "2026-06-01T02:00:04-07:00"
    assert (shown["status"], shown["errors"], "status" in payload) == ("issued", [], False)
    assert {"state", "zip", "phone"} <= set(payload["addresses"]["origin"])
    assert {"region", "postal_code"} <= set(shown["addresses"]["origin"])
    assert shown["addresses"]["origin"]["region"] == payload["addresses"]["origin"]["state"]
    assert payload["addresses"]["origin"]["phone"].isdigit()
    assert shown["addresses"]["destination"]["name"] == "Portland returns dock"
    assert shown["products"][0]["price"] == payload["products"][0]["price"]
    assert list(shown["products"][0]["price"]) == ["amount", "currency"]
    assert shop.call("getReturnDetails", query={"return_id": id_}).body["label_status"] == "pending"


def test_requests_are_listed_oldest_first_by_what_is_asked(shop: Shop) -> None:
    made = []
    for _ in range(3):
        made.append(asked(shop))
        shop.advance(hours=1)

    def listed(**query: Any) -> list[int]:
        query = {"from" if name == "since" else "to" if name == "until" else name: str(v) for name, v in query.items()}
        return [int(each["id"]) for each in shop.call("listLabelRequests", query=query).body["data"]]

    requests = [request for _, request in made]
    shop.call("cancelReturn", id=made[2][0])
    assert listed() == requests
    assert listed(return_id=made[1][0]) == [requests[1]]
    assert listed(status="issued") == requests[:2]
    assert listed(status="cancelled") == [requests[2]]
    assert listed(limit=2) == requests[:2]
    assert listed(limit=2, offset=2) == [requests[2]]
    assert listed(limit=0) == []
    exact = shop.records.label_request(requests[1]).created_at
    assert listed(since=exact.isoformat()) == requests[1:]
    assert listed(until=exact.isoformat()) == [requests[0]]  # before, not at


@pytest.mark.parametrize(
    ("query", "field"),
    [({"limit": "251"}, "limit"), ({"limit": "-1"}, "limit"), ({"limit": "x"}, "limit"), ({"offset": "-1"}, "offset"),
     ({"status": "open"}, "status"), ({"from": "soon"}, "from"), ({"to": "soon"}, "to"),
     ({"return_id": "x"}, "return_id")],
)  # fmt: skip
def test_a_listing_refuses_what_it_cannot_read(query: Any, field: str, shop: Shop) -> None:
    reply = shop.call("listLabelRequests", query=query)
    assert (reply.status, list(reply.body["errors"])) == (422, [field])


def test_an_unknown_request_is_not_found(shop: Shop) -> None:
    for id_ in (5, 10**30, "abc"):
        reply = shop.call("getLabelRequest", id=id_)
        assert (reply.status, reply.body) == (404, REQUEST_NOT_FOUND)
    reply = shop.call("reportLabelRequestError", {"reason": "Other"}, id=5)
    assert (reply.status, reply.body) == (404, REQUEST_NOT_FOUND)


def test_a_request_with_errors_stays_issued(shop: Shop) -> None:
    _, request_id = asked(shop)
    for reason, message in (("INVALID_ADDRESS", "No house number"), ("Other", None)):
        body = {"reason": reason} if message is None else {"reason": reason, "message": message}
        reply = shop.call("reportLabelRequestError", body, id=request_id)
        expected = {"reason": reason, "message": message, "created_at": "2026-06-01T02:00:04-07:00"}
        assert (reply.status, reply.body) == (202, expected)
    shown = shop.call("listLabelRequests", query={"status": "issued"}).body["data"][0]
    assert [error["reason"] for error in shown["errors"]] == ["INVALID_ADDRESS", "Other"]
    assert shop.call("createLabel", label_input(request_id)).status == 201


@pytest.mark.parametrize("body", [{}, {"reason": "OTHER"}, {"reason": "Other", "message": 5}, {"reason": None}])
def test_an_error_has_one_of_three_reasons(body: Any, shop: Shop) -> None:
    _, request_id = asked(shop)
    assert shop.call("reportLabelRequestError", body, id=request_id).refusal == "invalid"


# the label


def test_a_label_fulfils_the_request_and_is_told(shop: Shop) -> None:
    id_, request_id = asked(shop)
    shop.heard()
    reply = shop.call("createLabel", label_input(request_id, tracking_url="https://t/1", qrcode_url="https://q/1"))
    assert reply.status == 201
    assert reply.headers["location"] == f"http://127.0.0.1:8484/api/v1/labels/{reply.body['id']}"
    assert (reply.body["status"], reply.body["rate"], reply.body["created_at"]) == (
        "new",
        RATE,
        "2026-06-01T02:00:04-07:00",
    )
    assert shop.triggers() == ["label.created", "return.updated"]
    assert shop.call("getLabelRequest", id=request_id).body["status"] == "fulfilled"
    details = shop.call("getReturnDetails", query={"return_id": id_}).body
    assert (details["carrier"], details["tracking_number"], details["label_rate"]) == ("USPS", "94612", 1093)
    assert details["labels"][0]["line_items"] == [line["line_item_id"] for line in details["line_items"]]


def test_a_label_may_be_a_qr_code_only(shop: Shop) -> None:
    _, request_id = asked(shop)
    reply = shop.call("createLabel", label_input(request_id, label_url=None, qrcode_url="https://q/1"))
    assert (reply.status, reply.body["label_url"], reply.body["tracking_url"]) == (201, None, None)


@pytest.mark.parametrize("end", ["fulfilled", "cancelled"])
def test_a_request_is_answered_once(end: str, shop: Shop) -> None:
    id_, request_id = asked(shop)
    if end == "fulfilled":
        shop.call("createLabel", label_input(request_id))
    else:
        shop.call("cancelReturn", id=id_)
    before = shop.dump()
    reply = shop.call("createLabel", label_input(request_id))
    message = f"The label request is {end} and takes no label."
    assert (reply.status, reply.body) == (409, {"code": "LABEL_REQUEST_NOT_OPEN", "message": message})
    reply = shop.call("reportLabelRequestError", {"reason": "Other"}, id=request_id)
    message = f"The label request is {end} and takes no errors."
    assert (reply.status, reply.body) == (422, {"code": "LABEL_REQUEST_NOT_OPEN", "message": message})
    assert shop.dump() == before


def test_a_label_for_nothing_is_refused(shop: Shop) -> None:
    reply = shop.call("createLabel", label_input(5))
    assert (reply.status, reply.body) == (404, REQUEST_NOT_FOUND)


@pytest.mark.parametrize(
    "own",
    [{"carrier": "x" * 33}, {"tracking_number": "x" * 257}, {"rate": None}, {"rate": {"amount": 1}}, {"label_url": 5},
     {"rate": {"amount": 1.5, "currency_code": "USD"}}, {"label_url": "x" * 2049}, {"qrcode_url": "x" * 513}],
)  # fmt: skip
def test_a_label_s_fields_have_their_limits(own: Any, shop: Shop) -> None:
    _, request_id = asked(shop)
    assert shop.call("createLabel", label_input(request_id, **own)).refusal == "invalid"


def test_the_provider_says_where_its_parcel_is_and_nobody_else(shop: Shop) -> None:
    id_, request_id = asked(shop)
    label_id = shop.call("createLabel", label_input(request_id)).body["id"]
    shop.heard()
    shop.advance(days=14)
    assert shop.heard() == []
    for status in ("in_transit", "pre_transit", "delivered"):
        assert shop.call("updateLabel", {"status": status}, id=label_id).status == 204
        assert shop.triggers() == ["label.updated", "return.updated"]
    shop.advance(seconds=2)
    assert shop.return_(id_).state == "closed"


def test_a_partner_s_label_that_never_moves_expires_too(shop: Shop) -> None:
    id_, request_id = asked(shop)
    shop.advance(days=40)
    assert shop.return_(id_).state == "open"
    shop.call("createLabel", label_input(request_id))
    shop.advance(days=28)
    assert shop.return_(id_).state == "expired"


def test_a_label_that_is_not_the_provider_s_is_forbidden(open_shop: Any) -> None:
    shop = open_shop(carrier="manual")
    id_ = shop.submit()["id"]
    shop.advance(seconds=4)
    label_id = shop.return_(id_).labels[0].id
    reply = shop.call("updateLabel", {"status": "delivered"}, id=label_id)
    body = {"error": {"code": "403", "http_code": "GEN-FORBIDDEN", "message": "Forbidden."}}
    assert (reply.status, reply.body) == (403, body)


def test_an_unknown_label_is_not_found(shop: Shop) -> None:
    for id_ in (5, 10**30, "abc"):
        reply = shop.call("updateLabel", {"status": "delivered"}, id=id_)
        assert (reply.status, reply.body) == (404, LABEL_NOT_FOUND)


@pytest.mark.parametrize("body", [{}, {"status": "error"}, {"status": "pending"}, {"status": None}])
def test_a_provider_s_status_is_one_of_five(body: Any, shop: Shop) -> None:
    _, request_id = asked(shop)
    label_id = shop.call("createLabel", label_input(request_id)).body["id"]
    assert shop.call("updateLabel", body, id=label_id).refusal == "invalid"


def test_a_cancelled_return_withdraws_its_request_after_the_update(shop: Shop) -> None:
    id_, request_id = asked(shop)
    shop.heard()
    shop.call("cancelReturn", id=id_)
    told = shop.heard()
    assert [trigger for trigger, _ in told] == ["return.updated", "label.request.cancelled"]
    assert told[1][1]["id"] == request_id
    assert shop.call("getLabelRequest", id=request_id).body["status"] == "cancelled"


def test_removing_all_units_withdraws_the_request_too(shop: Shop) -> None:
    id_, _ = asked(shop)
    shop.heard()
    (line,) = shop.return_(id_).lines
    shop.call("removeLineItems", id=id_, query={"line_item_id": line.id})
    assert shop.triggers() == ["return.updated", "label.request.cancelled"]


# on demand


def generated(shop: Shop, id_: Any) -> Any:
    return shop.call("generateLabel", returnId=id_)


def refused(code: str, message: str) -> Any:
    return {"error": {"code": code, "message": message}}


def test_a_label_on_demand_is_queued_and_made(open_shop: Any) -> None:
    shop = open_shop(label_source="none", carrier="manual")
    shop.subscribe()
    id_ = shop.submit()["id"]
    shop.heard()
    reply = generated(shop, id_)
    assert (reply.status, reply.body) == (202, {"message": "Label generation queued", "returnId": id_})
    assert shop.heard() == []
    assert generated(shop, id_).status == 409
    shop.advance(seconds=4)
    assert shop.triggers() == ["label.created", "return.updated"]
    reply = generated(shop, id_)
    assert (reply.status, reply.body) == (409, refused("label_already_exists", "The return already has a label."))


def test_loop_s_own_label_makes_the_third_party_s_needless(shop: Shop) -> None:
    id_, request_id = asked(shop)
    shop.heard()
    generated(shop, id_)
    shop.advance(seconds=4)
    assert shop.triggers() == ["label.created", "return.updated", "label.request.cancelled"]
    assert shop.call("getLabelRequest", id=request_id).body["status"] == "cancelled"


@pytest.mark.parametrize("status", ["error", "failure"])
def test_a_label_that_failed_can_be_followed_by_another(status: str, open_shop: Any) -> None:
    shop = open_shop(carrier="manual")
    id_ = shop.submit()["id"]
    shop.advance(seconds=4)
    shop.act("carrierScans", return_id=id_, status=status)
    assert generated(shop, id_).status == 202
    shop.advance(seconds=4)
    details = shop.call("getReturnDetails", query={"return_id": id_}).body
    assert [label["status"] for label in details["labels"]] == [status, "new"]
    assert details["label_status"] == "new"
    assert details["tracking_number"] == details["labels"][1]["tracking_number"]


@pytest.mark.parametrize("end", ["closeReturn", "cancelReturn"])
def test_a_return_that_ended_receives_no_label(end: str, open_shop: Any) -> None:
    shop = open_shop(label_source="none")
    id_ = shop.submit()["id"]
    shop.call(end, id=id_)
    state = shop.return_(id_).state
    reply = generated(shop, id_)
    body = refused("return_cannot_receive_label", f"Return is {state} and cannot receive a label.")
    assert (reply.status, reply.body) == (422, body)


def test_kept_units_receive_no_label(open_shop: Any) -> None:
    shop = open_shop(keep_item_below=1_000_000, processing_event="disabled")
    reply = generated(shop, shop.submit()["id"])
    body = refused("return_cannot_receive_label", "Return is open and cannot receive a label.")
    assert (reply.status, reply.body) == (422, body)


def test_an_attempt_that_failed_is_told_at_the_next(open_shop: Any) -> None:
    shop = open_shop(label_source="none")
    id_ = shop.submit()["id"]
    return_ = shop.return_(id_)
    with shop.shop.transaction(shop.now) as tx:
        nowhere = structs.replace(return_.order, address=Address(name="Robin"))
        tx.put_return(structs.replace(return_, order=nowhere))
    shop.subscribe()
    assert generated(shop, id_).status == 202
    assert shop.call("getReturnDetails", query={"return_id": id_}).body["label_status"] == "pending"
    shop.advance(seconds=4)
    assert shop.return_(id_).labels == ()
    ((trigger, told),) = shop.heard()
    assert (trigger, told["label_status"], told["updated_at"]) == ("return.updated", "N/A", "2026-06-01T09:00:04+00:00")
    reply = generated(shop, id_)
    body = refused("label_generation_failed", "An earlier attempt to make a label failed.")
    assert (reply.status, reply.body) == (422, body)
    assert shop.call("getReturnDetails", query={"return_id": id_}).body["label_status"] == "N/A"


def test_a_label_for_an_unknown_return(shop: Shop) -> None:
    for id_ in (5, 10**30, "abc"):
        reply = generated(shop, id_)
        assert (reply.status, reply.body) == (404, refused("return_not_found", "No return found with this ID."))


def test_an_imported_return_may_have_several_labels(open_shop: Any) -> None:
    shop = open_shop(carrier="manual")
    id_ = shop.submit()["id"]
    shop.advance(seconds=4)
    return_ = shop.return_(id_)
    second: Label = structs.replace(return_.labels[0], id=return_.labels[0].id + 1, tracking_number="2", carrier="UPS")
    with shop.shop.transaction(shop.now) as tx:
        tx.put_return(structs.replace(return_, labels=(*return_.labels, second)))
    shop.act("carrierScans", return_id=id_, label_id=return_.labels[0].id, status="in_transit")
    details = shop.call("getReturnDetails", query={"return_id": id_}).body
    assert [label["status"] for label in details["labels"]] == ["in_transit", "new"]
    assert (details["carrier"], details["label_status"]) == ("UPS", "new")


# several parcels


@pytest.mark.parametrize(("fits", "parcels"), [(0, [3]), (1, [1, 1, 1]), (2, [2, 1]), (5, [3])])
def test_a_return_has_as_many_labels_as_parcels(open_shop: Any, fits: int, parcels: list[int]) -> None:
    shop = open_shop(items_per_label=fits, carrier="auto")
    order = shop.act("ordersMakes", lines=[{"variant": "MUG-BLU", "quantity": 3}])["order"]["name"]
    id_ = shop.act("customerSubmitsReturn", order=order, items=[{"quantity": 3}])["id"]
    shop.advance(seconds=4)
    labels = shop.call("getReturnDetails", query={"return_id": id_}).body["labels"]
    assert [len(label["line_items"]) for label in labels] == parcels
    assert len({label["tracking_number"] for label in labels}) == len(parcels)
    assert len({line for label in labels for line in label["line_items"]}) == 3
    shop.idle()
    labels = shop.call("getReturnDetails", query={"return_id": id_}).body["labels"]
    assert {label["status"] for label in labels} == {"delivered"}


def test_a_third_party_is_asked_for_a_label_per_parcel(open_shop: Any) -> None:
    shop = open_shop(items_per_label=1, label_source="third_party", carrier="auto")
    order = shop.act("ordersMakes", lines=[{"variant": "MUG-BLU", "quantity": 2}])["order"]["name"]
    id_ = shop.act("customerSubmitsReturn", order=order, items=[{"quantity": 2}])["id"]
    shop.advance(seconds=4)
    requests = shop.records.label_requests_of(id_)
    assert [len(request.line_ids) for request in requests] == [1, 1]
    for request in requests:
        assert shop.call("createLabel", label_input(request.id)).status == 201
    labels = shop.records.return_(id_).labels
    assert [label.line_ids for label in labels] == [request.line_ids for request in requests]


def in_labels(shop: Shop, id_: Any) -> list[list[int]]:
    labels = shop.call("getReturnDetails", query={"return_id": id_}).body["labels"]
    return [label["line_items"] for label in labels]


def units(shop: Shop, id_: Any) -> list[int]:
    return [line.id for line in shop.return_(id_).lines]


def of_mugs(shop: Shop, ordered: int, returned: int) -> int:
    order = shop.act("ordersMakes", lines=[{"variant": "MUG-BLU", "quantity": ordered}])["order"]["name"]
    return int(shop.act("customerSubmitsReturn", order=order, items=[{"quantity": returned}])["id"])


def test_an_edit_leaves_each_unit_in_its_own_parcel(open_shop: Any) -> None:
    shop = open_shop(items_per_label=1, carrier="manual")
    id_ = of_mugs(shop, 3, 2)
    shop.advance(seconds=4)
    first, second = units(shop, id_)
    shop.act("customerEditsReturn", return_id=id_, items=[{"quantity": 2, "outcome": "credit"}])
    assert in_labels(shop, id_) == [[first], [second]]
    shop.act("customerEditsReturn", return_id=id_, items=[{"quantity": 3}])
    third = units(shop, id_)[2]
    assert in_labels(shop, id_) == [[first], [second, third]], "what has come goes into the newest parcel"
    shop.act("customerEditsReturn", return_id=id_, items=[{"quantity": 1}])
    assert in_labels(shop, id_) == [[first], []]


def test_what_has_come_goes_into_no_parcel_that_cannot_travel(open_shop: Any) -> None:
    shop = open_shop(items_per_label=1, carrier="manual")
    id_ = of_mugs(shop, 3, 2)
    shop.advance(seconds=4)
    first, second = units(shop, id_)
    shop.act("carrierScans", return_id=id_, status="error")
    shop.act("customerEditsReturn", return_id=id_, items=[{"quantity": 3}])
    assert in_labels(shop, id_) == [[first, units(shop, id_)[2]], [second]]


def test_a_unit_that_is_removed_is_in_no_label_any_more(open_shop: Any) -> None:
    shop = open_shop(items_per_label=2, carrier="manual")
    id_ = of_mugs(shop, 3, 3)
    shop.advance(seconds=4)
    first, second, third = units(shop, id_)
    assert shop.call("removeLineItems", id=id_, query={"line_item_id": second}).body is True
    assert units(shop, id_) == [first, third]
    assert in_labels(shop, id_) == [[first], [third]]


def test_a_label_holds_what_the_return_has_when_it_is_made(open_shop: Any) -> None:
    shop = open_shop(label_source="third_party", carrier="manual")
    order = shop.act("ordersMakes", lines=[{"variant": "MUG-BLU"}, {"variant": "TEE-RED-M", "quantity": 2}])["order"]
    both = [{"sku": "MUG-BLU"}, {"sku": "TEE-RED-M"}]
    id_ = shop.act("customerSubmitsReturn", order=order["name"], items=both)["id"]
    shop.advance(seconds=4)
    (request,) = shop.records.label_requests_of(id_)
    shop.act("customerEditsReturn", return_id=id_, items=[{"sku": "TEE-RED-M", "quantity": 2}])
    assert shop.call("createLabel", label_input(request.id)).status == 201
    assert in_labels(shop, id_) == [units(shop, id_)]


def test_what_travels_with_another_parcel_is_in_no_second_label(open_shop: Any) -> None:
    shop = open_shop(items_per_label=1, label_source="third_party", carrier="manual")
    id_ = of_mugs(shop, 3, 2)
    shop.advance(seconds=4)
    first_request, second_request = shop.records.label_requests_of(id_)
    shop.call("createLabel", label_input(first_request.id))
    shop.act("customerEditsReturn", return_id=id_, items=[{"quantity": 3}])
    first, second, third = units(shop, id_)
    assert in_labels(shop, id_) == [[first, third]]
    shop.act("carrierScans", return_id=id_, status="error")
    shop.call("createLabel", label_input(second_request.id))
    assert in_labels(shop, id_) == [[first, third], [second]]
