"""A provider of labels that a merchant lets in by OAuth: Loop asks for a label, and it hands one in, or says why not.

It needs nothing but Loop's public API and Python's standard library, and runs as
`python -m loopsim.partners.label_provider` or as `python label_provider.py`, configured by its environment:

    LOOP_API_BASE             for instance https://api.loopreturns.com/api/v1
    LOOP_WEBHOOK_SECRET       the secret of the webhooks
    LOOP_OAUTH_TOKEN_URL      for instance https://oauth.loopreturns.com/oauth/token
    LOOP_OAUTH_CLIENT_ID      our application, with LOOP_OAUTH_CLIENT_SECRET
    LOOP_OAUTH_REFRESH_TOKEN  what the merchant's yes gave us, with LOOP_OAUTH_ACCESS_TOKEN where we have one;
    LOOP_OAUTH_CODE           or the code that we were told, still to be exchanged, with LOOP_OAUTH_REDIRECT_URI
    PORT                      where to listen on loopback; 0 or nothing takes a free port
    LABELS_STORE              a file that keeps the tokens, so that a restart goes on with the newest
    LABELS_QUIET              anything: do not log
    CARRIER_SAYS              for tests: INSUFFICIENT_FUNDS, INVALID_ADDRESS or Other, of every label

Subscribe POST /webhooks/loop to the topic `label.request` with both its triggers. GET /health says that it lives,
GET /state what it knows and whether it has anything left to do.

The ideas, in the order in which they matter:

1. An access token lives for an hour of Loop's clock, not of ours, so the 401 decides: the call did nothing, we renew
   the token and make the same call once more. Where another thread has renewed it meanwhile, we take that one.
2. When renewing is refused the merchant has taken us out. No call helps then, so we make none, and ask for people.
3. Secrets travel in bodies and headers, never in an address.
4. A webhook is a hint: before a label is bought the request is read, and one that was answered or withdrawn is left
   alone.
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
from collections.abc import Callable
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

TIMEOUT = 10.0  # seconds for one step of a call
TRIES = 5  # of a call that fails; neither a 429 nor a first 401 is a failure
BACKOFF = 0.5  # seconds before the second try, doubled each time
LEAST_WAIT, LONGEST_WAIT = 0.2, 300.0  # seconds of a Retry-After that we wait out
CATCH_UP_EVERY = 900.0  # seconds of silence after which Loop is asked for what no webhook told us
LARGEST_BODY = 5_000_000

Json = dict[str, Any]


class Refused(Exception):
    """Loop said no: asking again will not help."""


class Unavailable(Exception):
    """Loop gave no answer that says anything: the same may work later."""


class LockedOut(Exception):
    """Our tokens are worth nothing any more, and only the merchant can give us others."""


class NoLabel(Exception):
    """The carrier makes none; the message is Loop's word for why."""


def http(method: str, url: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, str, bytes]:
    """One exchange: status, Retry-After, content. Raises OSError or HTTPException."""
    parts = urlsplit(url)
    connect = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = connect(parts.netloc, timeout=TIMEOUT)
    try:
        connection.request(method, f"{parts.path}?{parts.query}".rstrip("?"), body, headers)
        answer = connection.getresponse()
        return answer.status, answer.headers["Retry-After"] or "", answer.read()
    finally:
        connection.close()


