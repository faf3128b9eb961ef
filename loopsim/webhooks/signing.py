"""The signature of a webhook, and how a fault spoils it."""

from __future__ import annotations

import hmac
from base64 import b64encode

SIGNATURE_HEADER = "X-Loop-Signature"


def sign(body: bytes, secret: str) -> str:
    """Base64 of the binary HMAC-SHA256 over the raw body; the secret counts as UTF-8 text (captured, `FACTS.md`)."""
    return b64encode(hmac.digest(secret.encode(), body, "sha256")).decode("ascii")


def signed(body: bytes, secret: str, tamper: str | None = None) -> tuple[bytes, str | None]:
    """The bytes to send and their signature. `tamper` spoils them: `signature` is made with another secret, `body`
    differs from what was signed in one byte, `unsigned` has no signature."""
    if tamper == "unsigned":
        return body, None
    if tamper == "signature":
        return body, sign(body, f"not {secret}")
    signature = sign(body, secret)
    return (_altered(body) if tamper == "body" else body), signature


def _altered(body: bytes) -> bytes:
    # A digit that becomes another digit leaves the JSON readable: only who checks the signature will notice.
    for index in range(len(body) - 1, -1, -1):
        if 0x31 <= body[index] <= 0x39:
            other = b"1" if body[index] == 0x39 else bytes([body[index] + 1])
            return body[:index] + other + body[index + 1 :]
    return body[:-1] + b" "
