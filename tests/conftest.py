"""Shops in memory, driven through `perform` as the server drives them; every answer and every payload is checked.

`shop` is one of the default world, `open_shop` makes others. Time stands still until a test moves it.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from msgspec import UNSET, structs

from loopsim.clock import Clock, from_ms, to_ms
from loopsim.contract import Contract, load_contract, read_body, read_path, read_query, render, validate
from loopsim.contract.responses import check_response, check_webhook
from loopsim.domain.events import TRIGGERS
from loopsim.domain.policy import Policy
from loopsim.domain.returns import Return
from loopsim.errors import Refusal
from loopsim.operations.index import import_all
from loopsim.operations.perform import Answer, Call, Performed, perform, run_next_timer
from loopsim.store.deliveries import payload
from loopsim.store.shop import Shop
from loopsim.store.worlds import add_destinations, load_world, template_pages
from loopsim.wire import php

pytest_plugins = ("tests.checked_answers",)

# Tests look at what is registered, and replace some of it.
import_all()

START = datetime(2026, 6, 1, 9, tzinfo=UTC)
BASE = "http://127.0.0.1:8484/api/v1"

# Who is started in the background by a shell ignores Ctrl-C, and so does whatever it starts: tests send it one.
signal.signal(signal.SIGINT, signal.default_int_handler)

# CI runs a fraction of what a nightly run does.
_SLOW = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}
settings.register_profile("ci", max_examples=60, stateful_step_count=40, **_SLOW)
settings.register_profile("thorough", max_examples=1500, stateful_step_count=60, **_SLOW)
settings.load_profile("thorough" if os.environ.get("LOOPSIM_THOROUGH") == "1" else "ci")

# The topic that a trigger belongs to; the return itself for all others.
OWN_TOPIC = {
    "return.processing.failed": "return.processing",
    "label.created": "label",
    "label.updated": "label",
    "restock.requested": "restock",
    "label.request.issued": "label.request",
    "label.request.cancelled": "label.request",
    "giftcard.requested": "giftcard",
    "shipment.processed": "happy.returns.shipment",
}


def pytest_sessionfinish(session: pytest.Session) -> None:
    """CI has installed whatever a test may ask for: there a skipped test is a failure (`LOOPSIM_SKIP_NOTHING=1`)."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("LOOPSIM_SKIP_NOTHING") == "1" and reporter is not None and reporter.stats.get("skipped"):
        reporter.write_line("LOOPSIM_SKIP_NOTHING=1, and something was skipped: see the reasons below.", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


class Reply:
    """An answer as a client has it. `refusal` is the code of one that was refused."""

    def __init__(self, status: int, body: Any, headers: dict[str, str], refusal: str | None = None) -> None:
        self.status = status
        self.body = body
        self.headers = headers
        self.refusal = refusal

    def __repr__(self) -> str:
        return f"{self.status} {self.body!r}"


class Driver:
    """A shop and its clock. `heard` collects (trigger, payload) of every delivery since it was last taken."""

    def __init__(self, contract: Contract, shop: Shop) -> None:
        self.contract = contract
        self.shop = shop
        self.records = shop.records
        self._heard: list[tuple[str, Any]] = []

    @property
    def now(self) -> datetime:
        return from_ms(self.shop.last_ms)

    # calls

    def call(
        self,
        operation_id: str,
        body: Any = None,
        *,
        version: str = "2026-07",
        query: Any = None,
        text_ids: bool = False,
        accept: str = "",
        **path: Any,
    ) -> Reply:
        """Call an operation of either API as the server would: validated, performed, rendered, checked."""
        operation = self.contract.operation(operation_id, version)
        control = operation.api == "control"
        query = {name: str(value) for name, value in (query or {}).items()}
        raw = b"" if body is None else json.dumps(body).encode()
        try:
            texts = {name: str(value) for name, value in ({"shop": "shop", **path} if control else path).items()}
            call = Call(
                path=read_path(operation, texts),
                query=read_query(operation, query).value if control else query,
                body=validate(operation, read_body(operation, raw, "application/json")).value,
                version=version,
                base_url=BASE.replace("v1", version) if version != "2026-07" else BASE,
                text_ids=text_ids,
                accept=accept,
            )
            performed = perform(self.shop, operation_id, call, self.now)
        except Refusal as refusal:
            rendered = render(operation, refusal, self.shop.settings.quirks)
            reply = self._checked(operation, Answer(rendered.body, rendered.status, rendered.headers), control)
            reply.refusal = refusal.code
            return reply
        self._listen(performed)
        return self._checked(operation, performed.answer, False)

    def act(self, operation_id: str, **body: Any) -> Any:
        """An act that must be done; the return as it is then."""
        reply = self.call(operation_id, body)
        assert reply.status == 200, reply
        return reply.body.get("return", reply.body)

    def submit(self, *outcomes: str, **body: Any) -> Any:
        """A customer submits a return with a unit per outcome (one refund, if nothing is said)."""
        if outcomes:
            body["items"] = [{"outcome": outcome} for outcome in outcomes]
        return self.act("customerSubmitsReturn", **body)

    def _checked(self, operation: Any, answer: Answer, problem: bool) -> Reply:
        body, headers = answer.body, answer.headers
        if not isinstance(body, bytes):
            body = b"" if body is UNSET or (body is None and answer.status == 204) else php.encode(body)
        media = headers.get("content-type", "application/problem+json" if problem else "application/json")
        assert check_response(operation, answer.status, media, body) == []
        value = json.loads(body) if body and "json" in media else body or None
        return Reply(answer.status, value, headers)

    # time

    def run(self, until: datetime) -> None:
        """Run every timer that is due by then."""
        while (performed := run_next_timer(self.shop, to_ms(until))) is not None:
            self._listen(performed)
        if until > self.now:
            with self.shop.transaction(until):
                pass

    def advance(self, **span: float) -> None:
        """Let time pass, in the words of `timedelta`."""
        self.run(self.now + timedelta(**span))

    def idle(self) -> None:
        """Run until no timer is left."""
        while (due := self.shop.next_due_ms()) is not None:
            self.run(max(self.now, from_ms(due)))

    # what happened

    def subscribe(self, topic: str | None = None) -> None:
        """Listen to every trigger, with the topic or with each trigger's own."""
        for trigger in TRIGGERS:
            chosen = topic or OWN_TOPIC.get(trigger, "return")
            self.call("createWebhook", {"topic": chosen, "trigger": trigger, "url": "http://127.0.0.1:1/hook"})

    def _listen(self, performed: Performed) -> None:
        for delivery in performed.deliveries:
            body = payload(self.shop.connection, delivery.payload_id)
            assert check_webhook(self.contract, delivery.topic, body, allow_empty=True) == []
            self._heard.append((delivery.trigger, json.loads(body)))

    def heard(self) -> list[tuple[str, Any]]:
        """What subscribers were told since the last time."""
        heard, self._heard = self._heard, []
        return heard

    def triggers(self) -> list[str]:
        """The triggers alone of what was heard."""
        return [trigger for trigger, _ in self.heard()]

    def return_(self, return_id: int) -> Return:
        return self.records.need_return(return_id)

    def ledger(self, return_id: int | None = None) -> list[str]:
        """The kinds of what was done on the shop's platform, in order."""
        return [entry["kind"] for entry in self.records.ledger(return_id)]

    def dump(self) -> list[str]:
        """The whole database as text: what two moments must share between which nothing happened."""
        return list(self.shop.connection.iterdump())


OpenShop = Callable[..., Driver]


@pytest.fixture(scope="session")
def contract() -> Contract:
    """The real contract."""
    return load_contract()


@pytest.fixture(scope="session")
def open_shops(contract: Contract) -> OpenShop:
    """Make shops in memory; the caller closes them. Keywords are settings, or of the policy."""
    numbers = count(1)

    def make(world: str = "us-apparel", **own: Any) -> Driver:
        number = next(numbers)
        built = load_world(world)
        policy = {name: own.pop(name) for name in Policy.__struct_fields__ if name in own}
        own.setdefault("seed", built.seed)
        chosen = built.settings(id=7000 + number, subdomain="shop", **own)
        chosen = structs.replace(chosen, policy=structs.replace(built.policy, **policy))
        clock = Clock(mode="manual", shop_ms=to_ms(START))
        shop = Shop.create("shop", None, template_pages(world, START.date()), chosen, clock)
        add_destinations(shop, built, START)
        return Driver(contract, shop)

    return make


@pytest.fixture
def open_shop(open_shops: OpenShop) -> Iterator[OpenShop]:
    """Make shops in memory for one test."""
    made: list[Driver] = []

    def make(world: str = "us-apparel", **own: Any) -> Driver:
        made.append(open_shops(world, **own))
        return made[-1]

    yield make
    for driver in made:
        driver.shop.close()


@pytest.fixture
def empty(open_shop: OpenShop) -> Driver:
    """A shop with nothing in it."""
    return open_shop("empty")


@pytest.fixture
def shop(open_shop: OpenShop) -> Driver:
    """A shop of the default world whose carrier scans only when it is told to."""
    return open_shop(carrier="manual")
