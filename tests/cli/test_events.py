"""`loopsim events` and `resend`."""

from __future__ import annotations

import io
import json
import signal
import subprocess
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from rich.console import Console

from loopsim.client import Loopsim, Shop
from loopsim.commands.screen import THEME, columns
from tests.cli.terminal import PATIENCE, Receiver, command, environment, invoke, serving

Here = tuple[str, ...]


@pytest.fixture
def told(shop: Shop, receiver: Receiver) -> tuple[int, int]:
    """Two returns that the receiver was told of; the second it did not take."""
    shop.subscribe(receiver.url, "return", "return.created")
    first = shop.act("customer.submits_return")["id"]
    shop.settle()
    receiver.status = 401
    second = shop.act("customer.submits_return")["id"]
    shop.settle()
    receiver.status = 200
    return first, second


def test_without_deliveries_it_says_how_to_get_one(here: Here) -> None:
    done = invoke("events", *here)

    assert done.code == 0
    assert "loopsim trigger return.created --webhook" in done.out


def test_deliveries_are_listed_with_what_became_of_them(told: tuple[int, int], here: Here) -> None:
    _, first, second = invoke("events", *here).out.splitlines()[:3]

    assert first.split()[6:10] == [str(told[0]), "return.created", "return", "delivered"]
    assert second.split()[6:12] == [str(told[1]), "return.created", "return", "failed", "1", "401"]


def test_on_a_narrow_terminal_each_delivery_is_a_list_of_its_own() -> None:
    screen = io.StringIO()
    console = Console(file=screen, theme=THEME, width=40)

    columns(console, ("no.", "trigger", "topic", "state", "answer"), [("1", "return.created", "return", "sent", "200")])

    assert [line.rstrip() for line in screen.getvalue().splitlines()] == [
        "no.      1",
        "trigger  return.created",
        "topic    return",
        "state    sent",
        "answer   200",
        "",
    ]


def test_the_list_is_the_latest_that_match(told: tuple[int, int], here: Here) -> None:
    def ids(*flags: object) -> list[int]:
        return [row["id"] for row in invoke("events", "--format", "json", *flags, *here).json["deliveries"]]

    assert ids() == [1, 2]
    assert ids("--limit", 1) == [2]
    assert ids("--state", "delivered") == [1]
    assert ids("--return", told[1]) == [2]


def test_one_is_shown_with_its_bytes_and_attempts(told: tuple[int, int], here: Here, receiver: Receiver) -> None:
    answer = invoke("events", "show", 2, "--format", "json", *here).json
    text = invoke("events", "show", 2, *here).out

    assert answer["payload"].encode() == receiver.got[1][1]
    assert "→ 401" in text
    assert "X-Loop-Signature: " in text
    assert f'"id": "{told[1]}"' in text


def test_one_that_is_not_there_ends_with_1(here: Here) -> None:
    for verb in (("events", "show"), ("resend",)):
        done = invoke(*verb, 77, *here)
        assert done.code == 1
        assert f"--shop {here[3]}` lists the deliveries." in done.err


@pytest.mark.usefixtures("told")
def test_the_same_bytes_are_sent_again_and_the_exit_code_tells_whether_they_were_taken(
    here: Here, receiver: Receiver
) -> None:
    done = invoke("resend", 2, "--format", "json", *here)
    receiver.status = 500
    refused = invoke("resend", 2, *here)

    assert done.code == 0
    assert done.json["delivery"]["state"] == "delivered"
    assert refused.code == 1
    assert "attempt 3" in refused.out
    assert receiver.got[1] == receiver.got[2] == receiver.got[3]


def test_follow_goes_on_with_a_line_per_attempt_until_ctrl_c(
    shop: Shop, told: tuple[int, int], here: Here, tmp_path: Path
) -> None:
    process = subprocess.Popen(
        command("events", "--follow", "--format", "json", *here),
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process:
        assert process.stdout is not None
        before = [json.loads(process.stdout.readline()) for _ in told]
        made = shop.act("customer.submits_return")["id"]
        after = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE)

    assert [row["return_id"] for row in before] == list(told)
    assert (after["return_id"], after["status"]) == (made, 200)
    assert (process.returncode, err) == (0, b"")


def test_follow_ends_with_5_when_its_server_ends(tmp_path: Path) -> None:
    with serving(tmp_path, "--webhook", "http://127.0.0.1:9/hook") as server, Loopsim(server.url) as client:
        shop = client.shop("default")
        shop.act("customer.submits_return")
        process = subprocess.Popen(
            command("events", "--follow", "--format", "json", "--url", server.url), cwd=tmp_path, env=environment(),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stdout is not None
        process.stdout.readline()
    with process:
        _, err = process.communicate(timeout=PATIENCE)

    assert process.returncode == 5
    assert "Start one with `loopsim serve`" in err


def test_follow_tells_what_the_rules_find_wrong_when_it_is_asked_to(
    shop: Shop, told: tuple[int, int], here: Here, tmp_path: Path
) -> None:
    process = subprocess.Popen(
        command("events", "--follow", "--findings", "--limit", "1", "--format", "json", *here),
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["return_id"] == told[1]
        url = f"{shop.api_base}/warehouse/return/list?paginate=true&pageSize=1"
        with urlopen(Request(url, headers={"X-Authorization": shop.key}), timeout=PATIENCE) as answer:
            assert json.load(answer)["nextPageUrl"]
        rows = (json.loads(line) for line in process.stdout)
        found = next(row for row in rows if row["kind"] == "finding" and row["rule"] == "pages-walked")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE)
    assert found["entries"]
    assert found["mend"]
    assert (process.returncode, err) == (0, b"")


def test_findings_are_only_shown_as_they_come(here: Here) -> None:
    done = invoke("events", "--findings", *here)
    assert done.code == 2
    assert "--follow" in done.err
