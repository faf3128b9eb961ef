"""The provocation that has Loop refuse an action with status 200, and what the partner makes of it.

Two stories are walked event by event: in one the action is accepted, in the other staff has flagged the return, so that
Loop refuses. What the partner does and holds right after the refusal must not be what it does and holds after success.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from msgspec import Struct

from loopsim.client import ControlError, Shop
from loopsim.harness.disturbances import JOURNEY, UNTIL_LABEL
from loopsim.harness.probe import ProbeFailed
from loopsim.harness.story import Story
from loopsim.harness.words.probes import about_return
from loopsim.rules.evidence import Evidence
from loopsim.rules.traffic import ACTIONS, Call, Traffic

_EVENTS = 5  # that are waited for when the parcel is there


class Walk(Struct):
    """A return up to the partner's first action on it: the partner's state before and after, and that call; whether
    there is a probe that tells such states."""

    before: Any = None
    after: Any = None
    call: Call | None = None
    probed: bool = False


def walk(story: Story, *, refuse: bool) -> Walk:
    """Walk a return until the partner acts on it; with `refuse` Loop will not have it processed."""
    made = story.shop.customer.submits_return(items=[{"outcome": "refund"}])
    return_id, walked = int(made["id"]), Walk(probed=story.partner.probe is not None)
    story.settle()
    if refuse:
        story.shop.staff.flags(return_id=return_id)
        story.settle()
    story.shop.clock.advance(by=UNTIL_LABEL)
    for step in _steps(story.shop, return_id):
        walked.before = _state(story, return_id)
        with suppress(ControlError):
            step()
        story.settle()
        walked.call = _action(story, return_id)
        if walked.call is not None:
            walked.after = _state(story, return_id)
            break
    return walked


def _steps(shop: Shop, return_id: int) -> list[Callable[[], Any]]:
    """What may bring the partner to act: the parcel on its way, then time."""
    scans = [partial(shop.carrier.scans, return_id=return_id, status=status) for status in JOURNEY]
    return [*scans, *[partial(shop.clock.advance, next_event=True)] * _EVENTS]


def taken_for_success(accepted: Walk, refused: Walk) -> tuple[str, ...]:
    """In a sentence each: what shows that the partner took the refusal for success."""
    if refused.call is None or accepted.call is None or refused.call.accepted or not accepted.call.accepted:
        return ()
    told = accepted.after is not None and accepted.after != accepted.before
    if told and refused.after == accepted.after:
        return (f"its own state of the return became {refused.after!r}, as after success ({refused.call.message})",)
    return ()


def why_untold(accepted: Walk) -> str:
    """Why nobody can see what the partner makes of a refusal: its own state does not tell success."""
    if not accepted.probed:
        return "Success does not show in the partner's own state: give loopsim a probe (--probe)."
    if accepted.call is None or not accepted.call.accepted:
        return "The partner asked for no action that Loop accepted, so that success cannot be told from refusal."
    done = accepted.call.operation or "the action"
    if accepted.after is None:
        return f"The probe told no state of the return after Loop had accepted {done}: see --probe-path."
    return (
        f"The partner's own state stayed {accepted.after!r} when Loop accepted {done}, so that success does not show in"
        " it: let the probe tell a state that changes with the action."
    )


def _action(story: Story, return_id: int) -> Call | None:
    calls = Traffic(Evidence(entries=tuple(story.journal.entries))).of(*ACTIONS)
    return next((call for call in calls if call.return_id == return_id), None)


def _state(story: Story, return_id: int) -> Any:
    probe = story.partner.probe
    if probe is None:
        return None
    with suppress(ProbeFailed):
        return probe.state(about_return(story, return_id))
    return None
