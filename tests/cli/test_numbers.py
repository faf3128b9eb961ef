"""Numbers on the command line: whatever is given where one is asked for, it is taken or refused in a line."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from loopsim.cli import VERBS, main
from loopsim.clock import MOST_RATE
from loopsim.commands import options

BAD = ("nan", "-nan", "inf", "-inf", "Infinity", "1e309", "-1", "-1e-9", "9" * 30, "9" * 5000, "0x10", "1,5", "", " ")


def commands(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """A command and those below it, each with the words that lead there."""
    yield path, command
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            yield from commands(below, (*path, name))


def numbers() -> Iterator[tuple[tuple[str, ...], click.Parameter]]:
    """Every parameter of every verb that is a number."""
    context = click.Context(main)
    for verb in VERBS:
        top = main.get_command(context, verb)
        assert top is not None
        for path, command in commands(top, (verb,)):
            for parameter in command.params:
                if isinstance(parameter.type, click.types.IntParamType | click.types.FloatParamType):
                    yield path, parameter


NUMBERS = [pytest.param(path, each, id=f"{' '.join(path)} {each.name}") for path, each in numbers()]


@pytest.mark.parametrize(("path", "parameter"), NUMBERS)
def test_a_number_has_two_ends(path: tuple[str, ...], parameter: click.Parameter) -> None:  # noqa: ARG001
    assert isinstance(parameter.type, options.Number | options.Whole), "click's own ranges let nan and 9e999 by"


@pytest.mark.parametrize(("path", "parameter"), NUMBERS)
def test_what_is_no_number_of_the_range_is_refused_in_a_line(path: tuple[str, ...], parameter: click.Parameter) -> None:
    for bad in BAD:
        given = [*path, "--", bad] if isinstance(parameter, click.Argument) else [*path, f"{parameter.opts[0]}={bad}"]
        # Nobody listens there, should one be taken after all.
        came = CliRunner(env={"LOOPSIM_URL": "http://127.0.0.1:1"}).invoke(main, given)
        assert came.exit_code == 2, (bad, came.output)
        assert "Invalid value" in came.stderr
        assert "Traceback" not in came.output


def test_the_environment_is_read_as_strictly() -> None:
    came = CliRunner(env={"LOOPSIM_TIMEOUT": "nan"}).invoke(main, ["wait"])
    assert (came.exit_code, came.exception.__class__) == (2, SystemExit)


def test_a_clock_may_run_as_fast_as_it_can() -> None:
    assert options.RATE.max == MOST_RATE
