"""Which scenarios to run: files, folders, the suites that ship, and single stories of them.

orders.loopsim.yaml  tests/loop/        files, and folders with all below
@wms  @wms/two-way  @all                what ships, by the tags `pattern` and `direction`
wms/two-way/inspect                     one that ships, by its id
wms/two-way/inspect[exchange]+duplicate one row of it, with one schedule; +base is the one without a schedule
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import loopsim
from loopsim.errors import SetupError
from loopsim.harness.document import Scenario
from loopsim.harness.problems import Problem, ScenarioError, listed, nearest
from loopsim.harness.reading import ENDING, read_scenarios
from loopsim.harness.shape import SCHEDULES

SCHEMA = "scenario.schema.json"
ALL = "@all"
PLAIN = "base"
"""What `+` is followed by where the story without a schedule is meant."""
_STORY = re.compile(rf"(?P<file>.+?)(?:\[(?P<row>[\w.-]+)\])?(?:\+(?P<schedule>{'|'.join((PLAIN, *SCHEDULES))}))?")


def choose(asked: Sequence[str], text: str | None = None) -> list[Scenario]:
    """The stories of what is asked for, each once, in the order of asking. `text`: words that have all to be in a
    story's id, title or covers, whatever their case.

    Raises ScenarioError with what is wrong in any of the files, SetupError for what is not there or leaves none.
    """
    problems: list[Problem] = []
    found: dict[tuple[str, str], Scenario] = {}
    for each in asked:
        try:
            found |= {(str(Path(story.place.file).resolve()), story.id): story for story in _asked(each)}
        except ScenarioError as error:
            problems += error.problems
    if problems:
        raise ScenarioError(list(dict.fromkeys(problems)))
    words = (text or "").lower().split()
    chosen = [story for story in found.values() if all(word in _searched(story) for word in words)]
    if not chosen:
        said = f" with {text!r} in its id, title or covers" if words else ""
        raise SetupError(f"No scenario{said} in {listed(asked)}; {len(found)} were looked through. Ask for others.")
    return chosen


def suites() -> dict[str, int]:
    """The suites that ship, each with the number of its stories."""
    counted = Counter(name for story in shipped() for name in suites_of(story))
    return {name: counted[name] for name in sorted(counted)}


def suites_of(story: Scenario) -> list[str]:
    """The suites that a story is in."""
    return [ALL, *(f"@{pattern}{way}" for pattern in story.patterns for way in ("", f"/{story.direction}"))]


def address(story: Scenario) -> str:
    """What to ask for to get exactly this story and no other: its id where it ships, else its file."""
    own = Path(story.place.file)
    own_id = story.id.removesuffix(f"+{story.schedule}") if story.schedule else story.id
    row = f"[{story.row['name']}]" if story.row else ""
    name = own_id.removesuffix(row) if _is_shipped(own) else str(own)
    return f"{name}{row}+{story.schedule or PLAIN}"


def shipped() -> tuple[Scenario, ...]:
    """Every story that ships, by file."""
    return _shipped(shipped_folder(), Path.cwd())


@cache
def _shipped(folder: Path, current: Path) -> tuple[Scenario, ...]:
    files = sorted(folder.rglob(f"*{ENDING}"))
    return tuple(_read_all([_near(file, current) for file in files], folder))


@cache
def shipped_folder() -> Path:
    """Where the scenarios are: in a checkout, or within the installed package. Raises SetupError without them."""
    package = Path(loopsim.__file__).parent
    for folder in (package.parent / "scenarios", package / "_data" / "scenarios"):
        # Something else next to an installed package can be called scenarios too.
        if (folder / SCHEMA).is_file():
            return folder
    raise SetupError("This installation of loopsim has no scenarios. Install it again.")


def _asked(name: str) -> Iterator[Scenario]:
    if name.startswith("@"):
        yield from _suite(name)
        return
    path = Path(name)
    if path.is_dir():
        files = sorted(path.rglob(f"*{ENDING}"))
        if not files:
            raise SetupError(f"The folder {name} has no scenario; their files end in {ENDING}.")
        yield from _read_all(files, _root(path))
    elif path.is_file():
        yield from read_scenarios(path, _root(path))
    else:
        yield from _single(name)


def _suite(name: str) -> list[Scenario]:
    found = [story for story in shipped() if name in suites_of(story)]
    if not found:
        there = suites()
        said = listed(f"{suite} ({count})" for suite, count in there.items())
        raise SetupError(f"There is no suite {name}.{nearest(name, there)} There are {said}.")
    return found


def _single(name: str) -> list[Scenario]:
    """One story, or a file's stories of one row or schedule."""
    asked = _STORY.fullmatch(name)
    base, row, schedule = asked.group("file", "row", "schedule") if asked else (name, None, None)
    path = Path(base)
    if not path.is_file():
        path = _near(shipped_folder() / f"{base}{ENDING}", Path.cwd())
    if not path.is_file():
        ids = {story.id.split("[")[0].split("+")[0] for story in shipped()}
        raise SetupError(
            f"There is no file or folder {name}, and no scenario of that id ships.{nearest(base, ids)}"
            " `loopsim init` writes a first scenario. Suites begin with @, as in `loopsim run @wms/two-way`."
        )
    stories = read_scenarios(path, _root(path))
    found = [
        story for story in stories
        if row in (None, story.row.get("name")) and schedule in (None, story.schedule or PLAIN)
    ]  # fmt: skip
    if not found:
        raise SetupError(f"{base} has no such story as {name}; it has {listed(story.id for story in stories)}.")
    return found


def _read_all(files: Sequence[Path], root: Path) -> list[Scenario]:
    problems: list[Problem] = []
    found: list[Scenario] = []
    for file in files:
        try:
            found += read_scenarios(file, root)
        except ScenarioError as error:
            problems += error.problems
    if problems:
        raise ScenarioError(problems)
    return found


def _root(path: Path) -> Path:
    """What the ids of a file or folder are relative to: the shipped scenarios, the current folder, or itself."""
    whole = path.resolve()
    for root in (shipped_folder(), Path.cwd()):
        if whole.is_relative_to(root.resolve()):
            return root
    return path if path.is_dir() else path.parent


def _near(file: Path, current: Path) -> Path:
    """A shipped file as one would name it: relative, in a checkout."""
    return file.relative_to(current) if file.is_relative_to(current) else file


def _is_shipped(path: Path) -> bool:
    return path.resolve().is_relative_to(shipped_folder().resolve())


def _searched(story: Scenario) -> str:
    return " ".join((story.id, story.title, *story.covers)).lower()
