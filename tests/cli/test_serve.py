"""`loopsim serve`, `wait` and `env`, as processes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from loopsim.client import Loopsim
from tests.cli.terminal import PATIENCE, Done, command, environment, invoke, run, serving


def get(url: str, key: str) -> tuple[int, dict[str, str], bytes]:
    """An answer of Loop's API."""
    request = urllib.request.Request(url, headers={"X-Authorization": key})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, {}, error.read()


def log_lines(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]


def test_the_line_it_prints_is_all_a_client_needs(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        status, headers, body = get(f"{server.facts['base_url']}/warehouse/return/list", server.facts["key"])

    assert (status, body) == (200, b"[]")
    assert headers["x-ratelimit-limit"] == "300"


def test_the_port_file_names_the_port_while_it_serves(tmp_path: Path) -> None:
    file = tmp_path / "port"
    file.write_text("1")  # of a server that was killed

    with serving(tmp_path, "--port-file", file) as server:
        assert server.url.endswith(f":{int(file.read_text())}")

    assert not file.exists()


def test_on_a_terminal_it_says_where_it_is_what_it_keeps_and_what_to_try(tmp_path: Path) -> None:
    with subprocess.Popen(
        command("serve", "--port", 0), cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        said = ""
        while "loopsim env" not in said:
            line = process.stdout.readline().decode()
            assert line, said
            said += line
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE)

    assert process.returncode == 0
    assert "in memory, gone when this stops (--db DIR keeps it)" in said
    assert "loopsim trigger return.closed --port " in said
    assert all(word in said for word in ("/api/v1", "loop_test_", "X-Loop-Signature", "/_loopsim/docs"))
    assert "\x1b" not in said
    assert "its state is gone" in errors.decode()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_in_order(tmp_path: Path, number: int) -> None:
    with serving(tmp_path) as server:
        server.process.send_signal(number)

        assert server.process.wait(PATIENCE) == 0


def test_with_a_folder_it_goes_on_where_it_stopped(tmp_path: Path) -> None:
    with serving(tmp_path, "--db", tmp_path / "db") as server:
        made = Loopsim(server.url).shop("default").act("customer.submits_return")
        key = server.facts["key"]

    with serving(tmp_path, "--db", tmp_path / "db") as server:
        assert server.facts["key"] == key
        assert Loopsim(server.url).shop("default").get_return(made["id"])["state"] == "open"
        assert server.facts["db"] == str(tmp_path / "db")


def test_a_port_that_is_taken_ends_with_2_and_says_so(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        done = run("serve", "--port", server.url.rpartition(":")[2], cwd=tmp_path)

    assert done.code == 2
    assert "is taken" in done.err
    assert len(done.err.splitlines()) == 1


def test_a_world_that_is_not_there_ends_with_2_and_names_those_that_are(tmp_path: Path) -> None:
    done = run("serve", "--port", 0, "--world", "atlantis", cwd=tmp_path)

    assert done.code == 2
    assert "us-apparel" in done.err


def test_a_port_file_that_cannot_be_written_ends_with_2(tmp_path: Path) -> None:
    done = run("serve", "--port", 0, "--port-file", tmp_path / "no" / "port", cwd=tmp_path)

    assert done.code == 2
    assert "--port-file" in done.err


def test_the_first_shop_is_as_the_flags_say(tmp_path: Path) -> None:
    flags = ["--world", "eu-multi-currency", "--seed", 7, "--clock", "scaled", "--rate", 60, "--rate-limit", 5]
    with serving(tmp_path, *flags, "--moment", "2026-06-01T09:00:00+02:00") as server:
        view = Loopsim(server.url).shop("default").view()

    assert (view["world"], view["seed"], view["rate_limit"]) == ("eu-multi-currency", 7, 5)
    assert (view["clock"]["mode"], view["clock"]["rate"]) == ("scaled", 60)
    assert view["clock"]["now"].startswith("2026-06-01T07:")


def test_webhook_subscribes_a_url_to_every_trigger_under_its_own_topic_once(tmp_path: Path) -> None:
    for _ in range(2):
        with serving(tmp_path, "--db", tmp_path / "db", "--webhook", "http://127.0.0.1:9/hook") as server:
            found = Loopsim(server.url).shop("default").subscriptions()

    assert len(found) == len({each["trigger"] for each in found}) == 11
    assert ("label.request", "label.request.issued") in {(each["topic"], each["trigger"]) for each in found}


@pytest.mark.parametrize(
    ("flags", "said"), [((), True), (("--allow-target", "192.0.2.0/24"), False), (("--allow-target", "other"), True)]
)
def test_a_webhook_that_may_not_leave_this_machine_is_named_at_the_start(
    tmp_path: Path, flags: tuple[str, ...], said: bool
) -> None:
    process = subprocess.Popen(
        command("serve", "--port", 0, "--webhook", "http://192.0.2.7/hook", *flags),
        cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    with process:
        assert process.stdout is not None
        line = next(line for line in process.stdout if "Webhooks" in line)
        process.terminate()

    assert ("blocked: nothing is sent beyond this machine without --allow-target 192.0.2.7" in line) == said


def test_with_a_token_the_control_api_needs_it_and_the_verbs_bring_it(tmp_path: Path) -> None:
    with serving(tmp_path, "--token", "sesame") as server:
        refused = invoke("clock", "--url", server.url)
        taken = invoke("clock", "--url", server.url, LOOPSIM_TOKEN="sesame")

    assert refused.code == 1
    assert "Give it with --token." in refused.err
    assert taken.code == 0


def test_it_logs_a_line_per_call_and_delivery_without_what_is_secret(tmp_path: Path) -> None:
    with serving(tmp_path, "--log-format", "json", "--webhook", "http://me:hush@127.0.0.1:9/hook?token=hush") as server:
        get(f"{server.facts['base_url']}/warehouse/return/list?api_key=hush&state=open", server.facts["key"])
        get(f"{server.facts['base_url']}/warehouse/return/list", "wrong")
        shop = Loopsim(server.url).shop("default")
        shop.act("customer.submits_return")
        shop.settle()

    lines = log_lines(server.log)
    calls = [(line["status"], line["query"]) for line in lines if line.get("kind") == "call" and "query" in line]
    assert calls == [(200, "api_key=…&state=open")]
    assert [line["status"] for line in lines if line.get("kind") == "call"] == [200, 401]
    (delivery,) = [line for line in lines if line.get("kind") == "delivery"]
    assert (delivery["trigger"], delivery["url"]) == ("return.created", "http://127.0.0.1:9/hook?token=…")
    assert delivery["level"] == "warning"
    assert not [line for line in lines if line.get("kind") == "control" and line["method"] == "GET"]
    written = server.log.read_text()
    assert "hush" not in written
    assert server.facts["key"] not in written
    assert server.facts["secret"] not in written


def test_the_log_is_as_quiet_as_asked_for(tmp_path: Path) -> None:
    with serving(tmp_path, "--log-level", "error") as server:
        get(f"{server.facts['base_url']}/warehouse/return/list", "wrong")

    assert server.log.read_text() == ""


def test_wait_waits_for_the_port_file_and_for_the_server(tmp_path: Path) -> None:
    file = tmp_path / "port"
    waiting = subprocess.Popen(
        command("wait", "--port-file", file, "--format", "json"),
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with waiting, serving(tmp_path, "--port-file", file) as server:
        out, err = waiting.communicate(timeout=PATIENCE)
        done = Done(waiting.returncode, out.decode(), err.decode())

    assert done.code == 0
    assert done.json["url"] == server.url
    assert "createShop" in done.json["health"]["capabilities"]


def test_wait_gives_up_with_5() -> None:
    done = invoke("wait", "--url", "http://127.0.0.1:9", "--timeout", "0.2")

    assert done.code == 5
    assert "did not become ready in time" in done.err


def test_env_is_what_a_shell_evaluates(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        lines = run("env", "--url", server.url).out
        said = subprocess.run(
            ["sh", "-c", f'{lines}\necho "$LOOP_API_BASE $LOOP_API_KEY $LOOP_WEBHOOK_SECRET"'],
            env=environment(),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=True,
        )
        dotenv = run("env", "--port", server.url.rpartition(":")[2], "--shell", "dotenv").out
        values = run("env", "--url", server.url, "--format", "json").json

    facts = server.facts
    assert said.stdout.split() == [facts["base_url"], facts["key"], facts["secret"]]
    assert f'LOOP_API_KEY="{facts["key"]}"\n' in dotenv
    assert values == {
        "LOOP_API_BASE": facts["base_url"],
        "LOOP_API_KEY": facts["key"],
        "LOOP_WEBHOOK_SECRET": facts["secret"],
    }


def test_a_server_of_several_shops_is_asked_for_its_first_one_or_the_one_named(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        other = Loopsim(server.url).create_shop("other")
        default = invoke("env", "--url", server.url, "--format", "json").json
        named = invoke("env", "--url", server.url, "--shop", "other", "--format", "json").json
        wrong = invoke("env", "--url", server.url, "--shop", "another")

    assert default["LOOP_API_KEY"] == server.facts["key"]
    assert named["LOOP_API_KEY"] == other.key
    assert wrong.code == 2
    assert "default, other" in wrong.err


# what it starts without

SCRIPT = """
import sys
from loopsim.commands.serve import _import_uvicorn
_import_uvicorn()
import uvicorn
print(uvicorn.Config is not None, "multiprocessing" in sys.modules)
import uvicorn.supervisors
print(uvicorn.supervisors.Multiprocess is not None)
"""


def imports(folder: Path | None = None) -> list[str]:
    """What the script says, with a uvicorn of the folder's if it has one."""
    own, script = environment(PYTHONPATH=f"{folder or ''}"), [sys.executable, "-c", SCRIPT]
    return subprocess.run(script, env=own, capture_output=True, text=True, timeout=PATIENCE, check=True).stdout.split()


def test_it_starts_without_what_restarts_processes_and_takes_nothing_from_who_wants_it() -> None:
    assert imports() == ["True", "False", "True"]


def test_a_uvicorn_that_cannot_do_without_it_is_imported_whole(tmp_path: Path) -> None:
    package = tmp_path / "uvicorn" / "supervisors"
    package.mkdir(parents=True)
    (tmp_path / "uvicorn" / "__init__.py").write_text("from uvicorn.supervisors.own import Config\n")
    (package / "__init__.py").write_text("from uvicorn.supervisors.own import Config as Multiprocess\n")
    (package / "own.py").write_text("import multiprocessing\nclass Config: ...\n")
    assert imports(tmp_path) == ["True", "True", "True"]


@pytest.mark.parametrize(
    ("program", "looks"),
    [("/usr/bin/loopsim", False), ("/x/loopsim/cli.py", False), ("/loopsim/.venv/bin/pytest", True)],
)
def test_it_looks_for_no_garbage_while_it_starts_and_keeps_nobody_else_from_it(program: str, looks: bool) -> None:
    """`pytest serve` runs the tests of a folder."""
    script = f"import gc, sys; sys.argv = [{program!r}, 'serve']; import loopsim.cli; print(gc.isenabled())"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert done.stdout.strip() == str(looks)
