"""Faults on answers: which one acts on a call, and how it uses itself up."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from msgspec import structs

from loopsim.clock import from_ms
from loopsim.domain.faults import Fault, matches_answer, strikes
from loopsim.errors import Refusal
from loopsim.operations.perform import Answer
from loopsim.server.auth import Counter
from loopsim.server.requests import Disconnected, ShopGone
from loopsim.store.shop import Shop

KIND = "fault"
NO_FAULTS: tuple[Fault, ...] = ()
LOST = ("reset", "answer_lost")
"""Kinds of fault after which the caller has no answer."""


class Struck(NamedTuple):
    """What happens to a call: seconds of real time it waits, and the fault in the place of its answer."""

    wait: float
    fault: Fault | None


UNHARMED = Struck(0.0, None)


def read_faults(shop: Shop, counter: Counter) -> tuple[Fault, ...]:
    """The answer faults of a shop, from memory where they were read before."""
    if counter.faults is None:
        counter.faults = tuple(fault for fault in shop.records.all(KIND, Fault) if fault.on == "answer")
    return counter.faults


def strike(shop: Shop, counter: Counter, operation: str, now_ms: int) -> Struck:
    """What the shop's faults do to a call of this operation: the first that replaces the answer, all that wait."""
    faults = read_faults(shop, counter)
    if not faults:
        return UNHARMED
    wait = 0.0
    chosen: Fault | None = None
    used: dict[int, Fault] = {}
    for fault in faults:
        if not matches_answer(fault, operation) or fault.count == 0 or (chosen is not None and fault.kind != "latency"):
            continue
        struck = strikes(fault, shop.settings.seed)
        left = fault.count if fault.count is None or not struck else fault.count - 1
        used[fault.id] = structs.replace(fault, seen=fault.seen + 1, count=left)
        if struck and fault.kind == "latency":
            wait += float(fault.params.get("ms", 0)) / 1000
        elif struck:
            chosen = fault
    if used:
        with shop.transaction(from_ms(now_ms)) as transaction:
            for fault in used.values():
                transaction.put(KIND, fault.id, fault)
        counter.faults = tuple(used.get(fault.id, fault) for fault in faults)
    return Struck(wait, chosen)


async def hold_back(shop: Shop, seconds: float) -> None:
    """Let an answer be late on purpose. Raises `Disconnected` where the server stops meanwhile, and `ShopGone`."""
    try:
        await asyncio.wait_for(shop.gone.wait(), seconds)
    except TimeoutError:
        return
    except asyncio.CancelledError:
        raise Disconnected from None
    raise ShopGone


def in_place_of_answer(fault: Fault) -> Answer:
    """The answer of a fault; raises the refusal that it plays."""
    if fault.kind == "too_many":
        raise Refusal("too_many_attempts", retry_after=int(fault.params.get("retry_after", 1)))
    if fault.kind == "server_error":
        raise Refusal("server_error")
    return Answer(b"", 0)


def in_fault(fault: Fault | None, answer: Answer) -> Answer:
    """The answer with the status that a fault asks for."""
    if fault is None or fault.kind != "server_error":
        return answer
    return Answer(answer.body, int(fault.params.get("status", answer.status)), answer.headers)
