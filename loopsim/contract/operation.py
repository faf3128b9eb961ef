"""An operation of the contract as a record: what the server needs to know of it, read once from the compiled
document."""

from __future__ import annotations

from typing import Any

import msgspec

from loopsim.contract.pointers import resolve_ref
from loopsim.contract.schemas import Schemas
from loopsim.contract.walk import parameters_of, security_of, unreadable_code


class Provenance(msgspec.Struct, frozen=True):
    """How sure a statement of the contract is (`grade`) and where FACTS.md says why (`fact`, an anchor)."""

    grade: str
    fact: str


class Parameter(msgspec.Struct, frozen=True):
    """A declared parameter. `invalid` is the refusal for a path value that cannot be read."""

    name: str
    place: str
    required: bool
    schema: dict[str, Any]
    invalid: str | None
    provenance: Provenance | None


class ErrorForm(msgspec.Struct, frozen=True):
    """How an operation words one refusal.

    `body` is UNSET where the answer has no body; `form` is `laravel` for the messages by field, of the refusal or the
    fixed ones in `fields`. Where `quirk` is set, the quirk's value picks one of `variants`. `title` and `detail` are
    those of the control API's problem documents.
    """

    status: int
    body: Any = msgspec.UNSET
    form: str | None = None
    fields: dict[str, list[str]] = {}
    headers: dict[str, str] = {}
    title: str = ""
    detail: str = ""
    quirk: str | None = None
    variants: dict[str, ErrorForm] = {}
    provenance: Provenance | None = None


class Operation(msgspec.Struct, frozen=True, eq=False):
    """One endpoint of one version of one API.

    `scopes` are those of the API key, `oauth_scopes` those of the token that may stand in its place; `public` needs
    neither. `body_schema` is None where the operation takes no body; `files` are the fields of it that only a file of
    `multipart/form-data` can be (`x-file`). `responses` maps a status, as text, to its media types and their schemas;
    `query_schema` is the object that the query parameters make. `limits` is the operation's `x-limits`; `cors` says
    that pages of other origins may call it (`x-cors`), `rooted` that it stands beside the versions and below none (a
    path with `servers` of its own). `schemas` compiles the schemas of the operation's document.
    """

    id: str
    api: str
    version: str
    method: str
    path: str
    tag: str
    public: bool
    scopes: tuple[str, ...]
    oauth_scopes: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    query_schema: dict[str, Any]
    body_schema: dict[str, Any] | None
    files: frozenset[str]
    errors: dict[str, ErrorForm]
    responses: dict[str, dict[str, dict[str, Any]]]
    provenance: Provenance | None
    limits: dict[str, Any]
    cors: bool
    rooted: bool
    schemas: Schemas

    @property
    def address(self) -> str:
        """The path by which it is called on a server: below its version, where it stands below one."""
        return self.path if self.rooted or self.api != "loop" else f"/api/{self.version}{self.path}"


def read_operation(
    api: str, version: str, path: str, method: str, document: dict[str, Any], schemas: Schemas
) -> Operation:
    """The record of the operation at `path` and `method` (lower case) of a compiled document."""
    source = document["paths"][path][method]
    errors = source["x-errors"]
    body = resolve_ref(document, source.get("requestBody", {}))
    security = security_of(document, source)
    parameters = tuple(_parameter(each, errors) for each in parameters_of(document, path, source))
    return Operation(
        id=source["operationId"],
        api=api,
        version=version,
        method=method.upper(),
        path=path,
        tag=next(iter(source.get("tags", [])), ""),
        public=not security,
        scopes=_scopes(security, oauth=False),
        oauth_scopes=_scopes(security, oauth=True),
        parameters=parameters,
        query_schema=_query_schema(parameters),
        body_schema=_body_schema(body),
        files=_files(_body_schema(body) or {}),
        errors={code: read_error_form(form) for code, form in errors.items()},
        responses={status: _contents(document, response) for status, response in source["responses"].items()},
        provenance=_provenance(source),
        limits=source.get("x-limits", {}),
        cors=bool(source.get("x-cors", False)),
        rooted="servers" in document["paths"][path],
        schemas=schemas,
    )


def unrouted_operation(api: str, version: str, document: dict[str, Any], schemas: Schemas) -> Operation:
    """The operation that answers where no operation is: it refuses unknown paths and wrong methods."""
    return Operation(
        id="unrouted",
        api=api,
        version=version,
        method="",
        path="",
        tag="",
        public=True,
        scopes=(),
        oauth_scopes=(),
        parameters=(),
        query_schema=_query_schema(()),
        body_schema=None,
        files=frozenset(),
        errors={code: read_error_form(form) for code, form in document["x-unrouted"].items()},
        responses={},
        provenance=None,
        limits={},
        cors=False,
        rooted=False,
        schemas=schemas,
    )


def read_error_form(form: dict[str, Any]) -> ErrorForm:
    """The record of one entry of a compiled operation's `x-errors`."""
    return ErrorForm(
        status=int(form["status"]),
        body=form.get("body", msgspec.UNSET),
        form=form.get("form"),
        fields=form.get("fields", {}),
        headers=form.get("headers", {}),
        title=form.get("title", ""),
        detail=form.get("detail", ""),
        quirk=form.get("quirk"),
        variants={value: read_error_form(variant) for value, variant in form.get("variants", {}).items()},
        provenance=_provenance(form),
    )


def _parameter(source: dict[str, Any], errors: dict[str, Any]) -> Parameter:
    return Parameter(
        name=source["name"],
        place=source["in"],
        required=bool(source.get("required", False)),
        schema=source.get("schema", {}),
        invalid=unreadable_code(source, errors) if source["in"] == "path" else None,
        provenance=_provenance(source),
    )


def _provenance(source: dict[str, Any]) -> Provenance | None:
    given = source.get("x-provenance")
    return Provenance(given["grade"], given.get("fact", "")) if given else None


def _scopes(security: list[dict[str, list[str]]], *, oauth: bool) -> tuple[str, ...]:
    return tuple(
        scope
        for alternative in security
        for scheme, scopes in alternative.items()
        if scheme.lower().startswith("oauth") is oauth
        for scope in scopes
    )


def _query_schema(parameters: tuple[Parameter, ...]) -> dict[str, Any]:
    queries = [each for each in parameters if each.place == "query"]
    return {
        "type": "object",
        "required": [each.name for each in queries if each.required],
        "properties": {each.name: each.schema for each in queries},
    }


def _body_schema(body: dict[str, Any]) -> dict[str, Any] | None:
    content = body.get("content", {})
    media = content.get("application/json") or next(iter(content.values()), None)
    return media.get("schema", {}) if media is not None else None


def _files(schema: dict[str, Any]) -> frozenset[str]:
    return frozenset(name for name, field in schema.get("properties", {}).items() if field.get("x-file"))


def _contents(document: dict[str, Any], response: dict[str, Any]) -> dict[str, dict[str, Any]]:
    content = resolve_ref(document, response).get("content", {})
    return {media: each.get("schema", {}) for media, each in content.items()}
