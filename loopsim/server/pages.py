"""The pages for people: documentation of both APIs, the facts behind it, the documents as such. They work offline."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
from jinja2 import Environment, FileSystemLoader, select_autoescape
from markupsafe import Markup, escape
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from loopsim.contract import Contract, public_document
from loopsim.contract.facts import GRADES
from loopsim.operations.perform import OPERATIONS
from loopsim.server.control.registry import RUNTIME_OPERATIONS
from loopsim.server.problems import PROBLEM_HEADERS, problem
from loopsim.server.reading import read_document
from loopsim.server.requests import base_url
from loopsim.server.versions import Versions

_HERE = Path(__file__).parent
_CODE = re.compile(r"`([^`]+)`")
_SAFE = {
    "content-security-policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'self'; base-uri 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}


def make_pages(contract: Contract) -> Starlette:
    """The application that serves the pages."""
    pages = _Pages(contract)
    return Starlette(
        routes=[
            Route("/openapi.json", pages.loop_document),
            Route("/_loopsim/openapi.json", pages.control_document),
            Route("/_loopsim/docs", pages.loop_docs),
            Route("/_loopsim/docs/control", pages.control_docs),
            Route("/_loopsim/facts", pages.facts),
            Mount("/_loopsim/static", StaticFiles(directory=_HERE / "static")),
        ],
        exception_handlers={HTTPException: _problem},
    )


class _Pages:
    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._versions = Versions(contract.head("loop"))
        loader = FileSystemLoader(_HERE / "templates")
        self._templates = Environment(
            loader=loader, autoescape=select_autoescape(), trim_blocks=True, lstrip_blocks=True
        )
        self._templates.filters["prose"] = _prose
        self._rendered: dict[tuple[str, str], str] = {}

    async def loop_document(self, request: Request) -> Response:
        """Loop's API as an OpenAPI document; `?version=` by any name that paths know."""
        return self._document(request, "loop", self._version(request))

    async def control_document(self, request: Request) -> Response:
        """The control API as an OpenAPI document."""
        return self._document(request, "control", None)

    async def loop_docs(self, request: Request) -> Response:
        """Loop's API for reading."""
        version = self._version(request)
        return self._page(
            "loop",
            version,
            title=f"Loop Returns API {version}",
            version=version,
            versions=self._contract.versions,
            document_url=f"/openapi.json?version={version}",
        )

    async def control_docs(self, _request: Request) -> Response:
        """The control API for reading."""
        return self._page(
            "control", "", title="loopsim control API", version="", versions=(), document_url="/_loopsim/openapi.json"
        )

    async def facts(self, _request: Request) -> Response:
        """Every fact, with its grade, under its anchor."""
        facts = self._contract.facts
        counts = {grade: sum(fact["grade"] == grade for fact in facts.values()) for grade in GRADES}
        text = self._templates.get_template("facts.html").render(
            title="Facts", page="facts", facts=facts, counts=counts, grades=GRADES
        )
        return HTMLResponse(text, headers=_SAFE)

    def _version(self, request: Request) -> str:
        asked = request.query_params.get("version") or self._versions.default
        version = self._versions.names.get(asked)
        if version is None:
            names = ", ".join(self._versions.names)
            raise HTTPException(404, f"Loop's API has no version {asked}; it has {names}.")
        return version

    def _document(self, request: Request, api: str, version: str | None) -> Response:
        base = base_url(request.scope, dict(request.scope["headers"]), "")
        document = public_document(self._contract, api, version, base)
        return Response(msgspec.json.encode(document), media_type="application/json")

    def _page(self, api: str, edition: str, **values: Any) -> Response:
        text = self._rendered.get((api, edition))
        if text is None:
            document = self._contract.document(api, edition or None)
            groups = read_document(document, frozenset(OPERATIONS.keys() | RUNTIME_OPERATIONS.keys()))
            text = self._templates.get_template("docs.html").render(
                page=api,
                groups=groups,
                facts=self._contract.facts,
                grades=GRADES,
                about=document["info"].get("description", ""),
                **values,
            )
            self._rendered[api, edition] = text
        return HTMLResponse(text, headers=_SAFE)


def _prose(text: str) -> Markup:
    """Text of the contract as HTML: what stands between backticks is code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    title = str(error.detail)
    status, body = problem("page", error.status_code, title, title, request.url.path)
    headers = {name.decode(): value.decode() for name, value in PROBLEM_HEADERS} | dict(error.headers or {})
    return Response(body, status, headers)
