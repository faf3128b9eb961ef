"""Crafted deliveries: any bytes, signed in any way, to see whether a receiver tells them apart."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from loopsim.client import ControlError, Shop
from tests.listening import listening

PAYLOAD = '{"id": "1", "caf\u00e9":  "\u2713"}'
BYTES = PAYLOAD.encode()


class RawReceiver:
    """Keeps headers and bytes of what it is sent, and answers with `status`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.status = 200


@pytest.fixture
def receiver() -> Iterator[RawReceiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.got.append((dict(self.headers), body))
            self.send_response(receiver.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_args: Any) -> None:
            """Say nothing."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver = RawReceiver(f"http://127.0.0.1:{http.server_address[1]}/hook")
    with listening(http):
        yield receiver


@pytest.fixture
def subscription(shop: Shop, receiver: RawReceiver) -> int:
    return int(shop.subscribe(receiver.url, "return", "return.created")[0]["id"])


def digest(secret: str, body: bytes, algorithm: Any = hashlib.sha256) -> bytes:
    return hmac.new(secret.encode(), body, algorithm).digest()


def test_the_very_bytes_arrive_signed_as_loop_signs(shop: Shop, receiver: RawReceiver, subscription: int) -> None:
    sent = shop.send(subscription, PAYLOAD)
    ((headers, body),) = receiver.got
    assert body == BYTES
    assert headers["X-Loop-Signature"] == b64encode(digest(shop.secret, BYTES)).decode()
    assert (sent["payload"], sent["delivery"]["state"]) == (PAYLOAD, "delivered")
    assert (sent["delivery"]["topic"], sent["delivery"]["trigger"]) == ("return", "return.created")
    assert sent["attempts"][0]["status"] == 200


@pytest.mark.parametrize(
    ("signature", "expected"),
    [
        ("none", None),
        ({"text": "t=1, v1=abc"}, "t=1, v1=abc"),
        ({"secret": "another"}, b64encode(digest("another", BYTES)).decode()),
        ({"secret": "s", "form": "hex"}, digest("s", BYTES).hex()),
        ({"secret": "s", "form": "prefixed"}, "sha256=" + digest("s", BYTES).hex()),
        ({"secret": "s", "form": "base64url"}, urlsafe_b64encode(digest("s", BYTES)).decode().rstrip("=")),
        ({"secret": "s", "form": "sha1-base64"}, b64encode(digest("s", BYTES, hashlib.sha1)).decode()),
        ({"secret": "s", "over": "sent"}, b64encode(digest("s", BYTES)).decode()),
        ({"secret": "s", "over": {"text": "{}"}}, b64encode(digest("s", b"{}")).decode()),
    ],
)
def test_a_signature_is_made_as_it_is_asked_for(
    shop: Shop, receiver: RawReceiver, subscription: int, signature: Any, expected: str | None
) -> None:
    shop.send(subscription, PAYLOAD, signature=signature)
    ((headers, body),) = receiver.got
    assert (headers.get("X-Loop-Signature"), body) == (expected, BYTES)


def test_the_signature_may_stand_in_another_header(shop: Shop, receiver: RawReceiver, subscription: int) -> None:
    shop.send(subscription, PAYLOAD, header="X-Shopify-Hmac-Sha256")
    ((headers, _),) = receiver.got
    assert headers["X-Shopify-Hmac-Sha256"] == b64encode(digest(shop.secret, BYTES)).decode()
    assert "X-Loop-Signature" not in headers


def test_a_crafted_delivery_is_recorded_but_never_retried_nor_held_against_anybody(
    shop: Shop, receiver: RawReceiver, subscription: int
) -> None:
    receiver.status = 500
    sent = shop.send(subscription, PAYLOAD, topic="label", trigger="label.updated", return_id=7, signature="none")
    assert (sent["delivery"]["state"], sent["delivery"]["return_id"]) == ("failed", 7)
    assert sent["delivery"]["fault"] == {"kind": "crafted", "signature": "none"}
    (entry,) = shop.journal(kind="delivery")["entries"]
    assert (entry["fault"], entry["status"], entry["request_body"]) == ("crafted", 500, PAYLOAD)
    assert (entry["topic"], entry["trigger"], entry["return_id"]) == ("label", "label.updated", 7)
    assert shop.clock.advance(by="30d")["timers_run"] == 0
    assert len(receiver.got) == 1
    assert shop.subscriptions()[0]["failures"] == 0
    # Sent again, it is what it was.
    shop.resend(sent["delivery"]["id"])
    assert "X-Loop-Signature" not in receiver.got[1][0]


def test_the_answer_need_not_be_waited_for(shop: Shop, receiver: RawReceiver, subscription: int) -> None:
    sent = shop.send(subscription, PAYLOAD, wait=False)
    assert sent["attempts"] == []
    shop.settle()
    assert len(receiver.got) == 1


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"header": "Content-Length"}, "header"),
        ({"header": "no header"}, "header"),
        ({"signature": "forged"}, "signature"),
        ({"signature": {"text": "a\r\nb"}}, "signature"),
        ({"signature": {"form": "md5"}}, "signature"),
        ({"topic": "weather"}, "topic"),
        ({"return_id": 2**63}, "return_id"),
    ],
)
def test_what_could_not_be_sent_is_refused(shop: Shop, subscription: int, asked: dict[str, Any], field: str) -> None:
    with pytest.raises(ControlError) as refused:
        shop.send(subscription, PAYLOAD, **asked)
    assert [name.partition(".")[0] for name in refused.value.problem["errors"]] == [field]
    assert shop.deliveries() == []


def test_there_must_be_a_subscription(shop: Shop) -> None:
    with pytest.raises(ControlError) as refused:
        shop.send(1, PAYLOAD)
    assert refused.value.code == "webhook_not_found"


def test_a_crafted_delivery_to_where_none_may_go_is_blocked(shop: Shop) -> None:
    (made,) = shop.subscribe("http://192.0.2.1/hook", "return", "return.created")
    assert shop.send(made["id"], PAYLOAD)["delivery"]["state"] == "blocked"


@pytest.mark.usefixtures("subscription")
def test_settling_lets_go_what_a_swap_holds_back(shop: Shop, receiver: RawReceiver) -> None:
    # Held back for twice as long as the partner is watched, which is more than anybody waits here.
    shop.update(quiet_for=60_000)
    shop.fault("swap")
    shop.customer.submits_return()
    assert shop.settle(timeout=10, quiet_for=0)["settled"]
    assert len(receiver.got) == 1
    shop.fault("swap")
    shop.customer.submits_return()
    shop.clock.advance(by="1s", quiet_for=0)
    assert len(receiver.got) == 2
