"""Why a partner refuses webhooks that Loop signed: it is sent the same payload signed in each usual wrong way.

The variant that it accepts is what it computes itself, and so names its mistake. That happens on a throw-away shop,
with a return of that shop, so that nothing comes of a variant that is accepted.
"""

from __future__ import annotations

import binascii
import hmac
import json
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

from msgspec import Struct

from loopsim.client import ControlError, Loopsim, Shop
from loopsim.harness.journal import Entry
from loopsim.rules.evidence import Evidence
from loopsim.rules.traffic import Traffic

SIGNATURE_HEADER = "X-Loop-Signature"
_OTHER_HEADERS = (
    "X-Loop-Hmac-Sha256", "X-Loop-Hmac", "Loop-Signature", "X-Signature", "X-Webhook-Signature", "X-Hub-Signature-256",
    "X-Hub-Signature", "X-Shopify-Hmac-Sha256", "X-Hmac-Sha256", "Webhook-Signature",
)  # fmt: skip
DOCTOR = "signature-doctor"
"""Names the block of ids of the throw-away shop."""
_MEANS_NO = frozenset({400, 401, 403, 406, 412, 422, 498})
_TOPIC, _TRIGGER = "return", "return.created"


class Variant(Struct, frozen=True, kw_only=True):
    """A wrong way to sign. `mistake` completes "It …"; `mend` says how to do it right."""

    mistake: str
    mend: str
    signature: str
    header: str = SIGNATURE_HEADER


class Diagnosis(Struct, frozen=True, kw_only=True):
    """What the doctor found. `mistake` is empty where it was not identified; `tried` is how many variants were sent."""

    mistake: str = ""
    mend: str = ""
    tried: int = 0

    @property
    def says(self) -> str:
        """The finding, for a report."""
        if self.mistake:
            return f"Why it refuses webhooks that Loop signed: it {self.mistake}. {self.mend}"
        return (
            "It refuses webhooks that Loop signed; the mistake was not identified, though"
            f" {self.tried} usual ones were tried. Compare what you compute with base64(HMAC-SHA256(raw body, webhook"
            " secret)), and see that the body is the one that arrived and the secret the one of `loopsim env`."
        )


def genuine_refused(entries: Iterable[Entry]) -> Entry | None:
    """The first delivery that Loop signed rightly and that the partner refused, as if it were not."""
    traffic = Traffic(Evidence(entries=tuple(entries)))
    for entry in entries:
        if entry.get("kind") == "delivery" and entry.get("status") in _MEANS_NO and not entry.get("fault"):
            changed = traffic.secret_changed_at
            return None if changed is not None and entry["id"] > changed else entry
    return None


def diagnose(server: Loopsim, target: str, secret: str, key: str, id_block: int) -> Diagnosis:
    """Send the variants to a receiver that should know this secret, until it accepts one. `key` is its API key; the
    throw-away shop takes the ids of `id_block`."""
    shop = server.create_shop(clock={"mode": "manual"}, id_block=id_block)
    try:
        payload, subscription_id = _genuine(shop, target)
        tried = 0
        for variant in variants(payload, secret, key):
            tried += 1
            if _accepts(shop, subscription_id, payload, variant):
                return Diagnosis(mistake=variant.mistake, mend=variant.mend, tried=tried)
        return Diagnosis(tried=tried)
    finally:
        with suppress(ControlError):
            shop.delete()


def variants(payload: str, secret: str, key: str) -> Iterator[Variant]:
    """The usual mistakes, each with the signature that a receiver with it waits for."""
    body = payload.encode()
    right = _base64(body, secret.encode())
    seen = {(SIGNATURE_HEADER, right)}
    for variant in (*_forms(body, secret), *_secrets(body, secret, key), *_bodies(payload, secret), *_headers(right)):
        # Two mistakes may come to the same for this payload; the more frequent one stands first.
        if (variant.header, variant.signature) not in seen:
            seen.add((variant.header, variant.signature))
            yield variant


def _forms(body: bytes, secret: str) -> Iterator[Variant]:
    key = secret.encode()
    digest = hmac.digest(key, body, "sha256")
    mend = "The signature is the base64 form of the binary digest, with padding and nothing before it."
    yield Variant(mistake="compares a hexadecimal digest", mend=mend, signature=digest.hex())
    yield Variant(mistake="compares an upper-case hexadecimal digest", mend=mend, signature=digest.hex().upper())
    yield Variant(
        mistake="expects `sha256=` before a hexadecimal digest", mend=mend, signature=f"sha256={digest.hex()}"
    )
    yield Variant(
        mistake="expects `sha256=` before the base64 form",
        mend=mend,
        signature=f"sha256={b64encode(digest).decode()}",
    )
    url = urlsafe_b64encode(digest).decode()
    yield Variant(mistake="compares base64url without padding", mend=mend, signature=url.rstrip("="))
    yield Variant(mistake="compares base64url", mend=mend, signature=url)
    yield Variant(
        mistake="compares base64 without padding", mend=mend, signature=b64encode(digest).decode().rstrip("=")
    )
    yield Variant(
        mistake="encodes the hexadecimal text of the digest in base64",
        mend="Take the digest in binary (in PHP: hash_hmac with true as its fourth argument), then base64.",
        signature=b64encode(digest.hex().encode()).decode(),
    )
    for name in ("sha1", "sha512", "md5"):
        other = hmac.digest(key, body, name)
        for form, text in (("in base64", b64encode(other).decode()), ("in hexadecimal", other.hex())):
            yield Variant(
                mistake=f"computes HMAC-{name.upper()} ({form})", mend="The digest is SHA-256.", signature=text
            )


