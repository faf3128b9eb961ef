"""Asking a partner whether it has anything left to do, where a shop's setting `idle_probe` says how."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from loopsim.clock import to_ms
from loopsim.domain.shop import IdleProbe
from loopsim.store.codec import decode
from loopsim.store.journal import Entry
from loopsim.webhooks.hand import Hand
from loopsim.webhooks.sending import Now
from loopsim.webhooks.targets import allowed, target_of, why_blocked

if TYPE_CHECKING:
    from loopsim.webhooks.attempt import Sender

OpenSender = Callable[[], Awaitable["Sender"]]
TIMEOUT_MS = 2000  # of real time; a partner that is too busy to say so is not waited for any longer
MOST = 64 * 1024  # bytes that are read of an answer
_HEADERS = {"Accept": "application/json"}
_MISSING = object()


async def says_idle(hand: Hand, sender: OpenSender, allow_targets: tuple[str, ...], now: Now) -> bool | None:
    """Whether a shop's partner says that it has nothing left to do. None where it cannot be asked: the journal says
    why, once as long as the reason is the same."""
    shop = hand.shop
    if shop.settings.idle_probe is None:
        return None
    says = await _ask(shop.settings.idle_probe, (*shop.settings.allowed_targets, *allow_targets), sender)
    trouble = says if isinstance(says, str) else None
    if trouble is not None and trouble != hand.probe_trouble:
        note = f"The idle probe is of no use: {trouble}. Calls of the partner are watched instead (`quiet_for`)."
        shop.journal.add(Entry(at=to_ms(now(shop)), direction="inside", kind="note", note=note))
    hand.probe_trouble = trouble
    return None if isinstance(says, str) else says


async def _ask(probe: IdleProbe, listed: tuple[str, ...], sender: OpenSender) -> bool | str:
    """What the partner says; a text says why that cannot be told."""
    target = target_of(probe.url)
    if target is None or not allowed(probe.url, listed):
        return why_blocked(probe.url)
    reply = await (await sender()).get(probe.url, target, _HEADERS, TIMEOUT_MS)
    if reply.status is None:
        return f"{probe.url} gave no answer ({reply.error})"
    if not 200 <= reply.status < 300:
        return f"{probe.url} answered {reply.status}"
    if len(reply.body.encode()) >= MOST:
        return f"{probe.url} answered with more than {MOST // 1024} KiB; give an address that says less"
    try:
        value = _member(decode(Any, reply.body.encode()), probe.path)
    except ValueError:
        return f"{probe.url} answered with something that is no JSON"
    return f"the answer of {probe.url} has no {probe.path}" if value is _MISSING else value is True


def _member(value: Any, path: str) -> Any:
    """The member of a JSON value at a dotted path."""
    for name in path.split("."):
        if not isinstance(value, dict) or name not in value:
            return _MISSING
        value = value[name]
    return value
