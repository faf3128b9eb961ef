"""A warehouse that works with Loop in both directions: the integration we would want to see copied.

Loop tells it of returns by webhook; it receives the parcels, inspects every unit, and tells Loop the result. It needs
nothing but Loop's public API and Python's standard library, and runs as `python -m loopsim.partners.warehouse` or as
`python warehouse.py`, configured by its environment:

    LOOP_API_BASE        for instance https://api.loopreturns.com/api/v1
    LOOP_API_KEY         a key with the scope Returns
    LOOP_WEBHOOK_SECRET  the secret of the webhooks; several, separated by commas, while a secret is being changed
    PORT                 where to listen on loopback; 0 or nothing takes a free port
    WAREHOUSE_QUIET      anything: do not log
    WAREHOUSE_DOUBT      seconds before asking whether an unanswered call took effect, 3 without it

Subscribe POST /webhooks/loop to the topics `return` and `label` with all their triggers, and to `return.processing`.
GET /health says that it lives, GET /state what it knows and whether it has anything left to do.

The ideas, in the order in which they matter:

1. A webhook is a hint, never the truth. Deliveries come twice, late and in the wrong order, so before anything is
   done the return is read from Loop, and what is done depends on that alone.
2. Every step is skipped when Loop already shows it done. So a duplicate, a restart and a repeated call are all the same
   harmless thing, and what a crash interrupts is taken up again by the next look.
3. Receiving is apart from working: a delivery is checked, queued and answered at once; one thread does the work, so
   nothing happens twice at the same time.
4. "200" is not "yes". A refusal arrives as HTTP 200 with `errors`, and a `true` to process only means *queued*: a
   return is closed when Loop says that it is closed.
5. What a machine should not decide is left to people: returns in review, flagged ones, everything that Loop refused.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import queue
import signal
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import Message
from email.utils import parsedate_to_datetime
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlencode, urlsplit

TIMEOUT = 10.0  # seconds for one step of a call to Loop
TRIES = 5  # of a call that fails; a 429 is no failure
BACKOFF = 0.5  # seconds before the second try, doubled each time
DOUBT = float(os.environ.get("WAREHOUSE_DOUBT") or 3.0)  # Loop's own queue takes about two seconds
LEAST_WAIT, LONGEST_WAIT = 0.2, 300.0  # seconds of a Retry-After that we wait out; above, the work is put off
CATCH_UP_EVERY = 900.0  # seconds of silence after which Loop is asked for what no webhook told us
BATCH = 30  # items in one grading call, at most
WINDOW = timedelta(days=118)  # how far back to catch up; Loop takes 120 days, and a day is added at the far end
MARGIN = timedelta(days=1)
LARGEST_BODY = 5_000_000
BODIES_REMEMBERED = 10_000
INSPECTOR = "dock@warehouse.example"

# Which field of a payload names the return; every other topic is none of our business. The label topic calls it `id`.
RETURN_ID = {"return": ("id", "return_id"), "label": ("id", "return_id"), "return.processing": ("return_id",)}

# What a return becomes here when Loop no longer calls it open. We never act on any of these.
HANDS_OFF = {"closed": "closed", "cancelled": "ignored", "expired": "ignored", "review": "attention"}

# Word in the shopper's reason → condition, what becomes of the unit, what the inspector writes. The first match wins.
VERDICTS = (
    ("damage", "grade_d", "recycle", "Damaged."),
    ("defect", "grade_d", "recycle", "Defective."),
    ("wrong", "incorrect_item", "resale_hold", "Not the item that was ordered."),
    ("", "grade_a", "back_to_stock", "Unworn, in its packaging."),
)


class Refused(Exception):
    """Loop said no, with whatever status: asking again will not help."""

    def __init__(self, message: str, status: int = 200) -> None:
        super().__init__(message)
        self.status = status


class Unavailable(Exception):
    """Loop gave no answer that says anything about the return: the same may work later."""


# Reading what Loop sends: any field may be null, "N/A", new or gone.


def text(value: object) -> str:
    """A string without Loop's ways to say nothing (null, `""`, `"N/A"`), which all become `""`."""
    return value.strip() if isinstance(value, str) and value.strip() != "N/A" else ""


