"""Tokens of OAuth 2."""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode, urlsplit

from tests.quirks.bench import Bench, Json, exchange
from tests.quirks.catalogue import shows
from tests.quirks.conftest import OpenShop

CALLBACK = "http://127.0.0.1:9/callback"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def form(shop: Bench, path: str, asked: dict[str, str]) -> tuple[dict[str, str], Json]:
    reply = exchange(shop.control.server.url, "POST", path, urlencode(asked).encode(), FORM)
    return reply.headers, reply.json if reply.body else None


class App:
    """A partner's application, and what it was given."""

    def __init__(self, shop: Bench, scope: str = "developer_tools") -> None:
        self.shop = shop
        made = shop.control.call("POST", "/oauth-clients", {"redirect_uris": [CALLBACK]})
        self.own = {"client_id": made["client_id"], "client_secret": made["client_secret"]}
        asked = {"client_id": made["client_id"], "response_type": "code", "scope": scope, "decision": "allow"}
        headers, _ = form(shop, "/authorize", asked)
        code = parse_qs(urlsplit(headers["location"]).query)["code"][0]
        _, self.tokens = form(shop, "/oauth/token", {**self.own, "grant_type": "authorization_code", "code": code})

    def refresh(self, token: str) -> Json:
        asked = {**self.own, "grant_type": "refresh_token", "refresh_token": token}
        return form(self.shop, "/oauth/token", asked)[1]

    def get(self, path: str) -> int:
        bearer = {"Authorization": f"Bearer {self.tokens['access_token']}"}
        return self.shop.get(path, key=None, headers=bearer).status


@shows("oauth-token-hour")
def test_a_token_ends_after_an_hour_of_the_shops_clock(shop: Bench) -> None:
    app = App(shop)
    assert app.tokens["expires_in"] == 3600
    shop.advance("3599s")
    assert app.get("/webhooks") == 200
    shop.advance("1s")
    assert app.get("/webhooks") == 401


@shows("oauth-bearer-places")
def test_only_webhooks_and_labels_take_tokens(shop: Bench) -> None:
    app = App(shop, "developer_tools label_requests:read")
    assert (app.get("/webhooks"), app.get("/label-requests")) == (200, 200)
    assert (app.get("/destinations"), app.get("/warehouse/return/list")) == (401, 401)


@shows("setting-oauth_refresh_token")
def test_a_refresh_token_has_to_be_asked_for(open_shop: OpenShop) -> None:
    shop = open_shop(quirks={"oauth_refresh_token": "offline_access"})
    assert "refresh_token" not in App(shop).tokens
    assert "refresh_token" in App(shop, "developer_tools offline_access").tokens


@shows("setting-oauth_refresh_rotation")
def test_a_refresh_token_is_good_once(open_shop: OpenShop) -> None:
    app = App(open_shop(quirks={"oauth_refresh_rotation": "on"}))
    first = app.tokens["refresh_token"]
    second = app.refresh(first)["refresh_token"]
    assert second != first
    assert app.refresh(first)["error"] == "invalid_grant"
    # Somebody has used what was spent: nothing of it is good any more.
    assert app.refresh(second)["error"] == "invalid_grant"
