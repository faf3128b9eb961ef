"""Whose an id is: every scenario makes its ids in a block of its own, which its id alone decides.

So a scenario has the same ids whether it runs alone or with others, a partner with a database of its own needs no
reset, and a call that comes late says by its ids which scenario it belongs to.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

from loopsim.harness.journal import Entry

_FIRST, _WIDTH = 100_000_000, 100_000
"""Where the ids of returns, labels and the like begin, and how many of them a block has; as `GET shop` says."""
MOST = 999_999
_NUMBER = re.compile(r"(?<![\d.])\d{9,12}(?![\d.])")


def blocks(ids: Iterable[str], salt: str = "") -> dict[str, int]:
    """The block of each scenario. Where two would have the same, the one that comes later in the alphabet moves on.

    Another `salt` gives other blocks: for a partner that remembers the ids of an earlier run.
    """
    taken: dict[int, str] = {}
    for id_ in sorted(set(ids)):
        block = own_block(salt + id_)
        while block in taken:
            block = block % MOST + 1
        taken[block] = id_
    return {id_: block for block, id_ in taken.items()}


def own_block(id_: str) -> int:
    """The block that a scenario has when no other of the run has it."""
    digest = hashlib.blake2b(id_.encode(), digest_size=8).digest()
    return int.from_bytes(digest) % MOST + 1


def first_of(block: int) -> tuple[int, int]:
    """The first id of a block, and how many it has."""
    return _FIRST + block * _WIDTH, _WIDTH


def blocks_in(entry: Entry) -> set[int]:
    """The blocks of the ids that a call bears, in its path, its query and its body."""
    text = " ".join(entry.get(name) or "" for name in ("path", "query", "request_body"))
    numbers = (int(found) for found in _NUMBER.findall(text))
    return {(number - _FIRST) // _WIDTH for number in numbers if number > _FIRST}


def lines_of(text: str, own: int, of_run: dict[int, str]) -> str:
    """The lines of a log without those that bear another scenario's ids."""
    return "\n".join(line for line in text.splitlines() if owner({"path": line}, own, of_run) is None).strip()


def owner(entry: Entry, own: int, of_run: dict[int, str]) -> str | None:
    """The other scenario of the run whose ids a call bears; None where it bears none, or some of `own` too."""
    found = blocks_in(entry)
    if own in found:
        return None
    return next((of_run[block] for block in sorted(found) if block in of_run), None)
