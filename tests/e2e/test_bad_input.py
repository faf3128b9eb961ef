"""Bad input to every operation of both APIs, over plain sockets: the error that the operation declares, never a 500,
never a change of state.
"""

from __future__ import annotations

import base64
import copy
import json
import random
import socket
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from loopsim.contract import Contract, Operation, load_contract
from tests.e2e.hostile import PATIENCE, Reply, Victim, Wire, request, victim

CONTRACT = load_contract()
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
LARGE = 20 * 1024 * 1024

OPERATIONS = [
    *(each for version in CONTRACT.versions for each in CONTRACT.operations("loop", version)),
    *CONTRACT.operations("control"),
]
WITH_BODY = [each for each in OPERATIONS if each.body_schema is not None]


def name_of(operation: Operation) -> str:
    return f"{operation.id} {operation.version}" if operation.api == "loop" else operation.id


@pytest.fixture(scope="module")
def target(contract: Contract) -> Iterator[Victim]:
    with victim(contract) as made:
        yield made


def path_of(operation: Operation, **values: str) -> str:
    """The path of an operation with things that are not there, but for the shop."""
    known = {"shop": "victim", "uuid": "00000000-0000-4000-8000-000000000000", **values}
    path = operation.address
    for parameter in operation.parameters:
        if parameter.place == "path":
            path = path.replace(f"{{{parameter.name}}}", known.get(parameter.name, "987654321"))
    return path


def headers_of(operation: Operation, target: Victim) -> dict[str, str]:
    if operation.api == "control":
        return {**JSON}
    # Some calls take tokens alone.
    return JSON | (target.token if operation.oauth_scopes and not operation.scopes else target.key)


# bodies


UNREADABLE = {
    "cut off": b'{"a":',
    "text": b"hello",
    "two values": b"{} {}",
    "a bracket too deep": b"[" * 15_000,
    "a list too deep": b"[" * 15_000 + b"]" * 15_000,
    "an object too deep": b'{"a":' * 15_000 + b"1" + b"}" * 15_000,
    "NaN": b'{"a":NaN}',
    "Infinity": b'{"a":-Infinity}',
    "a number beyond a double": b'{"a":1e400}',
    "no UTF-8": b'{"a":"\xff\xfe"}',
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "half a surrogate pair": b'{"a":"\\ud800"}',
    "a control character": b'{"a":"\n"}',
    "NUL": b"\x00",
}
ODD = {
    "deep": b'{"a":' * 500 + b"1" + b"}" * 500,
    "deeper": b'{"a":' + b"[" * 900 + b"]" * 900 + b"}",
    "many unknown fields": b"{" + b",".join(b'"k%d":1' % number for number in range(3000)) + b"}",
    "a number of many digits": b'{"a":' + b"9" * 5000 + b"}",
    "the same name twice": b'{"return_id":1,"return_id":{}}',
    "a list": b"[1,2]",
    "a text": b'"x"',
    "a number": b"5",
}


@pytest.mark.parametrize("operation", WITH_BODY, ids=name_of)
def test_a_body_that_cannot_be_read_is_refused(target: Victim, operation: Operation) -> None:
    before = target.dump()
    for what, body in UNREADABLE.items():
        reply = target.wire.call(operation.method, path_of(operation), body, headers_of(operation, target))
        target.judged(operation, reply)
        # Carts tell of every refusal with 200.
        assert reply.status == 400 or (reply.status == 200 and "errors" in reply.body), what
    assert target.dump() == before


def _takes_nothing(operation: Operation) -> bool:
    """Whether every field may be left out, so that a body of unknown fields, which Loop drops, is a good one."""
    return not operation.schemas.resolve(operation.body_schema or {}).get("required")


