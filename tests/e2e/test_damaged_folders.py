"""A --db folder that cannot be used: one clear message, exit code 2, and every file as it was."""

from __future__ import annotations

import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest

from loopsim.bootstrap import Options, build
from loopsim.client import Loopsim
from loopsim.embedded import EmbeddedServer
from loopsim.errors import SetupError
from tests.e2e.serving import Server

FLIPS = 120


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two shops, as a server leaves it."""
    folder = tmp_path_factory.mktemp("whole")
    with EmbeddedServer(Options(port=0, db=folder)) as server, Loopsim(server.url) as client:
        client.create_shop("second")
        client.shop("default").act("customer.submits_return")
    return folder


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "db"))


def serve(folder: Path) -> subprocess.CompletedProcess[str]:
    """The command line, which is to give up at once."""
    command = [sys.executable, "-m", "loopsim.cli", "serve", "--port", "0", "--db", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, cwd="/")


def hashes(folder: Path) -> dict[str, str]:
    """What is in every file. The lock says who looked at the folder last, and is none of the data."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != "loopsim.lock")
    return {str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest() for path in files}


def flipped(path: Path, start: int, count: int) -> None:
    data = bytearray(path.read_bytes())
    data[start : start + count] = bytes(byte ^ 0xFF for byte in data[start : start + count])
    path.write_bytes(data)


