"""The documentation page in a real browser that can reach nothing but the server."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from loopsim.contract import load_contract
from loopsim.embedded import EmbeddedServer

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)  # fmt: skip


def shown(url: str, profile: Path) -> str:
    """The page as the browser has it after its scripts ran."""
    assert CHROMIUM is not None
    done = subprocess.run(
        [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", "--dump-dom", url],
        capture_output=True,
        text=True,
        timeout=90,
        check=True,
    )
    return done.stdout


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: apt-get install chromium")
def test_every_operation_and_its_grade_can_be_read_offline(tmp_path: Path) -> None:
    contract = load_contract()
    with EmbeddedServer() as server:
        loop = shown(f"{server.url}/_loopsim/docs", tmp_path / "loop")
        control = shown(f"{server.url}/_loopsim/docs/control", tmp_path / "control")
        facts = shown(f"{server.url}/_loopsim/facts", tmp_path / "facts")
    for operation in contract.operations("loop"):
        assert operation.path in loop
    for operation in contract.operations("control"):
        assert operation.path in control
    for anchor in contract.facts:
        assert f'id="{anchor}"' in facts
    assert all(grade in loop for grade in ("captured", "documented", "reported", "assumed"))
    # Nothing is fetched from anywhere else.
    assert re.findall(r'(?:src|href)="(?:https?:)?//(?!127\.0\.0\.1)[^"]*\.(?:js|css|woff2?|png)', loop + control) == []
