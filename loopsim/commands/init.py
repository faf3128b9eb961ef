"""`loopsim init`: what a project needs to be tested with loopsim."""

from __future__ import annotations

from pathlib import Path

import click
from rich.text import Text

from loopsim.commands import options
from loopsim.commands.screen import mark, print_json, screen
from loopsim.errors import SetupError
from loopsim.harness.schema import schema_text
from loopsim.harness.shape import DIRECTIONS, PATTERNS
from loopsim.harness.starter import CI, SCENARIO, SETTINGS, files
from loopsim.harness.suites import suites


@click.command("init")
@options.flag(
    "--pattern", type=click.Choice(PATTERNS), default="wms", show_default=True, help="What kind of integration it is."
)
@options.flag(
    "--direction",
    type=click.Choice(DIRECTIONS),
    default="two-way",
    show_default=True,
    help="Whether it only listens and reads (one-way) or acts at Loop, too.",
)
@options.flag(
    "--ci", type=click.Choice([*CI, "none"]), default="github", show_default=True, help="Whose workflow file to write."
)
@options.flag("--force", is_flag=True, help="Write over files that are there.")
@options.output
def command(pattern: str, direction: str, ci: str, force: bool, format: str) -> None:
    """Write a first scenario, settings and a CI workflow into the current folder, and say what to do next.

    Nothing is written where one of the files is there already, unless --force is given.
    """
    suite = f"@{pattern}/{direction}"
    run = f"loopsim run scenarios {suite}" if suite in suites() else "loopsim run scenarios"
    made = files(pattern, direction, ci, run, schema_text)
    there = [path for path in made if Path(path).exists()]
    if there and not force:
        raise SetupError(f"Nothing was written, since there is already: {', '.join(there)}. --force writes over it.")
    for path, text in made.items():
        _write(Path(path), text)
    _tell(list(made), run, format)


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    except OSError as error:
        raise SetupError(f"{path} cannot be written: {error.strerror}. Mend that, and try again.") from error


def _tell(made: list[str], run: str, format: str) -> None:
    steps = [
        f"Say in {SETTINGS} where your integration takes webhooks, and how it is started.",
        f"Run the scenarios: {run}",
        f"Go on in {SCENARIO}; `loopsim words` lists what a scenario can say.",
    ]
    if format == "json":
        print_json({"written": made, "next": steps, "run": run})
        return
    console = screen()
    for path in made:
        console.print(mark("ok"), Text(path))
    console.print(Text("\nNext:", style="key"))
    for number, step in enumerate(steps, 1):
        console.print(Text(f"  {number}. {step}"))
