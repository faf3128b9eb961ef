"""Calls that come in while the server is at work: performed together, answered each for itself."""

from __future__ import annotations

import json
from http.client import HTTPConnection, parse_headers
from socket import create_connection
from threading import Event
from typing import TYPE_CHECKING, Any, BinaryIO

from loopsim.embedded import EmbeddedServer

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


def test_calls_that_came_in_together_share_a_commit(client: Client, server: EmbeddedServer) -> None:
    shop = server.running.runtime.world.shops[client.shop]
    at_work, sent = Event(), Event()
    commits: list[bool] = []

    def trace(statement: str) -> None:
        commits.append(statement.startswith("update shop set now"))
        at_work.set()
        assert sent.wait(PATIENCE)

    submit = f"/_loopsim/shops/{client.shop}/acts/customer.submits_return"
    calls = [
        ("POST", submit, "{}"),
        ("POST", submit, "{}"),
        ("POST", submit, '{"order": "#nobody"}'),
        ("POST", "/api/v1/destinations", "{}"),
        ("PUT", "/api/v1/orders", '{"external_id": "E1"}'),
        ("POST", submit, "{}"),
    ]
    connections = [_connected(client) for _ in calls]
    headers = {"X-Authorization": client.key, "Content-Type": "application/json"}
    shop.connection.set_trace_callback(trace)
    try:
        connections[0].request(*calls[0], headers)
        assert at_work.wait(PATIENCE)
        for connection, call in zip(connections[1:], calls[1:], strict=True):
            connection.request(*call, headers)
        sent.set()
        answers = [_answer(connection) for connection in connections]
    finally:
        sent.set()
        shop.connection.set_trace_callback(None)
    assert [status for status, _ in answers] == [200, 200, 404, 422, 422, 200]
    assert len({body for _, body in answers}) == len(answers)
    assert sum(commits) == 2
    assert len(client.call("GET", "/api/v1/warehouse/return/list").body) == 3
    statuses = [entry["status"] for entry in client.journal() if entry.get("method") in ("POST", "PUT")]
    assert sorted(statuses) == sorted(status for status, _ in answers)


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
