"""What everything is measured against: a raw ASGI app that answers with the same bytes, whatever is asked.

python -m uvicorn tests.performance.raw_app:app      the bytes are those of the file that $RAW_BODY names
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

BODY = Path(os.environ["RAW_BODY"]).read_bytes()
START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(BODY))],
}
REST = {"type": "http.response.body", "body": BODY}


async def app(scope: dict[str, Any], receive: object, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
    """Answer anything."""
    assert scope["type"] == "http", receive
    await send(START)
    await send(REST)
