"""The sample ERP as a real process: against a shop of a server in this process, and against rows that no shop shows."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from loopsim.client import Loopsim, Shop
from loopsim.embedded import EmbeddedServer
from tests.listening import listening
from tests.partners.program import LIMIT, ROOT, Program

PROGRAM = ROOT / "loopsim" / "partners" / "erp.mjs"
NODE = shutil.which("node")
MOMENT = "2026-03-02T09:00:00Z"
BIG = 894216837402234881  # above 2^53: only text survives

pytestmark = pytest.mark.skipif(NODE is None, reason="node is not installed; the ERP partner runs on Node 18 or newer")


class Erp(Program):
    """The program under test. It looks at Loop when it is asked for `fresh` state, and by itself once an hour."""

    def __init__(self, base: str, key: str, **settings: str) -> None:
        own = {"LOOP_API_BASE": base, "LOOP_API_KEY": key, "POLL_EVERY": "3600"}
        super().__init__([str(NODE), str(PROGRAM)], **{**own, **settings})

    def get(self, path: str, method: str = "GET") -> tuple[int, Any]:
        return self.call(method, path)

    def looked(self) -> dict[str, Any]:
        """Its state after a look that began now."""
        state = self.get("/state?fresh")[1]
        assert state["idle"]
        return dict(state)


@pytest.fixture(scope="module")
def server() -> Iterator[Loopsim]:
    with EmbeddedServer() as embedded, Loopsim(embedded.url) as client:
        yield client


@pytest.fixture
def shop(server: Loopsim) -> Shop:
    policy = {"processing_event": "disabled"}
    return server.create_shop(clock={"mode": "manual"}, moment=MOMENT, policy=policy, world="us-apparel")


@pytest.fixture
def start() -> Iterator[Callable[..., Erp]]:
    started: list[Erp] = []

    def run(base: str, key: str, **settings: str) -> Erp:
        started.append(Erp(base, key, **settings))
        return started[-1]

    yield run
    for one in started:
        one.stop()


@pytest.fixture
def erp(shop: Shop, start: Callable[..., Erp]) -> Erp:
    return start(shop.api_base, shop.key)


def processed(shop: Shop, *items: dict[str, Any]) -> dict[str, Any]:
    """A return that was submitted and processed."""
    made = shop.customer.submits_return(items=list(items) or [{"outcome": "refund"}])
    shop.staff.processes(return_id=made["id"])
    shop.clock.advance(by="10s")
    found: dict[str, Any] = shop.get_return(made["id"])
    return found


def calls(shop: Shop) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = shop.journal(kind="call", limit=1000)["entries"]
    return entries


EXCHANGE = {"outcome": "exchange", "exchange_variant": "TEE-RED-S"}


@pytest.mark.parametrize(
    ("items", "amounts"),
    [
        ([{"outcome": "refund"}], {"refund": "refund"}),
        ([{"outcome": "credit"}], {"credit": "gift_card"}),
        ([{"outcome": "refund"}, {"outcome": "credit"}], {"refund": "refund", "credit": "gift_card"}),
        ([EXCHANGE], {"exchange": "exchange_total", "refund": "refund", "upsell": "upsell"}),
    ],
)
def test_every_outcome_is_booked_to_the_cent_once_it_is_paid_out(
    shop: Shop, erp: Erp, items: list[dict[str, Any]], amounts: dict[str, str]
) -> None:
    before = shop.customer.submits_return(items=items)
    assert erp.looked()["returns"][str(before["id"])]["entries"] == []
    shop.staff.processes(return_id=before["id"])
    shop.clock.advance(by="10s")
    found = erp.looked()["returns"][str(before["id"])]
    assert found["state"] == "closed"
    due = {kind: before["totals"][field] for kind, field in amounts.items()}
    none = dict.fromkeys(("refund", "credit", "exchange", "fee", "upsell"), "0.00")
    assert found["booked"] == {**none, **due}
    assert {entry["at"] for entry in found["entries"]} == {"2026-03-02T09:00:02Z"}


def test_looking_again_books_nothing_again(shop: Shop, erp: Erp) -> None:
    made = processed(shop)
    first = erp.looked()
    assert first["totals"]["USD"]["refund"] == made["totals"]["refund"]
    shop.clock.advance(by="2h")
    assert erp.looked() == first


def test_a_return_closed_or_cancelled_without_a_payout_books_nothing(shop: Shop, erp: Erp) -> None:
    closed, cancelled = (shop.customer.submits_return(items=[{"outcome": "refund"}]) for _ in range(2))
    shop.staff.closes(return_id=closed["id"])
    shop.staff.cancels(return_id=cancelled["id"])
    state = erp.looked()
    assert {i: found["state"] for i, found in state["returns"].items()} == {
        str(closed["id"]): "closed",
        str(cancelled["id"]): "cancelled",
    }
    assert state["totals"]["USD"]["refund"] == "0.00"


def test_what_was_paid_of_a_return_in_review_is_booked_and_the_rest_when_it_follows(shop: Shop, erp: Erp) -> None:
    made = shop.customer.submits_return(items=[{"outcome": "refund"}, EXCHANGE])
    shop.stock.sets(variant=EXCHANGE["exchange_variant"], available=0)
    shop.staff.processes(return_id=made["id"])
    shop.clock.advance(by="10s")
    found = erp.looked()["returns"][str(made["id"])]
    assert (found["state"], found["booked"]["refund"]) == ("review", made["totals"]["refund"])
    assert found["booked"]["exchange"] == "0.00"
    shop.stock.sets(variant=EXCHANGE["exchange_variant"], available=5)
    shop.staff.processes(return_id=made["id"])
    shop.clock.advance(by="10s")
    found = erp.looked()["returns"][str(made["id"])]
    assert (found["state"], found["booked"]["refund"]) == ("closed", made["totals"]["refund"])
    assert found["booked"]["exchange"] == made["totals"]["exchange_total"]


def test_more_returns_than_fit_on_a_page_are_all_there(shop: Shop, erp: Erp) -> None:
    made = {str(shop.customer.submits_return()["id"]) for _ in range(53)}
    assert set(erp.looked()["returns"]) == made
    assert any("cursor=" in entry["query"] for entry in calls(shop))


def test_it_follows_loops_clock_wherever_that_goes(shop: Shop, erp: Erp) -> None:
    erp.looked()
    shop.clock.advance(by="60d")
    made = processed(shop)
    assert str(made["id"]) in erp.looked()["returns"]


def test_what_happened_while_it_was_away_is_booked_and_the_rest_not_twice(
    shop: Shop, start: Callable[..., Erp], tmp_path: Path
) -> None:
    settings = {"LEDGER_FILE": str(tmp_path / "ledger.json")}
    processed(shop)
    first = start(shop.api_base, shop.key, **settings)
    booked = first.looked()["returns"]
    assert first.stop() == 0
    later = processed(shop)
    again = start(shop.api_base, shop.key, **settings).looked()["returns"]
    assert again.pop(str(later["id"]))["booked"]["refund"] == later["totals"]["refund"]
    assert again == booked


def test_when_asked_to_it_reads_everything_anew_and_books_nothing_twice(loop: Rows, reader: Erp) -> None:
    loop.shows(row())
    booked = reader.looked()["returns"]
    assert reader.get("/reread", "POST")[0] == 200
    assert reader.looked()["returns"] == booked
    first, last = (parse_qs(urlsplit(loop.paths[number]).query)["from"][0] for number in (0, -1))
    assert last[:10] == first[:10]


def test_a_pause_longer_than_loops_window_is_asked_for_in_pieces(shop: Shop, start: Callable[..., Erp]) -> None:
    made = processed(shop)
    shop.clock.advance(by="300d")
    state = start(shop.api_base, shop.key, BOOKS_FROM="2026-01-01").looked()
    assert state["returns"][str(made["id"])]["booked"]["refund"] == made["totals"]["refund"]
    assert {entry["status"] for entry in calls(shop)} == {200}


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "too_many", "params": {"retry_after": 1}},
        {"kind": "server_error"},
        {"kind": "reset"},
        {"kind": "answer_lost"},
    ],
    ids=lambda fault: str(fault["kind"]),
)
def test_a_look_outlasts_what_goes_wrong(shop: Shop, erp: Erp, fault: dict[str, Any]) -> None:
    erp.looked()
    made = processed(shop)
    shop.fault(count=2, **fault)
    assert erp.looked()["returns"][str(made["id"])]["state"] == "closed"


def test_it_only_reads_and_asks_for_what_loop_leaves_out(shop: Shop, erp: Erp) -> None:
    processed(shop)
    erp.looked()
    made = calls(shop)
    assert {entry["method"] for entry in made} == {"GET"}
    queries = [parse_qs(entry["query"]) for entry in made]
    assert {query.get("state", ["default"])[0] for query in queries} == {"default", "review", "cancelled"}
    assert all({"from", "to", "filter"} <= set(query) for query in queries)


class Rows(ThreadingHTTPServer):
    """A Loop that shows these rows, whatever it is asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), RowsHandler)
        self.answer: bytes = b""
        self.asked = 0
        self.paths: list[str] = []

    def shows(self, *rows: dict[str, Any], **more: Any) -> None:
        self.answer = json.dumps({"returns": rows, "nextPageUrl": None, **more}).encode()


