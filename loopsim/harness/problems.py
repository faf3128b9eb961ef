"""What is wrong with a scenario file, and where: everything that was found, in one error."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from msgspec import Struct

from loopsim.errors import SetupError
from loopsim.harness.document import Place

SHOWN = 40  # problems in one message; after so many it is one mistake that shows everywhere


class Problem(Struct, frozen=True):
    """One thing to mend. `says`: what was found, what was expected, and the nearest name where there is one."""

    place: Place
    says: str

    def __str__(self) -> str:
        return f"{self.place}: {self.says}"


class ScenarioError(SetupError):
    """Scenario files that cannot be read. `problems` holds all that was found, in the order of the text."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        lines = [str(problem) for problem in self.problems[:SHOWN]]
        if len(self.problems) > SHOWN:
            lines.append(f"… and {len(self.problems) - SHOWN} more.")
        super().__init__("\n".join(lines))


def nearest(name: str, known: Iterable[str]) -> str:
    """` Did you mean x?`, or nothing where no name is near."""
    names = list(known)
    lowered = {each.lower(): each for each in names}
    near = difflib.get_close_matches(name.lower(), lowered, n=1)
    return f" Did you mean {lowered[near[0]]}?" if near else ""


def listed(names: Iterable[str]) -> str:
    """Names as a sentence takes them: `a, b, c`."""
    return ", ".join(names) or "none"
