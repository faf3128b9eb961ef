"""Switches of what holds for every answer, and of the smaller families of endpoints."""

from __future__ import annotations

import json
from typing import Any

from msgspec import structs

from loopsim.contract import Operation, Rendered, Validated, validate
from loopsim.contract.routes import Routes
from loopsim.errors import Invalid, Refusal
from loopsim.operations.happy_returns import Shipment
from loopsim.operations.loop import deep_links, happy_returns, return_data
from loopsim.operations.perform import Answer, Call
from loopsim.server import rate_limit
from loopsim.server.answers import AnswerHeaders
from loopsim.server.auth import may
from loopsim.server.rate_limit import Window
from loopsim.server.requests import base_url
from loopsim.server.versions import Versions
from loopsim.wire import php, times
from tests.quirks.patching import (
    Patch,
    Switch,
    answered,
    asked,
    attribute,
    both,
    dead,
    function,
    method,
    refused,
    rendered,
    wrapped,
)
from tests.quirks.test_answers import GATEWAY, LEGACY

PLAIN_JSON = both(
    function(php.encode, lambda value: json.dumps(value, ensure_ascii=False).encode()),
    function(php.escape, lambda text: text),
)


def _versions(change: Any) -> Switch:
    return method(Versions, "asked", lambda real, self, path: change(self, real(self, path)))


def _only_v1(_versions: Versions, found: Any) -> Any:
    return found._replace(exists=found.base == "/api/v1", version="2026-10")


def _swapped(_operation: Operation, refusal: Refusal, usual: Rendered) -> Rendered | None:
    if refusal.code != "unauthorized":
        return None
    return structs.replace(usual, body=GATEWAY if usual.body == LEGACY else LEGACY)


def _forbidden(patch: Patch) -> None:
    """The scope is looked at after the key, and its lack told as 403."""
    patch.everywhere(may, lambda entrance, _operation, *, bearer: entrance is not None)  # noqa: ARG005
    for operation_id in ("listReturns", "listWebhooks"):
        wrapped(operation_id, lambda *_: Answer({"message": "Forbidden"}, 403))(patch)


def _one_shape(_operation: Operation, refusal: Refusal, usual: Rendered) -> Rendered:
    return structs.replace(usual, body={"error": refusal.code})


def _page_of_html(code: str) -> Switch:
    def change(_operation: Operation, refusal: Refusal, usual: Rendered) -> Rendered | None:
        if refusal.code != code:
            return None
        return structs.replace(usual, body=b"<html>no such thing</html>", headers={"content-type": "text/html"})

    return rendered(change)


def _strict_slash(real: Any, self: Routes, verb: str, path: str) -> Any:
    if path.endswith("/"):
        raise Refusal("not_found", method=verb, path=path)
    return real(self, verb, path)


def _knowing(*names: str) -> Any:
    def wrap(real: Any, tx: Any, call: Call) -> Answer:
        if strangers := sorted(set(call.query) - set(names)):
            raise Invalid({name: ["unknown"] for name in strangers})
        answer: Answer = real(tx, call)
        return answer

    return wrap


def _no_charset_no_cache(real: Any, *args: Any) -> Any:
    charset = (b"content-type", b"application/json; charset=utf-8")
    return [charset, *(each for each in real(*args) if each[0] not in (b"content-type", b"cache-control"))]


def _any_content(operation: Operation, body: Any) -> Validated:
    return Validated(body) if operation.id == "createNote" else validate(operation, body)


def _any_number_of_items(operation: Operation, body: Any) -> Validated:
    if operation.id in ("gradeItems", "assessItems"):
        return Validated({**validate(operation, {**body, "items": body["items"][:1]}).value, "items": body["items"]})
    return validate(operation, body)


def _without_trigger_or_url(operation: Operation, body: Any) -> Validated:
    filled = {"topic": "label", "trigger": "label.updated", "url": "http://127.0.0.1:1/", **body}
    return validate(operation, filled if operation.id == "updateWebhook" else body)


def _refuses_types(real: Any, tx: Any, call: Call) -> Answer:
    if call.body.get("type") not in deep_links.MEDIA_TYPES:
        raise Invalid({"type": ["The selected type is invalid."]})
    answer: Answer = real(tx, call)
    return answer


