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
from collections.abc import Iterator
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
_PATHS = b',"paths":{'
_FACTS = "facts"


class _Start(msgspec.Struct):
    """The first line. `begins`: where what the other lines hold begins, counted from the second: by document and path,
    the document itself and the facts under no path."""

    stamp: str
    versions: tuple[str, ...]
    heads: dict[str, dict[str, Any]]
    begins: dict[str, dict[str, int]]


class _Compiled:
    """A compiled file. Raises msgspec.MsgspecError for one that is cut off or of another make."""

    def __init__(self, file: mmap.mmap | io.BytesIO) -> None:
        self._file = file
        file.seek(-len(_LAST), os.SEEK_END)
        if file.read() != _LAST:
            raise msgspec.DecodeError("The compiled contract has no end.")
        file.seek(0)
        self.start = msgspec.json.decode(file.readline().rstrip(_BETWEEN) + b"}", type=_Start)
        self._second = file.tell()

    def facts(self) -> dict[str, dict[str, str]]:
        """Grade and text of each fact, by its anchor in FACTS.md."""
        found: dict[str, dict[str, str]] = msgspec.json.decode(self._line(_FACTS))
        return found

    def rest(self, name: str) -> dict[str, Any]:
        """A document, such as `loop/2026-07`, but for its paths."""
        found: dict[str, Any] = msgspec.json.decode(self._line(name).removesuffix(_PATHS) + b"}")
        return found

    def path(self, name: str, path: str) -> dict[str, Any]:
        """What a document says of one of its paths."""
        found: dict[str, Any] = msgspec.json.decode(self._line(name, path))
        return found

    def paths(self, name: str) -> dict[str, dict[str, Any]]:
        """What a document says of all its paths."""
        return {path: self.path(name, path) for path in self.start.begins[name] if path}

    def _line(self, name: str, path: str = "") -> bytes:
        self._file.seek(self._second + self.start.begins[name][path])
        return self._file.readline().rstrip(_BETWEEN)


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
    compiler = (PACKAGE / f"{name}.py" for name in _COMPILER)
    states = sorted((*_states(openapi_dir), *(_state(PACKAGE.name, file.name, file.stat()) for file in compiler)))
    return hashlib.sha256("\n".join(states).encode()).hexdigest()


def _states(folder: Path) -> Iterator[str]:
    with os.scandir(folder) as found:
        for each in found:
            if each.is_dir():
                yield from _states(folder / each.name)
            elif each.name.endswith(".yaml") or each.name == "FACTS.md":
                yield _state(folder.name, each.name, each.stat())


def _state(folder: str, name: str, status: os.stat_result) -> str:
    return f"{folder}/{name} {status.st_mtime_ns} {status.st_size}"


def compiled_bytes(openapi_dir: Path, stamp: str) -> bytes:
    """The compiled file of an openapi/ folder. Raises SetupError where its documents do not hold together."""
    # Only here: a start from the compiled file loads neither the compiler nor YAML.
    from loopsim.contract.compile import compile_documents

    compiled = compile_documents(openapi_dir)
    documents = {f"loop/{version}": document for version, document in compiled["loop"].items()}
    documents[f"control/{CONTROL_VERSION}"] = compiled["control"]
    heads = {name: head_of(document) for name, document in documents.items()}
    lines, begins = _lines(documents, compiled["facts"])
    start = {"stamp": stamp, "versions": list(compiled["loop"]), "heads": heads, "begins": begins}
    return msgspec.json.encode(start).removesuffix(b"}") + _BETWEEN + lines


def _lines(documents: dict[str, dict[str, Any]], facts: dict[str, Any]) -> tuple[bytes, dict[str, dict[str, int]]]:
    """All lines but the first, and where what they hold begins."""
    lines, begins = bytearray(b'"documents":{\n'), dict[str, dict[str, int]]()

    def add(name: str, path: str, value: bytes) -> None:
        lines.extend(msgspec.json.encode(path or name) + b":")
        begins.setdefault(name, {})[path] = len(lines)
        lines.extend(value)

    for number, (name, document) in enumerate(documents.items()):
        lines.extend(_BETWEEN if number else b"")
        rest = {part: value for part, value in document.items() if part != "paths"}
        add(name, "", msgspec.json.encode(rest).removesuffix(b"}") + _PATHS)
        for position, (path, item) in enumerate(document["paths"].items()):
            lines.extend(_BETWEEN if position else b"\n")
            add(name, path, msgspec.json.encode(item))
        lines.extend(b"\n}}")
    lines.extend(b"\n}" + _BETWEEN)
    add(_FACTS, "", msgspec.json.encode(facts) + _LAST)
    return bytes(lines), begins


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
