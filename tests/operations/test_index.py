"""A server starts without the modules of operations, and knows what they hold."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from loopsim.operations import index
from loopsim.operations.perform import IMPORTED, OPERATIONS, TIMERS
from loopsim.store.timers import RETURN_TIMERS

SCRIPT = """
import json, sys
from pathlib import Path
from loopsim.operations import index
from loopsim.operations.perform import OPERATIONS, TIMERS
index.know_all(Path(sys.argv[1]))
known = {name: each.reads for name, each in OPERATIONS.items()}
imported = "loopsim.operations.loop.listings" in sys.modules
try:
    OPERATIONS["listBlocklists"].function(None, None)
except AttributeError:
    pass
later = "loopsim.operations.loop.listings" in sys.modules
print(json.dumps([known, sorted(TIMERS), imported, later, "loopsim.operations.loop.orders" in sys.modules]))
"""


def start(kept: Path) -> tuple[dict[str, bool], list[str], bool, bool, bool]:
    """What a process knows that starts with this index: operations with whether they only read, timers; whether
    listings are imported from the start, and once they were called; whether orders are."""
    command = [sys.executable, "-c", SCRIPT, str(kept)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    operations, timers, first, later, others = json.loads(run.stdout)
    return operations, timers, first, later, others


def test_the_second_start_knows_all_and_imports_what_is_called(tmp_path: Path) -> None:
    kept = tmp_path / "index.json"
    first, second = start(kept), start(kept)
    assert first[:2] == second[:2] == ({name: each.reads for name, each in OPERATIONS.items()}, sorted(TIMERS))
    assert first[2:] == (True, True, True)
    assert second[2:] == (False, True, False)


def test_it_is_known_of_every_timer_whether_it_is_of_a_return() -> None:
    of_others = {"bulk.run", "delivery.retry", "draft.expire", "happy_returns.ships", "ship_by_loop.poll"}
    assert set(TIMERS) == {*RETURN_TIMERS, *of_others}


@pytest.mark.parametrize("broken", [b"", b"[]", b'{"stamp": 1}'])
def test_an_index_that_cannot_be_used_is_made_again(broken: bytes, tmp_path: Path) -> None:
    kept = tmp_path / "index.json"
    kept.write_bytes(broken)
    index.know_all(kept)
    assert {name for name in IMPORTED if f'"{name}"'.encode() not in kept.read_bytes()} == set()


def test_a_changed_module_makes_the_index_stale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = tmp_path / "index.json"
    index.know_all(kept)
    before = kept.read_bytes()
    monkeypatch.setattr(index, "_stamp", lambda: "another")
    index.know_all(kept)
    assert b"another" in kept.read_bytes() != before


def test_a_place_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    index.know_all(tmp_path / "missing" / "index.json")
    assert not (tmp_path / "missing").exists()
