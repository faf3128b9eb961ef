"""Addresses with something in their query."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from urllib.parse import quote, quote_plus, urlencode, urlsplit, urlunsplit

_SPACES: tuple[Callable[..., str], ...] = (quote_plus, quote)


def with_query(uri: str, query: Mapping[str, str | None]) -> str:
    """A URI with more in its query; what is None is left out."""
    parts = urlsplit(uri)
    added = urlencode({name: value for name, value in query.items() if value is not None}, errors="replace")
    return urlunsplit(parts._replace(query=f"{parts.query}&{added}" if parts.query else added))


def is_signed(query: Mapping[str, str], signature: str, secret: str) -> bool:
    """Whether the signature is the hexadecimal HMAC-SHA256 of the query sorted by name; a space may be `+` or `%20`."""
    for spaces in _SPACES:
        text = urlencode(sorted(query.items()), quote_via=spaces, errors="replace")
        right = hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
        if hmac.compare_digest(right.encode(), signature.encode("utf-8", "replace")):
            return True
    return False
