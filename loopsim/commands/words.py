"""`loopsim words`: what a scenario can say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import click
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from loopsim.commands import options
from loopsim.commands.screen import columns, print_json, screen
from loopsim.harness import matchers
from loopsim.harness.problems import nearest
from loopsim.harness.schema import schema_text
from loopsim.harness.words import WORDS, Word

Json = dict[str, Any]

DEEPEST = 2  # levels of members within members that are listed
MOST_CHOICES = 8  # values of an enumeration that are listed
_KINDS = {
    "integer": "integer", "number": "number", "string": "text", "boolean": "true | false", "object": "mapping",
    "array": "list", "null": "null",
}  # fmt: skip


@click.command("words")
@click.argument("word", required=False)
@options.flag("--schema", is_flag=True, help="Print the JSON Schema of scenario files, for an editor.")
@options.output
def command(word: str | None, schema: bool, format: str) -> None:
    """List the words that the steps of a scenario can say; with WORD, its arguments and an example.

    A step is one word with its arguments, such as `clock.advances: 14d`. Words that begin with `expect.` say what the
    integration under test must do; all others make something happen.
    """
    if schema:
        print(schema_text(), end="")
    elif word is not None:
        _one(screen(), _found(word), as_json=format == "json")
    elif format == "json":
        names = [f"#{name}" for name in matchers.MATCHERS]
        print_json({"words": [_plain(each) for each in _sorted()], "matchers": names + list(matchers.OPERATORS)})
    else:
        _all(screen())


def _found(name: str) -> Word:
    if name not in WORDS:
        raise click.BadParameter(
            f"There is no word {name!r}.{nearest(name, WORDS)} `loopsim words` lists them.", param_hint="WORD"
        )
    return WORDS[name]


def _sorted() -> list[Word]:
    """What happens before what is expected of it."""
    return sorted(WORDS.values(), key=lambda each: (each.name.startswith("expect."), each.name))


def _plain(word: Word) -> Json:
    kept = {"name": word.name, "summary": word.summary, "main": word.main, "arguments": word.arguments}
    return {**kept, "example": word.example}


def _all(console: Console) -> None:
    rows: list[tuple[Text, Text]] = []
    for noun, group in groupby(_sorted(), key=lambda each: each.name.split(".")[0]):
        rows.append((Text(noun, style="key"), Text()))
        rows += [(Text(f"  {each.name}", style="event"), Text(_first_sentence(each.summary))) for each in group]
    rows.append((Text("matchers", style="key"), Text("in place of an expected value", style="quiet")))
    rows += [
        (Text(f"  #{name}", style="event"), Text(f"{says[:1].upper()}{says[1:]}."))
        for name, (says, _) in matchers.MATCHERS.items()
    ]
    operators = ", ".join(f"{{{operator}: …}}" for operator in matchers.OPERATORS)
    columns(console, ("word", ""), rows)
    console.print(Text(f"  {operators}", style="event"))
    console.print(Text("\nloopsim words WORD shows its arguments and an example.", style="quiet"))


def _one(console: Console, word: Word, *, as_json: bool) -> None:
    if as_json:
        print_json(_plain(word))
        return
    console.print(Text(word.name, style="key"))
    console.print(Padding(Text(word.summary), (0, 0, 0, 2)))
    console.print()
    console.print(Padding(Text(f"- {word.example}", style="command"), (0, 0, 0, 2)))
    rows = list(_arguments(word.arguments, word.main))
    console.print()
    if rows:
        columns(console, ("argument", "takes", ""), rows)
    else:
        console.print(Text("It takes no arguments.", style="quiet"))


def _arguments(schema: Json, main: str | None, before: str = "", depth: int = 1) -> Iterator[tuple[Text, Text, Text]]:
    """A row for each argument, and for each member of those that are mappings or lists of them."""
    for name, each in schema.get("properties", {}).items():
        notes = [each.get("description", "")]
        if name in schema.get("required", ()):
            notes.append("Required.")
        if name == main:
            notes.append("May stand alone behind the word.")
        if "default" in each:
            notes.append(f"[{json.dumps(each['default'])}]")
        says = " ".join(_closed(note) for note in notes if note)
        yield Text(f"{before}{name}", style="event"), Text(_takes(each)), Text(says, style="quiet")
        inner, mark = (each.get("items", {}), "[].") if "items" in each else (each, ".")
        if isinstance(inner, dict) and depth < DEEPEST:
            yield from _arguments(inner, None, f"{before}{name}{mark}", depth + 1)


def _takes(schema: Json) -> str:
    """What a value may be, in a few words."""
    if "enum" in schema:
        choices = [each if isinstance(each, str) else json.dumps(each) for each in schema["enum"]]
        more = f" | … ({len(choices)})" if len(choices) > MOST_CHOICES else ""
        return " | ".join(choices[:MOST_CHOICES]) + more
    if "const" in schema:
        return json.dumps(schema["const"])
    for keyword in ("anyOf", "oneOf"):
        if keyword in schema:
            return " | ".join(dict.fromkeys(_takes(each) for each in schema[keyword]))
    kinds = schema.get("type", "anything")
    if kinds == "array" and isinstance(schema.get("items"), dict):
        return f"list of {_takes(schema['items'])}"
    names = [str(kind) for kind in (kinds if isinstance(kinds, list) else [kinds])]
    return " | ".join(_KINDS.get(name, name) for name in names)


def _closed(sentence: str) -> str:
    return sentence if sentence[-1] in ".]" else f"{sentence}."


def _first_sentence(text: str) -> str:
    first, stop, _ = text.partition(". ")
    return first + stop.strip()
