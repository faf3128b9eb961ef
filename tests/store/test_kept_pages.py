"""A template's pages are read from the disk by the next process, while nothing that made them has changed."""

from __future__ import annotations

import os
import shutil
from datetime import date
from pathlib import Path

import pytest

from loopsim.store import worlds

DAY = date(2026, 6, 1)


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of the pages of an installation that holds built worlds."""
    worlds.load_world("us-apparel")
    shutil.copy(worlds.KEPT / "us-apparel.json", tmp_path)
    monkeypatch.setattr(worlds, "KEPT", tmp_path)
    return tmp_path / "us-apparel.pages"


def pages(day: date = DAY) -> bytes:
    """What a process gets that has not asked before."""
    return worlds.template_pages.__wrapped__("us-apparel", day)


def unmade(*_: object) -> bytes:
    raise AssertionError("the pages were made")


def test_the_second_process_reads_what_the_first_made(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = pages()
    assert kept.is_file()
    monkeypatch.setattr(worlds, "_make_pages", unmade)
    assert pages() == made


def test_another_day_has_pages_of_its_own(kept: Path) -> None:
    first, second = pages(), pages(date(2026, 6, 2))
    assert first != second
    assert pages() == first
    assert len(list(kept.parent.glob("*.pages"))) == 1


def test_a_changed_world_makes_them_stale(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pages()
    os.utime(kept.with_suffix(".json"), ns=(1, 1))
    monkeypatch.setattr(worlds, "_make_pages", lambda *_: b"anew")
    assert pages() == b"anew"


def test_damaged_ones_are_made_again(kept: Path) -> None:
    made = pages()
    whole = kept.read_bytes()
    for damaged in (b"", whole[:-1], whole[:-1] + bytes([whole[-1] ^ 1])):
        kept.write_bytes(damaged)
        assert pages() == made
    assert kept.read_bytes() == whole


def test_a_folder_that_cannot_be_written_is_done_without(kept: Path) -> None:
    kept.mkdir()
    assert pages() == pages()
    assert list(kept.parent.glob(".us-apparel*")) == []
