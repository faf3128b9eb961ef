"""uvicorn, run by our own main: the socket, the lean settings, and the life of a server from start to stop."""

from __future__ import annotations

import asyncio
import errno
import signal
import socket
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import uvicorn

from loopsim.errors import PortTaken, SetupError
from loopsim.server.protocol import Protocol

if TYPE_CHECKING:
    from loopsim.server.app import App
    from loopsim.server.runtime import Runtime

BACKLOG = 2048
KEEP_ALIVE = 75
"""Seconds that a connection may be idle."""
GRACE = 2
"""Seconds that calls under way get when the server stops."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 picks a free one. Raises `SetupError` where that cannot be."""
    try:
        # As bytes, where that can be: text makes Python load what it needs for names in other scripts.
        name = host.encode() if host.isascii() else host
        family, _, _, _, address = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise SetupError(f"{host} is no address to listen on ({error.strerror}). Choose another --host.") from error
    try:
        if sys.platform != "win32":
            # There, it would let a second server take the port away.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(
                f"Port {port} of {host} is taken. Stop what listens there, or choose another --port (0 picks a free"
                " one)."
            ) from error
        raise SetupError(f"{host}:{port} cannot be listened on ({error.strerror}). Choose another --host.") from error
    return listener


def url_of(listener: socket.socket) -> str:
    """The address of a listening socket as clients of this machine write it."""
    host, port = listener.getsockname()[:2]
    named = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://{f'[{named}]' if ':' in named else named}:{port}"


class Server(uvicorn.Server):
    """uvicorn's server, which leaves the process's signals alone: whoever runs it decides what ends it.

    `on_stop` is called when it begins to stop, before it waits for the calls under way.
    """

    def __init__(self, config: uvicorn.Config, on_stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_stop = on_stop

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop to listen, and let the calls under way end."""
        self._on_stop()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Nothing: uvicorn would raise the signal again before the shops are closed."""
        yield


def make_server(app: App, *, grace: int = GRACE) -> Server:
    """A server for the app, without what loopsim does itself or does not need."""
    config = uvicorn.Config(
        app,
        http=Protocol,
        ws="none",
        lifespan="off",
        interface="asgi3",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        log_config=None,
        log_level="error",
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=grace,
    )
    return Server(config, app.stop_waiting)


async def serve(runtime: Runtime, server: Server, listener: socket.socket, ready: Callable[[], None]) -> None:
    """Serve until the server is told to stop, then close the world; `ready` is called when calls are answered."""
    try:
        await runtime.start()
        try:
            serving = asyncio.ensure_future(server.serve(sockets=[listener]))
            while not server.started and not serving.done():
                await asyncio.sleep(0)
            if server.started:
                ready()
            await serving
        finally:
            await runtime.stop()
    finally:
        listener.close()
        runtime.world.close()


def stop_on_signals(server: Server) -> None:
    """Let the first SIGINT or SIGTERM end the server in order, and a second one at once. For the main thread."""

    def leave() -> None:
        server.force_exit = server.should_exit
        server.should_exit = True

    loop = asyncio.get_running_loop()
    # The loops of Windows have no signal handlers.
    for name in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):
            loop.add_signal_handler(name, leave)


def allow_many_files() -> None:
    """Let this process open as many files as it may: each shop of a folder has three."""
    if sys.platform != "win32":
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def run_loop(main: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine on an event loop of its own: uvloop's where there is one."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(main)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop

    return uvloop.new_event_loop
