from __future__ import annotations

import json
import re
import socket
from typing import TYPE_CHECKING

import pytest

from loopsim.embedded import EmbeddedServer

if TYPE_CHECKING:
    from tests.server.conftest import Client, Connect

LIST = "/api/v1/warehouse/return/list"
CAPTURED = [
    "content-type",
    "cache-control",
    "x-loop-api-version",
    "x-loop-request-id",
    "version",
    "vary",
    "x-frame-options",
    "x-content-type-options",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
]


def submit(client: Client) -> int:
    answer = client.control("POST", "acts/customer.submits_return", {"items": [{}]})
    assert answer.status == 200, answer.raw
    return int(answer.body["return"]["id"])


# paths


@pytest.mark.parametrize(
    ("method", "path", "refused"),
    [("POST", "/storefront/v1/analyze", 422), ("POST", "/oauth/token", 400), ("POST", "/oauth/revoke", 400),
     ("GET", "/authorize", 400)],
)  # fmt: skip
def test_what_has_a_host_or_base_of_its_own_is_below_no_version(
    client: Client, method: str, path: str, refused: int
) -> None:
    assert client.call(method, path, b"{}" if method == "POST" else b"").status == refused
    for base in ("/api/v1", "/api/2026-10", "/api"):
        assert client.call(method, base + path, b"{}" if method == "POST" else b"").status == 404, base
    shown = client.call("GET", "/openapi.json").body["paths"]
    assert [name for name, item in shown.items() if "servers" in item] == [
        "/storefront/v1/analyze", "/authorize", "/oauth/token", "/oauth/revoke",
    ]  # fmt: skip


# headers


def test_every_answer_bears_the_captured_headers_and_the_shops_time(client: Client) -> None:
    answer = client.call("GET", LIST)
    assert answer.status == 200
    assert list(answer.headers) == [*CAPTURED, "date", "x-loopsim-now", "content-length"]
    uuid = answer.headers["x-loop-request-id"]
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", uuid)
    assert {name: answer.headers[name] for name in answer.headers if name != "x-loop-request-id"} == {
        "content-type": "application/json",
        "cache-control": "no-cache, private",
        "x-loop-api-version": "2026-07",
        "version": "0",
        "vary": "Origin",
        "x-frame-options": "SAMEORIGIN",
        "x-content-type-options": "nosniff",
        "x-ratelimit-limit": "300",
        "x-ratelimit-remaining": "299",
        "date": "Mon, 01 Jun 2026 09:00:00 GMT",
        "x-loopsim-now": "2026-06-01T09:00:00.000Z",
        "content-length": "2",
    }


def test_request_ids_depend_on_the_seed_and_the_number_of_the_call_only(
    client: Client, server: EmbeddedServer, connect: Connect
) -> None:
    again = connect(server)
    made = again.control("POST", "/shops", {"name": "same-seed", "moment": "2026-06-01T09:00:00Z"}).body
    again.shop, again.key = "same-seed", made["key"]["key"]
    first = [client.call("GET", LIST).headers["x-loop-request-id"] for _ in range(3)]
    client.control("GET", "journal")
    second = [again.call("GET", LIST).headers["x-loop-request-id"] for _ in range(3)]
    again.control("DELETE", "")
    assert first == second
    assert len(set(first)) == 3


# versions and paths


@pytest.mark.parametrize(
    ("base", "version"),
    [
        ("/api/v1", "2026-07"),
        ("/api/2026-07", "2026-07"),
        ("/api/2026-10", "2026-10"),
        ("/api/latest", "2026-10"),
        ("/api/unstable", "2026-10"),
        ("/api", "2026-07"),
        ("", "2026-07"),
    ],
)
def test_a_version_in_the_path_is_answered_by_its_concrete_name(client: Client, base: str, version: str) -> None:
    answer = client.call("GET", f"{base}/warehouse/return/list")
    assert (answer.status, answer.body) == (200, [])
    assert answer.headers["x-loop-api-version"] == version


