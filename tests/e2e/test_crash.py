"""Killed at a random moment under load, started again on the same files: nothing acknowledged is missing."""

from __future__ import annotations

import http.client
import json
import os
import random
import sqlite3
import threading
from collections import Counter
from pathlib import Path

import pytest

from loopsim.client import Loopsim
from tests.e2e.serving import Server, receiver

ROUNDS = 50 if os.environ.get("LOOPSIM_THOROUGH") else 5
CALLERS = 4
LINES = [{"variant": "TEE-RED-M", "quantity": 1}]


class Load:
    """Callers that order and return things until the server is gone, and note what was acknowledged."""

    def __init__(self, server: Server, enough: int) -> None:
        self.host = server.url.removeprefix("http://")
        self.returns: list[int] = []
        self.reached = threading.Event()
        self.enough = enough
        self.threads = [threading.Thread(target=self._call, daemon=True) for _ in range(CALLERS)]

    def _act(self, connection: http.client.HTTPConnection, word: str, body: object) -> dict[str, dict[str, object]]:
        path = f"/_loopsim/shops/default/acts/{word}"
        connection.request("POST", path, json.dumps(body), {"content-type": "application/json"})
        answer = connection.getresponse()
        raw = answer.read()
        assert answer.status == 200, raw
        found: dict[str, dict[str, object]] = json.loads(raw)
        return found

    def _call(self) -> None:
        connection = http.client.HTTPConnection(self.host, timeout=30)
        try:
            while True:
                order = self._act(connection, "orders.makes", {"lines": LINES})["order"]
                made = self._act(connection, "customer.submits_return", {"order": order["name"]})["return"]
                self.returns.append(int(str(made["id"])))
                if len(self.returns) >= self.enough:
                    self.reached.set()
        except (OSError, http.client.HTTPException):
            return
        finally:
            connection.close()


def return_of(body: bytes) -> int:
    """Whose `return.created` it is."""
    return int(json.loads(body)["id"])


def settled(folder: Path) -> set[int]:
    """The returns whose delivery was settled when the server died, read from the files it left."""
    connection = sqlite3.connect(f"file:{folder / 'shops' / 'default.db'}?mode=ro", uri=True)
    rows = connection.execute("select return_id from deliveries where state = 'delivered'").fetchall()
    connection.close()
    return {return_id for (return_id,) in rows}


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_what_was_acknowledged_survives_a_kill(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    with receiver() as (url, bodies):
        server = Server(tmp_path)
        Loopsim(server.url).shop("default").subscribe(url, "return", "return.created")
        load = Load(server, enough=chance.randrange(5, 120))
        for thread in load.threads:
            thread.start()
        assert load.reached.wait(60)
        server.kill()
        for thread in load.threads:
            thread.join(30)
        done = settled(tmp_path)

        again = Server(tmp_path)
        try:
            shop = Loopsim(again.url).shop("default")
            assert shop.settle(timeout=30)["settled"]
            kept = {each["id"] for each in shop.returns(limit=1000)}
            states = Counter(each["state"] for each in shop.deliveries(limit=1000))
            acts = shop.journal(limit=10_000, kind="control")["entries"]
        finally:
            again.stop()
    assert set(load.returns) <= kept
    told = [entry for entry in acts if entry["operation"] == "customerSubmitsReturn" and entry["status"] == 200]
    assert len(load.returns) <= len(told) <= len(kept)
    assert states == {"delivered": len(kept)}
    # Not told apart by when they came: the receiver may get to what the first server sent after its death.
    sent = Counter(map(return_of, bodies))
    assert set(sent) == kept, "every due delivery was attempted"
    assert {sent[id_] for id_ in done} <= {1}, "what was settled is not sent again"
    assert max(sent.values()) <= 2, "what was in flight is sent at most once more"