class RowsHandler(BaseHTTPRequestHandler):
    server: Rows

    def do_GET(self) -> None:
        self.server.asked += 1
        self.server.paths.append(self.path)
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.server.answer)))
        self.end_headers()
        self.wfile.write(self.server.answer)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def loop() -> Iterator[Rows]:
    server = Rows()
    with listening(server):
        yield server


@pytest.fixture
def reader(loop: Rows, start: Callable[..., Erp]) -> Erp:
    loop.shows()
    return start(f"http://127.0.0.1:{loop.server_port}/api/v1", "key")


def row(**changes: Any) -> dict[str, Any]:
    at = {"date": "2026-03-02 09:00:12.000000", "timezone_type": 3, "timezone": "UTC"}
    paid = {"refund_processed": at}
    usual = {"id": "7", "state": "closed", "updated_at": "2026-03-02T10:00:00+00:00", "currency": "USD"}
    return {**usual, "refund": "10.00", "outcomes_processed_at": paid, **changes}


def test_ids_beyond_2_53_stay_exact_as_numbers_too(loop: Rows, reader: Erp) -> None:
    loop.shows(row(id=BIG), row(id=str(BIG + 2), return_comment=f'a \\" and {BIG} in a text'))
    assert set(reader.looked()["returns"]) == {str(BIG), str(BIG + 2)}


