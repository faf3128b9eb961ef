"""The command line: a table of verbs. Each is a module of `loopsim.commands` that is imported when its verb is used, so
that `loopsim --help` loads click and nothing else.

Exit codes: 0 fine, 1 a check failed, 2 usage or configuration, 5 the server or target cannot be reached,
130 interrupted.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import importlib
import io
import os
import sys
from typing import Any

# Only where this is the program: others import it too, such as pytest, which may be told of a folder of that name.
if sys.argv[1:2] == ["serve"] and sys.argv[0].replace("\\", "/").rpartition("/")[2].startswith(("loopsim", "cli.py")):
    # Until it answers: nothing of what is imported is garbage, and to look for some takes a fifth of the start.
    gc.disable()

import click
from click.core import ParameterSource

from loopsim import __version__
from loopsim.errors import LoopsimError

# verb: the module in loopsim.commands, and what the overview says of it
VERBS: dict[str, tuple[str, str]] = {
    "serve": ("serve", "Start the simulator: Loop's API, webhooks and the control API on one port."),
    "wait": ("wait", "Wait until a simulator is ready to serve."),
    "demo": ("demo", "Watch a return go round between a shop, Loop and a warehouse, in a few seconds."),
    "run": ("run", "Run scenarios against an integration, and say whether it is right."),
    "env": ("env", "Print what points a client at the simulator, for eval."),
    "doctor": ("doctor", "Check a set-up from base URL to a signed test delivery, and say what to mend."),
    "trigger": ("trigger", "Make an event happen, with whatever leads there."),
    "clock": ("clock", "Show a shop's time, let it pass, or change how it runs."),
    "events": ("events", "List webhook deliveries, follow them, or show one."),
    "listen": ("listen", "Subscribe a receiver, show live what it is sent, resend with one key."),
    "resend": ("resend", "Send a webhook delivery again, byte for byte."),
    "init": ("init", "Write a first scenario, settings and a CI workflow into a project."),
    "coverage": ("coverage", "Say which scenarios cover what, and which add nothing."),
    "words": ("words", "List what the steps of a scenario can say, with arguments and examples."),
    "rules": ("rules", "List the rules that judge an integration, with reason, mend and fact."),
    "import": ("imports", "Fill a shop from an export of the real list endpoint."),
    "ledger": ("ledger", "Say what is simulated and how sure it is; with --shopify, what Loop did in the shop."),
}

EPILOG = (
    "Every flag is also an environment variable LOOPSIM_<FLAG>, and a setting in loopsim.toml or in [tool.loopsim] of"
    " pyproject.toml."
)


INTERRUPTED = 130
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


class Failure(click.ClickException):
    """An error of loopsim's own, on its way to the terminal."""

    def __init__(self, error: LoopsimError) -> None:
        super().__init__(str(error))
        self.error = error

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        """What the error asks for; 2, usage or configuration, where it says nothing."""
        return int(getattr(self.error, "exit_code", 2))


class Verbs(click.Group):
    """The verbs by name, without importing them before one is needed."""

    def main(self, *args: Any, **extra: Any) -> Any:
        """As click's own, also where a standard stream is closed, or output has no room."""
        for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
            if getattr(sys, name) is None:
                setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))
        try:
            return super().main(*args, **extra)
        except OSError as error:
            if error.errno not in NO_ROOM or error.filename is not None:
                raise
            # What is left to print must not fail once more when the process ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            with contextlib.suppress(OSError):
                says = f"What loopsim prints cannot be written ({error.strerror}). Make room, or send it elsewhere."
                click.echo(f"Error: {says}", err=True)
            sys.exit(2)

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        module = importlib.import_module(f"loopsim.commands.{VERBS[cmd_name][0]}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], VERBS, n=1)
            ctx.fail(
                f"There is no verb {args[0]!r}."
                + (f" Did you mean {near[0]!r}?" if near else " `loopsim --help` lists them.")
            )
        return super().resolve_command(ctx, args)

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl([(verb, says) for verb, (_, says) in VERBS.items()])

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except LoopsimError as error:
            raise Failure(error) from error
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            raise click.exceptions.Exit(INTERRUPTED) from None
        except click.BadParameter as error:
            if where := _set_by(error):
                hint, message = error.param_hint, error.message + where
                raise click.BadParameter(message, error.ctx, error.param, hint) from error
            raise
        finally:
            gc.enable()


def _set_by(error: click.BadParameter) -> str:
    """Where a wrong value comes from, if not from the command line."""
    context, flag = error.ctx, error.param
    source = context.get_parameter_source(flag.name) if context and flag and flag.name else None
    if source is ParameterSource.DEFAULT_MAP:
        from loopsim.settings import where_settings

        return f" It is set in {where_settings()}."
    return f" It is set by {flag.envvar}." if flag and source is ParameterSource.ENVIRONMENT else ""


@click.group(cls=Verbs, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="loopsim")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Loop Returns on your own machine: a stateful API with signed webhooks, and a clock you can move.

    Start it with `loopsim serve`, or see it work with `loopsim demo`.
    """
    # Only here: `--help` and `--version` need no settings.
    from loopsim.settings import read_settings

    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character gets a question mark, not a traceback.
        with contextlib.suppress(AttributeError, ValueError, io.UnsupportedOperation):
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    verb = ctx.invoked_subcommand
    if verb is not None:
        ctx.default_map = {verb: read_settings(verb, VERBS)}


if __name__ == "__main__":
    main(prog_name="loopsim")
