"""From a customer's choices to a return: units, new items, money, what happens next, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec import structs

from loopsim.domain.labels import Label
from loopsim.domain.policy import Policy, WorkflowActions, WorkflowRule, decide
from loopsim.domain.returns import Condition, Processed, ProcessJob
from loopsim.domain.submission import candidates, check, edit
from loopsim.errors import Refusal


def timers(change: Any) -> dict[str, timedelta]:
    return {timer.kind: timer.due - change.return_.created_at for timer in change.timers}


def rule(**then: Any) -> Policy:
    return Policy(workflows=(WorkflowRule(then=WorkflowActions(**then)),))


def test_each_unit_becomes_a_row_and_the_line_s_discount_and_tax_are_shared_out(make: Any) -> None:
    return_ = make.submit("refund", "refund", "refund").return_
    assert [line.unit for line in return_.lines] == [0, 1, 2]
    assert [line.id for line in return_.lines] == [1, 2, 3]
    assert [line.discount for line in return_.lines] == [101, 100, 100]
    assert [line.tax for line in return_.lines] == [151, 150, 150]
    assert {line.order_line_id for line in return_.lines} == {11}
    assert return_.totals.refund == 6000 - 301 + 451


def test_a_submission_tells_of_itself_and_has_a_label_made_four_seconds_later(make: Any) -> None:
    change = make.submit("refund")
    assert [event.trigger for event in change.events] == ["return.created"]
    assert change.events[0].subject == change.return_
    assert timers(change) == {"label.make": timedelta(seconds=4)}
    assert [entry.kind for entry in change.ledger] == ["return_opened"]
    assert change.return_.created_at == change.return_.updated_at == make.now
    assert change.stock == ()


def test_outside_shopify_nothing_is_done_on_the_platform(make: Any) -> None:
    change = make.submit("exchange", platform="custom", instant=True)
    assert [entry.kind for entry in change.ledger] == ["hold"]
    assert [(item.order_id, item.delivered) for item in change.return_.exchanges] == [(None, True)]


def test_the_uuid_of_a_return_depends_on_seed_and_id_alone(make: Any, new_maker: Any) -> None:
    assert make.submit("refund").return_.uuid == new_maker().submit("credit").return_.uuid
    assert make.submit("refund").return_.uuid != new_maker().submit("refund").return_.uuid


def test_a_variant_exchange_is_even_whatever_the_variants_cost_today(make: Any) -> None:
    return_ = make.submit("exchange").return_
    assert return_.exchanges[0].price == 2000 != make.variant(61).price
    assert return_.exchanges[0].variant_id == return_.lines[0].exchange_variant_id == 61
    totals = return_.totals
    assert (totals.total, totals.upsell, totals.return_credit) == (0, 0, totals.return_total)
    assert return_.outcome == "exchange"
    assert return_.exchanges[0].type == "exchange"


def test_shop_now_items_cost_their_price_with_the_order_s_own_tax_rate(make: Any) -> None:
    order = make.order(make.line(quantity=1, unit_price=10000, discount=0, tax=775))
    bought = (make.variant(70, price=4000), 2), (make.variant(71, price=1000, taxable=False), 1)
    return_ = make.submit("shop_now", order=order, shop_now=bought).return_
    assert [(item.price, item.tax) for item in return_.exchanges] == [(4000, 310), (4000, 310), (1000, 0)]
    assert return_.totals.exchange_total == 9620
    assert (return_.outcome, return_.totals.refund) == ("exchange+refund", 10775 - 9620)


def test_a_free_order_has_no_tax_rate(make: Any) -> None:
    order = make.order(make.line(quantity=1, unit_price=0, discount=0, tax=0))
    return_ = make.submit("shop_now", order=order, shop_now=((make.variant(70), 1),)).return_
    assert (return_.exchanges[0].tax, return_.outcome) == (0, "upsell")


def test_a_review_rule_makes_the_return_wait_for_staff_even_where_the_policy_is_immediate(make: Any) -> None:
    policy = structs.replace(rule(send_to_review=True), processing_event="immediate")
    change = make.submit("refund", policy=policy)
    assert (change.return_.state, change.return_.pending) == ("review", None)
    assert timers(change) == {"label.make": timedelta(seconds=4)}


def test_immediate_processing_is_queued_at_once(make: Any) -> None:
    change = make.submit("refund", policy=Policy(processing_event="immediate"))
    assert change.return_.pending == ProcessJob(source=None)
    assert timers(change)["return.process"] == timedelta(seconds=2)


@pytest.mark.parametrize(
    ("policy", "method", "source"),
    [
        (Policy(), "mail", "loop"),
        (Policy(label_source="third_party"), "mail", "third_party"),
        (Policy(label_source="none"), "mail", "none"),
        (Policy(), "happy_returns", "none"),
        (Policy(), "in_store", "none"),
        (rule(keep_item=True), "mail", "none"),
        (rule(donate_item=True), "mail", "none"),
    ],
)
def test_a_label_is_made_only_for_what_travels_as_a_parcel(policy: Any, method: Any, source: str, make: Any) -> None:
    change = make.submit("refund", policy=policy, method=method)
    assert change.return_.label_source == source
    assert ("label.make" in timers(change)) is (source != "none")


def test_a_return_by_other_ways_says_how_it_travels(make: Any) -> None:
    assert make.submit("refund").return_.return_method is None
    happy = make.submit("refund", method="happy_returns").return_.return_method
    assert (happy.provider, happy.method_type, happy.state) == ("happy_returns", "drop_off", "new")
    assert happy.rma_id == happy.scannable_id
    assert happy.rma_id in happy.qr_code_url
    store = make.submit("refund", method="in_store").return_.return_method
    assert (store.provider, store.method_type, store.rma_id) == ("loop_pos", "in_store", None)


# instant exchange


@pytest.mark.parametrize(("mode", "hold"), [("one", 100), ("full", 2050)])
def test_an_instant_exchange_makes_its_order_against_a_hold(mode: Any, hold: int, make: Any) -> None:
    policy = Policy(instant_exchange_hold=mode, instant_exchange_days=14)
    change = make.submit("exchange", policy=policy, instant=True)
    return_, item = change.return_, change.return_.exchanges[0]
    assert (return_.instant.hold, return_.instant.charge, return_.instant.state) == (hold, 2050, "held")
    assert (item.order_name, item.delivered) == ("EXC-1001-1", True)
    assert isinstance(item.order_id, int)
    assert return_.processed == Processed(exchange_at=make.now)
    assert [entry.kind for entry in change.ledger] == ["return_opened", "exchange_order", "hold"]
    assert timers(change)["exchange.charge"] == timedelta(days=14)
    assert timers(change)["exchange.hold_ends"] == timedelta(days=7)
    assert change.stock == ((61, 1),)
    assert return_.state == "open"


def test_without_new_items_nothing_is_instant(make: Any) -> None:
    assert make.submit("refund", instant=True).return_.instant is None


# gifts


def test_who_returns_a_gift_gets_what_is_left_over_as_credit(make: Any) -> None:
    return_ = make.submit("shop_now", gift=True, shop_now=((make.variant(70, price=500), 1),)).return_
    assert return_.is_gift
    assert return_.totals.refund == 0
    assert return_.totals.gift_card > 0


# refusals


@pytest.mark.parametrize(
    ("outcomes", "own", "policy", "code"),
    [
        (("refund",), {}, rule(exclude_outcomes=("refund",)), "outcome_excluded"),
        (("credit", "refund"), {}, rule(exclude_outcomes=("refund",)), "outcome_excluded"),
        (("refund",), {}, rule(reject_item=True), "outcome_excluded"),
        (("refund",), {"method": "in_store"}, rule(exclude_methods=("in_store",)), "method_excluded"),
        (("refund",), {"gift": True}, None, "gift_needs_credit"),
        (("refund",), {"shop_now": "one"}, None, "shop_now_needs_units"),
    ],
)
def test_what_the_rules_forbid_is_refused(outcomes: Any, own: Any, policy: Any, code: str, make: Any) -> None:
    if own.get("shop_now"):
        own = {"shop_now": ((make.variant(70), 1),)}
    with pytest.raises(Refusal) as refused:
        make.submit(*outcomes, policy=policy, **own)
    assert refused.value.code == code


def test_final_sale_is_refused_unless_a_rule_bypasses_it(make: Any) -> None:
    order = make.order(make.line(final_sale=True))
    with pytest.raises(Refusal) as refused:
        make.submit("refund", order=order)
    assert (refused.value.code, refused.value.params) == ("final_sale", {"sku": "SKU-11"})
    assert make.submit("refund", order=order, policy=rule(bypass_final_sale=True)).return_.state == "open"


def test_an_exchange_names_what_it_is_for(make: Any) -> None:
    submission = make.submission("refund")
    item = structs.replace(submission.items[0], resolution="exchange")
    with pytest.raises(Refusal, match="exchange_variant_missing"):
        check(structs.replace(submission, items=(item,)), decide(Policy(), submission.order, (), "mail", None))


# edits


def edited(make: Any, return_: Any, *outcomes: str, policy: Policy | None = None, **own: Any) -> Any:
    submission = make.submission(*outcomes, **own)
    decision = decide(policy or Policy(), submission.order, candidates(submission), submission.method, 5)
    return edit(return_, submission, decision, "loop", make.next_id, make.now + timedelta(hours=1))


def test_an_edit_reckons_the_money_again_and_says_when(make: Any) -> None:
    before = make.submit("refund", "refund").return_
    after = edited(make, before, "credit", policy=Policy(handling_fee=100))
    assert after.edited_at == make.now + timedelta(hours=1)
    assert (after.outcome, after.totals.refund, after.totals.gift_card) == ("credit", 0, 2000 - 101 + 151 - 100)


def test_a_unit_that_stays_keeps_its_row(make: Any) -> None:
    first = make.submit("refund").return_
    graded = structs.replace(first.lines[0], condition=Condition(description="Worn"))
    after = edited(make, structs.replace(first, lines=(graded,)), "credit", "credit")
    assert [line.id for line in after.lines] == [first.lines[0].id, first.lines[0].id + 1]
    assert [line.condition for line in after.lines] == [graded.condition, None]


def test_labels_hold_what_is_in_the_parcel_after_an_edit(make: Any) -> None:
    first = make.submit("refund", "refund").return_
    label = Label(
        id=1, status="new", carrier="", tracking_number="", created_at=make.now, updated_at=make.now,
        line_ids=tuple(line.id for line in first.lines),
    )  # fmt: skip
    after = edited(make, structs.replace(first, labels=(label,)), "refund")
    assert after.labels[0].line_ids == (after.lines[0].id,)


def test_a_gift_stays_a_gift_when_it_is_edited(make: Any) -> None:
    gift = make.submit("credit", gift=True).return_
    with pytest.raises(Refusal, match="gift_needs_credit"):
        edited(make, gift, "refund", gift=True)
    assert edited(make, gift, "credit", gift=True, leftover="refund").leftover == "credit"


@pytest.mark.parametrize(
    "own",
    [
        {"state": "review"},
        {"state": "closed"},
        {"state": "cancelled"},
        {"state": "expired"},
        {"pending": ProcessJob(source="api")},
        {"processed": Processed(exchange_at=None, refund_at=datetime(2026, 1, 1, tzinfo=UTC))},
    ],
)
def test_only_an_open_return_of_which_nothing_was_processed_can_be_edited(own: Any, make: Any) -> None:
    return_ = structs.replace(make.submit("refund").return_, **own)
    with pytest.raises(Refusal) as refused:
        edited(make, return_, "credit")
    assert (refused.value.code, refused.value.params) == ("not_editable", {"state": return_.state})
