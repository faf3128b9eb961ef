"""The named settings: what each value other than the default does. The defaults are quirks, shown elsewhere."""

from __future__ import annotations

from typing import Any

import pytest

from loopsim.client import ControlError
from loopsim.domain.quirks import QUIRKS as SETTINGS
from tests.quirks.bench import Answer, Bench, signature
from tests.quirks.catalogue import shows
from tests.quirks.conftest import OpenShop
from tests.quirks.test_answers import GATEWAY, LEGACY
from tests.quirks.test_webhooks import HOOK, UPDATED, judge

FAILS, WORKS = Answer(500), Answer()
CREATED = ("return", "return.created")


def test_a_shop_shows_all_settings_with_their_defaults(shop: Bench) -> None:
    assert shop.control.view()["quirks"] == {name: values[0] for name, values in SETTINGS.items()}


@pytest.mark.parametrize("name", SETTINGS)
def test_every_value_is_taken_at_any_time_and_no_other(shop: Bench, name: str) -> None:
    for value in SETTINGS[name]:
        assert shop.control.update(quirks={name: value})["quirks"][name] == value

    with pytest.raises(ControlError) as refused:
        shop.control.update(quirks={name: "nonsense"})
    assert refused.value.status == 422


@shows("setting-unauthorized_body")
@pytest.mark.parametrize(
    ("value", "path", "body"), [("gateway", "/warehouse/return/list", GATEWAY), ("legacy", "/webhooks", LEGACY)]
)
def test_one_401_everywhere(open_shop: OpenShop, value: str, path: str, body: Any) -> None:
    shop = open_shop(quirks={"unauthorized_body": value})
    narrow = shop.control.create_key("orders")["key"]

    reply = shop.get(path, key=narrow)

    assert (reply.status, reply.json) == (401, body)


@shows("setting-details_by_order")
def test_details_by_order_are_the_newest_return_alone(open_shop: OpenShop) -> None:
    shop = open_shop(quirks={"details_by_order": "object"})
    _, newest = (shop.submit({"sku": sku}, order="#1003") for sku in ("SOCK-M", "HOOD-GRY-M"))

    details = shop.get("/warehouse/return/details", {"order_name": "#1003"}).json

    assert isinstance(details, dict)
    assert details["id"] == newest


@shows("setting-label_change_fires_return_updated")
def test_labels_change_quietly(open_shop: OpenShop) -> None:
    shop = open_shop(quirks={"label_change_fires_return_updated": "off"})
    shop.listen(UPDATED, ("label", "label.updated"))
    return_id = shop.submit()
    shop.advance(5)
    shop.control.carrier.scans(return_id=return_id, status="pre_transit")

    assert [each.trigger for each in shop.heard()] == ["label.updated"]


@shows("setting-grading_fires_return_updated")
def test_grading_is_quiet(open_shop: OpenShop) -> None:
    shop = open_shop(quirks={"grading_fires_return_updated": "off"})
    return_id = shop.submit()
    shop.listen(UPDATED)

    judge(shop, return_id)

    assert shop.heard() == []
    assert shop.row(return_id)["line_items"][0]["condition"] is not None


@shows("setting-empty_pair")
def test_nothing_is_delivered_for_a_topic_without_data(open_shop: OpenShop) -> None:
    shop = open_shop(quirks={"empty_pair": "skip"})
    shop.listen(("label", "return.created"), CREATED)
    shop.submit()

    assert [each.trigger for each in shop.heard()] == ["return.created"]


@shows("setting-webhook_secret")
def test_each_webhook_has_a_secret_of_its_own(open_shop: OpenShop) -> None:
    shop = open_shop(quirks={"webhook_secret": "per_webhook"})
    shop.listen(CREATED, ("restock", "return.created"))
    shop.submit()
    heard = {each.headers["x-loop-signature"] for each in shop.heard()}
    secrets = {each["secret"] for each in shop.control.secrets()["subscriptions"]}

    assert len(secrets | {shop.control.secret}) == 3
    assert heard == {signature(each.body, secret) for each in shop.heard() for secret in secrets} & heard
    assert len(heard) == 2
    assert all(each.headers["x-loop-signature"] != signature(each.body, shop.control.secret) for each in shop.heard())


