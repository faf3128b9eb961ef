"""What the pytest plugin costs: per test with a fresh shop, and in a run that does not use it.

    python -m tests.performance.plugin_overhead

Processor time, which other work on the machine changes least; medians of alternating rounds.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

TESTS, ROUNDS = 200, 7
OTHERS = ("-p", "no:schemathesis", "-p", "no:hypothesispytest", "-p", "no:anyio", "-p", "no:Faker", "-p", "no:xdist")
EMPTY = "import pytest\n\n@pytest.mark.parametrize('n', range({count}))\ndef test_empty(n): pass\n"
SHOP = "import pytest\n\n@pytest.mark.parametrize('n', range({count}))\ndef test_shop(n, loopsim): pass\n"


def seconds(folder: Path, text: str, *arguments: str) -> float:
    """The processor time of a pytest run over one file."""
    (folder / "test_it.py").write_text(text.format(count=TESTS), "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *OTHERS, *arguments, "test_it.py"]
    before = os.times()
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def main() -> int:
    """Measure and print. The server's start is taken out by a run of a single test."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rounds = [
            (
                seconds(folder, EMPTY, "-p", "no:loopsim"),
                seconds(folder, EMPTY),
                seconds(folder, SHOP) - seconds(folder, SHOP.replace("{count}", "1")),
            )
            for _ in range(ROUNDS)
        ]
    without, unused, used = (statistics.median(column) for column in zip(*rounds, strict=True))
    unused_by = statistics.median(b - a for a, b, _ in rounds)
    empty = statistics.median(a for a, _, _ in rounds) / TESTS
    print(f"a run of {TESTS} empty tests without the plugin   {without * 1000:8.1f} ms")
    print(f"the same with the plugin, unused                  {unused * 1000:8.1f} ms  (+{unused_by * 1000:.1f} ms)")
    each = used / (TESTS - 1) * 1000
    print(f"a test with a fresh shop                          {each:8.2f} ms  (an empty one {empty * 1000:.2f})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
