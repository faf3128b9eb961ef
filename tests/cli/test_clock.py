"""`loopsim clock`."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from loopsim.client import Shop
from tests.cli.terminal import PATIENCE, Done, Receiver, command, environment, invoke

Here = tuple[str, ...]


def test_it_shows_the_time_and_what_is_due(shop: Shop, here: Here) -> None:
    assert "Nothing is due" in invoke("clock", *here).out
    shop.act("customer.submits_return")

    done = invoke("clock", *here)

    assert done.code == 0
    assert "Mon 01 Jun 2026 09:00:00 UTC, stands still until advanced" in done.out
    assert "09:00:04  label.make" in done.out
    assert f"advance --next-event --port {here[1].rpartition(':')[2]} --shop {here[3]}" in done.out
    assert invoke("clock", "show", *here).out == done.out
    assert invoke("clock", "--format", "json", *here).json["clock"]["timers"] == 1


@pytest.mark.parametrize(
    ("goal", "now"),
    [
        (["14d"], "2026-06-15T09:00:00"),
        (["PT2H"], "2026-06-01T11:00:00"),
        (["--to", "2026-06-02T00:00:00Z"], "2026-06-02T00:00:00"),
        (["--to", "2026-06-02"], "2026-06-02T00:00:00"),
        (["--to", "2026-06-02T02:00:00+02:00"], "2026-06-02T00:00:00"),
        (["--next-event"], "2026-06-01T09:00:04"),
    ],
)
def test_time_passes_as_far_as_is_said(shop: Shop, here: Here, goal: list[str], now: str) -> None:
    shop.update(policy={"carrier": "manual"})
    shop.act("customer.submits_return")

    done = invoke("clock", "advance", *goal, "--format", "json", *here)

    assert done.code == 0
    assert done.json["now"].startswith(now)
    assert shop.clock.now.startswith(now)


def test_time_passes_until_nothing_is_left_to_come(shop: Shop, here: Here) -> None:
    return_id = shop.act("customer.submits_return")["id"]

    done = invoke("clock", "advance", "--until-idle", *here)

    assert done.code == 0
    assert "Nothing is left to come" in done.out
    assert shop.get_return(return_id)["state"] == "closed"


def test_where_nothing_is_due_the_clock_stays_and_says_so(here: Here) -> None:
    assert "the clock stayed" in invoke("clock", "advance", "--next-event", *here).out


def test_a_moment_that_is_past_ends_with_1(here: Here) -> None:
    done = invoke("clock", "advance", "--to", "2020-01-01T00:00:00Z", *here)

    assert done.code == 1
    assert "2026-06-01" in done.err


@pytest.mark.parametrize("verb", [("advance", "--to"), ("set", "manual", "--at")])
def test_a_moment_that_is_none_ends_with_2_and_says_how_it_is_written(here: Here, verb: tuple[str, ...]) -> None:
    done = invoke("clock", *verb, "tomorrow", *here)

    assert done.code == 2
    assert "Write it as 2026-06-01T09:00:00Z" in done.err


def test_a_length_that_is_none_ends_with_1_and_names_the_field(here: Here) -> None:
    done = invoke("clock", "advance", "soon", *here)

    assert done.code == 1
    assert done.err.startswith("Error: by: 'soon' is no length of time.")
    assert len(done.err.splitlines()) == 1


def test_the_clock_changes_how_it_runs(shop: Shop, here: Here) -> None:
    assert "runs 3600 times as fast" in invoke("clock", "set", "scaled", "--rate", 3600, *here).out
    assert shop.clock.read()["mode"] == "scaled"
    assert "stands still" in invoke("clock", "set", "manual", "--at", "2027-01-01T00:00:00Z", *here).out
    assert shop.clock.now.startswith("2027-01-01T00:00:00")


def test_ctrl_c_stops_between_two_events(shop: Shop, here: Here, receiver: Receiver, tmp_path: Path) -> None:
    shop.subscribe(receiver.url, "label")
    shop.act("customer.submits_return")
    receiver.hold.clear()  # the first webhook is never answered, so the advance waits for it

    process = subprocess.Popen(
        command("clock", "advance", "20d", "--format", "json", *here),
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process:
        receiver.wait_for(1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
        done = Done(process.returncode, out.decode(), err.decode())

    assert done.code == 1, done
    assert done.json["stopped"] == "interrupted"
    assert shop.clock.now.startswith("2026-06-01T09:00:04")
    assert not shop.clock.read()["advancing"]
