"""Is the server up, and what can it do?"""

from __future__ import annotations

import time

from loopsim import __version__
from loopsim.operations.perform import OPERATIONS, Answer, Call
from loopsim.server.control.registry import RUNTIME_OPERATIONS
from loopsim.server.runtime import Runtime


async def get_health(runtime: Runtime, _call: Call) -> Answer:
    """Version, versions of Loop's API, and the control operations that are there, under `capabilities`."""
    control = set(runtime.contract.operation_ids("control"))
    return Answer(
        {
            "status": "ok",
            "version": __version__,
            "api_versions": list(runtime.contract.versions),
            "capabilities": sorted(control & (OPERATIONS.keys() | RUNTIME_OPERATIONS.keys())),
            "shops": len(runtime.world.shops),
            "uptime": round(time.monotonic() - runtime.started, 3),
        }
    )
