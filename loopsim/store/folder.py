"""The folder of a server that remembers: `registry.db`, `shops/NAME.db`, and a lock that keeps a second server out."""

from __future__ import annotations

import os
import sqlite3
import sys
from contextlib import closing, suppress
from pathlib import Path
from typing import IO

from loopsim.errors import SetupError

if sys.platform != "win32":
    import fcntl

_BESIDE = ("", "-wal", "-shm", "-journal", ".sum")


class Folder:
    """A `--db` folder, held by this process until `close`. Raises `SetupError` for one that cannot be used."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.shops = path / "shops"
        self.registry = path / "registry.db"
        try:
            self.shops.mkdir(parents=True, exist_ok=True)
            self._lock = _take_lock(path / "loopsim.lock")
        except OSError as error:
            raise SetupError(
                f"The folder {path} cannot be used ({error.strerror or error}). Make it writable, or choose another"
                " with --db."
            ) from error

    def check(self) -> None:
        """Raise `SetupError` for shops without a registry: a new one would begin them anew, and theirs may be found."""
        kept = self.registry.is_file() and self.registry.stat().st_size
        if not kept and any(self.shops.glob("*.db")):
            raise SetupError(
                f"The folder {self.path} has shops, but the registry that lists them is gone ({self.registry}). Put it"
                " back, or choose another --db folder."
            )

    def file(self, name: str) -> Path:
        """The file of a shop."""
        return self.shops / name

    def remove(self, file: Path) -> None:
        """Remove a shop's file with what SQLite keeps beside it."""
        for suffix in _BESIDE:
            file.with_name(file.name + suffix).unlink(missing_ok=True)

    def close(self) -> None:
        """Let another server have the folder."""
        self._lock.close()


def check_database(path: Path, probe: str = "select 1") -> None:
    """Raise `sqlite3.DatabaseError` for a file that is no sound database, or cannot answer `probe`.

    Nothing is written, neither to the file nor beside it, unless a server died in it and left a log: then SQLite has to
    put the two together before anybody can read them.
    """
    log = path.with_name(path.name + "-wal")
    how = "mode=rw" if log.is_file() and log.stat().st_size else "immutable=1"
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True)) as connection:
        (verdict,) = connection.execute("pragma quick_check(1)").fetchone()
        if verdict != "ok":
            raise sqlite3.DatabaseError(verdict.splitlines()[-1])
        connection.execute(probe).fetchone()


def check_writable(connection: sqlite3.Connection) -> None:
    """Raise `sqlite3.OperationalError` for an open database that cannot be written. Nothing is changed."""
    (version,) = connection.execute("pragma user_version").fetchone()
    # To begin is not enough: SQLite lets anybody begin, and complains of what is written.
    connection.execute("begin immediate")
    try:
        connection.execute(f"pragma user_version = {version}")
    finally:
        connection.execute("rollback")


def _take_lock(path: Path) -> IO[str]:
    lock = path.open("a+", encoding="utf-8")
    try:
        _lock(lock)
    except BlockingIOError:
        lock.seek(0)
        holder = lock.read().strip()
        lock.close()
        who = f" (process {holder})" if holder else ""
        raise SetupError(
            f"Another loopsim{who} is using the folder {path.parent}. Stop it, or choose another folder with --db."
        ) from None
    lock.truncate(0)
    with suppress(OSError):
        lock.write(f"{os.getpid()}\n")
        lock.flush()
    return lock


if sys.platform != "win32":

    def _lock(lock: IO[str]) -> None:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

else:

    def _lock(lock: IO[str]) -> None:
        import msvcrt

        try:
            msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError from error
