"""What holds for every verb: help, flags, environment, settings files, errors in usage."""

from __future__ import annotations

import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import click
import pytest

from loopsim.cli import VERBS, main
from loopsim.errors import SetupError
from loopsim.settings import FLAGS, PARAMETERS, read_settings
from tests.cli import terminal
from tests.cli.terminal import PATIENCE, environment, invoke, run


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every verb, and the verbs of those that have some."""
    context = click.Context(main)
    for verb in VERBS:
        command = main.get_command(context, verb)
        assert command is not None
        yield verb, command
        if isinstance(command, click.Group):
            yield from ((f"{verb} {name}", each) for name, each in command.commands.items())


def flags(command: click.Command) -> dict[str, click.Option]:
    """The long names of a command's flags."""
    options = [each for each in command.params if isinstance(each, click.Option)]
    return {each.opts[0]: each for each in options}


def test_help_lists_every_verb() -> None:
    done = run("--help")

    assert done.code == 0
    assert all(f"\n  {verb} " in done.out for verb in VERBS)


def test_help_and_version_load_nothing_of_the_server_and_nothing_heavy() -> None:
    script = (
        "import sys; from loopsim.cli import main\n"
        "for arguments in (['--help'], ['--version']):\n"
        "    main(arguments, standalone_mode=False)\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules} & {'rich', 'uvicorn', 'msgspec', 'asyncio'}))"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], env=environment(), capture_output=True, text=True, check=True, timeout=30
    )

    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(verb: str) -> None:
    done = invoke(verb, "--help")

    assert done.code == 0
    assert "--format [text|json]" in done.out


def test_every_flag_is_an_environment_variable_of_its_name() -> None:
    for _, command in commands():
        for name, flag in flags(command).items():
            assert flag.envvar == "LOOPSIM_" + name.removeprefix("--").replace("-", "_").upper()


def test_the_settings_files_know_every_flag_and_no_other() -> None:
    found = {name.removeprefix("--").replace("-", "_") for _, command in commands() for name in flags(command)}

    assert found == FLAGS


def test_a_setting_reaches_the_parameter_of_its_flag() -> None:
    for _, command in commands():
        for name, flag in flags(command).items():
            plain = name.removeprefix("--").replace("-", "_")
            assert PARAMETERS.get(plain, plain) == flag.name


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["srve"], "Did you mean 'serve'?"),
        (["frobnicate"], "`loopsim --help` lists them."),
        (["listen", "--target", "http://127.0.0.1:9/", "--topic", "retrun"], "'label.request', 'giftcard'"),
        (["listen", "--target", "http://127.0.0.1:9/", "--trigger", "x"], "'ship-by-loop.purchase.requested'"),
        (["words", "nonsens"], "`loopsim words` lists them."),
        (["trigger", "return.exploded"], "return.exploded"),
        (["trigger", "return.closed", "--topic", "label"], "--webhook"),
        (["trigger", "return.closed", "--webhook", "localhost:9000"], "no address of a receiver"),
        (["clock", "advance"], "Say exactly one"),
        (["clock", "advance", "14d", "--until-idle"], "Say exactly one"),
        (["clock", "set", "scaled"], "--rate"),
        (["serve", "--port", "0", "--durable"], "--db"),
        (["serve", "--port", "0", "--clock", "scaled"], "--rate"),
        (["serve", "--port", "0", "--moment", "tomorrow"], "2026-06-01T09:00:00Z"),
        (["serve", "--port", "0", "--moment", "0001-01-01T00:00:00+14:00"], "2026-06-01T09:00:00Z"),
        (["serve", "--port", "0", "--moment", "3000-01-01"], "between 1970 and 2999"),
        (["serve", "--port", "0", "--clock", "scaled", "--rate", "nan"], "--rate"),
        (["serve", "--port", "0", "--clock", "scaled", "--rate", "1e7"], "x<=1000000"),
        (["serve", "--port", "0", "--allow-target", "https://hooks.example.com"], "like hooks.example.com or 10."),
        (["serve", "--port", "0", "--allow-target", "10.0.0.0/99"], "no host and no network"),
        (["serve", "--port", "0", "--allow-target", "hooks.example.com:443"], "without scheme and port"),
        (["serve", "--port", "0", "--allow-host", "http://loop.test"], "without scheme, port and path"),
        (["serve", "--port", "0", "--allow-host", "loop.test:8484"], "without scheme, port and path"),
        (["serve", "--port", "0", "--allow-host", ""], "no name of a host"),
        (["serve", "--port", "0", "--token", "sésame"], "of ASCII alone"),
        (["clock", "--token", "sesame\r"], "without blanks and line ends"),
        (["clock", "--port-file", "/"], "Name the file of `serve --port-file`"),
        (["serve", "--port", "0", "--webhook", "nowhere"], "no address of a receiver"),
        (["serve", "--port", "0", "--webhook", "http://[::1"], "no address of a receiver"),
        (["ledger", "explodeReturn"], "loopsim ledger"),
        (["ledger", "--return", "5"], "--shopify"),
        (["ledger", "processReturn", "--shopify"], "--shopify is about what happened"),
        (["ledger", "--grade", "assumed", "--shopify"], "--shopify is about what happened"),
        (["import", "no-such-file.json"], "no-such-file.json"),
        (["env", "--url", "ftp://x"], "no address of a loopsim server"),
        (["env", "--url", "http://127.0.0.1:99999"], "no address of a loopsim server"),
    ],
)
def test_wrong_usage_ends_with_2_and_says_what_would_be_right(arguments: list[str], says: str) -> None:
    done = invoke(*arguments)

    assert done.code == 2
    assert says in " ".join(done.err.split())


