"""What a scenario can say: acts, time, faults, expectations. `WORDS` has them all."""

from loopsim.harness.words import (
    acts,
    calls,
    clock,
    deliveries,
    ends,
    faults,
    integration,
    probes,
    public,
    settings,
    shopper,
    states,
    tasks,
)
from loopsim.harness.words.registry import WORDS, Word, arguments_of, word

__all__ = [
    "WORDS",
    "Word",
    "acts",
    "arguments_of",
    "calls",
    "clock",
    "deliveries",
    "ends",
    "faults",
    "integration",
    "probes",
    "public",
    "settings",
    "shopper",
    "states",
    "tasks",
    "word",
]
