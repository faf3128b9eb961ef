"""Mutants of the reference warehouse, made by mutmut's engine: small changes that nobody chose, a few drawn by a seed.

What has to do with text for people and with starting up is left alone: what a mutant does there only people see, or it
never runs at all.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import libcst
from libcst.metadata import MetadataWrapper
from mutmut.mutation.file_mutation import MutationVisitor
from mutmut.mutation.mutators import mutation_operators
from mutmut.mutation.pragma_handling import IgnoredCode

from tests.defects.defect import ROOT, WAREHOUSE

LEFT_ALONE = frozenset({"say", "main", "log_message", "_answer", "__init__", "do_GET", "state"})


@dataclass(frozen=True)
class Mutant:
    """One mutant: its number among all, the `function` it is in, the text `before` and `after`, the whole program."""

    number: int
    function: str
    before: str
    after: str
    text: str

    def __str__(self) -> str:
        return f"{self.number} {self.function}: {_short(self.before)} → {_short(self.after)}"


def drawn(count: int, seed: int) -> list[Mutant]:
    """So many mutants, the same for a seed as long as the partner and mutmut do not change."""
    code = (ROOT / WAREHOUSE).read_text("utf-8")
    visitor = MutationVisitor(mutation_operators, IgnoredCode(set(), set(), set()))
    module = MetadataWrapper(libcst.parse_module(code)).visit(visitor)
    found = []
    for number, mutation in enumerate(visitor.mutations):
        inside = mutation.contained_by_top_level_function
        before = module.code_for_node(mutation.original_node)
        if isinstance(inside, libcst.FunctionDef) and inside.name.value not in LEFT_ALONE and "self.say(" not in before:
            found.append((number, inside.name.value, before, mutation))
    chosen = random.Random(seed).sample(found, min(count, len(found)))
    return [
        Mutant(
            number,
            function,
            before,
            module.code_for_node(mutation.mutated_node),
            # Slow, so only for those that were drawn.
            module.deep_replace(mutation.original_node, mutation.mutated_node).code,
        )
        for number, function, before, mutation in sorted(chosen, key=lambda one: one[0])
    ]


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else f"{line[:57]}…"
