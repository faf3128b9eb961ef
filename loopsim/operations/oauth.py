"""Codes and tokens of OAuth 2: made, exchanged, taken back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from msgspec import structs

from loopsim.clock import to_ms
from loopsim.domain import chance
from loopsim.domain.durations import DURATIONS
from loopsim.domain.oauth import OFFLINE, Access, Client, Code, Refresh, access_text, code_text, refresh_text
from loopsim.domain.quirks import quirk
from loopsim.store.transaction import Transaction

SECRET_DIGITS = 40
REMEMBERED = timedelta(days=1)
"""How long an access token is known that has ended."""


def _ends_ms(tx: Transaction, duration: str) -> int:
    return to_ms(tx.now + DURATIONS[duration].fixed)


def secret(tx: Transaction, purpose: str) -> str:
    """Hex digits that nobody had before; shops of one seed have others, since the name counts."""
    number = tx.count(f"oauth_{purpose}")
    return chance.hexadecimal(SECRET_DIGITS, tx.settings.seed, f"oauth_{purpose}", f"{tx.shop.name}/{number}")


def allow(
    tx: Transaction,
    client: Client,
    scopes: tuple[str, ...],
    redirect_uri: str | None,
    challenge: str | None = None,
    method: str = "plain",
) -> str:
    """The merchant says yes: the code that tells the client so."""
    text = code_text(tx.shop.name, secret(tx, "code"))
    code = Code(
        client_id=client.client_id,
        grant=tx.count("oauth_grant"),
        scopes=scopes,
        redirect_uri=redirect_uri,
        ends_ms=_ends_ms(tx, "oauth_code"),
        challenge=challenge,
        method=method,
    )
    tx.put("oauth_code", text, code)
    return text


def first_tokens(tx: Transaction, code: Code) -> dict[str, Any]:
    """The token answer of what a merchant allowed."""
    refresh = None
    if OFFLINE in code.scopes or quirk(tx.settings.quirks, "oauth_refresh_token") == "always":
        refresh = _new_refresh(tx, Refresh(client_id=code.client_id, grant=code.grant, scopes=code.scopes))
    return _answer(tx, code.client_id, code.grant, code.scopes, refresh)


def next_tokens(tx: Transaction, text: str, refresh: Refresh) -> dict[str, Any]:
    """The token answer to a refresh token: another access token, and where tokens rotate another of its own kind."""
    if quirk(tx.settings.quirks, "oauth_refresh_rotation") == "on":
        tx.put("oauth_refresh", text, structs.replace(refresh, spent=True))
        text = _new_refresh(tx, refresh)
    long_ago = to_ms(tx.now - REMEMBERED)
    for old, access in tx.items("oauth_access", Access):
        if access.ends_ms <= long_ago:
            tx.delete("oauth_access", old)
    return _answer(tx, refresh.client_id, refresh.grant, refresh.scopes, text)


def _new_refresh(tx: Transaction, refresh: Refresh) -> str:
    text = refresh_text(tx.shop.name, secret(tx, "refresh"))
    tx.put("oauth_refresh", text, structs.replace(refresh, spent=False))
    return text


def _answer(
    tx: Transaction, client_id: str, grant: int, scopes: tuple[str, ...], refresh: str | None
) -> dict[str, Any]:
    text = access_text(tx.shop.name, secret(tx, "access"))
    ends_ms = _ends_ms(tx, "oauth_token")
    tx.put("oauth_access", text, Access(client_id=client_id, grant=grant, scopes=scopes, ends_ms=ends_ms))
    answer = {"access_token": text, "token_type": "Bearer", "expires_in": DURATIONS["oauth_token"].low}
    if refresh is not None:
        answer["refresh_token"] = refresh
    return {**answer, "scope": " ".join(scopes)}


def take_back(tx: Transaction, *, grant: int | None = None, client_id: str | None = None) -> None:
    """End everything that one grant gave, or all that a client was given."""
    kinds: tuple[tuple[str, type[Code] | type[Refresh]], ...] = (("oauth_refresh", Refresh), ("oauth_code", Code))
    for kind, type_ in kinds:
        for text, each in tx.items(kind, type_):
            if each.grant == grant or each.client_id == client_id:
                tx.delete(kind, text)
    for text, access in tx.items("oauth_access", Access):
        if access.grant == grant or access.client_id == client_id:
            take_back_access(tx, text, access)


def take_back_access(tx: Transaction, text: str, access: Access) -> None:
    """End one access token."""
    ends_ms = min(access.ends_ms, to_ms(tx.now))
    tx.put("oauth_access", text, structs.replace(access, taken_back=True, ends_ms=ends_ms))
