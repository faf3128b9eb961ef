"""OAuth 2 over real sockets: consent, exchange, refresh, expiry on the shop's clock, revocation."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from queue import Queue
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import urlopen

import pytest

from loopsim.bootstrap import Options
from loopsim.client import Loopsim
from loopsim.domain.oauth import shop_of
from loopsim.embedded import EmbeddedServer
from tests.e2e.test_browser import CHROMIUM
from tests.harness.reports.browser import PATIENCE, browser
from tests.listening import listening
from tests.server.conftest import Client, Reply

CALLBACK = "http://127.0.0.1:9/callback?from=loop"
SECRETS = ("access_token", "refresh_token")
FORM = "application/x-www-form-urlencoded"


class Partner:
    """An application: registered with the shop, and asking as an OAuth library would."""

    def __init__(self, client: Client, **registered: Any) -> None:
        self.client = client
        made = client.control("POST", "oauth-clients", {"redirect_uris": [CALLBACK], **registered})
        assert made.status == 201, made.raw
        self.app = made.body["oauth_client"]

    def asking(self, **more: str) -> dict[str, str]:
        asked = {
            "response_type": "code",
            "client_id": self.app["client_id"],
            "redirect_uri": CALLBACK,
            "state": "a b&c",
            "organization": self.client.shop,
            "audience": "https://api.loopreturns.com/api",
        }
        return {name: value for name, value in {**asked, **more}.items() if value}

    def decide(self, decision: str = "allow", **more: str) -> Reply:
        body = urlencode({**self.asking(**more), "decision": decision}).encode()
        return self.client.call("POST", "/authorize", body, key="", Content_Type=FORM)

    def code(self, **more: str) -> str:
        return back(self.decide(**more))["code"]

    def token(self, **asked: str) -> Reply:
        own = {"client_id": self.app["client_id"], "client_secret": self.app["client_secret"]}
        body = urlencode({name: value for name, value in {**own, **asked}.items() if value}).encode()
        return self.client.call("POST", "/oauth/token", body, key="", Content_Type=FORM)

    def exchange(self, code: str, **more: str) -> Reply:
        asked = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
        return self.token(**{**asked, **more})

    def refresh(self, token: str, **more: str) -> Reply:
        return self.token(grant_type="refresh_token", refresh_token=token, **more)

    def call(self, token: str, path: str = "/api/v1/webhooks") -> int:
        return self.client.call("GET", path, key="", Authorization=f"Bearer {token}").status


def back(reply: Reply) -> dict[str, str]:
    """What the browser was sent back to the application with."""
    assert reply.status == 302, reply
    parts = urlsplit(reply.headers["location"])
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == CALLBACK.partition("?")[0]
    said = {name: values[0] for name, values in parse_qs(parts.query).items()}
    assert said.pop("from") == "loop"
    return said


def judged(client: Client, rule: str) -> str:
    """What a rule says of the traffic so far."""
    judgements = client.control("GET", "findings").body["judgements"]
    return next(str(each["outcome"]) for each in judgements if each["rule"] == rule)


@pytest.fixture
def partner(client: Client) -> Partner:
    return Partner(client)


def test_from_consent_to_a_call_and_on_to_the_next_token(client: Client, partner: Partner) -> None:
    page = client.call("GET", f"/authorize?{urlencode(partner.asking())}", key="")
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert b"developer_tools" in page.raw

    said = back(partner.decide())
    assert said["state"] == "a b&c"
    answer = partner.exchange(said["code"])
    assert answer.status == 200
    assert answer.headers["cache-control"] == "no-store"
    tokens = answer.body
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 3600)
    assert partner.call(tokens["access_token"]) == 200

    renewed = partner.refresh(tokens["refresh_token"]).body
    assert renewed["access_token"] != tokens["access_token"]
    assert renewed["refresh_token"] == tokens["refresh_token"]
    assert partner.call(renewed["access_token"]) == 200


def test_a_token_opens_webhooks_and_labels_and_nothing_else(client: Client, partner: Partner) -> None:
    token = partner.exchange(partner.code()).body["access_token"]
    opened = {path: partner.call(token, f"/api/v1{path}") for path in ("/webhooks", "/label-requests", "/destinations")}
    assert opened == {"/webhooks": 200, "/label-requests": 200, "/destinations": 401}
    assert partner.call(token, "/api/v1/warehouse/return/list") == 401
    # Keys and tokens do not stand in for each other.
    assert client.call("GET", "/api/v1/webhooks", key=token).status == 401
    assert partner.call(client.key) == 401


def test_ship_by_loop_takes_tokens_alone(client: Client) -> None:
    partner = Partner(client, scopes=["ship_by_loop:write"])
    token = partner.exchange(partner.code()).body["access_token"]
    path, body = "/api/v1/ship-by-loop/shipments/1/errors", {"reason": "NO"}
    assert client.call("POST", path, body).status == 401
    assert client.call("POST", path, body, key="", Authorization=f"Bearer {token}").status == 404


def test_a_token_has_the_scopes_that_were_asked_for(partner: Partner) -> None:
    tokens = partner.exchange(partner.code(scope="label_requests:read offline_access")).body
    assert tokens["scope"] == "label_requests:read offline_access"
    assert partner.call(tokens["access_token"], "/api/v1/label-requests") == 200
    assert partner.call(tokens["access_token"], "/api/v1/webhooks") == 401


def test_a_token_ends_after_an_hour_of_the_shops_clock(client: Client, partner: Partner) -> None:
    tokens = partner.exchange(partner.code()).body
    client.control("POST", "clock/advance", {"by": "59m59s"})
    assert partner.call(tokens["access_token"]) == 200
    client.control("POST", "clock/advance", {"by": "1s"})
    refused = client.call("GET", "/api/v1/webhooks", key="", Authorization=f"Bearer {tokens['access_token']}")
    assert refused.status == 401
    assert refused.body["error"]["http_code"] == "GEN-UNAUTHORIZED"
    # Whoever judges the partner is told what the partner is not.
    entry = client.journal()[-1]
    assert entry["refusal"] == "token_expired"
    assert entry["key"] == f"oauth:{partner.app['client_id']}"
    assert partner.call(partner.refresh(tokens["refresh_token"]).body["access_token"]) == 200
    assert judged(client, "token-refreshed") == "passed"


def test_whoever_goes_on_with_an_expired_token_is_found(client: Client, partner: Partner) -> None:
    token = partner.exchange(partner.code()).body["access_token"]
    client.control("POST", "clock/advance", {"by": "2h"})
    partner.call(token)
    assert judged(client, "token-refreshed") == "failed"


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "orders"}, "invalid_scope"),
        ({"code_challenge": "x" * 43, "code_challenge_method": "S1"}, "invalid_request"),
    ],
)
def test_the_client_is_told_what_is_wrong_with_its_request(partner: Partner, asked: dict[str, str], error: str) -> None:
    assert back(partner.decide(**asked)) == {"error": error, "state": "a b&c"}
    answer = partner.client.call("GET", f"/authorize?{urlencode(partner.asking(**asked))}", key="")
    assert back(answer) == {"error": error, "state": "a b&c"}


def test_a_merchant_may_say_no(partner: Partner) -> None:
    assert back(partner.decide("deny")) == {"error": "access_denied", "state": "a b&c"}


@pytest.mark.parametrize(
    "asked",
    [
        {"client_id": "nobody"},
        {"redirect_uri": "http://127.0.0.1:9/callback"},
        {"redirect_uri": "https://elsewhere.example/"},
        {"organization": "another-shop"},
    ],
)
def test_nobody_is_sent_to_an_address_that_is_not_the_clients(partner: Partner, asked: dict[str, str]) -> None:
    answer = partner.decide(**asked)
    assert (answer.status, answer.body["error"]) == (400, "invalid_request")
    assert "location" not in answer.headers


def test_a_code_is_good_once_and_its_second_use_ends_what_came_of_it(partner: Partner) -> None:
    code = partner.code()
    tokens = partner.exchange(code).body
    again = partner.exchange(code)
    assert (again.status, again.body["error"]) == (400, "invalid_grant")
    assert partner.call(tokens["access_token"]) == 401
    assert partner.refresh(tokens["refresh_token"]).body["error"] == "invalid_grant"


def test_a_code_is_good_for_ten_minutes(client: Client, partner: Partner) -> None:
    early, late = partner.code(), partner.code()
    client.control("POST", "clock/advance", {"by": "9m59s"})
    assert partner.exchange(early).status == 200
    client.control("POST", "clock/advance", {"by": "1s"})
    assert partner.exchange(late).body["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("asked", "status", "error"),
    [
        ({"code": "made-up"}, 400, "invalid_grant"),
        ({"redirect_uri": "http://127.0.0.1:9/callback"}, 400, "invalid_grant"),
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_secret": ""}, 401, "invalid_client"),
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"grant_type": "client_credentials"}, 400, "unsupported_grant_type"),
        ({"grant_type": ""}, 400, "invalid_request"),
    ],
)
def test_a_wrong_exchange_is_refused_and_spends_nothing(
    partner: Partner, asked: dict[str, str], status: int, error: str
) -> None:
    code = partner.code()
    answer = partner.exchange(**{"code": code, **asked})
    assert (answer.status, answer.body["error"]) == (status, error)
    assert partner.exchange(code).status == 200


def test_a_code_is_its_clients_own(client: Client, partner: Partner) -> None:
    other = Partner(client)
    code = partner.code()
    assert other.exchange(code).body["error"] == "invalid_grant"
    assert other.refresh(partner.exchange(code).body["refresh_token"]).body["error"] == "invalid_grant"


@pytest.mark.parametrize("method", ["S256", "plain", ""])
def test_a_code_of_a_challenge_needs_its_verifier(partner: Partner, method: str) -> None:
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    challenge = digest if method == "S256" else verifier
    code = partner.code(code_challenge=challenge, code_challenge_method=method)
    assert partner.exchange(code).body["error"] == "invalid_grant"
    assert partner.exchange(code, code_verifier=verifier[:-1] + "x").body["error"] == "invalid_grant"
    assert partner.exchange(code, code_verifier=verifier).status == 200


def test_the_secret_may_come_in_basic_and_the_rest_as_json(client: Client, partner: Partner) -> None:
    pair = base64.b64encode(f"{partner.app['client_id']}:{partner.app['client_secret']}".encode()).decode()
    body = {"grant_type": "authorization_code", "code": partner.code(), "redirect_uri": CALLBACK}
    assert client.call("POST", "/oauth/token", body, key="", Authorization="Basic not-base64!").status == 401
    assert client.call("POST", "/oauth/token", body, key="", Authorization=f"Basic {pair}").status == 200


def test_a_token_that_is_revoked_opens_nothing(partner: Partner) -> None:
    first, second = (partner.exchange(partner.code()).body for _ in range(2))
    own = {"client_id": partner.app["client_id"], "client_secret": partner.app["client_secret"]}
    answer = partner.client.call("POST", "/oauth/revoke", {**own, "token": first["refresh_token"]}, key="")
    assert (answer.status, answer.raw) == (200, b"")
    assert (partner.call(first["access_token"]), partner.call(second["access_token"])) == (401, 200)
    assert partner.client.call("POST", "/oauth/revoke", {**own, "token": "unknown"}, key="").status == 200


def test_a_merchant_removes_the_application(client: Client, partner: Partner) -> None:
    tokens = client.control("POST", f"oauth-clients/{partner.app['client_id']}/tokens").body
    assert partner.call(tokens["access_token"]) == 200
    assert client.control("DELETE", f"oauth-clients/{partner.app['client_id']}/tokens").status == 204
    assert partner.call(tokens["access_token"]) == 401
    assert client.control("DELETE", f"oauth-clients/{partner.app['client_id']}").status == 204
    assert partner.decide().status == 400
    assert client.control("GET", "oauth-clients").body == {"oauth_clients": []}


def test_one_client_serves_several_merchants(client: Client, partner: Partner) -> None:
    """The organization of the request decides whose returns the token opens."""
    copied = client.control("POST", "copy", {"name": f"{client.shop}-too"}).body["shop"]["name"]
    try:
        mine, theirs = (partner.exchange(partner.code(organization=name)) for name in (client.shop, copied))
        hook = {"topic": "return", "trigger": "return.created", "url": "http://127.0.0.1:9/"}
        client.call("POST", "/api/v1/webhooks", hook)
        counts = []
        for answer in (mine, theirs):
            bearer = f"Bearer {answer.body['access_token']}"
            counts.append(len(client.call("GET", "/api/v1/webhooks", key="", Authorization=bearer).body["webhooks"]))
        assert counts[0] == counts[1] + 1
    finally:
        client.control("DELETE", f"/shops/{copied}")


def test_the_tokens_of_a_shop_that_was_copied_stay_its_own_across_a_restart(tmp_path: Path) -> None:
    options = Options(port=0, db=tmp_path)
    with EmbeddedServer(options) as server:
        shop = Loopsim(server.url).create_shop("of-two")
        app = shop.create_oauth_client(CALLBACK)
        code, tokens = shop.create_oauth_code(app["client_id"])["code"], shop.create_oauth_tokens(app["client_id"])
        # Shops are taken up again in the order of their names.
        shop.copy("a-copy")
    own = {name: app[name] for name in ("client_id", "client_secret")}
    refreshed = {**own, "grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    exchanged = {**own, "grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    with EmbeddedServer(options) as server:
        for asked in (refreshed, exchanged):
            with urlopen(f"{server.url}/oauth/token", urlencode(asked).encode(), timeout=20) as answer:
                assert shop_of(json.load(answer)["access_token"]) == "of-two"


def test_tokens_outlive_a_new_beginning_of_the_shop(client: Client, partner: Partner) -> None:
    before = partner.exchange(partner.code()).body
    client.control("POST", "reset")
    assert partner.call(before["access_token"]) == 200
    after = partner.exchange(partner.code()).body
    assert after["access_token"] != before["access_token"]
    assert partner.call(partner.refresh(before["refresh_token"]).body["access_token"]) == 200


def test_a_tokens_hour_begins_anew_with_the_shop(client: Client, partner: Partner) -> None:
    """A shop that takes another's place may stand months before it, and months after."""
    tokens = partner.exchange(partner.code()).body
    client.control("POST", "clock/advance", {"by": "3h"})
    for moment in ("2026-01-05T09:00:00.000Z", "2027-01-05T09:00:00.000Z"):
        client.control("PUT", "", {"clock": {"mode": "manual"}, "moment": moment})
        assert partner.call(tokens["access_token"]) == 200
        client.control("POST", "clock/advance", {"by": "1h"})
        assert partner.call(tokens["access_token"]) == 401
        assert client.journal()[-1]["refusal"] == "token_expired"


