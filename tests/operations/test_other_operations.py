"""Grading, fraud reports, destinations, deep links, subscriptions: each success, each refusal with its exact body."""

from __future__ import annotations

import re
from typing import Any

import pytest
from msgspec import structs

from loopsim.domain.destinations import Destination
from loopsim.domain.events import TOPICS, TRIGGERS
from loopsim.domain.webhooks import Subscription

Shop = Any
FORBIDDEN = {"error": {"code": "403", "http_code": "GEN-FORBIDDEN", "message": "Forbidden."}}
NO_RETURN = {"errors": {"message": "No return found with this ID."}}


# grading and assessing


def graded(line_id: Any, **own: Any) -> Any:
    return {"line_item_id": line_id, "description": "Worn", "condition_category": "grade_c", **own}


def first_line(shop: Shop, *outcomes: str) -> int:
    return int(shop.submit(*outcomes)["line_items"][0]["id"])


def test_grading_echoes_what_it_knows_and_overwrites(shop: Shop) -> None:
    line = first_line(shop)
    full = {
        **graded(line), "return_processor": "dock@example.com", "note": "n", "images": ["https://i/1"],
        "inspected_at": "2026-05-30 14:05:00",
    }  # fmt: skip
    reply = shop.call("gradeItems", {"items": [{**full, "colour": "red"}]})
    assert (reply.status, reply.body) == (200, [full])
    assert list(reply.body[0]) == [
        "line_item_id", "description", "condition_category", "return_processor", "note", "images", "inspected_at",
    ]  # fmt: skip
    shop.call("gradeItems", {"items": [graded(line, condition_category="junk")]})
    condition = shop.records.return_of_line(line).lines[0].condition
    assert (condition.condition_category, condition.note, condition.images) == ("junk", None, None)


def test_assessing_says_what_becomes_of_the_item_in_any_state(shop: Shop) -> None:
    line = first_line(shop)
    shop.call("closeReturn", id=shop.records.return_of_line(line).id)
    item = {"line_item_id": line, "disposition_outcome": "recycle", "note": None}
    reply = shop.call("assessItems", {"items": [item]})
    assert (reply.status, reply.body) == (200, [item])
    assert shop.records.return_of_line(line).lines[0].disposition.disposition_outcome == "recycle"


def test_a_call_tells_once_per_return(shop: Shop) -> None:
    order = shop.act("ordersMakes", lines=[{"variant": "MUG-BLU", "quantity": 2}])["order"]["id"]
    two = [line["id"] for line in shop.submit("refund", "refund", order=order)["line_items"]]
    one = first_line(shop)
    shop.subscribe()
    shop.call("gradeItems", {"items": [graded(line) for line in (*two, one)]})
    told = shop.heard()
    assert [trigger for trigger, _ in told] == ["return.updated", "return.updated"]
    assert [line["condition"]["condition_category"] for line in told[0][1]["line_items"]] == ["grade_c", "grade_c"]


def test_grading_can_be_silent(open_shop: Any) -> None:
    shop = open_shop(quirks={"grading_fires_return_updated": "off"})
    line = first_line(shop)
    shop.subscribe()
    assert shop.call("gradeItems", {"items": [graded(line)]}).status == 200
    assert shop.heard() == []


@pytest.mark.parametrize("operation", ["gradeItems", "assessItems"])
def test_items_of_nobody_are_forbidden_for_the_call_as_a_whole(operation: str, shop: Shop) -> None:
    line = first_line(shop)
    own = graded(line) if operation == "gradeItems" else {"line_item_id": line, "disposition_outcome": "donate"}
    before = shop.dump()
    for other in (5, 2**62, -1):
        reply = shop.call(operation, {"items": [own, {**own, "line_item_id": other}]})
        assert (reply.status, reply.body) == (403, FORBIDDEN)
    assert shop.dump() == before