def _secrets(body: bytes, secret: str, key: str) -> Iterator[Variant]:
    mend = "The key of the HMAC is the webhook secret as text, in UTF-8: LOOP_WEBHOOK_SECRET of `loopsim env`."
    yield Variant(
        mistake="signs with the API key in place of the webhook secret",
        mend=mend,
        signature=_base64(body, key.encode()),
    )
    yield Variant(
        mistake="signs with the API key, in hexadecimal",
        mend=f"{mend} And the signature is base64.",
        signature=hmac.digest(key.encode(), body, "sha256").hex(),
    )
    decoders: tuple[tuple[str, Callable[[str], bytes]], ...] = (
        ("hexadecimal", bytes.fromhex),
        ("base64", lambda text: b64decode(text, validate=True)),
    )
    for name, decode in decoders:
        with suppress(ValueError, binascii.Error):
            yield Variant(
                mistake=f"decodes the secret from {name} first", mend=mend, signature=_base64(body, decode(secret))
            )
    for what, other in (
        ("with a newline at its end", f"{secret}\n"),
        ("in quotation marks", f'"{secret}"'),
        ("empty: it is not configured", ""),
        ("as the text `undefined`: it is not configured", "undefined"),
        ("as the text `null`: it is not configured", "null"),
        ("as the text `None`: it is not configured", "None"),
    ):
        yield Variant(
            mistake=f"uses the secret {what}",
            mend=f"{mend} Trim what is read from a file or the environment.",
            signature=_base64(body, other.encode()),
        )


def _bodies(payload: str, secret: str) -> Iterator[Variant]:
    mend = (
        "Sign the bytes as they arrived, before any parser has them (Express: express.raw(); Flask: request.get_data();"
        " PHP: php://input)."
    )
    for what, text in _written(payload):
        for form in ("", " and compares it in hexadecimal"):
            digest = hmac.digest(secret.encode(), text.encode("utf-8", "replace"), "sha256")
            yield Variant(
                mistake=f"signs {what}{form}",
                mend=mend,
                signature=digest.hex() if form else b64encode(digest).decode(),
            )


def _written(payload: str) -> Iterator[tuple[str, str]]:
    """The payload as parsers and writers leave it behind."""
    value = json.loads(payload)
    compact = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    yield "JSON written again by its own parser (JSON.stringify and the like)", compact
    yield "JSON written again with spaces (Python's json.dumps)", json.dumps(value)
    yield "JSON written again with spaces and plain letters", json.dumps(value, ensure_ascii=False)
    yield "the body with its slashes unescaped", payload.replace("\\/", "/")
    yield "JSON written again with escaped slashes but plain letters", compact.replace("/", "\\/")
    yield "JSON written again with its keys sorted", json.dumps(value, separators=(",", ":"), sort_keys=True)
    yield "JSON written again with its keys sorted, with spaces", json.dumps(value, sort_keys=True)
    yield "JSON written again over several lines", json.dumps(value, indent=2, ensure_ascii=False)
    yield "the body with a newline at its end", f"{payload}\n"
    yield "the body between spaces", f" {payload} "
    yield "the body without its first and last character", payload[1:-1]
    yield "an empty body: a parser has taken it already", ""
    yield "the text [object Object]: a parser has taken the body already", "[object Object]"


def _headers(right: str) -> Iterator[Variant]:
    for header in _OTHER_HEADERS:
        yield Variant(
            mistake=f"reads the signature from {header}",
            mend=f"Loop sends it in {SIGNATURE_HEADER}.",
            signature=right,
            header=header,
        )


def _genuine(shop: Shop, target: str) -> tuple[str, int]:
    """A payload of the throw-away shop, and its subscription for this receiver."""
    (subscription,) = shop.subscribe(target, _TOPIC, _TRIGGER)
    shop.customer.submits_return(items=[{"outcome": "refund"}])
    (delivery, *_) = shop.deliveries(limit=1)
    return str(shop.delivery(delivery["id"])["payload"]), int(subscription["id"])


def _accepts(shop: Shop, subscription_id: int, payload: str, variant: Variant) -> bool:
    try:
        sent = shop.send(
            subscription_id, payload, signature={"text": variant.signature}, header=variant.header, wait=True
        )
    except ControlError:
        return False  # a text that no header can hold
    attempts = sent["attempts"]
    status = attempts[-1]["status"] if attempts else None
    return status is not None and 200 <= status < 300


def _base64(body: bytes, key: bytes) -> str:
    return b64encode(hmac.digest(key, body, "sha256")).decode()
