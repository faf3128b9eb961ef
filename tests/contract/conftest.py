"""The contract of a library that nobody runs: small enough to see through, odd enough to need every rule."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from loopsim.contract import Contract, load_contract

MADE_UP = Path(__file__).parent / "made_up"


@pytest.fixture(scope="session")
def library() -> Contract:
    return load_contract(MADE_UP)


@pytest.fixture
def openapi_dir(tmp_path: Path) -> Path:
    """A copy of the library's documents, free to be changed."""
    return Path(shutil.copytree(MADE_UP, tmp_path / "openapi"))


@pytest.fixture
def edit(openapi_dir: Path) -> Callable[[str, str, str], Path]:
    """Replace a text in one of the copied files; gives the folder."""

    def replace(file: str, old: str, new: str) -> Path:
        path = openapi_dir / file
        source = path.read_text(encoding="utf-8")
        assert old in source
        path.write_text(source.replace(old, new), encoding="utf-8")
        return openapi_dir

    return replace
