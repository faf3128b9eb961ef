"""YAML read as plain JSON values that know where they stand: YAML 1.2's scalars, no key twice, nothing that explodes.

`on`, `no` and `2026-03-02` are texts here, as in JSON; anchors, aliases and `<<` work; tags do not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import yaml
from msgspec import Struct, field

from loopsim.contract.yaml_source import core_loader
from loopsim.harness.document import Place
from loopsim.harness.problems import Problem, ScenarioError

LARGEST = 256 * 1024  # bytes of one file
MOST = 50_000  # values in one file, aliases written out
DEEPEST = 60  # values within values

Path = tuple[str | int, ...]
_CORE = "tag:yaml.org,2002:"
_PLAIN = frozenset(_CORE + name for name in ("null", "bool", "int", "float", "str", "map", "seq", "merge"))


class Text(Struct):
    """A file as read: its value, and the place of each value in it (for a member, that of its key)."""

    file: str
    value: Any = None
    places: dict[Path, Place] = field(default_factory=dict)

    def place(self, path: Sequence[str | int]) -> Place:
        """Where the value at a path stands, or the nearest one around it."""
        found = tuple(path)
        while found and found not in self.places:
            found = found[:-1]
        return self.places.get(found, Place(self.file, 1, 1))


def read_text(source: bytes, file: str) -> Text:
    """The value of a YAML text. `file` is what the user calls it.

    Raises ScenarioError with every duplicate key, tag and doubtful number; with one problem for what is no YAML, and
    for what is too large, too deep, or grows by its aliases.
    """
    start = Place(file, 1, 1)
    if len(source) > LARGEST:
        raise ScenarioError([Problem(start, f"The file has {len(source)} bytes; a scenario has {LARGEST} at most.")])
    try:
        root = yaml.compose(source.decode("utf-8-sig"), Loader=core_loader())
    except UnicodeDecodeError as error:
        line = source.count(b"\n", 0, error.start) + 1
        raise ScenarioError([Problem(Place(file, line, 1), "This is not UTF-8. Save the file as UTF-8.")]) from error
    except yaml.MarkedYAMLError as error:
        raise ScenarioError([Problem(_place(file, error.problem_mark), _not_yaml(error))]) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise ScenarioError([Problem(start, f"This cannot be read as YAML: {error}.")]) from error
    if root is None:
        raise ScenarioError([Problem(start, "The file is empty; a scenario begins with `scenario: <title>`.")])
    builder = _Builder(file)
    value = builder.build(root, (), ())
    if builder.problems:
        raise ScenarioError(builder.problems)
    return Text(file, value, builder.places)


class _Builder:
    """Makes the plain value of a node graph, and collects what is wrong on the way."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.places: dict[Path, Place] = {}
        self.problems: list[Problem] = []
        self.made = 0

    def build(self, node: yaml.Node, path: Path, around: tuple[yaml.Node, ...]) -> Any:
        """The value of a node. `around` are the nodes it is in, so that an alias to one of them is seen."""
        self.places.setdefault(path, self._at(node))
        self.made += 1
        if self.made > MOST:
            return self._end(node, f"With its aliases written out, the file has more than {MOST} values.")
        if len(around) > DEEPEST:
            return self._end(node, f"This is more than {DEEPEST} levels deep.")
        if any(node is outer for outer in around):
            return self._wrong(node, "An alias stands inside of what it names, which has no end.")
        if node.tag not in _PLAIN:
            tag = node.tag.replace(_CORE, "!!")
            return self._wrong(node, f"Found the tag {tag}; a scenario has plain values only. Remove the tag.")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, (*around, node))
        if isinstance(node, yaml.SequenceNode):
            return [self.build(each, (*path, n), (*around, node)) for n, each in enumerate(node.value)]
        return self._scalar(node.value, node)

    def _mapping(self, node: yaml.MappingNode, path: Path, around: tuple[yaml.Node, ...]) -> dict[str, Any]:
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._wrong(key, "A name of a member has to be a text.")
            elif key.tag == _CORE + "merge":
                merged = self._merged(value, path, around) | merged
            elif key.value in own:
                self._wrong(key, f"The member {key.value} stands here twice. Keep one of the two.")
            else:
                self.places[(*path, key.value)] = self._at(key)
                own[key.value] = self.build(value, (*path, key.value), around)
        return merged | own

    def _merged(self, node: yaml.Node, path: Path, around: tuple[yaml.Node, ...]) -> dict[str, Any]:
        parts = node.value if isinstance(node, yaml.SequenceNode) else [node]
        found: dict[str, Any] = {}
        for part in parts:
            if not isinstance(part, yaml.MappingNode):
                self._wrong(part, "`<<` takes a mapping or a list of mappings.")
                continue
            value = self.build(part, path, around)
            found = (value if isinstance(value, dict) else {}) | found
        return found

    def _scalar(self, text: str, node: yaml.Node) -> Any:
        kind = node.tag.removeprefix(_CORE)
        if kind in ("str", "merge"):
            return text
        if kind == "null":
            return None
        if kind == "bool" and text.lower() in ("true", "false"):
            return text.lower() == "true"
        digits = text.lstrip("+-")
        if kind in ("int", "float") and len(digits) > 1 and digits[0] == "0" and digits[1].isdigit():
            return self._wrong(
                node, f'Found {text}: a number without its leading zero, or a text in quotes ("{text}")?'
            )
        try:
            if kind == "int":
                return int(text, 10)
            number = float(text)
        except ValueError:
            return self._wrong(node, f"Found {text!r}, which is no {kind}.")
        return number if math.isfinite(number) else self._wrong(node, f"Found {text}, which is too large a number.")

    def _wrong(self, node: yaml.Node, says: str) -> None:
        self.problems.append(Problem(self._at(node), says))

    def _end(self, node: yaml.Node, says: str) -> None:
        raise ScenarioError([Problem(self._at(node), says)])

    def _at(self, node: yaml.Node) -> Place:
        return _place(self.file, node.start_mark)


def _place(file: str, mark: yaml.Mark | None) -> Place:
    return Place(file, mark.line + 1, mark.column + 1) if mark is not None else Place(file, 1, 1)


def _not_yaml(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or "it cannot be read"
    if "expected a single document" in str(error):
        return "Found a second document; a file holds one scenario. Put each into a file of its own."
    hint = ""
    if "cannot start any token" in problem:
        hint = " Indent with blanks, not with tabs; put a text that begins with @ or ` in quotes."
    elif "mapping values are not allowed" in problem:
        hint = " Does the line above lack its colon, or does a text with `: ` need quotes?"
    context = f" {error.context}" if error.context else ""
    return f"This is no YAML: {problem}{context}.{hint}"
