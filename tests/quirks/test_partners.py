"""Checkout+ and the signed links of partners."""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import urlencode

from tests.quirks.bench import Bench, Json, exchange
from tests.quirks.catalogue import shows

CART: Json = {"lines": [{"id": "1", "quantity": 1}], "currencyCode": "USD", "totalAmount": 5000}
ASKED: Json = {"shopDomain": "shop.example", "platform": "custom", "cart": CART}


def analyze(shop: Bench, **more: Json) -> Json:
    reply = shop.post("/storefront/v1/analyze", {**ASKED, **more}, api="")
    assert reply.status == 200, reply
    return reply.json


@shows("checkout-off")
def test_a_shop_does_not_have_checkout_plus_by_itself(shop: Bench) -> None:
    answer = analyze(shop, sessionId="s")
    assert (answer["eligible"], answer["reason"], answer["mode"]) == (False, "NOT_ENABLED", [])
    shop.control.update(checkout_plus=True)
    assert analyze(shop, sessionId="s")["eligible"] is True


@shows("checkout-same-session")
def test_a_cart_that_is_asked_about_again_has_the_same_session(shop: Bench) -> None:
    assert analyze(shop, cartId="c")["sessionId"] == analyze(shop, cartId="c")["sessionId"]


@shows("partner-link-307")
def test_a_signed_link_goes_on_to_the_portal(shop: Bench) -> None:
    domain = f"{shop.control.name}.myshopify.com"
    asked = {"order": "#1001", "partner": "helpdesk", "shop_domain": domain}
    signature = hmac.new(shop.control.secret.encode(), urlencode(asked).encode(), hashlib.sha256).hexdigest()
    target = f"/api/v1/app/deep-link?{urlencode(asked)}&hmac={signature}"
    reply = exchange(shop.control.server.url, "GET", target)
    assert reply.status == 307
    assert reply.headers["location"].startswith(f"https://{shop.control.name}.loopreturns.com/?order=%231001")


@shows("ship-deadline")
def test_the_portal_goes_on_without_a_partner_that_does_not_answer(shop: Bench) -> None:
    shop.control.customer.ships_by_loop(return_id=shop.submit())
    shop.advance("59s")
    assert states(shop) == ["services_requested"]
    shop.advance("1s")
    assert states(shop) == ["fell_back"]


def states(shop: Bench) -> list[str]:
    return [each["state"] for each in shop.control.call("GET", "/ship-by-loop")]


@shows("ship-token-only")
def test_no_api_key_answers_ship_by_loop(shop: Bench) -> None:
    shop.control.customer.ships_by_loop(return_id=shop.submit())
    assert shop.post("/ship-by-loop/shipments/1/errors", {"reason": "NO"}).status == 401
