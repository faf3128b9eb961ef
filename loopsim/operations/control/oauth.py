"""OAuth clients that a shop knows: registered, given tokens, and shown the door."""

from __future__ import annotations

from typing import Any

from msgspec import to_builtins

from loopsim.domain.oauth import Client, Code
from loopsim.errors import Invalid, Refusal
from loopsim.operations.oauth import allow, first_tokens, secret, take_back
from loopsim.operations.perform import Answer, Call, operation
from loopsim.store.transaction import Transaction

LABEL_PARTNER = ("developer_tools", "label_requests:read", "label_requests:write", "labels:read", "labels:write")
"""What a client may ask for that was registered without scopes: all that tokens open."""


def _named(tx: Transaction, call: Call) -> Client:
    found = tx.get("oauth_client", call.path["client_id"], Client)
    if found is None:
        raise Refusal("oauth_client_not_found", client_id=call.path["client_id"])
    return found


@operation("listOauthClients", reads=True)
def list_oauth_clients(tx: Transaction, _call: Call) -> Any:
    """The clients with their secrets."""
    return {"oauth_clients": [to_builtins(client) for _, client in tx.items("oauth_client", Client)]}


@operation("createOauthClient")
def create_oauth_client(tx: Transaction, call: Call) -> Answer:
    """Register a client."""
    body = call.body
    client = Client(
        client_id=body.get("client_id") or secret(tx, "client")[:32],
        client_secret=body.get("client_secret") or secret(tx, "client_secret"),
        name=body.get("name") or "A partner's application",
        redirect_uris=tuple(body["redirect_uris"]),
        scopes=tuple(body.get("scopes", LABEL_PARTNER)),
    )
    if tx.get("oauth_client", client.client_id, Client) is not None:
        raise Refusal("oauth_client_exists", client_id=client.client_id)
    tx.put("oauth_client", client.client_id, client)
    return Answer({"oauth_client": to_builtins(client)}, 201)


@operation("deleteOauthClient")
def delete_oauth_client(tx: Transaction, call: Call) -> Answer:
    """Forget a client and all that it was given."""
    client = _named(tx, call)
    take_back(tx, client_id=client.client_id)
    tx.delete("oauth_client", client.client_id)
    return Answer(None, 204)


@operation("createOauthTokens")
def create_oauth_tokens(tx: Transaction, call: Call) -> Answer:
    """Tokens as the client would have them after the merchant's yes."""
    client = _named(tx, call)
    text = allow(tx, client, client.scopes, None)
    code = tx.get("oauth_code", text, Code)
    assert code is not None
    tx.delete("oauth_code", text)
    return Answer(first_tokens(tx, code), 201)


@operation("createOauthCode")
def create_oauth_code(tx: Transaction, call: Call) -> Answer:
    """A code as the client would be told it after the merchant's yes."""
    client = _named(tx, call)
    redirect_uri = (call.body or {}).get("redirect_uri") or client.redirect_uris[0]
    if redirect_uri not in client.redirect_uris:
        raise Invalid({"redirect_uri": ["This is not one of the client's."]})
    return Answer({"code": allow(tx, client, client.scopes, redirect_uri), "redirect_uri": redirect_uri}, 201)


@operation("deleteOauthTokens")
def delete_oauth_tokens(tx: Transaction, call: Call) -> Answer:
    """End all that a client was given."""
    take_back(tx, client_id=_named(tx, call).client_id)
    return Answer(None, 204)
