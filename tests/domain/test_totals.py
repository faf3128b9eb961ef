"""The equations R1 to R7 of `domain/totals.py`, as properties over every mixture of outcomes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import Struct, structs

from loopsim.domain.orders import share
from loopsim.domain.returns import Refund, Return, with_money
from loopsim.domain.totals import Totals, UnitRefund, cancelled, outcome_word, settle, unit_refund, value
from loopsim.wire.presentment import in_presentment

RESOLUTIONS = ("refund", "credit", "exchange", "shop_now")
PRINTED = (
    "return_product", "return_discount", "return_tax", "return_total", "return_credit", "exchange_product",
    "exchange_discount", "exchange_tax", "exchange_total", "exchange_credit", "exchange", "gift_card", "handling_fee",
    "refund", "upsell", "bonus", "total",
)  # fmt: skip


class Piece(Struct, frozen=True):
    price: int
    discount: int = 0
    tax: int = 0


@st.composite
def pieces(draw: st.DrawFn) -> Piece:
    price = draw(st.integers(0, 500_00))
    return Piece(price, draw(st.integers(0, price)), draw(st.integers(0, price // 4)))


@st.composite
def mixtures(draw: st.DrawFn) -> dict[str, Any]:
    """Units with their outcomes, and new items: the even ones of variant exchanges, and what was bought."""
    units = draw(st.lists(st.tuples(pieces(), st.sampled_from(RESOLUTIONS)), min_size=1, max_size=6))
    items = [piece for piece, resolution in units if resolution == "exchange"]
    if any(resolution == "shop_now" for _, resolution in units):
        items += draw(st.lists(pieces(), max_size=4))
    return {
        "units": units,
        "items": items,
        "taxes_included": draw(st.booleans()),
        "leftover": draw(st.sampled_from(["refund", "credit"])),
        "fee": draw(st.sampled_from([0, 0, 395]) | st.integers(0, 2000_00)),
        "bonus": draw(st.sampled_from([0, 0, 500]) | st.integers(0, 300_00)),
    }


def settled(mixture: dict[str, Any]) -> Totals:
    rest = {name: mixture[name] for name in ("taxes_included", "leftover", "fee", "bonus")}
    return settle(list(mixture["units"]), list(mixture["items"]), **rest)


@given(mixtures())
def test_r1_and_r2_totals_are_sums_over_units_and_items(mixture: dict[str, Any]) -> None:
    totals, included = settled(mixture), mixture["taxes_included"]
    for side, members in (("return", [piece for piece, _ in mixture["units"]]), ("exchange", mixture["items"])):
        product, discount, tax = (getattr(totals, f"{side}_{name}") for name in ("product", "discount", "tax"))
        assert product == sum(piece.price for piece in members)
        assert discount == sum(piece.discount for piece in members)
        assert tax == sum(piece.tax for piece in members)
        assert getattr(totals, f"{side}_total") == product - discount + (0 if included else tax)


@given(mixtures())
def test_r3_credit_used_is_the_same_on_both_sides_and_no_more_than_the_new_items_cost(mixture: dict[str, Any]) -> None:
    totals, included = settled(mixture), mixture["taxes_included"]
    own = sum(value(piece, included) for piece, word in mixture["units"] if word in {"exchange", "shop_now"})
    assert totals.return_credit == totals.exchange_credit
    assert totals.exchange_credit == min(own + mixture["bonus"], totals.exchange_total)


@given(mixtures())
@example(
    {"units": [(Piece(1000), "exchange")], "items": [Piece(1000)], "taxes_included": True, "leftover": "refund",
     "fee": 395, "bonus": 500}
)  # fmt: skip
def test_r4_what_comes_in_is_what_goes_out(mixture: dict[str, Any]) -> None:
    totals = settled(mixture)
    came = totals.return_total + totals.bonus + totals.upsell
    assert came == totals.exchange_total + totals.refund + totals.gift_card + totals.handling_fee


@given(mixtures())
def test_r5_the_total_is_refund_and_gift_card(mixture: dict[str, Any]) -> None:
    totals = settled(mixture)
    assert totals.total == totals.refund + totals.gift_card


@given(pieces(), st.sampled_from(RESOLUTIONS), st.booleans())
@example(Piece(1000, 990, 200), "refund", True)
def test_r6_a_unit_is_refunded_its_worth_in_item_and_tax(piece: Piece, resolution: str, included: bool) -> None:
    refund = unit_refund(piece, resolution, included)
    assert refund.refund == refund.item + refund.tax
    assert refund.refund == (value(piece, included) if resolution == "refund" else 0)
    assert refund.item >= 0
    assert refund.tax >= 0


@given(mixtures())
def test_r7_unit_refunds_and_what_is_left_over_make_the_refund_but_for_the_fee(mixture: dict[str, Any]) -> None:
    totals, included = settled(mixture), mixture["taxes_included"]
    units = sum(unit_refund(piece, word, included).refund for piece, word in mixture["units"])
    own = sum(value(piece, included) for piece, word in mixture["units"] if word in {"exchange", "shop_now"})
    left = max(0, own - totals.exchange_total) if mixture["leftover"] == "refund" else 0
    assert totals.refund == units + left - min(mixture["fee"], units + left)


@given(mixtures())
def test_no_amount_is_ever_negative(mixture: dict[str, Any]) -> None:
    totals = settled(mixture)
    assert set(PRINTED) == set(totals.__struct_fields__)
    assert all(getattr(totals, name) >= 0 for name in PRINTED)


@given(mixtures())
def test_the_fee_is_paid_by_the_refund_then_the_gift_card_then_the_customers_card(mixture: dict[str, Any]) -> None:
    free = settled({**mixture, "fee": 0})
    totals, fee = settled(mixture), mixture["fee"]
    from_refund = min(fee, free.refund)
    from_card = min(fee - from_refund, free.gift_card)
    assert totals.handling_fee == fee
    assert totals.refund == free.refund - from_refund
    assert totals.gift_card == free.gift_card - from_card
    assert totals.upsell == free.upsell + fee - from_refund - from_card


@given(mixtures())
def test_a_bonus_never_becomes_cash(mixture: dict[str, Any]) -> None:
    assert settled(mixture).refund == settled({**mixture, "bonus": 0}).refund


def reckon(units: list[tuple[Piece, str]], items: list[Piece] | None = None, **rest: Any) -> Totals:
    return settle(list(units), list(items or []), **{"taxes_included": False, **rest})


def test_the_captured_refund_adds_up() -> None:
    """A return of July 2019: 104.00 less 15.60 is refunded as 88.40, and nothing is credit."""
    totals = reckon([(Piece(10400, 1560), "refund")])
    assert (totals.return_total, totals.refund, totals.total, totals.return_credit) == (8840, 8840, 8840, 0)


def test_the_captured_exchange_adds_up() -> None:
    """An even exchange of June 2026: total and refund are nothing, the three totals are equal."""
    totals = reckon([(Piece(11800, 0, 590), "exchange")], [Piece(11800, 0, 590)])
    assert (totals.total, totals.refund, totals.upsell) == (0, 0, 0)
    assert {totals.return_total, totals.return_credit, totals.exchange_total, totals.exchange_credit} == {12390}


def test_prices_with_tax_inside_are_refunded_as_they_are() -> None:
    totals = reckon([(Piece(5490, 0, 1027), "refund")], taxes_included=True)
    assert (totals.return_total, totals.refund, totals.return_tax) == (5490, 5490, 1027)
    assert unit_refund(Piece(5490, 0, 1027), "refund", True) == UnitRefund(refund=5490, item=4463, tax=1027)


def test_a_dearer_purchase_is_paid_for_and_a_cheaper_one_leaves_credit() -> None:
    dearer = reckon([(Piece(5000), "shop_now")], [Piece(7000)])
    assert (dearer.upsell, dearer.refund, dearer.exchange_credit) == (2000, 0, 5000)
    cheaper = reckon([(Piece(5000), "shop_now")], [Piece(3000)], leftover="credit")
    assert (cheaper.upsell, cheaper.gift_card, cheaper.refund) == (0, 2000, 0)


def test_bonus_credit_buys_new_items_or_goes_onto_the_gift_card_and_lapses_otherwise() -> None:
    spent = reckon([(Piece(5000), "shop_now")], [Piece(5600)], bonus=1000)
    assert (spent.bonus, spent.exchange_credit, spent.upsell) == (600, 5600, 0)
    carded = reckon([(Piece(5000), "credit")], bonus=1000)
    assert (carded.bonus, carded.gift_card) == (1000, 6000)
    even = reckon([(Piece(5000), "exchange")], [Piece(5000)], bonus=1000)
    assert (even.bonus, even.refund, even.gift_card) == (0, 0, 0)
    assert reckon([(Piece(5000), "refund")], bonus=1000).bonus == 0


def test_a_vendors_negative_credit_line_is_taken_as_it_is() -> None:
    assert reckon([(Piece(-2999), "credit")]).return_total == -2999


def test_a_cancelled_return_keeps_only_the_worth_of_its_new_items() -> None:
    totals = reckon([(Piece(5000), "exchange")], [Piece(5000)])
    assert cancelled(totals) == Totals(exchange=5000)


WORDS: list[tuple[list[str], dict[str, int], str | None]] = [
    # what each unit is for, what was reckoned, Loop's word
    (["refund"], {"refund": 10}, "refund"),
    (["refund"], {}, "refund"),  # the fee took it all
    (["credit"], {"gift_card": 10}, "credit"),
    (["refund", "credit"], {"refund": 5, "gift_card": 5}, "credit+refund"),
    (["exchange"], {"exchange_product": 10, "exchange_total": 10, "exchange_credit": 10}, "exchange"),
    (["exchange", "refund"], {"exchange_product": 10, "refund": 5}, "exchange+refund"),
    (["exchange", "credit"], {"exchange_product": 10, "gift_card": 5}, "exchange+credit"),
    (["exchange", "credit", "refund"], {"exchange_product": 10, "gift_card": 5, "refund": 5}, "exchange+refund"),
    (["shop_now"], {"exchange_product": 10, "exchange_total": 10, "exchange_credit": 10}, "exchange"),
    (["shop_now"], {"exchange_product": 15, "exchange_total": 15, "exchange_credit": 10, "upsell": 5}, "upsell"),
    (["shop_now"], {"exchange_product": 5, "refund": 5}, "exchange+refund"),
    (["shop_now"], {"exchange_product": 5, "gift_card": 5}, "exchange+credit"),
    # an even exchange whose fee is paid by card is no upsell
    (["exchange"], {"exchange_product": 10, "exchange_total": 10, "exchange_credit": 10, "upsell": 4}, "exchange"),
    # nothing was bought after all
    (["shop_now"], {"refund": 10}, "refund"),
    (["shop_now"], {"gift_card": 10}, "credit"),
    (["shop_now"], {}, None),
    ([], {}, None),
]


@pytest.mark.parametrize(("resolutions", "amounts", "word"), WORDS)
def test_the_outcome_is_named_in_loops_words(resolutions: list[str], amounts: dict[str, int], word: str | None) -> None:
    assert outcome_word(resolutions, Totals(**amounts)) == word


@given(st.integers(0, 10**9), st.integers(1, 50))
def test_shares_add_up_and_differ_by_a_cent_at_most(total: int, parts: int) -> None:
    shares = [share(total, parts, index) for index in range(parts)]
    assert sum(shares) == total
    assert max(shares) - min(shares) <= 1
    assert shares == sorted(shares, reverse=True)


# in the customer's currency


@given(mixtures(), st.integers(1, 20_000_000), st.booleans())
def test_a_return_in_the_customers_currency_adds_up_too(
    new_maker: Any, mixture: dict[str, Any], rate: int, refunded: bool
) -> None:
    make = new_maker()
    lines = tuple(
        make.unit(word, price=piece.price, discount=piece.discount, tax=piece.tax) for piece, word in mixture["units"]
    )
    items = tuple(make.item(price=piece.price, discount=piece.discount, tax=piece.tax) for piece in mixture["items"])
    rest = {name: mixture[name] for name in ("leftover", "fee", "bonus")}
    ref = {
        "taxes_included": mixture["taxes_included"],
        "presentment_currency": "SEK",
        "presentment_rate": rate,
    }
    return_: Return = make.return_(*lines, exchanges=items, ref=ref, **rest)
    if refunded and return_.totals.refund > 1:
        return_ = structs.replace(return_, refunds=halves(return_))
    shown = in_presentment(return_)
    totals = shown.totals
    came = totals.return_total + totals.bonus + totals.upsell
    assert came == totals.exchange_total + totals.refund + totals.gift_card + totals.handling_fee
    assert all(getattr(totals, name) >= 0 for name in PRINTED)
    assert shown.outcome == return_.outcome
    assert all(line.refund == line.refund_item + line.refund_tax for line in shown.lines)
    if return_.refunds:
        assert sum(each.amount for each in shown.refunds) == totals.refund
        assert {each.currency for each in shown.refunds} == {"SEK"}


def halves(return_: Return) -> Any:
    return tuple(
        Refund(
            id=index,
            gateway="manual",
            amount=share(return_.totals.refund, 2, index),
            currency="USD",
            provider_refund_id=index,
            created_at=return_.created_at,
        )
        for index in range(2)
    )


def test_a_return_in_one_currency_is_shown_as_it_is(make: Any) -> None:
    return_ = make.return_()
    assert in_presentment(return_) is return_


def test_reckoning_again_changes_nothing(make: Any) -> None:
    return_ = make.return_(make.unit("exchange"), make.unit("refund", tax=99), exchanges=(make.item(),), fee=395)
    assert with_money(return_) == return_
