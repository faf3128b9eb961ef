"""Switches every quirk off in turn and sees its tests fail: `python -m tests.quirks [ID ...]`, or `make quirks`.

A test that passes although what it shows is gone shows nothing, and a quirk without a test is not shown at all. Either
ends this with 1. Each quirk gets a server of its own; two are tried at a time, in two processes.
"""

from __future__ import annotations

import faulthandler
import io
import multiprocessing
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.quirks.catalogue import QUIRKS, shown_by

HERE = Path(__file__).parent
AT_ONCE = 2
PATIENCE = 120.0
"""Seconds that the tests of one quirk may take; then their process ends itself, and all with it."""
NOTICES = "AssertionError"
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


class Observer:
    """A plugin that keeps which tests show a quirk and how each came out."""

    def __init__(self, quirk: str) -> None:
        self.quirk = quirk
        self.outcomes: dict[str, str] = {}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Every test is to be seen, so that one that does not run is missed."""
        self.outcomes = {item.nodeid: "did not run" for item in session.items if self.quirk in shown_by(item)}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
        """Only the call counts: what comes before and after it is not the test's own doing."""
        report = yield
        if call.when == "call" or (call.when == "setup" and not report.passed):
            kind = "passed" if call.excinfo is None else call.excinfo.typename
            self.outcomes[item.nodeid] = kind if call.when == "call" else f"{kind} before it began"
        return report

    def verdict(self) -> Verdict:
        """What came of it all."""
        wrong = {test: outcome for test, outcome in self.outcomes.items() if outcome != NOTICES}
        files = sorted({Path(test.partition("::")[0]).name for test in self.outcomes})
        return Verdict(self.quirk, len(self.outcomes), wrong, tuple(files))


def try_without(quirk: str) -> Verdict:
    """Run a quirk's tests without it, in this process."""
    faulthandler.dump_traceback_later(PATIENCE, exit=True)
    observer, said = Observer(quirk), io.StringIO()
    arguments = [str(HERE), "-q", "-p", "no:cacheprovider", "--tb=no", "--without-quirk", quirk]
    with redirect_stdout(said), redirect_stderr(said):
        code = pytest.main(arguments, plugins=[observer])
    faulthandler.cancel_dump_traceback_later()
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED):
        return Verdict(quirk, 0, {"(all)": said.getvalue()[-2000:]}, ())
    return observer.verdict()


def _prepare() -> None:
    # Plugins of other packages would take most of the time, and none of them is needed.
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    os.environ.pop("PYTEST_ADDOPTS", None)


def row(verdict: Verdict) -> str:
    """A row of the table, and below it what is wrong."""
    mark = "✓" if verdict.good else "✗"
    lines = [f"{verdict.quirk:<42} {verdict.tests:>5}  {', '.join(verdict.files):<40} {mark}"]
    lines += [f"    {test.partition('::')[2] or test}: {why}" for test, why in verdict.wrong.items()]
    if not verdict.tests and not verdict.wrong:
        lines.append("    no test shows it")
    return "\n".join(lines)


def say(text: str) -> None:
    """A line of the table."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main(wanted: list[str]) -> int:
    """Try all quirks, or those that are named; 0 where every test noticed."""
    strangers = [name for name in wanted if name not in QUIRKS]
    if strangers:
        say(f"No such quirk: {', '.join(strangers)}. They stand in tests/quirks/catalogue.py.")
        return 2
    began, names, good = time.monotonic(), wanted or list(QUIRKS), 0
    say(f"{'quirk':<42} tests  {'shown in':<40} fails without it")
    spawning = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(AT_ONCE, spawning, _prepare) as pool:
        try:
            for verdict in pool.map(try_without, names):
                say(row(verdict))
                good += verdict.good
        except BrokenProcessPool:
            say(f"The tests of a quirk took more than {PATIENCE:.0f} s, or their process died.")
    say(f"{good} of {len(names)} quirks are shown, in {time.monotonic() - began:.0f} s.")
    return 0 if good == len(names) else 1
