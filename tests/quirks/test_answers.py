"""What holds for every answer: bytes, headers, versions, who may call, error shapes, paths, the rate limit."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from loopsim.server.rate_limit import Window
from tests.quirks.bench import Bench
from tests.quirks.catalogue import shows
from tests.quirks.conftest import OpenShop

LEGACY: Any = {"errors": "Unauthorized."}
GATEWAY: Any = {"error": {"code": "401", "http_code": "GEN-UNAUTHORIZED", "message": "Unauthorized."}}
NO_RETURN: Any = {"message": "No return found with this ID."}
LIST = "/warehouse/return/list"


@shows("answers-php-json")
def test_answers_are_compact_with_escaped_slashes_and_lower_case_escapes_beyond_ascii(shop: Bench) -> None:
    return_id = shop.submit()
    shop.post(f"/warehouse/return/{return_id}/note", {"content": "Größe 🍀 a/b"})

    reply = shop.get(f"/warehouse/return/{return_id}/notes")

    (note,) = reply.json
    content = rb'"content":"Gr\u00f6\u00dfe \ud83c\udf40 a\/b"'
    assert reply.body == b'[{"id":%d,%b,"created_at":"2026-06-01 12:00:00"}]' % (note["id"], content)


@shows("answers-php-json")
def test_rows_of_the_list_are_such_bytes_too(open_shop: OpenShop) -> None:
    shop = open_shop(world="eu-multi-currency")
    shop.submit(order="#EU-1001")

    body = shop.get(LIST).body

    assert body.isascii()
    assert rb"\u00dc" in body, "the title of ÜHEMD begins with it"
    assert rb"https:\/\/" in body
    assert b'": ' not in body
    assert b'","' in body


@shows("answer-headers")
def test_answers_bear_the_captured_headers(shop: Bench) -> None:
    headers = shop.get(LIST).headers

    assert headers["content-type"] == "application/json"
    assert headers["cache-control"] == "no-cache, private"
    assert headers["version"] == "0"
    assert headers["vary"] == "Origin"
    assert headers["x-content-type-options"] == "nosniff"
    assert "x-frame-options" in headers
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", headers["x-loop-request-id"])


# versions


@shows("version-names")
@pytest.mark.parametrize(
    ("base", "concrete"),
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
def test_a_name_in_the_path_means_a_concrete_version_which_the_header_tells(
    shop: Bench, base: str, concrete: str
) -> None:
    reply = shop.get(LIST, api=base)

    assert reply.status == 200
    assert reply.headers["x-loop-api-version"] == concrete


@shows("version-v2-gone")
def test_version_2_is_not_found(shop: Bench) -> None:
    assert shop.get(LIST, api="/api/v2").status == 404


@shows("version-asn-span")
def test_the_shipping_notice_is_limited_to_120_days_since_2026_10(shop: Bench) -> None:
    window = {"from": "2025-11-01", "to": "2026-06-01"}

    assert shop.get("/warehouse/reporting/asn", window).status == 200
    late = shop.get("/warehouse/reporting/asn", window, api="/api/2026-10")

    assert late.status == 422
    assert set(late.json) == {"message", "errors"}


@shows("version-grade-object")
def test_the_grade_is_a_text_until_2026_07_and_an_object_since_2026_10(shop: Bench) -> None:
    line_id = int(shop.row(shop.submit())["line_items"][0]["line_item_id"])

    def grade(category: Any, api: str) -> Any:
        item = {"line_item_id": line_id, "description": "worn", "condition_category": category}
        return shop.post("/dispositioning/grade", {"items": [item]}, api=api)

    assert grade("grade_b", "/api/v1").status == 200
    assert grade({"category": "grade_c"}, "/api/2026-10").status == 200
    refused = grade("grade_b", "/api/2026-10")
    assert refused.status == 422
    assert "items.0.condition_category" in refused.json["errors"]


# who may call


@shows("unauthorized-by-group")
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", LIST, LEGACY),
        ("GET", "/warehouse/return/details", LEGACY),
        ("GET", "/warehouse/reporting/asn", LEGACY),
        ("POST", "/warehouse/return/1/process", LEGACY),
        ("GET", "/warehouse/return/1/notes", LEGACY),
        ("POST", "/order/link", LEGACY),
        ("POST", "/order/qr", LEGACY),
        ("GET", "/webhooks", GATEWAY),
        ("GET", "/destinations", GATEWAY),
        ("GET", "/label-requests", GATEWAY),
        ("POST", "/labels", GATEWAY),
        ("POST", "/returns/1/labels", GATEWAY),
        ("POST", "/returns/1/fraud-report", GATEWAY),
        ("POST", "/dispositioning/grade", GATEWAY),
        ("GET", "/happy-returns/shipments", GATEWAY),
    ],
)
def test_without_a_key_each_group_of_routes_has_its_own_401(shop: Bench, method: str, path: str, body: Any) -> None:
    reply = shop.call(method, path, key=None)

    assert (reply.status, reply.json) == (401, body)


@shows("scope-missing-401")
@pytest.mark.parametrize(
    ("path", "scope", "body"), [(LIST, "orders", LEGACY), ("/webhooks", "returns", GATEWAY)], ids=["legacy", "gateway"]
)
def test_a_key_without_the_scope_gets_the_401_of_an_unknown_key(shop: Bench, path: str, scope: str, body: Any) -> None:
    narrow = shop.control.create_key(scope)["key"]

    unknown, missing = shop.get(path, key="no such key"), shop.get(path, key=narrow)

    assert (unknown.status, unknown.json) == (401, body)
    assert (missing.status, missing.json) == (401, body)


# errors


def _e1(shop: Bench) -> tuple[Any, int, Any]:
    return shop.get("/webhooks", key=None), 401, GATEWAY


def _e2(shop: Bench) -> tuple[Any, int, Any]:
    return shop.get(LIST, key=None), 401, LEGACY


def _e3(shop: Bench) -> tuple[Any, int, Any]:
    return shop.act(1, "process"), 200, {"errors": NO_RETURN}


def _e3_with_code(shop: Bench) -> tuple[Any, int, Any]:
    return_id = shop.submit()
    shop.act(return_id, "close")
    message = "Return is closed and therefore cannot be processed."
    return shop.act(return_id, "process"), 200, {"errors": {"message": message, "code": "UNPROCESSABLE_RETURN"}}


def _e4(shop: Bench) -> tuple[Any, int, Any]:
    reply = shop.post("/warehouse/return/1/remove", query={"line_item_id": "2"})
    return reply, 403, {"errors": [NO_RETURN]}


def _e5(shop: Bench) -> tuple[Any, int, Any]:
    sentence = "Must be one of the following values:" + ",".join(
        ("return", "return.processing", "label", "restock", "label.request", "giftcard", "happy.returns.shipment")
    )
    reply = shop.post("/webhooks", {"topic": "x", "trigger": "return.created", "url": "http://127.0.0.1:1/"})
    return reply, 422, {"message": sentence, "errors": {"topic": [sentence]}}


def _e6(shop: Bench) -> tuple[Any, int, Any]:
    return shop.get("/warehouse/return/details", {"return_id": 1}), 200, {"error": NO_RETURN}


def _e7(shop: Bench) -> tuple[Any, int, Any]:
    return shop.get(f"/warehouse/return/{shop.submit()}/notes"), 422, False


@shows("seven-error-shapes")
@pytest.mark.parametrize("provoke", [_e1, _e2, _e3, _e3_with_code, _e4, _e5, _e6, _e7])
def test_errors_come_in_seven_shapes(shop: Bench, provoke: Any) -> None:
    reply, status, body = provoke(shop)

    assert (reply.status, reply.json) == (status, body)
    assert reply.headers["content-type"] == "application/json"


@shows("wrong-path-404-json")
@pytest.mark.parametrize("path", ["/nothing", "/warehouse/return", "/warehouse/return/1/dance", "/webhooks/1/2/3"])
def test_a_path_that_does_not_exist_answers_404_in_json(shop: Bench, path: str) -> None:
    reply = shop.get(path)

    assert reply.status == 404
    assert reply.headers["content-type"] == "application/json"
    assert isinstance(reply.json, dict)


@shows("wrong-method-405-json")
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", LIST),
        ("GET", "/warehouse/return/1/process"),
        ("PATCH", "/webhooks"),
        ("GET", "/returns/1/fraud-report"),
    ],
)
def test_a_method_that_does_not_exist_answers_405_in_json(shop: Bench, method: str, path: str) -> None:
    reply = shop.call(method, path)

    assert reply.status == 405
    assert reply.headers["content-type"] == "application/json"
    assert isinstance(reply.json, dict)


# paths and queries


@shows("trailing-slash")
def test_a_slash_at_the_end_is_the_same_path_without_a_redirect(shop: Bench) -> None:
    return_id = shop.submit()
    plain = shop.get(LIST)

    slashed = shop.get(f"{LIST}/")
    made = shop.post("/webhooks/", {"topic": "label", "trigger": "label.updated", "url": "http://127.0.0.1:1/"})

    assert (slashed.status, slashed.body) == (plain.status, plain.body)
    assert made.status == 201
    assert shop.delete(f"/webhooks/{made.json['id']}/").status == 204
    assert shop.post(f"/warehouse/return/{return_id}/flag/").body == b"true"


@shows("unknown-parameters-ignored")
@pytest.mark.parametrize(
    "strange", ["limit=abc", "shop=", "a[]=1&a[]=2", "x=%00%FF%22%27", "%F0%9F%8D%80=1&&=&=", "page=-1"]
)
def test_unknown_parameters_are_ignored_whatever_they_hold(shop: Bench, strange: str) -> None:
    return_id = shop.submit()

    for path, query in (
        (LIST, "from=2026-06-01"),
        ("/warehouse/return/details", f"return_id={return_id}"),
        ("/warehouse/reporting/asn", "from=2026-05-30"),
    ):
        plain, odd = shop.get(path, query), shop.get(path, f"{strange}&{query}")
        assert (odd.status, odd.body) == (200, plain.body)


@shows("lenient-booleans")
@pytest.mark.parametrize("spelling", ["True", "1", "on"])
def test_true_has_many_spellings_in_a_query(shop: Bench, spelling: str) -> None:
    assert list(shop.get(LIST, {"paginate": spelling}).json) == ["returns", "nextPageUrl", "previousPageUrl"]


def test_true_is_true_and_false_is_not(shop: Bench) -> None:
    assert isinstance(shop.get(LIST, {"paginate": "true"}).json, dict)
    assert isinstance(shop.get(LIST, {"paginate": "false"}).json, list)


# the rate limit


def _remaining(reply: Any) -> int:
    return int(reply.headers["x-ratelimit-remaining"])


@shows("rate-limit-300")
def test_a_key_has_300_calls_a_minute_of_which_each_answer_tells_what_is_left(shop: Bench) -> None:
    other = shop.control.create_key("returns")["key"]

    replies = [shop.get(LIST) for _ in range(300)]

    assert {reply.status for reply in replies} == {200}
    assert {reply.headers["x-ratelimit-limit"] for reply in replies} == {"300"}
    assert [_remaining(reply) for reply in replies] == list(range(299, -1, -1))
    assert shop.get(LIST).status == 429
    assert _remaining(shop.get(LIST, key=other)) == 299, "each key has its own"


@shows("rate-limit-429")
def test_beyond_the_limit_is_told_when_to_come_back(open_shop: OpenShop) -> None:
    shop = open_shop(rate_limit=1)
    shop.get(LIST)

    reply = shop.get(LIST)

    assert (reply.status, reply.json) == (429, {"message": "Too Many Attempts."})
    assert _remaining(reply) == 0
    assert 1 <= int(reply.headers["retry-after"]) <= 60


@shows("rate-limit-window")
def test_the_window_is_a_minute_of_real_time_from_the_first_call(
    open_shop: OpenShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = open_shop(rate_limit=2)
    passed, start, take = [0.0], time.monotonic(), Window.take
    monkeypatch.setattr(Window, "take", lambda self, _now, limit: take(self, start + passed[0], limit))

    statuses = []
    for seconds in (0.0, 59.0, 59.9, 60.0, 60.1, 119.9):
        passed[0] = seconds
        shop.advance("1d")
        statuses.append(shop.get(LIST).status)

    assert statuses == [200, 200, 429, 200, 200, 429], "fixed, not sliding, and the shop's days do not count"


@shows("rate-headers-true")
def test_whatever_is_answered_the_headers_say_how_many_calls_are_left(open_shop: OpenShop) -> None:
    shop = open_shop(rate_limit=12)
    return_id = shop.submit()
    calls: list[Callable[[], Any]] = [
        lambda: shop.get(LIST),
        lambda: shop.get("/nothing"),
        lambda: shop.call("PATCH", LIST),
        lambda: shop.act(1, "process"),
        lambda: shop.get(f"/warehouse/return/{return_id}/notes"),
        lambda: shop.post("/webhooks", {}),
        lambda: shop.post("/webhooks", raw=b"{"),
        lambda: shop.act(return_id, "flag"),
    ]

    left = []
    for call in calls:
        reply = call()
        assert reply.headers["x-ratelimit-limit"] == "12"
        left.append(_remaining(reply))

    assert left == sorted(left, reverse=True)
    assert left[0] > left[-1] > 0
    truth = []
    while (reply := shop.get(LIST)).status == 200:
        truth.append(_remaining(reply))
    assert truth == list(range(left[-1] - 1, -1, -1)), "exactly as many calls went through as the headers said"


# fields that nobody knows


@shows("unknown-fields", "setting-unknown_field")
@pytest.mark.breaks_the_contract
def test_a_switch_adds_fields_that_no_page_names_to_answers_and_webhooks(open_shop: OpenShop) -> None:
    honest, odd = open_shop(), open_shop(quirks={"unknown_field": "on"})

    def shown(shop: Bench) -> list[Any]:
        shop.listen(("return", "return.created"))
        return_id = shop.submit()
        heard = shop.heard_one()
        row, details = shop.row(return_id), shop.details(return_id)
        return [row, row["line_items"][0], details, details["line_items"][0], heard.json]

    for plain, more in zip(shown(honest), shown(odd), strict=True):
        assert set(plain) < set(more)
        assert list(more)[: len(plain)] == list(plain), "added, and nothing else moved"
