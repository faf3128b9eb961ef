"""Receivers that misbehave, and subscriptions, shops and servers that go away under deliveries in flight."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from loopsim.bootstrap import Options
from loopsim.client import ControlError, Loopsim, Shop
from loopsim.embedded import EmbeddedServer
from tests.e2e.hostile import (
    MOMENT,
    PATIENCE,
    BadReceiver,
    Behave,
    Wire,
    fine,
    receiving,
    request,
    says,
)
from tests.e2e.serving import Server

TIMEOUT = 250  # milliseconds that a receiver has where the test is about them
HEAD = b"HTTP/1.1 200 OK\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedServer]:
    with EmbeddedServer(Options(port=0)) as running:
        yield running


@pytest.fixture
def client(server: EmbeddedServer) -> Iterator[Loopsim]:
    with Loopsim(server.url, timeout=PATIENCE) as client:
        yield client


_numbers = count(1)


@pytest.fixture
def shop(client: Loopsim) -> Iterator[Shop]:
    made = client.create_shop(
        f"shop-{next(_numbers)}", moment=MOMENT, clock={"mode": "manual"}, delivery_timeout=60_000, quiet_for=0
    )
    yield made
    with suppress(ControlError):
        made.delete()


def only_attempt(shop: Shop) -> tuple[str, dict[str, Any]]:
    """The state of the only delivery, and its only attempt, once it is settled."""
    assert shop.settle(timeout=PATIENCE)["settled"]
    (delivery,) = shop.deliveries()
    (attempt,) = shop.delivery(delivery["id"])["attempts"]
    return delivery["state"], attempt


# what they answer


def closes(_connection: socket.socket, _body: bytes) -> None:
    return


def endless(first: bytes, more: bytes) -> Behave:
    """Answer `first`, and then `more` for as long as somebody reads."""

    def behave(connection: socket.socket, _body: bytes) -> None:
        connection.sendall(first)
        while True:
            connection.sendall(more)

    return behave


def in_parts(*parts: bytes) -> Behave:
    """Answer in parts that the server reads one after the other."""

    def behave(connection: socket.socket, _body: bytes) -> bool:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for part in parts:
            connection.sendall(part)
            threading.Event().wait(0.02)
        return True

    return behave


LONG = b"x" * 65536
BOMB = gzip.compress(bytes(20_000_000))
ANSWERS: dict[str, tuple[Behave, str, int | None, str | None]] = {
    "hangs up": (closes, "queued", None, "reset"),
    "100 MB": (endless(HEAD + b"Content-Length: 104857600\r\n\r\n", LONG), "delivered", 200, None),
    "chunks without end": (
        endless(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + LONG + b"\r\n"), "delivered", 200, None
    ),
    "headers without end": (endless(HEAD, b"X-More: 1\r\n" * 1000), "queued", None, "malformed"),
    "a header without end": (endless(HEAD + b"X-Long: ", LONG), "queued", None, "malformed"),
    "100 Continue without end": (endless(b"", CONTINUE * 2000), "queued", None, "malformed"),
    "early hints without end": (
        endless(b"", b"HTTP/1.1 103 Early Hints\r\n" + b"X-Hint: 1\r\n" * 50 + b"\r\n"), "queued", None, "malformed"
    ),
    "100 Continue before the answer": (
        says(CONTINUE * 20 + HEAD + b"Content-Length: 0\r\n\r\n"), "delivered", 200, None
    ),
    "no HTTP": (says(b"\x00\xff garbage\r\n\r\n"), "queued", None, "malformed"),
    "HTTP/2": (says(b"HTTP/2 200 OK\r\n\r\n"), "queued", None, "malformed"),
    "no status": (says(b"HTTP/1.1 abc\r\n\r\n"), "queued", None, "malformed"),
    "a status of many digits": (says(b"HTTP/1.1 1000000000 OK\r\n\r\n"), "queued", None, "malformed"),
    "status 999": (says(b"HTTP/1.1 999 X\r\nContent-Length: 0\r\n\r\n"), "queued", 999, None),
    "garbage in chunks": (says(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"), "queued", None, "malformed"),
    "garbage in chunks, later": (
        in_parts(HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", b"zz\r\n"), "queued", None, "malformed"
    ),
    "a chunk beyond 64 bits": (
        says(HEAD + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nx"), "queued", None, "malformed"
    ),
    "less than nothing": (says(HEAD + b"Content-Length: -5\r\n\r\n"), "queued", None, "malformed"),
    "less than announced": (says(HEAD + b"Content-Length: 100\r\n\r\nx"), "queued", None, "reset"),
    "more than announced": (says(HEAD + b"Content-Length: 2\r\n\r\nokay"), "delivered", 200, None),
    "more than announced, after the head": (
        says(CONTINUE + HEAD + b"Connection: close\r\nContent-Length: 0\r\n\r\n{}"), "delivered", 200, None
    ),
    "a body where none may be": (
        says(b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok"), "delivered", 204, None
    ),
    "a redirect": (
        says(b"HTTP/1.1 307 X\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"), "failed", 307, None
    ),
    "a redirect away": (
        says(b"HTTP/1.1 302 X\r\nLocation: http://10.0.0.1/\r\nContent-Length: 0\r\n\r\n"), "failed", 302, None
    ),
    "an upgrade": (
        says(b"HTTP/1.1 101 X\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"), "failed", 101, None
    ),
    "a gzip bomb": (
        says(HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB) + BOMB), "delivered", 200, None
    ),
    "no gzip at all": (
        says(HEAD + b"Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello"), "delivered", 200, None
    ),
    "no UTF-8": (
        says(b"HTTP/1.1 200 \xff\r\nX-Odd: \xff\xfe\r\nContent-Length: 3\r\n\r\n\xff\xfe\x00"), "delivered", 200, None
    ),
    "half a surrogate pair": (says(HEAD + b"X-Odd: \xed\xa0\x80\r\nContent-Length: 0\r\n\r\n"), "delivered", 200, None),
}  # fmt: skip


@pytest.mark.parametrize("name", ANSWERS)
def test_whatever_a_receiver_answers_is_written_down(shop: Shop, name: str) -> None:
    behave, state, status, error = ANSWERS[name]
    with receiving(behave) as receiver:
        shop.subscribe(receiver.url, "return", "return.created")
        shop.act("customer.submits_return")
        came, attempt = only_attempt(shop)
    assert (came, attempt["status"], attempt["error"]) == (state, status, error)
    assert len(attempt["response_body"]) <= 65536
    assert receiver.lines == [b"POST /hook HTTP/1.1"], "nobody was followed anywhere"
    assert (attempt["retry_at"] is None) == (state != "queued")


def hangs(connection: socket.socket, _body: bytes) -> None:
    with suppress(OSError):
        connection.recv(1)


def drips(connection: socket.socket, _body: bytes) -> None:
    connection.sendall(HEAD + b"Content-Length: 100000\r\n\r\n")
    pause = threading.Event()
    while not pause.wait(0.02):
        connection.sendall(b"x")


@pytest.mark.parametrize("behave", [hangs, drips])
def test_a_receiver_that_takes_too_long_is_left(shop: Shop, behave: Behave) -> None:
    shop.update(delivery_timeout=TIMEOUT)
    with receiving(behave) as receiver:
        shop.subscribe(receiver.url, "return", "return.created")
        began = time.monotonic()
        shop.act("customer.submits_return")
        state, attempt = only_attempt(shop)
        assert time.monotonic() - began < PATIENCE
    assert (state, attempt["error"]) == ("queued", "timeout")
    assert 0.9 * TIMEOUT < attempt["duration_ms"] < 1000 * PATIENCE


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        (b"0", 0), (b"7", 7), (b"Thu, 01 Jan 1970 00:00:00 GMT", 0), (b"Wed, 21 Oct 0000 07:28:00 GMT", 0),
        (b"99999999999999999999999999", None), (b"9" * 4000, None), (b"Wed, 21 Oct 9999 07:28:00 GMT", None),
        (b"-5", 32), (b"1e9", 32), (b"soon", 32), (b"", 32), (b"nan", 32), (b"5, 6", 32), (b"\xff", 32),
        (b"\xd9\xa1", 32), (b"Mon, 99 Foo 2015 99:99:99 GMT", 32), (b"31 Dec 1000000000000 23:59:59 GMT", 32),
        (b"Wed, 21 Oct 2015 07:28:00 +99999999999999", 32),
    ],
)  # fmt: skip
def test_an_absurd_retry_after_is_as_good_as_none(shop: Shop, asked: bytes, seconds: int | None) -> None:
    with receiving(says(b"HTTP/1.1 503 X\r\nRetry-After: %b\r\nContent-Length: 0\r\n\r\n" % asked)) as receiver:
        shop.subscribe(receiver.url, "return", "return.created")
        shop.act("customer.submits_return")
        state, attempt = only_attempt(shop)
    if seconds is None:
        assert (state, attempt["retry_at"]) == ("failed", None)
    else:
        assert state == "queued"
        assert attempt["retry_at"][:17] == ("2026-05-27T16:31:" if seconds == 32 else "2026-05-27T16:30:")


def test_the_loopback_of_ipv6_is_loopback(shop: Shop) -> None:
    try:
        receiver = BadReceiver(fine, "::1")
    except OSError:
        pytest.skip("this machine has no IPv6")
    shop.subscribe(receiver.url, "return", "return.created")
    shop.act("customer.submits_return")
    state, attempt = only_attempt(shop)
    receiver.close()
    assert (state, attempt["status"]) == ("delivered", 200)


def test_what_a_receiver_says_unasked_is_no_answer_to_the_next_post(client: Loopsim, shop: Shop) -> None:
    """Some say 408 on a kept connection that they are about to close."""
    connections: list[socket.socket] = []

    def behave(connection: socket.socket, body: bytes) -> bool:
        connections.append(connection)
        return fine(connection, body)

    with receiving(behave) as receiver:
        shop.subscribe(receiver.url, "return", "return.created")
        for number in range(3):
            shop.act("customer.submits_return")
            assert shop.settle(timeout=PATIENCE)["settled"]
            connections[number].sendall(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
            client.health()  # by now the server has heard it
    assert [each["state"] for each in shop.deliveries()] == ["delivered"] * 3
    assert len(receiver.bodies) == 3


# one beside the other


@pytest.mark.parametrize("first", [b"", HEAD, HEAD + b"X-Long: ", HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;"])
def test_a_flood_from_a_receiver_holds_nobody_up(shop: Shop, first: bytes) -> None:
    with receiving(endless(first, CONTINUE * 2000)) as receiver:
        for trigger in ("return.created", "return.created"):
            shop.subscribe(receiver.url, "return", trigger)
        shop.act("customer.submits_return")
        longest, settled = 0.0, False
        while not settled:
            began = time.monotonic()
            settled = all(each["attempt_count"] for each in shop.deliveries())
            longest = max(longest, time.monotonic() - began)
    # Whoever is held up gets an answer when the receiver's minute is over.
    assert longest < 20


def test_a_dead_receiver_delays_no_other(shop: Shop) -> None:
    with receiving(hangs) as dead, receiving(fine) as live:
        for receiver in (dead, live):
            shop.subscribe(receiver.url, "return", "return.created")
        for _ in range(40):
            shop.act("orders.makes", lines=[{"variant": "TEE-RED-M"}])
            shop.act("customer.submits_return")
        assert wait_for(lambda: len(live.bodies) == 40)
        assert 0 < len(dead.bodies) < 40, "the dead one is still being waited for"
        shop.delete()


def wait_for(holds: Callable[[], bool]) -> bool:
    """Whether it comes to hold in time."""
    until = time.monotonic() + PATIENCE
    pause = threading.Event()
    while not holds():
        if time.monotonic() > until:
            return False
        pause.wait(0.005)
    return True


def test_a_receiver_that_calls_back_before_it_answers_is_answered(server: EmbeddedServer, shop: Shop) -> None:
    outcomes: list[Any] = []

    def calls_back(connection: socket.socket, body: bytes) -> bool:
        return_id = json.loads(body)["id"]
        wire = Wire(server.url)
        key = {"X-Authorization": shop.key}
        noted = request("POST", f"/api/v1/warehouse/return/{return_id}/note", b'{"content":"heard"}', key)
        outcomes.append(wire.ask(noted).body)
        outcomes.append(wire.call("GET", f"/_loopsim/shops/{shop.name}/clock").body["clock"]["advancing"])
        advance = wire.call("POST", f"/_loopsim/shops/{shop.name}/clock/advance", b'{"by":"1h"}')
        outcomes.append((advance.status, advance.body["type"].rpartition(":")[2]))
        wire.close()
        return fine(connection, body)

    with receiving(calls_back) as receiver:
        shop.subscribe(receiver.url, "return", "return.created")
        shop.act("customer.submits_return")
        advanced = shop.clock.advance(by="1d", quiet_for=0)
    assert outcomes == [True, True, (409, "clock_busy")]
    assert advanced["stopped"] == "goal"


# what goes away under it


class Holding:
    """Holds every delivery back until it is let go."""

    def __init__(self) -> None:
        self.let_go = threading.Event()

    def __call__(self, connection: socket.socket, body: bytes) -> bool:
        self.let_go.wait(PATIENCE)
        return fine(connection, body)


@pytest.fixture
def holding(shop: Shop) -> Iterator[BadReceiver]:
    """A receiver that has the first of two deliveries of one return in hand, and does not answer."""
    hold = Holding()
    with receiving(hold) as receiver:
        for trigger in ("return.created", "return.updated", "label.created"):
            shop.subscribe(receiver.url, "return", trigger)
        shop.act("staff.flags", return_id=shop.act("customer.submits_return")["id"])
        assert receiver.got.wait(PATIENCE)
        yield receiver
        hold.let_go.set()


def let_go(receiver: BadReceiver) -> None:
    behave = receiver.behave
    assert isinstance(behave, Holding)
    behave.let_go.set()


def test_a_subscription_deleted_under_its_delivery_gets_no_more(shop: Shop, holding: BadReceiver) -> None:
    for each in shop.subscriptions():
        shop.unsubscribe(each["id"])
    let_go(holding)
    assert shop.settle(timeout=PATIENCE)["settled"]
    states = Counter(each["state"] for each in shop.deliveries())
    assert set(states) <= {"delivered", "dropped"}
    # Those that were under way are as they turned out to be; nothing was begun after.
    assert states["delivered"] == len(holding.bodies)


def test_a_shop_reset_under_its_deliveries_begins_anew(shop: Shop, holding: BadReceiver) -> None:
    shop.reset()
    let_go(holding)
    assert (shop.deliveries(), shop.returns(), shop.subscriptions()) == ([], [], [])
    again = shop.act("customer.submits_return")
    assert shop.get_return(again["id"])["state"] == "open"
    assert shop.settle(timeout=PATIENCE)["settled"]
    assert shop.deliveries() == []


def test_a_shop_deleted_under_its_deliveries_is_gone(client: Loopsim, shop: Shop, holding: BadReceiver) -> None:
    shop.delete()
    let_go(holding)
    assert shop.name not in [row["name"] for row in client.shops()]
    made = client.create_shop(shop.name, clock={"mode": "manual"})
    assert made.deliveries() == []


def advancing(shop: Shop, **asked: Any) -> tuple[threading.Thread, list[Any]]:
    """An advance in a thread of its own, once it is under way; and what it comes to."""
    came: list[Any] = []

    def advance() -> None:
        with Loopsim(shop.server.url, timeout=PATIENCE) as client:
            try:
                came.append(client.call("POST", f"/shops/{shop.name}/clock/advance", asked))
            except ControlError as refused:
                came.append(refused)

    thread = threading.Thread(target=advance)
    thread.start()
    assert wait_for(lambda: shop.clock.read()["advancing"] or not thread.is_alive())
    return thread, came


@pytest.mark.parametrize("end", ["reset", "delete"])
def test_an_advance_ends_with_its_shop(client: Loopsim, shop: Shop, holding: BadReceiver, end: str) -> None:
    thread, came = advancing(shop, by="30d")
    getattr(shop, end)()
    thread.join(PATIENCE)
    let_go(holding)
    (answer,) = came
    assert isinstance(answer, dict)
    assert answer["stopped"] == "interrupted"
    assert client.health()["status"] == "ok"


@pytest.mark.parametrize("behind", [b"", request("GET", "/_loopsim/health")])
def test_an_advance_ends_with_the_client_who_asked_for_it(shop: Shop, holding: BadReceiver, behind: bytes) -> None:
    before = shop.clock.read()["now"]
    wire = Wire(shop.server.url)
    asked = request("POST", f"/_loopsim/shops/{shop.name}/clock/advance", b'{"by":"30d"}')
    connection = socket.create_connection(wire.address, timeout=PATIENCE)
    connection.sendall(asked + behind)
    assert wait_for(lambda: bool(shop.clock.read()["advancing"]))
    connection.close()
    assert wait_for(lambda: not shop.clock.read()["advancing"])
    assert shop.clock.read()["now"] == before, "time stood at the delivery that nobody answered"
    let_go(holding)
    assert shop.clock.advance(by="1h", quiet_for=0)["stopped"] == "goal"


def test_a_wait_for_deliveries_ends_with_its_shop(shop: Shop, holding: BadReceiver) -> None:
    came: list[Any] = []
    waiting = threading.Thread(target=lambda: came.append(shop.settle(timeout=PATIENCE)))
    waiting.start()
    assert wait_for(lambda: shop.server.health()["status"] == "ok")
    began = time.monotonic()
    with Loopsim(shop.server.url, timeout=PATIENCE) as other:
        other.call("POST", f"/shops/{shop.name}/reset")
    waiting.join(PATIENCE)
    assert time.monotonic() - began < 5
    let_go(holding)
    assert len(came) == 1


def test_a_server_told_to_stop_in_an_advance_stops_and_forgets_nothing(tmp_path: Path) -> None:
    hold = Holding()
    with receiving(hold) as receiver:
        server = Server(tmp_path)
        shop = Loopsim(server.url, timeout=PATIENCE).shop("default")
        shop.subscribe(receiver.url, "return", "return.created")
        made = shop.act("customer.submits_return")
        thread, came = advancing(shop, by="30d")
        assert receiver.got.wait(PATIENCE)
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 10
        assert server.process.returncode == 0
        thread.join(PATIENCE)
        (answer,) = came
        stopped = isinstance(answer, ControlError) and answer.status == 503
        assert stopped or answer["stopped"] == "interrupted"
        hold.let_go.set()
        again = Server(tmp_path)
        shop = Loopsim(again.url, timeout=PATIENCE).shop("default")
        assert shop.settle(timeout=PATIENCE)["settled"]
        states = [each["state"] for each in shop.deliveries()]
        assert shop.get_return(made["id"])["state"] == "open"
        again.stop()
    assert states == ["delivered"]
    assert len(receiver.bodies) == 2, "what was in flight was sent once more"


# where they are


BLOCKED = [
    "http://2130706433/", "http://0x7f000001/", "http://017700000001/", "http://127.1/", "http://0/", "http://0.0.0.0/",
    "http://[::]/", "http://[::ffff:10.0.0.1]/", "http://[::127.0.0.1]/", "http://[fe80::1]/", "http://10.0.0.1/",
    "http://192.168.0.1/", "http://169.254.169.254/latest", "http://127.0.0.1@example.com/", "http://example.com/",
    "http://127.0.0.1:80@example.com/", "http://127.0.0.1\\@example.com/", "http://example.com#@127.0.0.1/",
    "http://example.com?@127.0.0.1/", "http://localhost.example.com/", "http://127.0.0.1.nip.io/",
    "HTTP://LOCALHOST.EXAMPLE.COM/", "http://127.0.0.1%2eexample.com/", "http://127.0.0.1%00.example.com/",
    "http://localhost%2f@example.com/", "http://１２７.0.0.1/", "http://①②⑦.0.0.1/", "http://ⓛocalhost/",  # noqa: RUF001
    "http://127.000.000.001/", "http://0x7f.0.0.1/", "http://127.0.0.1;example.com/", "http://[::1].example.com/",
    "http://localhost:80\\.example.com/", "http://127.0.0.1:99999/", "https://example.com./", "http://exa\tmple.com/",
]  # fmt: skip


def test_nothing_is_posted_beyond_loopback_and_everybody_can_see_it(shop: Shop) -> None:
    connection = http.client.HTTPConnection(shop.server.url.removeprefix("http://"), timeout=PATIENCE)
    for url in BLOCKED:
        body = json.dumps({"topic": "return", "trigger": "return.created", "url": url})
        connection.request("POST", "/api/v1/webhooks", body, {"X-Authorization": shop.key})
        answer = connection.getresponse()
        assert (answer.status, answer.read()[:6]) == (201, b'{"id":'), url
    connection.close()
    shop.act("customer.submits_return")
    assert shop.settle(timeout=PATIENCE)["settled"]
    told = shop.journal(limit=1000, kind="delivery")["entries"]
    assert [(entry["url"], entry["error"]) for entry in told] == [(url, "blocked") for url in BLOCKED]
    assert all("Not sent" in entry["note"] for entry in told)
    for delivery in shop.deliveries(limit=1000):
        (attempt,) = shop.delivery(delivery["id"])["attempts"]
        assert (delivery["state"], attempt["error"], attempt["status"]) == ("blocked", "blocked", None)


LOOPBACK = ["http://localhost", "http://LOCALHOST", "http://wms.localhost", "http://u:p@127.0.0.1", "HTTP://127.0.0.1",
            "http://example.com@127.0.0.1"]  # fmt: skip


def test_whatever_spells_loopback_is_posted_to(shop: Shop) -> None:
    with receiving(fine) as receiver:
        place = receiver.url.removeprefix("http://127.0.0.1")
        for url in LOOPBACK:
            shop.subscribe(f"{url}{place}", "return", "return.created")
        shop.act("customer.submits_return")
        assert shop.settle(timeout=PATIENCE)["settled"]
    assert [each["state"] for each in shop.deliveries()] == ["delivered"] * len(LOOPBACK)
    assert len(receiver.bodies) == len(LOOPBACK)
