"""A headless Chromium that a test can drive: a page, its console, what it asked the network for."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.e2e.test_browser import CHROMIUM, FLAGS

PATIENCE = 60.0


class Page:
    """One page over the DevTools protocol. `console` holds errors and warnings, `requests` the URLs it asked for."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._ids = itertools.count(1)
        self._events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.console: list[str] = []
        self.requests: list[str] = []

    async def listen(self) -> None:
        """Take in what the browser says."""
        async for message in self._socket:
            said = message.json()
            if "id" in said:
                self._answers.pop(said["id"]).set_result(said)
                continue
            method, about = said["method"], said["params"]
            if method == "Runtime.exceptionThrown":
                self.console.append(str(about["exceptionDetails"]))
            elif method == "Log.entryAdded" or (method == "Runtime.consoleAPICalled" and about["type"] != "log"):
                self.console.append(str(about))
            elif method == "Network.requestWillBeSent":
                self.requests.append(about["request"]["url"])
            await self._events.put(said)

    async def do(self, method: str, **about: Any) -> dict[str, Any]:
        """A command of the protocol; its result."""
        number = next(self._ids)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": about})
        said = await asyncio.wait_for(answer, PATIENCE)
        assert "error" not in said, said
        result: dict[str, Any] = said["result"]
        return result

    async def open(self, url: str) -> None:
        """Go there, and return when it is loaded and has been painted once, as a person would see it."""
        for domain in ("Page", "Runtime", "Log", "Network"):
            await self.do(f"{domain}.enable")
        await self.do("Page.navigate", url=url)
        while (await asyncio.wait_for(self._events.get(), PATIENCE))["method"] != "Page.loadEventFired":
            pass
        # The frame that is asked for in a frame comes after one was painted.
        await self.js("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    async def js(self, expression: str) -> Any:
        """The value of an expression in the page; of a promise, what it comes to."""
        said = await self.do("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in said, said
        return said["result"].get("value")

    async def width(self, pixels: int) -> None:
        """Be as wide as a phone, or as a desk."""
        await self.do("Emulation.setDeviceMetricsOverride", width=pixels, height=800, deviceScaleFactor=1, mobile=False)


@asynccontextmanager
async def browser() -> AsyncIterator[Page]:
    """A browser with one page, gone when the block ends."""
    assert CHROMIUM is not None
    profile = Path(tempfile.mkdtemp(prefix="loopsim-browser-"))
    process = await asyncio.create_subprocess_exec(
        CHROMIUM, *FLAGS, f"--user-data-dir={profile}", "--remote-debugging-port=0", "about:blank",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    errors = process.stderr
    try:
        # It says where it listens, and then goes on talking, which somebody has to read.
        async with asyncio.timeout(PATIENCE):
            while b"DevTools listening on" not in (line := await errors.readline()):
                assert line, "Chromium ended before it listened"
        port = int(line.split(b"ws://127.0.0.1:")[1].split(b"/")[0])
        drain = asyncio.create_task(errors.read())
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json") as answer:
                pages = [each for each in await answer.json() if each["type"] == "page"]
            async with session.ws_connect(pages[0]["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                page = Page(socket)
                listening = asyncio.create_task(page.listen())
                try:
                    yield page
                finally:
                    listening.cancel()
        drain.cancel()
    finally:
        process.kill()
        await process.wait()
        shutil.rmtree(profile, ignore_errors=True)
