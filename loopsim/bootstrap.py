"""The one place that builds a server: contract, world, runtime, worker, scheduler, app.

    Options ── build ──> Running ── serve ──> until a signal, or `Running.stop`
"""

from __future__ import annotations

import asyncio
import importlib
import pkgutil
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import ModuleType

import uvicorn
from msgspec import Struct

from loopsim import clock as clocks
from loopsim.clock import Clock, Mode, Wall, to_ms
from loopsim.contract import Contract, load_contract
from loopsim.contract.walk import each_operation
from loopsim.errors import SetupError
from loopsim.operations import control, loop, timers
from loopsim.operations.perform import OPERATIONS
from loopsim.scheduler.scheduler import Scheduler
from loopsim.server import control as server_control
from loopsim.server.app import App
from loopsim.server.control.registry import RUNTIME_OPERATIONS
from loopsim.server.hosts import Hosts, is_loopback
from loopsim.server.runtime import Runtime
from loopsim.server.serving import listen, make_server, run_loop, serve, url_of
from loopsim.store.world import Key, World, new_settings
from loopsim.store.worlds import DEFAULT_WORLD
from loopsim.webhooks.worker import Worker

DEFAULT_PORT = 8484
DEFAULT_SHOP = "default"
