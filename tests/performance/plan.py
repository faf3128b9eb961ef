"""How long and how often, in full or quickly."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class Plan(NamedTuple):
    """The size of a bench. `scratch` is a folder for what the measures write."""

    scratch: Path
    rounds: int = 7
    seconds: float = 2.0
    returns: int = 10_000
    many: int = 50_000
    submits: int = 2_000
    orders: int = 10_000
    creates: int = 1_000
    calls: int = 100_000
    starts: int = 11
    shops: int = 100
    timers: int = 10_000
    messages_rounds: int = 5


def quick(scratch: Path) -> Plan:
    """About a minute in all: for a look, not for a verdict."""
    return Plan(
        scratch=scratch,
        rounds=3,
        seconds=0.7,
        returns=2_000,
        many=10_000,
        submits=700,
        orders=3_000,
        creates=500,
        calls=20_000,
        starts=5,
        shops=30,
        timers=10_000,
        messages_rounds=3,
    )
