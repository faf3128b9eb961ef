"""`loopsim doctor`: a set-up that is whole, and each way in which one is not."""

from __future__ import annotations

import json
import socketserver
import threading
from urllib.request import Request, urlopen

import pytest

from loopsim.client import Shop
from tests.cli.terminal import Receiver, Serving, invoke, run

Here = tuple[str, ...]


@pytest.fixture
def settings(shop: Shop) -> dict[str, str]:
    """What `loopsim env` prints for the shop."""
    return {"LOOP_API_BASE": shop.api_base, "LOOP_API_KEY": shop.key, "LOOP_WEBHOOK_SECRET": shop.secret}


def findings(here: Here, settings: dict[str, str], *flags: str) -> list[tuple[str, str, str]]:
    """(name, kind, says and mend) of everything that is not fine."""
    done = invoke("doctor", "--format", "json", *here, *flags, **settings)
    found = [(each["name"], each["kind"], f"{each['says']} → {each['mend']}") for each in done.json["findings"]]
    assert done.code == any(kind == "fail" for _, kind, _ in found)
    assert done.json["ok"] == (done.code == 0)
    return [each for each in found if each[1] != "ok"]


def test_a_whole_set_up_has_nothing_to_mend_and_is_left_as_it_was(
    shop: Shop, here: Here, receiver: Receiver, settings: dict[str, str]
) -> None:
    shop.clock.set("real")
    shop.subscribe(receiver.url)
    shops = len(shop.server.shops())

    done = run("doctor", *here, **settings)

    assert done.code == 0, done.out
    assert "Nothing to mend." in done.out
    assert f"✓ test delivery       signed and sent; {receiver.url} answered 200" in done.out
    assert [signed for _, _, signed in receiver.got] == [True]
    assert shop.returns() == []
    assert shop.deliveries() == []
    assert len(shop.server.shops()) == shops


def test_an_environment_that_says_nothing_is_looked_over_with_a_hint(here: Here) -> None:
    found = findings(here, {})

    names = {name for name, kind, says in found if kind == "warn" and "loopsim env" in says}
    assert names == {"LOOP_API_BASE", "LOOP_API_KEY", "LOOP_WEBHOOK_SECRET"}


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("LOOP_API_BASE", "https://api.loopreturns.com/api/v1", "the real Loop"),
        ("LOOP_API_BASE", "http://127.0.0.1:9/api/v1", "no loopsim answers"),
        ("LOOP_API_BASE", "localhost", "is no address"),
        ("LOOP_API_BASE", "http://[::1/api/v1", "is no address"),
        ("LOOP_API_BASE", "http://127.0.0.1:9", "no version path"),
        ("LOOP_API_KEY", "loop_live_1234", "401"),
        ("LOOP_WEBHOOK_SECRET", "0000", "refuse every webhook"),
    ],
)
def test_a_wrong_setting_fails_with_what_to_do(
    here: Here, settings: dict[str, str], name: str, value: str, says: str
) -> None:
    wrong = [each for each in findings(here, {**settings, name: value}, "--no-delivery") if each[0] == name]

    assert [kind for _, kind, _ in wrong] == ["fail"]
    assert says in wrong[0][2]
    assert not wrong[0][2].endswith("→ ")


@pytest.mark.parametrize("name", ["LOOP_API_BASE", "LOOP_API_KEY", "LOOP_WEBHOOK_SECRET"])
def test_a_setting_with_a_line_end_of_windows_fails(here: Here, settings: dict[str, str], name: str) -> None:
    wrong = {**settings, name: settings[name] + "\r"}

    (says,) = [says for each, kind, says in findings(here, wrong, "--no-delivery") if (each, kind) == (name, "fail")]

    assert "has blanks around it" in says
    assert "loopsim env" in says


def test_a_version_that_there_is_not_fails(here: Here, settings: dict[str, str]) -> None:
    wrong = {**settings, "LOOP_API_BASE": settings["LOOP_API_BASE"].replace("/v1", "/v2")}

    ((_, kind, says),) = [each for each in findings(here, wrong, "--no-delivery") if each[0] == "LOOP_API_BASE"]

    assert kind == "fail"
    assert "names no version of the API" in says
    assert "2026-10" in says


def test_localhost_is_another_name_of_the_same_server(here: Here, settings: dict[str, str]) -> None:
    other = {**settings, "LOOP_API_BASE": settings["LOOP_API_BASE"].replace("127.0.0.1", "localhost")}

    assert "LOOP_API_BASE" not in {name for name, _, _ in findings(here, other, "--no-delivery")}


def test_the_key_says_which_shop_is_checked(shop: Shop, here: Here, settings: dict[str, str]) -> None:
    done = invoke("doctor", *here[:2], "--no-delivery", **settings)

    assert f"opens shop {shop.name}, with every scope" in done.out


def test_the_key_of_another_shop_fails(shop: Shop, here: Here, settings: dict[str, str]) -> None:
    other = shop.server.create_shop()
    try:
        found = findings(here, {**settings, "LOOP_API_KEY": other.key}, "--no-delivery")
    finally:
        other.delete()

    assert ("LOOP_API_KEY", "fail") in {(name, kind) for name, kind, _ in found}


def test_a_key_that_lacks_scopes_names_them(shop: Shop, here: Here, settings: dict[str, str]) -> None:
    key = shop.create_key("returns")["key"]

    found = findings(here, {**settings, "LOOP_API_KEY": key}, "--no-delivery")

    (says,) = [says for name, _, says in found if name == "LOOP_API_KEY"]
    assert "developer_tools" in says
    assert "returns," not in says