def test_a_unit_that_was_removed_is_of_nobody(shop: Shop) -> None:
    order = shop.act("ordersMakes", lines=[{"variant": "MUG-BLU", "quantity": 2}])["order"]["id"]
    made = shop.submit("refund", "refund", order=order)
    line = made["line_items"][0]["id"]
    shop.call("removeLineItems", id=made["id"], query={"line_item_id": line})
    assert shop.call("gradeItems", {"items": [graded(line)]}).status == 403


@pytest.mark.parametrize(
    ("operation", "items", "field"),
    [
        ("gradeItems", [], "items"),
        ("gradeItems", [{"description": "x"}], "items.0.line_item_id"),
        ("gradeItems", [{"line_item_id": 1}], "items.0.description"),
        ("gradeItems", [graded(1, description="x" * 256)], "items.0.description"),
        ("gradeItems", [graded(1, condition_category="grade_e")], "items.0.condition_category"),
        ("gradeItems", [graded(1, condition_category={"category": "grade_a"})], "items.0.condition_category"),
        ("gradeItems", [graded(1, images=["x"] * 6)], "items.0.images"),
        ("gradeItems", [graded(1)] * 31, "items"),
        ("assessItems", [{"line_item_id": 1, "disposition_outcome": "sell"}], "items.0.disposition_outcome"),
        ("assessItems", [{"line_item_id": 1}], "items.0.disposition_outcome"),
        ("assessItems", [{"line_item_id": 1, "disposition_outcome": "donate"}] * 31, "items"),
    ],
)
def test_items_have_their_rules(operation: str, items: Any, field: str, shop: Shop) -> None:
    reply = shop.call(operation, {"items": items})
    assert reply.status == 422
    assert field in reply.body["errors"]


def test_thirty_items_are_taken(shop: Shop) -> None:
    line = first_line(shop)
    assert len(shop.call("gradeItems", {"items": [graded(line)] * 30}).body) == 30


def test_since_2026_10_the_category_is_in_an_object_and_read_as_text(shop: Shop) -> None:
    line = first_line(shop)
    new = graded(line, condition_category={"category": "grade_b"})
    reply = shop.call("gradeItems", {"items": [new]}, version="2026-10")
    assert (reply.status, reply.body) == (200, [new])
    assert shop.call("gradeItems", {"items": [graded(line)]}, version="2026-10").status == 422
    id_ = shop.records.return_of_line(line).id
    for version in ("2026-07", "2026-10"):
        row = shop.call("getReturnDetails", query={"return_id": id_}, version=version).body
        assert row["line_items"][0]["condition"]["condition_category"] == "grade_b"


# fraud reports


def test_a_report_is_made_once_and_taken_back_once(shop: Shop) -> None:
    id_ = shop.submit()["id"]
    before = shop.return_(id_)
    body = {"category": "package-is-empty", "comment": "Only paper"}
    reply = shop.call("createFraudReport", body, id=id_)
    assert reply.status == 201
    assert reply.body == {**body, "created_at": "2026-06-01T09:00:00.000Z", "return_id": id_, "id": reply.body["id"]}
    assert list(reply.body) == ["category", "comment", "created_at", "return_id", "id"]
    again = shop.call("createFraudReport", body, id=id_)
    assert (again.status, again.body) == (409, {"errors": {"message": "Fraud Report already exists."}})
    assert shop.return_(id_) == before
    assert shop.call("deleteFraudReport", id=id_).status == 204
    gone = shop.call("deleteFraudReport", id=id_)
    message = "No fraud report found for this return."
    assert (gone.status, gone.body) == (404, {"errors": {"message": message}})
    later = shop.call("createFraudReport", {"category": "item-is-worn"}, id=id_).body
    assert (later["comment"], later["id"]) == (None, reply.body["id"] + 1)


def test_a_report_on_an_unknown_return_is_a_real_404(shop: Shop) -> None:
    for id_ in (5, "abc", 10**30):
        for reply in (
            shop.call("createFraudReport", {"category": "item-is-worn"}, id=id_),
            shop.call("deleteFraudReport", id=id_),
        ):
            assert (reply.status, reply.body) == (404, NO_RETURN)


