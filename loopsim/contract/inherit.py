"""What every operation can answer without saying so: common error forms, and the responses that they give.

A fragment states the errors that are its own. The ones that come from in front of the operation (key, rate limit,
body reading, a fault) stand once in `components.x-errors` of `_root.yaml` and are added here, so that the compiled
document is complete: a reader of it, and the check of every response, need no second source.
"""

from __future__ import annotations

from typing import Any

from loopsim.contract.pointers import resolve_ref
from loopsim.contract.shapes import admits, schema_of_form
from loopsim.contract.walk import each_operation, security_of
from loopsim.errors import SetupError

ERROR_GROUPS = {"legacy": "UnauthorizedLegacy", "gateway": "UnauthorizedGateway"}
"""`x-error-group` → the form of its 401. Which one is sent can be changed by the quirk `unauthorized_body`."""

UNAUTHORIZED_QUIRK = "unauthorized_body"

ALWAYS = {"too_many_attempts": "TooManyAttempts", "server_error": "ServerError"}
WITH_BODY = {"malformed_json": "MalformedJson", "body_too_large": "BodyTooLarge"}
UNROUTED = {"not_found": "NotFound", "method_not_allowed": "MethodNotAllowed"}

CONTROL_GATES = {"unauthorized": "Unauthorized", "forbidden": "Forbidden"}
"""What stands in front of the control API: its token, and the check of Host and Origin."""


def inherit_errors(api: str, document: dict[str, Any]) -> dict[str, Any]:
    """Complete `x-errors` and `responses` of every operation in place, add `x-unrouted`, and return the document.

    `x-unrouted` holds the forms for calls that meet no operation. Raises SetupError for a form that is not there.
    """
    stated = document.get("components", {}).get("x-errors", {})
    shared = {name: resolve_ref(document, form) for name, form in stated.items()}
    for _, _, operation in each_operation(document):
        own = {code: resolve_ref(document, form) for code, form in operation.get("x-errors", {}).items()}
        inherited = {
            code: form for code, form in _inherited(api, document, operation, shared).items() if code not in own
        }
        operation["x-errors"] = {**own, **inherited}
        for form in inherited.values():
            for variant in (form, *form.get("variants", {}).values()):
                _answer(document, operation.setdefault("responses", {}), api, variant)
    names = {**UNROUTED, **ALWAYS, **WITH_BODY, **(CONTROL_GATES if api == "control" else {})}
    document["x-unrouted"] = {code: shared[name] for code, name in names.items() if name in shared}
    return document


def _inherited(
    api: str, document: dict[str, Any], operation: dict[str, Any], shared: dict[str, Any]
) -> dict[str, dict[str, Any]]:
    wanted = {**ALWAYS, **(WITH_BODY if "requestBody" in operation else {})}
    if api == "control":
        wanted["forbidden"] = CONTROL_GATES["forbidden"]
    forms: dict[str, dict[str, Any]] = {}
    if security_of(document, operation):
        if api == "loop":
            forms["unauthorized"] = _unauthorized(operation, shared)
        else:
            wanted = {"unauthorized": CONTROL_GATES["unauthorized"], **wanted}
    for code, name in wanted.items():
        if name in shared:
            forms[code] = shared[name]
        elif api == "loop":
            raise _missing(name)
    return forms


def _unauthorized(operation: dict[str, Any], shared: dict[str, Any]) -> dict[str, Any]:
    for name in ERROR_GROUPS.values():
        if name not in shared:
            raise _missing(name)
    variants = {group: shared[name] for group, name in ERROR_GROUPS.items()}
    usual = variants.get(operation.get("x-error-group", ""), variants["gateway"])
    return {**usual, "quirk": UNAUTHORIZED_QUIRK, "variants": variants}


def _missing(name: str) -> SetupError:
    return SetupError(f"components.x-errors.{name} is missing. Every operation inherits it; define it in _root.yaml.")


def _answer(document: dict[str, Any], responses: dict[str, Any], api: str, form: dict[str, Any]) -> None:
    """Make sure that the declared response of a form's status admits the form's body."""
    status = str(form.get("status"))
    media, schema = schema_of_form(api, document, form)
    response = responses.get(status)
    if response is None:
        responses[status] = {"description": form.get("description", "Refused."), "content": {media: {"schema": schema}}}
        return
    response = responses[status] = dict(resolve_ref(document, response))
    content = response["content"] = dict(response.get("content", {}))
    declared = content.get(media, {}).get("schema")
    if declared is None:
        content[media] = {"schema": schema}
    elif declared != schema and not admits(document, declared, form):
        branches = declared["oneOf"] if set(declared) == {"oneOf"} else [declared]
        content[media] = {"schema": {"oneOf": [*branches, schema]}}
