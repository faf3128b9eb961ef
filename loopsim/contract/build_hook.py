"""The build hook of the wheel: compiles openapi/ and builds the worlds into it, with their sources beside.

Run by hatchling, from a checkout or an unpacked sdist, in an environment that has this package's build requirements
only.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

DATA = "loopsim/_data"
WORLDS = "loopsim/store/_worlds"
INDEX = "loopsim/operations/_index.json"
FOLDERS = ("openapi", "fixtures", "scenarios")


class CustomBuildHook(BuildHookInterface[Any]):
    """Adds `loopsim/_data` to a wheel. An editable install needs none of it: it reads the checkout."""

    _scratch: Path | None = None

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the compiled contract and name what goes into the wheel. Raises SetupError for a broken contract."""
        if version == "editable":
            return
        root = Path(self.root)
        included = {str(root / folder): f"{DATA}/{folder}" for folder in FOLDERS if (root / folder).is_dir()}
        self._scratch = Path(tempfile.mkdtemp(prefix="loopsim-build-"))
        compiled = self._scratch / "compiled.json"
        compiled.write_bytes(_compile(root))
        included[str(compiled)] = f"{DATA}/compiled.json"
        for world in _build_worlds(root, self._scratch / "worlds"):
            # Empty till the first start writes it (`store.kept_pages`): pip takes away only what the wheel brought.
            pages = world.with_suffix(".pages")
            pages.touch()
            included |= {str(file): f"{WORLDS}/{file.name}" for file in (world, pages)}
        index = self._scratch / "index.json"
        index.write_bytes(_index(root))
        included[str(index)] = INDEX
        build_data["force_include"] = {**build_data.get("force_include", {}), **included}

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what `initialize` wrote."""
        del version, build_data, artifact_path
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)


def _compile(root: Path) -> bytes:
    sys.path.insert(0, str(root))
    try:
        from loopsim.contract.source import compiled_bytes

        return compiled_bytes(root / "openapi", stamp="built")
    finally:
        sys.path.remove(str(root))


def _build_worlds(root: Path, folder: Path) -> list[Path]:
    sys.path.insert(0, str(root))
    try:
        from loopsim.store.worlds import write_all

        return write_all(folder, root / "fixtures" / "worlds")
    finally:
        sys.path.remove(str(root))


def _index(root: Path) -> bytes:
    sys.path.insert(0, str(root))
    try:
        from loopsim.operations.index import BUILT, index_bytes

        return index_bytes(BUILT)
    finally:
        sys.path.remove(str(root))
