"""All lifecycles as one list of steps: what the journal can say that moved."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from msgspec import Struct

from loopsim.domain.events import NONE
from loopsim.domain.labels import JOURNEY, LABEL_REQUESTS, USELESS
from loopsim.domain.returns import LIFECYCLE

BEGINNINGS = ("open", "review")
"""The states that a return is submitted into."""


class Transition(Struct, frozen=True):
    """A step of a `return`, `label` or `label_request`; what is made comes from the state `none`."""

    entity: str
    state: str
    action: str
    to: str


def transitions() -> Iterator[Transition]:
    """Every step. Of labels only those of an ordinary parcel: a scan may skip some, go back, or follow a failure."""
    for beginning in BEGINNINGS:
        yield Transition("return", NONE, "submit", beginning)
    for action, moves in LIFECYCLE.items():
        for state, move in moves.items():
            yield Transition("return", state, action, move.to)
    yield Transition("label", NONE, "make", JOURNEY[0])
    for status, following in pairwise(JOURNEY):
        for to in (following, *sorted(USELESS)):
            yield Transition("label", status, "scan", to)
    yield Transition("label_request", NONE, "issue", "issued")
    for decision, steps in LABEL_REQUESTS.items():
        for before, after in steps.items():
            yield Transition("label_request", before, decision, after)
