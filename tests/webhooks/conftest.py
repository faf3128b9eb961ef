"""A rig for stories about webhooks: a shop in memory with a clock that stands still, a worker, receivers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from msgspec import structs

from loopsim.clock import Clock, from_ms
from loopsim.domain.events import Event
from loopsim.domain.shop import Settings
from loopsim.domain.webhooks import Subscription
from loopsim.store.codec import encode
from loopsim.store.deliveries import Attempt, Delivery, Settled, attempts_of, find_delivery
from loopsim.store.shop import Shop, blank_pages
from loopsim.webhooks.worker import Worker

START_MS = 1_780_000_000_000
PATIENCE = 10.0  # seconds of real time that anything may take


class Request(NamedTuple):
    """What a receiver was sent."""

    line: str
    headers: dict[str, str]
    body: bytes


Answer = Callable[[Request], Awaitable[bytes | None]]


def answering(status: int = 200, body: bytes = b"ok", **headers: str) -> Answer:
    """An answer with this status; underscores in header names stand for hyphens."""
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    raw = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n{head}\r\n".encode() + body

    async def answer(_request: Request) -> bytes | None:
        return raw

    return answer


def in_turn(*answers: Answer) -> Answer:
    """One answer after the other; the last one for ever."""
    left = list(answers)

    async def answer(request: Request) -> bytes | None:
        return await (left.pop(0) if len(left) > 1 else left[0])(request)

    return answer


class Receiver:
    """A server that keeps what it gets. `answer` gives the raw bytes to answer with, None to hang up; it may wait."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.requests: list[Request] = []
        self.port = 0
        self._more = asyncio.Condition()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/webhooks"

    @property
    def bodies(self) -> list[bytes]:
        return [request.body for request in self.requests]

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def got(self, count: int) -> None:
        """Wait until so many requests came."""
        async with asyncio.timeout(PATIENCE), self._more:
            await self._more.wait_for(lambda: len(self.requests) >= count)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while (request := await _read(reader)) is not None:
                self.requests.append(request)
                async with self._more:
                    self._more.notify_all()
                raw = await self.answer(request)
                if raw is None:
                    break
                writer.write(raw)
                await writer.drain()
        except (asyncio.CancelledError, ConnectionError):
            pass
        finally:
            self._tasks.discard(task)
            writer.transport.abort()


async def _read(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    except asyncio.IncompleteReadError:
        return None
    headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
    # Values keep their case: signatures depend on it.
    values = {line.split(": ", 1)[0].lower(): line.split(": ", 1)[1] for line in head[1:] if line}
    return Request(head[0], values, await reader.readexactly(int(headers["content-length"])))


class Subject:
    """As much of a return as the outbox looks at."""

    def __init__(self, id_: int) -> None:
        self.id = id_


class Rig:
    """A shop, a worker, and what they need to be told a story."""

    def __init__(self) -> None:
        self.shop = new_shop()
        self.settled: list[Settled] = []
        self.timers_told = 0
        self.worker = self.new_worker()
        self.receivers: list[Receiver] = []

    def new_worker(self, **options: Any) -> Worker:
        def told(_shop: Shop) -> None:
            self.timers_told += 1

        options.setdefault("hold", 0.05)
        return Worker(
            wall=lambda: START_MS / 1000,
            on_settled=lambda _shop, settled: self.settled.append(settled),
            on_timers=told,
            **options,
        )

    async def receiver(self, answer: Answer | None = None) -> Receiver:
        receiver = Receiver(answer or answering())
        await receiver.start()
        self.receivers.append(receiver)
        return receiver

    def configure(self, shop: Shop | None = None, **changes: Any) -> None:
        shop = shop or self.shop
        shop.set_settings(structs.replace(shop.settings, **changes))

    def subscribe(self, url: str, id_: int = 1, shop: Shop | None = None, **fields: Any) -> None:
        record = Subscription(id=id_, topic="return", trigger="return.updated", url=url, **fields)
        shop = shop or self.shop
        with shop.transaction(shop.now(START_MS)) as transaction:
            transaction.put("webhook", id_, record)

    def unsubscribe(self, id_: int = 1) -> None:
        with self.shop.transaction(self.shop.now(START_MS)) as transaction:
            assert transaction.delete("webhook", id_)

    def subscription(self, id_: int = 1) -> Subscription:
        found = self.shop.records.get("webhook", id_, Subscription)
        assert found is not None
        return found

    def queue(
        self,
        body: bytes = b"{}",
        *,
        of: int | None = 100,
        to: int = 1,
        fault: dict[str, Any] | None = None,
        shop: Shop | None = None,
    ) -> Delivery:
        """Queue a delivery about the return `of` to the subscription `to`, as an operation does."""
        shop = shop or self.shop
        with shop.transaction(shop.now(START_MS)) as transaction:
            event = Event("return.updated", None if of is None else Subject(of))  # type: ignore[arg-type]
            packed = None if fault is None else encode(fault)
            return transaction.add_delivery(to, event, "return", transaction.add_payload(body), packed)

    def send(self, *deliveries: Delivery, shop: Shop | None = None) -> None:
        self.worker.take(shop or self.shop, deliveries)

    async def idle(self, shop: Shop | None = None) -> None:
        assert await self.worker.idle(shop or self.shop, PATIENCE), "the worker did not come to rest"

    def now(self, id_: int) -> Delivery:
        """The delivery as the database has it."""
        found = find_delivery(self.shop.connection, id_)
        assert found is not None
        return found

    def attempts(self, id_: int) -> list[Attempt]:
        return attempts_of(self.shop.connection, id_)

    def waiting(self) -> dict[int, float]:
        """Seconds until a timer brings a delivery back, by its id."""
        rows = self.shop.connection.execute("select entity, due from timers where kind = 'delivery.retry'")
        return {entity: (due - START_MS) / 1000 for entity, due in rows}

    def bring_back(self, id_: int) -> None:
        """Do what the timer of a delivery does, with the clock at its moment."""
        due = from_ms(START_MS) + timedelta(seconds=self.waiting()[id_])
        with self.shop.transaction(due) as transaction:
            transaction.cancel_timers(id_, "delivery.retry")
        self.send(self.now(id_))

    def entries(self) -> list[dict[str, Any]]:
        return self.shop.journal.read()


def new_shop(name: str = "shop") -> Shop:
    clock = Clock(mode="manual", shop_ms=START_MS, wall_ms=START_MS)
    settings = Settings(id=1, subdomain=name, seed=7, secret="0123456789abcdef", delivery_timeout=5_000, quiet_for=0)
    return Shop.create(name, None, blank_pages(), settings, clock)


Story = Callable[[Rig], Coroutine[Any, Any, None]]


@pytest.fixture
def play() -> Callable[[Story], None]:
    """Play a story with a rig that is taken down afterwards."""

    async def whole(story: Story) -> None:
        rig = Rig()
        await rig.worker.start()
        try:
            async with asyncio.timeout(30):
                await story(rig)
        finally:
            await rig.worker.stop(grace=0)
            for receiver in rig.receivers:
                await receiver.stop()
            rig.shop.close()

    return lambda story: asyncio.run(whole(story))
