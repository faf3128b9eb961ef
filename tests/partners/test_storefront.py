"""The sample storefront as a real process: what its pages ask of it, against a shop of a server in this process."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from http.client import HTTPConnection
from urllib.parse import parse_qs, urlsplit

import pytest

from loopsim.client import Loopsim, Shop
from loopsim.embedded import EmbeddedServer
from tests.partners.program import LIMIT, ROOT, Program

PROGRAM = ROOT / "loopsim" / "partners" / "storefront.mjs"
NODE = shutil.which("node")
ARRIVAL = "https://shop.example/?loop_return_id=r-{}&loop_domain=returns.example"

pytestmark = pytest.mark.skipif(
    NODE is None, reason="node is not installed; the storefront partner runs on Node 18 or newer"
)


class Storefront(Program):
    """The program under test."""

    def __init__(self, base: str, key: str, secret: str) -> None:
        own = {"LOOP_API_BASE": base, "LOOP_API_KEY": key, "LOOP_WEBHOOK_SECRET": secret}
        super().__init__([str(NODE), str(PROGRAM)], **own, STOREFRONT_QUIET="1")


@pytest.fixture(scope="module")
def server() -> Iterator[Loopsim]:
    with EmbeddedServer() as embedded, Loopsim(embedded.url) as client:
        yield client


@pytest.fixture
def shop(server: Loopsim) -> Shop:
    return server.create_shop(clock={"mode": "manual"}, moment="2026-03-02T09:00:00Z", world="us-apparel")


@pytest.fixture
def store(shop: Shop) -> Iterator[Storefront]:
    made = Storefront(shop.api_base, shop.key, shop.secret)
    yield made
    assert made.stop() == 0


def bodies(shop: Shop, operation: str) -> list[str]:
    entries = shop.journal(kind="call", limit=100)["entries"]
    return [entry.get("request_body", "") for entry in entries if entry["operation"] == operation]


def variant(shop: Shop, sku: str) -> int:
    return int(shop.stock.sets(variant=sku, available=9)["variant_id"])


def test_it_keeps_a_cart_only_for_who_comes_from_loop(shop: Shop, store: Storefront) -> None:
    lines = [{"variant_id": variant(shop, "TEE-RED-M"), "quantity": 1}]
    store.do("shopper-fills-cart", session="s", lines=lines)
    assert store.do("shopper-goes-back", session="s")["url"] is None
    assert bodies(shop, "createCart") == []
    store.do("shopper-arrives", session="s", url=ARRIVAL.format(1))
    back = store.do("shopper-goes-back", session="s")["url"]
    assert re.fullmatch(r"https://returns\.example/#/cart/v2/[0-9a-f]{64}", back)


def test_another_return_of_the_same_shopper_has_a_cart_of_its_own(shop: Shop, store: Storefront) -> None:
    lines = [{"variant_id": variant(shop, "TEE-RED-M"), "quantity": 1}]
    backs = []
    for number in (1, 2):
        store.do("shopper-arrives", session="s", url=ARRIVAL.format(number))
        store.do("shopper-fills-cart", session="s", lines=lines)
        backs.append(store.do("shopper-goes-back", session="s")["url"])
    assert len(set(backs)) == 2


def test_pages_that_ask_at_once_leave_the_cart_of_the_last(shop: Shop, store: Storefront) -> None:
    tee = variant(shop, "TEE-RED-M")
    store.do("shopper-arrives", session="s", url=ARRIVAL.format(1))
    connections = []
    for quantity in (1, 2, 3):
        connection = HTTPConnection(store.address.netloc, timeout=LIMIT)
        lines = [{"variant_id": tee, "quantity": quantity}]
        connection.request("POST", "/do/shopper-fills-cart", json.dumps({"session": "s", "lines": lines}))
        connections.append(connection)
        if quantity == 1:
            connection.getresponse().read()
    for connection in connections[1:]:
        assert connection.getresponse().status == 200
        connection.close()
    connections[0].close()
    sent = [len(json.loads(body)["cart"]) for body in bodies(shop, "updateCart")]
    assert sorted(sent) == [2, 3]
    state = store.call("GET", "/state")[1]["sessions"]["s"]
    assert len(state["variants"]) == sent[-1]


def test_ids_beyond_2_53_and_texts_of_digits_stay_what_they_are(shop: Shop, store: Storefront) -> None:
    big, text = 894216837402234881, "894216837402234881"
    store.call("POST", "/do/shopper-arrives", json.dumps({"session": "s", "url": ARRIVAL.format(1)}).encode())
    about = f'{{"session": "s", "lines": [{{"variant_id": {big}, "quantity": 2}}]}}'
    store.call("POST", "/do/shopper-fills-cart", about)
    assert bodies(shop, "createCart") == [f'{{"cart":[{big},{big}]}}']
    order = f'{{"name": "{text}", "total_price": {{"amount": 1}}, "line_items": [{{"product": {{"id": {big}}}}}]}}'
    store.call("POST", "/do/shopper-pays", f'{{"session": "s", "accepts": false, "order": {order}}}')
    (sent,) = bodies(shop, "upsertOrder")
    assert f'"name":"{text}"' in sent
    assert f'"id":{big}' in sent


def test_a_signed_link_names_the_order_and_the_shop(shop: Shop, store: Storefront) -> None:
    url = store.do("partner-link", order="#1 a&b", shop_domain="shop.example")["url"]
    said = parse_qs(urlsplit(url).query)
    assert url.startswith(f"{shop.api_base}/app/deep-link?order=")
    assert (said["order"], said["shop_domain"]) == (["#1 a&b"], ["shop.example"])
    assert re.fullmatch("[0-9a-f]{64}", said["hmac"][0])


def test_what_it_does_not_know_is_not_found_and_what_fails_is_said(store: Storefront) -> None:
    assert store.call("POST", "/do/constructor", b"{}")[0] == 404
    assert store.call("GET", "/do/order-link")[0] == 404
    assert store.call("POST", "/do/order-link", b"{")[0] == 502
    assert store.call("GET", "/health") == (200, {"ok": True})
    assert store.call("GET", "/idle") == (200, {"idle": True})


def test_without_its_settings_it_does_not_start() -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LOOP")}
    done = subprocess.run(
        [str(NODE), str(PROGRAM)], env=kept, capture_output=True, text=True, timeout=LIMIT, check=False
    )
    assert (done.returncode, done.stderr) == (2, "set LOOP_API_BASE and LOOP_API_KEY\n")
