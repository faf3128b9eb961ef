"""Scenario files as tests, against a partner that is a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

GOOD = """\
scenario: A warehouse processes what arrived
protects: Money that is never paid out.
pattern: wms
direction: two-way
stages: [created, shipped, processing, concluded]
shop: {policy: {processing_event: disabled, carrier: manual}}
rows:
- {name: refund, outcome: refund}
- {name: credit, outcome: credit}
steps:
- customer.submits_return: {items: [{outcome: "${row.outcome}"}]}
  as: ret
- clock.advances: 10s
- carrier.scans: {return_id: "${ret.id}", status: delivered}
- expect.call: {operation: processReturn, path: {id: "${ret.id}"}, times: 1}
"""
BROKEN = GOOD.replace("processReturn", "cancelReturn")
UNREADABLE = GOOD.replace("carrier.scans", "carrier.scanned")
START = f"--port 0 --start '{sys.executable} -m loopsim.partners.warehouse' --env PORT={{port}} --env WAREHOUSE_QUIET=1"
PARTNER = (
    f"{START} --target http://127.0.0.1:{{port}}/webhooks/loop --idle-probe http://127.0.0.1:{{port}}/state"
    " --health http://127.0.0.1:{port}/health"
)


def run(folder: Path, text: str, *arguments: str, partner: str = PARTNER) -> subprocess.CompletedProcess[str]:
    (folder / "returns.loopsim.yaml").write_text(text, "utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rA", *arguments]
    return subprocess.run(
        [*command, f"--loopsim-run={partner}"], cwd=folder, capture_output=True, text=True, timeout=120
    )


def test_each_row_is_a_test(tmp_path: Path) -> None:
    done = run(tmp_path, GOOD, "-v")
    assert "2 passed" in done.stdout, done.stdout + done.stderr
    for row in ("refund", "credit"):
        assert f"returns.loopsim.yaml::returns[{row}] PASSED" in done.stdout


def test_a_failure_is_told_as_loopsim_run_tells_it(tmp_path: Path) -> None:
    done = run(tmp_path, BROKEN, "-k", "refund")
    assert "1 failed" in done.stdout, done.stdout + done.stderr
    assert "cancelReturn" in done.stdout
    assert "Traceback" not in done.stdout
    assert "loopsim run" in done.stdout, "how to run exactly this again"


def test_a_file_that_cannot_be_read_is_told_with_its_place(tmp_path: Path) -> None:
    done = run(tmp_path, UNREADABLE)
    assert "returns.loopsim.yaml:14:3" in done.stdout, done.stdout
    assert "Did you mean carrier.scans" in done.stdout
    assert "Traceback" not in done.stdout


def test_a_partner_that_does_not_start_is_told_and_hangs_nothing(tmp_path: Path) -> None:
    partner = f"--port 0 --start '{sys.executable} -c 1' --target http://127.0.0.1:{{port}}/x"
    done = run(tmp_path, GOOD, partner=partner)
    assert "2 failed" in done.stdout, done.stdout + done.stderr
    assert "Traceback" not in done.stdout


def test_settings_need_not_be_repeated(tmp_path: Path) -> None:
    (tmp_path / "loopsim.toml").write_text('[run]\ntarget = "http://127.0.0.1:9/nobody"\n', "utf-8")
    done = run(tmp_path, GOOD, partner="")
    assert "127.0.0.1:9" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize(("flags", "says"), [("--nope", "No such option"), ("--start 'x", "No closing quotation.")])
def test_flags_that_cannot_be_are_told_without_a_traceback(tmp_path: Path, flags: str, says: str) -> None:
    done = run(tmp_path, GOOD, partner=flags)
    assert f"--loopsim-run {flags!r}: {says}" in done.stdout
    assert "`loopsim run --help` lists the flags." in done.stdout
    assert "Traceback" not in done.stdout
    assert "click" not in done.stdout
