"""What rules judge: the journal of one story as typed records, and what provocations and probes showed.

Made from the plain entries of the control API (`GET /_loopsim/shops/{shop}/journal`, oldest first), so that a loopsim
elsewhere is judged by the same code.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

ProvocationKind = Literal[
    "forged_signature", "unsigned", "reserialised", "duplicate", "swapped", "late", "unknown_field", "unknown_enum",
    "nulls", "not_available", "empty_payload", "slow_loop", "refused_action", "answer_lost", "too_many", "server_error",
]  # fmt: skip


class Provocation(Struct, frozen=True, kw_only=True):
    """What was done to the partner on purpose, and its effect.

    `effect`: how the partner's writing calls (operation, path, body, with ids made comparable) and its probed state
    differ from the undisturbed run, in one sentence each. `control`: whether the genuine counterpart has any visible
    effect; without it the absence of an effect proves nothing. `alive`: whether the partner answered afterwards.
    `statuses`: what it answered to the provoking deliveries. `why` says why it can show nothing, where it cannot.
    """

    kind: ProvocationKind
    effect: tuple[str, ...] = ()
    control: bool = False
    alive: bool = True
    statuses: tuple[int | None, ...] = ()
    entries: tuple[int, ...] = ()
    why: str = ""


class Evidence(Struct, frozen=True, kw_only=True):
    """All that is known of one story: its journal entries as the control API gives them, whether some fell out, the
    partner's states as probed (in order), the returns as they were in Loop then (views of the control API), and the
    provocations."""

    entries: tuple[dict[str, Any], ...] = ()
    complete: bool = True
    probes: tuple[dict[str, Any], ...] = ()
    returns: tuple[dict[str, Any], ...] = ()
    provocations: tuple[Provocation, ...] = ()
