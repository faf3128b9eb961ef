"""A scenario as it stands in its file: plain data, each piece with its place in the text."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field


class Place(Struct, frozen=True):
    """Where something stands: a file as the user named it, line and column from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class StepDocument(Struct, frozen=True, kw_only=True):
    """One step: a word with its arguments as written (references and matchers not yet resolved).

    `save_as` names what the step gives, for `${name.member}` in later steps. `partner` is whose step it is (`in:`;
    None: the first's). `places` maps a path into the arguments (`"items.0.outcome"`) to its place. `${row.…}` is
    resolved already.
    """

    word: str
    arguments: dict[str, Any]
    place: Place
    save_as: str | None = None
    partner: str | None = None
    note: str = ""
    places: dict[str, Place] = field(default_factory=dict)


class PartnerDocument(Struct, frozen=True, kw_only=True):
    """One integration under test. `subscriptions` are (topic, trigger) pairs with None for any; none at all means every
    pair that belongs together. `scopes` are those of its key; empty means all.
    `oauth`: it comes with an access token instead."""

    name: str
    subscriptions: tuple[tuple[str | None, str | None], ...] = ()
    scopes: tuple[str, ...] = ()
    subscribed: bool = True
    oauth: bool = False


class Scenario(Struct, frozen=True, kw_only=True):
    """One story of one file, with one row of its parameter table and one schedule.

    `id` is the file's path without ending relative to its root, then `[row]` and `+schedule` where there are some:
    `wms/two-way/inspect-and-process[exchange]+duplicate`. `shop` is what `createShop` takes (without a name).
    `protects` is one sentence: what goes wrong in production without it. `covers` names what only this story shows.
    `needs`: `probe` (without one it is skipped and says so), `start` (loopsim starts the partner itself),
    `asks` (its own side can ask it for things), or an ability (`shape.ABILITIES`) that the partner may say it lacks.
    """

    id: str
    title: str
    protects: str
    place: Place
    patterns: tuple[str, ...]
    direction: str
    stages: tuple[str, ...]
    steps: tuple[StepDocument, ...]
    covers: tuple[str, ...] = ()
    shop: dict[str, Any] = field(default_factory=dict)
    partners: tuple[PartnerDocument, ...] = (PartnerDocument(name="partner"),)
    needs: tuple[str, ...] = ()
    row: dict[str, Any] = field(default_factory=dict)
    schedule: str = ""
    rules_off: tuple[str, ...] = ()