def whole(value: object) -> int | None:
    """An id, exact to the last digit; Loop sends it as a number or as a string of digits."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else None


def rows(value: object) -> list[dict[str, Any]]:
    """The objects of a list, or none."""
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def ids(value: object) -> set[int]:
    """The ids of a list, or none."""
    return {i for one in value if (i := whole(one)) is not None} if isinstance(value, list) else set()


def at_the_dock(parcel: dict[str, Any], status: str) -> bool:
    return text(parcel.get(status)) == "delivered"


def arrived(ret: dict[str, Any]) -> bool:
    """Whether every unit that was shipped is here: a return may travel in several parcels, or on a second label."""
    parcels = rows(ret.get("labels"))
    shipped = {unit for parcel in parcels for unit in ids(parcel.get("line_items"))}
    landed = {unit for parcel in parcels if at_the_dock(parcel, "status") for unit in ids(parcel.get("line_items"))}
    return shipped <= landed if shipped else at_the_dock(ret, "label_status")


def verdict(line: dict[str, Any]) -> tuple[str, str, str]:
    """Condition, disposition and remark for one unit. A real dock puts its inspector's findings here."""
    reason = " ".join(text(line.get(key)) for key in ("parent_reason", "reason", "return_comment")).lower()
    return next((grade, fate, remark) for word, grade, fate, remark in VERDICTS if word in reason)


def signed(body: bytes, signature: str, secrets: list[str]) -> bool:
    """Whether `signature` is base64(HMAC-SHA256) of these very bytes. Parsing and printing again would change them."""
    given = signature.encode("utf-8", "replace")
    made = [base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)) for secret in secrets]
    return any(hmac.compare_digest(one, given) for one in made)


class Loop:
    """The calls that this warehouse makes. Each returns the parsed answer, or raises Refused or Unavailable."""

    def __init__(self, base: str, key: str, stop: threading.Event) -> None:
        self.base = base.rstrip("/")
        self.headers = {"X-Authorization": key, "Content-Type": "application/json", "Accept": "application/json"}
        self.stop = stop
        self.now = datetime.now(UTC)  # Loop's time: its windows are judged by its clock, and ours may be wrong

    def details(self, return_id: int) -> dict[str, Any]:
        return fields(self.call("GET", f"/warehouse/return/details?return_id={return_id}"))

    def is_open(self, return_id: int) -> bool:
        return text(self.details(return_id).get("state")) == "open"

    def listed(self, state: str) -> Iterator[dict[str, Any]]:
        """All returns of a state: one state to a call (without one, review is left out), every page, links verbatim."""
        window = {"from": stamp(self.now - WINDOW, "T", "Z"), "to": stamp(self.now + MARGIN, "T", "Z")}
        url = f"/warehouse/return/list?{urlencode({'paginate': 'true', 'state': state, **window})}"
        while url:
            page = fields(self.call("GET", url))
            yield from rows(page.get("returns"))
            url = text(page.get("nextPageUrl"))

    def notes(self, return_id: int) -> list[str]:
        """The texts of a return's notes. Loop answers 422 `false` where there are none."""
        try:
            notes = self.call("GET", f"/warehouse/return/{return_id}/notes")
        except Refused as refusal:
            if refusal.status == 422:
                return []
            raise
        return [text(note.get("content")) for note in rows(notes)]

    def grade(self, items: list[dict[str, Any]]) -> None:
        self._in_batches("/dispositioning/grade", items)

    def assess(self, items: list[dict[str, Any]]) -> None:
        self._in_batches("/dispositioning/assess", items)

    def add_note(self, return_id: int, content: str) -> None:
        def there() -> bool:
            return content in self.notes(return_id)

        if not there():
            self.call("POST", f"/warehouse/return/{return_id}/note", {"content": content}, took_effect=there)

    def process(self, return_id: int) -> None:
        """Ask Loop to pay out. It answers `true` at once and does it later."""
        path = f"/warehouse/return/{return_id}/process"
        answer = self.call("POST", path, took_effect=lambda: not self.is_open(return_id))
        if answer not in (True, "true"):
            raise Refused("Loop's answer to process is neither true nor an error")

    def _in_batches(self, path: str, items: list[dict[str, Any]]) -> None:
        for start in range(0, len(items), BATCH):
            self.call("POST", path, {"items": items[start : start + BATCH]})

    def call(self, method: str, url: str, body: object = None, took_effect: Callable[[], bool] | None = None) -> Any:
        """One call, repeated as far as that is safe.

        429 did nothing and is always waited out. After a 5xx or a lost answer nobody knows whether the call took
        effect: reading, grading and assessing may simply be repeated; for the rest `took_effect` is asked first.
        """
        failures = 0
        while True:
            try:
                status, headers, content = self._send(method, url, body)
                if status != 429 and status < 500:
                    return answer_of(status, content)
                trouble, asked_to_wait = f"HTTP {status}", retry_after(headers, self.now)
            except (OSError, HTTPException, ValueError) as broken:
                status, trouble, asked_to_wait = 0, str(broken) or type(broken).__name__, None
            if status == 429:
                self._wait(60.0 if asked_to_wait is None else asked_to_wait)
                continue
            failures += 1
            if failures == TRIES:
                raise Unavailable(trouble)
            self._wait(max(asked_to_wait or 0, DOUBT if took_effect else 0, BACKOFF * 2 ** (failures - 1)))
            if took_effect and took_effect():
                return True

    def _send(self, method: str, url: str, body: object) -> tuple[int, Message, bytes]:
        """One exchange. A link of Loop's own is used as it is, but the key goes to no other host."""
        if self.stop.is_set():
            raise Unavailable("we are closing")
        home, target = urlsplit(self.base), urlsplit(url if "://" in url else self.base + url)
        if target.netloc != home.netloc:
            raise Refused(f"Loop's link leads to another host, {target.netloc}")
        connect = HTTPSConnection if home.scheme == "https" else HTTPConnection
        connection = connect(home.netloc, timeout=TIMEOUT)
        try:
            payload = None if body is None else json.dumps(body).encode()
            connection.request(method, f"{target.path}?{target.query}".rstrip("?"), payload, self.headers)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        self.now = moment(answer.headers["Date"]) or datetime.now(UTC)
        return answer.status, answer.headers, content

    def _wait(self, seconds: float) -> None:
        if seconds > LONGEST_WAIT:
            raise Unavailable(f"Loop asks us to wait {seconds:.0f} s")
        self.stop.wait(max(seconds, LEAST_WAIT))


