"""Loop's API: one call from its path to its answer.

    route ─ key and scope ─ rate limit ─ body ─ faults ─ validation ─ perform ─ journal ─ answer

This is the hot path: no request and response objects, headers looked at once, bytes that are ready sent as they are.
"""

from __future__ import annotations

import logging
import sqlite3
from datetime import timedelta
from functools import partial
from time import monotonic
from typing import Any

from msgspec import UNSET

from loopsim.contract import Operation, messages_of, read_body, read_ids, read_path, render, validate
from loopsim.contract.shapes import JSON, PROBLEM
from loopsim.domain import chance
from loopsim.domain.quirks import quirk
from loopsim.errors import NotHere, Refusal, SetupError
from loopsim.operations.perform import Answer, Call, Prepared
from loopsim.server.answer_faults import LOST, NO_FAULTS, hold_back, in_fault, in_place_of_answer, read_faults, strike
from loopsim.server.answers import AnswerHeaders, SendWhole, Whole, rows_of, send_answer, whole_answer, with_own
from loopsim.server.auth import Entrance, may
from loopsim.server.breaking import reset_connection, send_half
from loopsim.server.cors import preflight, with_cors
from loopsim.server.elsewhere import forbidden_or
from loopsim.server.entries import entry_of
from loopsim.server.exchange import Exchange
from loopsim.server.places import Places
from loopsim.server.problems import not_simulated
from loopsim.server.protocol import in_one_piece
from loopsim.server.requests import (
    Disconnected,
    Headers,
    Receive,
    Scope,
    Send,
    ShopGone,
    base_url,
    basic_of,
    body_of,
    query_of,
    text_of,
)
from loopsim.server.runtime import Runtime
from loopsim.server.stamps import Header, Stamp
from loopsim.store.shop import Shop
from loopsim.wire import php

log = logging.getLogger("loopsim.server")

REQUESTS = "request"
"""The shop's counter that request ids are made from; it is kept with the other counters at the next commit."""

NO_SHIFT = timedelta()
SHIFTED = "Its window was moved from the wall's time to the shop's (shift_windows)."
LIMIT_OF_NOBODY = 300
IDENTIFIER_TYPE = b"x-loop-global-identifier-type"
SHOPPER_TOKEN = b"x-loop-shopper-token"
MOST_TOLD_OF_LINE = 100
"""Of each of the bodies that came in one file, so many array elements are judged where it is refused."""
_DONE = ("answer_lost", "truncated")


