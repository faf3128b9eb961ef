"""Happy Returns shipments."""

from __future__ import annotations

from urllib.parse import urlsplit

from tests.quirks.bench import Bench, exchange
from tests.quirks.catalogue import shows

SHIPMENTS = "/happy-returns/shipments"
ONE_PAGE = 200


def ship(shop: Bench, units: int = 1) -> tuple[int, str]:
    """A shipment of one return with so many units: Loop's id and theirs."""
    order = shop.order({"variant": "SOCK-M", "quantity": units})
    return_id = shop.submit({"quantity": units}, order=order, method="happy_returns")
    shop.control.customer.drops_off(return_id=return_id)
    made = shop.control.happy_returns.ships()
    return int(made["loop_shipment_id"]), str(made["happy_returns_shipment_id"])


@shows("happy-ids")
def test_neighbouring_paths_take_two_kinds_of_id(shop: Bench) -> None:
    ours, theirs = ship(shop)

    shipment = shop.get(f"{SHIPMENTS}/{theirs}")
    items = shop.get(f"{SHIPMENTS}/{ours}/items")

    assert str(ours) != theirs
    assert shipment.status == 200
    assert (shipment.json["loop_shipment_id"], shipment.json["happy_returns_shipment_id"]) == (ours, theirs)
    assert [item["shipment_id"] for item in items.json["data"]] == [ours]
    assert shop.get(f"{SHIPMENTS}/{ours}").status == 404
    assert shop.get(f"{SHIPMENTS}/{theirs}/items").status == 404


@shows("happy-links")
def test_page_links_point_to_a_path_with_list(shop: Bench) -> None:
    ship(shop)

    page = shop.get(SHIPMENTS).json

    assert [page["per_page"], page["total"], len(page["data"])] == [ONE_PAGE, 1, 1]
    for name in ("first_page_url", "last_page_url", "path"):
        assert urlsplit(page[name]).path == f"/api/v1{SHIPMENTS}/list", name
    followed = exchange(
        shop.control.server.url,
        "GET",
        page["first_page_url"].removeprefix(shop.control.server.url),
        None,
        {"X-Authorization": shop.control.key},
    )
    assert followed.json["data"] == page["data"]


@shows("happy-next-url")
def test_the_next_page_is_on_the_host_that_the_client_used(shop: Bench) -> None:
    ours, _ = ship(shop, ONE_PAGE + 1)
    port = urlsplit(shop.control.server.url).port

    page = shop.get(f"{SHIPMENTS}/{ours}/items", headers={"Host": f"loop.localhost:{port}"}).json
    base = f"http://loop.localhost:{port}"
    assert page["next_page_url"].startswith(f"{base}/api/v1/")
    target = page["next_page_url"].removeprefix(base)
    last = exchange(shop.control.server.url, "GET", target, None, {"X-Authorization": shop.control.key}).json

    assert [len(page["data"]), len(last["data"])] == [ONE_PAGE, 1]
    assert last["next_page_url"] is None
