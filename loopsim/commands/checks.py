"""The checks of `loopsim doctor`. Each looks at one thing of a set-up and yields what it finds."""

from __future__ import annotations

import os
import socket
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.parse import SplitResult, urlsplit
from urllib.request import ProxyHandler, build_opener

from loopsim.commands.connection import Json, Refused, Server, Shop, Unreachable, chosen_shop, flags_to
from loopsim.commands.screen import printable
from loopsim.commands.story import submit_fresh
from loopsim.urls import is_loopback, split_url

REAL_LOOP = "loopreturns.com"
CONNECT_TIMEOUT = 3.0
SAME_UPTIME = 5.0  # seconds by which what one server says of its age may differ, asked twice
SETTLE = 15.0  # seconds that a receiver gets for the test delivery

# The triggers at which a topic has data (`return` has some at any but shipment.processed): else its payload is empty.
HAS_DATA: dict[str, frozenset[str]] = {
    "return.processing": frozenset({"return.processing.failed"}),
    "label": frozenset({"label.created", "label.updated", "return.updated", "return.closed"}),
    "restock": frozenset({"restock.requested"}),
    "label.request": frozenset({"label.request.issued", "label.request.cancelled"}),
    "giftcard": frozenset({"giftcard.requested"}),
    "happy.returns.shipment": frozenset({"shipment.processed"}),
}

_REFUSED = (
    "It does not accept the signature: give it the secret of `loopsim env{there}`, and let it check the raw body."
)

# What an answer other than 2xx to a signed test delivery usually means.
ANSWERS: dict[int, str] = {
    401: _REFUSED,
    403: _REFUSED,
    404: "It has nothing at this path. Subscribe the path that it listens on.",
    405: "It takes no POST at this path. Subscribe the path that it listens on.",
    410: "It has nothing at this path any more. Subscribe the path that it listens on.",
    429: "It takes no more for now. Let it take webhooks at the pace at which they come, or be tried again.",
}
_REDIRECTS = "Nobody follows: subscribe the address that it leads to (see its Location header)."

# What no answer at all usually means.
NO_ANSWERS: dict[str, str] = {
    "refused": "Start your receiver, or subscribe where it listens.",
    "timeout": "Let it answer within 10 s: take the webhook, answer, and do the work afterwards.",
    "reset": "It closed the connection without an answer. See its own log for why.",
    "malformed": "What it answers is no HTTP. Is this its port, and should the address begin with https?",
    "tls": "Its certificate is not trusted, or it speaks no TLS there: subscribe its address with http.",
    "dns": "This name leads nowhere. Subscribe an address that does.",
}


class Finding(NamedTuple):
    """What a check found: `kind` is ok, note, warn or fail; `mend` says what to do about it."""

    kind: str
    name: str
    says: str
    mend: str = ""


class Setup:
    """What is checked: a server, its shop (the one of LOOP_API_KEY where none is named), and an environment; `why` says
    why this server, where nobody named it."""

    def __init__(
        self, server: Server, shop_name: str | None, environ: Mapping[str, str] = os.environ, why: str = ""
    ) -> None:
        self.why = why
        self.server = server
        self.environ = environ
        self.shop_name = shop_name
        self._shop: Shop | None = None

    @property
    def shop(self) -> Shop:
        """The shop, once it is needed."""
        if self._shop is None:
            self._shop = chosen_shop(self.server, self.shop_name)
        return self._shop

    @property
    def there(self) -> str:
        """The flags that lead other verbs to what is checked."""
        return flags_to(self.server, self._shop.name if self._shop else self.shop_name)

    @property
    def env_line(self) -> str:
        """What sets the environment right."""
        return f'eval "$(loopsim env{self.there})"'

    def take(self, shop: Shop) -> None:
        """Go on with this shop."""
        self._shop = shop


Check = Callable[[Setup], Iterator[Finding]]


def all_checks(*, with_delivery: bool) -> list[Check]:
    """The checks in their order."""
    checks: list[Check] = [server, base_url, key, secret, clock, subscriptions, targets]
    return [*checks, test_delivery] if with_delivery else checks


