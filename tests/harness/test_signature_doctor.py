"""The signature doctor against partners that verify in one wrong way each, over real sockets."""

from __future__ import annotations

import hmac
import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from loopsim.bootstrap import Options
from loopsim.client import Loopsim
from loopsim.embedded import EmbeddedServer
from loopsim.harness.signature_doctor import Diagnosis, diagnose, genuine_refused, variants
from tests.harness.running import run
from tests.harness.tiny import Tiny

Sign = Callable[[bytes, str], str]


def digest(body: bytes, secret: str) -> bytes:
    return hmac.digest(secret.encode(), body, "sha256")


def base64(body: bytes, secret: str) -> str:
    return b64encode(digest(body, secret)).decode()


def written(**how: object) -> Sign:
    return lambda body, secret: base64(json.dumps(json.loads(body), **how).encode(), secret)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedServer]:
    with EmbeddedServer(Options(port=0, clock="manual")) as server:
        yield server


@pytest.fixture
def examine(server: EmbeddedServer) -> Iterator[Callable[[Sign], Diagnosis]]:
    running: list[Tiny] = []

    def examine(sign: Sign) -> Diagnosis:
        tiny = Tiny(server.api_base, server.key, server.secret, sign=sign)
        running.append(tiny)
        with Loopsim(server.url) as client:
            found = diagnose(client, f"{tiny.url}/hook", server.secret, server.key, 77)
            assert len(client.shops()) == 1
        return found

    yield examine
    for tiny in running:
        tiny.shutdown()
        tiny.server_close()


@pytest.mark.parametrize(
    ("sign", "mistake"),
    [
        (lambda body, secret: digest(body, secret).hex(), "compares a hexadecimal digest"),
        (lambda body, secret: f"sha256={digest(body, secret).hex()}", "expects `sha256=` before a hexadecimal digest"),
        (lambda body, secret: b64encode(digest(body, secret).hex().encode()).decode(), "encodes the hexadecimal text"),
        (
            lambda body, secret: b64encode(hmac.digest(secret.encode(), body, "sha1")).decode(),
            "computes HMAC-SHA1 (in base64)",
        ),
        (lambda body, secret: base64(body, f"{secret}\n"), "uses the secret with a newline at its end"),
        (lambda body, _secret: base64(body, "undefined"), "as the text `undefined`: it is not configured"),
        (lambda body, secret: base64(body + b"\n", secret), "signs the body with a newline at its end"),
        (lambda _body, secret: base64(b"", secret), "signs an empty body: a parser has taken it already"),
        (written(separators=(",", ":"), ensure_ascii=False), "JSON.stringify"),
        (written(), "Python's json.dumps"),
        (written(separators=(",", ":"), sort_keys=True), "with its keys sorted"),
    ],
)
def test_a_wrong_way_to_verify_is_named(examine: Callable[[Sign], Diagnosis], sign: Sign, mistake: str) -> None:
    found = examine(sign)
    assert mistake in found.mistake
    assert found.says.startswith(f"Why it refuses webhooks that Loop signed: it {found.mistake}. ")


def test_the_api_key_in_place_of_the_secret_is_named(
    examine: Callable[[Sign], Diagnosis], server: EmbeddedServer
) -> None:
    assert "the API key in place of the webhook secret" in examine(lambda body, _: base64(body, server.key)).mistake


def test_another_header_is_named(server: EmbeddedServer) -> None:
    tiny = Tiny(server.api_base, server.key, server.secret)
    tiny.header = "X-Loop-Hmac-Sha256"
    with Loopsim(server.url) as client:
        found = diagnose(client, f"{tiny.url}/hook", server.secret, server.key, 78)
    tiny.shutdown()
    tiny.server_close()
    assert found.mistake == "reads the signature from X-Loop-Hmac-Sha256"
    assert found.mend == "Loop sends it in X-Loop-Signature."


def test_what_nobody_thought_of_is_not_identified(examine: Callable[[Sign], Diagnosis]) -> None:
    found = examine(lambda _body, _secret: "no signature is right")
    assert found.mistake == ""
    assert "the mistake was not identified" in found.says
    assert found.tried > 40


def test_no_variant_is_the_right_signature() -> None:
    payload = '{"url":"https:\\/\\/x.example","name":"Zo\\u00eb"}'
    signatures = [each.signature for each in variants(payload, "s", "k") if each.header == "X-Loop-Signature"]
    assert base64(payload.encode(), "s") not in signatures
    assert len(set(signatures)) == len(signatures)
    assert urlsafe_b64encode(digest(payload.encode(), "s")).decode().rstrip("=") in signatures


def test_only_genuine_deliveries_that_were_refused_call_the_doctor() -> None:
    refused = {"kind": "delivery", "id": 4, "status": 400}
    assert genuine_refused([{"kind": "delivery", "id": 3, "status": 200}, refused]) == refused
    assert genuine_refused([{**refused, "fault": "tamper"}, {**refused, "status": 404}]) is None
    assert genuine_refused([{"kind": "control", "operation": "rotateSecret", "id": 1}, refused]) is None


def test_a_run_says_once_why_the_partner_refuses_everything(tmp_path: Path) -> None:
    result = run(tmp_path, sign=lambda body, secret: digest(body, secret).hex())
    said = [failure.says for scenario in result.scenarios for failure in scenario.failures]
    assert [each for each in said if "refuses webhooks that Loop signed" in each] == [
        "Why it refuses webhooks that Loop signed: it compares a hexadecimal digest. The signature is the base64 form"
        " of the binary digest, with padding and nothing before it."
    ]
    rules = {verdict.rule for verdict in result.scenarios[0].verdicts if verdict.outcome == "failed"}
    assert "genuine-signature-accepted" in rules
    assert result.exit_code == 1
