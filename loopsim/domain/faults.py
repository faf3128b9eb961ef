"""Faults a shop is told to show, as data: on deliveries, and on answers to API calls."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct, field

from loopsim.domain import chance

DeliveryFault = Literal["duplicate", "swap", "delay", "tamper", "drop"]
AnswerFault = Literal["latency", "too_many", "server_error", "reset", "answer_lost", "truncated"]


class Fault(Struct, frozen=True, kw_only=True):
    """One fault. It acts on what matches (`operation` for answers; `trigger`, `topic`, `subscription_id` for
    deliveries; None matches all), `count` times or, with `rate`, on that seeded share of matches for as long as `count`
    lasts.

    `params`: `seconds` (delay; shop time), `ms` (latency; real time), `status` (server_error), `retry_after`
    (too_many), `copies` (duplicate), `what` (tamper: `signature`, `body`, `unsigned`).
    """

    id: int
    on: Literal["delivery", "answer"]
    kind: DeliveryFault | AnswerFault
    operation: str | None = None
    trigger: str | None = None
    topic: str | None = None
    subscription_id: int | None = None
    count: int | None = 1
    rate: float | None = None
    params: dict[str, Any] = field(default_factory=dict)
    seen: int = 0


def strikes(fault: Fault, seed: int) -> bool:
    """Whether the fault acts on this match, its `seen`-th."""
    if fault.count is not None and fault.count <= 0:
        return False
    return fault.rate is None or chance.fraction(seed, "fault", fault.id, fault.seen) < fault.rate


def matches_delivery(fault: Fault, trigger: str, topic: str, subscription_id: int) -> bool:
    """Whether the fault is about such a delivery."""
    return (
        fault.on == "delivery"
        and fault.trigger in (None, trigger)
        and fault.topic in (None, topic)
        and fault.subscription_id in (None, subscription_id)
    )


def matches_answer(fault: Fault, operation: str) -> bool:
    """Whether the fault is about answers of this operation."""
    return fault.on == "answer" and fault.operation in (None, operation)
