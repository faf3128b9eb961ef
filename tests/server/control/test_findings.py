"""The rules for partners, run over a shop's journal as it is."""

from __future__ import annotations

from loopsim.client import Shop
from loopsim.rules.catalogue import RULES
from tests.server.control.conftest import call_loop


def outcomes(shop: Shop) -> dict[str, str]:
    return {each["rule"]: each["outcome"] for each in shop.findings()}


def test_every_rule_that_traffic_is_enough_for_says_something(shop: Shop) -> None:
    wanted = [rule.name for rule in RULES if rule.needs == "traffic"]
    assert list(outcomes(shop)) == wanted
    assert "failed" not in outcomes(shop).values()
    assert all(each["why"] for each in shop.findings() if each["outcome"] == "not_judged")


def test_a_partner_that_stops_after_the_first_page_is_found_out(shop: Shop) -> None:
    for _ in range(3):
        shop.customer.submits_return()
    page = call_loop(shop, "/warehouse/return/list?paginate=true&pageSize=2")
    (judged,) = [each for each in shop.findings() if each["rule"] == "pages-walked"]
    assert judged["outcome"] == "failed"
    (call,) = shop.journal(kind="call")["entries"]
    assert judged["findings"][0]["entries"] == [call["id"]]
    assert judged["mend"]
    call_loop(shop, page["nextPageUrl"].partition("/api/v1")[2])
    assert outcomes(shop)["pages-walked"] == "passed"