def test_the_flags_of_a_verb_hold_for_the_verbs_below_it() -> None:
    assert ":13 " in invoke("clock", "--port", 13, "advance", "1d").err
    assert ":14 " in invoke("clock", "--port", 13, "advance", "1d", "--port", 14).err


@pytest.mark.parametrize(
    "arguments",
    [
        ["env"],
        ["doctor"],
        ["clock"],
        ["clock", "advance", "1d"],
        ["events"],
        ["resend", "1"],
        ["ledger", "--shopify"],
        ["trigger", "return.created"],
        ["import", "-"],
    ],
)
def test_where_nobody_answers_a_verb_ends_with_5_and_one_message(arguments: list[str]) -> None:
    done = invoke(*arguments, "--url", "http://127.0.0.1:9", stdin=b"[]")

    assert done.code == 5
    assert "loopsim serve" in done.err
    assert len(done.err.splitlines()) == 1


@pytest.mark.parametrize("arguments", [["env"], ["doctor"], ["clock"], ["events"], ["resend", "1"], ["wait"]])
@pytest.mark.parametrize(
    ("status", "says"), [(200, b"<!doctype html>"), (200, b"{}"), (200, b"[]"), (404, b'{"message": "Not Found"}')]
)
def test_where_something_else_answers_a_verb_says_that_it_is_no_loopsim(
    arguments: list[str], status: int, says: bytes
) -> None:
    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(says)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    flags = ["--timeout", 0] if arguments == ["wait"] else []
    with ThreadingHTTPServer(("127.0.0.1", 0), Other) as other:
        thread = threading.Thread(target=other.serve_forever, args=(0.02,))
        thread.start()
        done = invoke(*arguments, *flags, "--port", other.server_port)
        other.shutdown()
        thread.join()

    assert done.code == 5
    assert f"answers at http://127.0.0.1:{other.server_port}, but it is no loopsim. Say where yours is" in done.err


@pytest.mark.parametrize(
    "arguments",
    [["--version"], ["serve", "--help"], ["words"], ["rules", "--format", "json"], ["serve", "--port", "0"]],
)
def test_output_on_a_full_disk_ends_with_2_and_one_message(tmp_path: Path, arguments: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            terminal.command(*arguments), cwd=tmp_path, env=environment(), stdout=full, stderr=subprocess.PIPE,
            text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip

    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "Error: What loopsim prints cannot be written (No space left on device). Make room, or send it elsewhere."
    ]


def test_ctrl_c_ends_with_130_and_not_like_a_check_that_failed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        process = subprocess.Popen(
            terminal.command("clock", "--port", silent.getsockname()[1]), env=environment(), stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        with process, silent.accept()[0]:
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=PATIENCE)

    assert (process.returncode, said) == (130, "Interrupted.\n")


