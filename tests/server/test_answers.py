"""Answers that are written in one piece, as the client's socket sees them."""

from __future__ import annotations

import json
import re
import socket

from loopsim.embedded import EmbeddedServer

LIST = "/api/v1/warehouse/return/list?paginate=true"


def asked(server: EmbeddedServer, *lines: str) -> bytes:
    """Send whole requests at once, the last of which asks to be the last, and read until the server closes."""
    host, _, port = server.url.removeprefix("http://").rpartition(":")
    requests = [f"{line}\r\nHost: {host}\r\nX-Authorization: {server.key}\r\n" for line in lines]
    requests[-1] += "Connection: close\r\n"
    got = b""
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall("".join(f"{request}\r\n" for request in requests).encode())
        while part := connection.recv(65536):
            got += part
    return got


def test_requests_that_arrive_together_are_answered_in_their_order(server: EmbeddedServer) -> None:
    got = asked(server, f"GET {LIST} HTTP/1.1", "GET /api/v1/nothing HTTP/1.1", f"GET {LIST} HTTP/1.1")
    assert re.findall(rb"HTTP/1\.1 (\d+)", got) == [b"200", b"404", b"200"]
    heads = re.findall(rb"content-length: (\d+)\r\n\r\n([^\r]*)(?=HTTP|$)", got.replace(b"connection: close\r\n", b""))
    assert [int(length) for length, _ in heads] == [len(body) for _, body in heads]
    assert heads[0] == heads[2]


def test_the_head_of_an_answer_comes_without_its_body(server: EmbeddedServer) -> None:
    got = asked(server, f"HEAD {LIST} HTTP/1.1")
    assert got.startswith(b"HTTP/1.1 200 OK\r\n")
    assert got.endswith(b"\r\n\r\n")


def test_an_old_client_is_answered_and_left(server: EmbeddedServer) -> None:
    assert asked(server, f"GET {LIST} HTTP/1.0").startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_large_answer_arrives_whole(server: EmbeddedServer) -> None:
    got = asked(server, "GET /_loopsim/shops/default/orders HTTP/1.1", f"HEAD {LIST} HTTP/1.1")
    head, _, rest = got.partition(b"\r\n\r\n")
    length = int(re.findall(rb"content-length: (\d+)", head)[0])
    assert length > 16 * 1024
    assert len(json.loads(rest[:length])["orders"]) == 40
    assert rest[length:].startswith(b"HTTP/1.1 200 OK")
