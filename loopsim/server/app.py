"""The server as one ASGI callable: who may call at all, and which of the two APIs or pages the path belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopsim.server.answers import SendWhole, send_answer
from loopsim.server.control_api import ControlApi
from loopsim.server.hosts import Hosts
from loopsim.server.loop_api import LoopApi
from loopsim.server.problems import PROBLEM_HEADERS, stated_problem
from loopsim.server.requests import Receive, Scope, Send, headers_of
from loopsim.server.runtime import Runtime
from loopsim.server.stamps import Header

if TYPE_CHECKING:
    from starlette.applications import Starlette

OWN = b"/_loopsim"
_PAGES = (b"/_loopsim/docs", b"/_loopsim/facts", b"/_loopsim/static")
_PORTAL = b"/_loopsim/portal/"
_DOCUMENTS = (b"/openapi.json", b"/_loopsim/openapi.json")


class App:
    """The ASGI application. Loop's API is reached first: it is the one that has to be fast."""

    def __init__(self, runtime: Runtime, hosts: Hosts) -> None:
        self._runtime = runtime
        self._hosts = hosts
        self._loop = LoopApi(runtime)
        self._control = ControlApi(runtime, hosts)
        self._pages: Starlette | None = None
        self._portal: Starlette | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        if scope["type"] != "http":
            return
        headers = headers_of(scope["headers"])
        path: bytes = scope["raw_path"]
        if not self._hosts.admits(headers.get(b"host")):
            await self._forbid(scope, send)
        elif not path.startswith(OWN) and path not in _DOCUMENTS:
            await self._loop(scope, headers, receive, send)
        elif self._hosts.is_foreign(headers):
            await self._forbid(scope, send)
        elif path in _DOCUMENTS or path.startswith(_PAGES):
            await self._the_pages()(scope, receive, send)
        elif path.startswith(_PORTAL):
            await self._the_portal()(scope, receive, send)
        else:
            await self._control(scope, headers, receive, send)

    def at_once(self, scope: Scope, raw_headers: list[Header]) -> tuple[bytes, ...] | None:
        """The answer, as it leaves, of a read of Loop's API that has nothing to wait for; None, with nothing done,
        where it may have to."""
        path: bytes = scope["raw_path"]
        if path.startswith(OWN) or path in _DOCUMENTS:
            return None
        headers = headers_of(raw_headers)
        return self._loop.at_once(scope, headers) if self._hosts.admits(headers.get(b"host")) else None

    def write_at_once(self, scope: Scope, raw_headers: list[Header], body: bytes, send: SendWhole) -> bool:
        """Perform a call that changes something, came in whole and has nothing to wait for, with what else comes in;
        False, with nothing done, where it may have to wait."""
        path: bytes = scope["raw_path"]
        headers = headers_of(raw_headers)
        if not self._hosts.admits(headers.get(b"host")):
            return False
        if not path.startswith(OWN):
            return self._loop.write_at_once(scope, headers, body, send)
        return not self._hosts.is_foreign(headers) and self._control.write_at_once(scope, headers, body, send)

    def write_all(self) -> None:
        """Perform what was taken by `write_at_once`, and answer it."""
        self._runtime.write_all()

    def stop_waiting(self) -> None:
        """The server stops: calls that wait for something to happen are answered."""
        self._control.stop_waiting()

    async def _forbid(self, scope: Scope, send: Send) -> None:
        document = self._runtime.contract.document("control")
        status, body = stated_problem(document, "Forbidden", "forbidden", scope["path"])
        await send_answer(send, status, PROBLEM_HEADERS, body)

    def _the_pages(self) -> Starlette:
        if self._pages is None:
            # Only here: most runs never show a page, and start faster without what makes them.
            from loopsim.server.pages import make_pages

            self._pages = make_pages(self._runtime.contract)
        return self._pages

    def _the_portal(self) -> Starlette:
        if self._portal is None:
            from loopsim.server.portal import Portal

            self._portal = Portal(self._runtime).application()
        return self._portal