def whole(value: object) -> int | None:
    """An id, exact to the last digit; Loop sends it as a number or as a string of digits."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else None


def text(value: object) -> str:
    return value.strip() if isinstance(value, str) and value.strip() != "N/A" else ""


def fields(value: object) -> Json:
    """An object, or an empty one where there is none."""
    return value if isinstance(value, dict) else {}


class Tokens:
    """What lets us in, for any thread. `held` has refresh and access token, or the code that they are to be had for."""

    def __init__(self, url: str, client: Json, first: Json, store: Path | None = None) -> None:
        self.url, self.client, self.store = url, client, store
        self.origin = hashlib.sha256(json.dumps(first, sort_keys=True).encode()).hexdigest()
        self.held = self._stored() or dict(first)
        self.lock = threading.Lock()

    def access(self) -> str:
        """The access token that we have."""
        with self.lock:
            if not self.held.get("access_token"):
                self._ask()
            return str(self.held["access_token"])

    def renew(self, refused: str) -> str:
        """Another one for one that Loop refused; what was renewed since then is not renewed again."""
        with self.lock:
            if self.held.get("access_token") == refused:
                self._ask()
            elif not self.held.get("access_token"):
                raise LockedOut("the merchant has to let us in again")
            return str(self.held["access_token"])

    def _ask(self) -> None:
        asked = self._asked()
        body = urlencode({**self.client, **asked}).encode()
        try:
            status, _, content = http("POST", self.url, body, {"Content-Type": "application/x-www-form-urlencoded"})
            answer = fields(json.loads(content))
        except (OSError, HTTPException, ValueError) as broken:
            raise Unavailable(f"no token was to be had ({type(broken).__name__})") from broken
        if status in (400, 401):
            # Neither would be taken the next time; whoever goes on asking looks like a thief.
            self.held = {}
            raise LockedOut(f"Loop refuses us a token: {text(answer.get('error'))}")
        if status != 200 or not text(answer.get("access_token")):
            raise Unavailable(f"no token was to be had (HTTP {status})")
        # Where there is no new refresh token the old one stays good; where there is one, the old one is spent.
        kept = {"refresh_token": self.held.get("refresh_token")} | answer
        self.held = {name: kept[name] for name in ("access_token", "refresh_token") if kept.get(name)}
        self._keep()

    def _asked(self) -> Json:
        if self.held.get("refresh_token"):
            return {"grant_type": "refresh_token", "refresh_token": self.held["refresh_token"]}
        if self.held.get("code"):
            told = {name: self.held[name] for name in ("code", "redirect_uri") if self.held.get(name)}
            return {"grant_type": "authorization_code", **told}
        self.held = {}
        raise LockedOut("the merchant has to let us in again")

    def _stored(self) -> Json:
        """What the last run kept, unless the merchant has let us in anew since then."""
        if self.store is None or not self.store.exists():
            return {}
        kept = fields(json.loads(self.store.read_text("utf-8")))
        return fields(kept.get("held")) if kept.get("origin") == self.origin else {}

    def _keep(self) -> None:
        if self.store is not None:
            new = self.store.with_suffix(".new")
            new.touch(0o600)
            new.write_text(json.dumps({"origin": self.origin, "held": self.held}), "utf-8")
            new.replace(self.store)


class Loop:
    """Our calls of Loop's API. Each returns the parsed answer, or raises Refused, Unavailable or LockedOut."""

    def __init__(self, base: str, tokens: Tokens, stop: threading.Event) -> None:
        self.base, self.tokens, self.stop = base.rstrip("/"), tokens, stop

    def call(self, method: str, path: str, body: object = None, took_effect: Callable[[], bool] | None = None) -> Any:
        """One call, repeated as far as that is safe: after a 429, after one 401 with another token, and after a 5xx or
        a lost answer, unless `took_effect` says that it was carried out (then the answer is None)."""
        payload = None if body is None else json.dumps(body).encode()
        token, renewed, failures = self.tokens.access(), False, 0
        while True:
            try:
                status, after, content = self._send(method, path, payload, token)
                trouble = f"HTTP {status}"
            except (OSError, HTTPException) as broken:
                status, after, content, trouble = 0, "", b"", str(broken) or type(broken).__name__
            if status == 401 and not renewed:
                token, renewed = self.tokens.renew(token), True
                continue
            if status == 429:
                self._wait(float(after) if after.isdecimal() else 60.0)
                continue
            if 0 < status < 500:
                return answer_of(status, content)
            failures += 1
            if failures == TRIES:
                raise Unavailable(trouble)
            self._wait(BACKOFF * 2 ** (failures - 1))
            if took_effect and took_effect():
                return None

    def _send(self, method: str, path: str, payload: bytes | None, token: str) -> tuple[int, str, bytes]:
        if self.stop.is_set():
            raise Unavailable("we are closing")
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Accept": "application/json"}
        return http(method, self.base + path, payload, headers)

    def _wait(self, seconds: float) -> None:
        if seconds > LONGEST_WAIT:
            raise Unavailable(f"Loop asks us to wait {seconds:.0f} s")
        self.stop.wait(max(seconds, LEAST_WAIT))


