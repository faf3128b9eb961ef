"""Is what lies on the disk what was written? SQLite notices pages that make no sense, not other values in them.

A file that a server closed has its sum beside it (`NAME.db.sum`), taken away before anything is written again. Where
there is none, because the server died or the file comes from elsewhere, each record is read once.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from loopsim.domain.labels import LabelRequest
from loopsim.domain.orders import Order
from loopsim.domain.returns import Return
from loopsim.errors import Damaged
from loopsim.store.codec import decode, unpack

_PART = 1024 * 1024
# The name and the document of each record, what that is, and how it is read.
_DOCUMENTS: tuple[tuple[str, Any, Callable[[Any, bytes], Any]], ...] = (
    ("select 'order ' || id, doc from orders", Order, unpack),
    ("select 'return ' || id, doc from returns", Return, unpack),
    ("select 'label request ' || id, doc from label_requests", LabelRequest, decode),
    ("select kind || ' ' || id, doc from records", Any, decode),
    ("select 'ledger entry ' || id, doc from ledger", dict, decode),
)


def seal(path: Path) -> None:
    """Keep the sum of a file that nobody has open any more."""
    part = _seal_of(path).with_suffix(".part")
    # In one piece or not at all: half a sum would condemn a sound file.
    part.write_text(_sum_of(path), "ascii")
    part.replace(_seal_of(path))


def unseal(path: Path) -> None:
    """Forget the sum of a file that is about to be written."""
    _seal_of(path).unlink(missing_ok=True)


def is_sealed(path: Path) -> bool:
    """Whether the file was sealed. Raises `sqlite3.DatabaseError` where it is not the one that was."""
    kept = ""
    with suppress(FileNotFoundError):
        kept = _seal_of(path).read_text("ascii", "replace")
    if kept and kept != _sum_of(path):
        raise sqlite3.DatabaseError(
            "it is not as loopsim left it: bytes on the disk are damaged or were changed; to take it as it is, delete"
            f" {_seal_of(path)}"
        )
    return bool(kept)


def first_damage(connection: sqlite3.Connection) -> str | None:
    """The first record that cannot be read, by name (`return 649500001`); None where all can."""
    for select, kind, read in _DOCUMENTS:
        for name, doc in connection.execute(select):
            try:
                read(kind, doc)
            except Damaged:
                return str(name)
    return None


def _seal_of(path: Path) -> Path:
    return path.with_name(path.name + ".sum")


def _sum_of(path: Path) -> str:
    crc = 0
    with path.open("rb") as file:
        while part := file.read(_PART):
            crc = zlib.crc32(part, crc)
    return f"{crc:08x}"