@pytest.mark.parametrize(
    ("body", "field", "sentence"),
    [
        ({}, "category", None),
        ({"category": "stolen"}, "category", r"Must be one of the following values:package-never-received,.*"),
        ({"category": "other"}, "comment", None),
        (
            {"category": "other", "comment": "x" * 513},
            "comment",
            r"The comment field must not be greater than 512 characters\.",
        ),
    ],
)
def test_a_report_has_its_rules(body: Any, field: str, sentence: str | None, shop: Shop) -> None:
    reply = shop.call("createFraudReport", body, id=shop.submit()["id"])
    assert (reply.status, list(reply.body["errors"])) == (422, [field])
    assert sentence is None or re.fullmatch(sentence, reply.body["errors"][field][0])
    assert reply.body["message"] == reply.body["errors"][field][0]


# destinations

PLACE = {
    "address1": "1 Dock", "address2": None, "city": "Reno", "state": None, "zip": None, "country": "United States",
    "country_code": "US",
}  # fmt: skip
NO_DESTINATION = {"code": "NOT_FOUND", "message": "The destination could not be found."}


def test_a_destination_is_made_read_changed_and_deleted(shop: Shop) -> None:
    known = shop.call("listDestinations").body["destinations"]
    made = shop.call("createDestination", {"type": "warehouse", "name": "Dock 2", "address": PLACE})
    assert made.status == 200
    id_ = made.body["id"]
    assert made.body == {
        "id": id_, "type": "warehouse", "name": "Dock 2", "enabled": True, "provider_location_id": None,
        "address": PLACE,
    }  # fmt: skip
    assert shop.call("getDestination", id=id_).body == made.body
    assert shop.call("listDestinations").body["destinations"] == [*known, made.body]
    changed = shop.call("updateDestination", {"name": "Dock 3", "enabled": False, "provider_location_id": 5}, id=id_)
    assert changed.body == {**made.body, "name": "Dock 3", "enabled": False, "provider_location_id": 5}
    moved = shop.call("updateDestination", {"address": {**PLACE, "city": "Elko"}}, id=id_).body
    assert (moved["address"]["city"], moved["name"]) == ("Elko", "Dock 3")
    assert shop.call("deleteDestination", id=id_).body == "Success"
    assert shop.call("listDestinations").body["destinations"] == known


def test_an_unknown_destination_is_not_found(shop: Shop) -> None:
    for reply in (
        shop.call("getDestination", id=5),
        shop.call("getDestination", id="9" * 30),
        shop.call("updateDestination", {}, id=5),
        shop.call("updateDestination", {}, id="abc"),
        shop.call("deleteDestination", id=5),
        shop.call("deleteDestination", id="abc"),
    ):
        assert (reply.status, reply.body) == (404, NO_DESTINATION)
    reply = shop.call("getDestination", id="abc")
    assert (reply.status, reply.body) == (
        400,
        {"code": "BAD_REQUEST", "message": "The destination id must be a number."},
    )


def test_a_shop_has_a_limit_of_destinations(open_shop: Any) -> None:
    shop = open_shop(destination_limit=2)
    reply = shop.call("createDestination", {"type": "donate", "name": "X", "address": PLACE})
    message = "You have reached the destination limit. Please check your settings."
    assert (reply.status, reply.body) == (422, {"code": "DESTINATION_LIMIT_EXCEEDED", "message": message})


def test_one_destination_without_address_breaks_the_list_but_not_the_others(shop: Shop) -> None:
    broken = Destination(id=42_999_999, type="warehouse", name="No address", address=None)
    with shop.shop.transaction(shop.now) as tx:
        tx.put("destination", broken.id, broken)
    reply = shop.call("listDestinations")
    message = "One or more destinations do not have an address."
    assert (reply.status, reply.body) == (500, {"code": "UNEXPECTED_ERROR", "message": message})