@pytest.mark.parametrize(
    "path",
    [
        "/api/v2/warehouse/return/list",
        "/api/2020-01/warehouse/return/list",
        "/",
        "/api",
        "/api/v1",
        "/api/v1//",
        "/nothing",
    ],
)
def test_an_unknown_path_is_404_in_json(client: Client, path: str) -> None:
    answer = client.call("GET", path)
    assert (answer.status, answer.body) == (404, {"message": "Not Found"})
    assert answer.headers["content-type"] == "application/json"


def test_a_slash_at_the_end_is_the_same_path(client: Client) -> None:
    assert client.call("GET", f"{LIST}/").status == 200


def test_a_wrong_method_is_405_in_json_and_says_the_right_one(client: Client) -> None:
    answer = client.call("DELETE", LIST)
    assert (answer.status, answer.body) == (405, {"message": "Method Not Allowed"})
    assert answer.headers["allow"] == "GET"


def test_head_is_get_without_the_body(client: Client) -> None:
    answer = client.call("HEAD", LIST)
    assert (answer.status, answer.raw, answer.headers["content-length"]) == (200, b"", "2")


# keys and scopes


@pytest.mark.parametrize("key", ["", "loop_test_nobody", "é"])
def test_a_call_without_a_known_key_is_unauthorized_and_counts_nowhere(client: Client, key: str) -> None:
    answer = client.call("GET", LIST, key="", **({"X_Authorization": key.encode("latin-1")} if key else {}))
    assert (answer.status, answer.body) == (401, {"errors": "Unauthorized."})
    assert "x-ratelimit-remaining" not in answer.headers
    assert client.call("GET", LIST).headers["x-ratelimit-remaining"] == "299"


def test_outside_the_warehouse_the_gateway_words_the_401(client: Client) -> None:
    body = {"error": {"code": "401", "http_code": "GEN-UNAUTHORIZED", "message": "Unauthorized."}}
    assert client.call("GET", "/api/v1/webhooks", key="wrong").body == body


def test_a_key_without_the_scope_gets_the_same_401(client: Client) -> None:
    key = client.control("POST", "keys", {"scopes": ["orders"]}).body["key"]["key"]
    assert (client.call("GET", LIST, key=key).status, client.call("GET", LIST).status) == (401, 200)


def test_the_quirk_of_the_401_is_the_shops_own(client: Client) -> None:
    key = client.control("POST", "keys", {"scopes": ["orders"]}).body["key"]["key"]
    client.control("PATCH", "settings", {"quirks": {"unauthorized_body": "gateway"}})
    assert client.call("GET", LIST, key=key).body["error"]["http_code"] == "GEN-UNAUTHORIZED"


def test_a_bearer_token_opens_only_what_takes_tokens(client: Client) -> None:
    app = client.control("POST", "oauth-clients", {"redirect_uris": ["http://127.0.0.1:9/"]}).body["oauth_client"]
    token = client.control("POST", f"oauth-clients/{app['client_id']}/tokens").body["access_token"]
    bearer = f"Bearer {token}"
    assert client.call("GET", "/api/v1/webhooks", key="", Authorization=bearer).status == 200
    assert client.call("GET", LIST, key="", Authorization=bearer).status == 401


def test_a_key_that_was_taken_back_opens_nothing_any_more(client: Client) -> None:
    made = client.control("POST", "keys", {}).body["key"]
    assert client.call("GET", LIST, key=made["key"]).status == 200
    client.control("DELETE", f"keys/{made['id']}")
    assert client.call("GET", LIST, key=made["key"]).status == 401


# the rate limit


def test_the_call_above_the_limit_is_429_and_says_how_long_to_wait(client: Client) -> None:
    client.control("PATCH", "settings", {"rate_limit": 2})
    left = [client.call("GET", LIST).headers["x-ratelimit-remaining"] for _ in range(2)]
    answer = client.call("GET", LIST)
    assert left == ["1", "0"]
    assert (answer.status, answer.body) == (429, {"message": "Too Many Attempts."})
    assert answer.headers["x-ratelimit-remaining"] == "0"
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert "x-ratelimit-reset" in answer.headers


