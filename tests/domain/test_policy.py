"""What policy and workflow rules decide about a return, condition by condition and action by action."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import ValidationError, convert

from loopsim.domain.orders import Address, Customer
from loopsim.domain.policy import (
    CONDITIONS,
    Candidate,
    Policy,
    WorkflowActions,
    WorkflowRule,
    decide,
    processing_event_of,
)

# What the return in these tests is: two units, 30.00 together, of a customer in Poland who pays in PLN.
UNITS = (
    Candidate(sku="TEE-RED", tags=("tops", "cotton"), reason="Too big", resolution="refund", value=2000),
    Candidate(sku="MUG", tags=("homeware",), reason="Broken", resolution="exchange", value=1000),
)

# condition -> what it holds for, and what not
HOLDS: dict[str, tuple[list[Any], list[Any]]] = {
    "country": (["PL", ["US", "PL"]], ["US", []]),
    "currency": (["PLN", ["PLN", "EUR"]], ["EUR"]),
    "order_tag": (["wholesale"], ["retail"]),
    "customer_tag": (["vip", ["vip", "staff"]], ["staff"]),
    "product_tag": (["cotton", "homeware"], ["fleece"]),
    "sku": (["MUG", ["TEE-RED", "X"]], ["TEE"]),
    "reason": (["Broken"], ["broken"]),
    "outcome": (["refund", "exchange"], ["credit"]),
    "method": (["mail"], ["in_store", "happy_returns"]),
    "value_at_least": ([3000, 0], [3001]),
    "value_below": ([3001], [3000]),
}


def order(make: Any) -> Any:
    return make.order(
        currency="EUR",
        presentment_currency="PLN",
        tags=("wholesale",),
        customer=Customer(id=3, email="a@b.c", first_name="", last_name="", tags=("vip", "old")),
        shipping_address=Address(country_code="PL"),
    )


def decided(make: Any, policy: Policy, units: Any = UNITS, method: Any = "mail") -> Any:
    return decide(policy, order(make), units, method, 5)


def with_rules(*rules: tuple[dict[str, Any], dict[str, Any]], **own: Any) -> Policy:
    made = tuple(WorkflowRule(when=when, then=WorkflowActions(**then)) for when, then in rules)
    return Policy(workflows=made, **own)


def test_every_condition_is_in_this_table() -> None:
    assert set(HOLDS) == set(CONDITIONS)


@pytest.mark.parametrize(
    ("condition", "wanted", "holds"),
    [
        (condition, wanted, holds)
        for condition, (yes, no) in HOLDS.items()
        for values, holds in ((yes, True), (no, False))
        for wanted in values
    ],
)
def test_a_rule_applies_when_its_condition_holds(condition: str, wanted: Any, holds: bool, make: Any) -> None:
    policy = with_rules(({condition: wanted}, {"send_to_review": True}))
    assert decided(make, policy).review is holds


def test_a_rule_applies_only_when_all_its_conditions_hold(make: Any) -> None:
    both = with_rules(({"country": "PL", "sku": "MUG"}, {"send_to_review": True}))
    one = with_rules(({"country": "PL", "sku": "NONE"}, {"send_to_review": True}))
    assert decided(make, both).review
    assert not decided(make, one).review


def test_without_rules_the_policy_decides(make: Any) -> None:
    decision = decided(make, Policy(handling_fee=395, bonus_credit=500, processing_event="in_transit"))
    assert (decision.review, decision.processing_event, decision.destination_id) == (False, "in_transit", 5)
    assert (decision.handling_fee, decision.bonus_credit) == (395, 500)
    assert (decision.line_outcome, decision.excluded, decision.excluded_methods) == ("default", (), ())


def test_a_condition_that_does_not_exist_is_refused_when_the_rule_is_read() -> None:
    with pytest.raises(ValidationError, match="there is no condition countri"):
        convert({"when": {"countri": "US"}, "then": {}}, WorkflowRule)


def test_of_several_processing_events_the_latest_counts() -> None:
    policy = Policy(processing_event="in_transit", processing_events={"exchange": "delivered", "credit": "immediate"})
    assert processing_event_of(policy, ["refund", "credit"]) == "in_transit"
    assert processing_event_of(policy, ["refund", "credit", "exchange"]) == "delivered"
    assert processing_event_of(policy, []) == "in_transit"


# action -> where the decision shows it
ACTIONS: list[tuple[dict[str, Any], str, Any]] = [
    ({"send_to_review": True}, "review", True),
    ({"keep_item": True}, "line_outcome", "keep"),
    ({"donate_item": True}, "line_outcome", "donate"),
    ({"reject_item": True}, "line_outcome", "reject"),
    ({"bypass_final_sale": True}, "bypass_final_sale", True),
    ({"processing_event": "disabled"}, "processing_event", "disabled"),
    ({"destination_id": 9}, "destination_id", 9),
    ({"handling_fee": 0}, "handling_fee", 0),
    ({"bonus_credit": 77}, "bonus_credit", 77),
    ({"exclude_outcomes": ("refund", "credit")}, "excluded", ("credit", "refund")),
    ({"exclude_methods": ("in_store",)}, "excluded_methods", ("in_store",)),
]


def test_every_action_is_in_this_table() -> None:
    assert {name for then, _, _ in ACTIONS for name in then} == set(WorkflowActions.__struct_fields__)


@pytest.mark.parametrize(("then", "name", "expected"), ACTIONS)
def test_an_action_overrides_the_policy(then: dict[str, Any], name: str, expected: Any, make: Any) -> None:
    policy = with_rules(({}, then), handling_fee=395, bonus_credit=500)
    assert getattr(decided(make, policy), name) == expected
    never = with_rules(({"country": "XX"}, then), handling_fee=395, bonus_credit=500)
    assert getattr(decided(make, never), name) != expected


def test_of_one_kind_of_action_the_first_rule_wins(make: Any) -> None:
    policy = with_rules(
        ({}, {"processing_event": "in_transit"}), ({}, {"processing_event": "disabled", "handling_fee": 1})
    )
    decision = decided(make, policy)
    assert (decision.processing_event, decision.handling_fee) == ("in_transit", 1)


def test_exclusions_of_several_rules_add_up(make: Any) -> None:
    policy = with_rules(({}, {"exclude_outcomes": ("refund",)}), ({}, {"exclude_outcomes": ("credit", "refund")}))
    assert decided(make, policy).excluded == ("credit", "refund")


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ({}, "delivered"),
        ({"refund": "immediate"}, "delivered"),  # the exchange still waits
        ({"refund": "immediate", "exchange": "pre_transit"}, "pre_transit"),
        ({"refund": "in_transit", "exchange": "immediate"}, "in_transit"),
        ({"exchange": "disabled"}, "disabled"),
        ({"credit": "disabled"}, "delivered"),  # no unit is for credit
    ],
)
def test_of_a_mixed_return_the_latest_event_counts(events: dict[Any, Any], expected: str, make: Any) -> None:
    assert decided(make, Policy(processing_events=events)).processing_event == expected


@pytest.mark.parametrize(
    ("policy", "method", "event", "outcome"),
    [
        (Policy(keep_item_below=3001), "mail", "immediate", "keep"),
        (Policy(keep_item_below=3000), "mail", "delivered", "default"),
        (Policy(keep_item_below=3001, processing_event="disabled"), "mail", "disabled", "keep"),
        (Policy(), "in_store", "immediate", "default"),
        (Policy(), "happy_returns", "delivered", "default"),
        (with_rules(({}, {"donate_item": True})), "mail", "immediate", "donate"),
        (with_rules(({}, {"keep_item": True, "donate_item": True})), "mail", "immediate", "keep"),
        (with_rules(({}, {"keep_item": True, "processing_event": "delivered"})), "mail", "delivered", "keep"),
    ],
)
def test_what_does_not_travel_is_processed_at_once(
    policy: Policy, method: Any, event: str, outcome: str, make: Any
) -> None:
    decision = decided(make, policy, method=method)
    assert (decision.processing_event, decision.line_outcome) == (event, outcome)


def test_a_bonus_in_percent_is_of_the_units_that_earn_one(make: Any) -> None:
    units = (
        *UNITS,
        Candidate(sku="A", tags=(), reason="", resolution="credit", value=999),
        Candidate(sku="B", tags=(), reason="", resolution="shop_now", value=2000),
    )
    assert decided(make, Policy(bonus_percent=10, bonus_credit=5), units=units).bonus_credit == 5 + 299
    assert decided(make, Policy(bonus_percent=10)).bonus_credit == 0
