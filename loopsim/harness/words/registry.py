"""The words of scenarios: one table from which steps run, the schema of scenario files, and `loopsim words` are made.

@word("clock.advances", {...}, main="by", example="clock.advances: 14d")
def advances(story: Story, arguments: Arguments) -> Json: ...
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    from loopsim.harness.story import Story

Json = dict[str, Any]
Arguments = dict[str, Any]
Run = Callable[["Story", Arguments], Any]


class Word(Struct, frozen=True, kw_only=True):
    """What a step may say.

    `arguments` is the JSON Schema of its arguments, always of an object. `main` names the argument that a step given
    as a scalar or a list stands for. `run` takes the story and the arguments, with references resolved, and gives what
    `as:` saves.
    """

    name: str
    summary: str
    arguments: Json
    main: str | None
    example: str
    run: Run


WORDS: dict[str, Word] = {}
"""Every word by its name; filled when `loopsim.harness.words` is imported."""


def word(
    name: str,
    properties: Json,
    *,
    required: tuple[str, ...] = (),
    main: str | None = None,
    example: str = "",
    more: bool = False,
) -> Callable[[Run], Run]:
    """Register what a step says. The function's docstring is the summary; `more` lets arguments through that are not
    listed."""

    def register(run: Run) -> Run:
        schema = {
            "type": "object",
            "properties": properties,
            "additionalProperties": more,
            **({"required": list(required)} if required else {}),
        }
        summary = " ".join(inspect.cleandoc(run.__doc__ or "").split())
        add(Word(name=name, summary=summary, arguments=schema, main=main, example=example or name, run=run))
        return run

    return register


def add(made: Word) -> None:
    """Register a word. A name can be given once."""
    assert made.name not in WORDS, f"two words are called {made.name}"
    WORDS[made.name] = made


def arguments_of(made: Word, value: Any) -> Arguments:
    """The arguments of a step as a mapping: what is none stands for the main argument."""
    if isinstance(value, dict):
        return value
    if value is None:
        return {}
    if made.main is None:
        raise ValueError(f"{made.name} takes its arguments by name.")
    return {made.main: value}
