"""The one place that builds a server: contract, world, runtime, worker, scheduler, app.

Options ── build ──> Running ── run ──> until SIGINT, SIGTERM or `stop`
"""

from __future__ import annotations

import logging
import socket
import sqlite3
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from loopsim.clock import END, EPOCH, MOST_RATE, Clock, Mode, Wall, in_ms, never_back, to_ms
from loopsim.clock import wall as wall_clock
from loopsim.contract import Contract, load_contract
from loopsim.errors import SetupError
from loopsim.operations.index import know_all as know_all
from loopsim.operations.perform import OPERATIONS
from loopsim.scheduler.scheduler import Scheduler
from loopsim.server.app import App
from loopsim.server.control.registry import RUNTIME_OPERATIONS
from loopsim.server.hosts import Hosts
from loopsim.server.runtime import Runtime
from loopsim.server.serving import (
    Server,
    allow_many_files,
    listen,
    make_server,
    run_loop,
    serve,
    stop_on_signals,
    url_of,
)
from loopsim.store.shop import Shop
from loopsim.store.world import Key, World, new_settings
from loopsim.store.worlds import DEFAULT_WORLD, fill, unfilled
from loopsim.urls import is_loopback
from loopsim.webhooks.targets import allowed
from loopsim.webhooks.worker import Worker

log = logging.getLogger("loopsim.server")

DEFAULT_PORT = 8484
DEFAULT_SHOP = "default"


class Options(Struct, frozen=True, kw_only=True):
    """How a server is run.

    `db` None keeps nothing. `seed`, `world`, `clock`, `rate` and `moment` (None: now) are those of the shop that is
    there from the start, unless the folder has it already. `token` is needed to listen beyond loopback.
    """

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    db: Path | None = None
    durable: bool = False
    seed: int = 1
    world: str = DEFAULT_WORLD
    clock: Mode = "real"
    rate: float = 1.0
    moment: datetime | None = None
    allow_hosts: tuple[str, ...] = ()
    allow_targets: tuple[str, ...] = ()
    token: str | None = None


class Running:
    """A server that is built and listens. `url` is its address; `shop` and `key` are those it starts with."""

    def __init__(self, runtime: Runtime, app: App, listener: socket.socket) -> None:
        self.runtime = runtime
        self.app = app
        self.url = url_of(listener)
        self._listener = listener
        self._server: Server = make_server(app)

    @property
    def shop(self) -> Shop:
        """The shop that is there from the start."""
        return self.runtime.world.shop(DEFAULT_SHOP)

    @property
    def key(self) -> Key | None:
        """Its oldest API key; None where all were taken back."""
        return next(iter(self.runtime.world.keys_of(DEFAULT_SHOP)), None)

    def run(self, ready: Callable[[], None] = lambda: None, *, signals: bool = True) -> None:
        """Serve in this thread until a signal (main thread only) or `stop`, then close everything.

        `ready` is called on the event loop as soon as calls are answered.
        """

        async def main() -> None:
            if signals:
                stop_on_signals(self._server)
                allow_many_files()
            await serve(self.runtime, self._server, self._listener, ready)

        run_loop(main())

    def may_post(self, url: str, allow_targets: tuple[str, ...]) -> bool:
        """Whether webhooks of the first shop go to a URL, with what `Options.allow_targets` names."""
        return allowed(url, (*self.shop.settings.allowed_targets, *allow_targets))

    def stop(self) -> None:
        """Let `run` end; from any thread."""
        self._server.should_exit = True

    def close(self) -> None:
        """Let go of what was built, where it is never run."""
        self._listener.close()
        self.runtime.world.close()


def build(options: Options | None = None, *, wall: Wall = wall_clock, contract: Contract | None = None) -> Running:
    """Build a server that listens and is ready to run. Raises `SetupError` for whatever stands in the way."""
    options = options or Options()
    wall = never_back(wall)
    hosts = _hosts(options)
    know_all()
    contract = contract or load_contract()
    check_registered(contract)
    listener = listen(options.host, options.port)
    try:
        world = World(options.db, "power" if options.durable else "process", wall=wall)
    except BaseException:
        listener.close()
        raise
    try:
        _ensure_default_shop(world, contract, options, wall)
        _fill_all(world)
        runtime = Runtime(world, contract, wall=wall)
        runtime.worker = Worker(
            wall=wall,
            allow_targets=options.allow_targets,
            on_settled=runtime.settled,
            on_timers=runtime.timers_changed,
        )
        runtime.scheduler = Scheduler(
            world, wall=wall, after=runtime.after, worker=runtime.worker, says_idle=runtime.worker.says_idle
        )
        return Running(runtime, App(runtime, hosts), listener)
    except BaseException:
        listener.close()
        world.close()
        raise


def check_registered(contract: Contract) -> None:
    """Raise `SetupError` for functions of operations that the contract does not have."""
    known = {*contract.operation_ids("loop"), *contract.operation_ids("control")}
    strangers = sorted((OPERATIONS.keys() | RUNTIME_OPERATIONS.keys()) - known)
    if strangers:
        raise SetupError(
            f"Functions are registered for operations that openapi/ does not have: {', '.join(strangers)}."
            " Describe them there, or take the functions away."
        )


def _hosts(options: Options) -> Hosts:
    loopback = is_loopback(options.host)
    if not loopback and not options.token:
        raise SetupError(
            f"Listening on {options.host} lets other machines in. Give a --token that they must bring, or stay on"
            " 127.0.0.1."
        )
    # An address that stands for all of them is no name anybody calls.
    own = () if options.host in ("", "0.0.0.0", "::") else (options.host,)
    return Hosts((*options.allow_hosts, *own), options.token)


def _ensure_default_shop(world: World, contract: Contract, options: Options, wall: Wall) -> None:
    if DEFAULT_SHOP in world.shops:
        return
    if options.moment is not None and not EPOCH <= options.moment <= END:
        raise SetupError("A shop's time lies between 1970 and 2999. Choose another --moment.")
    if not 0 < options.rate <= MOST_RATE:
        raise SetupError(f"A clock runs more than 0 and at most {MOST_RATE:,} times as fast as the wall. Mend --rate.")
    wall_ms = in_ms(wall)
    start_ms = wall_ms if options.moment is None else to_ms(options.moment)
    clock = Clock(mode=options.clock, rate=options.rate, shop_ms=start_ms, wall_ms=wall_ms)
    settings = new_settings(DEFAULT_SHOP, seed=options.seed, world=options.world)
    try:
        world.create(DEFAULT_SHOP, settings=settings, clock=clock)
        world.add_key(DEFAULT_SHOP, contract.scopes(), "default")
    except (OSError, sqlite3.OperationalError) as error:
        raise SetupError(
            f"The first shop cannot be written to {options.db} ({error}). Make room or give rights, or choose another"
            " folder with --db."
        ) from error


def _fill_all(world: World) -> None:
    """Give the first shop the orders of a generated world, and any that a server left before it had them all."""
    for shop in world.shops.values():
        if unfilled(shop):
            log.info("Making the goods and orders of shop %s; that takes some seconds", shop.name)
        try:
            fill(shop)
        except sqlite3.OperationalError as error:
            raise SetupError(
                f"Shop {shop.name} cannot be filled ({error}). Make room, or choose another folder with --db."
            ) from error