@pytest.mark.parametrize("operation", WITH_BODY, ids=name_of)
def test_a_body_of_another_kind_is_refused(target: Victim, operation: Operation) -> None:
    before = target.dump()
    for body in ODD.values():
        reply = target.wire.call(operation.method, path_of(operation), body, headers_of(operation, target))
        target.judged(operation, reply)
        assert reply.status >= 400 or "errors" in reply.body or _takes_nothing(operation)
    assert target.dump() == before or _takes_nothing(operation)


@pytest.mark.parametrize("operation", WITH_BODY, ids=name_of)
def test_a_body_that_is_too_large_is_refused_before_it_is_sent(target: Victim, operation: Operation) -> None:
    size = max(LARGE, operation.limits.get("body", 0) + 1)
    before = target.commits()
    announced = {**headers_of(operation, target), "Content-Length": str(size), "Expect": "100-continue"}
    wire = Wire(target.server.url)
    reply = wire.call(operation.method, path_of(operation), None, announced)
    wire.close()
    target.judged(operation, reply)
    assert reply.status == 413
    assert target.commits() == before


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("operation_id", ["createNote", "staffFlags"])
def test_a_body_that_is_too_large_leaves_the_connection_usable(
    target: Victim, operation_id: str, chunked: bool
) -> None:
    operation = CONTRACT.operation(operation_id)
    body = b'{"content":"' + b"x" * LARGE + b'"}'
    headers = headers_of(operation, target)
    if chunked:
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        headers |= {"Transfer-Encoding": "chunked"}
    raw = request(operation.method, path_of(operation), None if chunked else body, headers)
    raw = raw + body if chunked else raw
    wire = Wire(target.server.url)
    refused, after = wire.answers(raw + request("GET", "/api/v1/webhooks", None, target.key), 2)
    wire.close()
    target.judged(operation, refused)
    assert (refused.status, after.status) == (413, 200)


def test_a_body_with_many_faults_holds_nobody_up(target: Victim) -> None:
    operation = CONTRACT.operation("gradeItems")
    began = time.process_time()
    reply = target.loop("POST", "/dispositioning/grade", b'{"items":[' + b",".join([b"{}"] * 9_000) + b"]}", **JSON)
    # Telling all of them would take the processor, of server and client, five seconds.
    assert time.process_time() - began < 1
    target.judged(operation, reply)
    assert reply.body["errors"]["items"] == ["The items field must not have more than 30 items."]


MILLIONS = {
    "numbers": b'{"items":[' + b"1," * 1_500_000 + b"1]}",
    "objects": b'{"items":[' + b"{}," * 1_000_000 + b"{}]}",
    "empty lists": b"[" + b"[]," * 1_000_000 + b"[]]",
    "deep lists": b"[" + (b"[" * 500 + b"]" * 500 + b",") * 9_000 + b"1]",
    "names": b"{" + b",".join(b'"k%d":1' % number for number in range(250_000)) + b"}",
    "texts": b'{"items":[' + b'"\\"",' * 600_000 + b'""]}',
}


@pytest.mark.parametrize("operation", [each for each in WITH_BODY if "values" not in each.limits], ids=name_of)
def test_a_body_of_millions_of_values_is_refused_before_it_is_read(target: Victim, operation: Operation) -> None:
    before = target.commits()
    for body in MILLIONS.values():
        began = time.process_time()
        reply = target.wire.call(operation.method, path_of(operation), body, headers_of(operation, target))
        assert time.process_time() - began < 1
        target.judged(operation, reply)
        assert reply.status == 413
    assert target.commits() == before


def test_commas_in_a_text_are_no_values(target: Victim) -> None:
    text = b'{"content":"' + b'[{\\",' * 400_000 + b'"}'
    reply = target.loop("POST", f"/warehouse/return/{target.returns[0]}/note", text, **JSON)
    assert reply.status == 422, "too long for a note, but read"


# values in bodies