def test_where_standard_input_is_closed_it_is_empty(here: tuple[str, ...]) -> None:
    line = shlex.join(terminal.command("import", "-", *here))

    done = subprocess.run(["sh", "-c", f"{line} <&-"], env=environment(), capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "expecting value. Nothing was imported." in done.stderr


@pytest.mark.parametrize("arguments", [["--version"], ["words"], ["rules", "--format", "json"]])
def test_where_standard_output_is_closed_a_verb_does_its_work_all_the_same(
    tmp_path: Path, arguments: list[str]
) -> None:
    line = shlex.join(terminal.command(*arguments))

    done = subprocess.run(
        ["sh", "-c", f"{line} >&-"], cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=PATIENCE,
        check=False,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")


def test_a_setup_error_of_a_process_is_no_traceback(tmp_path: Path) -> None:
    done = run("env", cwd=tmp_path, LOOPSIM_PORT_FILE=str(tmp_path / "gone"))

    assert done.code == 5
    assert done.err.startswith("Error: There is no ")
    assert "Traceback" not in done.err


def test_a_setting_is_read_from_loopsim_toml(tmp_path: Path) -> None:
    (tmp_path / "loopsim.toml").write_text(
        'port = 9\nallow-target = ["10.0.0.0/8"]\n[trigger]\nreturn = 7\nport = 10\n'
    )

    assert read_settings("serve", VERBS, tmp_path) == {"port": 9, "allow_target": ["10.0.0.0/8"]}
    assert read_settings("trigger", VERBS, tmp_path)["port"] == 10
    assert read_settings("trigger", VERBS, tmp_path)["return_id"] == 7


def test_a_setting_is_read_from_pyproject_toml_where_there_is_no_other_file(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.loopsim]\nport = 9\n[tool.loopsim.clock]\nquiet-for = 10\n")

    assert read_settings("clock", VERBS, tmp_path) == {"port": 9, "quiet_for": 10}
    (tmp_path / "loopsim.toml").write_text("")
    assert read_settings("clock", VERBS, tmp_path) == {}


def test_a_project_without_settings_has_none(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.other]\nport = 9\n")

    assert read_settings("clock", VERBS, tmp_path) == {}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("prot = 9", "Did you mean port?"),
        ("[trigger]\nweb-hook = 'x'", "Did you mean webhook?"),
        ("[triger]\nport = 1", "Did you mean trigger?"),
        ("[run]\nstrat = 'npm start'", "Did you mean start?"),
        ("[run]\nallow-trget = 'x'", "See loopsim --help."),
        (
            "[clock]\nquiet-fro = 10",
            "[clock] sets quiet-fro, but loopsim clock has no flag --quiet-fro. Did you mean quiet-for?",
        ),
        ("[clock]\nstart = 'x'", "loopsim clock has no flag --start"),
        ("port = ", "cannot be read"),
    ],
)
def test_a_setting_that_no_flag_has_is_refused(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "loopsim.toml").write_text(text)

    with pytest.raises(SetupError, match=re.escape(says)):
        read_settings("clock", VERBS, tmp_path)


def test_a_wrong_value_says_where_it_comes_from() -> None:
    Path("loopsim.toml").write_text("[run]\njobs = 'many'\n")

    assert "'many' is not a valid whole number. It is set in loopsim.toml." in invoke("run").err
    assert "'far' is not a valid whole number. It is set by LOOPSIM_PORT." in invoke("clock", LOOPSIM_PORT="far").err
    assert "It is set" not in invoke("run", "--jobs", "some").err
    Path("loopsim.toml").write_text("port = [1, 2]\n")
    assert "[1, 2] are several values; it takes one. It is set in loopsim.toml." in invoke("clock").err


def test_one_value_will_do_where_a_flag_takes_several() -> None:
    Path("loopsim.toml").write_text("[run]\ntarget = 'none'\nwithout = 'no-such-rule'\n")
    Path("scenarios").mkdir()

    assert "--without knows no rule 'no-such-rule'" in invoke("run", "@helpdesk").err


def test_settings_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "loopsim.toml").write_text("port = 9\n", "utf-8-sig")

    assert read_settings("clock", VERBS, tmp_path) == {"port": 9}


def test_settings_that_are_no_table_are_refused(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool]\nloopsim = 3\n")

    with pytest.raises(SetupError, match=re.escape("Write [tool.loopsim].")):
        read_settings("clock", VERBS, tmp_path)


def test_the_command_line_counts_more_than_the_environment_and_that_more_than_a_file(tmp_path: Path) -> None:
    (tmp_path / "loopsim.toml").write_text("port = 11\n")

    assert ":11 " in invoke("clock", "show").err
    assert ":12 " in invoke("clock", "show", LOOPSIM_PORT="12").err
    assert ":13 " in invoke("clock", "show", "--port", 13, LOOPSIM_PORT="12").err
