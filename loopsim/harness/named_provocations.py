"""Provocations by name: `provocations/duplicate` alone, or on the lifecycle of stories, `provocations/duplicate:STORY`.

A run of suites says of each finding how to get exactly it again: its provocation, and the story whose shop it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from loopsim.errors import SetupError
from loopsim.harness.document import Scenario
from loopsim.harness.problems import listed, nearest
from loopsim.harness.provocations import KINDS, PREFIX
from loopsim.harness.suites import choose
from loopsim.rules.evidence import ProvocationKind


class Named(Struct, frozen=True, kw_only=True):
    """What is asked for: provocations, the stories on whose shops they are tried (none: a plain lifecycle), and the
    paths and suites that are something else."""

    kinds: tuple[ProvocationKind, ...]
    stories: tuple[Scenario, ...]
    rest: tuple[str, ...]


def named(asked: Sequence[str]) -> Named:
    """Part what is asked for. Raises SetupError for a provocation that does not exist, and as `choose` does."""
    ours = [each for each in asked if each.startswith(PREFIX) and not Path(each).exists()]
    kinds: dict[ProvocationKind, None] = {}
    stories: dict[str, None] = {}
    for each in ours:
        name, _, story = each.removeprefix(PREFIX).partition(":")
        kind = next((kind for kind in KINDS if kind == name), None)
        if kind is None:
            raise SetupError(f"There is no provocation {name}.{nearest(name, KINDS)} There are {listed(KINDS)}.")
        kinds[kind] = None
        if story:
            stories[story] = None
    return Named(
        kinds=tuple(kinds),
        stories=tuple(choose(tuple(stories))) if stories else (),
        rest=tuple(each for each in asked if each not in ours),
    )