def server(setup: Setup) -> Iterator[Finding]:
    """Is there a loopsim? Raises Unreachable."""
    health = setup.server.health()
    found = f"loopsim {health['version']} at {setup.server.url}{setup.why}, {health['shops']} shop(s)"
    yield Finding("ok", "server", found)


def base_url(setup: Setup) -> Iterator[Finding]:
    """Does LOOP_API_BASE lead there?"""
    base = setup.environ.get("LOOP_API_BASE")
    if not base:
        yield Finding("warn", "LOOP_API_BASE", "is not set in this environment", setup.env_line)
        return
    parts = split_url(base)
    if base != base.strip():
        yield _blanks(setup, "LOOP_API_BASE", base)
    elif parts is None or parts.hostname is None:
        yield Finding("fail", "LOOP_API_BASE", f"{base!r} is no address", setup.env_line)
    elif parts.hostname == REAL_LOOP or parts.hostname.endswith("." + REAL_LOOP):
        yield Finding(
            "fail", "LOOP_API_BASE", f"{base} is the real Loop, with real returns of real customers", setup.env_line
        )
    elif parts.path.rstrip("/").rpartition("/")[0] != "/api":
        mend = f"LOOP_API_BASE={parts.scheme}://{parts.netloc}/api/v1"
        yield Finding("fail", "LOOP_API_BASE", f"{base} has no version path such as /api/v1 at its end", mend)
    else:
        yield _leads_to(setup, base)


def _blanks(setup: Setup, name: str, text: str) -> Finding:
    """A value as a file with foreign line ends or a careless paste leaves it."""
    says = f"{text!r} has blanks around it, and most programs take them for a part of it"
    return Finding("fail", name, says, setup.env_line)


def _leads_to(setup: Setup, base: str) -> Finding:
    parts = urlsplit(base)
    other = Server(f"{parts.scheme}://{parts.netloc}", timeout=CONNECT_TIMEOUT)
    try:
        health = other.health()
    except Unreachable:
        return Finding("fail", "LOOP_API_BASE", f"no loopsim answers at {base}", setup.env_line)
    if other.url == setup.server.url or _is_same(parts, urlsplit(setup.server.url), health, setup.server.health()):
        return _version(setup, base, health["api_versions"])
    return Finding(
        "warn",
        "LOOP_API_BASE",
        f"{base} leads to another loopsim than the one checked here",
        f"loopsim doctor{flags_to(other)}",
    )


def _is_same(one: SplitResult, two: SplitResult, health: Json, its_health: Json) -> bool:
    """Whether two addresses are two names of one server, such as localhost and 127.0.0.1."""
    apart = abs(health["uptime"] - its_health["uptime"])
    return (one.scheme, one.port) == (two.scheme, two.port) and apart < SAME_UPTIME


def _version(setup: Setup, base: str, versions: list[str]) -> Finding:
    # Whoever calls without a key is asked for one, if there is something at all.
    if _status(f"{base.rstrip('/')}/webhooks") == 404:
        says = f"{base} names no version of the API (v1, {', '.join(versions)}): every call would answer 404"
        return Finding("fail", "LOOP_API_BASE", says, setup.env_line)
    return Finding("ok", "LOOP_API_BASE", base)


def _status(url: str) -> int:
    """What a GET answers there, whatever proxy the environment names."""
    try:
        with build_opener(ProxyHandler({})).open(url, timeout=CONNECT_TIMEOUT) as answer:
            return int(answer.status)
    except HTTPError as error:
        error.close()
        return error.code


def key(setup: Setup) -> Iterator[Finding]:
    """Is LOOP_API_KEY known, to which shop, with which scopes?"""
    text = setup.environ.get("LOOP_API_KEY")
    if not text:
        yield Finding("warn", "LOOP_API_KEY", "is not set in this environment", setup.env_line)
        return
    if text != text.strip():
        yield _blanks(setup, "LOOP_API_KEY", text)
        return
    for row in setup.server.shops():
        shop = setup.server.shop(row["name"])
        for known in shop.keys():  # noqa: SIM118  no dict
            if known["key"] == text:
                if setup.shop_name in (None, shop.name):
                    setup.take(shop)
                yield from _scopes(setup, shop, known)
                return
    yield Finding(
        "fail", "LOOP_API_KEY", "no shop of this server knows it: every call would answer 401", setup.env_line
    )


