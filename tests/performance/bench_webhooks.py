"""How fast webhooks go out, against a bare aiohttp loop that signs and posts the same bytes at the same concurrency.

    python tests/performance/bench_webhooks.py

Both post to a minimal receiver in a process of its own, in alternating rounds; the ratio is the median of the rounds'.
The worker also reads each payload from the shop's file and records attempt, state and journal; the bare loop does not.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import aiohttp
import uvloop

from loopsim.clock import Clock
from loopsim.domain.events import Event
from loopsim.domain.shop import Settings
from loopsim.domain.webhooks import Subscription
from loopsim.server.runtime import FLUSH_EVERY
from loopsim.store.deliveries import Delivery
from loopsim.store.shop import Shop, blank_pages
from loopsim.webhooks.signing import SIGNATURE_HEADER, sign
from loopsim.webhooks.worker import Worker

CONCURRENCY = 16
MESSAGES = 5000
ROUNDS = 5
RETURNS = 300
SECRET = "0123456789abcdef"
BODY = b'{"topic":"return","trigger":"return.updated","filler":"' + b"x" * 2850 + b'"}'
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class _Receiver(asyncio.Protocol):
    """Answers 200 to every request it has read whole. It knows only what this benchmark sends: a length, one body."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self._seen = b""

    def data_received(self, data: bytes) -> None:
        self._seen += data
        while (end := self._seen.find(b"\r\n\r\n")) >= 0:
            head = self._seen[:end].lower()
            start = head.index(b"content-length:") + 15
            stop = head.find(b"\r\n", start)
            size = end + 4 + int(head[start : stop if stop >= 0 else end])
            if len(self._seen) < size:
                return
            self._seen = self._seen[size:]
            self._transport.write(_ANSWER)


async def _receive() -> None:
    server = await asyncio.get_running_loop().create_server(_Receiver, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def _bare(url: str) -> float:
    """Messages a second of the bare loop."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def post(left: Iterator[int]) -> None:
            for _ in left:
                headers = {"Content-Type": "application/json", SIGNATURE_HEADER: sign(BODY, SECRET)}
                async with session.post(url, data=BODY, headers=headers) as response:
                    await response.read()

        for count in (CONCURRENCY * 4, MESSAGES):
            began = perf_counter()
            left = iter(range(count))
            await asyncio.gather(*[post(left) for _ in range(CONCURRENCY)])
        return MESSAGES / (perf_counter() - began)


async def _worker(url: str, folder: Path) -> float:
    """Messages a second of the worker, from the shop's file to the recorded result."""
    clock = Clock(shop_ms=1_700_000_000_000, wall_ms=1_700_000_000_000)
    settings = Settings(id=1, subdomain="bench", seed=1, secret=SECRET)
    shop = Shop.create("bench", folder / f"bench-{os.getpid()}-{perf_counter()}.db", blank_pages(), settings, clock)
    worker = Worker()
    await worker.start()
    try:
        await _drain(worker, shop, _queue(shop, url, CONCURRENCY * 4))
        deliveries = _queue(shop, url, MESSAGES)
        began = perf_counter()
        await _drain(worker, shop, deliveries)
        rate = MESSAGES / (perf_counter() - began)
        count = shop.connection.execute("select count(*) from deliveries where state = 'delivered'").fetchone()[0]
        assert count == MESSAGES + CONCURRENCY * 4, count
        return rate
    finally:
        await worker.stop()
        shop.close()


async def _drain(worker: Worker, shop: Shop, deliveries: list[Delivery]) -> None:
    writing = asyncio.create_task(_write_journal(shop))
    worker.take(shop, deliveries)
    assert await worker.idle(shop, 60)
    writing.cancel()
    shop.journal.flush()


async def _write_journal(shop: Shop) -> None:
    # As often as the server does.
    while True:
        await asyncio.sleep(FLUSH_EVERY)
        shop.journal.flush()


def _queue(shop: Shop, url: str, count: int) -> list[Delivery]:
    with shop.transaction(shop.now(0)) as transaction:
        transaction.put("webhook", 1, Subscription(id=1, topic="return", trigger="return.updated", url=url))
        for number in range(count):
            payload = transaction.add_payload(BODY)
            event = Event("return.updated", _Subject(1 + number % RETURNS))  # type: ignore[arg-type]
            transaction.add_delivery(1, event, "return", payload)
    return transaction.deliveries


class _Subject:
    """As much of a return as the outbox looks at."""

    def __init__(self, id_: int) -> None:
        self.id = id_


def measure(rounds: int = ROUNDS) -> dict[str, Any]:
    """Rates per second of both by round, and `ratio`, the median of worker to bare over the rounds."""
    receiver = subprocess.Popen([sys.executable, __file__, "receive"], stdout=subprocess.PIPE, text=True)
    try:
        assert receiver.stdout is not None
        url = f"http://127.0.0.1:{receiver.stdout.readline().strip()}/webhooks"
        bare: list[float] = []
        worker: list[float] = []
        with tempfile.TemporaryDirectory() as folder:
            for _ in range(rounds):
                bare.append(uvloop.run(_bare(url)))
                worker.append(uvloop.run(_worker(url, Path(folder))))
    finally:
        receiver.terminate()
        receiver.wait(10)
    ratio = statistics.median(ours / theirs for ours, theirs in zip(worker, bare, strict=True))
    return {"bare": bare, "worker": worker, "ratio": round(ratio, 3)}


if __name__ == "__main__":
    if sys.argv[1:] == ["receive"]:
        uvloop.run(_receive())
    else:
        result = measure()
        for name in ("bare", "worker"):
            print(f"{name:8}", " ".join(f"{rate:7.0f}/s" for rate in result[name]))
        print(f"ratio    {result['ratio']}")
