"""`loopsim run` as its users have it: a process, settings in a file, signals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from loopsim.commands.run import own_server
from loopsim.embedded import EmbeddedServer
from loopsim.harness.partner import Connection, Process, Start
from tests.cli.terminal import PATIENCE, command, environment, run, serving
from tests.harness.conftest import DELIVERED
from tests.harness.partners import PROCESS, write

HOME = "http://127.0.0.1:{port}/"
FLAGS = ("--target", f"{HOME}hook", "--health", HOME, "--env", "PORT={port}", "--idle-probe", HOME)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project with one scenario."""
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "story.loopsim.yaml").write_text(DELIVERED.lstrip(), "utf-8")
    return tmp_path


def test_a_right_partner_ends_with_0_and_a_wrong_one_with_1(folder: Path) -> None:
    right = run("run", "--start", write(folder), *FLAGS, cwd=folder)
    wrong = run("run", "--start", write(folder, on_delivered="pass"), *FLAGS, cwd=folder)

    assert (right.code, wrong.code) == (0, 1), right.out + right.err
    assert "1 passed" in right.out
    assert "made no such call: processReturn" in wrong.out


def test_the_command_that_a_failure_gives_runs_exactly_it_again(folder: Path) -> None:
    wrong = run("run", "--start", write(folder, on_delivered="pass"), *FLAGS, "--format", "json", cwd=folder)
    (story,) = wrong.json["scenarios"]

    again = subprocess.run(
        story["reproduce"].replace("loopsim", f"{sys.executable} -m loopsim.cli", 1) + " --format json",
        shell=True,
        cwd=folder,
        env=environment(),
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )

    (same,) = json.loads(again.stdout)["scenarios"]
    assert (again.returncode, same["id"]) == (1, story["id"])
    assert same["failures"][0]["says"] == story["failures"][0]["says"]


def test_a_provocation_runs_alone_and_the_command_it_gives_runs_exactly_it_again(folder: Path) -> None:
    own = folder / "scenarios" / "story.loopsim.yaml"
    pays_twice = write(folder, on_delivered=f"done.clear(); {PROCESS}")
    flags = ("--start", pays_twice, *FLAGS, "--format", "json")

    plain = run("run", "provocations/duplicate", *flags, cwd=folder)
    named = run("run", f"provocations/duplicate:{own}+base", *flags, cwd=folder)

    for done, name in ((plain, "provocations/duplicate"), (named, f"provocations/duplicate:{own}+base")):
        (story,) = done.json["scenarios"]
        assert (done.code, story["id"], story["status"]) == (1, "provocations/duplicate", "failed")
        assert story["reproduce"].startswith(f"loopsim run {name} --")
        (verdict,) = story["verdicts"]
        assert "once more" in verdict["findings"][0]["says"]


def test_a_provocation_that_does_not_exist_says_which_there_are(folder: Path) -> None:
    done = run("run", "provocations/duplicat", *FLAGS[:2], cwd=folder)

    assert done.code == 2
    assert "Did you mean duplicate? There are forged_signature, unsigned," in done.err


def test_everything_can_stand_in_the_settings(folder: Path) -> None:
    (folder / "loopsim.toml").write_text(
        f"""
        [run]
        target = "{HOME}hook"
        start = "{write(folder)}"
        health = "{HOME}"
        idle-probe = "{HOME}"
        probe = "{HOME}"
        probe-path = "$.returns['{{return_id}}']"
        [run.env]
        PORT = "{{port}}"
        [run.probe-map]
        processing = "open"
        """,
        "utf-8",
    )
    story = folder / "scenarios" / "story.loopsim.yaml"
    story.write_text(story.read_text() + "- expect.partner: {return_id: '${ret.id}', state: open}\n")

    done = run("run", cwd=folder)

    assert done.code == 0, done.out + done.err


def test_several_partners_stand_in_tables_of_their_own(folder: Path) -> None:
    table = f"""
        target = "{HOME}hook"
        start = "{write(folder)}"
        health = "{HOME}"
        env = {{PORT = "{{port}}"}}
    """
    (folder / "loopsim.toml").write_text(f"[run.partners.dock]\n{table}\n[run.partners.watcher]\n{table}", "utf-8")
    story = folder / "scenarios" / "story.loopsim.yaml"
    story.write_text(story.read_text().replace("steps:", "partners: {dock: {}, watcher: {subscribe: false}}\nsteps:"))

    done = run("run", cwd=folder)

    assert done.code == 0, done.out + done.err


