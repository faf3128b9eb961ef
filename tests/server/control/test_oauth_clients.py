"""OAuth clients and what they are given, through the Python client of the control API."""

from __future__ import annotations

import json
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

from loopsim.client import ControlError, Shop

CALLBACK = "http://127.0.0.1:9/callback"


def exchanged(shop: Shop, app: dict[str, Any], **asked: str) -> dict[str, Any]:
    """The answer of the token endpoint, as a partner gets it."""
    own = {"client_id": app["client_id"], "client_secret": app["client_secret"]}
    with urlopen(Request(shop.token_url, urlencode({**own, **asked}).encode())) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def hooks(shop: Shop, token: str) -> Any:
    asked = Request(f"{shop.api_base}/webhooks", headers={"Authorization": f"Bearer {token}"})
    with urlopen(asked) as answer:
        return json.load(answer)


def test_an_application_is_registered_given_tokens_and_shown_the_door(shop: Shop) -> None:
    app = shop.create_oauth_client(CALLBACK, name="Packhorse", scopes=["developer_tools"])
    assert (app["name"], app["redirect_uris"], app["scopes"]) == ("Packhorse", [CALLBACK], ["developer_tools"])
    assert shop.oauth_clients() == [app]

    tokens = shop.create_oauth_tokens(app["client_id"])
    assert tokens["scope"] == "developer_tools"
    assert hooks(shop, tokens["access_token"]) == {"webhooks": []}
    renewed = exchanged(shop, app, grant_type="refresh_token", refresh_token=tokens["refresh_token"])

    shop.delete_oauth_tokens(app["client_id"])
    for token in (tokens["access_token"], renewed["access_token"]):
        with pytest.raises(HTTPError, match="401"):
            hooks(shop, token)
    assert shop.oauth_clients() == [app]
    shop.delete_oauth_client(app["client_id"])
    assert shop.oauth_clients() == []


def test_id_and_secret_may_be_given_and_scopes_left_out(shop: Shop) -> None:
    app = shop.create_oauth_client(CALLBACK, client_id="pack/horse", client_secret="hush")
    assert (app["client_id"], app["client_secret"]) == ("pack/horse", "hush")
    assert "labels:write" in app["scopes"]
    with pytest.raises(ControlError, match="has an OAuth client pack/horse already"):
        shop.create_oauth_client(CALLBACK, client_id="pack/horse")
    assert shop.create_oauth_tokens("pack/horse")["token_type"] == "Bearer"
    shop.delete_oauth_client("pack/horse")
    with pytest.raises(ControlError, match="No such OAuth client"):
        shop.create_oauth_tokens("pack/horse")


def test_a_code_stands_for_the_merchants_yes_once(shop: Shop) -> None:
    app = shop.create_oauth_client(CALLBACK, "https://packhorse.example/back")
    first = shop.create_oauth_code(app["client_id"])
    assert first["redirect_uri"] == CALLBACK
    other = shop.create_oauth_code(app["client_id"], "https://packhorse.example/back")
    for told in (first, other):
        tokens = exchanged(shop, app, grant_type="authorization_code", **told)
        assert hooks(shop, tokens["access_token"]) == {"webhooks": []}
    with pytest.raises(HTTPError, match="400"):
        exchanged(shop, app, grant_type="authorization_code", **first)
    with pytest.raises(ControlError, match="not one of the client's"):
        shop.create_oauth_code(app["client_id"], "https://elsewhere.example/")
