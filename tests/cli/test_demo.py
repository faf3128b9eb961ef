"""`loopsim demo`: the main job, as a user sees it."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from loopsim.commands import demo
from tests.cli.terminal import PATIENCE, command, environment, run


def test_a_return_goes_round_and_is_paid_out(tmp_path: Path) -> None:
    done = run("demo", cwd=tmp_path)

    assert done.code == 0, done
    assert done.err == ""
    for says in (
        "imports a real export: 3 returns",
        "→ return.created",
        "USPS delivered · signature verified",
        "grades the items",
        "adds a note",
        "asks Loop to process the return",
        "→ return.closed",
        "refund",
        "exchange order",
        "judged by a short suite",
        "11 of 11 stories passed",
        "-m loopsim.cli serve",
    ):
        assert says in done.out
    assert list(tmp_path.iterdir()) == []
    # What it proposes can be pasted as it stands; one story of the suite says so as well.
    (proposed,) = (line for line in done.out.splitlines() if " run @wms/two-way " in line)
    pasted = subprocess.run(
        proposed.replace("@wms/two-way", "wms/two-way/auto-processed-first+base"),
        shell=True, cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert pasted.returncode == 0, pasted
    assert "1 passed" in pasted.stdout


@pytest.mark.parametrize("ends", [signal.SIGINT, signal.SIGTERM])
def test_whoever_ends_it_early_leaves_no_process_behind(tmp_path: Path, ends: signal.Signals) -> None:
    process = subprocess.Popen(
        command("demo"), cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        places = [re.search(r"http://127\.0\.0\.1:(\d+)", process.stdout.readline()) for _ in range(2)]
        process.send_signal(ends)
        process.communicate(timeout=PATIENCE)

    assert process.returncode == 130
    for place in places:
        assert place is not None
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", int(place[1])), PATIENCE)


def test_it_is_the_same_story_as_json_and_leaves_no_process_behind(tmp_path: Path) -> None:
    done = run("demo", "--format", "json", cwd=tmp_path, LOOPSIM_PORT="1", LOOPSIM_WORLD="empty")

    assert done.code == 0, done
    *story, end, suite = done.lines
    assert end["ok"]
    assert suite["ok"]
    assert [each["status"] for each in suite["suite"]] == ["passed"] * 11
    assert end["return"]["state"] == "closed"
    assert {"refund", "exchange_order", "return_closed"} <= {entry["kind"] for entry in end["shopify"]}
    assert end["return"]["outcome"] == "exchange+refund"
    operations = [line["operation"] for line in story if line.get("kind") == "call"]
    first = {name: operations.index(name) for name in ("gradeItems", "createNote", "processReturn")}
    assert first["gradeItems"] < first["createNote"] < first["processReturn"]
    deliveries = [line for line in story if line.get("kind") == "delivery"]
    assert {line["status"] for line in deliveries} == {200}
    assert [line["at"] for line in deliveries] == sorted(line["at"] for line in deliveries)
    for line in story[:2]:
        with pytest.raises(urllib.error.URLError):
            urllib.request.urlopen(line["url"], timeout=5)


def test_it_names_itself_as_the_shell_would_find_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / ".venv" / "bin" / "loopsim"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", [str(program), "demo"])

    monkeypatch.setenv("PATH", str(program.parent))
    assert demo._called() == "loopsim"
    monkeypatch.setenv("PATH", "/nowhere")
    assert demo._called() == ".venv/bin/loopsim"


def test_where_the_simulator_cannot_start_it_says_why_and_ends_with_2(tmp_path: Path) -> None:
    (tmp_path / "uvicorn.py").write_text("raise ImportError('no uvicorn here')")

    done = run("demo", cwd=tmp_path, PYTHONPATH=str(tmp_path))

    assert done.code == 2
    assert "The simulator of the demo did not start" in done.err
    assert "no uvicorn here" in done.err
