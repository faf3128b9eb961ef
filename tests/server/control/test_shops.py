"""Shops, settings and keys through the control API."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import msgspec
import pytest

from loopsim import __version__
from loopsim.bootstrap import Options, Running
from loopsim.client import ControlError, Loopsim, Shop
from loopsim.domain.policy import CONDITIONS, Policy, WorkflowActions
from loopsim.embedded import EmbeddedServer
from tests.server.control.conftest import MOMENT, Receiver, call_loop


def test_health_says_what_the_server_is_and_can_do(server: Loopsim) -> None:
    health = server.health()
    assert (health["status"], health["version"]) == ("ok", __version__)
    assert health["api_versions"] == ["2026-07", "2026-10"]
    assert {"advanceClock", "createShop", "customerSubmitsReturn"} <= set(health["capabilities"])


def test_a_shop_made_of_nothing_said_is_ready_to_use(server: Loopsim) -> None:
    shop = server.create_shop()
    assert call_loop(shop, "/warehouse/return/list") == []
    assert shop.view()["clock"]["mode"] == "real"
    shop.delete()
    with pytest.raises(HTTPError):
        call_loop(shop, "/warehouse/return/list")


def test_a_shop_is_made_as_it_was_asked_for(server: Loopsim) -> None:
    shop = server.create_shop(
        "asked-for",
        world="us-apparel",
        seed=7,
        moment="2026-02-03T04:05:06+01:00",
        clock={"mode": "scaled", "rate": 60},
        policy={"handling_fee": 500, "workflows": [{"when": {"country": "US"}, "then": {"send_to_review": True}}]},
        quirks={"action_success": '"true"', "label_change_fires_return_updated": False},
        rate_limit=10,
        scopes=["returns"],
        id_block=42,
    )
    view = shop.view()
    assert view["name"] == "asked-for"
    assert (view["seed"], view["id_block"], view["rate_limit"]) == (7, 42, 10)
    assert view["clock"]["now"].startswith("2026-02-03T03:05:")
    assert (view["clock"]["mode"], view["clock"]["rate"]) == ("scaled", 60)
    assert view["policy"]["handling_fee"] == 500
    assert view["policy"]["workflows"][0]["then"]["send_to_review"] is True
    assert view["quirks"]["action_success"] == '"true"'
    assert view["quirks"]["label_change_fires_return_updated"] == "off"
    (key,) = shop.keys()
    assert key["scopes"] == ["returns"]
    shop.delete()


def test_the_same_seed_makes_the_same_shop(server: Loopsim) -> None:
    def make() -> tuple[Any, str]:
        shop = server.create_shop("same", clock={"mode": "manual"}, moment=MOMENT, seed=3)
        made, secret = shop.customer.submits_return(), shop.secret
        shop.delete()
        return made, secret

    assert make() == make()


def test_two_shops_of_one_seed_share_a_secret_but_no_key_and_no_id(server: Loopsim) -> None:
    shops = [server.create_shop(clock={"mode": "manual"}, moment=MOMENT, seed=3) for _ in range(2)]
    first, second = [each.customer.submits_return() for each in shops]
    assert first["id"] != second["id"]
    own: dict[str, Any] = {"id": 0, "line_items": [], "status_page": ""}
    assert {**first, **own} == {**second, **own}
    assert shops[0].secret == shops[1].secret
    assert shops[0].key != shops[1].key
    for each in shops:
        each.delete()


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"wrold": "us-apparel"}, "wrold"),
        ({"world": "atlantis"}, "world"),
        ({"policy": {"handling_fees": 5}}, "policy.handling_fees"),
        ({"policy": {"handling_fee": "five"}}, "policy.handling_fee"),
        ({"quirks": {"gravity": "off"}}, "quirks.gravity"),
        ({"quirks": {"details_by_order": "tuple"}}, "quirks.details_by_order"),
        ({"moment": "tomorrow"}, "moment"),
        ({"clock": {"mode": "scaled"}}, "clock.rate"),
        ({"scopes": ["everything"]}, "scopes.0"),
        ({"name": "Not A Name"}, "name"),
        ({"webhook": {"url": "somewhere"}}, "webhook.url"),
    ],
)
def test_what_cannot_be_made_is_refused_with_the_field_named(server: Loopsim, asked: dict, field: str) -> None:
    before = server.shops()
    with pytest.raises(ControlError) as refused:
        server.create_shop(**asked)
    assert (refused.value.status, refused.value.code) == (422, "invalid")
    assert list(refused.value.problem["errors"]) == [field]
    assert server.shops() == before


def test_a_name_is_taken_once(server: Loopsim, shop: Shop) -> None:
    with pytest.raises(ControlError) as refused:
        server.create_shop(shop.name)
    assert (refused.value.status, refused.value.code) == (409, "shop_exists")


def test_a_shop_that_is_not_there_is_a_problem_of_its_own(server: Loopsim) -> None:
    with pytest.raises(ControlError) as refused:
        server.shop("nobody")
    assert refused.value.problem["type"] == "urn:loopsim:problem:shop_not_found"
    assert refused.value.problem["instance"] == "/_loopsim/shops/nobody/secrets"


def test_a_known_shop_is_found_again_by_its_name(server: Loopsim, shop: Shop) -> None:
    again = server.shop(shop.name)
    assert (again.key, again.secret, again.api_base) == (shop.key, shop.secret, shop.api_base)


def test_a_reset_shop_begins_anew_and_keeps_its_keys(shop: Shop) -> None:
    made = shop.customer.submits_return()
    shop.clock.advance(by="1d")
    assert shop.reset()["clock"]["now"] == MOMENT
    assert shop.returns() == []
    assert call_loop(shop, "/warehouse/return/list") == []
    assert shop.customer.submits_return() == made


def test_a_copy_goes_its_own_way(shop: Shop) -> None:
    made = shop.customer.submits_return()
    copy = shop.copy("the-copy")
    copy.staff.cancels(return_id=made["id"])
    assert shop.get_return(made["id"])["state"] == "open"
    assert copy.get_return(made["id"])["state"] == "cancelled"
    assert call_loop(copy, "/webhooks") == {"webhooks": []}
    copy.delete()


def test_settings_are_merged_name_by_name(shop: Shop) -> None:
    before = shop.view()
    after = shop.update(policy={"handling_fee": 100}, quirks={"empty_pair": "skip"}, allowed_targets=["10.0.0.0/8"])
    assert after["policy"] == before["policy"] | {"handling_fee": 100}
    assert after["quirks"] == before["quirks"] | {"empty_pair": "skip"}
    assert after["allowed_targets"] == ["10.0.0.0/8"]
    assert after["rate_limit"] == before["rate_limit"]


def test_settings_that_are_refused_change_nothing(shop: Shop) -> None:
    before = shop.view()
    with pytest.raises(ControlError):
        shop.update(rate_limit=5, quirks={"empty_pair": "maybe"})
    assert shop.view() == before


def test_keys_open_the_shop_until_they_are_taken_back(shop: Shop) -> None:
    key = shop.create_key("returns", label="warehouse")
    assert (key["label"], key["scopes"]) == ("warehouse", ["returns"])
    rotated = shop.rotate_key(key["id"])
    assert (rotated["id"], rotated["label"]) == (key["id"], "warehouse")
    shop.key = key["key"]
    with pytest.raises(HTTPError, match="401"):
        call_loop(shop, "/warehouse/return/list")
    shop.key = rotated["key"]
    assert call_loop(shop, "/warehouse/return/list") == []
    shop.delete_key(key["id"])
    with pytest.raises(HTTPError, match="401"):
        call_loop(shop, "/warehouse/return/list")
    with pytest.raises(ControlError, match="No such key"):
        shop.delete_key(key["id"])


def test_the_contract_names_what_the_domain_has(running: Running) -> None:
    schemas = running.runtime.contract.document("control")["components"]["schemas"]
    assert list(schemas["PolicyInput"]["properties"]) == list(Policy.__struct_fields__)
    assert schemas["Policy"]["required"] == list(Policy.__struct_fields__)
    rule = schemas["WorkflowRule"]["properties"]
    assert list(rule["then"]["properties"]) == list(WorkflowActions.__struct_fields__)
    assert list(rule["when"]["properties"]) == list(CONDITIONS)
    assert set(schemas["Scopes"]["items"]["enum"]) == set(running.runtime.contract.scopes())


def test_a_key_may_have_every_scope_that_an_operation_asks_for(running: Running, shop: Shop) -> None:
    scopes = set(shop.keys()[0]["scopes"])
    for operation in running.runtime.contract.operations("loop"):
        assert set(operation.scopes) <= scopes


def test_a_policy_goes_through_the_contract_unchanged() -> None:
    assert msgspec.convert(msgspec.to_builtins(Policy()), Policy) == Policy()


def test_an_exchange_for_nothing_says_what_is_missing(server: Loopsim) -> None:
    shop = server.create_shop(clock={"mode": "manual"}, moment=MOMENT)
    with pytest.raises(ControlError) as refused:
        shop.customer.submits_return(items=[{"outcome": "exchange"}])
    assert refused.value.code == "exchange_variant_missing"
    assert "exchange_variant" in refused.value.problem["detail"]


def test_a_location_may_be_named_by_text_where_numbers_are_too_large(server: Loopsim) -> None:
    shop = server.create_shop(world="eu-multi-currency", clock={"mode": "manual"}, moment=MOMENT)
    variant = shop.variants()[0]
    location = next(iter(variant["available"]))
    assert shop.act("stock.sets", variant=variant["sku"], location_id=location, available=3)["sku"] == variant["sku"]


def test_another_shop_takes_the_place_of_one_behind_its_name_key_and_secret(
    server: Loopsim, receiver: Receiver
) -> None:
    shop = server.create_shop("replaced", seed=7, clock={"mode": "manual"}, moment=MOMENT, rate_limit=5)
    shop.rotate_secret()
    shop.fault("too_many", count=None)
    gone = shop.customer.submits_return()["id"]
    other = shop.replace(
        world="eu-multi-currency",
        seed=8,
        id_block=99,
        moment="2026-03-02T09:00:00Z",
        clock={"mode": "manual"},
        policy={"handling_fee": 500},
        webhook={"url": receiver.url},
    )
    assert (other.name, other.key, other.secret) == (shop.name, shop.key, shop.secret)
    view = shop.view()
    assert (view["world"], view["seed"], view["id_block"], view["currency"]) == ("eu-multi-currency", 8, 99, "EUR")
    assert (view["policy"]["handling_fee"], view["rate_limit"]) == (500, 300)
    assert (view["clock"]["now"], view["clock"]["mode"]) == ("2026-03-02T09:00:00.000Z", "manual")
    assert shop.faults() == []
    with pytest.raises(ControlError, match="404"):
        shop.get_return(gone)
    assert {entry["operation"] for entry in shop.journal()["entries"]} <= {"getShop", "listFaults", "getReturn"}
    made = shop.customer.submits_return()
    shop.settle()
    assert receiver.received[0]["id"] == str(made["id"])
    # A reset goes back to what took the place, not to what was there at first.
    shop.reset()
    assert shop.view()["currency"] == "EUR"
    assert shop.secrets()["secret"] == shop.secret
    shop.delete()


def test_a_shop_that_takes_a_place_begins_its_minute_anew(server: Loopsim) -> None:
    shop = server.create_shop(rate_limit=1)
    assert call_loop(shop, "/warehouse/return/list") == []
    with pytest.raises(HTTPError, match="429"):
        call_loop(shop, "/warehouse/return/list")
    shop.replace(rate_limit=1)
    assert call_loop(shop, "/warehouse/return/list") == []
    shop.delete()


def test_the_oldest_key_may_open_less_of_the_shop_that_takes_a_place(server: Loopsim) -> None:
    shop = server.create_shop()
    shop.replace(scopes=["orders"])
    with pytest.raises(HTTPError, match="401"):
        call_loop(shop, "/warehouse/return/list")
    shop.replace()
    assert shop.keys()[0]["scopes"] == ["orders"]
    shop.replace(scopes=["returns"])
    assert call_loop(shop, "/warehouse/return/list") == []
    shop.delete_key(shop.keys()[0]["id"])
    assert call_loop(shop.replace(), "/warehouse/return/list") == []
    shop.delete()


def test_a_place_is_not_taken_by_what_cannot_be(shop: Shop) -> None:
    made = shop.customer.submits_return()["id"]
    for wrong in ({"name": "other"}, {"world": "mars"}, {"moment": "then"}, {"quirks": {"odd": True}}):
        with pytest.raises(ControlError, match="422"):
            shop.replace(**wrong)
    assert shop.get_return(made)["state"] == "open"


def test_a_reset_of_a_shop_that_took_a_place_survives_the_server(tmp_path: Path) -> None:
    with EmbeddedServer(Options(port=0, db=tmp_path)) as running:
        shop = Loopsim(running.url).create_shop("kept")
        shop.replace(world="eu-multi-currency", id_block=99)
    with EmbeddedServer(Options(port=0, db=tmp_path)) as running:
        shop = Loopsim(running.url).shop("kept")
        assert shop.view()["id_block"] == 99
        assert shop.reset()["currency"] == "EUR"


def test_a_shop_says_where_its_ids_lie(server: Loopsim) -> None:
    shop = server.create_shop(seed=7, id_block=40, clock={"mode": "manual"}, policy={"label_source": "third_party"})
    made = shop.customer.submits_return()
    shop.clock.advance(by="10s")
    ids = shop.view()["ids"]
    asked = call_loop(shop, "/label-requests")["data"][0]["id"]
    for id_ in (made["id"], made["line_items"][0]["id"], asked):
        assert ids["first"] <= int(id_) < ids["first"] + ids["width"]
    other = shop.replace(id_block=41).view()["ids"]
    assert other["first"] == ids["first"] + ids["width"]
    shop.delete()
