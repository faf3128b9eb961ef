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
    assert found[2]["errors"] == {"external_id": ["This external id has already been taken."]}
    assert list(found[3]["errors"]) == ["name", "price"]
    assert found[5]["errors"] == {"line": ["The line must be an object with a resource and an action."]}
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


USD = {"amount": 900, "currency_code": "USD"}


def carried_out(client: Client, *lines: dict[str, Any]) -> list[dict[str, Any]]:
    """The jobs of a file once its lines are done."""
    text = "\n".join(json.dumps(each) for each in lines)
    bulk_id = send(client, multipart(text)).body["bulk_operation"]["id"]
    client.control("POST", "clock/advance", {"by": "60s"})
    return jobs(client, bulk_id)


def of(resource: str, action: str, data: dict[str, Any] | None = None, **ids: Any) -> dict[str, Any]:
    return {"resource": resource, "action": action, **ids, **({} if data is None else {"data": data})}


def made(client: Client, path: str, body: dict[str, Any]) -> int:
    (answer,) = client.call("POST", f"/api/v1/{path}", body).body.values()
    id_: int = answer["id"]
    return id_


LOCATION = {
    "name": "Dock",
    "status": "active",
    "address": {"address1": "1 Pier", "city": "Boston", "country_code": "US"},
}
ORDER = {"name": "#B1", "status": "active", "taxes_included": False, "total_price": USD, "line_items": []}
FAMILIES = {
    "customers": ("customer", {"first_name": "Ada", "sales_channel": "ERP"}, "first_name"),
    "products": ("product", {"name": "Kite", "price": USD}, "name"),
    "collections": ("collection", {"name": "Toys"}, "name"),
    "locations": ("location", LOCATION, "name"),
    "orders": ("order", ORDER, "name"),
}


@pytest.mark.parametrize("path", FAMILIES)
def test_a_line_does_whatever_a_call_for_one_can_do(client: Client, path: str) -> None:
    resource, body, told = FAMILIES[path]
    if path == "orders":
        product = made(client, "products", FAMILIES["products"][1])
        body = {**body, "line_items": [{"product": {"id": product}, "unit_price": USD}]}
    id_ = made(client, path, {**body, "external_id": "X-1"})
    doomed = made(client, path, {**body, "external_id": "X-2"})
    found = carried_out(
        client,
        of(resource, "create", {**body, "external_id": "X-3"}),
        of(resource, "upsert", {**body, "external_id": "X-1", told: "Upserted"}),
        of(resource, "update", {**body, told: "Updated"}, id=id_),
        of(resource, "delete", id=str(doomed)),
        of(resource, "delete", id=doomed),
    )
    assert [job["status"] for job in found] == ["success"] * 4 + ["failed"], found
    assert [job["resource_id"] for job in found[1:4]] == [id_, id_, doomed]
    assert found[4]["errors"] == {"data": ["Not Found"]}
    page = client.call("GET", f"/api/v1/{path}?limit=250").body[path]
    ours = {each["external_id"]: each[told] for each in page if str(each["external_id"]).startswith("X-")}
    assert ours == {"X-1": "Updated", "X-3": body[told]}


@pytest.mark.parametrize("path", ["customers", "products", "orders"])
def test_what_can_be_deleted_by_the_merchants_id_can_be_in_a_file(client: Client, path: str) -> None:
    resource, body, _ = FAMILIES[path]
    if path == "orders":
        product = made(client, "products", FAMILIES["products"][1])
        body = {**body, "line_items": [{"product": {"id": product}, "unit_price": USD}]}
    id_ = made(client, path, {**body, "external_id": "X/1"})
    found = carried_out(
        client,
        of(resource, "delete", id=id_, external_id="X/1"),
        of(resource, "delete", external_id="X/1"),
        of(resource, "delete", external_id=1),
    )
    assert [(job["status"], job["resource_id"]) for job in found] == [
        ("failed", None), ("success", id_), ("failed", None),
    ]  # fmt: skip
    assert found[0]["errors"] == {"id": ["The id field prohibits external_id from being present."]}
    assert found[2]["errors"] == {"external_id": ["The external id field must be a string."]}
    assert client.call("GET", f"/api/v1/{path}/{id_}").status == 404


