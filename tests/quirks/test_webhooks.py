"""The webhooks API, and which webhooks come when."""

from __future__ import annotations

from typing import Any

import pytest

from tests.quirks.bench import Bench
from tests.quirks.catalogue import shows
from tests.quirks.conftest import OpenShop

HOOK = {"topic": "label", "trigger": "label.updated", "url": "http://127.0.0.1:1/"}
TOPICS = ("return", "return.processing", "label", "restock", "label.request", "giftcard", "happy.returns.shipment")
UPDATED = ("return", "return.updated")
CLOSED = ("return", "return.closed")


# the API


@shows("webhook-put-full")
def test_put_needs_the_full_body_and_answers_204(shop: Bench) -> None:
    (id_,) = shop.listen(("label", "label.updated"), url="http://127.0.0.1:1/")
    path = f"/webhooks/{id_}"

    for name in HOOK:
        refused = shop.put(path, {key: value for key, value in HOOK.items() if key != name})
        assert refused.status == 422
        assert list(refused.json["errors"]) == [name]
    done = shop.put(path, {**HOOK, "url": "http://127.0.0.1:2/"})

    assert (done.status, done.body) == (204, b"")
    assert shop.get("/webhooks").json["webhooks"][0]["url"] == "http://127.0.0.1:2/"


@shows("webhook-404")
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_an_unknown_webhook_has_a_code_and_no_message(shop: Bench, method: str) -> None:
    reply = shop.call(method, "/webhooks/1", body=HOOK)

    assert (reply.status, reply.json) == (404, {"errors": {"code": "NOT_FOUND"}})


@shows("webhook-active")
def test_a_webhook_made_without_status_is_active(shop: Bench) -> None:
    shop.listen(("return", "return.created"))

    assert shop.post("/webhooks", HOOK).json["status"] == "active"
    shop.submit()
    assert len(shop.heard()) == 1


@shows("topics-dotted")
@pytest.mark.parametrize("topic", [topic for topic in TOPICS if "." in topic])
def test_topics_are_dotted(shop: Bench, topic: str) -> None:
    dotted, other = (
        shop.post("/webhooks", {**HOOK, "topic": topic}),
        shop.post("/webhooks", {**HOOK, "topic": topic.replace(".", "_")}),
    )

    assert dotted.status == 201
    assert dotted.json["topic"] == topic
    assert other.status == 422


@shows("secret-untold")
def test_no_answer_of_loops_tells_a_secret(open_shop: OpenShop) -> None:
    shop = open_shop(quirks={"webhook_secret": "per_webhook"})
    made = shop.post("/webhooks", HOOK)
    listed = shop.get("/webhooks")
    secrets = [shop.control.secret, *(each["secret"] for each in shop.control.secrets()["subscriptions"])]

    assert len(set(secrets)) == 2
    assert list(made.json) == list(listed.json["webhooks"][0]) == ["id", "shop_id", "topic", "trigger", "url", "status"]
    for secret in secrets:
        assert secret.encode() not in made.body + listed.body


# pairs


@shows("topic-any-trigger")
def test_topic_return_at_trigger_label_created_has_the_tracking(shop: Bench) -> None:
    shop.listen(("return", "label.created"), ("return", "shipment.processed"), ("giftcard", "label.updated"))
    return_id = shop.submit()
    shop.advance(5)

    heard = shop.heard_one()

    assert (heard.json["topic"], heard.json["trigger"]) == ("return", "label.created")
    assert (heard.json["id"], heard.json["label_status"]) == (str(return_id), "new")
    assert heard.json["tracking_number"] == shop.row(return_id)["tracking_number"] != "N/A"


@shows("webhook-no-label-yet")
def test_when_a_return_is_created_its_label_is_not_there_yet(shop: Bench) -> None:
    shop.listen(("return", "return.created"), ("label", "label.created"))
    shop.submit()
    created = shop.heard_one()
    shop.advance(5)
    _, label = shop.heard()

    assert (created.trigger, created.json["labels"], created.json["tracking_number"]) == ("return.created", [], "N/A")
    assert label.trigger == "label.created"