def _scopes(setup: Setup, shop: Shop, known: Json) -> Iterator[Finding]:
    if setup.shop_name not in (None, shop.name):
        yield Finding(
            "fail",
            "LOOP_API_KEY",
            f"opens shop {shop.name}, not {setup.shop_name}",
            f"loopsim doctor{flags_to(setup.server, shop.name)}",
        )
        return
    missing = sorted(_all_scopes(setup) - set(known["scopes"]))
    if missing:
        mend = f"If it should do more: POST /_loopsim/shops/{shop.name}/keys makes one with every scope."
        yield Finding("note", "LOOP_API_KEY", f"opens shop {shop.name}; without {', '.join(missing)} (401 there)", mend)
    else:
        yield Finding("ok", "LOOP_API_KEY", f"opens shop {shop.name}, with every scope")


def _all_scopes(setup: Setup) -> set[str]:
    scopes = setup.server.call("GET", "/openapi.json")["components"]["schemas"]["Scopes"]["items"]["enum"]
    return set(scopes)


def secret(setup: Setup) -> Iterator[Finding]:
    """Would the partner's verifier accept what this shop signs?"""
    text = setup.environ.get("LOOP_WEBHOOK_SECRET")
    if not text:
        yield Finding("warn", "LOOP_WEBHOOK_SECRET", "is not set in this environment", setup.env_line)
        return
    if text != text.strip():
        yield _blanks(setup, "LOOP_WEBHOOK_SECRET", text)
        return
    secrets = setup.shop.secrets()
    signing = {secrets["secret"], *(each["secret"] for each in secrets["subscriptions"])}
    # Several, separated by commas, while a secret is being changed.
    given = {part.strip() for part in text.split(",")}
    if given >= signing:
        yield Finding("ok", "LOOP_WEBHOOK_SECRET", f"signs the webhooks of shop {setup.shop.name}")
    elif given & signing:
        yield Finding("warn", "LOOP_WEBHOOK_SECRET", "signs some subscriptions; others have a secret of their own")
    else:
        says = f"signs nothing of shop {setup.shop.name}: a receiver would refuse every webhook"
        yield Finding("fail", "LOOP_WEBHOOK_SECRET", says, setup.env_line)


def clock(setup: Setup) -> Iterator[Finding]:
    """Does time pass?"""
    read = setup.shop.clock.read()
    if read["mode"] == "manual" and not read["advancing"]:
        yield Finding(
            "note",
            "clock",
            f"stands still at {read['now']}: labels, scans and processing wait for it",
            f"loopsim clock advance 14d{setup.there}",
        )
    else:
        yield Finding("ok", "clock", f"runs ({read['mode']}), now {read['now']}")


def subscriptions(setup: Setup) -> Iterator[Finding]:
    """Is anybody told, and of what?"""
    found = setup.shop.subscriptions()
    active = [each for each in found if each["status"] == "active"]
    if not active:
        says = f"shop {setup.shop.name} has " + ("only inactive ones" if found else "none: no webhook is ever sent")
        mend = f"loopsim trigger return.created --webhook http://127.0.0.1:9000/loop{setup.there}"
        yield Finding("fail", "subscriptions", says, mend)
        return
    topics = Counter(each["topic"] for each in active)
    told = ", ".join(f"{topic} ({count})" for topic, count in topics.items())
    yield Finding("ok", "subscriptions", f"{len(active)} active: {told}")
    for each in found:
        yield from _oddities(each, setup.there)
    twice = Counter((each["topic"], each["trigger"], each["url"]) for each in active)
    for (topic, trigger, url), count in twice.items():
        if count > 1:
            says = f"{topic} at {trigger} goes to {url} {count} times: every message arrives as often"
            yield Finding("warn", "subscriptions", says, "DELETE /webhooks/{id} takes one away")