HOSTILE = (
    "null", "true", "0", "-1", "1.5", "1e30", "-1e308", "9223372036854775807", "9223372036854775808",
    "-9223372036854775809", "9" * 500, '""', '" "', '"\\u0000"', '"a\\r\\nX-Evil: 1"', '"' + "x" * 70_000 + '"', '"01"',
    '"\\u0661"', '"\\ud83d\\udca9"', "[]", "{}", "[[]]", "[null]", "[1,2]", '{"a":1}', "[" * 200 + "]" * 200,
    '"http://[::1"', '"javascript:alert(1)"', '"2026-02-30"', '"99999-01-01"', '"0000-01-01T00:00:00Z"', '"PT1e9H"',
    '"-5d"', '"nan"', '"{message}"', '"<script>"', '"../../etc/passwd"',
)  # fmt: skip
ADDRESS = {"address1": "1 Lane", "city": "C", "state": "S", "zip": "1", "country": "US", "country_code": "US"}
SHIPMENT = {"topic": "happy.returns.shipment", "trigger": "shipment.processed", "url": "http://127.0.0.1:9/"}
MUTATIONS = 40


def good(target: Victim) -> dict[str, tuple[dict[str, str], dict[str, Any]]]:
    """A path and a body for every operation that takes one: nearly all of them would be done."""
    first, second, third = (str(id_) for id_ in target.returns[:3])
    webhook = {"id": str(target.subscriptions[0]["id"])}
    request = target.loop("GET", "/label-requests").body["data"][0]["id"]
    place = str(target.loop("GET", "/destinations").body["destinations"][0]["id"])
    line = int(target.shop.get_return(target.returns[0])["line_items"][0]["id"])
    inspected = {"line_item_id": line, "note": "n", "inspected_at": "2026-01-01T00:00:00Z"}
    return {
        "createDeepLink": ({}, {"name": "#1001", "zip": "43004"}),
        "createQrCode": ({}, {"name": "#1001", "zip": "43004", "type": "png", "size": 100, "gift": True}),
        "createDestination": ({}, {"type": "warehouse", "name": "n", "provider_location_id": 5, "address": ADDRESS}),
        "updateDestination": ({"id": place}, {"name": "n", "provider_location_id": 5, "address": ADDRESS}),
        "gradeItems": ({}, {"items": [{**inspected, "description": "x", "images": ["http://a/b"]}]}),
        "assessItems": ({}, {"items": [{**inspected, "disposition_outcome": "x"}]}),
        "createFraudReport": ({"id": first}, {"category": "keep-item-abuse", "comment": "x"}),
        "reportLabelRequestError": ({"id": request}, {"reason": "Other", "message": "x"}),
        "createLabel": (
            {},
            {
                "label_request_id": int(request), "carrier": "usps", "tracking_number": "1", "label_url": "http://a/b",
                "rate": {"amount": 15, "currency_code": "USD"},
            },
        ),
        "processReturn": ({"id": second}, {"erp": "4711", "more": {"deep": [1]}}),
        "createNote": ({"id": first}, {"content": "x"}),
        "createWebhook": ({}, {**SHIPMENT, "status": "inactive"}),
        "updateWebhook": (webhook, {**SHIPMENT, "status": "inactive"}),
        "customerSubmitsReturn": (
            {},
            {
                "order": 5, "items": [{"sku": "x", "quantity": 1, "outcome": "shop_now", "exchange_variant": "x"}],
                "shop_now": [{"variant": "TEE-RED-M", "quantity": 1}], "leftover": "refund", "method": "mail",
            },
        ),
        "customerEditsReturn": ({}, {"return_id": int(third), "items": [{"outcome": "refund"}], "leftover": "refund"}),
        "customerDropsOff": ({}, {"return_id": int(first)}),
        "carrierScans": ({}, {"return_id": int(first), "label_id": 1, "status": "in_transit"}),
        "staffFlags": ({}, {"return_id": int(first)}),
        "ordersMakes": (
            {},
            {
                "name": "x", "lines": [{"variant": "TEE-RED-M", "quantity": 2, "discount": 10}], "email": "a@b.c",
                "tax_percent": 10, "country_code": "US",
            },
        ),
        "ordersFulfils": ({}, {"order": "#1002"}),
        "stockSets": ({}, {"variant": "TEE-RED-M", "available": 5}),
        "paymentFailsNext": ({}, {"count": 1}),
        "setClock": ({}, {"mode": "manual", "rate": 1}),
        "advanceClock": ({}, {"by": "1s", "wait": False, "quiet_for": 1}),
        "settleDeliveries": ({}, {"timeout": 0.01, "quiet_for": 1}),
        "createFault": ({}, {"kind": "duplicate", "count": 1, "rate": 0.5, "params": {"copies": 2}}),
        "importReturns": ({}, {"raw": "[]", "keep_personal_data": True, "replace": True, "resume": True}),
        "createSubscription": ({}, SHIPMENT),
        "updateSubscription": (webhook, SHIPMENT),
        "rotateSecret": ({}, {"subscription_id": int(webhook["id"])}),
        "createKey": ({}, {"label": "x", "scopes": ["returns"]}),
        "updateSettings": (
            {},
            {
                "rate_limit": 10_000_000, "quiet_for": 300, "allowed_targets": ["10.0.0.0/8"],
                "policy": {"handling_fee": 5, "expiry_days": 28, "workflows": [{"when": {"sku": "x"}, "then": {}}]},
                "quirks": {"webhook_secret": "shop"},
            },
        ),
        "createShop": ({}, {"name": "fresh", "seed": 5, "world": "empty", "clock": {"mode": "manual"}, "id_block": 5}),
        "copyShop": ({}, {"name": "copied"}),
    }  # fmt: skip


