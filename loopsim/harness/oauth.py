"""A partner that comes in by OAuth: its application on the shop, and what the merchant's yes gave it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from msgspec import Struct

from loopsim.client import Shop

Given = Literal["", "tokens", "code"]
"""What a partner is handed: nothing, tokens that it can use at once, or a code that it has to exchange."""

REDIRECT_URI = "http://127.0.0.1/oauth/callback"
"""Where nobody is sent: the merchant's yes is given without a browser."""
NAME = "loopsim run"
SCOPES = (
    "developer_tools", "label_requests:read", "label_requests:write", "labels:read", "labels:write",
    "ship_by_loop:write",
)  # fmt: skip
"""All that a token can open."""


class Grant(Struct, frozen=True, kw_only=True):
    """What a partner has to know to come in. Of tokens and code it has the one or the other."""

    client_id: str
    client_secret: str
    token_url: str
    access_token: str = ""
    refresh_token: str = ""
    code: str = ""
    redirect_uri: str = ""

    def named(self) -> dict[str, str]:
        """All of it by name, as templates have it."""
        return {name: str(getattr(self, name)) for name in self.__struct_fields__}

    def environment(self) -> dict[str, str]:
        """The variables that say it: `LOOP_OAUTH_CLIENT_ID` and so on."""
        return {f"LOOP_OAUTH_{name.upper()}": value for name, value in self.named().items() if value}

    def secrets(self) -> tuple[str, ...]:
        """What nobody else may see."""
        found = (self.client_secret, self.access_token, self.refresh_token, self.code)
        return tuple(secret for secret in found if secret)


def grant(shop: Shop, partner: str, given: Given, known: Grant | None = None) -> Grant:
    """Let the merchant say yes to a partner's application, which is registered where it is not yet; with the id and
    secret of a `known` one, where the partner has those already."""
    name = partner or NAME
    apps = _apps_of(shop, partner)
    if apps:
        app = apps[0]
    else:
        own = {"client_id": known.client_id, "client_secret": known.client_secret} if known is not None else {}
        app = shop.create_oauth_client(REDIRECT_URI, name=name, scopes=SCOPES, **own)
    client_id = str(app["client_id"])
    if given == "code":
        told = shop.create_oauth_code(client_id)
    else:
        answer = shop.create_oauth_tokens(client_id)
        told = {token: answer[token] for token in ("access_token", "refresh_token") if token in answer}
    return Grant(client_id=client_id, client_secret=app["client_secret"], token_url=shop.token_url, **told)


def is_let_in(shop: Shop, partner: str) -> bool:
    """Whether the merchant said yes to the partner before. The nameless one may go by any name."""
    return bool(_apps_of(shop, partner) if partner else shop.oauth_clients())


def _apps_of(shop: Shop, partner: str) -> list[dict[str, Any]]:
    return [app for app in shop.oauth_clients() if app["name"] == (partner or NAME)]


def key_scopes(scopes: Iterable[str]) -> tuple[str, ...]:
    """What the key of a partner may still open that comes with a token instead."""
    return tuple(scope for scope in scopes if scope not in SCOPES)


def keys_of(known: Grant | None) -> tuple[str, ...]:
    """What the journal calls whoever comes with a token of the partner's application."""
    return () if known is None else (f"oauth:{known.client_id}",)


def ended(entries: Iterable[dict[str, object]]) -> bool:
    """Whether a story leaves a partner without a token that it could renew."""
    return any(
        entry.get("operation") in _TAKES_BACK
        or entry.get("refusal") == "token_revoked"
        or (entry.get("operation") == "requestToken" and entry.get("refusal") is not None)
        for entry in entries
    )


_TAKES_BACK = frozenset({"revokeToken", "deleteOauthTokens", "deleteOauthClient"})
