"""The fixtures and the marker, in pytest runs of their own."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from loopsim import Loopsim

FRESH = """
    def test_one(loopsim):
        made = loopsim.customer.submits_return(items=[{"outcome": "refund"}])
        assert made["state"] == "open"

    def test_other(loopsim):
        assert loopsim.returns() == []
        assert loopsim.clock.read()["mode"] == "manual"
"""

MARKED = """
    import pytest

    @pytest.mark.loopsim(world="empty", seed=11, moment="2026-03-02T09:00:00Z")
    class TestMarked:
        def test_class(self, loopsim):
            view = loopsim.view()
            assert (view["world"], view["seed"]) == ("empty", 11)
            assert loopsim.clock.now.startswith("2026-03-02T09:00:00")

        @pytest.mark.loopsim(seed=12)
        def test_nearest_counts_most(self, loopsim):
            view = loopsim.view()
            assert (view["world"], view["seed"]) == ("empty", 12)
"""

CALL = """
import json, urllib.request

def call(shop, method, path, body=None):
    request = urllib.request.Request(
        shop.api_base + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"X-Authorization": shop.key, "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)
"""

PROCESSES_TWICE = (
    CALL
    + """
def test_twice(loopsim):
    made = loopsim.customer.submits_return(items=[{"outcome": "refund"}])
    for _ in range(2):
        call(loopsim, "POST", f"/warehouse/return/{made['id']}/process")
"""
)


EXPECTS = """
    def test_expected(loopsim):
        made = loopsim.customer.submits_return(items=[{"outcome": "refund"}])
        loopsim.expect.call("processReturn", path={"id": made["id"]}, within="0s")
"""


def run(folder: Path, text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A pytest run of its own over one test file, with warnings as errors but for those a test is about."""
    import textwrap

    (folder / "test_it.py").write_text(textwrap.dedent(text), "utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "-rA", *arguments, "test_it.py"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)


def test_each_test_has_a_fresh_shop(tmp_path: Path) -> None:
    done = run(tmp_path, FRESH)
    assert "2 passed" in done.stdout, done.stdout


def test_the_marker_says_which_shop(tmp_path: Path) -> None:
    done = run(tmp_path, MARKED, "--strict-markers")
    assert "2 passed" in done.stdout, done.stdout


def test_xdist_workers_do_not_meet(tmp_path: Path) -> None:
    done = run(tmp_path, FRESH, "-n", "2")
    assert "2 passed" in done.stdout, done.stdout


def test_a_running_server_is_used(tmp_path: Path) -> None:
    with Loopsim() as sim:
        text = f"""
            def test_where(loopsim, loopsim_server):
                assert loopsim_server.url == {sim.url!r}
                assert loopsim.name in [row["name"] for row in loopsim_server.shops()]
        """
        done = run(tmp_path, text, "--loopsim-url", sim.url)
        assert "1 passed" in done.stdout, done.stdout
        assert [row["name"] for row in sim.shops()] == ["default"], "the shop of the test is gone"


def test_a_server_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = run(tmp_path, FRESH, "--loopsim-url", "http://127.0.0.1:9")
    assert "loopsim serve" in done.stdout
    assert done.returncode == 1


def test_a_broken_rule_fails_the_test_and_says_how_to_mend(tmp_path: Path) -> None:
    done = run(tmp_path, PROCESSES_TWICE)
    assert "1 failed" in done.stdout, done.stdout
    assert "processed-once" in done.stdout


def test_a_failed_expectation_shows_the_line_of_the_test_and_nothing_of_loopsim(tmp_path: Path) -> None:
    done = run(tmp_path, EXPECTS)
    assert '>       loopsim.expect.call("processReturn"' in done.stdout
    assert "partner made no such call" in done.stdout
    assert re.findall(r"^(\S+\.py):\d+: ", done.stdout, re.MULTILINE) == ["test_it.py"]


@pytest.mark.parametrize(
    ("marker", "expected"),
    [("rules='warning'", "1 passed, 1 warning"), ("rules='off'", "1 passed"), ("rules='none'", "is one of")],
)
def test_the_marker_says_what_findings_do(tmp_path: Path, marker: str, expected: str) -> None:
    marked = PROCESSES_TWICE.replace("def test_twice", f"import pytest\n@pytest.mark.loopsim({marker})\ndef test_twice")
    done = run(tmp_path, marked)
    assert expected in done.stdout, done.stdout


def test_a_run_that_does_not_use_it_imports_nothing_of_it(tmp_path: Path) -> None:
    text = """
        import sys

        def test_nothing():
            ours = {name for name in sys.modules if name.startswith("loopsim")}
            assert ours == {"loopsim", "loopsim.pytest_plugin"}
    """
    done = run(tmp_path, text)
    assert "1 passed" in done.stdout, done.stdout