def test_a_shop_without_subscriptions_fails(here: Here, settings: dict[str, str]) -> None:
    found = findings(here, settings)

    (says,) = [says for name, kind, says in found if (name, kind) == ("subscriptions", "fail")]
    assert "loopsim trigger" in says


def test_odd_subscriptions_are_named(shop: Shop, here: Here, settings: dict[str, str], receiver: Receiver) -> None:
    shop.subscribe(receiver.url, "return", "return.created")
    shop.subscribe(receiver.url, "return", "return.created")
    shop.subscribe(receiver.url, "restock", "return.closed")
    shop.subscribe(receiver.url, "label", "label.created", status="inactive")

    text = " ".join(says for name, _, says in findings(here, settings, "--no-delivery") if name == "subscriptions")

    assert "2 times" in text
    assert "empty payload" in text
    assert "restock.requested" in text
    assert "inactive" in text


def test_a_receiver_that_is_not_there_fails(shop: Shop, here: Here, settings: dict[str, str]) -> None:
    shop.subscribe("http://127.0.0.1:9/hook")

    found = findings(here, settings)

    failed = {name for name, kind, _ in found if kind == "fail"}
    assert failed == {"target", "test delivery"}


@pytest.mark.parametrize(
    ("url", "kind", "says"),
    [
        ("http://127.0.0.1.example.com/hook", "note", "beyond this machine"),
        ("http://[127.0.0.1]:80/hook", "fail", "is no address"),
    ],
)
def test_a_receiver_that_only_looks_like_one_here_is_left_alone(
    shop: Shop, here: Here, settings: dict[str, str], url: str, kind: str, says: str
) -> None:
    body = json.dumps({"topic": "return", "trigger": "return.created", "url": url}).encode()
    headers = {"X-Authorization": shop.key, "Content-Type": "application/json"}
    with urlopen(Request(f"{shop.api_base}/webhooks", body, headers), timeout=10) as made:
        assert made.status == 201

    (found,) = [each for each in findings(here, settings, "--no-delivery") if each[0] == "target"]

    assert found[1] == kind
    assert says in found[2]


def test_a_receiver_that_refuses_the_signature_is_told_of_the_secret(
    shop: Shop, here: Here, settings: dict[str, str], receiver: Receiver
) -> None:
    receiver.status = 401
    shop.subscribe(receiver.url)

    ((_, _, says),) = [each for each in findings(here, settings) if each[1] == "fail"]

    assert "answered 401" in says
    assert "does not accept the signature" in says


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", "subscribe the address that it leads to"),
        (b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n", "Subscribe the path that it listens on"),
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", "What it answers is no HTTP"),
        (b"", "closed the connection without an answer"),
        (b"HTTP/1.1 500 Oops\r\nContent-Length: 8\r\n\r\n\x1b[31mred", '"�[31mred"'),
    ],
)
def test_each_odd_answer_of_a_receiver_has_its_own_mend(
    shop: Shop, here: Here, settings: dict[str, str], answer: bytes, says: str
) -> None:
    class Odd(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            lengths = (int(line[15:]) for line in self.rfile if line.lower().startswith(b"content-length:"))
            length = next(lengths, 0)  # the doctor first looks whether somebody listens
            while self.rfile.readline().strip():
                pass
            self.rfile.read(length)
            self.wfile.write(answer)

    with socketserver.TCPServer(("127.0.0.1", 0), Odd) as receiver:
        thread = threading.Thread(target=receiver.serve_forever, args=(0.02,))
        thread.start()
        shop.subscribe(f"http://127.0.0.1:{receiver.server_address[1]}/x", "return", "return.created")
        found = findings(here, settings)
        receiver.shutdown()
        thread.join()

    (told,) = [told for name, kind, told in found if (name, kind) == ("test delivery", "fail")]
    assert says in told


def test_a_target_beyond_this_machine_is_not_reached_but_named(
    shop: Shop, here: Here, settings: dict[str, str]
) -> None:
    shop.subscribe("http://192.0.2.7/hook", "return", "return.created")

    found = findings(here, settings)

    (says,) = [says for name, kind, says in found if (name, kind) == ("test delivery", "fail")]
    assert "--allow-target 192.0.2.7" in says


def test_no_delivery_sends_none(shop: Shop, here: Here, settings: dict[str, str], receiver: Receiver) -> None:
    shop.subscribe(receiver.url)

    findings(here, settings, "--no-delivery")

    assert receiver.got == []


def test_a_clock_that_stands_still_is_noted(here: Here, settings: dict[str, str]) -> None:
    (says,) = [says for name, _, says in findings(here, settings, "--no-delivery") if name == "clock"]

    assert "loopsim clock advance" in says


def test_where_no_flag_names_the_server_it_is_the_one_of_the_environment(
    server: Serving, shop: Shop, settings: dict[str, str]
) -> None:
    done = invoke("doctor", "--no-delivery", **settings)

    assert f"at {server.url}, as LOOP_API_BASE has it" in done.out
    assert f"opens shop {shop.name}, with every scope" in done.out
    gone = invoke("doctor", **{**settings, "LOOP_API_BASE": "http://127.0.0.1:9/api/v1"})
    assert gone.code == 5
    assert "No loopsim answers at http://127.0.0.1:9" in gone.err
    assert "It is LOOP_API_BASE that names this place." in gone.err


def test_what_it_advises_leads_to_what_was_checked(server: Serving, shop: Shop, here: Here) -> None:
    there = f"--port {server.url.rpartition(':')[2]} --shop {shop.name}"

    mends = " ".join(says for _, _, says in findings(here, {}, "--no-delivery"))

    assert f'eval "$(loopsim env {there})"' in mends
    assert f"loopsim clock advance 14d {there}" in mends
    assert f"--webhook http://127.0.0.1:9000/loop {there}" in mends