def answer_of(status: int, content: bytes) -> Any:
    """The parsed answer. Raises Refused for a no in any of Loop's forms, ValueError for a yes that cannot be read."""
    if status == 401:
        raise Unavailable("Loop does not accept our key, or it lacks a scope")
    try:
        answer = json.loads(content)
    except ValueError:
        if status < 300:
            raise
        answer = None
    errors = (answer.get("errors") or answer.get("error")) if isinstance(answer, dict) else None
    if status >= 300 or errors:
        message = errors.get("message") if isinstance(errors, dict) else errors
        raise Refused(str(message or f"HTTP {status}"), status)
    return answer


def fields(answer: object) -> dict[str, Any]:
    """An answer that has to be an object."""
    if not isinstance(answer, dict):
        raise Refused("Loop's answer is not an object")
    return answer


def moment(http_date: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(http_date or "").astimezone(UTC)
    except ValueError:
        return None


def retry_after(headers: Message, now: datetime) -> float | None:
    """Seconds that the answer asks us to wait, given as a number or as a date; None where it does not say."""
    value = (headers["Retry-After"] or "").strip()
    until = moment(value)
    return float(value) if value.isdecimal() else (until - now).total_seconds() if until else None


def utc(written: object) -> str:
    """A time of Loop's, in UTC. The list writes an offset; details write none, and mean UTC."""
    try:
        read = datetime.fromisoformat(text(written))
    except ValueError:
        return ""
    return stamp((read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC), "T", "Z")


def stamp(when: datetime, between: str = " ", end: str = "") -> str:
    return f"{when:%Y-%m-%d}{between}{when:%H:%M:%S}{end}"


@dataclass
class Expected:
    """What the warehouse knows of one return.

    `stage` is expected, received, graded, processing, closed, attention or ignored. Once `handed_over` (to Loop's
    queue, or after a refusal to the staff) the warehouse only watches: no event makes it act a second time.
    `created_at` is when the customer made it, in UTC, for who looks for parcels that are overdue.
    """

    stage: str = ""
    reason: str = ""
    handed_over: bool = False
    created_at: str = ""


class Warehouse:
    """The memory, the queue and the one worker. `deliver` is called by any thread, all else by the worker alone."""

    def __init__(self, loop: Loop, secrets: list[str], say: Callable[[str], None]) -> None:
        self.loop, self.secrets, self.say = loop, secrets, say
        self.returns: dict[int, Expected] = {}
        self.bodies: OrderedDict[bytes, None] = OrderedDict()
        self.rejected = self.duplicates = self.open_jobs = 0
        self.lock = threading.Lock()
        self.jobs: queue.Queue[Callable[[], None]] = queue.Queue()

    def state(self) -> dict[str, Any]:
        with self.lock:
            shown = ("stage", "reason", "created_at")
            known = {str(i): {name: getattr(r, name) for name in shown} for i, r in self.returns.items()}
            counts = {"rejected": self.rejected, "duplicates": self.duplicates}
            return {"returns": known, **counts, "idle": self.open_jobs == 0}

    def deliver(self, body: bytes, signature: str) -> int:
        """Take in one webhook, and return the status to answer with."""
        if not signed(body, signature, self.secrets):
            with self.lock:
                self.rejected += 1
            self.say("turned away a message that Loop did not sign")
            return 401
        digest = hashlib.sha256(body).digest()
        with self.lock:
            # Loop numbers no event, and two different ones can have the same bytes (flagged, then unflagged). So a
            # body seen before is counted, not dropped: reading the return once more does no harm, missing one would.
            self.duplicates += digest in self.bodies
            self.bodies[digest] = None
            if len(self.bodies) > BODIES_REMEMBERED:
                self.bodies.popitem(last=False)
        self.add_job(partial(self.heed, body))
        return 200

    def add_job(self, job: Callable[[], None]) -> None:
        with self.lock:
            self.open_jobs += 1
        self.jobs.put(job)

    def work(self) -> None:
        """The worker: until we close, and whatever a single job runs into."""
        while not self.loop.stop.is_set():
            try:
                job = self.jobs.get(timeout=CATCH_UP_EVERY)
            except queue.Empty:
                self.add_job(self.catch_up)
                continue
            try:
                job()
            except Exception as error:
                self.say(f"could not do a job: {type(error).__name__}: {error}")
            with self.lock:
                self.open_jobs -= 1

    def catch_up(self) -> None:
        """Learn what no webhook told us: before we started, or because none arrived."""
        try:
            believed = self.loop.now
            found = [*self.loop.listed("open"), *self.loop.listed("review")]
            if abs(self.loop.now - believed) > MARGIN:  # our clock was far off, so the window was: now we know better
                found = [*self.loop.listed("open"), *self.loop.listed("review")]
        except (Refused, Unavailable) as trouble:
            self.say(f"could not ask Loop for open returns: {trouble}")
            return
        self.say(f"Loop has {len(found)} returns for us")
        here = {i: arrived(row) or text(row.get("state")) != "open" for row in found if (i := whole(row.get("id")))}
        for return_id in here:
            self.remember(return_id)
        for return_id, known in list(self.returns.items()):
            if here.get(return_id) or known.stage == "processing":
                self.attend(return_id)

    def heed(self, body: bytes) -> None:
        """Read a delivered hint, and decide whether it is worth a look."""
        payload = json.loads(body)
        if not isinstance(payload, dict):  # an empty `[]`: Loop had no data for that topic yet
            return
        keys = RETURN_ID.get(text(payload.get("topic")), ())
        return_id = next((i for key in keys if (i := whole(payload.get(key))) is not None), None)
        if return_id is None:
            return
        known = self.remember(return_id)
        failure = ""
        if text(payload.get("trigger")) == "return.processing.failed":
            failure = text(payload.get("message")) or "Loop could not process it"
        left_open = text(payload.get("state")) in ("", "open") and text(payload.get("trigger")) != "return.closed"
        parcels = rows(payload.get("labels"))
        delivered = at_the_dock(payload, "label_status") or any(at_the_dock(parcel, "status") for parcel in parcels)
        if known.stage != "closed" and (failure or delivered or not left_open or known.stage == "attention"):
            self.attend(return_id, failure)

    def remember(self, return_id: int) -> Expected:
        if return_id not in self.returns:
            with self.lock:
                self.returns[return_id] = Expected()
            self.mark(return_id, "expected")
        return self.returns[return_id]

    def mark(self, return_id: int, stage: str, reason: str = "") -> None:
        known = self.returns[return_id]
        if (known.stage, known.reason) != (stage, reason):
            with self.lock:
                known.stage, known.reason = stage, reason
            self.say(f"return {return_id}: {stage}{reason and ', '}{reason}")

    def attend(self, return_id: int, failure: str = "") -> None:
        """Look at a return as it is now, and do what it needs. `failure` is why Loop could not process it."""
        known = self.returns[return_id]
        try:
            details = self.loop.details(return_id)
            known.created_at = utc(details.get("created_at"))
            if self.stood_back(return_id, details):
                return
            if failure:
                # Not repeated by ourselves: the message bears no time, so a duplicate looks like a second failure.
                known.handed_over = True
                self.mark(return_id, "attention", failure)
            elif not known.handed_over and arrived(details):
                self.take_in(return_id, known, details)
            elif not known.handed_over:
                self.mark(return_id, "expected")
        except Refused as refusal:
            known.handed_over = True
            self.mark(return_id, "attention", f"Loop refused: {refusal}")
        except Unavailable as trouble:
            self.mark(return_id, "attention", f"no answer from Loop, will try again: {trouble}")

    def stood_back(self, return_id: int, details: dict[str, Any]) -> bool:
        """Whether the return is none that we may act on, by Loop's word. A state we do not know is for people, too."""
        state = text(details.get("state"))
        if state != "open":
            self.mark(return_id, HANDS_OFF.get(state, "attention"), f"Loop says {state or 'no state'}")
        return state != "open"

    def take_in(self, return_id: int, known: Expected, details: dict[str, Any]) -> None:
        """Inspect every unit, tell Loop, and have it pay out."""
        lines = rows(details.get("line_items"))
        if not lines:
            raise Refused("it lists no items")
        self.mark(return_id, "received")
        by: dict[str, object] = {"return_processor": INSPECTOR, "inspected_at": stamp(self.loop.now)}
        grades, fates = [], []
        for line in lines:
            grade, fate, remark = verdict(line)
            by["line_item_id"] = whole(line.get("line_item_id"))
            if not line.get("condition"):
                grades.append({**by, "description": remark, "condition_category": grade})
            if not line.get("disposition"):
                fates.append({**by, "disposition_outcome": fate})
        self.loop.grade(grades)
        self.loop.assess(fates)
        self.mark(return_id, "graded")
        self.loop.add_note(return_id, f"Warehouse: {len(lines)} unit(s) received and inspected.")
        # Paying out cannot be undone, and all this took time: somebody may have closed or cancelled it meanwhile.
        if not self.stood_back(return_id, self.loop.details(return_id)):
            self.loop.process(return_id)
            known.handed_over = True
            self.mark(return_id, "processing")


class Receiver(ThreadingHTTPServer):
    """Our side of the web: the webhooks, and two questions for whoever runs us."""

    daemon_threads = True
    request_queue_size = 128  # a shop's busy hour must not meet a refused connection

    def __init__(self, port: int, warehouse: Warehouse) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.warehouse = warehouse


class Handler(BaseHTTPRequestHandler):
    server: Receiver
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 30

    def do_GET(self) -> None:
        answers: dict[str, Callable[[], object]] = {
            "/health": lambda: {"ok": True},
            "/state": self.server.warehouse.state,
        }
        answer = answers.get(self.path)
        self._answer(200, answer()) if answer else self._answer(404, "not found")

    def do_POST(self) -> None:
        length = whole(self.headers["Content-Length"])
        if length is None or length > LARGEST_BODY:
            self.close_connection = True
            self._answer(413 if length else 411, "a body of known and moderate length, please")
            return
        body = self.rfile.read(length)
        if urlsplit(self.path).path.rstrip("/") != "/webhooks/loop":
            self._answer(404, "not found")
            return
        status = self.server.warehouse.deliver(body, self.headers["X-Loop-Signature"] or "")
        self._answer(status, "taken" if status == 200 else "not signed by Loop")

    def _answer(self, status: int, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: what happens to returns is logged, not who called."""


def say(line: str) -> None:
    """One line, for the people at the dock."""
    if not os.environ.get("WAREHOUSE_QUIET"):
        print(" ".join(line.split()), flush=True)


def main() -> int:
    settings = [os.environ.get(name, "") for name in ("LOOP_API_BASE", "LOOP_API_KEY", "LOOP_WEBHOOK_SECRET")]
    base, key, secrets = settings
    known_secrets = [secret.strip() for secret in secrets.split(",") if secret.strip()]
    if not (base and key and known_secrets):
        print("set LOOP_API_BASE, LOOP_API_KEY and LOOP_WEBHOOK_SECRET", file=sys.stderr)
        return 2
    stop = threading.Event()
    warehouse = Warehouse(Loop(base, key, stop), known_secrets, say)
    receiver = Receiver(int(os.environ.get("PORT") or 0), warehouse)
    for number in (signal.SIGTERM, signal.SIGINT):
        # From a thread: shutdown() waits for serve_forever(), which a signal handler would be standing in the way of.
        signal.signal(number, lambda *_: threading.Thread(target=receiver.shutdown).start())
    print(json.dumps({"listening": f"http://127.0.0.1:{receiver.server_port}/webhooks/loop"}), flush=True)
    warehouse.add_job(warehouse.catch_up)
    worker = threading.Thread(target=warehouse.work, daemon=True)
    worker.start()
    receiver.serve_forever(poll_interval=0.1)
    stop.set()
    warehouse.add_job(lambda: None)
    worker.join(TIMEOUT)
    receiver.server_close()
    say("closed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
