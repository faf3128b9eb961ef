"""The signed link of a partner's page, and that Checkout+ stands beside the versions."""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import quote, urlencode

import pytest

from tests.server.conftest import Client


def link(client: Client, query: dict[str, str], signature: str | None = None) -> str:
    secret = client.control("GET", "secrets").body["secret"]
    right = hmac.new(secret.encode(), urlencode(sorted(query.items())).encode(), hashlib.sha256).hexdigest()
    return f"/api/v1/app/deep-link?{urlencode(query)}&hmac={right if signature is None else signature}"


def asked(client: Client, **more: str) -> dict[str, str]:
    return {"shop_domain": f"{client.shop}.myshopify.com", "order": "#10 01", "partner": "helpdesk", **more}


def test_a_signed_link_goes_on_to_the_portal(client: Client) -> None:
    reply = client.call("GET", link(client, asked(client)), key="")
    assert (reply.status, reply.raw) == (307, b"")
    assert reply.headers["location"] == f"https://{client.shop}.loopreturns.com/?order=%2310+01&partner=helpdesk"


def test_a_space_may_be_encoded_either_way(client: Client) -> None:
    plain = link(client, asked(client))
    assert client.call("GET", plain.replace("10+01", "10%2001"), key="").status == 307
    secret = client.control("GET", "secrets").body["secret"]
    text = urlencode(sorted(asked(client).items()), quote_via=quote)
    signature = hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    assert client.call("GET", link(client, asked(client), signature), key="").status == 307


@pytest.mark.parametrize("signature", ["", "0" * 64, "é"])
def test_a_link_that_is_not_signed_right_is_refused(signature: str, client: Client) -> None:
    reply = client.call("GET", link(client, asked(client), quote(signature)), key="")
    assert (reply.status, reply.body["error"]["http_code"]) == (401, "GEN-UNAUTHORIZED")


def test_what_is_changed_after_signing_is_refused(client: Client) -> None:
    whole = link(client, asked(client))
    assert client.call("GET", whole.replace("helpdesk", "other"), key="").status == 401
    assert client.call("GET", whole + "&more=1", key="").status == 401
    assert client.call("GET", whole.replace(f"{client.shop}.my", "nobody.my"), key="").status == 404


def test_checkout_plus_stands_beside_the_versions(client: Client) -> None:
    client.control("PATCH", "settings", {"checkout_plus": True})
    cart = {"lines": [{"quantity": 1}], "currencyCode": "USD", "totalAmount": 100}
    body = {"shopDomain": "a.example", "platform": "bigcommerce", "cart": cart, "cartId": "7"}
    assert client.call("POST", "/storefront/v1/analyze", body).body["eligible"] is True
    assert client.call("POST", "/storefront/v1/analyze", body, key="wrong").status == 401
