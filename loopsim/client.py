"""The typed Python client of loopsim's control API: synchronous, of the standard library alone, safe with threads.

    server = Loopsim("http://127.0.0.1:8484")
    shop = server.create_shop(clock={"mode": "manual"})
    shop.subscribe("http://127.0.0.1:9000/loop")
    made = shop.customer.submits_return(items=[{"sku": "TEE-M", "outcome": "exchange"}])
    shop.clock.advance(by="14d")
    assert shop.get_return(made["id"])["state"] == "closed"

Without a server of one's own, in a test or a script, one is started in a thread of the process and stopped at the end:

    with Loopsim() as sim:
        shop = sim.shop(seed=7)

Answers are the plain JSON of the API; one that has a single member is that member. `ControlError` is raised for what
the server refuses, `SetupError` where no server answers.
"""

from __future__ import annotations

import http.client
import json
import weakref
from collections.abc import Iterator
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, quote, urlencode, urlsplit

from loopsim.errors import LoopsimError, SetupError

if TYPE_CHECKING:
    from loopsim.embedded import EmbeddedServer

DEFAULT_URL = "http://127.0.0.1:8484"
TIMEOUT = 600.0
"""Seconds that a call may take; advancing a clock patiently and long polls take their time."""

Json = dict[str, Any]


class ControlError(LoopsimError):
    """The server refused. `code` names the rule, `problem` is the whole problem document."""

    def __init__(self, status: int, problem: Json) -> None:
        self.status = status
        self.problem = problem
        self.code = str(problem.get("type", "")).rpartition(":")[2]
        fields = "; ".join(f"{name}: {' '.join(messages)}" for name, messages in problem.get("errors", {}).items())
        super().__init__(f"{status} {problem.get('title', '')}: {fields or problem.get('detail', '')}")


def split_url(url: str) -> SplitResult | None:
    """The parts of an address of http or https with a host and a port that can be; None for any other text."""
    try:
        parts = urlsplit(url)
        # Only asking for it shows whether it is one.
        parts.port  # noqa: B018
    except ValueError:
        return None
    return parts if parts.scheme in ("http", "https") and parts.hostname else None


