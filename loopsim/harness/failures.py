"""What ends a story before its end."""

from __future__ import annotations

from loopsim.errors import LoopsimError


class ExpectationFailed(AssertionError):
    """Something that the partner should have done, and did not, or the other way round.

    `says` is one sentence; `expected` and `actual` are short texts to set side by side; `entries` are the ids of the
    journal entries that show it; `missing` are the operations of a call that never came.
    """

    def __init__(
        self,
        says: str,
        expected: str = "",
        actual: str = "",
        entries: tuple[int, ...] = (),
        missing: tuple[str, ...] = (),
    ) -> None:
        self.says = says
        self.expected = expected
        self.actual = actual
        self.entries = entries
        self.missing = missing
        lines = [says, *(f"{name:>9}: {text}" for name, text in (("expected", expected), ("actual", actual)) if text)]
        super().__init__("\n".join(lines))


class StoryOver(LoopsimError):
    """The story cannot go on: its partner is gone, its time is up, or the run was `interrupted` by the user. `partner`
    tells whether that is the partner's doing."""

    def __init__(self, says: str, *, partner: bool = True, interrupted: bool = False) -> None:
        self.partner = partner
        self.interrupted = interrupted
        super().__init__(says)