def test_variants_and_inventories_have_the_ids_of_their_paths_beside_the_data(client: Client) -> None:
    product = made(client, "products", FAMILIES["products"][1])
    location = made(client, "locations", LOCATION)
    variant = made(client, f"products/{product}/product-variants", {"name": "Red", "taxable": True, "price": USD})
    pair = {"product_variant_id": variant, "location_id": location}
    found = carried_out(
        client,
        of("product_variant", "create", {"name": "Blue", "taxable": True, "price": USD}, product_id=product),
        of("product_variant", "upsert", {"external_id": "V", "taxable": True, "name": "Up"}, product_id=product),
        of("product_variant", "patch", {"name": "Green"}, product_id=product, variant_id=variant),
        of("inventory", "create", {"available_count": 3}, **pair),
        of("inventory", "create", {"available_count": 4}, **pair),
        of("inventory", "upsert", {"available_count": 5}, **pair),
    )
    assert [job["status"] for job in found] == ["success", "success", "success", "success", "failed", "success"], found
    assert found[4]["errors"] == {"location_id": ["The location id has already been taken."]}
    assert [job["resource_id"] for job in found[2:4]] == [variant, None]
    stock = client.call("GET", f"/api/v1/inventories/{variant}/{location}").body["inventory"]
    assert (stock["available_count"], stock["product_variant"]["name"]) == (5, "Green")

    gone = carried_out(
        client,
        of("inventory", "delete", **pair),
        of("product_variant", "delete", product_id=product, variant_id=variant),
        of("product_variant", "delete", product_id=product),
        of("product_variant", "delete", product_id="x", variant_id=True),
    )
    assert [job["status"] for job in gone] == ["success", "success", "failed", "failed"], gone
    assert gone[2]["errors"] == {"variant_id": ["The variant id field is required."]}
    assert gone[3]["errors"] == {
        "product_id": ["The product id field must be an integer."],
        "variant_id": ["The variant id field must be an integer."],
    }
    assert client.call("GET", f"/api/v1/inventories/{variant}/{location}").status == 404
    assert client.call("GET", f"/api/v1/products/{product}/product-variants/{variant}").status == 404


def test_a_line_that_fails_half_way_leaves_nothing(client: Client) -> None:
    """The customer of the second order is written before its shipment shows an id that another order's has."""
    product = made(client, "products", FAMILIES["products"][1])
    buyer = {"external_id": "half", "first_name": "A", "last_name": "B", "email": "a@example.com", "phone": "1"}
    sold = {"product": {"id": product}, "unit_price": USD}
    order = {**ORDER, "customer": buyer, "line_items": [sold], "external_id": "half"}
    shipped = {"fulfillments": [{"external_id": "F"}]}
    _, first, second = carried_out(
        client,
        of("order", "create", {**ORDER, **shipped, "external_id": "before", "line_items": [sold]}),
        of("order", "create", {**order, **shipped}),
        of("order", "create", {**order, "external_id": "whole", "customer": {**buyer, "external_id": "whole"}}),
    )
    assert (first["status"], second["status"]) == ("failed", "success"), (first, second)
    assert first["errors"] == {"fulfillments.0.external_id": ["This external id has already been taken."]}
    for path in ("orders", "customers"):
        statuses = [client.call("GET", f"/api/v1/{path}/external/{name}").status for name in ("half", "whole")]
        assert statuses == [404, 200]


def test_a_file_obeys_the_version_it_was_sent_to(client: Client) -> None:
    kind = "multipart/form-data; boundary=b0"
    body = multipart(json.dumps(of("order", "create", {**ORDER, "line_items": [{}]})))
    bulk = client.call("POST", "/api/2026-10/bulk-operations", body, Content_Type=kind).body["bulk_operation"]
    client.control("POST", "clock/advance", {"by": "2s"})
    assert "created_at" in jobs(client, bulk["id"])[0]["errors"]