class Loopsim:
    """A running server, or with no `url` one that `start` or a `with` block starts in this process, on a free port.

    `token` is what a running one was started with, if it was. Several in one process share nothing. Raises `SetupError`
    for what is no address, and for a call to a server that was not started.
    """

    def __init__(self, url: str | None = None, token: str | None = None, *, timeout: float = TIMEOUT) -> None:
        self._embedded: EmbeddedServer | None = None
        self.url = ""
        # A list's pop and append are atomic, so threads share it without a lock.
        self._idle: list[http.client.HTTPConnection] = []
        weakref.finalize(self, _close_all, self._idle)
        self._headers = {"Accept": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
        self._timeout = timeout
        self._own = url is None
        if url is not None:
            self._reach(url)

    def _reach(self, url: str) -> None:
        parts = split_url(url if "://" in url else f"http://{url.removeprefix('//')}")
        if parts is None or parts.hostname is None:
            raise SetupError(f"{url!r} is no address of a loopsim server. Write it like {DEFAULT_URL}.")
        self._secure = parts.scheme == "https"
        self._host = parts.hostname
        self._port = parts.port or (443 if self._secure else 80)
        self.url = f"{'https' if self._secure else 'http'}://{parts.netloc}"

    def start(self) -> Loopsim:
        """Start a server of one's own, where no running one was named. Return when it answers."""
        if self._own and self._embedded is None:
            from loopsim.embedded import EmbeddedServer

            self._embedded = EmbeddedServer().start()
            self._reach(self._embedded.url)
        return self

    def stop(self) -> None:
        """Stop a server of one's own, with everything closed. A running one goes on."""
        self.close()
        embedded, self._embedded = self._embedded, None
        if embedded is not None:
            embedded.stop()
            self.url = ""

    def __enter__(self) -> Loopsim:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def close(self) -> None:
        """Close the connections that are kept open. The next call opens one again."""
        _close_all(self._idle)

    # calls

    def call(self, method: str, path: str, body: Any = None, query: Json | None = None) -> Any:
        """Make a call below `/_loopsim`; the JSON of its answer, None where it has none.

        Raises `ControlError` for an answer of 400 or more, and `SetupError` where the server cannot be reached.
        """
        if not self.url:
            raise SetupError("This Loopsim is not started. Use it in a `with` block, or call its start().")
        asked = {name: _text(value) for name, value in (query or {}).items() if value is not None}
        target = f"/_loopsim{path}" + (f"?{urlencode(asked)}" if asked else "")
        headers = dict(self._headers)
        payload = None
        if body is not None:
            payload = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        status, raw = self._send(method, target, payload, headers)
        try:
            answer = json.loads(raw) if raw else None
        except ValueError:
            answer = {"title": "no JSON", "detail": raw[:200].decode("utf-8", "replace")}
            status = max(status, 500)
        if status >= 400:
            raise ControlError(status, answer if isinstance(answer, dict) else {})
        return answer

    def _send(self, method: str, target: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, bytes]:
        while self._idle:
            # One that the server has closed since the last call gives no answer; then another is tried.
            with suppress(IndexError, http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                return self._over(self._idle.pop(), method, target, body, headers)
        kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        connection = kind(self._host, self._port, timeout=self._timeout)
        try:
            return self._over(connection, method, target, body, headers)
        except (OSError, http.client.HTTPException) as error:
            raise SetupError(
                f"No loopsim answers at {self.url} ({error}). Start one with `loopsim serve`, or name another."
            ) from error

    def _over(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        target: str,
        body: bytes | None,
        headers: dict[str, str],
    ) -> tuple[int, bytes]:
        try:
            answer = self._exchange(connection, method, target, body, headers)
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)
        return answer

    def _exchange(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        target: str,
        body: bytes | None,
        headers: dict[str, str],
    ) -> tuple[int, bytes]:
        connection.request(method, target, body, headers)
        response = connection.getresponse()
        return response.status, response.read()

    # the server

    def health(self) -> Json:
        """Version, capabilities, number of shops."""
        answer: Json = self.call("GET", "/health")
        return answer

    def shops(self) -> list[Json]:
        """All shops, by name, in short."""
        rows: list[Json] = self.call("GET", "/shops")["shops"]
        return rows

    def create_shop(self, name: str | None = None, **asked: Any) -> Shop:
        """A new shop. `asked`: world, seed, moment, clock, policy, quirks, rate_limit, scopes, webhook, id_block."""
        return self._opened(self.call("POST", "/shops", _given(name=name, **asked)))

    def shop(self, name: str | None = None, **asked: Any) -> Shop:
        """The shop of this name that is there; without a name, or with anything asked for, a new one whose clock stands
        still until it is moved. `asked` as in `create_shop`."""
        if name is None or asked:
            return self.create_shop(name, **{"clock": {"mode": "manual"}, **asked})
        return self._opened_before(name)

    def _opened_before(self, name: str) -> Shop:
        # With its oldest API key, empty where all were taken back.
        path = f"/shops/{quote(name, safe='')}"
        secret = self.call("GET", f"{path}/secrets")["secret"]
        keys = self.call("GET", f"{path}/keys")["keys"]
        return Shop(self, name, keys[0]["key"] if keys else "", secret, f"{self.url}/api/v1")

    def _opened(self, answer: Json) -> Shop:
        return Shop(self, answer["shop"]["name"], answer["key"]["key"], answer["secret"], answer["urls"]["base_url"])


class Shop:
    """A shop: `key` goes into X-Authorization, `secret` signs its webhooks, `api_base` is Loop's API."""

    def __init__(self, server: Loopsim, name: str, key: str, secret: str, api_base: str) -> None:
        self.server = server
        self.name = name
        self.key = key
        self.secret = secret
        self.api_base = api_base
        self.clock = ShopClock(self)
        self.customer = Actor(self, "customer", ("submits_return", "edits_return", "drops_off"))
        self.carrier = Actor(self, "carrier", ("scans",))
        self.staff = Actor(self, "staff", ("processes", "flags", "unflags", "closes", "cancels", "resolves_review"))
        self.happy_returns = Actor(self, "happy_returns", ("ships",))
        self.orders = Actor(self, "orders", ("makes", "fulfils"))
        self.stock = Actor(self, "stock", ("sets",))
        self.payment = Actor(self, "payment", ("fails_next",))
        self.processing = Actor(self, "processing", ("fails_next",))

    def __repr__(self) -> str:
        return f"Shop({self.name!r} at {self.server.url})"

    def call(self, method: str, path: str, body: Any = None, query: Json | None = None) -> Any:
        """Make a call below `/_loopsim/shops/<name>`; a member that stands alone in the answer is the answer."""
        answer = self.server.call(method, f"/shops/{quote(self.name, safe='')}{path}", body, query)
        return next(iter(answer.values())) if isinstance(answer, dict) and len(answer) == 1 else answer

    def act(self, word: str, **body: Any) -> Any:
        """Let somebody act: `act("carrier.scans", return_id=1, status="delivered")`. The return, as it is then."""
        return self.call("POST", f"/acts/{quote(word)}", _given(**body))

    # the shop itself

    def view(self) -> Json:
        """The shop with its settings."""
        return self._object("GET", "")

    def update(self, **settings: Any) -> Json:
        """Change settings: policy, quirks, rate_limit, quiet_for, delivery_timeout, allowed_targets."""
        return self._object("PATCH", "/settings", settings)

    def reset(self) -> Json:
        """Begin anew; the keys stay."""
        return self._object("POST", "/reset")

    def copy(self, name: str | None = None) -> Shop:
        """A copy of the shop as it is now, with a key of its own."""
        return self.server._opened(self.call("POST", "/copy", _given(name=name)))

    def delete(self) -> None:
        """Delete the shop."""
        self.call("DELETE", "")

    def keys(self) -> list[Json]:
        """Its API keys, oldest first."""
        return self._list("/keys")

    def create_key(self, *scopes: str, label: str | None = None) -> Json:
        """A new API key; with every scope where none is named."""
        return self._object("POST", "/keys", _given(scopes=list(scopes) or None, label=label))

    def rotate_key(self, key_id: str) -> Json:
        """Give an API key another text."""
        return self._object("POST", f"/keys/{quote(str(key_id))}/rotate")

    def delete_key(self, key_id: str) -> None:
        """Take an API key back."""
        self.call("DELETE", f"/keys/{quote(str(key_id))}")

    # webhooks

    def subscribe(
        self, url: str, topic: str | None = None, trigger: str | None = None, status: str | None = None
    ) -> list[Json]:
        """Subscribe a receiver to a pair, or to every pair that belongs together and fits."""
        asked = _given(url=url, topic=topic, trigger=trigger, status=status)
        made: list[Json] = self.call("POST", "/subscriptions", asked)
        return made

    def subscriptions(self) -> list[Json]:
        """Its webhook subscriptions."""
        return self._list("/subscriptions")

    def update_subscription(self, id: int, **changes: Any) -> Json:
        """Change a subscription: url, topic, trigger, status."""
        return self._object("PATCH", f"/subscriptions/{id}", changes)

    def unsubscribe(self, id: int) -> None:
        """Delete a subscription."""
        self.call("DELETE", f"/subscriptions/{id}")

    def secrets(self) -> Json:
        """The shop's webhook secret and those that subscriptions use."""
        return self._object("GET", "/secrets")

    def rotate_secret(self, subscription_id: int | None = None) -> Json:
        """A new webhook secret; `secret` of this object follows."""
        answer = self._object("POST", "/secrets/rotate", _given(subscription_id=subscription_id))
        self.secret = answer["secret"]
        return answer

    def deliveries(
        self, *, after: int = 0, limit: int = 100, state: str | None = None, return_id: int | None = None
    ) -> list[Json]:
        """Webhook deliveries with an id above `after`, oldest first."""
        query = {"after": after, "limit": limit, "state": state, "return_id": return_id}
        rows: list[Json] = self.call("GET", "/deliveries", query=query)["deliveries"]
        return rows

    def delivery(self, id: int) -> Json:
        """One delivery, with `payload` and `attempts`."""
        return self._object("GET", f"/deliveries/{id}")

    def resend(self, id: int, *, wait: bool = True) -> Json:
        """Send a delivery's bytes again; as `delivery`."""
        return self._object("POST", f"/deliveries/{id}/resend", {"wait": wait})

    def settle(self, timeout: float = 30.0, quiet_for: int | None = None) -> Json:
        """Wait until nothing is being delivered and the partner is quiet; `settled`, `open`, `waiting`."""
        return self._object("POST", "/deliveries/settle", _given(timeout=timeout, quiet_for=quiet_for))

    # faults

    def fault(self, kind: str, **asked: Any) -> Json:
        """Tell the shop to show a fault: `fault("duplicate", topic="label", params={"copies": 2})`."""
        return self._object("POST", "/faults", {"kind": kind, **asked})

    def faults(self) -> list[Json]:
        """The faults it is told to show."""
        return self._list("/faults")

    def clear_faults(self, id: int | None = None) -> None:
        """Forget all faults, or one."""
        self.call("DELETE", "/faults" if id is None else f"/faults/{id}")

    # what happened, and what is there

    def journal(
        self, *, after: int = 0, limit: int = 500, kind: str | None = None, wait: float = 0, canonical: bool = False
    ) -> Json:
        """What went over the wire: `entries`, `last_id`, `dropped`. Waits up to `wait` seconds for a first entry."""
        query = {"after": after, "limit": limit, "kind": kind, "wait": wait or None, "canonical": canonical or None}
        return self._object("GET", "/journal", query=query)

    def events(self, *, after: int = 0, kind: str | None = None) -> Iterator[Json]:
        """Journal entries for ever, as they come."""
        while True:
            page = self.journal(after=after, kind=kind, wait=30)
            yield from page["entries"]
            after = page["last_id"]

    def ledger(self, return_id: int | None = None) -> list[Json]:
        """What Loop did on the shop's platform."""
        return self._list("/ledger", {"return_id": return_id})

    def list_orders(self, *, after: int = 0, limit: int = 100, returnable: bool = False) -> list[Json]:
        """Orders, with how many units of each line can be returned."""
        return self._list("/orders", {"after": after, "limit": limit, "returnable": returnable or None})

    def variants(self) -> list[Json]:
        """What the shop sells."""
        return self._list("/variants")

    def returns(self, *, after: int = 0, limit: int = 100, state: str | None = None) -> list[Json]:
        """Returns, by id."""
        return self._list("/returns", {"after": after, "limit": limit, "state": state})

    def get_return(self, id: int) -> Json:
        """One return, with the timers that are set for it."""
        return self._object("GET", f"/returns/{id}")

    def import_returns(self, rows: list[Json] | None = None, raw: str | None = None, **asked: Any) -> Json:
        """Import returns of a real shop; `asked`: keep_personal_data, resume, replace."""
        answer: Json = self.server.call(
            "POST", f"/shops/{quote(self.name, safe='')}/import", _given(rows=rows, raw=raw, **asked)
        )
        return answer

    def _object(self, method: str, path: str, body: Any = None, query: Json | None = None) -> Json:
        answer: Json = self.call(method, path, body, query)
        return answer

    def _list(self, path: str, query: Json | None = None) -> list[Json]:
        answer: list[Json] = self.call("GET", path, query=query)
        return answer


class ShopClock:
    """A shop's clock."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    def read(self) -> Json:
        """Mode, time, and the timers that are due next."""
        return self._shop._object("GET", "/clock")

    @property
    def now(self) -> str:
        """The shop's time, ISO 8601."""
        return str(self.read()["now"])

    def set(self, mode: str, *, rate: float | None = None, at: str | None = None) -> Json:
        """Another mode: `real`, `scaled` (with its rate) or `manual`; with `at`, forward to that moment first."""
        return self._shop._object("PUT", "/clock", _given(mode=mode, rate=rate, at=at))

    def advance(
        self,
        by: str | float | None = None,
        *,
        to: str | None = None,
        next_event: bool = False,
        until_idle: bool = False,
        wait: bool = True,
        quiet_for: int | None = None,
    ) -> Json:
        """Let time pass: by a length (`"14d"`, seconds), to a moment, to the next event, or until nothing is to come.

        With `wait`, the partner gets its time after each webhook; `quiet_for` in milliseconds. Answers `now`,
        `timers_run`, `deliveries`, `stopped`.
        """
        goal = _given(by=by, to=to, next_event=next_event or None, until_idle=until_idle or None)
        return self._shop._object("POST", "/clock/advance", {**goal, "wait": wait, **_given(quiet_for=quiet_for)})

    def interrupt(self) -> Json:
        """Stop the advance under way."""
        return self._shop._object("POST", "/clock/interrupt")


class Actor:
    """Somebody who acts: `shop.staff.flags(return_id=1)` is `shop.act("staff.flags", return_id=1)`."""

    def __init__(self, shop: Shop, subject: str, verbs: tuple[str, ...]) -> None:
        self._shop = shop
        self._subject = subject
        self._verbs = verbs

    def __getattr__(self, verb: str) -> Any:
        if verb.startswith("_") or verb not in self._verbs:
            raise AttributeError(f"{self._subject} has no act {verb!r}. There are: {', '.join(self._verbs)}.")
        return lambda **body: self._shop.act(f"{self._subject}.{verb}", **body)

    def __dir__(self) -> list[str]:
        return list(self._verbs)


def _close_all(connections: list[http.client.HTTPConnection]) -> None:
    while connections:
        connections.pop().close()


def _given(**values: Any) -> Json:
    return {name: value for name, value in values.items() if value is not None}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