class LoopApi:
    """Answers the calls of partners."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._world = runtime.world
        self._contract = runtime.contract
        self._entrances = runtime.entrances
        self._places = Places(runtime.contract)
        versions = sorted(set(self._places.versions.names.values()))
        head = runtime.contract.head("loop")
        self._heads = {version: AnswerHeaders(head, version) for version in versions}
        self._stamp = Stamp()
        self._nobodys_requests = 0

    async def __call__(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> None:
        """Answer one call. It may await its body, a shop that is busy, a fault that takes time, the sending."""
        if scope["method"] == "OPTIONS" and self._admits_page(scope, headers):
            await send_answer(send, 204, preflight(headers), b"")
            return
        exchange = self._exchange(scope, headers)
        if exchange.shop is not None and exchange.shop.busy is not None:
            await self._enter_again(exchange)
        exchange.at_ms = self._now_ms(exchange.shop)
        place = exchange.place
        try:
            if place.refusal is None and place.operation.public:
                await self._await_all(exchange, receive)
                answer = self._perform_anywhere(exchange)
            else:
                entered = self._admit(exchange)
                if place.takes_body or entered.counter.faults != NO_FAULTS:
                    entered = await self._await(exchange, entered, receive)
                fault = exchange.fault
                if fault is None or fault.kind in _DONE:
                    answer = self._perform(exchange, entered.shop)
                else:
                    answer = in_place_of_answer(fault)
        except Disconnected:
            return
        except ShopGone:
            await reset_connection(scope, receive)
            return
        except Exception as error:
            answer = self._failed(exchange, error)
        head, body = self._finish(exchange, answer)
        if exchange.shop is not None and not exchange.place.reads:
            self._runtime.flush_journal(exchange.shop)
        if exchange.fault is not None and exchange.fault.kind in LOST:
            await reset_connection(scope, receive)
        elif exchange.fault is not None and exchange.fault.kind == "truncated" and body:
            await send_half(scope, receive, send, answer.status, head, body)
        else:
            await send_answer(send, answer.status, head, body)

    def at_once(self, scope: Scope, headers: Headers) -> tuple[bytes, ...] | None:
        """The answer of a read that has nothing to wait for, as it leaves; None where that is not so."""
        exchange = self._exchange(scope, headers)
        place, entrance = exchange.place, exchange.entrance
        if entrance is None or place.takes_body or place.refusal is not None or place.operation.public:
            return None
        if entrance.shop.busy is not None or entrance.counter.faults != NO_FAULTS:
            return None
        exchange.at_ms = self._now_ms(entrance.shop)
        try:
            answer = self._perform(exchange, self._admit(exchange).shop)
        except Exception as error:
            answer = self._failed(exchange, error)
        head, body = self._finish(exchange, answer)
        return in_one_piece(answer.status, head, body)

    def write_at_once(self, scope: Scope, headers: Headers, raw: bytes, send: SendWhole) -> bool:
        """Perform a call that changes something, came in whole and has nothing to wait for, with others that came in;
        False, with nothing done, where that is not so."""
        exchange = self._exchange(scope, headers)
        place, entrance = exchange.place, exchange.entrance
        if entrance is None or place.refusal is not None or place.operation.public or place.reads:
            return False
        if not place.simulated or len(raw) > place.body_limit:
            return False
        if entrance.shop.busy is not None or read_faults(entrance.shop, entrance.counter):
            return False
        exchange.raw = raw if place.takes_body else b""
        exchange.at_ms = self._now_ms(entrance.shop)
        finish = partial(self._finish_write, exchange)
        try:
            shop = self._admit(exchange).shop
            self._runtime.write(shop, place.operation.id, self._call(exchange, shop), exchange.at_ms, finish, send)
        except Exception as error:
            send(finish(error))
        return True

    def _finish_write(self, exchange: Exchange, answer: Answer | Exception) -> Whole:
        if isinstance(answer, Exception):
            answer = self._failed(exchange, answer)
        else:
            exchange.refusal = answer.refusal
        head, body = self._finish(exchange, answer)
        return whole_answer(answer.status, head, body)

    def _exchange(self, scope: Scope, headers: Headers) -> Exchange:
        place = self._places.find(scope["method"], scope["raw_path"])
        entrance, bearer = self._entrances.find(headers)
        exchange = Exchange(scope, headers, place, entrance, bearer)
        if entrance is None:
            exchange.shop = self._sole_shop()
        return exchange

    def _failed(self, exchange: Exchange, error: Exception) -> Answer:
        if isinstance(error, Refusal):
            return in_fault(exchange.fault, self._refused(exchange, error))
        return self._broken(exchange, error)

    def _finish(self, exchange: Exchange, answer: Answer) -> tuple[list[Header], bytes]:
        """Headers and body of an answer, which is now in the journal."""
        body = answer.body if type(answer.body) is bytes else _bytes_of(answer)
        head = self._head(exchange)
        if exchange.place.operation.cors:
            head = with_cors(head, exchange.headers)
        if exchange.shop is not None:
            exchange.shop.journal.add(entry_of(exchange, answer.status, body))
        return with_own(head, answer.headers) if answer.headers else head, body

    def _admits_page(self, scope: Scope, headers: Headers) -> bool:
        """Whether this is a browser's question for a page of another origin, about a call that such pages may make."""
        asked = headers.get(b"access-control-request-method")
        if asked is None or b"origin" not in headers:
            return False
        place = self._places.find(text_of(asked), scope["raw_path"])
        return place.refusal is None and place.operation.cors

    def _now_ms(self, shop: Shop | None) -> int:
        wall_ms = self._runtime.wall_ms()
        return wall_ms if shop is None else shop.now_ms(wall_ms)

    def _admit(self, exchange: Exchange) -> Entrance:
        """The entrance of a call that may be performed; raises the refusal of one that may not."""
        place, entrance = exchange.place, exchange.entrance
        if place.refusal is not None:
            raise place.refusal
        if entrance is None or not may(entrance, place.operation, bearer=exchange.bearer):
            raise Refusal("unauthorized")
        if entrance.access is not None and (dead := entrance.access.dead(exchange.at_ms)) is not None:
            exchange.dead_token = dead
            raise Refusal("unauthorized")
        now = monotonic()
        if not entrance.window.take(now, entrance.shop.settings.rate_limit):
            raise Refusal("too_many_attempts", retry_after=entrance.window.retry_after(now))
        self._runtime.scheduler.touched(entrance.shop, partial(_asked, exchange.scope) if place.reads else None)
        return entrance

    async def _await(self, exchange: Exchange, entrance: Entrance, receive: Receive) -> Entrance:
        """What a call may have to wait for: its body, and faults that take time. The entrance as it is then."""
        place = exchange.place
        if place.takes_body:
            exchange.raw = await body_of(exchange.headers, receive, place.body_limit)
            entrance = await self._admitted_again(exchange)
        struck = strike(entrance.shop, entrance.counter, place.operation.id, self._now_ms(entrance.shop))
        exchange.fault = struck.fault
        if struck.wait:
            exchange.held_back = True
            await hold_back(entrance.shop, struck.wait)
            entrance = await self._admitted_again(exchange)
        exchange.at_ms = self._now_ms(entrance.shop)
        return entrance

    async def _admitted_again(self, exchange: Exchange) -> Entrance:
        await self._enter_again(exchange)
        if exchange.entrance is None:
            raise Refusal("unauthorized")
        return exchange.entrance

    async def _enter_again(self, exchange: Exchange) -> None:
        """Wait until the shop is not busy. After any wait the key may open another shop, or none."""
        while True:
            exchange.entrance, exchange.bearer = self._entrances.find(exchange.headers)
            shop = self._sole_shop() if exchange.entrance is None else exchange.entrance.shop
            exchange.shop = shop
            if shop is None or shop.busy is None:
                return
            await shop.busy.wait()

    def _perform(self, exchange: Exchange, shop: Shop) -> Answer:
        place = exchange.place
        operation = place.operation
        if not place.simulated:
            problem = not_simulated(operation.id, exchange.scope["path"])
            return Answer(problem.body, problem.status, {"content-type": PROBLEM})
        answer = self._runtime.perform(shop, operation.id, self._call(exchange, shop), exchange.at_ms)
        exchange.refusal = answer.refusal
        if place.lists:
            exchange.count, exchange.more = rows_of(answer)
        return answer

    def _call(self, exchange: Exchange, shop: Shop) -> Call:
        place = exchange.place
        operation = place.operation
        query = query_of(exchange.scope["query_string"])
        if not place.query_names.issuperset(query):
            exchange.unknown = [f"?{name}" for name in query if name not in place.query_names]
        path = read_path(operation, place.params) if place.params else {}
        body = self._valid_body(exchange, operation) if place.takes_body else None
        base = base_url(exchange.scope, exchange.headers, place.base)
        text_ids = exchange.headers.get(IDENTIFIER_TYPE) == b"string"
        shift = NO_SHIFT
        if shop.settings.shift_windows and ("from" in query or "to" in query):
            shift = timedelta(milliseconds=exchange.at_ms - self._runtime.wall_ms())
            exchange.note = SHIFTED
        return Call(
            preparer=partial(self._prepared, exchange),
            credentials=basic_of(exchange.headers) if operation.public else None,
            path=path,
            query=query,
            body=body,
            version=place.version,
            base_url=base,
            text_ids=text_ids,
            accept=text_of(exchange.headers.get(b"accept", b"")),
            shopper_token=text_of(exchange.headers.get(SHOPPER_TOKEN, b"")),
            shift=shift,
        )

    def _valid_body(self, exchange: Exchange, operation: Operation) -> object:
        content_type = text_of(exchange.headers.get(b"content-type", b""))
        validated = validate(operation, read_body(operation, exchange.raw, content_type))
        exchange.tell(validated)
        return validated.value

    def _prepared(self, exchange: Exchange, operation_id: str, ids: dict[str, Any], raw: bytes, where: str) -> Prepared:
        operation = self._contract.operation(operation_id, exchange.place.version)
        path = read_ids(operation, ids)
        validated = validate(operation, read_body(operation, raw, JSON), MOST_TOLD_OF_LINE)
        exchange.tell(validated, where)
        return Prepared(path, validated.value, messages_of(operation))

    def _perform_anywhere(self, exchange: Exchange) -> Answer:
        """An operation without a key: for the shop of a key that came all the same, or the first that has the thing."""
        refused: Refusal = Refusal("not_found", method=exchange.scope["method"], path=exchange.scope["path"])
        for shop in self._asked_shops(exchange):
            exchange.at_ms = self._now_ms(shop)
            try:
                answer = self._perform(exchange, shop)
            except NotHere as refusal:
                refused = refusal
            except Refusal:
                exchange.shop = shop
                raise
            else:
                exchange.shop = shop
                if not exchange.place.reads:
                    self._runtime.scheduler.touched(shop, None)
                return answer
        raise refused

    def _asked_shops(self, exchange: Exchange) -> tuple[Shop, ...]:
        return (exchange.shop,) if exchange.shop is not None else tuple(self._world.shops.values())

    async def _await_all(self, exchange: Exchange, receive: Receive) -> None:
        """What a call without a key waits for: its body, and shops that are busy where it may change one."""
        if exchange.place.takes_body:
            exchange.raw = await body_of(exchange.headers, receive, exchange.place.body_limit)
        while not exchange.place.reads:
            busy = next((shop.busy for shop in self._asked_shops(exchange) if shop.busy is not None), None)
            if busy is None:
                return
            await busy.wait()

    def _refused(self, exchange: Exchange, refusal: Refusal) -> Answer:
        operation = exchange.place.operation
        refusal = forbidden_or(refusal, exchange.place, exchange.shop, self._world)
        if refusal.code not in operation.errors:
            unrouted = self._contract.unrouted("loop", exchange.place.version)
            operation = unrouted if refusal.code in unrouted.errors else operation
        quirks = exchange.shop.settings.quirks if exchange.shop is not None else {}
        try:
            rendered = render(operation, refusal, quirks)
        except LookupError as error:
            return self._broken(exchange, error)
        # To the client all that does not fit is one 401; whoever judges it is told more.
        exchange.refusal = exchange.dead_token or refusal.code
        headers = rendered.headers
        if refusal.code == "too_many_attempts":
            if quirk(quirks, "retry_after_header") == "off":
                headers = {}
            else:
                exchange.retry_after = int(refusal.params["retry_after"])
                reset = int(self._runtime.wall()) + int(refusal.params["retry_after"])
                headers = {**headers, "X-RateLimit-Reset": str(reset)}
        return Answer(rendered.body, rendered.status, headers)

    def _broken(self, exchange: Exchange, error: Exception) -> Answer:
        """What nobody foresaw, in Loop's words; the log says what it was."""
        what = f"{exchange.scope['method']} {exchange.scope['path']}"
        if isinstance(error, sqlite3.OperationalError) and "full" in str(error):
            log.error("%s changed nothing: the disk is full. Make room; what was stored before is there.", what)
        elif isinstance(error, SetupError):
            log.error("%s changed nothing: %s", what, error)
        else:
            log.error("%s broke.", what, exc_info=error)
        form = self._contract.unrouted("loop").errors["server_error"]
        exchange.refusal = "server_error"
        return Answer(form.body, form.status)

    def _sole_shop(self) -> Shop | None:
        """The shop that a call without a known key is about: the only one, where there is only one."""
        shops = self._world.shops
        return next(iter(shops.values())) if len(shops) == 1 else None

    def _head(self, exchange: Exchange) -> list[Header]:
        """The headers that every answer bears, as things stand now."""
        entrance, shop = exchange.entrance, exchange.shop
        if shop is None:
            self._nobodys_requests = number = self._nobodys_requests + 1
            seed, limit = 0, LIMIT_OF_NOBODY
            stamp: tuple[Header, ...] = self._stamp.at(exchange.at_ms)[:1]
        else:
            shop.counters[REQUESTS] = number = shop.counters.get(REQUESTS, 0) + 1
            seed, limit = shop.settings.seed, shop.settings.rate_limit
            counter = self._entrances.counter(shop) if entrance is None else entrance.counter
            stamp = counter.stamp.at(exchange.at_ms)
        remaining = None
        if entrance is not None:
            faked = exchange.fault is not None and exchange.fault.kind == "too_many"
            remaining = 0 if faked else entrance.window.remaining(monotonic(), limit)
        request_id = chance.uuid4(seed, "request", "", number)
        return self._heads[exchange.place.version].of(request_id, limit, remaining, stamp)


def _bytes_of(answer: Answer) -> bytes:
    if isinstance(answer.body, bytes):
        return answer.body
    if answer.body is UNSET or (answer.body is None and answer.status == 204):
        return b""
    return php.encode(answer.body)


def _asked(scope: Scope) -> bytes:
    """What a call asks for, without the window, which moves along when the same is asked again later."""
    query: bytes = scope["query_string"]
    if b"from=" in query or b"to=" in query:
        query = b"&".join(part for part in query.split(b"&") if not part.startswith((b"from=", b"to=")))
    path: bytes = scope["raw_path"]
    return path + b"?" + query
