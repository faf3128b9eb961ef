"""Importing an export of the real list endpoint, as `POST /_loopsim/shops/{shop}/import` does it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from loopsim.clock import to_ms
from loopsim.domain.events import Timer
from loopsim.domain.inference import INFERRED
from loopsim.domain.policy import Policy
from loopsim.operations import moves, timers  # noqa: F401  (registers the timers)
from loopsim.operations.importing.rows import import_steps
from loopsim.operations.perform import Call, perform, run_next_timer
from loopsim.store.shop import Shop
from loopsim.store.timers import RETURN_TIMERS
from tests.operations.importing import (
    CANCELLED,
    CLOSED,
    NOW,
    OLD,
    OPEN,
    SAMPLES,
    Row,
    again,
    bring,
    everything,
    listed,
    mailboxes,
    new_shop,
    shown,
    strictly,
    varied,
    with_line,
)

# the same rows back


@pytest.mark.parametrize("row", [*SAMPLES, OLD], ids=lambda row: row["id"])
def test_list_gives_an_imported_row_back(row: Row) -> None:
    shop = new_shop()
    bring(shop, [row])
    assert strictly(listed(shop)) == strictly([row])


def test_the_answer_counts_what_came_of_it() -> None:
    shop = new_shop()
    assert bring(shop, [*SAMPLES, OLD], keep_personal_data=False) == {
        "imported": 4,
        "orders": 4,
        "replaced": 0,
        "people_replaced": len(mailboxes([*SAMPLES, OLD])),
        "held_units": 1 + len(CLOSED["line_items"]) + 2,
    }


@pytest.mark.parametrize("wrap", [lambda rows: rows, lambda rows: {"returns": rows, "nextPageUrl": None}])
@pytest.mark.parametrize("encode", [str, lambda text: text.encode(), lambda text: b"\xef\xbb\xbf" + text.encode()])
def test_a_bare_array_and_the_envelope_are_read_as_text_too(
    wrap: Callable[[list[Row]], Any], encode: Callable[[str], Any]
) -> None:
    shop, other = new_shop(), new_shop()
    raw = encode(json.dumps(wrap(SAMPLES), indent=1, ensure_ascii=False))
    perform(shop, "importReturns", Call(body={"raw": raw, "keep_personal_data": True}), NOW)
    bring(other, wrap(SAMPLES))
    assert strictly(listed(shop)) == strictly(listed(other)) == strictly(sorted(SAMPLES, key=lambda row: row["id"]))


def test_a_page_of_the_url_of_another_shop_is_kept_and_its_uuid_known() -> None:
    shop = new_shop()
    bring(shop, [OPEN])
    return_ = shop.records.need_return(int(OPEN["id"]))
    assert OPEN["status_page_url"].endswith(return_.uuid)
    assert shown(shop, OPEN["id"])["status_page_url"] == OPEN["status_page_url"]


def test_negative_prices_of_credit_lines_are_kept() -> None:
    row = with_line(varied(CLOSED, outcome="credit"), price="-29.99", refund="0.00")
    shop = new_shop()
    bring(shop, [row])
    assert strictly(listed(shop)) == strictly([row])
    assert shop.records.need_return(int(row["id"])).lines[0].price == -2999


def test_a_row_without_updated_at_counts_as_updated_when_it_was_created() -> None:
    shop = new_shop()
    bring(shop, [OLD])
    return_ = shop.records.need_return(int(OLD["id"]))
    assert return_.updated_at == return_.created_at == datetime(2019, 7, 8, 2, 55, 28, tzinfo=UTC)
    assert "updated_at" not in shown(shop, OLD["id"])


def test_the_label_of_a_row_from_before_label_lists_is_a_label() -> None:
    shop = new_shop()
    bring(shop, [OLD])
    return_ = shop.records.need_return(int(OLD["id"]))
    (label,) = return_.labels
    assert (label.status, label.carrier, label.tracking_number) == ("out_for_delivery", "USPS", OLD["tracking_number"])
    assert label.line_ids == tuple(line.id for line in return_.lines)
    assert shop.records.return_of_label(label.id) == return_


# people


ADDRESS = {
    "name": "Erika Mustermann",
    "phone": "+49 30 7654031",
    "address1": "Heidestraße 17",
    "city": "Köln",
    "zip": "51147",
    "state": "Nordrhein-Westfalen",
    "country": "Germany",
    "country_code": "DE",
    "coordinates": {"lat": 50.9375, "lng": 6.9603},
    "floor": "4, left of the lift",
}
PERSONAL = varied(
    CLOSED,
    customer="Erika.Mustermann@web.example",
    customer_first_name="Erika",
    customer_detail={"email": "erika.mustermann@web.example", "first_name": "Erika", "last_name": "Mustermann"},
    processed_by="Horst Packer",
    return_method={"provider": "happy_returns", "method_type": "pickup", "address": ADDRESS, "state": "new"},
)
PERSONAL["line_items"][0]["condition"] = {"description": "worn", "return_processor": "horst@dock.example", "note": "x"}
PERSONAL["line_items"][0]["return_comment"] = "Please write to erika.mustermann@web.example"


def test_people_and_addresses_give_way_to_invented_ones() -> None:
    shop = new_shop()
    answer = bring(shop, [PERSONAL], keep_personal_data=False)
    row = shown(shop, PERSONAL["id"])
    text = json.dumps([row, msgspec.to_builtins(list(shop.records.orders()))], ensure_ascii=False).lower()
    for gone in ("erika", "mustermann", "heidestra", "köln", "51147", "horst", "50.9375", "lift", "7654031", "dock.ex"):
        assert gone not in text
    email = row["customer"]
    assert email.endswith("@example.com")
    assert row["customer_detail"]["email"] == email
    assert row["line_items"][0]["return_comment"] == f"Please write to {email}"
    assert row["return_method"]["address"]["name"] == (
        f"{row['customer_detail']['first_name']} {row['customer_detail']['last_name']}"
    )
    assert row["return_method"]["address"]["country"] == "Germany"
    assert row["return_method"]["address"]["coordinates"] == {"lat": 0.0, "lng": 0.0}
    assert row["line_items"][0]["condition"]["description"] == "worn"
    # The packer has a name where the others have addresses.
    assert answer["people_replaced"] == len(mailboxes(PERSONAL)) + 1


def test_one_customer_of_several_returns_stays_one() -> None:
    shop = new_shop()
    bring(
        shop, [varied(OPEN, customer="a@b.example"), varied(CLOSED, customer="A@B.example")], keep_personal_data=False
    )
    bring(shop, [varied(CANCELLED, customer="a@b.example")], keep_personal_data=False)
    assert len({row["customer"] for row in listed(shop)}) == 1
    assert len({order.customer.id for order in shop.records.orders()}) == 1


def test_the_same_seed_invents_the_same_people() -> None:
    first, second = new_shop(), new_shop()
    bring(first, SAMPLES, keep_personal_data=False)
    bring(second, list(reversed(SAMPLES)), keep_personal_data=False)
    assert listed(first) == listed(second)


def test_the_invented_customer_lives_in_the_country_of_the_row() -> None:
    shop = new_shop()
    bring(shop, [CANCELLED], keep_personal_data=False)
    order = shop.records.need_return(int(CANCELLED["id"])).order
    assert (order.address.country, order.address.country_code) == (
        CANCELLED["origin_country"],
        CANCELLED["origin_country_code"],
    )
    assert order.address.name == f"{order.first_name} {order.last_name}"
    assert order.email == shown(shop, CANCELLED["id"])["customer"] != CANCELLED["customer"]


def test_personal_data_is_kept_on_demand() -> None:
    shop = new_shop()
    assert bring(shop, [PERSONAL])["people_replaced"] == 0
    assert strictly(listed(shop)) == strictly([PERSONAL])


# replace


def test_replacing_puts_the_row_in_the_place_of_the_return_and_its_units() -> None:
    shop = new_shop()
    bring(shop, SAMPLES, resume=True)
    shorter = varied(CLOSED, state="open", line_items=CLOSED["line_items"][:1], x_new=True)
    answer = bring(shop, [shorter], replace=True)
    assert (answer["imported"], answer["replaced"], answer["held_units"]) == (1, 1, 1)
    assert strictly(shown(shop, CLOSED["id"])) == strictly(shorter)
    line = int(CLOSED["line_items"][0]["provider_line_item_id"])
    assert shop.records.held_units([line]) == {(line, 0)}
    order = shop.records.order_by_provider(int(CLOSED["provider_order_id"]))
    assert order is not None
    assert [each.quantity for each in order.lines] == [1]
    assert strictly(shown(shop, OPEN["id"])) == strictly(OPEN)


def test_replacing_twice_is_the_same_as_once() -> None:
    shop = new_shop()
    bring(shop, [*SAMPLES, OLD])
    orders = list(shop.records.orders())
    bring(shop, [*SAMPLES, OLD], replace=True)
    assert strictly(listed(shop)) == strictly(sorted([*SAMPLES, OLD], key=lambda row: int(row["id"])))
    assert list(shop.records.orders()) == orders


def test_an_inferred_order_that_no_return_is_left_of_goes() -> None:
    shop = new_shop()
    bring(shop, [CLOSED, again(CLOSED, 1)])
    elsewhere = varied(CLOSED, provider_order_id="777", order_id="778")
    for item in elsewhere["line_items"]:
        item["provider_line_item_id"] = "779"
    bring(shop, [elsewhere], replace=True)
    left, new = sorted(shop.records.orders(), key=lambda order: -order.provider_id)
    assert new.provider_id == 777
    # Units keep their numbers, so the order keeps its length.
    assert left.lines[0].quantity == 2 * len(CLOSED["line_items"])
    other = varied(again(elsewhere, 1))
    other["line_items"] = [
        {**item, "line_item_id": mine["line_item_id"]}
        for item, mine in zip(other["line_items"], again(CLOSED, 1)["line_items"], strict=True)
    ]
    bring(shop, [other], replace=True)
    assert [order.provider_id for order in shop.records.orders()] == [777]


def test_an_inferred_order_shrinks_to_the_units_that_are_left() -> None:
    shop = new_shop()
    later = again(CLOSED, 1)
    bring(shop, [CLOSED, later])
    elsewhere = varied(later, provider_order_id="777")
    for item in elsewhere["line_items"]:
        item["provider_line_item_id"] = "779"
    bring(shop, [elsewhere], replace=True)
    order = shop.records.order_by_provider(int(CLOSED["provider_order_id"]))
    assert order is not None
    assert [line.quantity for line in order.lines] == [len(CLOSED["line_items"])]


def test_the_timers_of_a_replaced_return_go() -> None:
    shop = new_shop()
    bring(shop, [in_transit()], resume=True)
    body = {"rows": [in_transit()], "replace": True}
    performed = perform(shop, "importReturns", Call(body=body), NOW)
    assert performed.timers_changed
    assert shop.next_due_ms() is None


def test_a_replaced_return_begins_without_what_happened_to_it_before() -> None:
    shop, row = new_shop(), varied(OPEN)
    bring(shop, [row])
    id_ = int(row["id"])

    def performed(operation_id: str, call: Call) -> Any:
        return perform(shop, operation_id, call, NOW).answer

    report = Call(path={"id": id_}, body={"category": "other", "comment": None})
    performed("createFraudReport", report)
    performed("customerShipsByLoop", Call(body={"return_id": id_}))
    bring(shop, [row], replace=True)
    assert performed("createFraudReport", report).status == 201
    assert performed("listShipByLoop", Call()).body == {"shipments": []}
    performed("customerShipsByLoop", Call(body={"return_id": id_}))


@pytest.mark.parametrize("replaced", [True, False], ids=["replaced", "cancelled"])
def test_what_bears_the_number_of_an_imported_return_keeps_its_timers(replaced: bool) -> None:
    shop, row = new_shop(), varied(OPEN, id="1")
    bring(shop, [row])
    retry = Timer("delivery.retry", NOW + timedelta(minutes=1), 1)
    with shop.transaction(NOW) as tx:
        tx.schedule(retry)
    assert perform(shop, "getReturn", Call(path={"return_id": 1}), NOW).answer.body["return"]["timers"] == []
    if replaced:
        bring(shop, [row], replace=True)
    else:
        perform(shop, "staffCancels", Call(body={"return_id": 1}), NOW)
    with shop.transaction(NOW) as tx:
        assert tx.timers_of(1, "delivery.retry") == [retry]


# resume


def in_transit(**changes: Any) -> Row:
    row = varied(CLOSED, state="open", was_processed=False, created_at="2026-07-30T12:00:00+00:00", **changes)
    row["labels"][0]["status"] = row["label_status"] = "in_transit"
    return row


def timers_of(shop: Shop, row: Row) -> list[tuple[str, datetime]]:
    with shop.transaction(NOW) as tx:
        return [(timer.kind, timer.due) for timer in tx.timers_of(int(row["id"]), *RETURN_TIMERS)]


def test_without_resume_nothing_is_set_to_happen() -> None:
    shop = new_shop()
    bring(shop, [*SAMPLES, again(in_transit(), 5)])
    assert shop.next_due_ms() is None


def test_resumed_a_parcel_on_its_way_goes_on() -> None:
    shop = new_shop(Policy(processing_event="disabled"))
    row = in_transit()
    bring(shop, [row, OPEN, CANCELLED], resume=True)
    due = dict(timers_of(shop, row))
    assert due["return.expire"] == datetime(2026, 8, 27, 12, tzinfo=UTC)
    assert due["carrier.scan"] >= NOW
    assert timers_of(shop, OPEN) == timers_of(shop, CANCELLED) == []
    while run_next_timer(shop, to_ms(NOW + timedelta(days=60))):
        pass
    after = shown(shop, row["id"])
    assert (after["state"], after["label_status"], after["labels"][0]["status"]) == ("open", "delivered", "delivered")


def test_resumed_what_should_have_happened_happens_now() -> None:
    shop = new_shop()
    row = in_transit()
    row["created_at"] = "2025-01-01T00:00:00+00:00"
    row["labels"][0]["status"] = row["label_status"] = "new"
    bring(shop, [row], resume=True)
    assert {due for _, due in timers_of(shop, row)} == {NOW}


def test_resumed_a_pending_label_is_made() -> None:
    shop = new_shop()
    row = varied(OPEN, carrier="", label_status="pending")
    bring(shop, [row], resume=True)
    assert timers_of(shop, row) == [("label.make", NOW)]
    run_next_timer(shop, to_ms(NOW))
    assert shown(shop, row["id"])["label_status"] == "new"


def test_a_delivered_parcel_and_a_closed_return_have_nothing_ahead() -> None:
    shop = new_shop()
    delivered = varied(CLOSED, state="open")
    bring(shop, [delivered, again(OLD, 3)], resume=True)
    assert timers_of(shop, delivered) == timers_of(shop, again(OLD, 3)) == []


# afterwards


def test_an_imported_refund_is_processed_with_the_money_of_its_row() -> None:
    shop = new_shop()
    row = varied(CLOSED, state="open", was_processed=False, outcomes_processed_at=None, shopify_refund_object=[])
    bring(shop, [row])
    with shop.transaction(NOW) as tx:
        moves.process_now(tx, tx.need_return(int(row["id"])))
    after = shown(shop, row["id"])
    assert (after["state"], after["was_processed"], after["refund"]) == ("closed", True, CLOSED["refund"])
    (entry,) = [entry for entry in shop.records.ledger() if entry["kind"] == "refund"]
    assert entry["amount"] == round(float(CLOSED["refund"]) * 100)


def test_cancelling_an_imported_return_frees_its_units() -> None:
    shop = new_shop()
    bring(shop, [OPEN])
    with shop.transaction(NOW) as tx:
        moves.cancel(tx, tx.need_return(int(OPEN["id"])))
    assert shop.records.held_units([int(OPEN["line_items"][0]["provider_line_item_id"])]) == set()
    assert shown(shop, OPEN["id"])["return_total"] == "0.00"


def test_imported_orders_are_marked() -> None:
    shop = new_shop()
    bring(shop, SAMPLES)
    assert {order.tags for order in shop.records.orders()} == {(INFERRED,)}


def test_an_import_tells_no_subscriber() -> None:
    shop = new_shop()
    performed = perform(shop, "importReturns", Call(body={"rows": SAMPLES, "resume": True}), NOW)
    assert performed.deliveries == ()


def test_an_import_can_be_done_in_slices() -> None:
    shop, other = new_shop(), new_shop()
    bring(other, SAMPLES, keep_personal_data=False)
    with shop.transaction(NOW) as tx:
        slices = sum(1 for _ in import_steps(tx, {"rows": SAMPLES}))
    assert slices >= len(SAMPLES)
    assert everything(shop) == everything(other)