@shows("webhook-empty-pair")
def test_a_topic_without_data_is_delivered_as_an_empty_array(shop: Bench) -> None:
    shop.listen(("label", "return.created"), ("restock", "return.created"))
    shop.submit()

    heard = shop.heard()

    assert [each.body for each in heard] == [b"[]", b"[]"]
    assert all(each.headers["x-loop-signature"] for each in heard)


# what fires


@shows("closing-sends-both")
@pytest.mark.parametrize("action", ["close", "process"])
def test_closing_sends_an_update_that_is_closed_already_and_the_closing(shop: Bench, action: str) -> None:
    shop.listen(UPDATED, CLOSED)
    return_id = shop.submit(method="in_store")
    shop.act(return_id, action)
    shop.advance(5)

    heard = {each.trigger: each.json["state"] for each in shop.heard()}

    assert heard == {"return.updated": "closed", "return.closed": "closed"}


def updates(shop: Bench) -> list[str]:
    """The states that `return.updated` told."""
    return [each.json["state"] for each in shop.heard()]


@shows("updated-by-state")
@pytest.mark.parametrize(
    ("act", "state"), [("cancel", "cancelled"), ("close", "closed"), ("review", "review"), ("expire", "expired")]
)
def test_return_updated_fires_when_the_state_changes(shop: Bench, act: str, state: str) -> None:
    return_id = shop.submit()
    shop.advance(5)
    shop.listen(UPDATED)
    if act == "review":
        shop.control.payment.fails_next()
        shop.act(return_id, "process")
        shop.advance(5)
    elif act == "expire":
        shop.advance("28d")
    else:
        shop.act(return_id, act)

    assert updates(shop) == [state]


@shows("updated-by-edit")
def test_return_updated_fires_on_edits(shop: Bench) -> None:
    return_id = shop.submit({"sku": "SOCK-M"}, order="#1003")
    shop.listen(UPDATED)

    shop.control.customer.edits_return(return_id=return_id, items=[{"sku": "HOOD-GRY-M"}])

    heard = shop.heard_one()
    assert (heard.json["line_items"][0]["sku"], heard.json["edited_at"]) == ("HOOD-GRY-M", "2026-06-01T12:00:00+00:00")


@shows("updated-by-flag")
def test_return_updated_fires_on_flags(shop: Bench) -> None:
    return_id = shop.submit()
    shop.listen(UPDATED)

    shop.act(return_id, "flag")
    shop.control.staff.unflags(return_id=return_id)

    assert updates(shop) == ["open", "open"]


def judge(shop: Bench, return_id: int) -> None:
    """Grade and assess the one unit of a return."""
    line_id = int(shop.row(return_id)["line_items"][0]["line_item_id"])
    for path, judged in (
        ("grade", {"description": "worn", "condition_category": "grade_b"}),
        ("assess", {"disposition_outcome": "donate"}),
    ):
        assert shop.post(f"/dispositioning/{path}", {"items": [{"line_item_id": line_id, **judged}]}).status == 200


@shows("updated-by-grading")
def test_return_updated_fires_on_grading(shop: Bench) -> None:
    return_id = shop.submit()
    shop.listen(UPDATED)

    judge(shop, return_id)

    heard = [each.json["line_items"][0] for each in shop.heard()]
    assert [(line["condition"] is None, line["disposition"] is None) for line in heard] == [
        (False, True),
        (False, False),
    ]


@shows("updated-by-label")
def test_return_updated_fires_on_each_change_of_tracking_or_label_status(shop: Bench) -> None:
    shop.listen(UPDATED)
    return_id = shop.submit()
    shop.advance(5)
    shop.control.carrier.scans(return_id=return_id, status="out_for_delivery")

    seen: list[Any] = [(each.json["label_status"], each.json["state"]) for each in shop.heard()]

    assert seen == [(status, "open") for status in ("new", "pre_transit", "in_transit", "out_for_delivery")]
