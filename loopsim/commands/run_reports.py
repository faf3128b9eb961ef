"""What a run is told in: on the terminal, in files that flags name, and where GitHub looks."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from loopsim.commands import options
from loopsim.harness.results import RunResult

if TYPE_CHECKING:
    from loopsim.harness.plan import RunPlan
    from loopsim.harness.reports.terminal import LiveTerminal

Command = TypeVar("Command", bound=Callable[..., Any])

WAITS = ("clock.", "expect.")
"""What the words begin with in which a run waits for the integration."""
LONG = 20.0
"""Seconds of waiting that are worth a hint."""
_FILE = click.Path(dir_okay=False, path_type=Path)


def flags(command: Command) -> Command:
    """`--junit`, `--html`, `--ctrf`: a file each."""
    for decorate in (
        options.flag("--ctrf", type=_FILE, metavar="FILE", help="Write a report as JSON in the CTRF format."),
        options.flag("--html", type=_FILE, metavar="FILE", help="Write a page with the timeline of each scenario."),
        options.flag("--junit", type=_FILE, metavar="FILE", help="Write a report as JUnit XML."),
    ):
        command = decorate(command)
    return command


def check(**files: Path | None) -> None:
    """Raises UsageError where two reports would be written over each other."""
    named = [(flag, file.resolve()) for flag, file in files.items() if file is not None]
    for (one, file), (other, same) in combinations(named, 2):
        if file == same and (file.is_file() or not file.exists()):
            raise click.UsageError(f"--{one} and --{other} name the same file, {files[one]}. Choose another for one.")


def live(total: int) -> LiveTerminal:
    """A listener that prints a line as each scenario ends."""
    from loopsim.commands.screen import screen
    from loopsim.harness.reports.terminal import LiveTerminal

    return LiveTerminal(screen(), total)


def write(run: RunResult, *, junit: Path | None, html: Path | None, ctrf: Path | None) -> tuple[list[Path], list[str]]:
    """Write the files that were asked for, and the summary of the step in a workflow of GitHub. Answers those that are
    written, and of each that cannot be, why: a long run is not lost with one file."""
    from loopsim.harness.reports import github

    written: list[Path] = []
    failures: list[str] = []

    def put(file: Path, content: bytes, mode: str = "wb") -> None:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open(mode) as opened:
                opened.write(content)
            written.append(file)
        except OSError as error:
            failures.append(f"The report {file} cannot be written: {error.strerror}. Name another file.")

    if junit is not None:
        from loopsim.harness.reports import junit as as_junit

        put(junit, as_junit.render(run))
    if html is not None:
        from loopsim.harness.reports import html as as_html

        put(html, as_html.render(run).encode())
    if ctrf is not None:
        from loopsim.harness.reports import ctrf as as_ctrf

        put(ctrf, as_ctrf.render(run).encode())
    reports = list(written)
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary and github.is_here(os.environ):
        put(Path(summary), github.step_summary(run).encode(), "ab")
    return reports, failures


def tell(run: RunResult, *written: Path) -> None:
    """The summary, where the reports are, and in a workflow of GitHub its annotations."""
    from loopsim.commands.screen import screen
    from loopsim.harness.reports import github, terminal

    terminal.summary(run, screen())
    for file in written:
        click.echo(f"  report   {file} ({_size(file)})")
    if github.is_here(os.environ):
        click.echo(github.annotations(run), nl=False)


def waiting(run: RunResult, plan: RunPlan) -> str:
    """What makes a run quick that was mostly waiting, in a line; empty where it was not, or where that is done."""
    if plan.jobs > 1 or any(partner.idle_probe for partner in plan.partners.values()):
        return ""
    steps = (step for scenario in run.scenarios for step in scenario.steps)
    waited = sum(step.duration_ms for step in steps if step.word.startswith(WAITS)) / 1000
    whole = run.duration_ms / 1000
    if waited < LONG or waited < whole / 2:
        return ""
    return (
        f"  hint     {waited:.0f} of {whole:.0f} s were waiting for the integration to be quiet: an --idle-probe, or"
        " --mode per-worker -j 4, makes a run several times as fast."
    )


def _size(file: Path) -> str:
    kilobytes = file.stat().st_size / 1000
    return f"{kilobytes / 1000:.1f} MB" if kilobytes >= 1000 else f"{kilobytes:.0f} kB"