@pytest.mark.parametrize("body", [{}, {"type": "shop", "name": "x", "address": PLACE}, {"type": "donate", "name": "x"}])
def test_a_refused_destination_gets_the_message_alone(body: Any, shop: Shop) -> None:
    reply = shop.call("createDestination", body)
    assert (reply.status, list(reply.body)) == (422, ["message"])


def test_a_workflow_s_destination_is_on_the_return(shop: Shop) -> None:
    default = shop.shop.settings.default_destination_id
    id_ = shop.submit()["id"]
    assert shop.call("getReturnDetails", query={"return_id": id_}).body["destination_id"] == default


def test_returns_go_to_no_destination_that_is_gone_or_out_of_use(open_shop: Any) -> None:
    shop = open_shop(label_source="third_party")

    def sent_to() -> Any:
        id_ = shop.submit()["id"]
        shop.advance(seconds=4)
        request = shop.call("listLabelRequests", query={"return_id": id_}).body["data"][0]
        row = shop.call("getReturnDetails", query={"return_id": id_}).body
        return row["destination_id"], request["addresses"]["destination"]["name"]

    first = shop.shop.settings.default_destination_id
    second = shop.call("createDestination", {"type": "warehouse", "name": "Second dock", "address": PLACE}).body["id"]
    assert sent_to() == (first, "Portland returns dock")
    shop.call("updateDestination", {"enabled": False}, id=first)
    assert sent_to() == (second, "Second dock")
    shop.call("updateDestination", {"enabled": True}, id=first)
    assert sent_to()[0] == first
    waiting = shop.submit()["id"]
    shop.call("deleteDestination", id=first)
    assert sent_to() == (second, "Second dock")
    (request,) = shop.call("listLabelRequests", query={"return_id": waiting}).body["data"]
    assert request["addresses"]["destination"]["name"] == "Second dock"
    shop.call("deleteDestination", id=second)
    assert sent_to()[0] is None


# deep links


def test_a_link_is_made_for_whoever_knows_the_order(shop: Shop) -> None:
    order = next(shop.records.orders())
    address, customer = order.shipping_address, order.customer
    uuids = set()
    for secret in (address.zip, customer.email, customer.email.upper(), f" {address.zip} "):
        url = shop.call("createDeepLink", {"name": order.name, "zip": secret, "gift": True}).body["url"]
        uuids.add(re.fullmatch(r"https://shop\.loopreturns\.com/#/link/([0-9a-f-]{36})", url)[1])
    assert len(uuids) == 4


@pytest.mark.parametrize("operation", ["createDeepLink", "createQrCode"])
def test_a_link_for_nobody_and_a_link_without_fields(operation: str, shop: Shop) -> None:
    order = next(shop.records.orders())
    for body in ({"name": order.name, "zip": "00000"}, {"name": "nope", "zip": order.shipping_address.zip}):
        reply = shop.call(operation, body)
        assert (reply.status, reply.body) == (400, {"errors": ["ORDER_NOT_FOUND"]})
    for body in ({}, {"name": order.name}, {"zip": "1"}, {"name": "", "zip": "1"}, []):
        reply = shop.call(operation, body)
        message = 'Missing fields - "name" and "zip" are required.'
        assert (reply.status, reply.body) == (422, {"errors": {"message": message}})


@pytest.mark.parametrize(
    ("type_", "media", "begins"),
    [("png", "image/png", b"\x89PNG"), ("svg", "image/svg+xml", b"<?xml"), ("eps", "application/postscript", b"%!PS"),
     ("gif", "image/png", b"\x89PNG"), (None, "image/png", b"\x89PNG"), ("SVG", "image/svg+xml", b"<?xml"),
     (5, "image/png", b"\x89PNG")],
)  # fmt: skip
def test_a_qr_code_is_a_picture_of_the_link(type_: Any, media: str, begins: bytes, shop: Shop) -> None:
    order = next(shop.records.orders())
    body = {"name": order.name, "zip": order.shipping_address.zip, "type": type_, "size": 250}
    made = shop.call("createQrCode", body).body
    uuid = made["qr"].rpartition("/")[2]
    assert made["qr"] == f"http://127.0.0.1:8484/api/v1/qr/i/{uuid}"
    assert made["deeplink_url"].endswith(uuid)
    picture = shop.call("getQrPicture", uuid=uuid)
    assert picture.headers["content-type"] == media
    assert picture.body.startswith(begins)
    assert shop.call("getQrPicture", uuid=uuid).body == picture.body


