"""Bulk operations: sent as a browser or curl would, carried out on the shop's clock."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.server.conftest import Client, Reply

PATH = "/api/v1/bulk-operations"


def multipart(text: str | bytes, name: str = "file") -> bytes:
    raw = text if isinstance(text, bytes) else text.encode()
    head = (
        f'--b0\r\nContent-Disposition: form-data; name="{name}"; filename="a.jsonl"\r\nContent-Type: text/plain\r\n\r\n'
    )
    return head.encode() + raw + b"\r\n--b0--\r\n"


def send(client: Client, body: bytes, kind: str = "multipart/form-data; boundary=b0") -> Reply:
    return client.call("POST", PATH, body, Content_Type=kind)


def line(resource: str, action: str, **data: Any) -> str:
    return json.dumps({"resource": resource, "action": action, "data": data})


def jobs(client: Client, bulk_id: int, **query: str) -> list[dict[str, Any]]:
    asked = "&".join(f"{name}={value}" for name, value in {"limit": "250", **query}.items())
    found: list[dict[str, Any]] = client.call("GET", f"{PATH}/{bulk_id}/jobs?{asked}").body["bulk_operation_jobs"]
    return found


def test_a_file_is_taken_and_carried_out_on_the_shops_clock(client: Client) -> None:
    customer = {"email": "ada@example.com", "first_name": "Ada", "last_name": "L", "external_id": "C-1"}
    text = "\n".join(
        [
            line("product", "upsert", name="Kite", price={"amount": 900, "currency_code": "USD"}, external_id="P-1"),
            "",
            line("customer", "create", **customer),
            line("customer", "create", **customer),
            line("product", "create", name=7),
            line("spaceship", "create"),
            "no json",
        ]
    )
    answer = send(client, multipart(text + "\n"))
    assert answer.status == 201
    bulk = answer.body["bulk_operation"]
    assert bulk == {
        "id": bulk["id"], "status": "pending", "pending_count": 6, "success_count": 0, "failed_count": 0,
    }  # fmt: skip
    assert bulk["id"] > 2**53
    assert {job["status"] for job in jobs(client, bulk["id"])} == {"pending"}

    client.control("POST", "clock/advance", {"by": "2s"})
    after = client.call("GET", f"{PATH}/{bulk['id']}").body["bulk_operation"]
    assert after == {**bulk, "status": "completed", "pending_count": 0, "success_count": 2, "failed_count": 4}
    found = jobs(client, bulk["id"])
    assert [(job["line"], job["status"]) for job in found] == [
        (1, "success"), (3, "success"), (4, "failed"), (5, "failed"), (6, "failed"), (7, "failed"),
    ]  # fmt: skip
    assert found[2]["errors"] == {"external_id": ["The external id has already been taken."]}
    assert list(found[3]["errors"]) == ["name", "price"]
    assert found[5]["errors"] == {"line": ["The line must be JSON with resource, action and data."]}
    made = client.call("GET", f"/api/v1/products/{found[0]['resource_id']}").body["product"]
    assert (made["name"], made["external_id"]) == ("Kite", "P-1")
    assert client.call("GET", PATH).body["bulk_operations"] == [after]


def test_a_long_file_takes_its_time(client: Client) -> None:
    text = "\n".join(line("collection", "create", name=f"C{number}", external_id=f"C{number}") for number in range(60))
    bulk_id = send(client, multipart(text)).body["bulk_operation"]["id"]
    counts = []
    for step in ("2s", "1s", "1s"):
        client.control("POST", "clock/advance", {"by": step})
        bulk = client.call("GET", f"{PATH}/{bulk_id}").body["bulk_operation"]
        counts.append((bulk["status"], bulk["pending_count"], bulk["success_count"]))
    assert counts == [("processing", 35, 25), ("processing", 10, 50), ("completed", 0, 60)], jobs(client, bulk_id)[0]


def test_a_line_that_fails_leaves_no_trace(client: Client) -> None:
    """An order is written before it shows that two of its lines have one id."""
    price = {"amount": 900, "currency_code": "USD"}
    product = client.call("GET", "/api/v1/products").body["products"][0]["id"]
    sold = {"product": {"id": product}, "unit_price": price, "quantity": 1}
    rest = {"status": "active", "taxes_included": False, "total_price": price}
    lines = [
        line("order", "create", name=f"#B{n}", line_items=[{**sold, "external_id": f"of-{n}"}] * n, **rest)
        for n in (1, 2)
    ]
    bulk_id = send(client, multipart("\n".join(lines))).body["bulk_operation"]["id"]
    client.control("POST", "clock/advance", {"by": "2s"})
    assert [job["status"] for job in jobs(client, bulk_id)] == ["success", "failed"]
    names = {order["name"] for order in client.call("GET", "/api/v1/orders?limit=250").body["orders"]}
    assert ("#B1" in names, "#B2" in names) == (True, False)


def test_ids_are_texts_for_whoever_asks_for_it(client: Client) -> None:
    send(client, multipart(line("product", "create", name="Kite", price={"amount": 900, "currency_code": "USD"})))
    (bulk,) = client.call("GET", PATH, X_Loop_Global_Identifier_Type="string").body["bulk_operations"]
    assert isinstance(bulk["id"], str)


def test_pages_of_jobs_are_walked_to_the_end(client: Client) -> None:
    bulk_id = send(client, multipart("{}\n" * 5)).body["bulk_operation"]["id"]
    path, lines = f"{PATH}/{bulk_id}/jobs?limit=2", []
    while path:
        page = client.call("GET", path).body
        lines += [job["line"] for job in page["bulk_operation_jobs"]]
        path = (page["next_page_url"] or "").partition(client.authority)[2]
    assert lines == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (multipart("\n\n"), "multipart/form-data; boundary=b0", 422),
        (multipart("{}", name="files"), "multipart/form-data; boundary=b0", 422),
        (multipart("{}\n" * 2001), "multipart/form-data; boundary=b0", 422),
        (multipart(b"\xff\xfe"), "multipart/form-data; boundary=b0", 400),
        (multipart("{}"), "multipart/form-data", 400),
        (multipart("{}"), "multipart/form-data; boundary=other", 400),
        (b"{}", "application/json", 422),
        (b"", "multipart/form-data; boundary=b0", 422),
    ],
)
def test_what_is_no_file_is_refused(client: Client, body: bytes, kind: str, status: int) -> None:
    assert send(client, body, kind).status == status
    assert client.call("GET", PATH).body["bulk_operations"] == []


def test_an_unknown_bulk_operation_is_not_found(client: Client) -> None:
    assert [client.call("GET", f"{PATH}/1{more}").status for more in ("", "/jobs")] == [404, 404]
