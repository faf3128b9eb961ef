"""Asking a partner whether it has anything left to do, where a shop's setting `idle_probe` says how."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loopsim.domain.shop import IdleProbe
from loopsim.store.codec import decode
from loopsim.webhooks.targets import Target

if TYPE_CHECKING:
    from loopsim.webhooks.attempt import Sender

TIMEOUT_MS = 2000  # of real time; a partner that is too busy to say so is not waited for any longer
_HEADERS = {"Accept": "application/json"}
_MISSING = object()


async def ask(probe: IdleProbe, target: Target, sender: Sender) -> bool | str:
    """Whether the partner says that it is idle; a text says why that cannot be told."""
    reply = await sender.get(probe.url, target, _HEADERS, TIMEOUT_MS)
    if reply.status is None:
        return f"{probe.url} gave no answer ({reply.error})"
    if not 200 <= reply.status < 300:
        return f"{probe.url} answered {reply.status}"
    try:
        value = member(decode(Any, reply.body.encode()), probe.path)
    except ValueError:
        return f"{probe.url} answered with something that is no JSON"
    return f"the answer of {probe.url} has no {probe.path}" if value is _MISSING else value is True


def member(value: Any, path: str) -> Any:
    """The member of a JSON value at a dotted path."""
    for name in path.split("."):
        if not isinstance(value, dict) or name not in value:
            return _MISSING
        value = value[name]
    return value
