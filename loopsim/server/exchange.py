"""One call of Loop's API on its way from path to answer."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter

from loopsim.contract import Validated
from loopsim.domain.faults import Fault
from loopsim.server.auth import Entrance
from loopsim.server.places import Place
from loopsim.server.requests import Headers, Scope
from loopsim.store.shop import Shop

MOST_NAMED = 1000


class Exchange:
    """One call and what becomes of it. `shop` is the one it is about, where that is known; `at_ms` is its time;
    `held_back`: a fault let it wait."""

    __slots__ = (
        "at_ms",
        "bearer",
        "began",
        "count",
        "dead_token",
        "entrance",
        "fault",
        "headers",
        "held_back",
        "more",
        "note",
        "place",
        "raw",
        "refusal",
        "retry_after",
        "scope",
        "shop",
        "truncated",
        "unknown",
    )

    def __init__(self, scope: Scope, headers: Headers, place: Place, entrance: Entrance | None, bearer: bool) -> None:
        self.began = perf_counter()
        self.scope = scope
        self.headers = headers
        self.place = place
        self.entrance = entrance
        self.bearer = bearer
        self.shop: Shop | None = None if entrance is None else entrance.shop
        self.dead_token: str | None = None
        self.at_ms = 0
        self.raw = b""
        self.fault: Fault | None = None
        self.held_back = False
        self.refusal: str | None = None
        self.retry_after: int | None = None
        self.unknown: list[str] | None = None
        self.count: int | None = None
        self.more = False
        self.note: str | None = None
        self.truncated: list[str] | None = None

    def tell(self, validated: Validated, where: str = "") -> None:
        """Let the journal say what was dropped of a body without a word; `where` leads to it. Of very much it has the
        beginning."""
        if validated.unknown:
            self.unknown = _longer(self.unknown, validated.unknown, where)
        if validated.truncated:
            self.truncated = _longer(self.truncated, validated.truncated, where)


def _longer(told: list[str] | None, names: Sequence[str], where: str) -> list[str]:
    # An operation may be performed twice, and tells the same of its lines then.
    return list(dict.fromkeys([*(told or ()), *(where + name for name in names)]))[:MOST_NAMED]
