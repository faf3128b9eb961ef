"""The pages that a shop of a world starts with on a day, kept on the disk: to make them takes some milliseconds.

    _worlds/NAME.pages   a line that says what they were made from, with their sum; the pages

One file a world, of the day that was asked for last: most servers start on the day of today. What was kept counts while
no file was changed that the pages come from, and is done without where it cannot be written.
"""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import date
from pathlib import Path
from zlib import crc32

_PACKAGE = Path(__file__).parents[1]
_FOLDERS = ("domain", "store")
_ENDINGS = (".py", ".sql")


def read_pages(world: Path, day: date) -> bytes | None:
    """The pages that were kept beside a built world's file; None where there are none, or others."""
    with suppress(OSError):
        line, _, pages = world.with_suffix(".pages").read_bytes().partition(b"\n")
        if line == _line(world, day, pages):
            return pages
    return None


def keep_pages(world: Path, day: date, pages: bytes) -> None:
    """Keep the pages of a world, in the place of those of another day."""
    kept = world.with_suffix(".pages")
    # Several processes may start at once; each file is whole at every moment.
    draft = kept.with_name(f".{kept.name}.{os.getpid()}")
    with suppress(OSError):
        try:
            draft.write_bytes(_line(world, day, pages) + b"\n" + pages)
            draft.replace(kept)
        except OSError:
            draft.unlink(missing_ok=True)


def _line(world: Path, day: date, pages: bytes) -> bytes:
    """Day, sum, and a sum over names, times and sizes of what the pages are made from and by."""
    made_by = [_state(world.name, world.stat())]
    for folder in _FOLDERS:
        with os.scandir(_PACKAGE / folder) as files:
            made_by += sorted(_state(file.name, file.stat()) for file in files if file.name.endswith(_ENDINGS))
    return f"{day} {crc32(pages)} {crc32(' '.join(made_by).encode())}".encode()


def _state(name: str, status: os.stat_result) -> str:
    return f"{name} {status.st_mtime_ns} {status.st_size}"
