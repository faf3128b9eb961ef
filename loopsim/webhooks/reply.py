"""What a receiver answered to a POST."""

from __future__ import annotations

from msgspec import Struct


class Reply(Struct, frozen=True, kw_only=True):
    """A status with headers and body, or the name of an error. `retry_after` is in seconds, `duration_ms` real time,
    `began_ms` when it began by the process's own clock."""

    status: int | None = None
    headers: dict[str, str] = {}
    body: str = ""
    error: str | None = None
    retry_after: float | None = None
    duration_ms: float = 0.0
    began_ms: float = 0.0
