"""Operations that are performed together: one commit, and each as if it had come alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from loopsim.clock import Clock
from loopsim.domain.products import Product
from loopsim.errors import Refusal
from loopsim.operations.perform import OPERATIONS, Call, Performed, Registered, Write, perform, perform_together
from loopsim.store.shop import Shop
from loopsim.store.transaction import Transaction

SUBMIT, SUBSCRIBE, SETTINGS = "customerSubmitsReturn", "createWebhook", "updateSettings"
HOOK = {"topic": "return", "trigger": "return.created", "url": "http://127.0.0.1:1/hook"}


def writes(driver: Any, *asked: tuple[str, Any]) -> list[Write]:
    """Operations with their bodies, a second after each other."""
    return [
        Write(id_, Call(body=body, path={"shop": "shop"}), driver.now + timedelta(seconds=number))
        for number, (id_, body) in enumerate(asked)
    ]


def twin(driver: Any) -> Shop:
    """Another shop with the same pages."""
    clock = Clock(mode="manual", shop_ms=driver.shop.last_ms)
    return Shop.create("shop", None, driver.shop.pages(), driver.shop.settings, clock)


def told(outcome: Performed | Exception) -> Any:
    return (type(outcome), str(outcome)) if isinstance(outcome, Exception) else outcome


def alone(shop: Shop, write: Write) -> Performed | Exception:
    try:
        return perform(shop, write.operation_id, write.call, write.now)
    except Refusal as refusal:
        return refusal


@contextmanager
def counted_commits(shop: Shop) -> Iterator[list[str]]:
    statements: list[str] = []
    shop.connection.set_trace_callback(lambda text: statements.append(text) if text.lower() == "commit" else None)
    yield statements
    shop.connection.set_trace_callback(None)


@contextmanager
def no_room(shop: Shop, pages: int = 0) -> Iterator[None]:
    """So many more pages fit on the disk."""
    size = shop.connection.execute("pragma page_count").fetchone()[0]
    shop.connection.execute(f"pragma max_page_count = {size + pages}")
    yield
    shop.connection.execute("pragma max_page_count = 1000000")


def test_they_leave_what_they_would_have_left_alone(shop: Any) -> None:
    shop.act(SUBMIT, items=[{}])
    asked = writes(
        shop,
        (SUBMIT, {}),
        (SUBSCRIBE, HOOK),
        (SUBMIT, {"items": [{"outcome": "credit"}]}),
        (SUBMIT, {"order": "#nobody's"}),
        (SETTINGS, {"rate_limit": 17}),
        (SUBMIT, {"items": [{"sku": "no such"}]}),
        (SUBMIT, {}),
    )
    other = twin(shop)
    expected = [told(alone(other, write)) for write in asked]
    with counted_commits(shop.shop) as commits:
        outcomes = list(perform_together(shop.shop, asked))
    assert [told(outcome) for outcome in outcomes] == expected
    assert [isinstance(outcome, Refusal) for outcome in outcomes] == [False, False, False, True, False, True, False]
    assert len(commits) == 1
    assert shop.shop.counters == other.counters
    assert shop.shop.settings == other.settings
    assert shop.shop.journal.read() == other.journal.read()
    assert shop.dump() == list(other.connection.iterdump())


def test_what_was_refused_leaves_no_trace_among_others(shop: Any) -> None:
    ada = {"external_id": "C1", "first_name": "Ada", "last_name": "Byron", "email": "ada@example.com", "phone": "1"}
    list(perform_together(shop.shop, writes(shop, ("createOrder", {"external_id": "E1"}), (SUBMIT, {}))))
    before = shop.dump(), dict(shop.shop.counters)
    taken = ("createOrder", {"external_id": "E1", "customer": ada})  # refused once its customer is made
    outcomes = list(perform_together(shop.shop, writes(shop, taken, (SUBMIT, {"order": "#nobody's"}), taken)))
    codes = [outcome.code for outcome in outcomes if isinstance(outcome, Refusal)]
    assert codes == ["external_id_taken", "order_not_found", "external_id_taken"]
    assert (shop.dump(), shop.shop.counters) == before


def test_what_does_not_fit_together_is_done_one_by_one(shop: Any) -> None:
    shop.call(SUBSCRIBE, HOOK)
    large = {"order": None, "items": [{"comment": "".join(chr(33 + n * n % 89) for n in range(40_000))}]}
    asked = writes(shop, (SUBMIT, {}), (SETTINGS, {"rate_limit": 17}), (SUBMIT, large), (SUBMIT, {}))
    held = shop.shop.settings.rate_limit
    with no_room(shop.shop, pages=4):
        first, second, third, fourth = list(perform_together(shop.shop, asked))
    assert isinstance(third, sqlite3.OperationalError)
    assert not shop.shop.connection.in_transaction
    assert [isinstance(each, Performed) for each in (first, second, fourth)] == [True, True, True]
    assert shop.shop.settings.rate_limit == 17 != held
    ids = [each.answer.body["return"]["id"] for each in (first, fourth) if isinstance(each, Performed)]
    assert [found.id for found in shop.records.returns()] == ids
    assert ids[1] == ids[0] + 1


def test_a_commit_that_fails_undoes_them_all_and_what_is_remembered_of_them(
    shop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    product = shop.records.resources("product", Product)[0]
    before = shop.dump(), dict(shop.shop.counters), shop.shop.settings, shop.shop.last_ms

    def fails(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(shop.shop, "_commit", fails)
    asked = writes(shop, (SUBMIT, {}), (SUBSCRIBE, HOOK), (SETTINGS, {"rate_limit": 17}))
    named = Call(path={"id": product.id}, body={"name": "Other"})
    renamed = [Write("updateProduct", named, shop.now), Write("getProduct", named, shop.now)]
    outcomes = list(perform_together(shop.shop, [*asked, *renamed]))
    assert [str(outcome) for outcome in outcomes] == ["database or disk is full"] * 5
    assert (shop.dump(), shop.shop.counters, shop.shop.settings, shop.shop.last_ms) == before
    assert shop.shop.journal.read() == []
    monkeypatch.undo()
    performed = perform(shop.shop, SUBMIT, Call(body={}), shop.now)
    assert performed.deliveries == (), "a subscription that was never committed listens"
    shown = shop.call("getProduct", id=product.id).body["product"]
    assert shown["name"] == product.name, "a name that was never committed is remembered"


def test_what_undoes_those_before_it_too_is_done_alone(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite rolls all of it back where it has no memory left. None may be done twice, or half."""

    def runs_out(transaction: Transaction, _call: Call) -> None:
        transaction.connection.execute("rollback")
        raise MemoryError

    monkeypatch.setitem(OPERATIONS, "createOrder", Registered(runs_out, False))
    asked = writes(shop, (SUBMIT, {}), ("createOrder", {}), (SUBSCRIBE, HOOK), (SUBMIT, {}))
    outcomes = list(perform_together(shop.shop, asked))
    assert [type(outcome) for outcome in outcomes] == [Performed, MemoryError, Performed, Performed]
    ids = [outcomes[place].answer.body["return"]["id"] for place in (0, 3)]
    assert [found.id for found in shop.records.returns()] == ids


def test_one_sees_what_those_before_it_did(shop: Any) -> None:
    product = shop.records.resources("product", Product)[0]
    read = Write("getProduct", Call(path={"id": product.id}), shop.now)
    renamed = Write("updateProduct", Call(path={"id": product.id}, body={"name": "Other"}), shop.now)
    outcomes = list(perform_together(shop.shop, [read, renamed, read]))
    names = [each.answer.body["product"]["name"] for each in outcomes if isinstance(each, Performed)]
    assert names == [product.name, "Other", "Other"]
    assert shop.call("getProduct", id=product.id).body["product"]["name"] == "Other"
