from __future__ import annotations

import errno
import signal
import socket
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from loopsim.bootstrap import Options, check_registered
from loopsim.client import Loopsim
from loopsim.contract import load_contract
from loopsim.embedded import EmbeddedServer
from loopsim.errors import SetupError
from loopsim.operations.perform import OPERATIONS

if TYPE_CHECKING:
    from tests.server.conftest import Client, Connect

LIST = "/api/v1/warehouse/return/list"


def status(client: Client, key: str) -> int:
    return client.call("GET", LIST, key=key).status


def test_servers_of_one_process_share_nothing(connect: Connect) -> None:
    with EmbeddedServer(Options(port=0)) as one, EmbeddedServer(Options(port=0, seed=2)) as two:
        assert one.url != two.url
        assert (status(connect(one), one.key), status(connect(two), two.key)) == (200, 200)
        assert (status(connect(one), two.key), status(connect(two), one.key)) == (401, 401)


def test_key_and_secret_of_the_first_shop_follow_from_the_seed() -> None:
    with EmbeddedServer(Options(port=0, seed=5)) as one, EmbeddedServer(Options(port=0, seed=5)) as two:
        assert (one.key, one.secret) == (two.key, two.secret)
        assert one.key.startswith("loop_test_")


def test_stopping_is_quick_and_frees_port_and_thread(connect: Connect) -> None:
    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    server = EmbeddedServer(Options(port=0)).start()
    client = connect(server)
    client.call("GET", LIST)
    began = time.monotonic()
    thread = server._thread
    server.stop()
    assert time.monotonic() - began < 10
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(client.authority.partition(":")[2])), timeout=1)
    assert thread is not None
    assert not thread.is_alive()
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == handlers


def test_stopping_does_not_wait_for_a_long_wait_for_news(connect: Connect) -> None:
    server = EmbeddedServer(Options(port=0)).start()
    client = connect(server)
    client.connection.request("GET", "/_loopsim/shops/default/journal?kind=note&wait=60")
    # Answered by now: calls of one server are taken up in the order in which they arrive.
    connect(server).call("GET", LIST)
    began = time.monotonic()
    server.stop()
    assert time.monotonic() - began < 30, "half of what was asked for"
    assert client.connection.getresponse().status == 503


def test_a_folder_remembers_the_shop_across_servers(connect: Connect, tmp_path: Path) -> None:
    options = Options(port=0, db=tmp_path, moment=datetime(2026, 6, 1, tzinfo=UTC), clock="manual")
    with EmbeddedServer(options) as server:
        client = connect(server)
        made = client.control("POST", "acts/customer.submits_return", {"items": [{}]}).body["return"]["id"]
        key = server.key
    with EmbeddedServer(options) as server:
        client = connect(server)
        assert client.key == key
        assert client.call("GET", f"/api/v1/warehouse/return/details?return_id={made}").body["id"] == int(made)
        assert client.journal()[1]["operation"] == "customerSubmitsReturn"
        assert client.call("GET", LIST).headers["x-loopsim-now"] == "2026-06-01T00:00:00.000Z"


def test_the_journal_is_written_while_the_server_runs(connect: Connect, tmp_path: Path) -> None:
    with EmbeddedServer(Options(port=0, db=tmp_path)) as server:
        assert status(connect(server), server.key) == 200
        shop = server.running.shop
        until = time.monotonic() + 10
        while shop.connection.execute("select count(*) from journal").fetchone() == (0,):
            assert time.monotonic() < until
            threading.Event().wait(0.02)


def test_a_port_that_is_taken_is_said_so_and_leaves_the_folder_free(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SetupError, match=r"--port \(0 picks a free one\)"):
            EmbeddedServer(Options(port=port, db=tmp_path)).start()
    with EmbeddedServer(Options(port=0, db=tmp_path)):
        pass


def test_a_folder_that_cannot_be_used_leaves_the_port_free(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with pytest.raises(SetupError):
        EmbeddedServer(Options(port=port, db=tmp_path / "file")).start()
    with socket.create_server(("127.0.0.1", port)):
        pass


def test_a_disk_that_is_full_at_the_start_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", full)
        with pytest.raises(SetupError, match=r"No space left.*--db"):
            EmbeddedServer(Options(port=0, db=tmp_path)).start()
    with EmbeddedServer(Options(port=0, db=tmp_path)):
        pass


def test_a_world_that_does_not_exist_is_named() -> None:
    with pytest.raises(SetupError, match="There is no world atlantis"):
        EmbeddedServer(Options(port=0, world="atlantis")).start()


def test_a_function_that_the_contract_does_not_know_stops_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OPERATIONS, "inventReturns", next(iter(OPERATIONS.values())))
    with pytest.raises(SetupError, match="inventReturns"):
        check_registered(load_contract())


def test_a_server_stops_quietly_while_an_answer_is_late_on_purpose(caplog: pytest.LogCaptureFixture) -> None:
    with EmbeddedServer(Options(port=0)) as server, Loopsim(server.url) as client:
        shop = client.create_shop()
        shop.fault("latency", operation="listReturns", params={"ms": 60_000})
        host, port = server.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as caller:
            head = f"GET {LIST} HTTP/1.1\r\nHost: {host}:{port}\r\nX-Authorization: {shop.key}\r\n\r\n"
            caller.sendall(head.encode())
            deadline = time.monotonic() + 10
            while (faults := shop.faults()) and not faults[0]["seen"] and time.monotonic() < deadline:
                pass  # each look is a call
    assert not [record for record in caplog.records if record.exc_info]
