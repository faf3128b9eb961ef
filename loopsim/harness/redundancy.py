"""Which stories cover what, and which of them cover nothing that no other covers.

A story is a file: its rows and schedules count as one. What it covers is what it declares (`covers:`), and, where a run
was measured, what it exercised there, in the same words:

    transition:return.open.cancel   trigger:label.created   error:processReturn.flagged   operation:processReturn
    outcome:refund   defect:stops-after-a-page   and whatever else a story declares
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from loopsim.errors import SetupError
from loopsim.harness.coverage import merged
from loopsim.harness.document import Scenario
from loopsim.harness.results import Coverage, RunResult

# An operation alone is no reason to keep a story: whichever steps there are, some call is made in it.
_REASONS = ("error:", "trigger:", "transition:")
_VARIANT = re.compile(r"(\[[^\]]*\])?(\+[\w-]+)?$")


class Story(Struct, frozen=True, kw_only=True):
    """One file. `declared` are its `covers:`, `measured` what a run of it exercised, each item as `kind:name`."""

    id: str
    title: str
    declared: tuple[str, ...] = ()
    measured: tuple[str, ...] = ()


class Redundant(Struct, frozen=True):
    """A story without an item of its own, and those that cover its items too."""

    story: Story
    others: tuple[str, ...]


class Measurement(Struct, frozen=True):
    """What a run exercised, by scenario id, and what could be exercised."""

    scenarios: dict[str, Coverage]
    possible: Coverage

    def whole(self) -> Coverage:
        """What all of them exercised."""
        return merged(self.scenarios.values())


def story_id(scenario_id: str) -> str:
    """The id of its file: without row and schedule."""
    return _VARIANT.sub("", scenario_id)


def stories(scenarios: Iterable[Scenario], measurement: Measurement | None = None) -> list[Story]:
    """One for each file, by id."""
    titles: dict[str, str] = {}
    declared: dict[str, set[str]] = {}
    measured: dict[str, set[str]] = {}
    for scenario in scenarios:
        id_ = story_id(scenario.id)
        titles.setdefault(id_, scenario.title)
        declared.setdefault(id_, set()).update(scenario.covers)
    for name, found in (measurement.scenarios if measurement else {}).items():
        if story_id(name) in titles:
            measured.setdefault(story_id(name), set()).update(_items(found))
    return [
        Story(
            id=id_,
            title=titles[id_],
            declared=tuple(sorted(declared[id_])),
            measured=tuple(sorted(measured.get(id_, ()))),
        )
        for id_ in sorted(titles)
    ]


def covering(found: Iterable[Story]) -> dict[str, tuple[str, ...]]:
    """Each item that is declared or was measured, sorted, with the stories that cover it."""
    by_item: dict[str, set[str]] = {}
    for story in found:
        for item in (*story.declared, *story.measured):
            by_item.setdefault(item, set()).add(story.id)
    return {item: tuple(sorted(by_item[item])) for item in sorted(by_item)}


def redundant(found: list[Story]) -> list[Redundant]:
    """The stories that add nothing: nothing they declare, and nothing they were measured to do, is theirs alone."""
    declared = _count(story.declared for story in found)
    measured = _count(story.measured for story in found)
    alone = [
        any(declared[item] == 1 for item in story.declared) or any(measured[item] == 1 for item in _reasons(story))
        for story in found
    ]
    return [Redundant(story, _others(story, found)) for story, unique in zip(found, alone, strict=True) if not unique]


def read_run(raw: bytes, name: str) -> Measurement:
    """A run that loopsim wrote: with `--ctrf`, or with `--format json`. Raises SetupError for anything else."""
    try:
        document: Any = msgspec.json.decode(raw)
        if "scenarios" in document:
            run = msgspec.convert(document, RunResult)
            return Measurement({each.id: each.coverage for each in run.scenarios}, run.possible)
        results = document["results"]
        by_id = {test["testId"]: msgspec.convert(test["extra"]["coverage"], Coverage) for test in results["tests"]}
        return Measurement(by_id, msgspec.convert(results["extra"]["possible"], Coverage))
    except (msgspec.MsgspecError, KeyError, TypeError) as error:
        raise SetupError(
            f"{name} is no run of loopsim ({type(error).__name__}: {error}). `loopsim run … --ctrf FILE` writes one."
        ) from error


def unshown(found: Iterable[Story]) -> list[tuple[str, str]]:
    """Stories of a run with what they declare and did not do in it: a transition, a trigger, an error answer."""
    return [
        (story.id, item)
        for story in found
        if story.measured
        for item in story.declared
        if item.startswith(_REASONS) and item not in story.measured
    ]


def _items(found: Coverage) -> set[str]:
    """What was exercised, as `covers:` names it."""
    errors = (error.split(" ") for error in found.errors)
    return {
        *(f"operation:{operation}" for operation in found.operations),
        *(f"error:{operation}.{refusal}" for operation, _, refusal in errors),
        *(f"trigger:{trigger}" for trigger in found.triggers),
        *(f"transition:{each.entity}.{each.state}.{each.action}" for each in found.transitions),
    }


def _reasons(story: Story) -> list[str]:
    return [item for item in story.measured if item.startswith(_REASONS)]


def _count(parts: Iterable[Iterable[str]]) -> Mapping[str, int]:
    counted: dict[str, int] = {}
    for part in parts:
        for item in part:
            counted[item] = counted.get(item, 0) + 1
    return counted


def _others(story: Story, found: list[Story]) -> tuple[str, ...]:
    own = set(story.declared)
    return tuple(other.id for other in found if other.id != story.id and own & set(other.declared))
