"""Where the contract comes from: openapi/ of a source checkout, or the compiled file inside the wheel.

A compiled file is one JSON object, `{"stamp", "versions", "heads", "documents": {"loop/2026-07": ..., "control/1":
...}, "facts"}`, with a line for what every start needs, one for each document but its paths, and one for each of those:
what is not used is not read. Beside a source checkout it is a cache: valid while no file of openapi/ and of this
package's compiler has changed, rewritten when one has, and done without where it cannot be written. In a wheel it is
made by `build_hook`, and openapi/ is there for readers only.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import mmap
import os
from pathlib import Path
from typing import Any

import msgspec

from loopsim.contract.contract import CONTROL_VERSION, Contract, head_of
from loopsim.errors import SetupError

PACKAGE = Path(__file__).resolve().parent
CACHE = PACKAGE / "compiled.json"
CHECKOUT = PACKAGE.parent.parent / "openapi"
WHEEL = PACKAGE.parent / "_data"
COMPILED_NAME = "compiled.json"

_COMPILER = (
    "check", "compile", "contract", "facts", "fragments", "inherit", "overlay", "pointers", "shapes", "source", "walk",
    "yaml_source",
)  # fmt: skip


_BETWEEN = b",\n"
_LAST = b"\n}\n"
_PATHS = b',"paths":{\n'
_FACTS = b'"facts":'


class _Start(msgspec.Struct):
    """The first line."""

    stamp: str
    versions: tuple[str, ...]
    heads: dict[str, dict[str, Any]]


class _Compiled:
    """A compiled file. Raises msgspec.MsgspecError for one that is cut off or of another make."""

    def __init__(self, file: mmap.mmap | io.BytesIO) -> None:
        self._file = file
        file.seek(-len(_LAST), os.SEEK_END)
        if file.read() != _LAST:
            raise msgspec.DecodeError("The compiled contract has no end.")
        file.seek(0)
        self.start = msgspec.json.decode(file.readline().rstrip(_BETWEEN) + b"}", type=_Start)
        self._found: dict[str, dict[str, int]] = {}

    def facts(self) -> dict[str, dict[str, str]]:
        """Grade and text of each fact, by its anchor in FACTS.md."""
        found: dict[str, dict[str, str]] = self._value(self._after(_FACTS), _FACTS)
        return found

    def rest(self, name: str) -> dict[str, Any]:
        """A document, such as `loop/2026-07`, but for its paths."""
        named = _named(name)
        begins = self._after(named)
        self._file.seek(begins)
        line = self._file.readline()[len(named) :].removesuffix(_PATHS)
        found: dict[str, Any] = msgspec.json.decode(line + b"}")
        return found

    def path(self, name: str, path: str) -> dict[str, Any]:
        """What a document says of one of its paths."""
        found: dict[str, Any] = self._value(self._paths(name)[path], _named(path))
        return found

    def paths(self, name: str) -> dict[str, dict[str, Any]]:
        """What a document says of all its paths."""
        return {path: self.path(name, path) for path in self._paths(name)}

    def _paths(self, name: str) -> dict[str, int]:
        """Where the lines of the paths begin."""
        found = self._found.get(name)
        if found is None:
            found = self._found[name] = {}
            self._file.seek(self._after(_named(name)))
            self._file.readline()
            begins = self._file.tell()
            while not (line := self._file.readline()).startswith(b"}"):
                found[line[1 : line.index(b'":')].decode()] = begins
                begins += len(line)
        return found

    def _after(self, named: bytes) -> int:
        """Where the line begins that has this name."""
        self._file.seek(0)
        begins = 0
        while line := self._file.readline():
            if line.startswith(named):
                return begins
            begins += len(line)
        raise LookupError(f"The compiled contract has no {named.decode()}")

    def _value(self, begins: int, named: bytes) -> Any:
        self._file.seek(begins)
        return msgspec.json.decode(self._file.readline()[len(named) :].rstrip(_BETWEEN))


def _named(name: str) -> bytes:
    return f'"{name}":'.encode()


def load_contract(openapi_dir: Path | None = None, cache: Path | None = None) -> Contract:
    """The contract of `openapi_dir`, or of this installation where none is given.

    `cache` is the compiled file to use and keep up to date; an `openapi_dir` of its own has none unless it is named.
    Raises SetupError where no contract is found or the documents do not hold together.
    """
    if openapi_dir is not None:
        return _from_source(openapi_dir, cache)
    if CHECKOUT.is_dir():
        return _from_source(CHECKOUT, cache or CACHE)
    built = WHEEL / COMPILED_NAME
    if not built.is_file():
        raise SetupError("This installation of loopsim has no contract (_data/compiled.json). Install it again.")
    return _contract(_mapped(built))


def _from_source(openapi_dir: Path, cache: Path | None) -> Contract:
    stamp = stamp_of(openapi_dir)
    compiled = _read(cache) if cache is not None else None
    if compiled is None or compiled.start.stamp != stamp:
        raw = compiled_bytes(openapi_dir, stamp)
        compiled = _Compiled(io.BytesIO(raw))
        if cache is not None:
            _keep(cache, raw)
    return _contract(compiled)


def stamp_of(openapi_dir: Path) -> str:
    """A hash over names, times and sizes of everything that the compiled file is made from."""
    digest = hashlib.sha256()
    files = [*sorted(openapi_dir.rglob("*.yaml")), openapi_dir / "FACTS.md"]
    for path in (*files, *(PACKAGE / f"{name}.py" for name in _COMPILER)):
        if path.is_file():
            status = path.stat()
            digest.update(f"{path.parent.name}/{path.name} {status.st_mtime_ns} {status.st_size}\n".encode())
    return digest.hexdigest()


def compiled_bytes(openapi_dir: Path, stamp: str) -> bytes:
    """The compiled file of an openapi/ folder. Raises SetupError where its documents do not hold together."""
    # Only here: a start from the compiled file loads neither the compiler nor YAML.
    from loopsim.contract.compile import compile_documents

    compiled = compile_documents(openapi_dir)
    documents = {f"loop/{version}": document for version, document in compiled["loop"].items()}
    documents[f"control/{CONTROL_VERSION}"] = compiled["control"]
    heads = {name: head_of(document) for name, document in documents.items()}
    start = {"stamp": stamp, "versions": list(compiled["loop"]), "heads": heads}
    return b"".join(
        (
            msgspec.json.encode(start).removesuffix(b"}") + _BETWEEN,
            b'"documents":{\n' + _BETWEEN.join(_lines(*each) for each in documents.items()) + b"\n}" + _BETWEEN,
            _FACTS + msgspec.json.encode(compiled["facts"]) + _LAST,
        )
    )


def _lines(name: str, document: dict[str, Any]) -> bytes:
    rest = {part: value for part, value in document.items() if part != "paths"}
    paths = [_named(path) + msgspec.json.encode(item) for path, item in document["paths"].items()]
    return _named(name) + msgspec.json.encode(rest).removesuffix(b"}") + _PATHS + _BETWEEN.join(paths) + b"\n}}"


def _contract(compiled: _Compiled) -> Contract:
    return Contract(compiled.start.versions, compiled.start.heads, compiled)


def _mapped(path: Path) -> _Compiled:
    with path.open("rb") as file:
        return _Compiled(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def _read(cache: Path) -> _Compiled | None:
    # A cache that is missing, empty, cut off or of another make is no error: it is made again.
    with contextlib.suppress(OSError, ValueError, msgspec.MsgspecError):
        return _mapped(cache)
    return None


def _keep(cache: Path, raw: bytes) -> None:
    import tempfile

    # Moved into place whole, since several processes may start at once.
    with contextlib.suppress(OSError):
        handle, name = tempfile.mkstemp(dir=cache.parent, prefix=cache.name)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(raw)
            Path(name).replace(cache)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
