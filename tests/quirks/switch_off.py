"""Switches every quirk off in turn and sees its tests fail. `python -m tests.quirks.switch_off [ID ...]`

A test that passes although what it shows is gone shows nothing; a quirk without a test is not shown at all. Either ends
this with 1. Each quirk gets a process of its own, two at a time.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tests.quirks.catalogue import QUIRKS

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
AT_ONCE = 2
PATIENCE = 120.0
"""Seconds that the tests of one quirk may take."""
ONLY_FAILURE = "AssertionError"
"""A test has to notice by what it asserts. One that merely stumbles would stumble over anything."""


class Verdict(NamedTuple):
    """What became of a quirk's tests without it: how many there are, and those that did not fail as they must."""

    quirk: str
    tests: int
    wrong: dict[str, str]
    files: tuple[str, ...]

    @property
    def good(self) -> bool:
        """Whether there are tests, and all of them noticed."""
        return self.tests > 0 and not self.wrong


def try_without(quirk: str) -> Verdict:
    """Run a quirk's tests without it."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [
            sys.executable, "-m", "pytest", str(HERE), "-q", "-p", "no:cacheprovider", "--tb=no",
            "--without-quirk", quirk, "--quirk-report", str(report),
        ]  # fmt: skip
        # Plugins of other packages would take most of the time, and none of them is needed.
        environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
        try:
            run = subprocess.run(
                command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
            )
        except subprocess.TimeoutExpired:
            return Verdict(quirk, 0, {"(all)": f"took more than {PATIENCE:.0f} s"}, ())
        if not report.is_file():
            return Verdict(quirk, 0, {"(all)": (run.stdout + run.stderr)[-2000:]}, ())
        found = json.loads(report.read_text("utf-8"))
    return judge(quirk, found["shown"], found["outcomes"])


def judge(quirk: str, shown: dict[str, list[str]], outcomes: dict[str, dict[str, str]]) -> Verdict:
    """The verdict on what a run reported."""
    wrong = {}
    for test in shown:
        outcome = outcomes.get(test)
        if outcome is None:
            wrong[test] = "did not run"
        elif outcome["outcome"] != "failed":
            wrong[test] = outcome["outcome"]
        elif outcome["when"] != "call" or outcome["kind"] != ONLY_FAILURE:
            wrong[test] = f"{outcome['kind']} in its {outcome['when']}"
    files = tuple(sorted({Path(test.partition("::")[0]).name for test in shown}))
    return Verdict(quirk, len(shown), wrong, files)


def line(verdict: Verdict) -> str:
    """A row of the table, and below it what is wrong."""
    mark = "✓" if verdict.good else "✗"
    row = f"{verdict.quirk:<42} {verdict.tests:>3}  {', '.join(verdict.files):<36} {mark}"
    if not verdict.tests and not verdict.wrong:
        return f"{row}\n    no test shows it"
    return "\n".join([row, *(f"    {test.partition('::')[2] or test}: {why}" for test, why in verdict.wrong.items())])


def main(wanted: list[str]) -> int:
    """Try all quirks, or those that are named; 0 where every test noticed."""
    strangers = [name for name in wanted if name not in QUIRKS]
    if strangers:
        print(f"No such quirk: {', '.join(strangers)}. They stand in tests/quirks/catalogue.py.")
        return 2
    began, names = time.monotonic(), wanted or list(QUIRKS)
    print(f"{'quirk':<42} tests {'shown in':<35} fails without it")
    bad = 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for verdict in pool.map(try_without, names):
            print(line(verdict), flush=True)
            bad += not verdict.good
    print(f"{len(names) - bad} of {len(names)} quirks are shown, in {time.monotonic() - began:.0f} s.")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