def test_each_key_has_a_minute_of_its_own(client: Client) -> None:
    client.control("PATCH", "settings", {"rate_limit": 1})
    other = client.control("POST", "keys", {}).body["key"]["key"]
    statuses = [client.call("GET", LIST, key=key).status for key in (client.key, client.key, other)]
    assert statuses == [200, 429, 200]


def test_a_reset_shop_has_its_calls_again(client: Client) -> None:
    client.control("PATCH", "settings", {"rate_limit": 1})
    client.call("GET", LIST)
    client.control("POST", "reset")
    assert client.call("GET", LIST).headers["x-ratelimit-remaining"] == "299"


# bodies


def test_a_body_that_is_no_json_is_refused_in_json(client: Client) -> None:
    answer = client.call("POST", "/api/v1/webhooks", b"{")
    assert (answer.status, answer.body) == (400, {"message": "The request body could not be read as JSON."})


def test_fields_that_are_missing_are_named_in_laravels_words(client: Client) -> None:
    answer = client.call("POST", "/api/v1/webhooks", {})
    assert answer.status == 422
    assert "topic" in answer.body["errors"]


def test_a_body_above_the_limit_is_refused_before_it_is_read(client: Client) -> None:
    client.connection.putrequest("POST", "/api/v1/webhooks")
    for name, value in {"X-Authorization": client.key, "Content-Length": str(11 * 2**20)}.items():
        client.connection.putheader(name, value)
    client.connection.endheaders(b"{")
    response = client.connection.getresponse()
    assert (response.status, response.read()) == (413, b'{"message":"The request body is too large."}')
    client.connection.close()


def test_a_body_of_unknown_length_is_cut_off_at_the_limit(client: Client) -> None:
    chunks = (b" " * 2**20 for _ in range(12))
    client.connection.request("POST", "/api/v1/webhooks", chunks, {"X-Authorization": client.key}, encode_chunked=True)
    response = client.connection.getresponse()
    assert (response.status, response.read()) == (413, b'{"message":"The request body is too large."}')
    client.connection.close()


@pytest.mark.parametrize(
    "request_line",
    [
        b"GET /api/v1/warehouse/return/list?from=%FF%FE&x=\xff HTTP/1.1",
        b"GET /api/v1/warehouse/return/%00%ff/notes HTTP/1.1",
        b"GET /api/v1/warehouse/return/\xff HTTP/1.1",
        b"GET http://127.0.0.1/api/v1/warehouse/return/list HTTP/1.1",
        b"OPTIONS * HTTP/1.1",
        b"GET /api/v1/warehouse/return/list?x=1\rX-Injected: yes HTTP/1.1",
        b"BREW /coffee HTTP/1.1",
    ],
)
def test_odd_bytes_never_break_the_server(client: Client, request_line: bytes) -> None:
    host, port = client.authority.split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        key = b"X-Authorization: " + client.key.encode()
        headers = [request_line, b"Host: localhost", b"Connection: close", key, b"X-Odd: \xff"]
        connection.sendall(b"\r\n".join(headers) + b"\r\n\r\n")
        answer = connection.makefile("rb").read()
    head, _, body = answer.partition(b"\r\n\r\n")
    assert int(head.split()[1]) < 500
    assert b"x-injected" not in head.lower()
    json.loads(body)


def test_calls_that_are_sent_at_once_are_answered_in_order(client: Client) -> None:
    host, port = client.authority.split(":")
    head = f"HTTP/1.1\r\nHost: localhost\r\nX-Authorization: {client.key}\r\n"
    calls = f"GET {LIST} {head}\r\nHEAD {LIST} {head}\r\nGET /nothing {head}Connection: close\r\n\r\n"
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(calls.encode())
        answers = connection.makefile("rb").read()
    assert re.findall(rb"HTTP/1\.1 (\d+)", answers) == [b"200", b"200", b"404"]
    assert answers.endswith(b'\r\n\r\n{"message":"Not Found"}')


