"""The signature, and how a fault spoils it."""

from __future__ import annotations

import json

import pytest

from loopsim.webhooks.signing import sign, signed

SECRET = "0123456789abcdef"
# As PHP writes it: escaped slashes, escaped letters beyond ASCII.
BODY = rb'{"url":"https:\/\/x\/y","name":"Zo\u00eb"}'
# openssl dgst -sha256 -hmac 0123456789abcdef -binary | base64
SIGNATURE = "fm3luvLAYhMPidh8r9QKPtBqBx19Fsl9o04ULguB0o4="


def test_the_signature_is_base64_of_the_binary_hmac_over_the_raw_bytes() -> None:
    assert sign(BODY, SECRET) == SIGNATURE


def test_the_secret_counts_as_utf8_text() -> None:
    assert sign(b"{}", "päss") != sign(b"{}", "pass")


def test_an_untouched_message_is_sent_as_it_is() -> None:
    assert signed(BODY, SECRET) == (BODY, SIGNATURE)


def test_a_tampered_signature_is_one_of_another_secret() -> None:
    body, signature = signed(BODY, SECRET, "signature")
    assert body == BODY
    assert signature is not None
    assert signature != SIGNATURE
    assert len(signature) == len(SIGNATURE)


@pytest.mark.parametrize("body", [BODY, b'{"id":10}', b'{"id":9}', b'{"id":0}', b"[]"])
def test_a_tampered_body_differs_in_one_byte_from_what_was_signed(body: bytes) -> None:
    sent, signature = signed(body, SECRET, "body")
    assert signature == sign(body, SECRET)
    assert sum(a != b for a, b in zip(sent, body, strict=True)) == 1


def test_a_tampered_body_can_still_be_read() -> None:
    sent, _ = signed(b'{"id":19}', SECRET, "body")
    assert json.loads(sent) == {"id": 11}


def test_an_unsigned_message_has_no_signature() -> None:
    assert signed(BODY, SECRET, "unsigned") == (BODY, None)


def test_what_is_written_again_says_the_same_in_other_bytes() -> None:
    body = rb'{"url":"https:\/\/x.example","name":"Zo\u00eb"}'
    sent, signature = signed(body, "s", "reserialised")
    assert json.loads(sent) == json.loads(body)
    assert sent != body
    assert signature == sign(body, "s")
    assert signed(b"no JSON", "s", "reserialised")[0] != b"no JSON"
