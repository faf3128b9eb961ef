"""The large world with few orders and products in its place, for tests of what generated worlds have in common."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from loopsim.store import worlds
from loopsim.store.world_file import WorldFile, parse_world_file

LARGE = "large-catalogue"
ORDERS = 120
PRODUCTS = 80
_CACHES = (worlds.load_world, worlds.load_head, worlds.template_pages)


@contextmanager
def shrunk(folder: Path) -> Iterator[WorldFile]:
    """Within, `large-catalogue` is the small one, of this file; other worlds are as they are."""
    source, kept = folder / "worlds", folder / "kept"
    worlds.load_world(worlds.DEFAULT_WORLD)
    shutil.copytree(worlds.SOURCE, source)
    shutil.copytree(worlds.KEPT, kept)
    path = source / f"{LARGE}.yaml"
    text = path.read_text("utf-8")
    for old, new in (
        ("count: 100000", f"count: {ORDERS}"),
        ("customers: 1000", "customers: 20"),
        ("products: 468", f"products: {PRODUCTS}"),
    ):
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worlds, "SOURCE", source)
        patch.setattr(worlds, "KEPT", kept)
        _forget()
        yield parse_world_file(text.encode(), path.name)
    _forget()


def _forget() -> None:
    for each in _CACHES:
        each.cache_clear()
