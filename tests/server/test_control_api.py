from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from loopsim.bootstrap import Options
from loopsim.embedded import EmbeddedServer
from loopsim.errors import Refusal
from loopsim.operations.perform import OPERATIONS

if TYPE_CHECKING:
    from tests.server.conftest import Client, Connect


def test_health_says_that_the_server_is_up(client: Client) -> None:
    answer = client.control("GET", "/health")
    assert (answer.status, answer.body["status"]) == (200, "ok")


def test_answers_about_a_shop_bear_its_time(client: Client) -> None:
    assert client.control("GET", "clock").headers["x-loopsim-now"] == "2026-06-01T09:00:00.000Z"
    assert "x-loopsim-now" not in client.control("GET", "/health").headers


def test_an_unknown_path_is_a_problem_document(client: Client) -> None:
    answer = client.control("GET", "/nothing")
    assert (answer.status, answer.headers["content-type"]) == (404, "application/problem+json")
    assert answer.body["type"] == "urn:loopsim:problem:not_found"
    assert answer.body["instance"] == "/_loopsim/nothing"


def test_a_wrong_method_says_the_right_ones(client: Client) -> None:
    answer = client.control("PATCH", "/shops")
    assert (answer.status, answer.headers["allow"]) == (405, "GET, POST")


def test_a_shop_that_is_not_there_is_named_in_a_problem(client: Client) -> None:
    answer = client.control("POST", "/shops/nobody/acts/customer.submits_return", {})
    assert (answer.status, answer.body["type"]) == (404, "urn:loopsim:problem:shop_not_found")


def test_a_field_that_is_not_known_is_refused_and_named(client: Client) -> None:
    answer = client.control("POST", "/shops", {"nmae": "typo"})
    assert answer.status == 422
    assert list(answer.body["errors"]) == ["nmae"]


def test_a_word_that_is_none_of_a_list_is_told_the_list(client: Client) -> None:
    answer = client.control("POST", "faults", {"kind": "twice"})
    assert answer.status == 422
    assert answer.body["detail"].startswith("The selected kind is invalid. There are: duplicate, swap, ")
    moved = client.control("POST", "acts/carrier.scans", {"return_id": 1, "status": "lost"})
    assert moved.body["errors"]["status"][0].endswith(", out_for_delivery, delivered, error, failure.")


def test_a_name_that_is_none_of_a_list_is_told_the_list(client: Client) -> None:
    answer = client.control("POST", "/shops", {"policy": {"processing_events": {"swap": "immediate"}}})
    assert answer.status == 422
    assert answer.body["detail"].endswith("There are: refund, credit, exchange, shop_now.")


def test_a_date_alone_is_told_how_a_moment_is_written(client: Client) -> None:
    answer = client.control("POST", "clock/advance", {"to": "2027-01-01"})
    assert answer.status == 422
    assert answer.body["detail"] == "The to field must be a moment such as 2026-06-01T09:00:00Z."


def test_a_body_that_is_too_large_is_told_how_large_it_may_be(client: Client) -> None:
    client.connection.putrequest("POST", "/_loopsim/shops")
    client.connection.putheader("Content-Length", str(11 * 2**20))
    client.connection.endheaders(b"{")
    response = client.connection.getresponse()
    problem = json.loads(response.read())
    client.connection.close()

    assert response.status == 413
    assert problem["detail"].endswith("larger than the 10485760 bytes that this server reads. Send it in parts.")


def test_a_body_is_json_whatever_the_client_calls_it(client: Client) -> None:
    answer = client.control("PATCH", "settings", {"rate_limit": 7}, Content_Type="application/x-www-form-urlencoded")
    assert answer.body["shop"]["rate_limit"] == 7


def test_control_calls_are_not_rate_limited(client: Client) -> None:
    client.control("PATCH", "settings", {"rate_limit": 1})
    assert {client.control("GET", "clock").status for _ in range(5)} == {200}


def test_control_calls_are_in_the_journal_but_reading_it_is_not(client: Client) -> None:
    client.control("POST", "acts/customer.submits_return", {"items": [{}]})
    client.control("GET", "journal")
    entries = [entry for entry in client.journal() if entry["kind"] == "control"]
    assert [entry["operation"] for entry in entries] == ["customerSubmitsReturn"]
    assert (entries[0]["kind"], entries[0]["request_body"]) == ("control", '{"items": [{}]}')


def test_an_operation_without_a_function_is_501_and_named(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(OPERATIONS, "stockSets")
    answer = client.control("POST", "acts/stock.sets", {"variant": "x", "available": 1})
    assert (answer.status, answer.body["type"]) == (501, "urn:loopsim:problem:not_simulated")
    assert "stockSets" in answer.body["detail"]


def test_an_operation_of_loops_api_without_a_function_is_501_too(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(OPERATIONS, "listDestinations")
    with EmbeddedServer(Options(port=0)) as server:
        answer = connect(server).call("GET", "/api/v1/destinations")
    assert (answer.status, answer.headers["content-type"]) == (501, "application/problem+json")
    assert "listDestinations" in answer.body["detail"]


def test_what_nobody_foresaw_is_a_problem_without_inner_matters(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def break_(*_: object) -> None:
        raise Refusal("a_code_nobody_declared")

    registered = OPERATIONS["listOrders"]
    monkeypatch.setitem(OPERATIONS, "listOrders", type(registered)(break_, registered.reads))
    answer = client.control("GET", "orders")
    assert (answer.status, answer.body["type"]) == (500, "urn:loopsim:problem:server_error")
    assert "a_code_nobody_declared" in caplog.text
    assert "a_code_nobody_declared" not in answer.raw.decode()
