"""What a shop keeps of what it read, until a return or the shop's settings change. All of it can be read again."""

from __future__ import annotations

import os
import sys
from collections.abc import Hashable
from contextlib import suppress
from pathlib import Path
from typing import IO

Page = tuple[bytes, int, bool]  # a body, how many rows are in it, whether it names a next page
MOST = 1024 * 1024  # bytes of answers per shop in memory
LARGEST = MOST // 2
MOST_ON_FILE = 64 * 1024 * 1024


class KeptAnswers:
    """Bodies of answers to reads by what was asked for; those that were not asked for longest give way.

    Where the shop has a folder they give way to a file without a name there: to read a page of the list from it takes
    a tenth of the time that the database needs for a hundred rows. When the file is full it begins anew.
    """

    __slots__ = ("_answers", "_end", "_file", "_folder", "_on_file", "_size")

    def __init__(self, folder: Path | None = None) -> None:
        self._answers: dict[Hashable, Page] = {}
        self._size = 0
        self._folder = folder
        self._file: IO[bytes] | None = None
        self._on_file: dict[Hashable, tuple[int, int, int, bool]] = {}  # where it begins, its size; rows and more
        self._end = 0

    def get(self, asked: Hashable) -> Page | None:
        """The page that was kept, if any."""
        page = self._answers.pop(asked, None)
        if page is None:
            return self._read(asked) if asked in self._on_file else None
        self._answers[asked] = page
        return page

    def keep(self, asked: Hashable, page: Page) -> Page:
        """Keep a page, of a `get` that had none, unless it is large; the page itself."""
        if len(page[0]) <= LARGEST:
            self._answers[asked] = page
            self._size += len(page[0])
            while self._size > MOST:
                oldest = next(iter(self._answers))
                gone = self._answers.pop(oldest)
                self._size -= len(gone[0])
                if self._folder is not None:
                    self._write(self._folder, oldest, gone)
        return page

    def clear(self) -> None:
        """Forget everything: what was read is not true any more."""
        self._answers.clear()
        self._size = 0
        self._on_file.clear()
        self._end = 0

    def close(self) -> None:
        """Forget everything, and let go of the file, which is gone with that."""
        self.clear()
        self._folder = None
        if self._file is not None:
            self._file.close()
            self._file = None

    def _read(self, asked: Hashable) -> Page | None:
        start, size, rows, more = self._on_file[asked]
        body = b""
        if self._file is not None:
            with suppress(OSError):
                body = _read_at(self._file, start, size)
        return (body, rows, more) if len(body) == size else None

    def _write(self, folder: Path, asked: Hashable, page: Page) -> None:
        body, rows, more = page
        if self._end + len(body) > MOST_ON_FILE:
            self._on_file.clear()
            self._end = 0
        # A full disk is no reason not to answer: what is not kept is read again.
        with suppress(OSError):
            if self._file is None:
                # Only here: a server starts without it.
                from tempfile import TemporaryFile

                self._file = TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115  open until `close`
            self._file.seek(self._end)
            if self._file.write(body) == len(body):
                self._on_file[asked] = (self._end, len(body), rows, more)
                self._end += len(body)


def _read_at(file: IO[bytes], start: int, size: int) -> bytes:
    if sys.platform != "win32":
        # One call of the system: to seek takes as long as to read.
        return os.pread(file.fileno(), size, start)
    file.seek(start)
    return file.read(size)