def _oddities(each: Json, there: str) -> Iterator[Finding]:
    name = f"number {each['id']} ({each['topic']} at {each['trigger']})"
    if each["status"] != "active":
        yield Finding(
            "warn", "subscriptions", f"{name} is inactive and sends nothing", "PUT /webhooks/{id} activates it"
        )
    elif _is_empty(each["topic"], each["trigger"]):
        fitting = " or ".join(sorted(HAS_DATA.get(each["topic"], {"every trigger that is about a return"})))
        says = f"{name} has no data: Loop delivers an empty payload"
        yield Finding("warn", "subscriptions", says, f"Topic {each['topic']} goes with {fitting}.")
    if each["failures"]:
        says = (
            f"{name} failed {each['failures']} times in a row" if each["failures"] > 1 else f"{name} failed last time"
        )
        yield Finding("warn", "subscriptions", says, f"loopsim events --state failed{there}")


def _is_empty(topic: str, trigger: str) -> bool:
    return trigger == "shipment.processed" if topic == "return" else trigger not in HAS_DATA[topic]


def targets(setup: Setup) -> Iterator[Finding]:
    """Does anybody listen where webhooks go?"""
    for url in _urls(setup):
        parts = split_url(url)
        if parts is None or parts.hostname is None:
            yield Finding("fail", "target", f"{url!r} is no address", "Subscribe a URL such as http://127.0.0.1:9000/.")
            continue
        host, port = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
        if not is_loopback(host):
            yield Finding("note", "target", f"{url} is beyond this machine", "")
            continue
        try:
            with socket.create_connection((host, port), CONNECT_TIMEOUT):
                yield Finding("ok", "target", f"somebody listens at {host}:{port}")
        except OSError as error:
            mend = f"Start your receiver on port {port}, or subscribe where it listens."
            yield Finding("fail", "target", f"nobody listens at {host}:{port} ({error.strerror or error})", mend)


def _urls(setup: Setup) -> list[str]:
    return list(dict.fromkeys(each["url"] for each in setup.shop.subscriptions() if each["status"] == "active"))


def test_delivery(setup: Setup) -> Iterator[Finding]:
    """Do receivers take what this shop signs? A copy of the shop asks them, so that the shop stays as it is."""
    urls = _urls(setup)
    if not urls:
        return
    copy = setup.shop.copy()
    try:
        # First of all: what was due in the shop is due in its copy.
        copy.clock.set("manual")
        for each in copy.subscriptions():
            copy.unsubscribe(each["id"])
        asked = {copy.subscribe(url, "return", "return.created")[0]["id"]: url for url in urls}
        return_id = submit_fresh(copy, {})["id"]
        copy.settle(SETTLE)
        for row in copy.deliveries(return_id=return_id):
            yield _verdict(asked[row["subscription_id"]], copy.delivery(row["id"]), setup.there)
    except Refused as error:
        yield Finding("warn", "test delivery", f"could not be made: {error}")
    finally:
        copy.delete()


def _verdict(url: str, answer: dict[str, Any], there: str) -> Finding:
    last = answer["attempts"][-1] if answer["attempts"] else None
    if answer["delivery"]["state"] == "blocked":
        parts = split_url(url)
        mend = f"If it may: loopsim serve --allow-target {parts.hostname}" if parts else "Subscribe an address."
        return Finding("fail", "test delivery", f"{url} is blocked: webhooks may not leave this machine", mend)
    if last is None:
        return Finding("warn", "test delivery", f"{url} gave no answer within {SETTLE:g} s", "Is the receiver busy?")
    took = f"after {last['duration_ms']:.0f} ms"
    if last["status"] is None:
        mend = NO_ANSWERS.get(last["error"], "Subscribe an address of http or https.")
        return Finding("fail", "test delivery", f"{url}: {last['error']} {took}", mend)
    if 200 <= last["status"] < 300:
        return Finding("ok", "test delivery", f"signed and sent; {url} answered {last['status']} {took}")
    said = f': "{printable(last["response_body"][:120])}"' if last["response_body"] else ""
    usual = _REDIRECTS if 300 <= last["status"] < 400 else "See its own log for why."
    mend = ANSWERS.get(last["status"], usual).format(there=there)
    return Finding("fail", "test delivery", f"{url} answered {last['status']} {took}{said}", mend)
