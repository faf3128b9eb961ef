"""Same seed, same calls: same bytes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

STORY = Path(__file__).with_name("story.py")


def tell(*folder: Path) -> list[str]:
    """The record of the story, told in a process of its own."""
    done = subprocess.run([sys.executable, STORY, *folder], capture_output=True, text=True, timeout=120, check=True)
    return done.stdout.splitlines()


def test_the_same_script_gives_the_same_bytes_in_two_processes_and_across_a_restart(tmp_path: Path) -> None:
    first, second = tell(), tell()
    # Hundreds of answers, deliveries and journal entries, or the comparison says nothing.
    assert len(first) > 500
    assert sum('"/webhooks"' in line for line in first) >= 33
    assert first == second
    assert first == tell(tmp_path)
