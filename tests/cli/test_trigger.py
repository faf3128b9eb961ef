"""`loopsim trigger`: every trigger, on a fresh return, a named one, and without a server."""

from __future__ import annotations

import pytest

from loopsim.client import Shop
from loopsim.commands.story import RECIPES
from loopsim.domain.events import TRIGGERS
from tests.cli.terminal import Receiver, invoke, run

Here = tuple[str, ...]
TOPICS = {
    "return.processing.failed": "return.processing",
    "label.created": "label",
    "label.updated": "label",
    "restock.requested": "restock",
    "label.request.issued": "label.request",
    "label.request.cancelled": "label.request",
    "giftcard.requested": "giftcard",
    "shipment.processed": "happy.returns.shipment",
}


def test_there_is_a_recipe_for_every_trigger() -> None:
    assert set(RECIPES) == set(TRIGGERS)


@pytest.mark.parametrize("trigger", TRIGGERS)
def test_a_trigger_reaches_the_receiver_signed_and_under_its_own_topic(
    shop: Shop, here: Here, receiver: Receiver, trigger: str
) -> None:
    policy = shop.view()["policy"]

    done = invoke("trigger", trigger, "--webhook", receiver.url, "--format", "json", *here)

    assert done.code == 0, done
    assert done.json["ok"]
    wanted = [payload for payload in receiver.payloads() if payload["trigger"] == trigger]
    assert wanted
    assert {payload["topic"] for payload in wanted} == {TOPICS.get(trigger, "return")}
    assert all(signed for _, _, signed in receiver.got)
    assert shop.view()["policy"] == policy
    assert shop.returns()[-1]["id"] == done.json["return_id"]


def test_a_named_return_is_taken_on_from_where_it_is(shop: Shop, here: Here, receiver: Receiver) -> None:
    return_id = shop.act("customer.submits_return")["id"]
    shop.clock.advance(by="10s")
    shop.act("carrier.scans", return_id=return_id, status="in_transit")

    done = invoke(
        "trigger", "return.closed", "--return", return_id, "--webhook", receiver.url, "--format", "json", *here
    )

    assert done.code == 0
    assert shop.get_return(return_id)["state"] == "closed"
    assert len(shop.returns()) == 1
    scans = [step["what"] for step in done.json["steps"] if step["who"] == "carrier"]
    assert scans == ["scans out_for_delivery", "scans delivered"]


def test_a_shop_that_processes_by_hand_is_processed_by_staff(shop: Shop, here: Here) -> None:
    shop.update(policy={"processing_event": "disabled"})

    done = invoke("trigger", "return.closed", "--format", "json", *here)

    assert done.code == 0
    assert "staff" in {step["who"] for step in done.json["steps"]}


def test_a_return_that_is_at_its_end_is_refused(shop: Shop, here: Here) -> None:
    return_id = shop.act("customer.submits_return")["id"]
    shop.act("staff.cancels", return_id=return_id)

    done = invoke("trigger", "return.closed", "--return", return_id, *here)

    assert done.code == 1
    assert f"Return {return_id} is cancelled" in done.err


def test_a_return_that_has_its_label_gets_no_label_created(shop: Shop, here: Here) -> None:
    return_id = shop.act("customer.submits_return")["id"]
    shop.clock.advance(by="10s")

    done = invoke("trigger", "label.created", "--return", return_id, *here)

    assert done.code == 1
    assert "has its label already" in done.err


def test_a_return_that_is_not_there_ends_with_1(here: Here) -> None:
    done = invoke("trigger", "return.closed", "--return", 5, *here)

    assert done.code == 1
    assert "no return with this id. Leave --return out for a fresh one." in done.err


def test_an_order_is_made_where_nothing_is_returnable(shop: Shop, here: Here) -> None:
    for order in shop.list_orders(limit=1000, returnable=True):
        for line in order["lines"]:
            if line["returnable"] and not line["final_sale"]:
                item = {"line_item_id": line["id"], "quantity": line["returnable"]}
                shop.act("customer.submits_return", order=order["name"], items=[item])
    before = len(shop.list_orders(limit=1000))

    done = invoke("trigger", "return.created", *here)

    assert done.code == 0
    assert len(shop.list_orders(limit=1000)) == before + 1


def test_the_same_receiver_is_subscribed_once(shop: Shop, here: Here, receiver: Receiver) -> None:
    for _ in range(2):
        invoke("trigger", "return.created", "--webhook", receiver.url, *here)

    assert [each["topic"] for each in shop.subscriptions()] == ["return"]
    assert len(receiver.got) == 2


def test_a_topic_of_ones_own_choice_is_taken(here: Here, receiver: Receiver) -> None:
    done = invoke("trigger", "label.created", "--webhook", receiver.url, "--topic", "return", *here)

    assert done.code == 0
    (payload,) = receiver.payloads()
    assert (payload["topic"], payload["trigger"]) == ("return", "label.created")


def test_without_a_subscriber_it_happens_and_says_that_nobody_was_told(here: Here) -> None:
    done = invoke("trigger", "return.created", *here)

    assert done.code == 0
    assert "nobody is subscribed" in done.out
    assert "--webhook URL" in done.out


def test_a_webhook_that_is_not_taken_ends_with_1_and_says_how_to_look_at_it(here: Here, receiver: Receiver) -> None:
    receiver.status = 401

    done = invoke("trigger", "return.created", "--webhook", receiver.url, *here)

    assert done.code == 1
    there = f"--port {here[1].rpartition(':')[2]} --shop {here[3]}"
    said = " ".join(done.out.split())
    assert f"loopsim events show 1 {there}, then" in said
    assert f"loopsim resend 1 {there}" in said
    assert f"loopsim events show NUMBER {there}" in " ".join(invoke("events", *here).out.split())


def test_only_what_is_tried_again_is_said_to_be(here: Here, receiver: Receiver) -> None:
    said = {}
    for receiver.status in (503, 404):  # in this order: what waits is no reason to promise more
        done = invoke("trigger", "return.created", "--webhook", receiver.url, *here)
        said[receiver.status] = " ".join(done.out.split())

    assert "Not taken. It will be tried again on the shop's clock." in said[503]
    assert "Not taken. It is not tried again." in said[404]


def test_a_webhook_that_may_not_leave_ends_with_1_and_names_the_flag(here: Here) -> None:
    done = invoke("trigger", "return.created", "--webhook", "http://192.0.2.1/x", *here)

    assert done.code == 1
    assert "--allow-target" in done.out


def test_without_a_server_it_uses_one_of_its_own_and_shows_the_payload() -> None:
    # Port 8484 is what everybody uses by default; where somebody does now, there is a server.
    done = run("trigger", "label.created", LOOPSIM_FORMAT="text")

    assert done.code == 0, done
    if "throw-away" in done.out:
        assert '"topic": "label"' in done.out
        assert "X-Loop-Signature" in done.out


def test_a_server_that_was_named_has_to_be_there() -> None:
    assert invoke("trigger", "return.created", "--port", 9).code == 5
    assert invoke("trigger", "return.created", "--shop", "mine", "--url", "http://127.0.0.1:9").code == 5
