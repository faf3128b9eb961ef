"""`loopsim listen`: what a receiver is sent, live, with and without a terminal."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from loopsim.client import Shop
from loopsim.commands import listen
from loopsim.domain import events
from tests.cli.terminal import PATIENCE, Receiver, command, environment

Here = tuple[str, ...]


@contextmanager
def listening(*arguments: object, terminal: bool = False) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The verb as a process, with pipes or with a terminal of its own; the terminal's other end."""
    ours, theirs = pty.openpty() if terminal else os.pipe()
    stdin = theirs if terminal else subprocess.DEVNULL
    process = subprocess.Popen(
        command("listen", *arguments),
        env=environment(TERM="xterm"),
        stdin=stdin,
        stdout=theirs if terminal else subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    os.close(theirs)
    with process:
        try:
            yield process, ours
        finally:
            process.kill()
            os.close(ours)


def read_until(end: int, text: str) -> str:
    """What a terminal shows, up to a text."""
    shown = ""
    while text not in shown:
        try:
            shown += os.read(end, 4096).decode("utf-8", "replace")
        except OSError:
            pytest.fail(f"it ended before {text!r}: {shown}")
    return shown


def test_it_takes_every_topic_and_trigger_that_there_is() -> None:
    taken = {each.name: each.type for each in listen.command.params}

    assert taken["topic"].choices == (*events.TOPICS, events.SHIP_TOPIC)
    assert set(taken["trigger"].choices) == {*events.TRIGGERS, *events.SHIP_TRIGGERS}


@pytest.mark.parametrize("ends", [signal.SIGINT, signal.SIGTERM])
def test_it_shows_each_delivery_as_a_line_of_json_and_leaves_no_subscription(
    shop: Shop, here: Here, receiver: Receiver, ends: signal.Signals
) -> None:
    with listening(*here, "--target", receiver.url, "--trigger", "return.created", "--format", "json") as (process, _):
        while not shop.subscriptions():
            shop.journal(wait=PATIENCE, after=shop.journal()["last_id"])
        made = shop.customer.submits_return()
        assert process.stdout is not None
        entry = json.loads(process.stdout.readline())

        assert (entry["trigger"], entry["return_id"], entry["status"]) == ("return.created", made["id"], 200)
        process.send_signal(ends)
        assert process.wait(PATIENCE) == 0

    assert shop.subscriptions() == []


def test_one_key_sends_the_last_one_again_and_one_ends(shop: Shop, here: Here, receiver: Receiver) -> None:
    shop.subscribe(receiver.url, "return", "return.created")
    with listening(*here, "--target", receiver.url, terminal=True) as (process, keyboard):
        read_until(keyboard, "sends the last one again")
        shop.customer.submits_return()
        read_until(keyboard, "return.created")
        os.write(keyboard, b"r")
        read_until(keyboard, "attempt 2")
        os.write(keyboard, b"s")
        read_until(keyboard, "X-Loop-Signature")
        os.write(keyboard, b"q")

        assert process.wait(PATIENCE) == 0

    assert [body for _, body, _ in receiver.got] == [receiver.got[0][1]] * 2
    assert len(shop.subscriptions()) == 1
