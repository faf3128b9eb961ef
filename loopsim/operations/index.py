"""Which module holds the function of which operation and timer, so that a server starts without importing them.

    operations/*.py, loop/, control/ ── imported once ── _index.json (beside this module) ── OPERATIONS, TIMERS

What is kept counts while no module was changed, came or went; it is written again when one was, and done without
where it cannot be written. A wheel holds it ready made.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import msgspec

from loopsim.operations.perform import IMPORTED, OPERATIONS, TIMERS, Later, Registered

PACKAGE = Path(__file__).parent
KEPT = PACKAGE / "_index.json"
BUILT = "built"
"""The stamp of a wheel's: it has no sources that change."""

_FOLDERS = ("", "control", "loop")


class _Index(msgspec.Struct):
    """The modules by operation, with whether it only reads, and by kind of timer."""

    stamp: str
    operations: dict[str, tuple[str, bool]]
    timers: dict[str, str]


def import_all() -> None:
    """Import every module that registers operations or timers: one exists because its file lies here."""
    for module, _ in _modules():
        import_module(module)


def know_all(kept: Path = KEPT) -> None:
    """Know every operation and timer; the module of each is imported when it is called first."""
    index = _read(kept)
    if index is None or (index.stamp != BUILT and index.stamp != _stamp()):
        _keep(kept, index_bytes(_stamp()))
        return
    for name, (module, reads) in index.operations.items():
        if name not in IMPORTED:
            OPERATIONS[name] = Registered(Later(module, name), reads)
    for kind, module in index.timers.items():
        if kind not in IMPORTED:
            TIMERS[kind] = Later(module, kind)


def index_bytes(stamp: str) -> bytes:
    """The index as a file. Imports everything."""
    import_all()
    index = _Index(stamp, {}, {})
    for name, each in IMPORTED.items():
        module = each.function.__module__
        if each.reads is None:
            index.timers[name] = module
        else:
            index.operations[name] = (module, each.reads)
    return msgspec.json.encode(index)


def _modules() -> Iterator[tuple[str, os.DirEntry[str]]]:
    for folder in _FOLDERS:
        package = ".".join(filter(None, (__package__, folder)))
        with os.scandir(PACKAGE / folder) as found:
            for file in sorted(found, key=lambda each: each.name):
                if file.name.endswith(".py") and not file.name.startswith("_"):
                    yield f"{package}.{file.name.removesuffix('.py')}", file


def _stamp() -> str:
    """Names, times and sizes of all modules."""
    return " ".join(f"{name}:{file.stat().st_mtime_ns}:{file.stat().st_size}" for name, file in _modules())


def _read(kept: Path) -> _Index | None:
    # One that is missing, cut off or of another make is no error: it is made again.
    with suppress(OSError, msgspec.MsgspecError):
        return msgspec.json.decode(kept.read_bytes(), type=_Index)
    return None


def _keep(kept: Path, raw: bytes) -> None:
    # Moved into place whole, since several processes may start at once.
    draft = kept.with_name(f".{kept.name}.{os.getpid()}")
    with suppress(OSError):
        draft.write_bytes(raw)
        draft.replace(kept)