def test_a_header_made_from_what_a_client_sent_cannot_be_ended_early(client: Client) -> None:
    answer = client.call("POST", "/api/v1/order/link%0d%0aX-Injected:%20yes", {})
    assert answer.status == 404
    assert "x-injected" not in answer.headers


# the journal


def test_a_call_is_in_the_journal_with_its_key_redacted(client: Client) -> None:
    client.call("GET", f"{LIST}?pageSize=5&nonsense=1")
    entry = client.journal()[0]
    assert entry["operation"] == "listReturns"
    assert (entry["kind"], entry["method"], entry["status"], entry["key"]) == ("call", "GET", 200, "1")
    assert entry["path"] == LIST
    assert entry["unknown"] == ["?nonsense"]
    assert "response_body" not in entry
    assert client.key not in str(entry)


def test_writes_and_refusals_keep_their_bodies(client: Client) -> None:
    client.call("POST", "/api/v1/webhooks", {"topic": "nonsense", "surplus": 1})
    client.call("GET", LIST, key=client.control("POST", "keys", {"scopes": []}).body["key"]["key"])
    written, *_, refused = [entry for entry in client.journal() if entry["kind"] == "call"]
    assert '"surplus"' in written["request_body"]
    assert '"errors"' in written["response_body"]
    assert written["refusal"] == "invalid"
    assert (refused["refusal"], refused["response_body"]) == ("unauthorized", '{"errors":"Unauthorized."}')


@pytest.mark.parametrize(
    ("path", "return_id"),
    [
        ("warehouse/return/7/notes", 7),
        ("returns/8/labels", 8),
        ("webhooks/9", None),
        (f"returns/{'9' * 40}/labels", None),
    ],
)
def test_the_journal_names_the_return_of_a_path(client: Client, path: str, return_id: int | None) -> None:
    assert client.call("GET" if "notes" in path else "POST", f"/api/v1/{path}").status < 500
    assert client.journal()[0].get("return_id") == return_id


def test_fields_that_loop_drops_are_told_in_the_journal(client: Client) -> None:
    body = {"topic": "return", "trigger": "return.created", "url": "http://127.0.0.1:9/", "surplus": 1}
    assert client.call("POST", "/api/v1/webhooks", body).status < 300
    assert client.journal()[0]["unknown"] == ["surplus"]


# what goes wrong


def test_what_nobody_foresaw_is_loops_500_and_changes_nothing(
    client: Client, server: EmbeddedServer, caplog: pytest.LogCaptureFixture
) -> None:
    shop = server.running.runtime.world.shops[client.shop]
    shop.connection.execute("alter table notes rename to elsewhere")
    answer = client.call("GET", f"/api/v1/warehouse/return/{submit(client)}/notes")
    assert (answer.status, answer.body) == (500, {"message": "Server Error"})
    assert "Traceback" in caplog.text
    assert "elsewhere" not in answer.raw.decode()


def test_a_full_disk_is_loops_500_one_clear_line_and_no_loss(
    client: Client, server: EmbeddedServer, caplog: pytest.LogCaptureFixture
) -> None:
    client.control("PATCH", "settings", {"rate_limit": 10_000})
    shop = server.running.runtime.world.shops[client.shop]
    notes = f"/api/v1/warehouse/return/{submit(client)}/note"
    shop.connection.execute(f"pragma max_page_count = {shop.connection.execute('pragma page_count').fetchone()[0]}")
    kept = 0
    while (answer := client.call("POST", notes, {"content": "x" * 200})).status < 300:
        kept += 1
        assert kept < 1000
    assert (answer.status, answer.body) == (500, {"message": "Server Error"})
    assert "the disk is full" in caplog.text
    assert "Traceback" not in caplog.text
    assert len(client.call("GET", f"{notes}s").body) == kept
    shop.connection.execute("pragma max_page_count = 1000000")
    assert client.call("POST", notes, {"content": "there is room again"}).status < 300
    assert len(client.call("GET", f"{notes}s").body) == kept + 1
