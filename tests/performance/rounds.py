"""Alternating rounds: the baseline is measured before and after each candidate, so that a busy machine slows both."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from tests.performance.load import Load, each_once
from tests.performance.servers import Process

Measure = Callable[[], Load]


class Compared:
    """The loads of one candidate with those of the baseline around them, round by round."""

    def __init__(self) -> None:
        self.loads: list[Load] = []
        self.baselines: list[float] = []

    @property
    def ratios(self) -> tuple[float, ...]:
        """The candidate's rate over the baseline's, per round."""
        return tuple(load.rate / base for load, base in zip(self.loads, self.baselines, strict=True))

    @property
    def rate(self) -> float:
        """Answers per second, median."""
        return statistics.median(load.rate for load in self.loads)

    @property
    def says(self) -> str:
        """Rates and latencies in words."""
        p50, p99 = (statistics.median(getattr(load, name) for load in self.loads) for name in ("p50", "p99"))
        base = statistics.median(self.baselines)
        return f"{self.rate:,.0f}/s against {base:,.0f}/s, p50 {p50:.1f} ms, p99 {p99:.1f} ms"


def alternate(baseline: Measure, candidates: Mapping[str, Measure], rounds: int) -> dict[str, Compared]:
    """Measure all candidates in every round, each between two measurements of the baseline.

    Raises `AssertionError` where an answer was no success: its rate would mean nothing.
    """
    compared = {name: Compared() for name in candidates}
    for _ in range(rounds):
        before = _clean("baseline", baseline()).rate
        for name, candidate in candidates.items():
            load = _clean(name, candidate())
            after = _clean("baseline", baseline()).rate
            compared[name].loads.append(load)
            compared[name].baselines.append((before + after) / 2)
            before = after
    return compared


class Sent(NamedTuple):
    """Requests, and the server that they are for."""

    server: Process
    requests: Sequence[bytes]


def processor_ratios(
    first: Callable[[], Sent], second: Callable[[], Sent], rounds: int
) -> tuple[tuple[float, ...], str]:
    """How many answers to `second` the processor makes in the time of one to `first`, per round; both times in words.

    Whatever else runs on the machine counts less than it does for rates.
    """
    spent = [(_processor_ms(first()), _processor_ms(second())) for _ in range(rounds)]
    one, other = (statistics.median(column) for column in zip(*spent, strict=True))
    return tuple(a / b for a, b in spent), f"{other:.2f} ms of the processor an answer against {one:.2f} ms"


def _processor_ms(sent: Sent) -> float:
    before = sent.server.processor_seconds()
    _clean("the server", each_once(sent.server.port, sent.requests))
    return (sent.server.processor_seconds() - before) * 1000 / len(sent.requests)


def _clean(name: str, load: Load) -> Load:
    assert not load.bad, f"{name}: {load.bad} answers were no success"
    return load