def test_the_journal_says_what_was_dropped_of_the_lines(client: Client) -> None:
    data = {"name": "Kite", "price": {**USD, "amount": 9.5}, "colour": "red"}
    send(client, multipart("{}\n\n" + json.dumps(of("product", "create", data))))
    entries = client.control("GET", "journal").body["entries"]
    (entry,) = [each for each in entries if each.get("operation") == "createBulkOperation"]
    assert (entry["unknown"], entry["truncated"]) == (["lines.3.colour"], ["lines.3.price.amount"])


DEEP = "[" * 100_000 + "]" * 100_000
HOSTILE = {
    "deep": '{"resource": "order", "action": "create", "data": ' + DEEP + "}",
    "deep beside": '{"resource": "order", "action": "delete", "id": ' + DEEP + "}",
    "huge id": '{"resource": "order", "action": "delete", "id": 1' + "0" * 5000 + "}",
    "infinite id": '{"resource": "order", "action": "delete", "id": 1e999}',
    "beyond 64 bits": '{"resource": "order", "action": "delete", "id": 9223372036854775808}',
    "not a number": '{"resource": "order", "action": "create", "data": {"total_price": NaN}}',
    "many values": '{"resource": "order", "action": "create", "data": {"tags": [' + "1," * 50_000 + "1]}}",
    "long text": '{"resource": "customer", "action": "create", "data": {"first_name": "' + "x" * 1_000_000 + '"}}',
    "a zero": '{"resource": "customer", "action": "delete", "external_id": "\\u0000"}',
    "half a pair": '{"resource": "customer", "action": "delete", "external_id": "\\ud800"}',
    "no object": "7",
    "no texts": '{"resource": 1, "action": []}',
    "other operation": '{"resource": "webhook", "action": "delete", "id": 1}',
    "other verb": '{"resource": "order", "action": "list"}',
    "not by that id": '{"resource": "location", "action": "delete", "external_id": "L"}',
    "not patched": '{"resource": "order", "action": "patch", "id": 1, "data": {}}',
    "an array as data": '{"resource": "order", "action": "create", "data": [[], 1]}',
}


def test_hostile_lines_fail_alone(client: Client) -> None:
    good = json.dumps(of("product", "create", {"name": "Kite", "price": USD}))
    answer = send(client, multipart("\r\n".join([*HOSTILE.values(), good])))
    assert answer.status == 201
    client.control("POST", "clock/advance", {"by": "10s"})
    found = jobs(client, answer.body["bulk_operation"]["id"])
    assert [job["status"] for job in found] == ["failed"] * len(HOSTILE) + ["success"]
    assert all(job["errors"] for job in found[:-1])


def test_blank_lines_are_counted_and_do_nothing(client: Client) -> None:
    bulk_id = send(client, multipart("\n  \n{}\n\n{}\n\n")).body["bulk_operation"]["id"]
    assert [job["line"] for job in jobs(client, bulk_id)] == [3, 5]


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
        (b'{"file": "{}"}', "application/json", 422),
        (b"{}\n{}", "application/jsonl", 422),
        (b"file=%7B%7D", "application/x-www-form-urlencoded", 422),
        (multipart("{}").replace(b'; filename="a.jsonl"', b""), "multipart/form-data; boundary=b0", 422),
        (b"", "multipart/form-data; boundary=b0", 422),
        (multipart("{}")[:-9], "multipart/form-data; boundary=b0", 400),
        (multipart("{}")[:40], "multipart/form-data; boundary=b0", 400),
        (b"\x00" * 100, "multipart/form-data; boundary=b0", 400),
        (multipart("{}"), "multipart/form-data; boundary=" + "b" * 300, 400),
        (multipart("x" * 11 * 2**20), "multipart/form-data; boundary=b0", 413),
    ],
)
def test_what_is_no_file_is_refused(client: Client, body: bytes, kind: str, status: int) -> None:
    assert send(client, body, kind).status == status
    assert client.call("GET", PATH).body["bulk_operations"] == []


def test_an_unknown_bulk_operation_is_not_found(client: Client) -> None:
    assert [client.call("GET", f"{PATH}/1{more}").status for more in ("", "/jobs")] == [404, 404]
