"""The signature of a webhook, and how a fault spoils it."""

from __future__ import annotations

import hmac
import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from typing import Any

SIGNATURE_HEADER = "X-Loop-Signature"

Form = Callable[[bytes, bytes], str]
FORMS: dict[str, Form] = {
    "base64": lambda secret, body: b64encode(hmac.digest(secret, body, "sha256")).decode("ascii"),
    "hex": lambda secret, body: hmac.digest(secret, body, "sha256").hex(),
    "base64url": lambda secret, body: (
        urlsafe_b64encode(hmac.digest(secret, body, "sha256")).decode("ascii").rstrip("=")
    ),
    "sha1-base64": lambda secret, body: b64encode(hmac.digest(secret, body, "sha1")).decode("ascii"),
    "prefixed": lambda secret, body: "sha256=" + hmac.digest(secret, body, "sha256").hex(),
}
"""Ways to write a signature down, from secret and body: Loop's own first, then those that other services use."""


def sign(body: bytes, secret: str) -> str:
    """Base64 of the binary HMAC-SHA256 over the raw body; the secret counts as UTF-8 text (captured, `FACTS.md`)."""
    return b64encode(hmac.digest(secret.encode(), body, "sha256")).decode("ascii")


def signed(body: bytes, secret: str, tamper: str | None = None) -> tuple[bytes, str | None]:
    """The bytes to send and their signature. `tamper` spoils them: `signature` is made with another secret, `body`
    differs from what was signed in one byte, `reserialised` is the same JSON in other bytes, `unsigned` has none."""
    if tamper == "unsigned":
        return body, None
    if tamper == "signature":
        return body, sign(body, f"not {secret}")
    signature = sign(body, secret)
    if tamper == "reserialised":
        return _written_again(body), signature
    return (_altered(body) if tamper == "body" else body), signature


def crafted(body: bytes, secret: str, how: Any) -> str | None:
    """The signature of a crafted delivery, None for none. `how` is `genuine` or `none`, or `{"text"}` to be sent as it
    stands, or how to make it, with what is left out as it should be: `{"secret", "form" (of FORMS), "over"}`."""
    if isinstance(how, str):
        return sign(body, secret) if how == "genuine" else None
    if "text" in how:
        return str(how["text"])
    over = how.get("over", "sent")
    signed_bytes = body if over == "sent" else over["text"].encode()
    return FORMS[how.get("form", "base64")](how.get("secret", secret).encode(), signed_bytes)


def _written_again(body: bytes) -> bytes:
    # As a client writes JSON that it has read: with spaces, and without PHP's escapes.
    try:
        return json.dumps(json.loads(body), ensure_ascii=False).encode("utf-8", "replace")
    except ValueError:
        return body + b" "


def _altered(body: bytes) -> bytes:
    # A digit that becomes another digit leaves the JSON readable: only who checks the signature will notice.
    for index in range(len(body) - 1, -1, -1):
        if 0x31 <= body[index] <= 0x39:
            other = b"1" if body[index] == 0x39 else bytes([body[index] + 1])
            return body[:index] + other + body[index + 1 :]
    return body[:-1] + b" "
