"""OAuth 2: a partner's client, what a merchant allowed it, and the tokens that stand for that."""

from __future__ import annotations

import base64
import hashlib
import hmac

from msgspec import Struct

OFFLINE = "offline_access"
METHODS = ("plain", "S256")
_CODE, _ACCESS, _REFRESH = "loop_code", "loop_at", "loop_rt"


class Client(Struct, frozen=True, kw_only=True):
    """A partner's application, as registered with the shop. `redirect_uris` are compared to the letter."""

    client_id: str
    client_secret: str
    name: str
    redirect_uris: tuple[str, ...]
    scopes: tuple[str, ...]


class Code(Struct, frozen=True, kw_only=True):
    """What a merchant allowed, waiting to be exchanged until `ends_ms` of the shop's clock. `grant` numbers what was
    allowed; every token of it bears the number. `redirect_uri` is the one of the request, None where it had none."""

    client_id: str
    grant: int
    scopes: tuple[str, ...]
    redirect_uri: str | None
    ends_ms: int
    challenge: str | None = None
    method: str = "plain"
    used: bool = False


class Access(Struct, frozen=True, kw_only=True):
    """An access token: opens what its scopes open until `ends_ms` of the shop's clock, unless it was `taken_back`. One
    that opens nothing any more is kept for a while, so that whoever still comes with it is known."""

    client_id: str
    grant: int
    scopes: tuple[str, ...]
    ends_ms: int
    taken_back: bool = False

    def dead(self, at_ms: int) -> str | None:
        """Why it opens nothing at a moment of the shop's clock: `token_revoked` or `token_expired`; None while it
        does."""
        if self.taken_back:
            return "token_revoked"
        return "token_expired" if at_ms >= self.ends_ms else None


class Refresh(Struct, frozen=True, kw_only=True):
    """A refresh token. `spent`: another took its place."""

    client_id: str
    grant: int
    scopes: tuple[str, ...]
    spent: bool = False


def code_text(shop: str, secret: str) -> str:
    """The text of a code. The shop's name is in it and in every token, so that whoever brings one is found at once."""
    return f"{_CODE}.{shop}.{secret}"


def access_text(shop: str, secret: str) -> str:
    """The text of an access token."""
    return f"{_ACCESS}.{shop}.{secret}"


def refresh_text(shop: str, secret: str) -> str:
    """The text of a refresh token."""
    return f"{_REFRESH}.{shop}.{secret}"


def shop_of(text: str) -> str | None:
    """The name of the shop that made a code or token; None for what no shop made."""
    parts = text.split(".")
    return parts[1] if len(parts) == 3 and parts[0] in {_CODE, _ACCESS, _REFRESH} else None


def same(left: str, right: str) -> bool:
    """Whether two secrets are the same, in a time that does not tell where they differ."""
    return hmac.compare_digest(left.encode("utf-8", "surrogatepass"), right.encode("utf-8", "surrogatepass"))


def verifies(challenge: str, method: str, verifier: str) -> bool:
    """Whether the verifier of an exchange is the one that the challenge was made of (RFC 7636)."""
    if method == "plain":
        return same(verifier, challenge)
    digest = hashlib.sha256(verifier.encode("utf-8", "surrogatepass")).digest()
    return same(base64.urlsafe_b64encode(digest).rstrip(b"=").decode(), challenge)


def asked_scopes(text: str | None, client: Client) -> tuple[str, ...] | None:
    """The scopes of a request, each once; all of the client's where none are named. None: one is not the client's."""
    asked = tuple(dict.fromkeys((text or "").split())) or client.scopes
    return asked if set(asked) <= {*client.scopes, OFFLINE} else None
