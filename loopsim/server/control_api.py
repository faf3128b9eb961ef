"""loopsim's own API under /_loopsim: from a path to an operation on a shop, or on the server as a whole."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Awaitable
from functools import partial
from typing import Any

from msgspec import UNSET

from loopsim.contract import Match, Operation, read_body, read_path, read_query, render, validate
from loopsim.contract.shapes import JSON, PROBLEM
from loopsim.errors import Refusal, SetupError
from loopsim.operations.perform import OPERATIONS, Answer, Call
from loopsim.server.answers import SendWhole, Whole, send_answer, whole_answer, with_own
from loopsim.server.control.registry import RUNTIME_OPERATIONS, RuntimeOperation
from loopsim.server.entries import KEPT_BODY
from loopsim.server.hosts import Hosts
from loopsim.server.problems import not_simulated, problem
from loopsim.server.requests import (
    BODY_LIMIT,
    Disconnected,
    Headers,
    Receive,
    Scope,
    Send,
    base_url,
    body_of,
    query_of,
)
from loopsim.server.runtime import Runtime
from loopsim.server.stamps import Header, Stamp
from loopsim.store.codec import encode
from loopsim.store.journal import Entry
from loopsim.store.shop import Shop

log = logging.getLogger("loopsim.server")

_HEADERS: list[Header] = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
_PROBLEM_HEADERS = {"content-type": PROBLEM}
_UNJOURNALED = frozenset({"getHealth", "readFindings", "readJournal"})
_SECRET_WORDS = (b'"secret"', b'"key"')


class _Asked:
    """One call, as far as it is known. `name` is that of the shop in its path."""

    __slots__ = ("at_ms", "began", "name", "operation", "raw", "scope", "shop")

    def __init__(self, scope: Scope, operation: Operation, raw: bytes = b"") -> None:
        self.began = time.perf_counter()
        self.scope = scope
        self.operation = operation
        self.raw = raw
        self.name = ""
        self.shop: Shop | None = None
        self.at_ms = 0


class ControlApi:
    """Answers calls of the control API. Not rate limited; a token is asked for where the server has one."""

    def __init__(self, runtime: Runtime, hosts: Hosts) -> None:
        self._runtime = runtime
        self._contract = runtime.contract
        self._hosts = hosts
        self._stamp = Stamp()
        self._waits: set[asyncio.Future[Answer]] = set()
        self._stopping = False

    async def __call__(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> None:
        """Answer one call."""
        asked = _Asked(scope, self._contract.unrouted("control"))
        answer: Answer | Exception
        try:
            match = self._match(scope)
            operation = asked.operation = match.operation
            if not operation.public and not self._hosts.has_token(headers):
                raise Refusal("unauthorized")
            asked.raw = await body_of(headers, receive, operation.limits.get("body", BODY_LIMIT))
            self._enter(asked, match)
            answer = await self._perform(operation, self._call(match, scope, headers, asked.raw), scope, receive)
        except Disconnected:
            return
        except Exception as error:
            answer = error
        status, head, body = self._finish(asked, answer)
        if asked.shop is not None and scope["method"] != "GET":
            self._runtime.flush_journal(asked.shop)
        await send_answer(send, status, head, body)

    def write_at_once(self, scope: Scope, headers: Headers, raw: bytes, send: SendWhole) -> bool:
        """Perform a call that changes a shop, came in whole and has nothing to wait for, with others that came in;
        False, with nothing done, where that is not so."""
        try:
            match = self._match(scope)
        except Refusal:
            return False
        operation = match.operation
        if operation.id in RUNTIME_OPERATIONS or operation.id not in OPERATIONS or OPERATIONS[operation.id].reads:
            return False
        asked = _Asked(scope, operation, raw)
        shop = self._enter(asked, match)
        if shop is None or shop.busy is not None or not self._hosts.has_token(headers) or len(raw) > BODY_LIMIT:
            return False
        finish = partial(self._finish_write, asked)
        try:
            self._runtime.write(shop, operation.id, self._call(match, scope, headers, raw), asked.at_ms, finish, send)
        except Exception as error:
            send(finish(error))
        return True

    def _finish_write(self, asked: _Asked, answer: Answer | Exception) -> Whole:
        return whole_answer(*self._finish(asked, answer))

    def _enter(self, asked: _Asked, match: Match) -> Shop | None:
        """Look for the shop that a call is about."""
        asked.name = match.path_params.get("shop", "")
        shop = asked.shop = self._runtime.world.shops.get(asked.name)
        asked.at_ms = 0 if shop is None else self._runtime.now_ms(shop)
        return shop

    def _finish(self, asked: _Asked, answer: Answer | Exception) -> tuple[int, list[Header], bytes]:
        """Status, headers and body of an answer, which is now in the journal."""
        code = None
        if isinstance(answer, Refusal):
            code, answer = answer.code, self._refused(asked.operation, answer, asked.scope)
        elif isinstance(answer, Exception):
            code, answer = "server_error", self._broken(asked.operation, answer, asked.scope)
        body = _bytes_of(answer)
        shop = self._runtime.world.shops.get(asked.name)
        if shop is not None:
            self._runtime.changed(shop)
        # A shop that was deleted or begun anew meanwhile has no journal for what was done to the old one.
        if shop is not None and shop is asked.shop and asked.operation.id not in _UNJOURNALED:
            _journal(shop, asked, answer.status, code)
        return answer.status, self._head(shop, answer), body

    def _match(self, scope: Scope) -> Match:
        method, path = scope["method"], scope["raw_path"].decode("latin-1")
        try:
            return self._contract.route("control", method, path)
        except Refusal as refusal:
            if method != "HEAD" or refusal.code != "method_not_allowed":
                raise
            return self._contract.route("control", "GET", path)

    def _call(self, match: Match, scope: Scope, headers: Headers, raw: bytes) -> Call:
        operation = match.operation
        path = read_path(operation, match.path_params)
        query = read_query(operation, query_of(scope["query_string"]))
        # Whatever the client calls it: curl says form-encoded of every body that it is given with -d.
        body = validate(operation, read_body(operation, raw, JSON)).value
        return Call(path=path, query=query.value, body=body, base_url=base_url(scope, headers, ""))

    async def _perform(self, operation: Operation, call: Call, scope: Scope, receive: Receive) -> Answer:
        of_runtime = RUNTIME_OPERATIONS.get(operation.id)
        if of_runtime is not None:
            leaving = receive if of_runtime.ends_with_client else None
            return await self._waiting(self._when_free(of_runtime, call), scope, leaving)
        if operation.id not in OPERATIONS:
            status, body = not_simulated(operation.id, scope["path"])
            return Answer(body, status, _PROBLEM_HEADERS)
        await self._runtime.free(call.path["shop"])
        return self._runtime.perform(self._runtime.world.shop(call.path["shop"]), operation.id, call)

    async def _when_free(self, function: RuntimeOperation, call: Call) -> Answer:
        await self._runtime.free(call.path.get("shop", ""))
        return await function(self._runtime, call)

    async def _waiting(self, answering: Awaitable[Answer], scope: Scope, leaving: Receive | None) -> Answer:
        """The answer of an operation that may wait for long, unless the server stops before there is one, or the client
        is seen to be `leaving`."""
        wait = asyncio.ensure_future(answering)
        self._waits.add(wait)
        watch = None if leaving is None else asyncio.ensure_future(_cancel_without(leaving, wait))
        try:
            return await wait
        except asyncio.CancelledError:
            if watch is not None and watch.done():
                raise Disconnected from None
            if not self._stopping:
                raise
            status, body = problem("stopping", 503, "Stopping", "The server is being stopped.", scope["path"])
            return Answer(body, status, _PROBLEM_HEADERS)
        finally:
            wait.cancel()
            self._waits.discard(wait)
            if watch is not None:
                watch.cancel()

    def stop_waiting(self) -> None:
        """The server stops: whoever waits for something to happen is told so."""
        self._stopping = True
        for wait in self._waits:
            wait.cancel()

    def _refused(self, operation: Operation, refusal: Refusal, scope: Scope) -> Answer:
        if refusal.code not in operation.errors:
            operation = self._contract.unrouted("control")
        try:
            rendered = render(operation, refusal, {}, scope["path"])
        except LookupError as error:
            return self._broken(operation, error, scope)
        headers = {**rendered.headers, "content-type": rendered.media_type}
        if rendered.status == 401:
            headers["www-authenticate"] = "Bearer"
        return Answer(rendered.body, rendered.status, headers)

    def _broken(self, operation: Operation, error: Exception, scope: Scope) -> Answer:
        what = f"{scope['method']} {scope['path']}"
        full = isinstance(error, sqlite3.OperationalError) and "full" in str(error)
        if isinstance(error, SetupError | OSError) or full:
            log.error("%s changed nothing: %s.", what, error)
            status, body = problem("not_possible", 500, "Not possible here", f"{error}", scope["path"])
        else:
            log.error("%s (%s) broke.", what, operation.id, exc_info=error)
            detail = "This is a bug of loopsim. The log of the server has the traceback."
            status, body = problem("server_error", 500, "loopsim is broken", detail, scope["path"])
        return Answer(body, status, _PROBLEM_HEADERS)

    def _head(self, shop: Shop | None, answer: Answer) -> list[Header]:
        runtime = self._runtime
        if shop is None:
            stamp: tuple[Header, ...] = self._stamp.at(runtime.wall_ms())[:1]
        else:
            stamp = runtime.entrances.counter(shop).stamp.at(runtime.now_ms(shop))
        return with_own([*_HEADERS, *stamp], answer.headers)


def _journal(shop: Shop, asked: _Asked, status: int, code: str | None) -> None:
    scope, raw = asked.scope, asked.raw
    secret = any(word in raw for word in _SECRET_WORDS)
    shop.journal.add(
        Entry(
            at=asked.at_ms,
            direction="in",
            kind="control",
            operation=asked.operation.id,
            method=scope["method"],
            path=scope["path"],
            query=scope["query_string"].decode("utf-8", "replace") or None,
            status=status,
            request_body=raw[:KEPT_BODY].decode("utf-8", "replace") if raw and not secret else None,
            refusal=code,
            duration_ms=round((time.perf_counter() - asked.began) * 1000, 3),
        )
    )


async def _cancel_without(receive: Receive, wait: asyncio.Future[Answer]) -> None:
    """Wait until the client has gone, and let nobody work for it any more."""
    while (await receive())["type"] != "http.disconnect":
        pass
    wait.cancel()


def _bytes_of(answer: Answer) -> bytes:
    body: Any = answer.body
    if isinstance(body, bytes):
        return body
    return b"" if body is UNSET or (body is None and answer.status == 204) else encode(body)
