"""The sample warehouse as a real process, against a small Loop of our own that each test can make awkward."""

from __future__ import annotations

import ast
import base64
import copy
import hashlib
import hmac
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.listening import listening
from tests.partners.program import LIMIT, ROOT, Program

PROGRAM = ROOT / "loopsim" / "partners" / "warehouse.py"
KEY, SECRET = "key-of-the-shop", "0123456789abcdef"
BIG = 894216837402234881  # above 2^53: only exact integers survive

Answer = tuple[int, dict[str, str], bytes]


def answer(body: object, status: int = 200, **headers: str) -> Answer:
    return status, {name.replace("_", "-"): value for name, value in headers.items()}, json.dumps(body).encode()


def a_return(return_id: int, label_status: str = "delivered", units: int = 1, **changes: Any) -> dict[str, Any]:
    """A return as details show it."""
    lines = [
        {"line_item_id": BIG + n, "reason": "Too big", "condition": None, "disposition": None} for n in range(units)
    ]
    return {
        "id": return_id,
        "state": "open",
        "label_status": label_status,
        "labels": [],
        "line_items": lines,
        **changes,
    }


class FakeLoop(ThreadingHTTPServer):
    """Loop's answers, and a record of the calls: `(method, path without /api/v1, query, body)` in order."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), FakeLoopHandler)
        self.news = threading.Condition()
        self.calls: list[tuple[str, str, str, Any]] = []
        self.keys: set[str | None] = set()
        self.returns: dict[int, dict[str, Any]] = {}
        self.notes: dict[int, list[str]] = {}
        self.pages: dict[str, list[list[dict[str, Any]]]] = {}
        self.awkward: dict[str, list[Answer]] = {}  # by path: answers that come first, and that have no effect
        self.lost: set[str] = set()  # paths whose next call takes effect, and whose answer never arrives
        self.on: dict[str, Callable[[], None]] = {}  # by path: what happens at Loop when it is called

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/api/v1"

    def made(self, method: str, path: str) -> list[Any]:
        """The bodies of the calls of that kind so far."""
        with self.news:
            return [body for m, p, _, body in self.calls if (m, p) == (method, path)]

    def writes(self) -> list[str]:
        with self.news:
            return [path for method, path, _, _ in self.calls if method == "POST"]

    def wait_for(self, method: str, path: str, times: int = 1) -> None:
        """Until that call has come in so many times."""
        with self.news:
            came = self.news.wait_for(
                lambda: sum((m, p) == (method, path) for m, p, _, _ in self.calls) >= times, timeout=LIMIT
            )
        assert came, f"{method} {path} did not come {times} time(s)"

    def effect(self, path: str, query: dict[str, list[str]], body: Any) -> Answer:
        if found := re.fullmatch(r"/warehouse/return/(\d+)/(process|notes?)", path):
            return self._of_return(int(found[1]), found[2], body)
        if path == "/warehouse/return/list":
            return self._page(query)
        if path == "/warehouse/return/details":
            missing = {"error": {"message": "No return found with this ID."}}
            return answer(self.returns.get(int(query["return_id"][0]), missing))
        key = {"/dispositioning/grade": "condition", "/dispositioning/assess": "disposition"}[path]
        for item in body["items"]:
            for line in (line for ret in self.returns.values() for line in ret["line_items"]):
                if line["line_item_id"] == item["line_item_id"]:
                    line[key] = item
        return answer(body["items"])

    def _of_return(self, return_id: int, what: str, body: Any) -> Answer:
        if what == "notes":
            notes = self.notes.get(return_id)
            return answer([{"id": 1, "content": n} for n in notes]) if notes else answer(False, 422)
        if what == "note":
            self.notes.setdefault(return_id, []).append(body["content"])
        return answer(True)

    def _page(self, query: dict[str, list[str]]) -> Answer:
        state, number = query["state"][0], int(query.get("cursor", ["0"])[0])
        pages = self.pages.get(state, [[]])
        # As Loop does: the link repeats what shaped the page, without `paginate`; `keep` shows if it is used as is.
        more = f"{self.base}/warehouse/return/list?state={state}&keep=a%20b%2Fc&cursor={number + 1}"
        return answer({"returns": pages[number], "nextPageUrl": more if number + 1 < len(pages) else None})


class FakeLoopHandler(BaseHTTPRequestHandler):
    server: FakeLoop

    def do_GET(self) -> None:
        loop, url = self.server, urlsplit(self.path)
        path = url.path.removeprefix("/api/v1")
        content = self.rfile.read(int(self.headers["Content-Length"] or 0))
        body = json.loads(content) if content else None
        with loop.news:
            loop.calls.append((self.command, path, url.query, body))
            loop.keys.add(self.headers["X-Authorization"])
            first = loop.awkward.get(path)
            status, headers, out = first.pop(0) if first else loop.effect(path, parse_qs(url.query), body)
            loop.on.get(path, lambda: None)()
            lost = path in loop.lost
            loop.lost.discard(path)
            loop.news.notify_all()
        if lost:
            return
        usual = {"Content-Type": "application/json", "Content-Length": str(len(out)), "Date": self.date_time_string()}
        self.send_response_only(status)  # so that a test may set the Date
        for name, value in {**usual, **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(out)

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        """Nothing."""


class Warehouse(Program):
    """The program under test, and its own account of itself."""

    def __init__(self, loop: FakeLoop, *command: str) -> None:
        super().__init__(
            [sys.executable, *(command or ("-m", "loopsim.partners.warehouse"))],
            LOOP_API_BASE=loop.base,
            LOOP_API_KEY=KEY,
            LOOP_WEBHOOK_SECRET=SECRET,
        )

    def send(self, payload: object, secret: str = SECRET) -> int:
        return super().send(payload, secret)

    def settled(self) -> dict[str, Any]:
        """Its state, once it has nothing left to do."""
        end = time.monotonic() + LIMIT
        while time.monotonic() < end:
            state = self.call("GET", "/state")[1]
            if state["idle"]:
                return dict(state)
        raise AssertionError("it is still at work")

    def stage(self, return_id: int) -> str:
        return str(self.settled()["returns"][str(return_id)]["stage"])


@pytest.fixture
def loop() -> Iterator[FakeLoop]:
    server = FakeLoop()
    with listening(server):
        yield server


@pytest.fixture
def start(loop: FakeLoop) -> Iterator[Callable[..., Warehouse]]:
    """Start the warehouse when the test has set its Loop up."""
    started: list[Warehouse] = []

    def run(*command: str) -> Warehouse:
        started.append(Warehouse(loop, *command))
        return started[-1]

    yield run
    for one in started:
        one.stop()


@pytest.fixture
def warehouse(start: Callable[..., Warehouse]) -> Warehouse:
    """A warehouse that has caught up with an empty Loop."""
    running = start()
    running.settled()
    return running


def hint(return_id: int, trigger: str = "return.updated", **fields: Any) -> dict[str, Any]:
    return {"topic": "return", "trigger": trigger, "id": str(return_id), "state": "open", **fields}


def delivered(return_id: int) -> dict[str, Any]:
    return {"topic": "label", "trigger": "label.updated", "id": return_id, "label_status": "delivered"}


PROCESS = "/warehouse/return/7/process"
NOTE = "/warehouse/return/7/note"
WHOLE_JOB = ["/dispositioning/grade", "/dispositioning/assess", NOTE, PROCESS]


def test_a_delivered_return_is_graded_assessed_noted_processed_and_then_closed_by_loop(
    loop: FakeLoop, warehouse: Warehouse
) -> None:
    loop.returns[7] = a_return(7, label_status="pending", units=2)
    assert warehouse.send(hint(7, "return.created", label_status="pending", tracking_number="N/A")) == 200
    assert warehouse.stage(7) == "expected"
    assert loop.writes() == []

    loop.returns[7]["label_status"] = "delivered"
    warehouse.send(delivered(7))
    assert warehouse.stage(7) == "processing"
    assert loop.writes() == WHOLE_JOB
    graded = loop.made("POST", "/dispositioning/grade")[0]["items"]
    assert [item["line_item_id"] for item in graded] == [BIG, BIG + 1]
    assert {item["condition_category"] for item in graded} == {"grade_a"}
    assessed = loop.made("POST", "/dispositioning/assess")[0]["items"]
    assert {item["disposition_outcome"] for item in assessed} == {"back_to_stock"}
    assert loop.keys == {KEY}

    loop.returns[7]["state"] = "closed"
    warehouse.send(hint(7, "return.closed", state="closed"))
    assert warehouse.stage(7) == "closed"
    assert [line for line in warehouse.output if line.startswith("return 7: closed")]


def test_true_to_process_is_not_taken_for_closed(loop: FakeLoop, warehouse: Warehouse) -> None:
    loop.returns[7] = a_return(7)
    warehouse.send(delivered(7))
    warehouse.send(hint(7, label_status="delivered"))
    assert warehouse.stage(7) == "processing"
    assert loop.writes() == WHOLE_JOB


@pytest.mark.parametrize("secret", ["another-secret", ""])
def test_a_forged_signature_is_refused_and_has_no_effect(loop: FakeLoop, warehouse: Warehouse, secret: str) -> None:
    loop.returns[7] = a_return(7)
    before = len(loop.calls)
    assert warehouse.send(delivered(7), secret=secret) == 401
    state = warehouse.settled()
    assert (state["returns"], state["rejected"]) == ({}, 1)
    assert len(loop.calls) == before


def test_a_body_changed_after_signing_or_not_signed_at_all_is_refused(loop: FakeLoop, warehouse: Warehouse) -> None:
    loop.returns[7] = a_return(7)
    body = json.dumps(delivered(7)).encode()
    signature = base64.b64encode(hmac.digest(SECRET.encode(), body, hashlib.sha256)).decode()
    assert warehouse.call("POST", "/webhooks/loop", body + b" ", X_Loop_Signature=signature)[0] == 401
    assert warehouse.call("POST", "/webhooks/loop", body)[0] == 401
    assert warehouse.call("POST", "/webhooks/loop", body, X_Loop_Signature="gr\xfcn")[0] == 401
    assert warehouse.settled()["rejected"] == 3
    assert loop.writes() == []


def test_a_duplicate_is_harmless(loop: FakeLoop, warehouse: Warehouse) -> None:
    loop.returns[7] = a_return(7)
    assert [warehouse.send(delivered(7)) for _ in range(3)] == [200, 200, 200]
    state = warehouse.settled()
    assert state["duplicates"] == 2
    assert loop.writes() == WHOLE_JOB


def test_two_deliveries_at_once_make_one_job(loop: FakeLoop, warehouse: Warehouse) -> None:
    loop.returns[7] = a_return(7)
    senders = [
        threading.Thread(target=warehouse.send, args=(hint(7, label_status="delivered", n=n),)) for n in range(8)
    ]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join(LIMIT)
    assert warehouse.stage(7) == "processing"
    assert loop.writes() == WHOLE_JOB


@pytest.mark.parametrize(
    ("state", "stage"),
    [
        ("closed", "closed"),
        ("cancelled", "ignored"),
        ("expired", "ignored"),
        ("review", "attention"),
        ("new!", "attention"),
    ],
)
def test_a_return_that_is_not_open_is_not_acted_upon_whatever_a_late_webhook_says(
    loop: FakeLoop, warehouse: Warehouse, state: str, stage: str
) -> None:
    loop.returns[7] = a_return(7, state=state)
    warehouse.send(delivered(7))
    warehouse.send(hint(7, label_status="delivered"))
    assert warehouse.stage(7) == stage
    assert loop.writes() == []


def test_swapped_deliveries_leave_a_closed_return_closed(loop: FakeLoop, warehouse: Warehouse) -> None:
    loop.returns[7] = a_return(7, state="closed")
    warehouse.send(hint(7, "return.closed", state="closed"))
    warehouse.send(
        {"topic": "return.processing", "trigger": "return.processing.failed", "return_id": 7, "message": None}
    )
    warehouse.send(hint(7, "return.created"))
    assert warehouse.stage(7) == "closed"
    assert loop.writes() == []


def test_a_return_closed_while_it_is_being_graded_is_not_processed(loop: FakeLoop, warehouse: Warehouse) -> None:
    loop.returns[7] = a_return(7)
    loop.on[NOTE] = lambda: loop.returns[7].update(state="closed")
    warehouse.send(delivered(7))
    assert warehouse.stage(7) == "closed"
    assert loop.made("POST", PROCESS) == []


def test_a_review_that_staff_reopens_is_worked_on(loop: FakeLoop, warehouse: Warehouse) -> None:
    loop.returns[7] = a_return(7, state="review")
    warehouse.send(delivered(7))
    assert warehouse.stage(7) == "attention"
    loop.returns[7]["state"] = "open"
    warehouse.send(hint(7, label_status="delivered"))
    assert warehouse.stage(7) == "processing"


def test_200_with_errors_is_a_failure_and_is_left_to_staff(loop: FakeLoop, warehouse: Warehouse) -> None:
    message = "Return is open and therefore cannot be processed."
    loop.returns[7] = a_return(7)
    loop.awkward[PROCESS] = [answer({"errors": {"message": message, "code": "UNPROCESSABLE_FLAGGED_RETURN"}})]
    warehouse.send(delivered(7))
    warehouse.send(hint(7, label_status="delivered"))
    found = warehouse.settled()["returns"]["7"]
    assert found["stage"] == "attention"
    assert message in found["reason"]
    assert len(loop.made("POST", PROCESS)) == 1


def test_a_failed_grading_stops_before_processing(loop: FakeLoop, warehouse: Warehouse) -> None:
    loop.returns[7] = a_return(7)
    loop.awkward["/dispositioning/grade"] = [answer({"error": {"code": "403", "message": "Forbidden."}}, 403)]
    warehouse.send(delivered(7))
    assert warehouse.stage(7) == "attention"
    assert loop.writes() == ["/dispositioning/grade"]


def test_details_of_an_unknown_return_are_no_return(loop: FakeLoop, warehouse: Warehouse) -> None:
    warehouse.send(delivered(7))
    found = warehouse.settled()["returns"]["7"]
    assert found["stage"] == "attention"
    assert "No return found" in found["reason"]
    assert loop.writes() == []


def test_failed_processing_needs_attention_and_is_not_repeated(loop: FakeLoop, warehouse: Warehouse) -> None:
    loop.returns[7] = a_return(7)
    warehouse.send(delivered(7))
    failed = {
        "topic": "return.processing",
        "trigger": "return.processing.failed",
        "return_id": 7,
        "message": "No funds",
    }
    warehouse.send(failed)
    warehouse.send(failed)
    warehouse.send(hint(7, label_status="delivered"))
    found = warehouse.settled()["returns"]["7"]
    assert (found["stage"], found["reason"]) == ("attention", "No funds")
    assert len(loop.made("POST", PROCESS)) == 1


def test_a_return_whose_processing_failed_under_other_hands_is_left_to_them(
    loop: FakeLoop, warehouse: Warehouse
) -> None:
    loop.returns[7] = a_return(7, label_status="in_transit")
    warehouse.send({"topic": "return.processing", "trigger": "return.processing.failed", "return_id": 7})
    loop.returns[7]["label_status"] = "delivered"
    warehouse.send(delivered(7))
    assert warehouse.stage(7) == "attention"
    assert loop.writes() == []


@pytest.mark.parametrize("retry_after", ["0", "1"])
def test_429_is_waited_out(loop: FakeLoop, warehouse: Warehouse, retry_after: str) -> None:
    loop.returns[7] = a_return(7)
    too_many = answer({"message": "Too Many Attempts."}, 429, Retry_After=retry_after)
    loop.awkward[PROCESS] = [too_many]
    seen: list[float] = []
    loop.on[PROCESS] = lambda: seen.append(time.monotonic())
    warehouse.send(delivered(7))
    loop.wait_for("POST", PROCESS, times=2)
    assert warehouse.stage(7) == "processing"
    assert seen[1] - seen[0] >= int(retry_after)
    assert len(seen) == 2


def test_many_429_do_not_exhaust_its_patience(loop: FakeLoop, warehouse: Warehouse) -> None:
    loop.returns[7] = a_return(7)
    loop.awkward["/warehouse/return/details"] = [answer({}, 429, Retry_After="0") for _ in range(7)]
    warehouse.send(delivered(7))
    assert warehouse.stage(7) == "processing"


def test_a_process_whose_answer_was_lost_is_not_sent_again_once_the_return_shows_closed(
    loop: FakeLoop, warehouse: Warehouse
) -> None:
    loop.returns[7] = a_return(7)
    loop.lost = {PROCESS}
    loop.on[PROCESS] = lambda: loop.returns[7].update(state="closed")
    warehouse.send(delivered(7))
    warehouse.send(hint(7, "return.closed", state="closed"))
    assert warehouse.stage(7) == "closed"
    assert len(loop.made("POST", PROCESS)) == 1


def test_a_process_that_loop_broke_on_is_sent_again_after_a_look_at_the_details(
    loop: FakeLoop, warehouse: Warehouse
) -> None:
    loop.returns[7] = a_return(7)
    loop.awkward[PROCESS] = [answer({"message": "Server Error"}, 500)]
    warehouse.send(delivered(7))
    assert warehouse.stage(7) == "processing"
    last = [path for _, path, _, _ in loop.calls][-3:]
    assert last == [PROCESS, "/warehouse/return/details", PROCESS]


def test_a_note_whose_answer_was_lost_is_not_written_twice(loop: FakeLoop, warehouse: Warehouse) -> None:
    loop.returns[7] = a_return(7)
    loop.lost = {NOTE}
    warehouse.send(delivered(7))
    assert warehouse.stage(7) == "processing"
    assert len(loop.notes[7]) == 1


def test_a_truncated_answer_is_read_again(loop: FakeLoop, warehouse: Warehouse) -> None:
    loop.returns[7] = a_return(7)
    loop.awkward["/warehouse/return/details"] = [(200, {}, b'{"id":7,"sta')]
    warehouse.send(delivered(7))
    assert warehouse.stage(7) == "processing"


def test_more_than_thirty_units_are_graded_in_batches(loop: FakeLoop, warehouse: Warehouse) -> None:
    loop.returns[7] = a_return(7, units=65)
    warehouse.send(delivered(7))
    assert warehouse.stage(7) == "processing"
    for path in ("/dispositioning/grade", "/dispositioning/assess"):
        batches = [body["items"] for body in loop.made("POST", path)]
        assert [len(batch) for batch in batches] == [30, 30, 5]
        assert len({item["line_item_id"] for batch in batches for item in batch}) == 65


def test_a_return_in_two_parcels_waits_for_the_second(loop: FakeLoop, warehouse: Warehouse) -> None:
    first, second = (
        {"status": "delivered", "line_items": [BIG]},
        {"status": "in_transit", "line_items": [BIG + 1]},
    )
    loop.returns[7] = a_return(7, units=2, labels=[first, second])
    warehouse.send(delivered(7))
    assert warehouse.stage(7) == "expected"
    second["status"] = "delivered"
    warehouse.send(hint(7, label_status="delivered"))
    assert warehouse.stage(7) == "processing"


@pytest.mark.parametrize(
    "payload",
    [
        [],
        {},
        None,
        {"topic": "label", "id": None},
        {"topic": "return", "id": "N/A", "labels": "N/A", "label_status": None},
        {"topic": "restock", "trigger": "restock.requested", "id": 7, "label_status": "delivered"},
        {"topic": "something.new", "id": 7, "state": "closed"},
        {"topic": ["return"], "id": 7},
    ],
)
def test_a_payload_without_anything_for_it_is_accepted_and_does_nothing(
    loop: FakeLoop, warehouse: Warehouse, payload: object
) -> None:
    loop.returns[7] = a_return(7)
    assert warehouse.send(payload) == 200
    assert warehouse.settled()["returns"] == {}
    assert not [line for line in warehouse.output if line.startswith("could not")]
    loop.returns[8] = a_return(8)
    warehouse.send(delivered(8))
    assert warehouse.stage(8) == "processing"


def test_unknown_fields_nulls_and_new_values_are_tolerated(loop: FakeLoop, warehouse: Warehouse) -> None:
    loop.returns[7] = a_return(7, outcome="barter", labels=None, tracking_number="N/A", brand_new={"x": [1]})
    loop.returns[7]["line_items"][0].update(reason=None, parent_reason="N/A", outcome="keep?")
    warehouse.send(hint(7, "return.teleported", label_status="delivered", labels=[None, "N/A"], brand_new=3.5))
    assert warehouse.stage(7) == "processing"


def test_at_start_it_walks_every_page_of_open_and_review_by_the_links_as_given(
    loop: FakeLoop, start: Callable[..., Warehouse]
) -> None:
    for return_id in (1, 2, 3):
        loop.returns[return_id] = a_return(return_id, "delivered" if return_id == 3 else "in_transit")
    loop.returns[4] = a_return(4, state="review")
    rows = {i: {**copy.deepcopy(ret), "id": str(i)} for i, ret in loop.returns.items()}
    loop.pages = {"open": [[rows[1]], [rows[2]], [rows[3]]], "review": [[rows[4]]]}
    warehouse = start()
    stages = {i: found["stage"] for i, found in warehouse.settled()["returns"].items()}
    assert stages == {"1": "expected", "2": "expected", "3": "processing", "4": "attention"}
    walked = [query for _, path, query, _ in loop.calls if path == "/warehouse/return/list"]
    assert walked[1:3] == [f"state=open&keep=a%20b%2Fc&cursor={n}" for n in (1, 2)]
    firsts = [parse_qs(walked[0]), parse_qs(walked[3])]
    assert [first["state"] for first in firsts] == [["open"], ["review"]]
    assert all(first["paginate"] == ["true"] and {"from", "to"} <= set(first) for first in firsts)


def test_the_key_goes_to_no_other_host_than_its_own_loop(loop: FakeLoop, start: Callable[..., Warehouse]) -> None:
    elsewhere = f"http://localhost:{loop.server_port}/api/v1/warehouse/return/list?state=open&cursor=1"
    loop.awkward["/warehouse/return/list"] = [answer({"returns": [], "nextPageUrl": elsewhere})]
    start().settled()
    assert len(loop.made("GET", "/warehouse/return/list")) == 1


def test_the_window_to_catch_up_follows_loops_clock_not_ours(loop: FakeLoop, start: Callable[..., Warehouse]) -> None:
    old = answer({"returns": [], "nextPageUrl": None}, Date="Tue, 03 Mar 2020 10:00:00 GMT")
    loop.awkward["/warehouse/return/list"] = [old] * 4
    start().settled()
    walked = [parse_qs(query) for _, path, query, _ in loop.calls if path == "/warehouse/return/list"]
    assert walked[-2]["state"] == ["open"]
    assert walked[-2]["to"][0].startswith("2020-03-04")


def test_after_a_restart_it_takes_up_where_it_was_and_repeats_nothing(
    loop: FakeLoop, start: Callable[..., Warehouse]
) -> None:
    loop.returns[7] = a_return(7)
    loop.awkward[PROCESS] = [answer({"message": "Server Error"}, 500)]
    first = start()
    first.send(delivered(7))
    loop.wait_for("POST", PROCESS)
    assert first.stop() == 0
    loop.pages = {"open": [[{**copy.deepcopy(loop.returns[7]), "id": "7"}]]}
    assert start().stage(7) == "processing"
    assert loop.writes() == [*WHOLE_JOB, PROCESS]


def test_it_says_that_it_is_not_idle_while_it_works(loop: FakeLoop, warehouse: Warehouse) -> None:
    loop.returns[7] = a_return(7)
    during: list[bool] = []
    loop.on[PROCESS] = lambda: during.append(warehouse.call("GET", "/state")[1]["idle"])
    warehouse.send(delivered(7))
    assert warehouse.stage(7) == "processing"
    assert during == [False]


def test_sigterm_stops_it_cleanly_even_while_it_waits_for_loop(loop: FakeLoop, warehouse: Warehouse) -> None:
    loop.returns[7] = a_return(7)
    loop.awkward[PROCESS] = [answer({"message": "Too Many Attempts."}, 429, Retry_After="60")]
    assert warehouse.call("GET", "/health")[0] == 200
    warehouse.send(delivered(7))
    loop.wait_for("POST", PROCESS)
    assert warehouse.stop() == 0
    assert warehouse.output[-1] == "closed"


def test_without_configuration_it_says_what_is_missing() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LOOP_")}
    ran = subprocess.run([sys.executable, str(PROGRAM)], env=environment, capture_output=True, text=True, timeout=LIMIT)
    assert ran.returncode == 2
    assert "LOOP_WEBHOOK_SECRET" in ran.stderr


def test_it_runs_as_a_file_by_itself(start: Callable[..., Warehouse]) -> None:
    assert start("-I", str(PROGRAM)).settled()["idle"]


def test_it_imports_nothing_but_the_standard_library() -> None:
    imported = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(PROGRAM.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
    }
    assert imported <= sys.stdlib_module_names
