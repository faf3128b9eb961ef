"""Switches of what partners use: OAuth, Checkout+, Ship by Loop, bulk operations."""

from __future__ import annotations

from typing import Any

from msgspec import structs

from loopsim.domain import durations
from loopsim.server.auth import may
from tests.quirks.patching import Patch, Switch


def _endless(patch: Patch) -> None:
    hour = durations.DURATIONS["oauth_token"]
    patch.item(durations.DURATIONS, "oauth_token", structs.replace(hour, high=10**9, low=10**9))


def _anywhere(patch: Patch) -> None:
    def admitted(entrance: Any, operation: Any, *, bearer: bool) -> bool:
        return entrance is not None if bearer else may(entrance, operation, bearer=bearer)

    patch.everywhere(may, admitted)


SWITCHES: dict[str, Switch] = {
    "oauth-token-hour": _endless,
    "oauth-bearer-places": _anywhere,
}
