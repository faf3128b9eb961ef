"""What the verbs print: aligned columns with a few colours on a terminal, plain lines elsewhere, JSON if asked for."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text
from rich.theme import Theme

THEME = Theme(
    {
        "ok": "green",
        "bad": "bold red",
        "warn": "yellow",
        "quiet": "bright_black",
        "key": "bold",
        "event": "cyan",
        "command": "bold cyan",
        "time": "bright_black",
    }
)
MARKS = {"ok": ("✓", "ok"), "fail": ("✗", "bad"), "warn": ("!", "warn"), "note": ("·", "quiet")}
DELIVERY_STYLES = {"delivered": "ok", "failed": "bad", "blocked": "warn", "dropped": "warn", "queued": "warn"}
WIDE = 200  # columns where nobody looks at a terminal: a line stays a line

NARROW = 60  # columns below which a table of more than a few is a heap of letters
FEW = 3


def screen(*, stderr: bool = False) -> Console:
    """A console of ours on the stream as it is now."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else WIDE
    return Console(file=stream, theme=THEME, highlight=False, width=width, emoji=False)


def print_json(value: Any) -> None:
    """One value on one line, written at once."""
    print(json.dumps(value, ensure_ascii=False), flush=True)


def columns(console: Console, heads: Iterable[str], rows: Iterable[Iterable[str | Text]], *, wrap: bool = True) -> None:
    """Rows under heads, without lines. What has no room is wrapped, or cut; on a narrow screen each row is a list."""
    heads = list(heads)
    if len(heads) > FEW and console.width < NARROW:
        for row in rows:
            pairs(console, zip(heads, row, strict=True))
            console.print()
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="quiet", show_edge=False)
    for head in heads:
        table.add_column(head, overflow="fold" if wrap else "ellipsis", no_wrap=not wrap)
    for row in rows:
        table.add_row(*row)
    console.print(table)


def pairs(console: Console, rows: Iterable[tuple[str, str | Text]]) -> None:
    """Names with what they stand for."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(style="quiet", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, value)
    console.print(table)


def mark(kind: str) -> Text:
    """The sign of a finding."""
    return Text(*MARKS[kind])


def moment(text: str | None) -> str:
    """A moment of the control API, to the second, as people read it."""
    if not text:
        return ""
    return datetime.fromisoformat(text).strftime("%a %d %b %Y %H:%M:%S")


def printable(text: str) -> str:
    """What somebody else said, without what would move a terminal's cursor or colour it."""
    return "".join(each if each.isprintable() or each in "\n\t" else "�" for each in text)


def outcome(status: int | None, error: str | None) -> Text:
    """What an attempt came to."""
    if error:
        return Text(error, style="bad")
    if status is None:
        return Text("no answer", style="bad")
    return Text(str(status), style="ok" if 200 <= status < 300 else "bad")
