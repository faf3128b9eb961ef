"""Calls that come in while the server is at work: performed together, answered each for itself."""

from __future__ import annotations

import json
from http.client import HTTPConnection, parse_headers
from socket import create_connection
from threading import Event
from typing import TYPE_CHECKING, Any, BinaryIO

import pytest

from loopsim.embedded import EmbeddedServer
from tests.server.test_bulk_operations import multipart

if TYPE_CHECKING:
    from tests.server.conftest import Client

PATIENCE = 10.0


def _connected(client: Client) -> HTTPConnection:
    """A connection that the server knows of."""
    connection = HTTPConnection(client.authority, timeout=PATIENCE)
    connection.connect()
    client.control("GET", "/health")
    return connection


def _answer(connection: HTTPConnection) -> tuple[int, bytes]:
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, body


def _next_answer(file: BinaryIO) -> tuple[int, Any]:
    status = int(file.readline().split(b" ")[1])
    return status, json.loads(file.read(int(parse_headers(file)["content-length"])))


Asked = tuple[str, str, str | bytes]


def _together(
    client: Client, server: EmbeddedServer, calls: list[Asked], content_type: str = "application/json"
) -> tuple[list[tuple[int, bytes]], int]:
    """The answers to calls of which all but the first come in while the server is at work on that; how many commits
    there were."""
    shop = server.running.runtime.world.shops[client.shop]
    at_work, sent = Event(), Event()
    commits: list[bool] = []

    def trace(statement: str) -> None:
        commits.append(statement.startswith("update shop set now"))
        at_work.set()
        assert sent.wait(PATIENCE)

    connections = [_connected(client) for _ in calls]
    shop.connection.set_trace_callback(trace)
    try:
        for number, (connection, (method, path, body)) in enumerate(zip(connections, calls, strict=True)):
            kind = "application/json" if isinstance(body, str) else content_type
            connection.request(method, path, body, {"X-Authorization": client.key, "Content-Type": kind})
            if number == 0:
                assert at_work.wait(PATIENCE)
        sent.set()
        return [_answer(connection) for connection in connections], sum(commits)
    finally:
        sent.set()
        shop.connection.set_trace_callback(None)


def test_calls_that_came_in_together_share_a_commit(client: Client, server: EmbeddedServer) -> None:
    submit = f"/_loopsim/shops/{client.shop}/acts/customer.submits_return"
    calls: list[Asked] = [
        ("POST", submit, "{}"),
        ("POST", submit, "{}"),
        ("POST", submit, '{"order": "#nobody"}'),
        ("POST", "/api/v1/destinations", "{}"),
        ("PUT", "/api/v1/orders", '{"external_id": "E1"}'),
        ("POST", submit, "{}"),
    ]
    answers, commits = _together(client, server, calls)
    assert [status for status, _ in answers] == [200, 200, 404, 422, 422, 200]
    assert len({body for _, body in answers}) == len(answers)
    assert commits == 2
    assert len(client.call("GET", "/api/v1/warehouse/return/list").body) == 3
    statuses = [entry["status"] for entry in client.journal() if entry.get("method") in ("POST", "PUT")]
    assert sorted(statuses) == sorted(status for status, _ in answers)


def test_one_that_is_refused_late_among_others_is_undone_alone_and_nothing_is_told_twice(
    client: Client, server: EmbeddedServer
) -> None:
    order = {"name": "#1", "status": "active", "taxes_included": False, "external_id": "E1", "line_items": []}
    order["total_price"] = {"amount": 0, "currency_code": "USD"}
    ada = {"external_id": "C1", "first_name": "Ada", "last_name": "Byron", "email": "ada@example.com", "phone": "1"}
    assert client.call("POST", "/api/v1/orders", order).status == 201
    line = json.dumps({"resource": "customer", "action": "create", "data": {"colour": "red"}})
    calls: list[Asked] = [
        ("POST", f"/_loopsim/shops/{client.shop}/acts/customer.submits_return", "{}"),
        ("POST", "/api/v1/bulk-operations", multipart(line)),
        ("POST", "/api/v1/orders", json.dumps({**order, "customer": ada})),
    ]
    answers, _ = _together(client, server, calls, "multipart/form-data; boundary=b0")
    assert [status for status, _ in answers] == [200, 201, 422]
    assert client.call("GET", "/api/v1/customers?external_id=C1").body["customers"] == []
    (entry,) = [entry for entry in client.journal() if entry.get("operation") == "createBulkOperation"]
    assert entry["unknown"] == ["lines.1.colour"]


def test_calls_behind_each_other_on_one_connection_are_performed_and_answered_in_their_order(client: Client) -> None:
    submit = f"/_loopsim/shops/{client.shop}/acts/customer.submits_return"
    listed = "GET /api/v1/warehouse/return/list"
    calls = [(f"POST {submit}", "{}"), (listed, ""), (f"POST {submit}", "{}"), (f"POST {submit}", '{"order": "#no"}')]
    sent = b"".join(
        f"{line} HTTP/1.1\r\nHost: {client.authority}\r\nX-Authorization: {client.key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
        for line, body in [*calls, (listed, "")]
    )
    address = client.connection.host, client.connection.port
    with create_connection(address, PATIENCE) as connection, connection.makefile("rb") as file:
        connection.sendall(sent)
        answers = [_next_answer(file) for _ in range(5)]
    assert [status for status, _ in answers] == [200, 200, 200, 404, 200]
    first, second = (answers[place][1]["return"]["id"] for place in (0, 2))
    assert [[each["id"] for each in answers[place][1]] for place in (1, 4)] == [[f"{first}"], [f"{first}", f"{second}"]]


def test_a_bug_in_what_follows_a_call_is_told_to_its_caller_alone(
    client: Client, server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where it is performed by itself. On the way there it must not leave anybody without an answer."""
    hook = {"topic": "return", "trigger": "return.created", "url": "http://127.0.0.1:9/"}
    assert client.call("POST", "/api/v1/webhooks", hook).status == 201
    with monkeypatch.context() as patch:
        patch.setattr(server.running.runtime.worker, "take", None)
        assert client.control("POST", "acts/customer.submits_return", {}).status == 500
    assert client.control("POST", "acts/customer.submits_return", {}).status == 200
