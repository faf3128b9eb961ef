"""The steps of a scenario file: a word with its arguments, checked against the registry of words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from loopsim.harness import matchers
from loopsim.harness.checking import NAMING
from loopsim.harness.checking import problems as schema_problems
from loopsim.harness.document import StepDocument
from loopsim.harness.problems import Problem, listed, nearest
from loopsim.harness.references import UnknownReference, heads, need_name, replace
from loopsim.harness.shape import NAME
from loopsim.harness.words.counting import contradictions
from loopsim.harness.words.names import OPERATIONS, TRIGGER
from loopsim.harness.words.registry import Word
from loopsim.harness.yaml_text import Path, Text

BESIDE = ("as", "in", "note")
"""What may stand in a step beside its word."""
BUILT_IN = ("now", "partner", "story")
"""What every step can refer to beside what was saved; `partner` is the one whose step it is, `story` twelve digits
that are this story's alone."""


class Step(Struct, frozen=True):
    """A step as found: its word, what was given to it, where both stand (`at` is the path of the arguments)."""

    text: Text
    path: Path
    at: Path
    word: Word
    given: Any
    save_as: str | None
    partner: str | None
    note: str


def read_steps(text: Text, steps: Any, words: Mapping[str, Word], problems: list[Problem]) -> list[Step]:
    """The steps of one file, in order; what is wrong with their form goes to `problems`."""
    if not isinstance(steps, list):
        return []
    found = (_read(text, ("steps", n), each, words, problems) for n, each in enumerate(steps))
    return [step for step in found if step is not None]


def documents(
    steps: list[Step], row: Mapping[str, Any] | None, partners: list[str], problems: list[Problem]
) -> tuple[StepDocument, ...]:
    """The steps with the values of one row in their place, each checked: arguments, matchers, references."""
    saved: list[str] = []
    made: list[StepDocument] = []
    for step in steps:
        known = [*BUILT_IN, *saved, *(["row"] if row is not None else [])]
        arguments = _arguments(step, step.given, problems)
        if row is not None:
            arguments = _with_row(step, arguments, row, problems)
        _check(step, arguments, known, partners, problems)
        _check_mark(step, arguments, saved, problems)
        if step.save_as:
            saved.append(step.save_as)
        made.append(
            StepDocument(
                word=step.word.name, arguments=arguments, place=step.text.place(step.path), save_as=step.save_as,
                partner=step.partner, note=step.note, places=_places(step),
            )
        )  # fmt: skip
    return tuple(made)


def _read(text: Text, path: Path, step: Any, words: Mapping[str, Word], problems: list[Problem]) -> Step | None:
    if isinstance(step, str):
        step = {step: None}
        at = path
    elif isinstance(step, dict):
        at = ()
    else:
        return None  # said by the shape of the file
    names = [name for name in step if name not in BESIDE]
    if len(names) != 1:
        problems.append(Problem(text.place(path), _not_one_word(step, names, words)))
        return None
    (name,) = names
    at = at or (*path, name)
    if name not in words:
        problems.append(
            Problem(text.place(at), f"There is no word {name}.{_near_word(name, words)} See loopsim words.")
        )
        return None
    for member, pattern in (("as", NAME), ("in", None), ("note", None)):
        value = step.get(member, "x")
        if not isinstance(value, str) or (pattern and not re.fullmatch(pattern, value)):
            wanted = NAMING if pattern else "expected a text"
            problems.append(Problem(text.place((*path, member)), f"Found {matchers.short(value)}; {wanted}."))
            step = {**step, member: None}
    save_as = step.get("as")
    if save_as in (*BUILT_IN, "row"):
        problems.append(Problem(text.place((*path, "as")), f"{save_as} is a name of loopsim's own. Choose another."))
    return Step(text, path, at, words[name], step[name], save_as, step.get("in"), step.get("note") or "")