def test_a_token_that_was_taken_back_stays_so_and_is_known(client: Client, partner: Partner) -> None:
    token = partner.exchange(partner.code()).body["access_token"]
    client.control("DELETE", f"oauth-clients/{partner.app['client_id']}/tokens")
    client.control("POST", "reset")
    assert partner.call(token) == 401
    entry = client.journal()[-1]
    assert (entry["refusal"], entry["key"]) == ("token_revoked", f"oauth:{partner.app['client_id']}")
    # One that no shop made is nobody's: of several shops none takes it for its own.
    assert partner.call(f"{token}0") == 401
    assert client.journal()[-1] == entry


@pytest.mark.parametrize("as_json", [False, True])
def test_the_journal_says_which_token_it_was_and_holds_no_secret(
    client: Client, partner: Partner, as_json: bool
) -> None:
    code = partner.code()
    own = {"client_id": partner.app["client_id"], "client_secret": partner.app["client_secret"]}
    asked = {**own, "grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    body = asked if as_json else urlencode(asked).encode()
    kind = "application/json" if as_json else FORM
    tokens = client.call("POST", "/oauth/token", body, key="", Content_Type=kind).body
    renewed = partner.refresh(tokens["refresh_token"]).body
    partner.call(tokens["access_token"])
    partner.call(renewed["access_token"])
    revoked = {**own, "token": renewed["refresh_token"]}
    client.call("POST", "/oauth/revoke", json.dumps(revoked).encode() + b" ", key="")
    unreadable = f"client_secret={own['client_secret']}&;%ff".encode()
    client.call("POST", "/oauth/token", unreadable, key="", Content_Type=FORM)
    client.call("POST", f"/oauth/token?{urlencode(asked)}", b"", key="", Content_Type=FORM)

    kept = json.dumps(client.journal())
    secrets = {own["client_secret"], code, *(each[n] for each in (tokens, renewed) for n in SECRETS)}
    assert not [secret for secret in secrets if secret in kept]
    entries = client.journal()
    first, second = (entry["token"] for entry in entries if entry.get("operation") == "listWebhooks")
    assert first != second
    answers = [json.loads(entry["response_body"]) for entry in entries if entry.get("operation") == "requestToken"]
    assert [answer.get("access_token") for answer in answers][:2] == [first, second]
    assert all(entry["status"] != 500 for entry in entries if entry["kind"] == "call")


def test_the_page_escapes_what_it_shows(client: Client) -> None:
    partner = Partner(client, name="<script>alert(1)</script>")
    page = client.call("GET", f"/authorize?{urlencode(partner.asking(state='<b>'))}", key="").raw
    assert b"<script>" not in page
    assert b"<b>" not in page


@pytest.fixture
def callback() -> Iterator[tuple[str, Queue[str]]]:
    """An application that listens for the browser to come back."""
    came: Queue[str] = Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/callback"):
                came.put(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_args: Any) -> None:
            """Nothing."""

    listener = HTTPServer(("127.0.0.1", 0), Handler)
    with listening(listener):
        yield f"http://127.0.0.1:{listener.server_address[1]}/callback", came


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: apt-get install chromium")
def test_a_merchant_consents_in_a_browser_with_the_keyboard_alone(
    client: Client, callback: tuple[str, Queue[str]]
) -> None:
    address, came = callback
    partner = Partner(client, name="Packhorse", redirect_uris=[address])
    url = f"http://{client.authority}/authorize?{urlencode(partner.asking(redirect_uri=address))}"

    async def consent() -> tuple[Any, list[str]]:
        async with browser() as page:
            await page.open(url)
            read = await page.js(
                "[document.documentElement.lang, document.title, document.querySelectorAll('h1').length]"
            )
            await _press(page, "Tab", 9)
            assert await page.js("document.activeElement.textContent") == "Allow"
            assert await page.js("getComputedStyle(document.activeElement).outlineStyle") == "solid"
            await _press(page, "Tab", 9)
            assert await page.js("document.activeElement.textContent") == "Deny"
            await _press(page, "Tab", 9, shift=True)
            await _press(page, "Enter", 13)
            arrived = await asyncio.to_thread(came.get, True, PATIENCE)
            return [*read, arrived], page.console

    (lang, title, headings, arrived), console = asyncio.run(consent())
    assert (lang, title, headings) == ("en", "Allow Packhorse? · loopsim", 1)
    assert [line for line in console if "favicon" not in line] == []
    said = parse_qs(urlsplit(arrived).query)
    assert said["state"] == ["a b&c"]
    assert partner.exchange(said["code"][0], redirect_uri=address).status == 200


async def _press(page: Any, key: str, code: int, *, shift: bool = False) -> None:
    about = {"key": key, "code": key, "windowsVirtualKeyCode": code, "modifiers": 8 if shift else 0}
    text = {"text": "\r"} if key == "Enter" else {}
    await page.do("Input.dispatchKeyEvent", type="keyDown", **about, **text)
    await page.do("Input.dispatchKeyEvent", type="keyUp", **about)