def answer_of(status: int, content: bytes) -> Any:
    """The parsed answer, None where there is none. Raises Refused for a no in any of Loop's forms."""
    try:
        answer = json.loads(content) if content else None
    except ValueError:
        answer = None
    errors = fields(answer).get("errors") or fields(answer).get("error")
    if status == 401:
        raise Unavailable("Loop takes neither our token nor the one after it")
    if status >= 300 or errors:
        raise Refused(text(fields(errors).get("message")) or text(fields(answer).get("message")) or f"HTTP {status}")
    return answer


class Carrier:
    """Who makes the labels. A real provider buys them here."""

    def __init__(self, says: str = "") -> None:
        self.says = says

    def buy(self, request: Json) -> Json:
        """A label for a request, as Loop takes it in. Raises NoLabel."""
        origin = fields(fields(request.get("addresses")).get("origin"))
        if self.says:
            raise NoLabel(self.says)
        if not (text(origin.get("postal_code")) and text(origin.get("address1"))):
            raise NoLabel("INVALID_ADDRESS")
        number = whole(request.get("id")) or 0
        return {
            "label_request_id": number,
            "tracking_number": f"94612{number:017d}",
            "carrier": "USPS",
            "label_url": f"https://labels.example.com/{number}.pdf",
            "rate": {"amount": 1093, "currency_code": "USD"},  # in cents
        }


class Provider:
    """The memory, the queue and the one worker. `deliver` is called by any thread, all else by the worker alone."""

    def __init__(self, loop: Loop, carrier: Carrier, secret: str, say: Callable[[str], None]) -> None:
        self.loop, self.carrier, self.secret, self.say = loop, carrier, secret, say
        self.stages: dict[int, str] = {}  # of requests: labelled, refused, withdrawn, attention
        self.open_jobs = 0
        self.lock = threading.Lock()
        self.jobs: queue.Queue[Callable[[], None]] = queue.Queue()

    def state(self) -> Json:
        with self.lock:
            return {"requests": {str(i): stage for i, stage in self.stages.items()}, "idle": self.open_jobs == 0}

    def deliver(self, body: bytes, signature: str) -> int:
        """Take in one webhook, and return the status to answer with."""
        made = base64.b64encode(hmac.digest(self.secret.encode(), body, hashlib.sha256))
        if not hmac.compare_digest(made, signature.encode("utf-8", "replace")):
            self.say("turned away a message that Loop did not sign")
            return 401
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
            except (Refused, Unavailable, LockedOut) as trouble:
                self.say(f"put off: {trouble}")
            except Exception as error:
                self.say(f"could not do a job: {type(error).__name__}: {error}")
            with self.lock:
                self.open_jobs -= 1

    def catch_up(self) -> None:
        """Answer the requests that no webhook told us of."""
        found = fields(self.loop.call("GET", "/label-requests?status=issued&limit=250")).get("data")
        for request in found if isinstance(found, list) else []:
            if (request_id := whole(fields(request).get("id"))) is not None:
                self.answer(request_id)

    def heed(self, body: bytes) -> None:
        payload = fields(json.loads(body))  # a topic without data comes as []
        request_id = whole(payload.get("id"))
        if text(payload.get("topic")) == "label.request" and request_id is not None:
            self.answer(request_id)

    def answer(self, request_id: int) -> None:
        """Answer a request once, if it still waits for us."""
        if self.stages.get(request_id) in ("labelled", "refused", "withdrawn"):
            return
        try:
            request = fields(self.loop.call("GET", f"/label-requests/{request_id}"))
            if text(request.get("status")) != "issued":
                self.mark(request_id, "withdrawn" if request.get("status") == "cancelled" else "labelled")
                return
            self.hand_in(request_id, self.carrier.buy(request))
        except NoLabel as none:
            self.loop.call("POST", f"/label-requests/{request_id}/errors", {"reason": str(none), "message": None})
            self.mark(request_id, "refused")
        except (Refused, Unavailable, LockedOut):
            self.mark(request_id, "attention")
            raise

    def hand_in(self, request_id: int, label: Json) -> None:
        made = self.loop.call("POST", "/labels", label, took_effect=lambda: self.has_label(request_id))
        self.mark(request_id, "labelled")
        if (label_id := whole(fields(made).get("id"))) is not None:
            self.loop.call("PUT", f"/labels/{label_id}", {"status": "pre_transit"})

    def has_label(self, request_id: int) -> bool:
        """Whether Loop has the label, where it gave no answer to it."""
        return fields(self.loop.call("GET", f"/label-requests/{request_id}")).get("status") == "fulfilled"

    def mark(self, request_id: int, stage: str) -> None:
        with self.lock:
            self.stages[request_id] = stage
        self.say(f"label request {request_id}: {stage}")