def _not_one_word(step: dict[str, Any], names: list[str], words: Mapping[str, Word]) -> str:
    if not names:
        return f"Found {listed(step) if step else 'nothing'}; a step is a word with its arguments. See loopsim words."
    real = [name for name in names if name in words]
    others = [name for name in names if name not in words]
    if len(real) == 1 and step[real[0]] is None:
        return f"Found {listed(others)} beside {real[0]}; indent its arguments further than the word."
    if len(real) == 1:
        return f"Found {listed(others)} beside {real[0]}; expected one word, with {listed(BESIDE)} at most."
    return f"Found {listed(names)} in one step; a step has one word. Begin each with a dash."


def _near_word(name: str, words: Mapping[str, Word]) -> str:
    if near := nearest(name, words):
        return near
    verb = name.rsplit(".", 1)[-1]
    same = [each for each in words if each.rsplit(".", 1)[-1] == verb]
    return f" Did you mean {same[0]}?" if same else ""


def _arguments(step: Step, given: Any, problems: list[Problem]) -> dict[str, Any]:
    if isinstance(given, dict):
        return given
    if given is None:
        return {}
    main = step.word.main
    if main is None:
        known = listed(step.word.arguments.get("properties", {}))
        says = f"Found {matchers.short(given)}; {step.word.name} takes its arguments by name: {known}."
        problems.append(Problem(step.text.place(step.at), says))
        return {}
    return {main: given}


def _with_row(step: Step, arguments: dict[str, Any], row: Mapping[str, Any], problems: list[Problem]) -> dict[str, Any]:
    try:
        replaced: dict[str, Any] = replace(arguments, "row", row)
    except UnknownReference:
        # Once more, value by value, for the place of each.
        for path, value in _texts(arguments, ()):
            try:
                replace(value, "row", row)
            except UnknownReference as error:
                problems.append(Problem(_place(step, path), str(error)))
        return arguments
    return replaced


def _check(
    step: Step, arguments: dict[str, Any], known: list[str], partners: list[str], problems: list[Problem]
) -> None:
    expects = step.word.name.startswith("expect.")
    lenient = matchers.is_matcher if expects else None
    found = schema_problems(arguments, step.word.arguments, lenient)
    if expects:
        found += matchers.check(arguments) + contradictions(arguments)
    for path, value in _texts(arguments, ()):
        try:
            for name in heads(value):
                need_name(name, known)
        except UnknownReference as error:
            found.append((path, str(error)))
    problems += [Problem(_place(step, path), f"{step.word.name}: {says}") for path, says in found]
    if step.partner is not None and step.partner not in partners:
        near = nearest(step.partner, partners)
        says = f"Nobody is called {step.partner}; the partners are {listed(partners)}.{near}"
        problems.append(Problem(step.text.place((*step.path, "in")), says))


def _check_mark(step: Step, arguments: dict[str, Any], saved: list[str], problems: list[Problem]) -> None:
    """`after:` of an expectation names something that there can be: otherwise nothing would come after it."""
    mark, known = arguments.get("after"), [*saved, *TRIGGER["enum"], *OPERATIONS]
    if step.word.name.startswith("expect.") and isinstance(mark, str) and mark not in known:
        says = f"Found {mark}; expected the name of a saved step, a trigger or an operation.{nearest(mark, known)}"
        problems.append(Problem(_place(step, ("after",)), f"{step.word.name}: {says}"))


def _texts(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict | list):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _texts(each, (*path, key))


def _is_scalar(step: Step) -> bool:
    return not isinstance(step.given, dict)


def _place(step: Step, path: Path) -> Any:
    # Where the main argument was given without its name, its place is that of the word.
    return step.text.place((*step.at, *(path[1:] if _is_scalar(step) else path)))


def _places(step: Step) -> dict[str, Any]:
    before = len(step.at)
    main = (step.word.main or "",) if _is_scalar(step) else ()
    inside = {path: place for path, place in step.text.places.items() if path[:before] == step.at}
    return {
        ".".join(map(str, (*main, *path[before:]))): place for path, place in inside.items() if (*main, *path[before:])
    }
