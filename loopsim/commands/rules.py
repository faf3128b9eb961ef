"""`loopsim rules`: what a partner must and must not do, each with its reason, its mend and its fact."""

from __future__ import annotations

from typing import Any

import click
from rich.console import Console
from rich.text import Text

from loopsim.commands import options
from loopsim.commands.screen import columns, pairs, print_json, screen
from loopsim.harness.problems import nearest
from loopsim.rules.catalogue import BY_NAME, RULES
from loopsim.rules.rule import Rule

Json = dict[str, Any]
LEVELS = {"error": "bad", "warning": "warn", "note": "quiet"}


@click.command("rules")
@click.argument("rule", required=False)
@options.output
def command(rule: str | None, format: str) -> None:
    """List the rules that judge an integration; with RULE, its reason, how to mend it, and the fact behind it.

    A rule that needs traffic judges the calls and deliveries of every story, one that needs a provocation what was done
    to the integration on purpose, one that needs a probe what it says of its own records. Switch one off for a run with
    `loopsim run --without RULE`, for a story with `rules: {off: [RULE]}`.
    """
    if rule is not None:
        _one(screen(), _found(rule), as_json=format == "json")
    elif format == "json":
        print_json({"rules": [_plain(each) for each in RULES]})
    else:
        rows = [
            (Text(each.name, style="event"), Text(each.level, style=LEVELS[each.level]), each.needs, each.title)
            for each in RULES
        ]
        console = screen()
        columns(console, ("rule", "level", "needs", ""), rows)
        console.print(Text("\nloopsim rules RULE says why, and how to mend it.", style="quiet"))


def _found(name: str) -> Rule:
    if name not in BY_NAME:
        raise click.BadParameter(
            f"There is no rule {name!r}.{nearest(name, BY_NAME)} `loopsim rules` lists them.", param_hint="RULE"
        )
    return BY_NAME[name]


def _plain(rule: Rule) -> Json:
    names = ("name", "level", "needs", "title", "reason", "mend", "fact")
    return {name: getattr(rule, name) for name in names}


def _one(console: Console, rule: Rule, *, as_json: bool) -> None:
    if as_json:
        print_json(_plain(rule))
        return
    console.print(Text.assemble((rule.name, "key"), f"  {rule.title}."))
    console.print()
    pairs(
        console,
        [
            ("level", Text(rule.level, style=LEVELS[rule.level])),
            ("needs", rule.needs),
            ("why", rule.reason),
            ("mend", Text(rule.mend, style="ok")),
            ("fact", f"openapi/FACTS.md#{rule.fact}"),
        ],
    )
