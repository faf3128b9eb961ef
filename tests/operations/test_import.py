"""Importing an export of the real list endpoint, as `POST /_loopsim/shops/{shop}/import` does it."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from loopsim.clock import Clock, to_ms
from loopsim.contract import Contract, check_response, load_contract, render
from loopsim.domain.inference import INFERRED
from loopsim.domain.policy import Policy
from loopsim.domain.shop import Settings
from loopsim.errors import Invalid, Refusal
from loopsim.operations import moves, timers  # noqa: F401  (registers the timers)
from loopsim.operations.control.imports import import_steps
from loopsim.operations.perform import Call, perform, run_next_timer
from loopsim.store.shop import Shop, blank_pages
from loopsim.wire.payloads import return_payload
from loopsim.wire.returns import details, list_row

Row = dict[str, Any]

NOW = datetime(2026, 8, 1, 12, tzinfo=UTC)
PAGES = blank_pages()
SAMPLES: list[Row] = json.loads((Path(__file__).parents[2] / "fixtures/samples/returns-export.json").read_text("utf-8"))
OPEN, CLOSED, CANCELLED = SAMPLES

# As captured in July 2019: no updated_at, outcome, barcode, labels; times of items without a zone.
OLD: Row = {
    "id": "1044123",
    "state": "closed",
    "created_at": "2019-07-08T02:55:28+00:00",
    "total": "88.40",
    "order_id": "9876631",
    "order_name": "#90507",
    "provider_order_id": "1032489234792",
    "order_number": "89507",
    "customer": "old.shopper@mail.example",
    "currency": "USD",
    "return_product_total": "104.00",
    "return_discount_total": "15.60",
    "return_tax_total": "0.00",
    "return_total": "88.40",
    "return_credit_total": "0.00",
    "exchange_product_total": "0.00",
    "exchange_discount_total": "0.00",
    "exchange_tax_total": "0.00",
    "exchange_total": "0.00",
    "exchange_credit_total": "0.00",
    "gift_card": "0.00",
    "handling_fee": "0.00",
    "refund": "88.40",
    "upsell": "0.00",
    "line_items": [
        {
            "line_item_id": str(2200100 + unit),
            "provider_line_item_id": "2398423872034",
            "product_id": "298712983102",
            "variant_id": "234982872039",
            "sku": "2039473-Y",
            "title": "Striped Shirt - M / Black",
            "price": "52.00",
            "discount": "7.80",
            "tax": "0.00",
            "refund": "44.20",
            "returned_at": "2019-07-08 02:55:28",
            "exchange_variant": "",
            "return_reason": "Too small",
            "parent_return_reason": None,
        }
        for unit in range(2)
    ],
    "exchanges": [],
    "carrier": "USPS",
    "tracking_number": "9400110200881234567890",
    "label_status": "out_for_delivery",
    "label_updated_at": "2019-07-10T12:00:00+00:00",
}


def new_shop(policy: Policy | None = None, **own: Any) -> Shop:
    shop_settings = Settings(id=1, subdomain="test", seed=11, policy=policy or Policy(), **own)
    return Shop.create("test", None, PAGES, shop_settings, Clock(mode="manual", shop_ms=to_ms(NOW)))


def bring(shop: Shop, rows: Any, **flags: bool) -> dict[str, int]:
    flags.setdefault("keep_personal_data", True)
    answer: dict[str, int] = perform(shop, "importReturns", Call(body={"rows": rows, **flags}), NOW).answer.body
    return answer


def listed(shop: Shop) -> list[Row]:
    return [list_row(return_, shop.settings) for return_ in shop.records.returns()]


def shown(shop: Shop, id_: Any) -> Row:
    return list_row(shop.records.need_return(int(id_)), shop.settings)


def strictly(value: Any) -> str:
    """JSON in which true is not 1, and 1 is not 1.0."""
    return json.dumps(value, sort_keys=True)


def varied(row: Row, **changes: Any) -> Row:
    return {**copy.deepcopy(row), **changes}


def with_line(row: Row, **changes: Any) -> Row:
    changed = copy.deepcopy(row)
    changed["line_items"][0].update(changes)
    return changed


def again(row: Row, number: int, **changes: Any) -> Row:
    """Another return of the same order line."""
    changed = varied(row, id=str(int(row["id"]) + number), **changes)
    for item in changed["line_items"]:
        item["line_item_id"] = str(int(item["line_item_id"]) + number * 1000)
    return changed


def everything(shop: Shop) -> tuple[list[str], dict[str, int]]:
    return list(shop.connection.iterdump()), dict(shop.counters)


def refused(shop: Shop, body: Any, code: str) -> Refusal:
    """The refusal of a body, having seen that it left no trace."""
    before, pages = everything(shop), shop.pages()
    with pytest.raises(Refusal) as refusal:
        perform(shop, "importReturns", Call(body=body), NOW)
    assert refusal.value.code == code
    assert everything(shop) == before
    assert shop.pages() == pages
    return refusal.value


def position(refusal: Refusal) -> str:
    return f"{refusal.params['where']}: {refusal.params['reason']}"


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


def mailboxes(value: Any) -> set[str]:
    return {each.lower() for each in re.findall(r"[\w.+-]+@[\w.]+", json.dumps(value))}


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


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
TIMES = st.sampled_from(
    [
        "2023-01-01T22:27:15.000Z",
        "2023-01-01 22:27:15",
        "2023-01-01T22:27:15.123456+02:00",
        "2023-01-01",
        "2023-1-5 07:00:00 UTC",
        None,
    ]
)
PHP_TIMES = st.sampled_from(
    [
        {"date": "2024-01-01 12:00:00.000000", "timezone_type": 3, "timezone": "UTC"},
        {"date": "2024-01-01 12:00:00.5", "timezone_type": 1, "timezone": "+02:00"},
        {"date": "2024-01-01 12:00:00", "timezone_type": 3, "timezone": "America/New_York"},
        "2024-01-01 12:00:00",
        None,
    ]
)
MONEY = st.sampled_from(["0.00", "-29.99", "7", "7.5", 12, 12.25, None, "123456789.01"])
IDS = st.integers(1, 10**18).flatmap(lambda number: st.sampled_from([number, str(number)]))
TEXTS = st.sampled_from(["", "N/A", "größer „als“", None, "\U0001f9e6 / \\u0041", 41])
# What may take the place of a value, by the keys under which it stands.
PECULIAR: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(["updated_at", "edited_at", "returned_at", "label_updated_at"], TIMES),
    **dict.fromkeys(["return_processed", "refund_processed", "exchange_processed"], PHP_TIMES),
    **dict.fromkeys(["price", "discount", "tax", "refund", "refund_item", "total", "gift_card", "return_total"], MONEY),
    **dict.fromkeys(["order_number", "sku", "title", "return_comment", "barcode", "carrier", "outcome"], TEXTS),
    **dict.fromkeys(["variant_id", "product_id", "exchange_order_id", "destination_id"], IDS | st.none()),
    **dict.fromkeys(
        ["condition", "disposition", "return_method", "outcomes_processed_at"], st.sampled_from([None, []])
    ),
    **dict.fromkeys(["exchanges", "labels", "shopify_refund_object"], st.sampled_from([None, []])),
    "exchange_variant": IDS | st.sampled_from(["", None]),
    "label_status": st.sampled_from(["pending", "N/A", "", "new", "failure", "available_for_pickup", None]),
    "label_rate": ANYTHING,
    "status_page_url": st.sampled_from(["", None, "https://example.com/#/return/nothing"]),
    "multi_currency": st.sampled_from([True, False, None]),
    "currency": st.sampled_from(["EUR", "USD", "JPY", None]),
}
NEEDED = {
    "id",
    "state",
    "created_at",
    "line_items",
    "line_item_id",
    "exchange_id",
    "provider_order_id",
    "order_id",
    "date",
}


def objects_in(value: Any) -> list[Row]:
    """Every object of a row, the row first."""
    found = [value] if isinstance(value, dict) else []
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        found += objects_in(inner)
    return found


@st.composite
def rows(draw: st.DrawFn) -> Row:
    row: Row = copy.deepcopy(draw(st.sampled_from([*SAMPLES, OLD])))
    for _ in range(draw(st.integers(0, 6))):
        target = draw(st.sampled_from(objects_in(row)))
        change = draw(st.sampled_from(["add", "drop", "twist"]))
        if change == "add":
            target[draw(st.text(min_size=1, max_size=6).map(lambda text: f"x_{text}"))] = draw(ANYTHING)
            continue
        keys = sorted(set(target) - NEEDED if change == "drop" else set(target) & set(PECULIAR))
        if not keys:
            continue
        key = draw(st.sampled_from(keys))
        if change == "drop":
            del target[key]
        else:
            target[key] = copy.deepcopy(draw(PECULIAR[key]))
    return row


MANY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@MANY
@given(row=rows())
def test_whatever_is_peculiar_about_a_row_list_shows_it_again(row: Row) -> None:
    shop = new_shop()
    bring(shop, [row])
    assert strictly(listed(shop)) == strictly([row])


@MANY
@given(row=rows())
def test_without_people_all_else_of_a_row_comes_back(row: Row) -> None:
    assume("@" not in json.dumps(row.get("return_comment")))
    shop = new_shop()
    bring(shop, [row], keep_personal_data=False)
    assert strictly(masked(listed(shop))) == strictly(masked([row]))


def masked(value: Any) -> Any:
    """The value with all e-mail addresses alike."""
    if isinstance(value, dict):
        return {key: masked(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [masked(inner) for inner in value]
    return "someone@somewhere" if isinstance(value, str) and re.fullmatch(r"[\w.+-]+@[\w.]+", value) else value


@MANY
@given(row=rows())
def test_an_imported_return_can_be_moved_on_and_keeps_what_it_had_beyond_ours(row: Row) -> None:
    shop = new_shop()
    bring(shop, [{**row, "x_extra": {"deep": [1]}, "state": "open"}])
    later = NOW + timedelta(days=1)
    with shop.transaction(later) as tx:
        moves.close(tx, tx.need_return(int(row["id"])))
    after = shown(shop, row["id"])
    assert (after["state"], after["updated_at"]) == ("closed", "2026-08-02T12:00:00+00:00")
    assert after["x_extra"] == {"deep": [1]}
    assert {key: after.get(key) for key in row if key.startswith("x_")} == {
        key: value for key, value in row.items() if key.startswith("x_")
    }


@st.composite
def spoilt_rows(draw: st.DrawFn) -> Row:
    row: Row = copy.deepcopy(draw(st.sampled_from([*SAMPLES, OLD])))
    for _ in range(draw(st.integers(1, 3))):
        target = draw(st.sampled_from(objects_in(row)))
        if target:
            target[draw(st.sampled_from(sorted(target)))] = copy.deepcopy(draw(ANYTHING | IDS | TIMES | MONEY | TEXTS))
    return row


@MANY
@given(row=spoilt_rows(), keep=st.booleans())
def test_a_row_with_anything_anywhere_is_refused_or_taken_whole(row: Row, keep: bool) -> None:
    shop = new_shop()
    code = None
    try:
        bring(shop, [row], keep_personal_data=keep, resume=True)
    except Refusal as refusal:
        code = refusal.code
    if code is not None:
        assert code == "import_invalid"
        return
    (return_,) = shop.records.returns()
    if keep:
        assert strictly(listed(shop)) == strictly([row])
    for view in (
        list_row(return_, shop.settings),
        details(return_, shop.settings),
        details(return_, shop.settings, "presentment"),
    ):
        msgspec.json.encode(view)
    msgspec.json.encode(return_payload("return.updated", return_, shop.settings))
    while run_next_timer(shop, to_ms(NOW + timedelta(days=60))):
        pass


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


# orders and units


def test_orders_have_exactly_the_units_seen() -> None:
    shop = new_shop()
    bring(shop, [CLOSED, again(CLOSED, 1), again(CLOSED, 2, state="cancelled")])
    (order,) = shop.records.orders()
    (line,) = order.lines
    units = [unit.unit for return_ in shop.records.returns() for unit in return_.lines]
    assert units == list(range(3 * len(CLOSED["line_items"])))
    assert line.quantity == line.fulfilled == len(units)
    assert str(line.id) == CLOSED["line_items"][0]["provider_line_item_id"]
    assert str(order.provider_id) == CLOSED["provider_order_id"]
    assert order.fulfillments[0].lines == ((line.id, len(units)),)
    assert order.created_at < order.fulfillments[0].fulfilled_at < min(r.created_at for r in shop.records.returns())


def test_units_are_held_but_those_of_cancelled_returns() -> None:
    shop = new_shop()
    answer = bring(shop, [CLOSED, again(CLOSED, 1, state="cancelled"), again(CLOSED, 2, state="expired")])
    line = int(CLOSED["line_items"][0]["provider_line_item_id"])
    count = len(CLOSED["line_items"])
    held = shop.records.held_units([line])
    assert held == {(line, unit) for unit in (*range(count), *range(2 * count, 3 * count))}
    assert answer["held_units"] == 2 * count


def test_the_order_of_a_second_import_grows() -> None:
    shop = new_shop()
    bring(shop, [CLOSED])
    more = with_line(again(CLOSED, 1), provider_line_item_id="13872699999999")
    assert bring(shop, [more])["orders"] == 1
    (order,) = shop.records.orders()
    count = len(CLOSED["line_items"])
    assert {line.id: line.quantity for line in order.lines} == {
        int(CLOSED["line_items"][0]["provider_line_item_id"]): 2 * count - 1,
        13872699999999: 1,
    }


def placed(shop: Shop, row: Row, **changes: Any) -> None:
    """An order that nobody inferred, with the lines of a row."""
    bring(shop, [row])
    (order,) = shop.records.orders()
    with shop.transaction(NOW) as tx:
        tx.put_order(msgspec.structs.replace(order, tags=(), **changes))
        tx.delete_return(int(row["id"]))


def test_an_order_of_the_shop_is_used_when_it_has_the_lines_and_made_longer_when_needed() -> None:
    shop = new_shop()
    placed(shop, CLOSED, name="#mine")
    bring(shop, [CLOSED, again(CLOSED, 1)])
    (order,) = shop.records.orders()
    assert (order.name, order.tags) == ("#mine", ())
    assert order.lines[0].quantity == order.lines[0].fulfilled == 2 * len(CLOSED["line_items"])
    assert {return_.order.id for return_ in shop.records.returns()} == {order.id}


def test_an_order_of_the_shop_without_the_line_is_not_touched() -> None:
    shop = new_shop()
    placed(shop, CLOSED)
    row = with_line(CLOSED, provider_line_item_id="5")
    refusal = refused(shop, {"rows": [row]}, "import_invalid")
    assert position(refusal) == (
        f"row 1: line_items[0].provider_line_item_id: order {CLOSED['provider_order_id']} of this shop has no line 5"
    )


def test_a_unit_that_another_order_of_the_shop_holds_is_not_given_out_again() -> None:
    shop = new_shop()
    bring(shop, [CLOSED])
    bring(shop, [again(CLOSED, 1, provider_order_id="777")])
    count = len(CLOSED["line_items"])
    held = shop.records.held_units([int(CLOSED["line_items"][0]["provider_line_item_id"])])
    assert {unit for _, unit in held} == set(range(2 * count))


def test_an_order_of_the_shop_knows_better_than_a_row_whether_taxes_are_inside_prices() -> None:
    shop = new_shop()
    placed(shop, CLOSED, taxes_included=True)
    bring(shop, [CLOSED])
    assert shop.records.need_return(int(CLOSED["id"])).order.taxes_included
    assert strictly(listed(shop)) == strictly([CLOSED])


def test_orders_outside_shopify_keep_the_platforms_id_as_their_own() -> None:
    shop = new_shop()
    bring(shop, [varied(OPEN, provider_order_id="897124837339762688"), CLOSED])
    ids = {return_.id: return_.order.id for return_ in shop.records.returns()}
    assert ids[int(OPEN["id"])] == 897124837339762688
    assert ids[int(CLOSED["id"])] != int(CLOSED["provider_order_id"])
    assert all(shop.records.order(id_) is not None for id_ in ids.values())


def test_an_order_line_belongs_to_one_order() -> None:
    line = OPEN["line_items"][0]["provider_line_item_id"]
    refusal = refused(new_shop(), {"rows": [OPEN, with_line(CLOSED, provider_line_item_id=line)]}, "import_invalid")
    assert position(refusal) == (
        f"row 2: line_items[0].provider_line_item_id: {line} is a line of order {OPEN['provider_order_id']} in an"
        " earlier row"
    )


def test_ids_of_the_file_are_never_given_out_again() -> None:
    shop = new_shop()
    with shop.transaction(NOW) as tx:
        first = {kind: tx.first_id(kind) for kind in ("return", "line_item", "exchange", "refund")}
    row = varied(OPEN, id=str(first["return"] + 50))
    row["line_items"][0]["line_item_id"] = str(first["line_item"] + 70)
    row["exchanges"][0]["exchange_id"] = str(first["exchange"] + 90)
    row["shopify_refund_object"] = [{"id": first["refund"] + 110}]
    bring(shop, [row])
    with shop.transaction(NOW) as tx:
        assert tx.next_id("return") == first["return"] + 51
        assert tx.next_id("line_item") == first["line_item"] + 71
        assert tx.next_id("exchange") == first["exchange"] + 91
        assert tx.next_id("refund") == first["refund"] + 111


# refusals


BROKEN: list[tuple[Any, str]] = [
    (with_line(OPEN, price="abc"), 'line_items[0].price: "abc" is not an amount like 69.95'),
    (with_line(OPEN, price="69,95"), 'line_items[0].price: "69,95" is not an amount like 69.95'),
    (with_line(OPEN, tax={}), "line_items[0].tax: an object is not an amount like 69.95"),
    (varied(OPEN, refund="1e5"), 'refund: "1e5" is not an amount like 69.95'),
    (varied(OPEN, state="processed"), 'state: "processed" is none of open, review, closed, cancelled, expired'),
    (varied(OPEN, created_at="yesterday"), 'created_at: "yesterday" is not a time like 2026-05-27T16:30:36+00:00'),
    (varied(OPEN, created_at=None), "created_at: the time is missing"),
    (varied(OPEN, edited_at=[7]), "edited_at: a list is not a time like 2026-05-27T16:30:36+00:00"),
    (varied(OPEN, id="12a"), 'id: "12a" is not an id, which is a whole number'),
    (varied(OPEN, id=-1), "id: -1 is not an id, which is a whole number"),
    (varied(OPEN, id=10**19), "id: 10000000000000000000 is not an id, which is a whole number"),
    (varied(OPEN, id=None), "id: the id is missing"),
    (varied(OPEN, line_items={}), "line_items: an object stands where a list belongs"),
    (varied(OPEN, line_items=["x"]), 'line_items[0]: "x" stands where an object belongs'),
    (with_line(OPEN, line_item_id=""), "line_items[0].line_item_id: the id is missing"),
    (with_line(OPEN, sku=["x"]), "line_items[0].sku: a list stands where text belongs"),
    (with_line(OPEN, condition="good"), 'line_items[0].condition: "good" stands where an object belongs'),
    (
        with_line(OPEN, condition={"images": [1]}),
        "line_items[0].condition.images: a list stands where a list of texts belongs",
    ),
    (varied(OPEN, was_processed="yes"), 'was_processed: "yes" stands where true or false belongs'),
    (varied(OPEN, order_id="", provider_order_id=None), "provider_order_id: the id is missing"),
    (
        varied(OPEN, labels=[{"status": "lost"}]),
        'labels[0].status: "lost" is none of new, pre_transit, in_transit, out_for_delivery, delivered, error, failure',
    ),
    (
        varied(OPEN, labels=[{"line_items": ["x"]}]),
        'labels[0].line_items[0]: "x" is not an id, which is a whole number',
    ),
    (
        varied(OPEN, outcomes_processed_at={"refund_processed": {"date": 5}}),
        "outcomes_processed_at.refund_processed: an object is not a time like 2026-05-27T16:30:36+00:00",
    ),
]


@pytest.mark.parametrize(("row", "message"), BROKEN, ids=[message.partition(":")[0] for _, message in BROKEN])
def test_a_broken_row_is_refused_with_its_position_and_leaves_no_trace(row: Any, message: str) -> None:
    shop = new_shop()
    bring(shop, [CANCELLED])
    assert position(refused(shop, {"rows": [CLOSED, row]}, "import_invalid")) == f"row 2: {message}"


def test_what_is_no_object_is_no_row() -> None:
    assert position(refused(new_shop(), {"rows": [CLOSED, []]}, "import_invalid")) == (
        "row 2: a list stands where an object belongs"
    )


def test_a_row_that_nests_too_deep_is_refused() -> None:
    deep: Any = []
    for _ in range(80):
        deep = [deep]
    assert position(refused(new_shop(), {"rows": [varied(OPEN, x=deep)]}, "import_invalid")) == (
        "row 1: objects or lists stand more than 64 deep in each other"
    )


def test_a_return_stands_in_a_file_once() -> None:
    refusal = refused(new_shop(), {"rows": [OPEN, CLOSED, OPEN]}, "import_invalid")
    assert position(refusal) == f"row 3: id: {OPEN['id']} is the id of row 1 too"


def test_a_line_item_belongs_to_one_return() -> None:
    item = OPEN["line_items"][0]["line_item_id"]
    refusal = refused(new_shop(), {"rows": [OPEN, with_line(CLOSED, line_item_id=item)]}, "import_invalid")
    assert position(refusal) == f"row 2: line_items[0].line_item_id: {item} is an item of return {OPEN['id']} too"
    doubled = varied(CLOSED, line_items=[copy.deepcopy(CLOSED["line_items"][0])] * 2)
    refusal = refused(new_shop(), {"rows": [doubled]}, "import_invalid")
    assert position(refusal).startswith("row 1: line_items[1].line_item_id: ")


SYNTAX = [
    ('[\n {"id": "1",\n  "state" "open"}\n]', 3, 11, "expecting ':' delimiter"),
    ('[{"id": "ü"},,]', 1, 14, "expecting value"),
    ('[{"id": 1}', 1, 11, "expecting ',' delimiter"),
    ("", 1, 1, "expecting value"),
    ('[\n{"price": NaN}]', 2, 11, "invalid character"),
    (b'[\n"\xff"]', 2, 2, "this is not UTF-8"),
    ("[" * 100_000, 1, 1, "objects or lists stand too deep in each other"),
]


@pytest.mark.parametrize(("raw", "line", "column", "reason"), SYNTAX, ids=[reason for *_, reason in SYNTAX])
def test_text_that_is_no_json_is_refused_with_line_and_column(raw: Any, line: int, column: int, reason: str) -> None:
    refusal = refused(new_shop(), {"raw": raw}, "import_unreadable")
    assert refusal.params == {"line": line, "column": column, "reason": reason}


@pytest.mark.parametrize("raw", ["7", '{"data": []}', '{"returns": {}}', "null"])
def test_json_without_a_list_of_returns_is_refused(raw: str) -> None:
    refusal = refused(new_shop(), {"raw": raw}, "import_invalid")
    assert refusal.params["where"] == "the file"


@pytest.mark.parametrize("body", [{}, None, {"rows": [], "raw": "[]"}])
def test_either_rows_or_their_text_are_sent(body: Any) -> None:
    with pytest.raises(Invalid):
        perform(new_shop(), "importReturns", Call(body=body), NOW)


def test_ids_that_are_there_are_refused_all_of_them() -> None:
    shop = new_shop()
    bring(shop, [OPEN, CANCELLED])
    refusal = refused(shop, {"rows": SAMPLES}, "import_conflict")
    assert refusal.params["ids"] == ", ".join(sorted([OPEN["id"], CANCELLED["id"]]))


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load_contract()


def test_answer_and_refusals_are_what_the_contract_says(contract: Contract) -> None:
    operation, shop = contract.operation("importReturns"), new_shop()
    answer = bring(shop, SAMPLES)
    assert not check_response(operation, 200, "application/json", msgspec.json.encode(answer))
    bodies = [({"rows": SAMPLES}, "import_conflict"), ({"raw": "["}, "import_unreadable")]
    for body, code in [*bodies, ({"rows": [{}]}, "import_invalid")]:
        rendered = render(operation, refused(shop, body, code), {}, "/here")
        assert not check_response(operation, rendered.status, rendered.media_type, msgspec.json.encode(rendered.body))
    assert rendered.body["detail"] == "row 1: id: the id is missing. Nothing was imported."


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


# resume


def in_transit(**changes: Any) -> Row:
    row = varied(CLOSED, state="open", was_processed=False, created_at="2026-07-30T12:00:00+00:00", **changes)
    row["labels"][0]["status"] = row["label_status"] = "in_transit"
    return row


def timers_of(shop: Shop, row: Row) -> list[tuple[str, datetime]]:
    with shop.transaction(NOW) as tx:
        return [(timer.kind, timer.due) for timer in tx.timers_of(int(row["id"]))]


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
