"""OAuth 2 for partners: authorise on a page, exchange, refresh, revoke (`FACTS.md#auth-oauth`).

Nobody brings a key here: the shop is the one that has the client, the code or the token (`NotHere` sends the call on to
the next one).
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, structs

from loopsim.clock import to_ms
from loopsim.domain.oauth import METHODS, Access, Client, Code, Refresh, asked_scopes, same, shop_of, verifies
from loopsim.errors import NotHere, Refusal
from loopsim.operations.oauth import allow, first_tokens, next_tokens, take_back, take_back_access
from loopsim.operations.perform import Answer, Call, operation
from loopsim.store.transaction import Transaction
from loopsim.wire.consent import consent_page
from loopsim.wire.links import with_query

PARAMETERS = ("response_type", "client_id", "redirect_uri", "scope", "state", "organization", "audience",
              "code_challenge", "code_challenge_method")  # fmt: skip
REPLAYED = {"error": "invalid_grant", "error_description": "The code or token was used before."}
UNSTORED = {"cache-control": "no-store"}


class Request(Struct, frozen=True, kw_only=True):
    """A request to authorise. `fault` is what is wrong with it that may be told to the client; `scopes` is empty
    then."""

    client: Client
    redirect_uri: str
    scopes: tuple[str, ...]
    fault: str | None


@operation("authorize", reads=True)
def authorize(tx: Transaction, call: Call) -> Answer:
    """The page that asks the merchant."""
    request = _request(tx, call.query)
    if request.fault is not None:
        return _back(request, call.query, error=request.fault)
    fields = {name: call.query[name] for name in PARAMETERS if name in call.query}
    page = consent_page(request.client, tx.settings.subdomain, request.scopes, request.redirect_uri, fields)
    return Answer(page, headers={"content-type": "text/html; charset=utf-8"})


@operation("decideAuthorization")
def decide_authorization(tx: Transaction, call: Call) -> Answer:
    """What the merchant answered: back to the client, with a code where it was yes."""
    given = call.body
    request = _request(tx, given)
    if request.fault is not None:
        return _back(request, given, error=request.fault)
    if given["decision"] != "allow":
        return _back(request, given, error="access_denied")
    code = allow(
        tx,
        request.client,
        request.scopes,
        given.get("redirect_uri") or None,
        given.get("code_challenge") or None,
        given.get("code_challenge_method") or METHODS[0],
    )
    return _back(request, given, code=code)


def _request(tx: Transaction, given: Mapping[str, str]) -> Request:
    client = tx.get("oauth_client", given.get("client_id", ""), Client)
    if client is None:
        raise NotHere("unknown_client")
    names = {tx.shop.name, tx.settings.subdomain, str(tx.settings.id)}
    if (given.get("organization") or tx.shop.name) not in names:
        raise NotHere("unknown_organization")
    redirect_uri = given.get("redirect_uri") or None
    if redirect_uri is None and len(client.redirect_uris) == 1:
        redirect_uri = client.redirect_uris[0]
    if redirect_uri not in client.redirect_uris:
        raise Refusal("wrong_redirect")
    scopes = asked_scopes(given.get("scope"), client)
    fault = None
    if given.get("response_type") != "code":
        fault = "unsupported_response_type"
    elif (given.get("code_challenge_method") or METHODS[0]) not in METHODS:
        fault = "invalid_request"
    elif scopes is None:
        fault = "invalid_scope"
    return Request(client=client, redirect_uri=redirect_uri, scopes=scopes or (), fault=fault)


def _back(request: Request, given: Mapping[str, str], **said: str) -> Answer:
    location = with_query(request.redirect_uri, {**said, "state": given.get("state")})
    return Answer(b"", 302, {"location": location})


@operation("requestToken")
def request_token(tx: Transaction, call: Call) -> Answer:
    """Exchange a code, or a refresh token, for an access token."""
    given = call.body
    client = _client(tx, call)
    if given["grant_type"] == "authorization_code":
        return _exchange(tx, client, given)
    if given["grant_type"] == "refresh_token":
        return _refresh(tx, client, given)
    raise Refusal("unsupported_grant_type")


@operation("revokeToken")
def revoke_token(tx: Transaction, call: Call) -> Answer:
    """Take a token back; a refresh token with all that came of it. A token that nobody knows is no error."""
    client = _client(tx, call)
    text = call.body["token"]
    if not _is_here(tx, text):
        raise NotHere("invalid_client")
    refresh, access = tx.get("oauth_refresh", text, Refresh), tx.get("oauth_access", text, Access)
    if refresh is not None and refresh.client_id == client.client_id:
        take_back(tx, grant=refresh.grant)
    if access is not None and access.client_id == client.client_id:
        take_back_access(tx, text, access)
    return Answer(b"")


def _client(tx: Transaction, call: Call) -> Client:
    client_id, client_secret = call.credentials or (
        call.body.get("client_id") or "",
        call.body.get("client_secret") or "",
    )
    client = tx.get("oauth_client", client_id, Client)
    if client is None:
        raise NotHere("invalid_client")
    if not same(client_secret, client.client_secret):
        raise Refusal("invalid_client")
    return client


def _exchange(tx: Transaction, client: Client, given: Mapping[str, str]) -> Answer:
    text = given.get("code") or ""
    code = tx.get("oauth_code", text, Code) if _is_here(tx, text) else None
    if code is None or code.client_id != client.client_id:
        raise _not_given(tx, text, "The code is not one that was given to this client.")
    if code.used:
        # Whoever stole the code, or the tokens, shall have nothing of it (RFC 6749, 4.1.2).
        take_back(tx, grant=code.grant)
        return Answer(REPLAYED, 400, UNSTORED, refusal="invalid_grant")
    if to_ms(tx.now) >= code.ends_ms:
        raise Refusal("invalid_grant", why="The code has expired.")
    if (given.get("redirect_uri") or None) != code.redirect_uri:
        raise Refusal("invalid_grant", why="The redirect_uri is not that of the request.")
    if code.challenge is not None and not verifies(code.challenge, code.method, given.get("code_verifier") or ""):
        raise Refusal("invalid_grant", why="The code_verifier does not fit the code_challenge.")
    tx.put("oauth_code", text, structs.replace(code, used=True))
    return Answer(first_tokens(tx, code), headers=UNSTORED)


def _refresh(tx: Transaction, client: Client, given: Mapping[str, str]) -> Answer:
    text = given.get("refresh_token") or ""
    refresh = tx.get("oauth_refresh", text, Refresh) if _is_here(tx, text) else None
    if refresh is None or refresh.client_id != client.client_id:
        raise _not_given(tx, text, "The refresh token is not one that was given to this client, or was taken back.")
    if refresh.spent:
        take_back(tx, grant=refresh.grant)
        return Answer(REPLAYED, 400, UNSTORED, refusal="invalid_grant")
    return Answer(next_tokens(tx, text, refresh), headers=UNSTORED)


def _is_here(tx: Transaction, text: str) -> bool:
    """Whether a code or token can be of this shop: what a copy of a shop holds of the first is not."""
    return shop_of(text) in (None, tx.shop.name)


def _not_given(tx: Transaction, text: str, why: str) -> Refusal:
    return (Refusal if _is_here(tx, text) else NotHere)("invalid_grant", why=why)