def places_in(value: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The whole value, and everything in it."""
    yield at
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places_in(inner, (*at, key))


def with_hostile(value: Any, at: tuple[str | int, ...], hostile: str) -> bytes:
    """The JSON of a value with hostile JSON in one place of it."""
    whole = copy.deepcopy([value])
    node: Any = whole
    path = (0, *at)
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = "@hostile@"
    return json.dumps(whole[0]).replace('"@hostile@"', hostile).encode()


def test_hostile_values_are_refused_or_harmless(target: Victim) -> None:
    chance = random.Random(1)
    for operation_id, (path, body) in good(target).items():
        for version in CONTRACT.versions if operation_id in API else [None]:
            operation = CONTRACT.operation(operation_id, version)
            headers = headers_of(operation, target)
            for _ in range(MUTATIONS):
                raw = with_hostile(body, chance.choice(list(places_in(body))), chance.choice(HOSTILE))
                before = target.commits()
                reply = target.wire.call(operation.method, path_of(operation, **path), raw, headers)
                target.judged(operation, reply)
                if reply.status >= 400:
                    assert target.commits() == before, raw
                for name in set(target.server.running.runtime.world.shops) - {"default", "victim"}:
                    target.client.call("DELETE", f"/shops/{name}")
    # What was let in can be read, and lived with.
    target.shop.clock.advance(by="60d", wait=False)
    for operation in READS:
        if not any(parameter.place == "path" and parameter.name != "shop" for parameter in operation.parameters):
            query = QUERIES.get(operation.id, "")
            target.judged(operation, target.wire.call("GET", path_of(operation) + query, None, target.key))
    assert not any(entry.get("error") for entry in target.shop.journal(limit=5000, kind="clock")["entries"])


API = {each.id for each in CONTRACT.operations("loop")}
READS = [each for each in OPERATIONS if each.method == "GET"]
QUERIES = {
    "listReturns": "?from=2026-05-01&to=2026-08-01",
    "reportAsn": "?from=2026-05-01&to=2026-08-01",
    "getSampleWebhook": "?topic=return&trigger=return.closed",
    "readJournal": "?limit=5000",
}


# paths and queries


IN_PATHS = (
    "0", "-1", "1.5", "1e3", "+5", "00012", "9" * 19, "9223372036854775808", "9" * 4000, "%00", "%0d%0aX-Evil:%201",
    "%ff%fe", "%ed%a0%80", "a%2Fb", "%2e%2e", "null", "%D9%A1", "%20", "5%20", "%0a5", "'or%201=1--", "{id}", "*",
    "%zz",
)  # fmt: skip
IN_QUERIES = (
    "", "0", "-1", "1.5", "1e30", "1e400", "nan", "inf", "9223372036854775807", "9223372036854775808",
    "-9223372036854775809", "9" * 5000, "%00", "2026-01-01%00", "%0d%0aX-Evil:1", "%ff", "%ed%a0%80", "null", "[]",
    "0000-00-00", "0000-01-01", "0001-01-01", "9999-12-31", "99999-01-01", "@1e30", "@99999999999999999999",
    "@-99999999999", "@", "@--5", "2026-02-30", "2026-01-01T25:00:00Z", "2026-01-01T00:00:00%2B99:99",
    "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00%2B12:00", "99999%20weeks%20ago", "%F0%9F%92%A9", "x" * 20_000,
    "'%20or%201=1%20--", "{message}", "%C2%B2", "%D9%A1", "1_0",
)  # fmt: skip
WHOLE_QUERIES = (
    "&&&&", "=", "==", "?", "a=b&a=c", "%", "%zz=1", "a[]=1&a[x]=2", "from[]=2026&pageSize[]=1&cursor[]=x", "+" * 5000,
    "&".join(f"a{number}=1" for number in range(3000)), "pageSize=99999999999&page=-1&limit=1e9&offset=-1",
)  # fmt: skip


@pytest.mark.parametrize(
    "operation", [each for each in OPERATIONS if "{" in each.path and each.version != "2026-10"], ids=name_of
)
def test_hostile_path_values_are_refused(target: Victim, operation: Operation) -> None:
    before = target.commits()
    for parameter in operation.parameters:
        for value in IN_PATHS if parameter.place == "path" else ():
            body = b"{}" if operation.body_schema is not None else None
            path = path_of(operation, **{parameter.name: value})
            reply = target.wire.call(operation.method, path, body, headers_of(operation, target))
            target.judged(operation, reply)
            assert reply.status >= 400 or "errors" in reply.body, value
    assert target.commits() == before


@pytest.mark.parametrize(
    "operation", [each for each in OPERATIONS if any(p.place == "query" for p in each.parameters)], ids=name_of
)
def test_hostile_query_values_are_refused_or_harmless(target: Victim, operation: Operation) -> None:
    before = target.commits()
    path, headers = path_of(operation), headers_of(operation, target)
    names = [parameter.name for parameter in operation.parameters if parameter.place == "query"]
    # So that nothing waits for news.
    queries = [f"{name}={value}{'&after=0' if name == 'wait' else ''}" for name in names for value in IN_QUERIES]
    for query in (*queries, *WHOLE_QUERIES):
        target.judged(operation, target.wire.call(operation.method, f"{path}?{query}", None, headers))
    assert target.commits() == before


CURSORS = (
    b"", b"{", b"{}", b"[]", b"null", b"5", b'"x"', b"\xff\xfe", b"[" * 40_000, b'{"created_at":null,"id":null}',
    b'{"created_at":1,"id":1,"_pointsToNextItems":true}', b'{"created_at":["x"],"id":1,"_pointsToNextItems":true}',
    b'{"created_at":"2026-05-27 00:00:00","id":1e30,"_pointsToNextItems":true}',
    b'{"created_at":"2026-05-27 00:00:00","id":99999999999999999999,"_pointsToNextItems":true}',
    b'{"created_at":"2026-05-27 00:00:00","id":-9223372036854775808,"_pointsToNextItems":false}',
    b'{"created_at":"0000-00-00","id":1,"_pointsToNextItems":true}',
    b'{"created_at":"9999-12-31","id":1,"_pointsToNextItems":true}',
    b'{"created_at":"\\ud800","id":1,"_pointsToNextItems":true}',
    b'{"created_at":"@1e30","id":1,"_pointsToNextItems":false}',
    b'{"updated_at":"2026-05-27 00:00:00","id":1,"_pointsToNextItems":true}',
)  # fmt: skip


@pytest.mark.parametrize("version", CONTRACT.versions)
def test_a_cursor_that_cannot_be_read_counts_as_none(target: Victim, version: str) -> None:
    operation = CONTRACT.operation("listReturns", version)
    window = "/warehouse/return/list?from=2026-05-20&to=2026-06-10&pageSize=2&paginate=true"
    first = target.loop("GET", window, version=version).body["returns"]
    assert len(first) == 2
    texts = [base64.b64encode(cursor).decode() for cursor in CURSORS]
    for text in (*texts, "!!!!", "a", "abc", "=", "====", "%ff", "%00", "-_-_", "%E2%98%83", "A" * 7, "x" * 50_000):
        reply = target.loop("GET", f"{window}&cursor={quote(text, safe='%')}", version=version)
        target.judged(operation, reply)
        assert reply.status == 200
        assert reply.body["returns"] in (first, []), text


# who calls, and how


def test_a_key_that_opens_nothing_is_refused_by_every_operation(target: Victim) -> None:
    before = target.dump()
    other = target.client.create_shop("other")
    wrong: list[tuple[str, str]] = []
    for key in ("", "nonsense", "\xff\xfe", target.shop.key + "x", f"{target.shop.key}, {other.key}", "x" * 60_000):
        wrong += [("X-Authorization", key), ("Authorization", f"Bearer {key}"), ("Authorization", key)]
    for operation in (each for each in OPERATIONS if each.api == "loop" and not each.public):
        for name, key in wrong:
            reply = target.wire.call(operation.method, path_of(operation), b"{}", {**JSON, name: key})
            target.judged(operation, reply)
            assert reply.status == 401
    other.delete()
    assert target.dump() == before


@pytest.mark.parametrize("keys", [("right", "wrong"), ("wrong", "right"), ("right", "other"), ("right", "right")])
def test_two_keys_are_none(target: Victim, keys: tuple[str, str]) -> None:
    other = target.client.create_shop("other")
    texts = {"right": target.shop.key, "wrong": "nonsense", "other": other.key}
    fields = "".join(f"X-Authorization: {texts[key]}\r\n" for key in keys)
    reply = target.wire.ask(f"GET /api/v1/webhooks HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n".encode())
    other.delete()
    target.judged(CONTRACT.operation("listWebhooks"), reply)
    assert reply.status == 401


@pytest.mark.parametrize(
    "path",
    ["/api/v9/webhooks", "/api/2026-99/webhooks", "/api/v1", "/api/", "/api", "/", "//", "/api//webhooks",
     "/API/v1/webhooks", "/api/v1/./webhooks", "/api/v1/webhooks//", "/api/v1/%00",
     "/api/v1/webhooks%2f", "/%5floopsim", "/api/%76%39/webhooks", "/api/v1/" + "a" * 60_000],
)  # fmt: skip
def test_a_path_or_version_that_is_none_is_not_found(target: Victim, path: str) -> None:
    for method in ("GET", "POST", "PUT", "DELETE"):
        reply = target.wire.call(method, path, None, target.key)
        assert (reply.status, list(reply.body)) in ((404, ["message"]), (405, ["message"]))


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "PATCH", "PURGE", "PROPFIND", "CONNECT", "M-SEARCH"])
def test_another_method_is_refused_everywhere(target: Victim, method: str) -> None:
    before = target.commits()
    taken = {each.path for each in OPERATIONS if each.method == method}
    for operation in (each for each in OPERATIONS if each.path not in taken):
        reply = target.wire.call(method, path_of(operation), None, headers_of(operation, target))
        assert reply.status == 405
        allowed = reply.headers["allow"].split(", ")
        assert operation.method in allowed
        assert method not in allowed
        assert reply.headers["content-type"] == f"application/{'problem+' if operation.api == 'control' else ''}json"
    assert target.commits() == before


def test_a_head_is_a_get_without_its_body(target: Victim) -> None:
    for operation in READS:
        path = path_of(operation) + QUERIES.get(operation.id, "")
        with_body = target.wire.call("GET", path, None, target.key)
        without = target.wire.call("HEAD", path, None, target.key)
        assert without.status == with_body.status
        assert without.headers["content-type"] == with_body.headers["content-type"]


FOREIGN = ["", "evil.test", "127.0.0.1@evil.test", "127.0.0.1:80@evil.test", "[::1]evil.test", "0.0.0.0", "2130706433",
           "localhost.evil.test", "localhost, evil.test", "localhost/x", "\xff", "x" * 60_000]  # fmt: skip


@pytest.mark.parametrize("host", FOREIGN)
def test_a_foreign_host_is_refused_by_every_operation(target: Victim, host: str) -> None:
    before = target.commits()
    for operation in OPERATIONS:
        headers = {**headers_of(operation, target), "Host": host}
        reply = target.wire.call(operation.method, path_of(operation), b"{}", headers)
        assert (reply.status, reply.body["type"]) == (403, "urn:loopsim:problem:forbidden")
    assert target.commits() == before


@pytest.mark.parametrize("origin", ["http://evil.test", "null", "", "file://", "http://localhost:1", "\xff"])
def test_a_foreign_page_is_kept_out_of_the_control_api(target: Victim, origin: str) -> None:
    before = target.commits()
    for operation in CONTRACT.operations("control"):
        reply = target.wire.call(operation.method, path_of(operation), b"{}", {**JSON, "Origin": origin})
        target.judged(operation, reply)
        assert reply.status == 403
    assert target.commits() == before


# what is repeated in answers


INJECTED = "%0d%0aX-Evil:%201"


@pytest.mark.parametrize(
    "path",
    [f"/api/v1/warehouse/return/list?paginate=true&pageSize=1&from=2026-05-20&to=2026-06-10&state={INJECTED}",
     f"/api/v1/happy-returns/shipments?from=2026-05-20&x={INJECTED}", f"/api/v1/destinations/{INJECTED}",
     f"/api/v1/webhooks/{INJECTED}", f"/api/v1/{INJECTED}", f"/_loopsim/{INJECTED}", f"/_loopsim/shops/{INJECTED}",
     f"/_loopsim/docs/?x={INJECTED}", f"/_loopsim/static/{INJECTED}", f"/_loopsim/docs{INJECTED}",
     f"/openapi.json?version={INJECTED}"],
)  # fmt: skip
def test_no_header_can_be_slipped_into_an_answer(target: Victim, path: str) -> None:
    reply = target.wire.call("GET", path, None, target.key)
    assert "x-evil" not in reply.headers
    assert reply.status < 500


def test_links_repeat_the_host_and_nothing_else(target: Victim) -> None:
    window = "/warehouse/return/list?paginate=true&pageSize=1&from=2026-05-20%0d%0a&to=2026-06-10"
    link = target.loop("GET", window, Host="localhost:8484").body["nextPageUrl"]
    assert link.startswith("http://localhost:8484/api/v1/warehouse/return/list?from=2026-05-20%0D%0A&to=2026-06-10&")
    assert not set(link) & set("\r\n ")


# the connection


def test_bytes_that_are_no_http_are_answered_and_hung_up_on(target: Victim) -> None:
    head = b"Host: localhost\r\n"
    for raw in (
        b"hello\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"get / HTTP/1.1\r\n\r\n", b"FOO / HTTP/1.1\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET  HTTP/1.1\r\n\r\n",
        b"GET file:///etc/passwd HTTP/1.1\r\n" + head + b"\r\n", b"GET /\xff HTTP/1.1\r\n" + head + b"\r\n",
        b"GET / HTTP/1.1\r\nX\x00: a\r\n\r\n", b"GET / HTTP/1.1\r\nX: a\rY: b\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + head + b"Content-Length: -5\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + head + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"POST / HTTP/1.1\r\n" + head + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + head + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    ):  # fmt: skip
        wire = Wire(target.server.url)
        reply = wire.ask(raw)
        wire.close()
        assert (reply.status, reply.body, reply.closes) == (400, {"message": "Bad Request"}, True), raw


def test_calls_in_a_row_are_answered_in_their_order(target: Victim) -> None:
    fine = request("GET", "/api/v1/webhooks", None, target.key)
    broken = request("POST", "/api/v1/webhooks", b'{"a":', {**JSON, **target.key})
    waits = request("GET", "/_loopsim/shops/victim/journal?kind=note&wait=0.2")
    replies = target.wire.answers((fine + broken) * 20 + waits + fine, 42)
    assert [reply.status for reply in replies] == [200, 400] * 20 + [200, 200]
    assert "entries" in replies[40].body


def test_half_requests_hold_nobody_up_and_leave_nothing(target: Victim) -> None:
    before = target.dump()
    note = f"/api/v1/warehouse/return/{target.returns[0]}/note"
    begun = request("POST", note, None, {**JSON, **target.key, "Content-Length": "50"}) + b'{"content":"half'
    halves = []
    for raw in (b"GET /api/v1/web", begun, begun[:-40], request("GET", "/", None, {"X": ""})[:-4]) * 50:
        halves.append(socket.create_connection(target.wire.address, timeout=PATIENCE))
        halves[-1].sendall(raw)
    assert target.loop("GET", "/webhooks").status == 200
    for half in halves:
        half.close()
    assert target.loop("GET", "/webhooks").status == 200
    assert target.dump() == before


def test_a_body_is_asked_for_only_where_it_is_wanted(target: Victim) -> None:
    wanted = {**JSON, **target.key, "Expect": "100-continue"}
    note = f"/api/v1/warehouse/return/{target.returns[0]}/note"
    wire = Wire(target.server.url)
    assert wire.ask(request("POST", note, None, {**wanted, "Content-Length": "15"})).status == 100
    assert wire.ask(b'{"content":"x"}').status == 200
    wire.close()
    unwanted = Wire(target.server.url)
    assert unwanted.call("POST", note, None, {**wanted, "X-Authorization": "x", "Content-Length": "15"}).status == 401
    unwanted.close()


@pytest.mark.parametrize("named", ["\u00b2", "\u0663", "9" * 5000, "9" * 30, 10**30, -1, ""])
def test_what_an_act_names_may_look_like_a_number_and_be_none(target: Victim, named: object) -> None:
    for act, body in (
        ("customer.submits_return", {"order": named}),
        ("customer.submits_return", {"items": [{"outcome": "exchange", "exchange_variant": named}]}),
        ("orders.makes", {"lines": [{"variant": named}]}),
        ("orders.fulfils", {"order": named}),
        ("stock.sets", {"variant": named, "available": 1}),
        ("stock.sets", {"variant": "TEE-RED-M", "available": 1, "location_id": named}),
    ):
        reply = target.control("POST", f"/shops/victim/acts/{act}", json.dumps(body).encode(), **JSON)
        assert reply.status in (404, 409, 422), (act, reply.body)


def test_the_server_is_as_it_was(target: Victim) -> None:
    """After all of the above: both APIs answer, and what is stored can be read."""
    assert target.client.health()["status"] == "ok"
    for return_id in target.returns:
        reply: Reply = target.loop("GET", f"/warehouse/return/details?return_id={return_id}")
        assert reply.body["id"] == return_id
