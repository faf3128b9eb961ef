"""Who may call: the names this server goes by, pages of other origins, the token beyond loopback.

A browser will gladly send a hostile page's requests to 127.0.0.1; the name it thinks it talks to, and the page it comes
from, give it away.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable

from loopsim.server.requests import Headers, text_of
from loopsim.urls import is_loopback, plain_host

_KEPT = 256
# Whoever lets more through lets it into the links of answers, which repeat the header.
_AUTHORITY = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[\w.-]+)(?::\d{0,5})?", re.ASCII)


def host_name(header: str) -> str:
    """The name in a `Host` header, without port, in lower case; empty where the header is none."""
    match = _AUTHORITY.fullmatch(header)
    return "" if match is None else match["name"].lower().rstrip(".")


class Hosts:
    """What a server lets in: `allowed` are names beside the loopback ones (`*`: any); `token` is asked for if set."""

    def __init__(self, allowed: Iterable[str] = (), token: str | None = None) -> None:
        self._allowed = {plain_host(name) for name in allowed}
        self._token = token
        self._known: set[bytes] = set()

    def admits(self, host: bytes | None) -> bool:
        """Whether the `Host` header is one of ours. A call without one is no browser's."""
        if host is None or host in self._known:
            return True
        name = host_name(text_of(host))
        if not name or not (is_loopback(name) or plain_host(name) in self._allowed or "*" in self._allowed):
            return False
        if len(self._known) < _KEPT:
            self._known.add(host)
        return True

    def is_foreign(self, headers: Headers) -> bool:
        """Whether a page of another origin sends this call."""
        origin = headers.get(b"origin")
        return (
            origin is not None
            and text_of(origin).partition("://")[2].lower() != text_of(headers.get(b"host", b"")).lower()
        )

    def has_token(self, headers: Headers) -> bool:
        """Whether the call brings the token, or none is asked for."""
        if self._token is None:
            return True
        given = headers.get(b"x-loopsim-token")
        if given is None:
            scheme, _, given = headers.get(b"authorization", b"").partition(b" ")
            if scheme.lower() != b"bearer":
                return False
        return hmac.compare_digest(given.strip(), self._token.encode())