@pytest.mark.parametrize(
    ("size", "pixels"), [(250, 250), ("100", 100), (None, 250), ("big", 250), (1, 50), (10**9, 2000)]
)
def test_a_qr_code_is_about_as_wide_as_asked(size: Any, pixels: int, shop: Shop) -> None:
    order = next(shop.records.orders())
    made = shop.call("createQrCode", {"name": order.name, "zip": order.shipping_address.zip, "size": size}).body
    picture = shop.call("getQrPicture", uuid=made["qr"].rpartition("/")[2]).body
    width = int.from_bytes(picture[16:20], "big")
    assert 0.75 * pixels <= width <= pixels


def test_an_unknown_picture_is_not_found(shop: Shop) -> None:
    assert shop.call("getQrPicture", uuid="nope").status == 404


# subscriptions

HOOK = {"topic": "return", "trigger": "return.created", "url": "https://example.com/hook"}


def test_a_subscription_is_made_read_replaced_and_deleted(shop: Shop) -> None:
    made = shop.call("createWebhook", HOOK)
    assert made.status == 201
    id_ = made.body["id"]
    assert made.body == {"id": id_, "shop_id": shop.shop.settings.id, **HOOK, "status": "active"}
    assert shop.call("listWebhooks").body == {"webhooks": [made.body]}
    other = {"topic": "label", "trigger": "label.updated", "url": "http://127.0.0.1:9/x"}
    assert shop.call("updateWebhook", {**other, "status": "inactive"}, id=id_).status == 204
    assert shop.call("listWebhooks").body["webhooks"] == [{**made.body, **other, "status": "inactive"}]
    assert shop.call("updateWebhook", HOOK, id=id_).status == 204
    assert shop.call("listWebhooks").body["webhooks"][0]["status"] == "inactive"
    assert shop.call("deleteWebhook", id=id_).status == 204
    assert shop.call("listWebhooks").body == {"webhooks": []}


def test_replacing_a_subscription_keeps_its_secret_and_forgives_its_failures(open_shop: Any) -> None:
    shop = open_shop(quirks={"webhook_secret": "per_webhook"})
    id_ = shop.call("createWebhook", HOOK).body["id"]
    known = shop.records.get("webhook", id_, Subscription)
    assert re.fullmatch(r"[0-9a-f]{16}", known.secret)
    with shop.shop.transaction(shop.now) as tx:
        tx.put("webhook", id_, structs.replace(known, failures=7))
    shop.call("updateWebhook", HOOK, id=id_)
    assert shop.records.get("webhook", id_, Subscription) == known
    assert "secret" not in shop.call("listWebhooks").body["webhooks"][0]


@pytest.mark.parametrize(("chosen", "status"), [({}, "active"), ({"webhook_default_status": "inactive"}, "inactive")])
def test_a_new_subscription_has_the_shop_s_default_status(chosen: Any, status: str, open_shop: Any) -> None:
    assert open_shop(quirks=chosen).call("createWebhook", HOOK).body["status"] == status


def test_any_pair_any_number_of_times(shop: Shop) -> None:
    for topic in TOPICS:
        for trigger in TRIGGERS:
            assert shop.call("createWebhook", {**HOOK, "topic": topic, "trigger": trigger}).status == 201
    assert shop.call("createWebhook", HOOK).status == 201
    ids = [each["id"] for each in shop.call("listWebhooks").body["webhooks"]]
    assert ids == sorted(set(ids))
    assert len(ids) == 78


