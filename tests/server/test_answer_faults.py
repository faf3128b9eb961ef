from __future__ import annotations

import http.client
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.server.conftest import Client

LIST = "/api/v1/warehouse/return/list"


def arm(client: Client, kind: str, **more: Any) -> None:
    answer = client.control("POST", "faults", {"kind": kind, **more})
    assert answer.status == 201, answer.raw


def last_call(client: Client) -> dict[str, Any]:
    return [entry for entry in client.journal() if entry["kind"] == "call"][-1]


def test_a_fault_acts_as_often_as_it_counts(client: Client) -> None:
    arm(client, "server_error", count=2)
    assert [client.call("GET", LIST).status for _ in range(3)] == [500, 500, 200]


def test_a_server_error_has_its_status_and_the_operations_words(client: Client) -> None:
    arm(client, "server_error", params={"status": 503})
    answer = client.call("GET", LIST)
    assert (answer.status, answer.body) == (503, {"message": "Server Error"})
    assert (last_call(client)["fault"], last_call(client)["status"]) == ("server_error", 503)


def test_too_many_looks_like_the_rate_limit(client: Client) -> None:
    arm(client, "too_many", params={"retry_after": 3})
    answer = client.call("GET", LIST)
    assert (answer.status, answer.body) == (429, {"message": "Too Many Attempts."})
    assert (answer.headers["retry-after"], answer.headers["x-ratelimit-remaining"]) == ("3", "0")
    assert client.call("GET", LIST).headers["x-ratelimit-remaining"] == "298"


def test_a_fault_of_another_operation_does_nothing(client: Client) -> None:
    arm(client, "server_error", operation="listWebhooks")
    assert client.call("GET", LIST).status == 200
    assert client.call("GET", "/api/v1/webhooks").status == 500


def test_a_call_that_is_not_let_in_uses_up_no_fault(client: Client) -> None:
    arm(client, "server_error")
    assert client.call("GET", LIST, key="wrong").status == 401
    assert client.call("GET", LIST).status == 500


def test_latency_lets_the_answer_wait(client: Client) -> None:
    arm(client, "latency", params={"ms": 80})
    began = time.monotonic()
    assert client.call("GET", LIST).status == 200
    assert time.monotonic() - began >= 0.08
    assert (last_call(client)["fault"], last_call(client)["status"]) == ("latency", 200)


@pytest.mark.parametrize(("method", "path"), [("POST", "reset"), ("PUT", ""), ("DELETE", "")])
def test_a_call_that_is_held_back_ends_with_its_shop(client: Client, method: str, path: str) -> None:
    """Whoever gave up waiting for it would find it done in another shop, and a story what was asked in another."""
    arm(client, "latency", params={"ms": 600_000})
    waiting = http.client.HTTPConnection(client.authority, timeout=20)
    body = b'{"topic":"return","trigger":"return.created","url":"http://127.0.0.1:9/"}'
    waiting.request("POST", "/api/v1/webhooks", body, {"X-Authorization": client.key})
    while not client.control("GET", "faults").body["faults"][0]["seen"]:
        pass  # each look is a call

    assert client.control(method, path).status < 300
    with pytest.raises((ConnectionResetError, http.client.RemoteDisconnected)):
        waiting.getresponse()
    if method != "DELETE":
        assert client.call("GET", "/api/v1/webhooks").body["webhooks"] == []
        assert [entry["method"] for entry in client.journal() if entry["kind"] == "call"] == ["GET"]


def test_a_reset_breaks_the_connection_before_anything_is_done(client: Client) -> None:
    arm(client, "reset")
    body = {"topic": "return", "trigger": "return.created", "url": "http://127.0.0.1:9/"}
    with pytest.raises(ConnectionResetError):
        client.call("POST", "/api/v1/webhooks", body)
    client.connection.close()
    assert client.call("GET", "/api/v1/webhooks").body["webhooks"] == []
    assert client.call("GET", LIST).status == 200


def test_a_lost_answer_is_one_to_something_that_was_done(client: Client) -> None:
    arm(client, "answer_lost")
    body = {"topic": "return", "trigger": "return.created", "url": "http://127.0.0.1:9/"}
    with pytest.raises((ConnectionResetError, http.client.RemoteDisconnected)):
        client.call("POST", "/api/v1/webhooks", body)
    client.connection.close()
    assert len(client.call("GET", "/api/v1/webhooks").body["webhooks"]) == 1
    lost = [entry for entry in client.journal() if entry.get("fault") == "answer_lost"]
    assert [(entry["operation"], entry.get("status")) for entry in lost] == [("createWebhook", None)]


def test_faults_that_are_cleared_are_over(client: Client) -> None:
    arm(client, "server_error", count=10)
    assert client.call("GET", LIST).status == 500
    client.control("DELETE", "faults")
    assert client.call("GET", LIST).status == 200


def test_a_seeded_share_is_the_same_share_every_time(client: Client) -> None:
    def statuses() -> list[int]:
        arm(client, "server_error", rate=0.5, count=None)
        return [client.call("GET", LIST).status for _ in range(20)]

    first = statuses()
    client.control("POST", "reset")
    assert statuses() == first
    assert set(first) == {200, 500}


def test_a_truncated_answer_ends_in_the_middle_although_all_was_done(client: Client) -> None:
    arm(client, "truncated")
    body = {"topic": "return", "trigger": "return.created", "url": "http://127.0.0.1:9/"}
    with pytest.raises(http.client.IncompleteRead) as broken:
        client.call("POST", "/api/v1/webhooks", body)
    assert 0 < len(broken.value.partial) <= (broken.value.expected or 0) + 1
    client.connection.close()
    assert (last_call(client)["fault"], last_call(client)["status"]) == ("truncated", 201)
    assert len(client.call("GET", "/api/v1/webhooks").body["webhooks"]) == 1