def test_a_story_about_what_the_probe_does_not_show_is_skipped_and_says_what_would_show_it(folder: Path) -> None:
    story = folder / "scenarios" / "story.loopsim.yaml"
    story.write_text(story.read_text().replace("steps:", "needs: [probe.refund]\nsteps:"))
    run_it = ("run", "--start", write(folder), *FLAGS, "--probe", HOME, "--format", "json")

    less = run(*run_it, cwd=folder)
    enough = run(*run_it, "--probe-shows", "refund=$.refunds", cwd=folder)
    unknown = run(*run_it, "--probe-shows", "refnd=$.refunds", cwd=folder)

    (skipped,) = json.loads(less.out)["scenarios"]
    assert skipped["status"] == "skipped"
    assert "--probe-shows refund=JSONPATH" in skipped["why"]
    assert json.loads(enough.out)["scenarios"][0]["status"] == "passed"
    assert unknown.code == 2
    assert "refund (What it booked as refunded.)" in unknown.err


def test_a_story_that_needs_more_than_the_partner_says_it_does_is_skipped(folder: Path) -> None:
    story = folder / "scenarios" / "story.loopsim.yaml"
    story.write_text(story.read_text().replace("steps:", "needs: [process, grade]\nsteps:"))
    run_it = ("run", "--start", write(folder), *FLAGS, "--format", "json")

    less = run(*run_it, "--does", "process", cwd=folder)
    unsaid = run(*run_it, cwd=folder)
    (folder / "loopsim.toml").write_text('[run]\ndoes = ["process", "grade"]\n', "utf-8")
    enough = run(*run_it, cwd=folder)

    (skipped,) = less.json["scenarios"]
    assert (less.code, skipped["status"]) == (0, "skipped")
    assert "--does grade" in skipped["why"]
    assert [each.json["scenarios"][0]["status"] for each in (unsaid, enough)] == ["passed", "passed"]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ("[run.partners.dock]\ntarget = 'nowhere'", "no address of a receiver"),
        ("[run.partners.dock]\ntraget = 'x'", "traget"),
        ("[run]\nhealth = 'http://127.0.0.1:1/'", "--start"),
        ("[run]\nstart = 'x'", "--target"),
        ("[run]\nenv = ['PORT']\nstart = 'x'\ntarget = 'http://127.0.0.1:1/'", "NAME=VALUE"),
        ("[run]\nenv = ['=8']\nstart = 'x'\ntarget = 'http://127.0.0.1:1/'", "NAME=VALUE"),
        ("[run]\nheader = ['X-Loop-Signature=1']\ntarget = 'http://127.0.0.1:1/'", "not with X-Loop-"),
        ("[run]\nheader = ['Shop=1']\ntarget = 'http://127.0.0.1:1/'", "begins with X-, as in X-Shop={shop}"),
        ("[run]\nprobe = 'echo open'\nprobe-path = '$.['", "'$.[' is no JSONPath"),
        ("[run]\nprobe = 'echo open'\nprobe-shows = ['refund=$[']", "'$[' is no JSONPath"),
        ("[run]\ndoes = ['nothing', 'process']\ntarget = 'none'", "--does nothing goes alone"),
        ("[run]\ntimeout = 'soon'\ntarget = 'none'", "no length of time"),
        ("[run]\njobs = 2\ntarget = 'none'", "--mode per-worker"),
        ("", "No integration was named, so nothing would be judged. Give --target URL"),
        ("[run]\ntarget = 'http://127.0.0.1:{port}/'", "Give --start, or a port."),
        ("[run]\ndoes = ['process']", "both can stand in loopsim.toml, which `loopsim init` writes"),
        ("[run]\nstart = 'x'\nhealth = 'http://127.0.0.1:{prot}/'", "nothing is known as {prot}; there are {api_base}"),
        ("[run]\nstart = 'x'\nhealth = 'http://127.0.0.1:port/'", "no address of its health"),
        (
            "[run]\ntarget = 'http://127.0.0.1:{prot}/'",
            "--target 'http://127.0.0.1:{prot}/': nothing is known as {prot}",
        ),
        ("[run.partners.dock]\nidle-probe = 'http://{host}/'", "--idle-probe 'http://{host}/': nothing is known"),
        (
            "[run]\nstart = 'serve {prot}'\nhealth = 'http://127.0.0.1:1/'",
            "--start: nothing is known as {prot}. Did you",
        ),
        ("[run]\njobs = 2\nmode = 'per-worker'\nstart = 'x'\ntarget = 'http://127.0.0.1:1/'", "{port}"),
        ("[run]\ndoes = ['cook']\ntarget = 'http://127.0.0.1:1/'", "process (has Loop process"),
    ],
)
def test_settings_that_cannot_be_say_what_to_mend(folder: Path, settings: str, says: str) -> None:
    (folder / "loopsim.toml").write_text(settings, "utf-8")

    done = run("run", cwd=folder)

    assert done.code == 2
    assert says in done.err