@pytest.mark.parametrize(
    ("own", "field", "known"),
    [({"topic": "returns"}, "topic", TOPICS), ({"trigger": "return.opened"}, "trigger", TRIGGERS),
     ({"status": "paused"}, "status", ("active", "inactive"))],
)  # fmt: skip
def test_an_unknown_word_is_refused_with_the_known_ones(own: Any, field: str, known: Any, shop: Shop) -> None:
    id_ = shop.call("createWebhook", HOOK).body["id"]
    for reply in (shop.call("createWebhook", {**HOOK, **own}), shop.call("updateWebhook", {**HOOK, **own}, id=id_)):
        sentence = f"Must be one of the following values:{','.join(known)}"
        assert (reply.status, reply.body) == (422, {"message": sentence, "errors": {field: [sentence]}})


@pytest.mark.parametrize("missing", ["topic", "trigger", "url"])
def test_three_fields_are_required_to_make_and_to_replace(missing: str, shop: Shop) -> None:
    id_ = shop.call("createWebhook", HOOK).body["id"]
    body = {name: value for name, value in HOOK.items() if name != missing}
    for reply in (shop.call("createWebhook", body), shop.call("updateWebhook", body, id=id_)):
        assert (reply.status, list(reply.body["errors"])) == (422, [missing])


@pytest.mark.parametrize("url", ["nope", "ftp://x/y", "javascript:alert(1)", ""])
def test_a_url_is_one(url: str, shop: Shop) -> None:
    assert shop.call("createWebhook", {**HOOK, "url": url}).status == 422


def test_an_unknown_subscription_is_a_404_with_a_code_alone(shop: Shop) -> None:
    for id_ in (5, "abc", 10**30):
        for reply in (shop.call("updateWebhook", HOOK, id=id_), shop.call("deleteWebhook", id=id_)):
            assert (reply.status, reply.body) == (404, {"errors": {"code": "NOT_FOUND"}})


def test_a_sample_needs_a_known_pair(shop: Shop) -> None:
    reply = shop.call("getSampleWebhook", query={"topic": "x"})
    assert (reply.status, list(reply.body["errors"])) == (422, ["topic", "trigger"])


# who hears what


def test_only_active_subscriptions_of_the_trigger_hear(shop: Shop) -> None:
    shop.call("createWebhook", {**HOOK, "status": "inactive"})
    shop.call("createWebhook", {**HOOK, "trigger": "return.closed"})
    shop.submit()
    assert shop.heard() == []
    shop.call("createWebhook", HOOK)
    shop.call("createWebhook", HOOK)
    shop.submit()
    assert shop.triggers() == ["return.created", "return.created"]


@pytest.mark.parametrize(("chosen", "told"), [("send", [("return.created", [])]), ("skip", [])])
def test_a_pair_without_data_is_delivered_empty_or_not_at_all(chosen: str, told: Any, open_shop: Any) -> None:
    shop = open_shop(quirks={"empty_pair": chosen})
    shop.call("createWebhook", {**HOOK, "topic": "label"})
    shop.submit()
    assert shop.heard() == told


def test_topic_return_on_label_created_tells_the_return_with_its_tracking(shop: Shop) -> None:
    shop.call("createWebhook", {**HOOK, "trigger": "label.created"})
    id_ = shop.submit()["id"]
    shop.advance(seconds=4)
    ((trigger, told),) = shop.heard()
    assert (trigger, told["topic"], told["id"]) == ("label.created", "return", str(id_))
    assert told["tracking_number"] == shop.return_(id_).labels[0].tracking_number


def test_subscriptions_to_one_topic_share_the_bytes_made_at_the_event(shop: Shop) -> None:
    for _ in range(3):
        shop.call("createWebhook", HOOK)
    shop.call("createWebhook", {**HOOK, "topic": "label"})
    shop.submit()
    rows = shop.shop.connection.execute("select topic, payload_id from deliveries order by id").fetchall()
    assert [topic for topic, _ in rows] == ["return"] * 3 + ["label"]
    assert len({payload for _, payload in rows}) == 2
