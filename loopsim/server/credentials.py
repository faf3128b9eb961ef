"""Secrets of OAuth on their way into the journal: which one it was can be told, what it was cannot."""

from __future__ import annotations

import hashlib
import json
from typing import Any
from urllib.parse import parse_qsl, urlencode

CONCEALED = frozenset({"requestToken", "revokeToken"})
"""The operations whose bodies hold secrets, both ways."""
_LARGEST = 65_536  # bytes of a body that is looked into: no request for a token comes near
_SECRETS = frozenset({"client_secret", "code", "code_verifier", "refresh_token", "access_token", "token"})


def fingerprint(secret: str) -> str:
    """What tells one secret from another: `sha256:` and eight hex digits."""
    return f"sha256:{hashlib.sha256(secret.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def concealed(raw: bytes) -> bytes:
    """A body, JSON or a form, with a fingerprint in the place of each secret; empty for one that cannot be read or
    is huge, since nobody knows what stands in it."""
    if len(raw) > _LARGEST:
        return b""
    try:
        text = raw.decode()
        if text.lstrip()[:1] in ("{", "["):
            return json.dumps(_without(json.loads(text)), separators=(",", ":")).encode()
        fields = parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text))
        return urlencode([(name, _told(name, value)) for name, value in fields], safe=":").encode()
    except (ValueError, RecursionError):
        return b""


def _without(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _told(name, each) if isinstance(each, str) else _without(each) for name, each in value.items()}
    return [_without(each) for each in value] if isinstance(value, list) else value


def _told(name: str, value: str) -> str:
    return fingerprint(value) if name in _SECRETS and value else value