def _by_loops_id(_real: Any, tx: Any, call: Call) -> Answer:
    text = call.path["happy_returns_shipment_id"]
    found = tx.get("shipment", int(text), Shipment) if text.isdigit() else None
    if found is None:
        raise Refusal("shipment_not_found")
    return Answer(happy_returns._shown(found))


def _to_loops_host(patch: Patch) -> None:
    patch.everywhere(base_url, lambda _scope, _headers, base: f"https://api.loopreturns.com{base or '/api/v1'}")


def _snake(value: Any) -> Any:
    return {"message": value["message"], "return_id": value["returnId"]}


def _rest_words(of: dict[str, str]) -> dict[str, str]:
    renamed = {"state": "region", "zip": "postal_code"}
    return {renamed.get(name, name): value for name, value in of.items() if name != "phone"}


def _listed(value: Any) -> Any:
    return {"items": value}


SWITCHES: dict[str, Switch] = {
    "answers-php-json": PLAIN_JSON,
    "answer-headers": method(AnswerHeaders, "of", _no_charset_no_cache),
    "version-names": _versions(_only_v1),
    "version-v2-gone": _versions(lambda _self, found: found._replace(exists=True, rest=found.rest.removeprefix("/v2"))),
    "version-asn-span": asked("reportAsn", lambda call: structs.replace(call, version="2026-07")),
    "version-grade-object": _versions(lambda self, found: found._replace(version=self.default)),
    "unauthorized-by-group": rendered(_swapped),
    "scope-missing-401": _forbidden,
    "seven-error-shapes": rendered(_one_shape),
    "wrong-path-404-json": _page_of_html("not_found"),
    "wrong-method-405-json": _page_of_html("method_not_allowed"),
    "trailing-slash": method(Routes, "find", _strict_slash),
    "unknown-parameters-ignored": both(
        wrapped("listReturns", _knowing("from", "to", "filter", "state", "paginate", "pageSize", "cursor")),
        wrapped("getReturnDetails", _knowing("return_id", "order_id", "order_name", "currency_type")),
        wrapped("reportAsn", _knowing("from", "to", "tracking_status")),
    ),
    "lenient-booleans": function(times.truth, lambda text: text == "true"),
    "rate-limit-300": method(Window, "take", lambda real, self, now, limit: real(self, now, limit // 2)),
    "rate-limit-429": refused("too_many_attempts", 429, {"error": "rate limited"}),
    "rate-limit-window": attribute(rate_limit, "WINDOW", 30.0),
    "rate-headers-true": method(Window, "remaining", lambda _real, _self, _now, limit: limit - 1),
    "unknown-fields": dead("unknown_field"),
    # ASN, notes, deep links
    "asn-epoch": function(
        return_data._lenient, lambda text, default, now, *, end: times.parse(text or "", now, end_of_day=end) or default
    ),
    "asn-week": attribute(return_data, "DAY", return_data.DAY * 10),
    "notes-none": refused("no_notes", 200, []),
    "notes-array": answered("listNotes", lambda value: {"notes": value}),
    "note-255": function(validate, _any_content),
    "qr-type": wrapped("createQrCode", _refuses_types),
    "link-fields": refused("invalid", 400, {"errors": ["MISSING_FIELDS"]}, "createDeepLink"),
    # labels
    "label-201": answered("createLabel", lambda value: value, 200),
    "label-put-204": wrapped(
        "updateLabel", lambda real, tx, call: structs.replace(real(tx, call), status=200, body=True)
    ),
    "label-error-202": answered("reportLabelRequestError", lambda value: value, 200),
    "label-generate-202": answered("generateLabel", _snake, 200),
    # grading, fraud
    "grade-echo": both(answered("gradeItems", _listed), answered("assessItems", _listed)),
    "grade-30": function(validate, _any_number_of_items),
    "grade-foreign": refused("line_items_forbidden", 404, {"message": "Not Found"}),
    "fraud-statuses": both(answered("createFraudReport", lambda value: value, 200)),
    # Happy Returns
    "happy-ids": wrapped("getHappyReturnsShipment", _by_loops_id),
    "happy-links": answered(
        "listHappyReturnsShipments",
        lambda page: {
            name: value.replace("/list", "") if isinstance(value, str) else value for name, value in page.items()
        },
    ),
    "happy-next-url": _to_loops_host,
    # the webhooks API
    "webhook-put-full": function(validate, _without_trigger_or_url),
    "webhook-404": refused("webhook_not_found", 404, {"message": "Not Found"}),
}