@shows("setting-delivery_order")
def test_a_retry_holds_back_what_follows(open_shop: OpenShop) -> None:
    shop = open_shop(quirks={"delivery_order": "strict"})
    shop.receiver.answers(FAILS, WORKS)
    shop.listen(UPDATED)
    return_id = shop.submit(method="in_store")
    shop.act(return_id, "flag")
    shop.settle()
    shop.act(return_id, "close")
    assert [each.json["state"] for each in shop.heard()] == ["open"]

    shop.advance(60)

    assert [each.json["state"] for each in shop.heard()] == ["open", "open", "closed"]


@shows("setting-webhook_deactivation")
def test_the_eleventh_failure_in_a_row_switches_a_webhook_off(open_shop: OpenShop) -> None:
    shop = open_shop(quirks={"webhook_deactivation": "after_10_failures"})
    shop.receiver.answers(Answer(410))
    shop.listen(CREATED)

    def status_after(returns: int) -> str:
        for _ in range(returns):
            shop.submit(method="in_store")
        shop.settle()
        return str(shop.get("/webhooks").json["webhooks"][0]["status"])

    assert status_after(10) == "active"
    assert status_after(1) == "inactive"
    shop.submit(method="in_store")
    assert len(shop.heard()) == 11


@shows("setting-action_success")
def test_success_is_the_text_true(open_shop: OpenShop) -> None:
    shop = open_shop(quirks={"action_success": '"true"'})

    assert shop.act(shop.submit(), "flag").body == b'"true"'


@shows("setting-webhook_default_status")
def test_a_webhook_made_without_status_is_silent(open_shop: OpenShop) -> None:
    shop = open_shop(quirks={"webhook_default_status": "inactive"})

    made = shop.post("/webhooks", {**HOOK, "trigger": "return.created", "topic": "return", "url": shop.receiver.url})
    shop.submit()

    assert made.json["status"] == "inactive"
    assert shop.heard() == []


@shows("setting-flag_moves_to_review")
def test_a_flag_moves_an_open_return_to_review(open_shop: OpenShop) -> None:
    shop = open_shop(quirks={"flag_moves_to_review": "on"})
    return_id = shop.submit()
    shop.listen(UPDATED)

    assert shop.act(return_id, "flag").body == b"true"

    assert shop.details(return_id)["state"] == "review"
    assert [each.json["state"] for each in shop.heard()] == ["review"]


@shows("setting-page_size_over_limit")
@pytest.mark.parametrize(("asked", "used"), [("751", "750"), ("0", "1"), ("-3", "1")])
def test_a_page_size_beyond_the_limit_is_brought_into_it(open_shop: OpenShop, asked: str, used: str) -> None:
    shop, strict = open_shop(quirks={"page_size_over_limit": "clamp"}), open_shop()
    order = shop.order({"variant": "SOCK-M", "quantity": 2})
    for _ in range(2):
        shop.submit(order=order)
    query = {"paginate": "true", "pageSize": asked}

    assert strict.get("/warehouse/return/list", query).status == 422
    reply = shop.get("/warehouse/return/list", query)

    assert reply.status == 200
    assert len(reply.json["returns"]) == min(2, int(used))


@shows("setting-retry_after_header")
def test_a_429_does_not_say_when_to_come_back(open_shop: OpenShop) -> None:
    shop = open_shop(quirks={"retry_after_header": "off"}, rate_limit=1)
    shop.get("/webhooks")

    reply = shop.get("/webhooks")

    assert (reply.status, reply.headers["x-ratelimit-remaining"]) == (429, "0")
    assert "retry-after" not in reply.headers