def test_a_proxy_in_the_environment_is_not_asked_about_a_partner_next_door(folder: Path) -> None:
    nowhere = "http://127.0.0.1:9/"

    done = run("run", "--start", write(folder), *FLAGS, "--probe", HOME, cwd=folder, http_proxy=nowhere)

    assert done.code == 0, done.out + done.err


def test_one_that_was_started_by_hand_and_only_polls_says_so_by_its_target_or_by_any_probe(folder: Path) -> None:
    story = folder / "scenarios" / "story.loopsim.yaml"
    story.write_text(story.read_text().partition("- expect")[0])

    by_target = run("run", "--target", "none", "--port", 0, cwd=folder)
    by_probe = run("run", "--probe", "true", "--port", 0, cwd=folder)

    # Both are played: what is wrong with them is only that nobody is there.
    for done in (by_target, by_probe):
        assert done.code == 2
        assert "no integration took part" in done.out


def test_braces_of_a_shell_or_of_json_are_no_templates(folder: Path) -> None:
    start = f"export SHOWN=${{PORT}}; {write(folder)}"
    done = run("run", "--start", start, *FLAGS, "--env", 'MORE={"prot": "{key}"}', cwd=folder)

    assert done.code == 0, done.out + done.err


def test_runs_that_begin_at_once_do_not_fight_over_a_port() -> None:
    together = threading.Barrier(4)

    def begin(_number: int) -> EmbeddedServer:
        together.wait()
        return own_server(None, starts=True)

    with ThreadPoolExecutor(4) as pool:
        servers = list(pool.map(begin, range(4)))
    urls = {server.url for server in servers}
    for server in servers:
        server.stop()
    assert len(urls) == 4


def test_a_project_without_scenarios_is_told_how_to_begin(tmp_path: Path) -> None:
    done = run("run", cwd=tmp_path)

    assert done.code == 2
    assert "`loopsim init` writes a first scenario" in done.err
    assert "loopsim run @wms/two-way" in done.err


def test_nobody_at_the_target_ends_with_5(folder: Path) -> None:
    done = run("run", "--target", "http://127.0.0.1:9/hook", "--port", 0, cwd=folder)

    assert done.code == 5
    assert "cannot be reached" in done.out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_with_a_report_and_with_the_partner_and_its_children(
    folder: Path, number: signal.Signals
) -> None:
    pids, waits = folder / "pids", folder / "waits"
    os.mkfifo(waits)
    story = folder / "scenarios" / "story.loopsim.yaml"
    story.write_text(story.read_text().replace("times: 1", "times: 1, within: 50s"))
    child = f"import subprocess; child = subprocess.Popen(['sh', '-c', STUBBORN]); open({str(pids)!r}, 'w')"
    start = write(
        folder,
        at_start="STUBBORN = \"trap '' TERM; exec sleep 600\"; " + child + ".write(f'{os.getpid()} {child.pid}')",
        on_delivered=f"open({str(waits)!r}, 'w').write('!')",
    )
    process = subprocess.Popen(
        command("run", "--start", f"({start[5:]}; true)", *FLAGS[:-2], "--junit", "report.xml", "--port", 0),
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    with process:
        waits.read_text()
        process.send_signal(number)
        out, _ = process.communicate(timeout=PATIENCE)

    assert process.returncode == 130, out.decode()
    assert "interrupted" in out.decode()
    assert "<skipped" in (folder / "report.xml").read_text()
    assert not [pid for pid in pids.read_text().split() if lives(int(pid))]


def lives(pid: int) -> bool:
    """Whether a process runs; one that has ended and that nobody has asked about does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_partner_that_was_configured_by_hand_once_is_run_against(folder: Path) -> None:
    with serving(folder) as server:
        told = run("env", "--url", server.url, "--format", "json").json
        connection = Connection(
            api_base=told["LOOP_API_BASE"], key=told["LOOP_API_KEY"], secret=told["LOOP_WEBHOOK_SECRET"], now=""
        )
        by_hand = Process(Start(command=write(folder), target="", health=HOME), connection)
        by_hand.start()
        try:
            target = f"http://127.0.0.1:{by_hand.connection.port}/hook"
            flags = ("run", "--url", server.url, "--target", target)
            # It remembers, so the second run brings it other ids.
            first, second = (run(*flags, "--salt", salt, cwd=folder) for salt in ("Monday", "Tuesday"))
        finally:
            by_hand.stop()

    assert (first.code, second.code) == (0, 0), first.out + second.out
