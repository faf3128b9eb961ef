"""A partner's process: its environment, its log, its children."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from loopsim.harness.partner import LOG_BYTES, Connection, Log, NeverStarted, Process, Start

CONNECTION = Connection(api_base="http://127.0.0.1:8484/api/v1", key="k-1", secret="s-1", now="2026-03-02T09:00:00Z")
HOME = "http://127.0.0.1:{port}/"
SERVES = f"exec {sys.executable} -m http.server $PORT --bind 127.0.0.1"
LIMIT = 30.0


def started(command: str, **asked: object) -> Process:
    process = Process(Start(command=command, target="", health=HOME, **asked), CONNECTION)  # type: ignore[arg-type]
    process.start()
    return process


def ended(pid: int) -> bool:
    """Whether a process ends in time; one that nobody has asked about since is a zombie."""
    gone = threading.Event()
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        gone.wait(0.01)
    return False


def test_it_is_told_what_it_has_to_know_under_its_own_names_too() -> None:
    names = "LOOP_API_BASE LOOP_API_KEY LOOP_WEBHOOK_SECRET LOOPSIM_NOW BASE JSON"
    tells = "".join(f'echo "{name}=${name}"; ' for name in names.split())

    process = started(f"{tells} {SERVES}", env={"BASE": "{api_base}/x", "JSON": '{"key": "{key}"}'})
    process.stop()

    told = dict(line.split("=", 1) for line in process.log().splitlines() if "=" in line)
    assert told == {
        "LOOP_API_BASE": CONNECTION.api_base,
        "LOOP_API_KEY": "k-1",
        "LOOP_WEBHOOK_SECRET": "s-1",
        "LOOPSIM_NOW": CONNECTION.now,
        "BASE": "http://127.0.0.1:8484/api/v1/x",
        "JSON": '{"key": "k-1"}',
    }


def test_when_it_is_stopped_all_that_it_wrote_is_there() -> None:
    says = "trap 'seq 20000; echo farewell; exit' TERM"

    process = started(f"{says}; {SERVES} & wait")
    process.stop()

    assert process.log().endswith("farewell\n")


def test_settings_of_loopsim_itself_are_not_the_partners(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOPSIM_TOKEN", "hush")

    process = started(f'echo "token=$LOOPSIM_TOKEN."; {SERVES}')
    process.stop()

    assert "token=." in process.log()


def test_when_it_ends_by_itself_that_is_said_at_once_and_its_children_end_too(tmp_path: Path) -> None:
    pid, said, over = tmp_path / "pid", [], threading.Event()
    process = Process(Start(command=f"sleep 600 & echo $! > {pid}; {SERVES}", target="", health=HOME), CONNECTION)

    def on_end(says: str) -> None:
        said.append(says)
        over.set()

    process.on_end = on_end
    process.start()
    leader = psutil.Process(process._child.pid)  # type: ignore[union-attr]
    leader.kill()

    assert over.wait(LIMIT)
    assert "killed by SIGKILL" in said[0]
    assert not process.running
    assert ended(int(pid.read_text()))


def test_what_was_asked_to_end_is_not_said_to_have_ended_by_itself() -> None:
    said: list[str] = []
    process = Process(Start(command=SERVES, target="", health=HOME), CONNECTION)
    process.on_end = said.append

    process.start()
    process.restart()
    process.stop()

    assert said == []


def test_one_that_does_not_want_to_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loopsim.harness.partner.STOPPING", 0.2)
    stubborn = "import signal, http.server as h, os; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    serves = "h.HTTPServer(('127.0.0.1', int(os.environ['PORT'])), h.SimpleHTTPRequestHandler).serve_forever()"
    process = started(f'exec {sys.executable} -c "{stubborn} {serves}"')
    pid = process._child.pid  # type: ignore[union-attr]

    process.stop()

    assert not psutil.pid_exists(pid)


def test_its_log_keeps_the_end_and_knows_what_is_new() -> None:
    log = Log()
    for number in range(20_000):
        log.add(f"line {number}\n".encode())
    mark = log.written
    log.add(b"the last\n")

    assert len(log.text()) <= LOG_BYTES
    assert log.text().endswith("line 19999\nthe last\n")
    assert log.text(mark) == "the last\n"


def test_somebody_else_on_its_port_is_not_taken_for_it() -> None:
    other = started(SERVES)
    try:
        taken = str(other.connection.port)
        plan = Start(command=SERVES, target=f"http://127.0.0.1:{taken}/hook")
        with pytest.raises(NeverStarted, match="already"):
            Process(plan, CONNECTION).start()
    finally:
        other.stop()
