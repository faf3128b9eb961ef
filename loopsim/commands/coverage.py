"""`loopsim coverage`: which scenarios cover what, which add nothing, and what a run left out."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from loopsim.commands import options
from loopsim.commands.screen import columns, print_json, screen
from loopsim.errors import SetupError
from loopsim.harness.coverage import Measured, measured
from loopsim.harness.redundancy import Redundant, Story, covering, read_run, redundant, stories, unshown

UNDER = 4
"""The exit code where coverage is under its limit."""
_SHOWN = 4  # scenarios that are named for one item


@click.command("coverage")
@click.argument("paths", nargs=-1, metavar="[PATH|@SUITE]...")
@options.flag("--redundant", is_flag=True, help="Only the scenarios that cover nothing that no other covers.")
@options.flag(
    "--from", "run_file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="RUN.JSON",
    help="A run to measure by, as `loopsim run --ctrf RUN.JSON` writes it.",
)  # fmt: skip
@options.flag("--fail-under", type=options.Number(0, 100), help="Exit with 4 below so many percent; with --from.")
@options.output
def command(
    paths: tuple[str, ...], redundant: bool, run_file: Path | None, fail_under: float | None, format: str
) -> None:
    """Say which scenarios cover what: all that ship, or those of PATH and @SUITE.

    By what they declare (covers:), and with --from by what they exercised in that run: operations, error answers,
    triggers and state transitions, against all that can be exercised. With --redundant it exits with 1 where a scenario
    adds nothing. A run and covers: name things alike: transition:return.open.cancel, trigger:label.created,
    error:processReturn.flagged; other words (outcome:refund, defect:trusts-200) are the author's own.
    """
    from loopsim.harness.suites import ALL, choose

    if fail_under is not None and run_file is None:
        raise click.UsageError("--fail-under goes with --from: without a run nothing is measured.")
    measurement = read_run(run_file.read_bytes(), str(run_file)) if run_file else None
    found = stories(choose(paths or (ALL,)), measurement)
    if measurement is not None and not any(story.measured for story in found):
        raise SetupError(f"{run_file} is a run of other scenarios. Ask for the same PATH or @SUITE as that run did.")
    if redundant:
        _tell_redundant(found, format, "" if paths else " that ship")
        return
    whole = measured(measurement.whole(), measurement.possible) if measurement else None
    if format == "json":
        print_json(_as_json(found, whole))
    else:
        _tell(screen(), found, whole)
    if whole is not None and fail_under is not None and whole.percent < fail_under:
        click.echo(f"Coverage is {whole.percent:g} %, under the limit of {fail_under:g} %.", err=True)
        click.get_current_context().exit(UNDER)


def _tell_redundant(found: list[Story], format: str, which: str) -> None:
    spare: list[Redundant] = redundant(found)
    console = screen()
    if format == "json":
        print_json({"redundant": [{"id": each.story.id, "covered_by": list(each.others)} for each in spare]})
    elif not spare:
        console.print(f"[ok]✓[/] Each of the {len(found)} scenarios{which} covers something that no other does.")
    else:
        for each in spare:
            why = (
                f"also in {_names(each.others)}"
                if each.others
                else "declares nothing: give it covers: [story:its-name]"
            )
            console.print(Text.assemble(("✗ ", "bad"), (each.story.id, "key"), f"  {why}"))
        console.print(
            f"\n{len(spare)} of {len(found)} scenarios{which} add nothing: let each cover something of its own."
        )
    click.get_current_context().exit(1 if spare else 0)


def _tell(console: Console, found: list[Story], whole: Measured | None) -> None:
    rows = covering(found)
    columns(
        console,
        ("covers", "scenarios"),
        ((item, Text(_names(names), style="quiet" if len(names) > 1 else "")) for item, names in rows.items()),
    )
    if whole is None:
        console.print(f"\n[key]{len(rows)}[/] items by {len(found)} scenarios, as they declare.")
        return
    for kind in whole.kinds:
        console.print(f"\n[key]{len(kind.covered)} of {kind.possible}[/] {kind.name}, {kind.percent:g} %")
        for item in kind.missing:
            console.print(Text(f"  not exercised  {item}", style="quiet"))
    for story, item in unshown(found):
        console.print(
            Text.assemble(("\n! ", "warn"), (story, "key"), f" declares {item}, which it did not do in this run.")
        )
    console.print(f"\n[key]{whole.percent:g} %[/] of all that can be exercised.")


def _as_json(found: list[Story], whole: Measured | None) -> dict[str, object]:
    said: dict[str, object] = {
        "scenarios": [
            {"id": each.id, "title": each.title, "declared": each.declared, "measured": each.measured} for each in found
        ],
        "covers": covering(found),
    }
    if whole is not None:
        said["percent"] = whole.percent
        said["not_shown"] = [{"id": story, "item": item} for story, item in unshown(found)]
        said["kinds"] = [
            {"name": kind.name, "percent": kind.percent, "covered": kind.covered, "missing": kind.missing}
            for kind in whole.kinds
        ]
    return said


def _names(names: tuple[str, ...]) -> str:
    rest = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")
