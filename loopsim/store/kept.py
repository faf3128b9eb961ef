"""What a shop keeps in memory of what it read, for as long as nothing is written to it. All of it can be read again."""

from __future__ import annotations

from collections.abc import Hashable

Page = tuple[bytes, int, bool]  # a body, how many rows are in it, whether it names a next page
MOST = 1024 * 1024  # bytes of answers per shop
LARGEST = MOST // 2


class KeptAnswers:
    """Bodies of answers to reads by what was asked for; those that were not asked for longest give way.

    `changes` is the shop's count of commits: an answer from another one is forgotten.
    """

    __slots__ = ("_answers", "_changes", "_size")

    def __init__(self) -> None:
        self._answers: dict[Hashable, Page] = {}
        self._changes = 0
        self._size = 0

    def get(self, asked: Hashable, changes: int) -> Page | None:
        """The page that was kept, if nothing was committed since."""
        if changes != self._changes:
            self._forget(changes)
            return None
        page = self._answers.pop(asked, None)
        if page is not None:
            self._answers[asked] = page
        return page

    def keep(self, asked: Hashable, page: Page) -> Page:
        """Keep a page, of a `get` that had none, unless it is large; the page itself."""
        if len(page[0]) <= LARGEST:
            self._answers[asked] = page
            self._size += len(page[0])
            while self._size > MOST:
                self._size -= len(self._answers.pop(next(iter(self._answers)))[0])
        return page

    def _forget(self, changes: int) -> None:
        self._answers.clear()
        self._changes = changes
        self._size = 0
