"""A story with its webhooks doubled, swapped or late: the same expectations hold, and it ends as it does without.

plain story ──▶ effect ──┐
story with faults ───────┼──▶ the same, or a failure that says what differs
(once more, if not) ─────┘    and only what differs both times
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import structs

from loopsim.harness.bench import Bench, Played
from loopsim.harness.document import Scenario
from loopsim.harness.effects import Effect, differences, effect
from loopsim.harness.results import Failure
from loopsim.harness.story import Story

DELAY = 30
"""Seconds of the shop's time by which a late webhook is late."""

FAULTS: dict[str, dict[str, Any]] = {
    "duplicate": {"kind": "duplicate", "count": None, "params": {"copies": 2}},
    "swap": {"kind": "swap", "count": None},
    # The first few, so that what follows, the end above all, overtakes them.
    "delay": {"kind": "delay", "count": 3, "trigger": "return.updated", "params": {"seconds": DELAY}},
}
_WORDS = {"duplicate": "every webhook sent twice", "swap": "webhooks swapped", "delay": "return.updated late"}
_AGAIN = "~again"


def plain_id(scenario: Scenario) -> str:
    """The id of a story without its schedule."""
    return scenario.id.removesuffix(f"+{scenario.schedule}") if scenario.schedule else scenario.id


def more_ids(scenarios: Iterable[Scenario]) -> Iterator[str]:
    """The ids that comparing the ends of stories may need beside their own."""
    for scenario in scenarios:
        if scenario.schedule:
            yield plain_id(scenario)
            yield scenario.id + _AGAIN


def begin(story: Story, schedule: str) -> None:
    """Set the faults of a schedule at the beginning of a story."""
    story.shop.fault(**FAULTS[schedule])


class Schedules:
    """Plays stories with schedules, and compares their ends with the plain ones. Safe with threads."""

    def __init__(self, scenarios: Iterable[Scenario], blocks: dict[str, int]) -> None:
        self._blocks = blocks
        self._wanted = {plain_id(scenario) for scenario in scenarios if scenario.schedule}
        self._ends: dict[str, Effect | None] = {}

    def played(self, scenario: Scenario, played: Played) -> None:
        """Remember how a plain story ended; one that failed ends like no other."""
        if not scenario.schedule and scenario.id in self._wanted:
            self._ends[scenario.id] = None if played.went.failures else self._effect(scenario.id, played)

    def play(self, bench: Bench, scenario: Scenario) -> Played:
        """Play a story with its schedule. It has failed, too, when it ends otherwise than without."""
        usual = self._usual(bench, scenario)
        played = self._disturbed(bench, scenario)
        if usual is None or played.went.failures:
            return played
        different = differences(usual, self._effect(scenario.id, played))
        if not different:
            return played
        again = structs.replace(scenario, id=scenario.id + _AGAIN)
        second = differences(usual, self._effect(again.id, self._disturbed(bench, again)))
        both = [each for each in different if each in second]
        if not both:
            return played
        failures = tuple(_failure(scenario, says) for says in both)
        return structs.replace(played, went=structs.replace(played.went, failures=failures))

    def _usual(self, bench: Bench, scenario: Scenario) -> Effect | None:
        """How the story ends without its schedule: it is played for that where it was not yet."""
        id_ = plain_id(scenario)
        if id_ not in self._ends:
            plain = structs.replace(scenario, id=id_, schedule="")
            self.played(plain, bench.play(plain))
        return self._ends[id_]

    def _disturbed(self, bench: Bench, scenario: Scenario) -> Played:
        return bench.play(scenario, lambda story: begin(story, scenario.schedule))

    def _effect(self, id_: str, played: Played) -> Effect:
        return effect(played.entries, played.probes, self._blocks[id_])


def _failure(scenario: Scenario, says: str) -> Failure:
    place = scenario.place
    return Failure(
        says=f"With {_WORDS[scenario.schedule]} it ends otherwise: {says}",
        expected="the end that the story has without",
        file=place.file,
        line=place.line,
        column=place.column,
    )
