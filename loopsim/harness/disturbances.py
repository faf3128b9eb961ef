"""What provocations do to the partner, and the story that they disturb.

A story: another return is there first (the bystander, which odd payloads are about), then the lifecycle, then rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from msgspec import Struct, field

from loopsim.client import ControlError
from loopsim.harness.crafting import CHANGES, crafted
from loopsim.harness.document import Scenario, StepDocument
from loopsim.harness.effects import COUNTED
from loopsim.harness.failures import ExpectationFailed, StoryOver
from loopsim.harness.journal import json_of
from loopsim.harness.partner import unreachable
from loopsim.harness.play import play
from loopsim.harness.story import Story
from loopsim.rules.evidence import ProvocationKind
from loopsim.rules.traffic import Call

Fault = dict[str, Any]
Body = Callable[[Story], None]

JOURNEY = ("in_transit", "out_for_delivery", "delivered")
UNTIL_LABEL = "10s"
SLOW_MS = 700
_SLOW_CALLS = 3
_LATE = 20 * 24 * 3600  # seconds
_REST_MS = 4_500  # how long a partner may pause between two tries, where it does not say when it is idle
_RATE = 10.0
_OVERTAKEN = 3600  # seconds
_NOT_ACTS = ("expect.", "faults.", "loop.sends", "resend", "partner.restarts", "secret.rotates")
_PREFERRED = ("processReturn", "createNote", "createLabel", "removeLineItems")


class Course(Struct):
    """What came of a story beside its journal: ids of the bystander and of the return that was cancelled, each with
    those of its items, and whether the partner lives."""

    bystander: set[int] = field(default_factory=set)
    cancelled: int = 0
    cancelled_ids: set[int] = field(default_factory=set)
    alive: bool = True


class Disturbance(Struct, frozen=True, kw_only=True):
    """What is done: faults from the beginning or, with `later`, when the bystander is there; settings of the shop, odd
    payloads about the bystander, every delivery once more at the end, a cancellation that overtakes the news that the
    parcel has arrived (`overtaken`, of a return of its own), no webhooks at all. `patient`: the partner
    may have to wait, and gets the time for it; `running`: the shop's clock runs on meanwhile, so that what Loop has
    queued is done when the partner looks again."""

    faults: tuple[Fault, ...] = ()
    later: bool = False
    settings: dict[str, Any] = field(default_factory=dict)
    odd: ProvocationKind | None = None
    again: bool = False
    overtaken: bool = False
    silent: bool = False
    patient: bool = False
    running: bool = False


NOTHING = Disturbance()
SILENT = Disturbance(silent=True)


def disturbance(kind: ProvocationKind, calls: Iterable[Call]) -> Disturbance | None:
    """What a provocation does to a partner that usually makes these calls; None where they give nothing to disturb."""
    if kind in CHANGES:
        return Disturbance(odd=kind)
    if kind in _ON_DELIVERIES:
        return _ON_DELIVERIES[kind]
    asked = [call.operation for call in calls if call.operation]
    risky = sorted({each for each in asked if each in COUNTED}, key=_place)
    if kind == "slow_loop":
        return Disturbance(faults=(_fault("latency", _SLOW_CALLS, ms=SLOW_MS),), patient=True) if asked else None
    struck = risky or [each for each in asked if each][:1]
    if not struck or (kind == "answer_lost" and not risky):
        return None
    if kind == "answer_lost":
        return Disturbance(faults=(_fault(kind, operation=struck[0]),), patient=True, running=True)
    if kind == "too_many":
        return Disturbance(faults=(_fault(kind, operation=struck[0], retry_after=1),), patient=True)
    return Disturbance(faults=(_fault("server_error", operation=struck[0]),), patient=True)


def go(story: Story, body: Body, disturbed: Disturbance, course: Course) -> None:
    """Play the story. What Loop refuses and what the partner breaks are no reason to stop it."""
    shop = story.shop
    try:
        if disturbed.settings:
            shop.update(**disturbed.settings)
        if not disturbed.later:
            _start(story, disturbed.faults)
        if disturbed.silent:
            for row in shop.subscriptions():
                shop.update_subscription(row["id"], status="inactive")
        _bystander(story, course)
        if disturbed.later:
            _start(story, disturbed.faults)
        if disturbed.odd is not None:
            _send_odd(story, disturbed.odd, course)
        if disturbed.running:
            shop.clock.set("scaled", rate=_RATE)
        with suppress(ControlError, ExpectationFailed):
            body(story)
        _rest(story, disturbed)
        if disturbed.again:
            for row in shop.deliveries(limit=1000):
                shop.resend(row["id"])
            _rest(story, disturbed)
        if disturbed.overtaken:
            _overtake(story, course)
            _rest(story, disturbed)
    except StoryOver:
        course.alive = False
        return
    target = story.partner.target
    course.alive = not target or not unreachable(target)


def lifecycle(story: Story) -> None:
    """A return from its beginning to whatever end it comes to."""
    made = story.shop.customer.submits_return(items=[{"outcome": "refund"}])
    story.shop.clock.advance(by=UNTIL_LABEL)
    for status in JOURNEY:
        # Where the carrier goes by its own timetable this is only earlier.
        with suppress(ControlError):
            story.shop.carrier.scans(return_id=made["id"], status=status)
        story.settle()
    story.shop.clock.advance(until_idle=True)


def acts_of(scenario: Scenario) -> Body:
    """The acts of a scenario, without what it expects and without its faults."""
    steps = tuple(step for step in scenario.steps if not step.word.startswith(_NOT_ACTS))
    return lambda story: _play(story, scenario, steps)


def _play(story: Story, scenario: Scenario, steps: tuple[StepDocument, ...]) -> None:
    from msgspec import structs

    play(story, structs.replace(scenario, steps=steps))


def _start(story: Story, faults: tuple[Fault, ...]) -> None:
    for fault in faults:
        story.shop.fault(**fault)


def _bystander(story: Story, course: Course) -> None:
    with suppress(ControlError):
        made = story.shop.customer.submits_return(items=[{"outcome": "refund"}])
        course.bystander = _ids_of(story, int(made["id"]))
        story.shop.clock.advance(by=UNTIL_LABEL)


def _ids_of(story: Story, return_id: int) -> set[int]:
    """The ids of a return and of its items, as webhooks tell them."""
    ids = {return_id}
    for row in story.shop.deliveries(limit=100, return_id=return_id):
        payload = json_of(story.shop.delivery(row["id"])["payload"])
        items = payload.get("line_items") if isinstance(payload, dict) else None
        ids |= {int(item["line_item_id"]) for item in items or () if "line_item_id" in item}
    return ids


def _overtake(story: Story, course: Course) -> None:
    """A return whose parcel arrives, and that is cancelled; the partner hears of the arrival after the cancellation."""
    shop = story.shop
    with suppress(ControlError):
        made = shop.customer.submits_return(items=[{"outcome": "refund"}])
        course.cancelled = int(made["id"])
        course.cancelled_ids = _ids_of(story, course.cancelled)
        shop.clock.advance(by=UNTIL_LABEL)
        shop.fault(**_fault("delay", None, seconds=_OVERTAKEN))
        shop.carrier.scans(return_id=made["id"], status=JOURNEY[-1])
        shop.clear_faults()
        shop.staff.cancels(return_id=made["id"])
        story.settle()
        shop.clock.advance(until_idle=True)


def _of_bystander(story: Story, course: Course) -> list[dict[str, Any]]:
    return [row for row in story.shop.deliveries(limit=100) if row["return_id"] in course.bystander]


def _send_odd(story: Story, kind: ProvocationKind, course: Course) -> None:
    """An odd copy of the last delivery to each subscription that has heard of the bystander."""
    last = {row["subscription_id"]: row for row in _of_bystander(story, course)}
    for row in last.values():
        payload = crafted(kind, story.shop.delivery(row["id"])["payload"])
        about = {name: row[name] for name in ("topic", "trigger", "return_id")}
        story.shop.send(row["subscription_id"], payload, signature="genuine", **about)
        story.settle()


def _rest(story: Story, disturbed: Disturbance) -> None:
    if disturbed.patient:
        story.settle(quiet_for=None if story.idle_probe else _REST_MS)
        if disturbed.running:
            story.shop.clock.set("manual")
        story.shop.clock.advance(until_idle=True)
    story.settle()


def _fault(kind: str, count: int | None = 1, operation: str | None = None, **params: Any) -> Fault:
    fault: Fault = {"kind": kind, "count": count, "params": params}
    return fault if operation is None else {**fault, "operation": operation}


def _place(operation: str) -> tuple[int, str]:
    known = _PREFERRED.index(operation) if operation in _PREFERRED else len(_PREFERRED)
    return known, operation


_ON_DELIVERIES: dict[ProvocationKind, Disturbance] = {
    "forged_signature": Disturbance(faults=(_fault("tamper", None, what="signature"),)),
    "unsigned": Disturbance(faults=(_fault("tamper", None, what="unsigned"),)),
    "reserialised": Disturbance(faults=(_fault("tamper", None, what="reserialised"),)),
    "duplicate": Disturbance(faults=(_fault("duplicate", None, copies=2),), again=True),
    "swapped": Disturbance(faults=(_fault("swap", None),)),
    "late": Disturbance(faults=(_fault("delay", 3, seconds=_LATE),), later=True, overtaken=True),
    "unknown_field": Disturbance(settings={"quirks": {"unknown_field": "on"}}),
}
