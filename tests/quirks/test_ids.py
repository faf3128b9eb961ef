"""Where ids come from."""

from __future__ import annotations

import pytest

from tests.quirks.bench import Bench
from tests.quirks.catalogue import shows
from tests.quirks.conftest import OpenShop


@shows("ids-rise")
def test_ids_rise_by_one_from_a_start_that_the_seed_gives(open_shop: OpenShop) -> None:
    shop, other = open_shop(seed=5), open_shop(seed=6)

    first, second = shop.submit(), shop.submit()
    hooks = shop.listen(("label", "label.created"), ("label", "label.updated"), url="http://127.0.0.1:1/")
    foreign = other.submit()
    shop.control.reset()

    assert second == first + 1
    assert hooks[1] == hooks[0] + 1
    assert shop.submit() == first
    assert foreign != first


@shows("ids-apart")
@pytest.mark.parametrize(
    "asked", [[{}, {}, {}], [{"id_block": block} for block in (11, 12, 13)]], ids=["seed", "block"]
)
def test_the_ids_of_shops_never_overlap(open_shop: OpenShop, asked: list[dict[str, int]]) -> None:
    shops = [open_shop(**each) for each in asked]

    def used(shop: Bench) -> dict[str, set[int]]:
        made = [shop.submit(), shop.submit()]
        hooks = shop.listen(*[("label", "label.created")] * 12, url="http://127.0.0.1:1/")
        lines = [int(line["line_item_id"]) for row in shop.rows() for line in row["line_items"]]
        return {"return": set(made), "webhook": set(hooks), "line item": set(lines)}

    seen: dict[str, set[int]] = {}
    for shop in shops:
        for kind, ids in used(shop).items():
            assert seen.setdefault(kind, set()).isdisjoint(ids), kind
            seen[kind] |= ids


@shows("snowflakes")
def test_ids_of_commerce_data_tell_the_shops_time(open_shop: OpenShop) -> None:
    shop = open_shop(world="eu-multi-currency", moment="2026-06-01T12:00:00.250Z")
    name = shop.order({"variant": shop.control.variants()[0]["sku"]})

    order_id = int(shop.row(shop.submit(order=name))["provider_order_id"])

    assert order_id > 2**53
    since_2019 = 1_780_315_200_250 - 1_565_251_688_000  # 2019-08-08T08:08:08Z
    assert order_id >> 22 == since_2019
