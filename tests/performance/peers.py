"""What a user could run instead, where it is installed: found on PATH or beside this Python, and never fetched.

Each holds objects of about 3 KB and is asked for one by id, for a list of 100, and for a new one, between measurements
of the same raw app.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import urllib.request
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

from tests.performance.load import each_once, for_seconds, get, post
from tests.performance.plan import Plan
from tests.performance.report import Row
from tests.performance.rounds import alternate
from tests.performance.servers import Process, raw_server, running

OBJECTS = 100
_FILLER = "x" * 140
_METADATA = {f"key_{number}": _FILLER for number in range(18)}
_JSON = {"Content-Type": "application/json"}
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Peer(NamedTuple):
    """How a peer is started (its command, without port) and asked. `create` gives the id of a new object;
    `headers` are made anew for every measurement, for peers that limit the calls of a token."""

    command: Callable[[Path], list[str]]
    path: str
    page: str
    content: dict[str, str]
    body: Callable[[], bytes]
    headers: Callable[[], dict[str, str]] = dict
    creates: int = 100


_tokens = count(1)


def _customer() -> bytes:
    return urlencode({f"metadata[{key}]": value for key, value in _METADATA.items()}).encode()


def _token() -> dict[str, str]:
    return {"Authorization": f"Bearer sk_test_bench{next(_tokens):08d}"}


def _json_server(scratch: Path) -> list[str]:
    file = scratch / "json-server.json"
    file.write_text(json.dumps({"customers": []}))
    return ["json-server", "--quiet", "--host", "127.0.0.1", str(file)]


_STRIPE = ("/v1/customers", f"?limit={OBJECTS}", _FORM, _customer, _token)
PEERS = {
    "json-server": Peer(
        _json_server, "/customers", f"?_limit={OBJECTS}", _JSON, lambda: json.dumps(_METADATA).encode()
    ),
    "localstripe": Peer(lambda _: ["localstripe"], *_STRIPE),
    "emulate": Peer(lambda _: ["emulate", "start", "--service", "stripe"], *_STRIPE, creates=1000),
}


def peers(plan: Plan) -> list[Row]:
    """The ratios of every peer that is installed; a row that says so for the others."""
    rows: list[Row] = []
    with raw_server(b"x" * 3000) as raw:
        for name, peer in PEERS.items():
            try:
                rows += _measured(plan, name, peer, raw)
            except (OSError, RuntimeError, AssertionError) as error:
                rows.append(Row(f"peer {name}", "", (), says=f"could not be measured: {error}"))
    return rows


def _measured(plan: Plan, name: str, peer: Peer, raw: Process) -> list[Row]:
    found = _found(name)
    if found is None:
        return [Row(f"peer {name}", "", (), says="not installed")]
    command = [found, *peer.command(plan.scratch)[1:]]
    with running(command, path=peer.path, ready=b"HTTP/1.1 ") as server:
        ids = [_create(server.port, peer) for _ in range(OBJECTS)]

        def one() -> list[bytes]:
            headers = peer.headers()
            return [get(f"{peer.path}/{id_}", headers) for id_ in ids]

        compared = alternate(
            lambda: for_seconds(raw.port, [get("/")], plan.seconds),
            {
                # Some limit the calls of a token, so each of the rounds is short and has one of its own.
                "one by id": lambda: each_once(server.port, (one() * (1 + 3000 // OBJECTS))[:3000]),
                f"list of {OBJECTS}": lambda: each_once(
                    server.port, [get(peer.path + peer.page, peer.headers())] * 100
                ),
                "create": lambda: each_once(
                    server.port,
                    [post(peer.path, peer.body(), {**peer.content, **peer.headers()})] * peer.creates,
                ),
            },
            max(2, plan.rounds // 2),
        )
    return [Row(f"peer {name}: {what}", "×", each.ratios, says=each.says) for what, each in compared.items()]


def _found(name: str) -> str | None:
    beside = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    return shutil.which(name, path=beside)


def _create(port: int, peer: Peer) -> str:
    headers = {**peer.content, **peer.headers()}
    request = urllib.request.Request(f"http://127.0.0.1:{port}{peer.path}", peer.body(), headers)
    with urllib.request.urlopen(request, timeout=30) as response:
        return str(json.loads(response.read())["id"])