@pytest.mark.parametrize("refund", ["90071992547409.93", "0.29", "-4.05", "0.00"])
def test_amounts_are_exact(loop: Rows, reader: Erp, refund: str) -> None:
    loop.shows(row(refund=refund))
    assert reader.looked()["returns"]["7"]["booked"]["refund"] == refund


@pytest.mark.parametrize("refund", ["1.005", 12.3, "1,000.00", "ten"])
def test_what_is_no_amount_is_reported_and_not_booked(loop: Rows, reader: Erp, refund: object) -> None:
    loop.shows(row(refund=refund))
    state = reader.looked()
    assert set(state["problems"]) == {"7"}
    assert "7" not in state["returns"]


def test_a_correction_books_its_difference(loop: Rows, reader: Erp) -> None:
    loop.shows(row())
    reader.looked()
    loop.shows(row(refund="7.50", updated_at="2026-03-02T11:00:00+00:00"))
    found = reader.looked()["returns"]["7"]
    assert [entry["amount"] for entry in found["entries"]] == ["10.00", "-2.50"]


def test_an_older_page_does_not_undo_what_a_newer_one_said(loop: Rows, reader: Erp) -> None:
    loop.shows(row(updated_at="2026-03-02 12:00:00"), row(state="open", outcomes_processed_at=None))
    assert reader.looked()["returns"]["7"]["state"] == "closed"


def test_times_are_utc_whatever_the_zone_of_the_machine(loop: Rows, start: Callable[..., Erp]) -> None:
    at = {"date": "2026-02-28 23:30:00.000000", "timezone_type": 3, "timezone": "UTC"}
    loop.shows(row(updated_at="2026-03-02 09:00:00", outcomes_processed_at={"refund_processed": at}))
    erp = start(f"http://127.0.0.1:{loop.server_port}/api/v1", "key", TZ="America/New_York")
    found = erp.looked()["returns"]["7"]
    assert (found["updated_at"], found["entries"][0]["at"]) == ("2026-03-02T09:00:00Z", "2026-02-28T23:30:00Z")


def test_rows_it_cannot_read_are_reported_and_hold_nothing_up(loop: Rows, reader: Erp) -> None:
    loop.shows(row(id=None), row(id="8", refund="ten"), row(id="9", brand_new=[1], outcome="barter", state=None))
    state = reader.looked()
    assert set(state["problems"]) == {"", "8"}
    assert state["returns"]["9"]["booked"]["refund"] == "10.00"


def test_the_key_goes_to_no_other_host(loop: Rows, reader: Erp) -> None:
    elsewhere = f"http://localhost:{loop.server_port}/api/v1/warehouse/return/list?cursor=1"
    reader.looked()
    loop.asked = 0
    loop.shows(nextPageUrl=elsewhere)
    assert not reader.get("/state?fresh")[1]["idle"]
    assert loop.asked == 1


def test_200_with_errors_is_no_empty_page(loop: Rows, reader: Erp) -> None:
    loop.answer = b'{"errors":{"message":"Not now."}}'
    assert not reader.get("/state?fresh")[1]["idle"]


def test_it_says_what_is_missing() -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LOOP")}
    ran = subprocess.run([str(NODE), str(PROGRAM)], env=kept, capture_output=True, text=True, timeout=LIMIT)
    assert ran.returncode == 2
    assert "LOOP_API_KEY" in ran.stderr


def test_sigterm_stops_it_while_it_waits_for_loop(shop: Shop, erp: Erp) -> None:
    assert erp.get("/health") == (200, {"ok": True})
    erp.looked()
    shop.fault("too_many", params={"retry_after": 60})
    after = shop.journal(limit=1000)["last_id"]

    def ask() -> None:
        with suppress(OSError, HTTPException):  # the line is cut
            erp.get("/state?fresh")

    asking = threading.Thread(target=ask)
    asking.start()
    assert shop.journal(after=after, wait=LIMIT)["entries"]
    assert erp.stop() == 0
    asking.join(LIMIT)


def test_it_needs_nothing_but_node() -> None:
    assert all(name.startswith("node:") for name in re.findall(r'^import .* from "(.*)";$', PROGRAM.read_text(), re.M))