class Receiver(ThreadingHTTPServer):
    """Our side of the web: the webhooks, and two questions for whoever runs us."""

    daemon_threads = True
    request_queue_size = 128  # a shop's busy hour must not meet a refused connection

    def __init__(self, port: int, provider: Provider) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.provider = provider


class Handler(BaseHTTPRequestHandler):
    server: Receiver
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 30

    def do_GET(self) -> None:
        answers: dict[str, Callable[[], Json]] = {
            "/health": lambda: {"ok": True},
            "/state": self.server.provider.state,
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
        status = self.server.provider.deliver(body, self.headers["X-Loop-Signature"] or "")
        self._answer(status, "taken" if status == 200 else "not signed by Loop")

    def _answer(self, status: int, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: what happens to requests is logged, not who called."""


def say(line: str) -> None:
    """One line, for whoever runs us; nothing that lets anybody in stands in it."""
    if not os.environ.get("LABELS_QUIET"):
        print(" ".join(line.split()), flush=True)


def tokens_of(env: dict[str, str]) -> Tokens | None:
    """What the environment lets us in with; None where it says too little."""
    own = {name: env.get(f"LOOP_OAUTH_{name.upper()}", "") for name in ("client_id", "client_secret", "token_url")}
    names = ("refresh_token", "access_token", "code", "redirect_uri")
    first = {name: value for name in names if (value := env.get(f"LOOP_OAUTH_{name.upper()}"))}
    if not all(own.values()) or not (first.keys() & {"refresh_token", "access_token", "code"}):
        return None
    store = Path(env["LABELS_STORE"]) if env.get("LABELS_STORE") else None
    return Tokens(own.pop("token_url"), own, first, store)


def main() -> int:
    base, secret = (os.environ.get(name, "") for name in ("LOOP_API_BASE", "LOOP_WEBHOOK_SECRET"))
    tokens = tokens_of(dict(os.environ))
    if not (base and secret and tokens):
        print(
            "set LOOP_API_BASE, LOOP_WEBHOOK_SECRET and LOOP_OAUTH_...; the head of this file says which",
            file=sys.stderr,
        )
        return 2
    stop = threading.Event()
    provider = Provider(Loop(base, tokens, stop), Carrier(os.environ.get("CARRIER_SAYS", "")), secret, say)
    receiver = Receiver(int(os.environ.get("PORT") or 0), provider)
    for number in (signal.SIGTERM, signal.SIGINT):
        # From a thread: shutdown() waits for serve_forever(), which a signal handler would be standing in the way of.
        signal.signal(number, lambda *_: threading.Thread(target=receiver.shutdown).start())
    print(json.dumps({"listening": f"http://127.0.0.1:{receiver.server_port}/webhooks/loop"}), flush=True)
    provider.add_job(provider.catch_up)
    worker = threading.Thread(target=provider.work, daemon=True)
    worker.start()
    receiver.serve_forever(poll_interval=0.1)
    stop.set()
    provider.add_job(lambda: None)
    worker.join(TIMEOUT)
    receiver.server_close()
    say("closed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
