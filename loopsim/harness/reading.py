"""A scenario file read into its stories: includes joined, a story for each row and schedule, everything checked.

bytes ── yaml_text ──▶ values with places ── shape, words ──▶ problems, all at once
                                          └── rows and schedules ──▶ [Scenario]
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace as replaced

from loopsim.errors import SetupError
from loopsim.harness import shape
from loopsim.harness.checking import problems as schema_problems
from loopsim.harness.document import PartnerDocument, Place, Scenario, StepDocument
from loopsim.harness.problems import Problem, ScenarioError
from loopsim.harness.references import UnknownReference, has_reference, replace
from loopsim.harness.steps import Step, documents, read_steps
from loopsim.harness.words import WORDS, Word
from loopsim.harness.yaml_text import Text, read_text

Json = dict[str, Any]

ENDING = ".loopsim.yaml"
MOST_STORIES = 1000  # of one file: rows times schedules
MOST_INCLUDES = 100  # of one file, each counted as often as it is taken in


def read_scenarios(path: Path, root: Path | None = None, words: Mapping[str, Word] | None = None) -> list[Scenario]:
    """The stories of a scenario file, in order: for each row, the plain one and then each schedule.

    `root` is the folder that ids are relative to (the file's own where it is not in it), `words` the registry.
    Raises ScenarioError with everything that is wrong, SetupError for a file that cannot be read.
    """
    file = _File(path, words if words is not None else WORDS)
    head = file.head
    rows: list[Json | None] = [None]
    if isinstance(head.get("rows"), list):
        table = [row for row in head["rows"] if isinstance(row, dict)]
        file.check_rows(table)
        rows = [*table]
    schedules = ["", *_list(head.get("schedules"))]
    if len(rows) * len(schedules) > MOST_STORIES:
        file.say(("rows",), f"This makes {len(rows) * len(schedules)} stories; a file has {MOST_STORIES} at most.")
        rows = rows[:1]
    base = _id(path, root)
    stories = [file.story(row, base) for row in rows]
    file.end()
    return [_scheduled(story, schedule) for story in stories for schedule in schedules]


class _Part(Struct):
    """What a file gives together with what it includes."""

    shop: Json = field(default_factory=dict)
    partners: Json = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)


class _File:
    """One scenario file on its way to its stories; collects what is wrong."""

    def __init__(self, path: Path, words: Mapping[str, Word]) -> None:
        self.words = words
        self.problems: list[Problem] = []
        self.included = 0
        self.text = _open(path)
        if not isinstance(self.text.value, dict):
            says = "Found no mapping; a scenario begins with `scenario: <title>`."
            raise ScenarioError([Problem(Place(self.text.file, 1, 1), says)])
        self.head: Json = self.text.value
        self._shape(self.text, shape.scenario())
        self.part = self._part(self.text, path, (path.resolve(),))

    def say(self, at: tuple[str | int, ...], says: str) -> None:
        """Something is wrong at a path of this file."""
        self.problems.append(Problem(self.text.place(at), says))

    def end(self) -> None:
        """Raises ScenarioError if anything is wrong."""
        if self.problems:
            unique = dict.fromkeys(self.problems)
            main = self.text.file
            raise ScenarioError(
                sorted(
                    unique,
                    key=lambda each: (each.place.file != main, each.place.file, each.place.line, each.place.column),
                )
            )

    def check_rows(self, rows: list[Json]) -> None:
        """Rows have different names, and the same columns."""
        names = [row.get("name") for row in rows]
        for n, row in enumerate(rows):
            if "name" in row and row["name"] in names[:n]:
                self.say(("rows", n), f"The name {row['name']} is taken by a row above. Choose another.")
            for column in rows[0]:
                if column not in row:
                    self.say(("rows", n), f"The column {column} of the first row is missing in this one.")

    def story(self, row: Json | None, base: str) -> Scenario:
        """The story of one row, or of the file where it has none. `base` is the id of the file."""
        head = {name: self._filled((name,), self.head.get(name), row) for name in ("scenario", "protects", "covers")}
        shop = self._filled(("shop",), self.part.shop, row)
        partners = self._filled(("partners",), self.part.partners, row)
        if row is not None:
            for path, says in schema_problems(shop, shape.shop()):
                self.say(("shop", *path), says)
        named = tuple(_partner(name, given or {}) for name, given in partners.items())
        named = named or (PartnerDocument(name="partner"),)
        rules = self.head.get("rules")
        return Scenario(
            id=base + (f"[{row.get('name')}]" if row is not None else ""),
            title=str(head["scenario"]), protects=str(head["protects"]), place=self.text.place(()),
            patterns=_list(self.head.get("pattern")), direction=str(self.head.get("direction", "")),
            stages=_list(self.head.get("stages")), covers=_list(head["covers"]), needs=_list(self.head.get("needs")),
            steps=self._steps(row, [partner.name for partner in named]), shop=shop, partners=named, row=row or {},
            rules_off=_list(rules.get("off") if isinstance(rules, dict) else None),
        )  # fmt: skip

    def _steps(self, row: Json | None, partners: list[str]) -> tuple[StepDocument, ...]:
        return documents(self.part.steps, row, partners, self.problems)

    def _filled(self, path: tuple[str | int, ...], value: Any, row: Json | None) -> Any:
        """A value outside of the steps, where a reference can only be to the row."""
        try:
            filled = value if row is None else replace(value, "row", row)
        except UnknownReference as error:
            self.say(path, str(error))
            return value
        if has_reference(filled):
            self.say(
                path,
                "A reference stands here to something other than the row; outside of steps there is only ${row.…}.",
            )
        return filled

    def _shape(self, text: Text, schema: Json) -> None:
        for path, says in schema_problems(text.value, schema):
            self.problems.append(Problem(text.place(path), says))

    def _part(self, text: Text, path: Path, chain: tuple[Path, ...]) -> _Part:
        """What the file and its includes give: those first, and what the file itself says counts more."""
        value = text.value
        whole = _Part()
        for n, name in enumerate(_list(value.get("include"))):
            at = ("include",) if isinstance(value["include"], str) else ("include", n)
            if isinstance(name, str) and (part := self._included(text, text.place(at), path.parent / name, chain)):
                whole = _joined(whole, part)
        own = _Part(
            _mapping(value.get("shop")), _mapping(value.get("partners")),
            read_steps(text, value.get("steps"), self.words, self.problems),
        )  # fmt: skip
        return _joined(whole, own)

    def _included(self, text: Text, place: Place, path: Path, chain: tuple[Path, ...]) -> _Part | None:
        self.included += 1
        if self.included > MOST_INCLUDES:
            if self.included == MOST_INCLUDES + 1:
                says = f"With what is included in turn, this takes in more than {MOST_INCLUDES} files."
                self.problems.append(Problem(place, says))
            return None
        if path.resolve() in chain:
            names = " → ".join(each.name for each in (*chain, path.resolve()))
            self.problems.append(Problem(place, f"The includes go in a circle: {names}. Remove one of them."))
            return None
        try:
            found = _open(path)
        except ScenarioError as error:
            self.problems += error.problems
            return None
        except SetupError:
            says = f"There is no file {_shown(path)} to include; the path is taken from the folder of {text.file}."
            self.problems.append(Problem(place, says))
            return None
        if not isinstance(found.value, dict):
            says = "Found no mapping; an included file has shop, partners, steps."
            self.problems.append(Problem(found.place(()), says))
            return None
        self._shape(found, shape.fragment())
        return self._part(found, path, (*chain, path.resolve()))


def _open(path: Path) -> Text:
    try:
        source = path.read_bytes()
    except OSError as error:
        raise SetupError(
            f"{_shown(path)} cannot be read: {error.strerror}. Give the path of a scenario file."
        ) from error
    return read_text(source, _shown(path))


def _shown(path: Path) -> str:
    """A path as a user would write it: without detours, and relative where it was."""
    return os.path.normpath(path)


def _scheduled(story: Scenario, schedule: str) -> Scenario:
    return replaced(story, id=f"{story.id}+{schedule}", schedule=schedule) if schedule else story


def _joined(first: _Part, then: _Part) -> _Part:
    return _Part(_merged(first.shop, then.shop), _merged(first.partners, then.partners), [*first.steps, *then.steps])


def _merged(first: Json, then: Json) -> Json:
    """Both together; where both have a mapping it is joined too, anything else is the second's."""
    both = {
        name: _merged(first[name], value) if isinstance(first.get(name), dict) and isinstance(value, dict) else value
        for name, value in then.items()
    }
    return {**first, **both}


def _partner(name: str, given: Json) -> PartnerDocument:
    asked = given.get("subscribe") if isinstance(given, dict) else None
    pairs = [pair for pair in asked if isinstance(pair, dict)] if isinstance(asked, list) else []
    return PartnerDocument(
        name=name,
        subscriptions=tuple((pair.get("topic"), pair.get("trigger")) for pair in pairs),
        scopes=_list(given.get("scopes") if isinstance(given, dict) else None),
        subscribed=asked is not False,
        oauth=isinstance(given, dict) and given.get("oauth") is True,
    )


def _mapping(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> tuple[Any, ...]:
    """One or several as several."""
    return tuple(value) if isinstance(value, list) else () if value is None else (value,)


def _id(path: Path, root: Path | None) -> str:
    whole = path.resolve()
    base = (root or path.parent).resolve()
    relative = whole.relative_to(base) if whole.is_relative_to(base) else Path(whole.name)
    return relative.as_posix().removesuffix(ENDING)
