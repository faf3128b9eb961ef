"""A refusal as an answer, in the dialect of the operation that refuses.

Loop has many error shapes, and one operation may have several. Each stands as a form in the contract (`x-errors`), and
nothing here knows any of them; the control API answers problem documents (RFC 9457).
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec

from loopsim.contract.operation import ErrorForm, Operation
from loopsim.contract.shapes import JSON, PLACEHOLDER, PROBLEM
from loopsim.errors import Invalid, Refusal

PROBLEM_TYPE = "urn:loopsim:problem:"


class Rendered(msgspec.Struct, frozen=True):
    """An answer: `body` is a JSON value, shared and not to be changed, or UNSET where there is none."""

    status: int
    body: Any
    headers: dict[str, str]
    media_type: str = JSON


def render(operation: Operation, refusal: Refusal, quirks: Mapping[str, Any], instance: str = "") -> Rendered:
    """The answer to a refusal. `quirks` are the shop's settings by name; `instance` is the called path, for problem
    documents.

    Raises LookupError, naming operation and code, when the contract has no form for the code or a form asks for a
    parameter that the refusal does not have: then function and contract disagree, and that is a bug of ours.
    """
    form = operation.errors.get(refusal.code)
    if form is None:
        raise LookupError(f"{operation.id} refused {refusal.code}, which its x-errors do not declare.")
    if form.quirk is not None:
        form = form.variants.get(str(quirks.get(form.quirk)), form)
    fields = refusal.fields if isinstance(refusal, Invalid) else form.fields
    params = {"message": summary(fields), **refusal.params} if fields else refusal.params
    try:
        headers = {name: str(_filled(value, params)) for name, value in form.headers.items()}
        if operation.api == "control":
            return Rendered(form.status, _problem(form, refusal, params, instance), headers, PROBLEM)
        body = (
            {"message": params["message"], "errors": fields} if form.form == "laravel" else _filled(form.body, params)
        )
        return Rendered(form.status, body, headers, headers.get("content-type", JSON))
    except KeyError as missing:
        raise LookupError(f"{operation.id} refused {refusal.code} without its parameter {missing}.") from None


def messages_of(operation: Operation) -> dict[str, dict[str, list[str]]]:
    """What an operation may refuse, by code: the messages by field; where there is nothing, that of the form."""
    messages = {code: form.fields for code, form in operation.errors.items() if form.fields}
    for code, form in operation.errors.items():
        if form.status == HTTPStatus.NOT_FOUND and isinstance(form.body, dict) and "message" in form.body:
            messages[code] = {"data": [form.body["message"]]}
    return messages


def summary(fields: dict[str, list[str]]) -> str:
    """Laravel's one sentence for several: the first message, and how many more there are. Forms know it as
    `{message}`."""
    first, *more = [message for messages in fields.values() for message in messages] or [""]
    if not more:
        return first
    return f"{first} (and {len(more)} more {'error' if len(more) == 1 else 'errors'})"


def _problem(form: ErrorForm, refusal: Refusal, params: Mapping[str, Any], instance: str) -> dict[str, Any]:
    body = {
        "type": PROBLEM_TYPE + refusal.code,
        "title": form.title,
        "status": form.status,
        "detail": _filled(form.detail, params) or params.get("message", ""),
        "instance": instance,
    }
    return {**body, "errors": refusal.fields} if isinstance(refusal, Invalid) else body


def _filled(value: Any, params: Mapping[str, Any]) -> Any:
    """The value with `{name}` in its strings filled in; a string that is one placeholder becomes the parameter
    itself."""
    if isinstance(value, dict):
        return {key: _filled(each, params) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, params) for each in value]
    if not isinstance(value, str) or "{" not in value:
        return value
    whole = PLACEHOLDER.fullmatch(value)
    return params[whole[1]] if whole else PLACEHOLDER.sub(lambda match: str(params[match[1]]), value)
