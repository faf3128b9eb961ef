"""A partner that says itself whether it has anything left to do."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from loopsim.client import ControlError, Shop
from tests.listening import listening
from tests.server.conftest import Client
from tests.server.control.conftest import call_loop


class Partner:
    """Takes webhooks, and answers GET with what `says` gives: a status and a body."""

    def __init__(self, base: str) -> None:
        self.hook, self.url = f"{base}/hook", f"{base}/idle"
        self.heard = 0
        self.says: Callable[[], tuple[int, bytes]] = lambda: (200, b'{"idle": true}')


@pytest.fixture
def partner() -> Iterator[Partner]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            partner.heard += 1
            self.answer(200, b"")

        def do_GET(self) -> None:
            self.answer(*partner.says())

        def answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: Any) -> None:
            """Say nothing."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    partner = Partner(f"http://127.0.0.1:{http.server_address[1]}")
    with listening(http):
        yield partner


def notes(shop: Shop) -> list[str]:
    return [entry["note"] for entry in shop.journal(kind="note")["entries"]]


def test_time_waits_until_the_partner_says_that_it_is_idle(shop: Shop, partner: Partner) -> None:
    # A minute without a call is more than this client waits: only the partner's word can end the advance.
    shop.update(quiet_for=60_000, idle_probe={"url": partner.url, "path": "queue.empty"})
    shop.subscribe(partner.hook, "label", "label.created")
    words: list[bool] = []

    def says() -> tuple[int, bytes]:
        if not partner.heard:
            return 200, b'{"queue": {"empty": true}}'
        if not words:
            # What it was told of is worked on in the background.
            call_loop(shop, "/warehouse/return/list")
        words.append(len(words) > 1)
        return 200, b'{"queue": {"empty": %s}}' % str(words[-1]).lower().encode()

    shop.customer.submits_return()
    partner.says = says
    shop.clock.advance(by="1d")
    assert words[:3] == [False, False, True]
    (told,) = shop.journal(kind="delivery")["entries"]
    (called,) = shop.journal(kind="call")["entries"]
    assert called["at"] == told["at"]
    assert shop.settle(timeout=5)["settled"]
    assert notes(shop) == []


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ((500, b""), "answered 500"),
        ((200, b"<html>"), "no JSON"),
        ((200, b'{"idle": {"now": true}}'), "no idle.soon"),
        ((200, b"[]"), "no idle.soon"),
    ],
)
def test_a_probe_that_says_nothing_is_told_of_once_and_calls_are_watched(
    shop: Shop, partner: Partner, answer: tuple[int, bytes], why: str
) -> None:
    partner.says = lambda: answer
    shop.update(idle_probe={"url": partner.url, "path": "idle.soon"})
    for _ in range(2):
        assert shop.settle(timeout=5)["settled"]
    (note,) = notes(shop)
    assert why in note
    assert "quiet_for" in note
    partner.says = lambda: (200, b'{"idle": {"soon": true}}')
    shop.settle(timeout=5)
    partner.says = lambda: answer
    shop.settle(timeout=5)
    assert len(notes(shop)) == 2


def test_only_a_host_that_webhooks_may_go_to_is_asked(shop: Shop) -> None:
    shop.update(idle_probe={"url": "http://192.0.2.1/idle"})
    assert shop.settle(timeout=5)["settled"]
    (note,) = notes(shop)
    assert "--allow-target 192.0.2.1" in note


def test_a_partner_that_is_not_there_is_told_of(shop: Shop, closed_port: int) -> None:
    shop.update(idle_probe={"url": f"http://127.0.0.1:{closed_port}/idle"})
    shop.clock.advance(by="1s")
    assert "gave no answer (refused)" in notes(shop)[0]


def test_the_probe_is_a_setting(shop: Shop) -> None:
    assert shop.view()["idle_probe"] is None
    assert shop.update(idle_probe={"url": "http://127.0.0.1:1/"})["idle_probe"] == {
        "url": "http://127.0.0.1:1/",
        "path": "idle",
    }
    assert shop.copy().view()["idle_probe"]["path"] == "idle"
    assert shop.update(idle_probe=None)["idle_probe"] is None
    with pytest.raises(ControlError, match="422"):
        shop.update(idle_probe={"url": "ftp://127.0.0.1/"})


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
        return port


@pytest.mark.parametrize("url", ["http://[", "https://[::1", "http://", "ftp://127.0.0.1/idle", "http://a b/"])
def test_an_address_that_is_none_is_refused(url: str, client: Client) -> None:
    answer = client.control("PATCH", "settings", {"idle_probe": {"url": url}})
    assert answer.status == 422
    assert list(answer.body["errors"]) == ["idle_probe.url"]