def changed(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(statement)
        connection.execute("pragma wal_checkpoint(truncate)")
    unsealed(path)


def unsealed(path: Path) -> None:
    """As a file is that no server closed."""
    path.with_name(path.name + ".sum").unlink()


def damaged_record(path: Path, table: str) -> None:
    """One bit of the last byte but twenty of a record, as no server closed it."""
    with closing(sqlite3.connect(path)) as connection:
        (doc,) = connection.execute(f"select doc from {table} order by id limit 1").fetchone()
    data = bytearray(path.read_bytes())
    place = data.index(doc) + len(doc) - 20
    data[place] ^= 1
    path.write_bytes(data)
    unsealed(path)


def in_place_of(path: Path, data: bytes | None) -> None:
    path.unlink()
    if data is None:
        path.mkdir()
    else:
        path.write_bytes(data)


def emptied(path: Path) -> None:
    shutil.rmtree(path)
    path.write_text("")


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a shop's first page": (lambda db: flipped(db / "shops/default.db", 0, 100), "shop default cannot be read"),
    "a shop's pages": (lambda db: flipped(db / "shops/default.db", 5000, 20_000), "shop default cannot be read"),
    "a shop cut off": (
        lambda db: in_place_of(db / "shops/second.db", (db / "shops/second.db").read_bytes()[:9000]),
        "shop second cannot be read",
    ),
    "a shop of nothing": (lambda db: in_place_of(db / "shops/second.db", b""), "shop second cannot be read"),
    "a shop of text": (lambda db: in_place_of(db / "shops/second.db", b"hello" * 1000), "shop second cannot be read"),
    "a shop that is gone": (lambda db: (db / "shops/second.db").unlink(), "The file of shop second is gone"),
    "a shop that is a folder": (lambda db: in_place_of(db / "shops/second.db", None), "shop second is gone"),
    "a bit of a record, where no sum was kept": (
        lambda db: damaged_record(db / "shops/default.db", "returns"), "cannot be read (return 649400001 is damaged)"
    ),
    "a bit of an order, where no sum was kept": (
        lambda db: damaged_record(db / "shops/second.db", "orders"), "is damaged). It was left as it is"
    ),
    "a value of a shop": (
        lambda db: in_place_of(
            db / "shops/second.db", (db / "shops/second.db").read_bytes().replace(b"Tee", b"tee", 1)
        ),
        "The file of shop second cannot be read (it is not as loopsim left it",
    ),
    "a key": (
        lambda db: in_place_of(db / "registry.db", (db / "registry.db").read_bytes().replace(b"loop_", b"Loop_", 1)),
        "registry.db.sum",
    ),
    "a newer shop": (
        lambda db: changed(db / "shops/second.db", "update shop set version = 99"), "another version of loopsim"
    ),
    "a shop's settings": (
        lambda db: changed(db / "shops/second.db", "update shop set settings = '{}'"), "shop second cannot be read"
    ),
    "the registry's first page": (lambda db: flipped(db / "registry.db", 0, 100), "registry.db cannot be read"),
    "a registry cut off": (
        lambda db: in_place_of(db / "registry.db", (db / "registry.db").read_bytes()[:3000]),
        "registry.db cannot be read",
    ),
    "a registry that is gone": (lambda db: (db / "registry.db").unlink(), "the registry that lists them is gone"),
    "a registry of nothing": (lambda db: in_place_of(db / "registry.db", b""), "the registry that lists them is gone"),
    "a newer registry": (lambda db: changed(db / "registry.db", "pragma user_version = 99"), "a newer loopsim"),
    "a registry's settings": (
        lambda db: changed(db / "registry.db", "update shops set settings = 'x'"), "registry.db cannot be read"
    ),
    "no folder for shops": (lambda db: emptied(db / "shops"), "cannot be used"),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_folder_is_told_of_and_left_as_it_is(folder: Path, damage: str) -> None:
    spoil, told = DAMAGES[damage]
    spoil(folder)
    before = hashes(folder)
    given_up = serve(folder)
    assert (given_up.returncode, given_up.stdout) == (2, "")
    assert told in given_up.stderr
    assert len(given_up.stderr.splitlines()) == 1
    assert "--db" in given_up.stderr, "what to do about it"
    assert hashes(folder) == before


@pytest.mark.parametrize("place", ["/proc/loopsim", "/dev/null/db"])
def test_a_folder_that_cannot_be_made_is_told_of(place: str) -> None:
    if not Path("/proc/self").exists():
        pytest.skip("only where such places are")
    given_up = serve(Path(place))
    assert (given_up.returncode, given_up.stdout) == (2, "")
    assert given_up.stderr.startswith(f"Error: The folder {place} cannot be used")


def test_of_two_servers_on_one_folder_the_second_gives_up(folder: Path) -> None:
    first = Server(folder)
    try:
        made = Loopsim(first.url).shop("default").act("customer.submits_return")
        given_up = serve(folder)
        assert (given_up.returncode, given_up.stdout) == (2, "")
        assert f"Another loopsim (process {first.process.pid}) is using the folder" in given_up.stderr
        # The first has noticed nothing.
        assert Loopsim(first.url).shop("default").get_return(made["id"])["state"] == "open"
    finally:
        first.stop()
    second = Server(folder)
    second.stop()
    assert second.process.returncode == 0


@pytest.fixture
def read_only() -> Iterator[Callable[[Path], None]]:
    """Make a file or folder read-only even for root."""
    mounted: list[Path] = []

    def protect(path: Path) -> None:
        for how in (["--bind", path, path], ["-o", "remount,bind,ro", path]):
            done = subprocess.run(["mount", *map(str, how)], capture_output=True, check=False)
            if done.returncode:
                pytest.skip("only root can protect a file from root")
            if how[0] == "--bind":
                mounted.append(path)

    yield protect
    for path in mounted:
        subprocess.run(["umount", str(path)], check=True)


@pytest.mark.parametrize("what", [".", "shops", "shops/second.db", "registry.db"])
def test_what_cannot_be_written_is_told_of(folder: Path, read_only: Callable[[Path], None], what: str) -> None:
    before = hashes(folder)
    read_only(folder / what)
    given_up = serve(folder)
    assert (given_up.returncode, given_up.stdout) == (2, "")
    assert len(given_up.stderr.splitlines()) == 1
    assert "--db" in given_up.stderr
    after = hashes(folder)
    # SQLite may have put the files beside it that it needs to share one; what was there is as it was.
    assert {name: digest for name, digest in after.items() if name in before} == before


@pytest.mark.parametrize("seed", range(FLIPS // 40))
def test_whatever_is_damaged_it_says_so(whole: Path, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    for number in range(40):
        folder = Path(shutil.copytree(whole, tmp_path / str(number)))
        victim = folder / chance.choice(["registry.db", "registry.db", "shops/default.db", "shops/second.db"])
        data = bytearray(victim.read_bytes())
        start = chance.randrange(len(data) if chance.random() < 0.5 else 4096)
        match chance.choice(["flip", "flip", "zero", "cut", "double"]):
            case "flip":
                data[start] ^= 1 << chance.randrange(8)
            case "zero":
                data[start : start + 100] = bytes(len(data[start : start + 100]))
            case "cut":
                del data[start:]
            case "double":
                data[start:start] = data[start : start + 100]
        victim.write_bytes(data)
        before = victim.read_bytes()
        try:
            running = build(Options(port=0, db=folder))
        except SetupError:
            assert victim.read_bytes() == before
        else:
            running.close()
            assert before == (whole / victim.relative_to(folder)).read_bytes(), "a damage that was not seen"
        shutil.rmtree(folder)
