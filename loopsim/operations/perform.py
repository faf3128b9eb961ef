"""Performing an operation: one function, one transaction.

    perform ─ begin ─ operation → new records, events, timers ─ publish: payload bytes and one outbox row per
    subscription ─ commit

An operation is a plain function `(transaction, call) -> answer`, registered under its `operationId`. It never mentions
the outbox: it emits events. One that raises leaves no trace anywhere. Operations that only read run without a
transaction. Those that come in together share a commit (`perform_together`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any, NamedTuple

from msgspec import Struct, field

from loopsim.clock import from_ms, to_ms
from loopsim.operations.publish import publish
from loopsim.store.deliveries import Delivery
from loopsim.store.journal import Entry
from loopsim.store.shop import Shop
from loopsim.store.timers import Due, next_timers, take_timer
from loopsim.store.transaction import Transaction


class Prepared(Struct, frozen=True):
    """What another operation may be called with, and the messages by field of what it may refuse, by code."""

    path: dict[str, Any]
    body: Any
    refusals: dict[str, dict[str, list[str]]]


class Call(Struct, frozen=True, kw_only=True):
    """A call as an operation sees it: read, validated, in the version that was asked for.

    `shift` is what has to be added to a moment of the partner's clock to have the shop's.

    `base_url` is scheme, host and version path as the client used them (`http://127.0.0.1:8484/api/v1`), without a
    slash at the end. `text_ids`: global ids are to be written as texts. `accept` is that header, as it came.
    `credentials`: name and password of HTTP Basic, where no key is asked for. `shopper_token`: that header, as it came.
    """

    path: dict[str, Any] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    body: Any = None
    version: str = "2026-07"
    base_url: str = ""
    text_ids: bool = False
    accept: str = ""
    shopper_token: str = ""
    shift: timedelta = timedelta()
    credentials: tuple[str, str] | None = None
    preparer: Callable[[str, dict[str, Any], bytes, str], Prepared] | None = None

    def prepared(self, operation_id: str, ids: dict[str, Any], raw: bytes, where: str) -> Prepared:
        """Another operation's call of ids (by the names of its path parameters, in snake case) and a JSON body, as it
        would see it. What is dropped of the body is told under `where`. Raises what the operation's own gate would
        raise.
        """
        assert self.preparer is not None
        return self.preparer(operation_id, ids, raw, where)


class Answer(Struct, frozen=True):
    """What goes back. `body` is a value to encode, or final bytes; `None` with 204 is no body. Of final bytes that are
    a list, `count` says how many rows are in them, and `more` whether they name a next page. `refusal`: the code of one
    that is not raised, since what was done before it stays."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    count: int | None = None
    more: bool = False
    refusal: str | None = None


class Performed(Struct, frozen=True):
    """What came of it: the answer, the deliveries that are now due, whether the shop's timers changed."""

    answer: Answer
    deliveries: tuple[Delivery, ...] = ()
    timers_changed: bool = False


Function = Callable[[Transaction, Call], Any]
TimerFunction = Callable[[Transaction, int, dict[str, Any]], None]


class Registered(Struct, frozen=True):
    """An operation's function, and whether it only reads."""

    function: Function
    reads: bool


class Later:
    """The function of an operation or timer, by its name, whose module is imported when it is called first."""

    __slots__ = ("module", "name")

    def __init__(self, module: str, name: str) -> None:
        self.module = module
        self.name = name

    def __call__(self, *arguments: Any) -> Any:
        """Call the function itself."""
        import_module(self.module)
        return IMPORTED[self.name].function(*arguments)


class Imported(Struct, frozen=True):
    """A function as its module registered it: an operation's or, where `reads` is None, a timer's."""

    function: Callable[..., Any]
    reads: bool | None


OPERATIONS: dict[str, Registered] = {}
TIMERS: dict[str, TimerFunction] = {}
RECURRING = frozenset({"happy_returns.ships"})  # never count when a clock runs until idle
IMPORTED: dict[str, Imported] = {}
"""What was imported so far, by operation and kind of timer."""


def operation(operation_id: str, *, reads: bool = False) -> Callable[[Function], Function]:
    """Register the function of an operation."""

    def register(function: Function) -> Function:
        IMPORTED[operation_id] = Imported(function, reads)
        known = OPERATIONS.get(operation_id)
        if known is None or isinstance(known.function, Later):
            OPERATIONS[operation_id] = Registered(function, reads)
        return function

    return register


def timer(kind: str) -> Callable[[TimerFunction], TimerFunction]:
    """Register what happens when a timer of this kind is due."""

    def register(function: TimerFunction) -> TimerFunction:
        IMPORTED[kind] = Imported(function, None)
        if isinstance(TIMERS.get(kind), Later | None):
            TIMERS[kind] = function
        return function

    return register


def perform(shop: Shop, operation_id: str, call: Call, now: datetime) -> Performed:
    """Perform an operation on a shop at a moment of its clock. Raises what the operation raises (`Refusal`), having
    changed nothing.
    """
    registered = OPERATIONS[operation_id]
    if registered.reads:
        return Performed(_answer(registered.function(Transaction(shop, now), call)))
    return _performed(*_write(shop, Write(operation_id, call, now)))


class Write(NamedTuple):
    """An operation that changes something, and when on the shop's clock it is performed."""

    operation_id: str
    call: Call
    now: datetime


def perform_together(shop: Shop, writes: Sequence[Write]) -> Iterator[Performed | Exception]:
    """Perform operations in their order with one commit, which costs what that of a single one does. What came of each,
    or what it raised, is as if it had come alone, and told in the journal when it is its turn in the iteration. Where
    one is refused that had changed something already, they are performed again, so that it can be undone alone. Where
    the database cannot take them together (a full disk), each has a commit of its own.
    """
    done = None
    if len(writes) > 1:
        with suppress(sqlite3.Error):
            try:
                done = _with_one_commit(shop, writes, separable=False)
            except _Inseparable:
                done = _with_one_commit(shop, writes, separable=True)
    if done is None:
        yield from (_alone(shop, write) for write in writes)
    else:
        yield from (each if isinstance(each, Exception) else _performed(*each) for each in done)


class _Inseparable(Exception):
    """What one had changed before it was refused can only be undone with what the others changed."""


def _with_one_commit(
    shop: Shop, writes: Sequence[Write], *, separable: bool
) -> list[tuple[Answer, Transaction] | Exception]:
    done: list[tuple[Answer, Transaction] | Exception] = []
    with shop.one_commit(separable=separable):
        for write in writes:
            changed = shop.rows_changed()
            try:
                done.append(_write(shop, write))
            except sqlite3.Error:
                raise
            except Exception as error:
                if not separable and shop.rows_changed() != changed:
                    raise _Inseparable from error
                done.append(error)
    return done


def _alone(shop: Shop, write: Write) -> Performed | Exception:
    try:
        return _performed(*_write(shop, write))
    except Exception as error:
        return error


def _write(shop: Shop, write: Write) -> tuple[Answer, Transaction]:
    with shop.transaction(write.now) as transaction:
        answer = _answer(OPERATIONS[write.operation_id].function(transaction, write.call))
        publish(transaction)
    return answer, transaction


def _performed(answer: Answer, transaction: Transaction) -> Performed:
    """What came of a transaction that is committed."""
    _enter_moves(transaction)
    return Performed(answer, tuple(transaction.deliveries), transaction.timers_changed)


def run_next_timer(shop: Shop, until_ms: int) -> Performed | None:
    """Run the shop's next timer if it is due by `until_ms`, at its own moment, in its own transaction. None: nothing is
    due.
    """
    transaction = take_next_timer(shop, until_ms)
    return None if transaction is None else timer_performed(transaction)


def take_next_timer(shop: Shop, until_ms: int) -> Transaction | None:
    """As `run_next_timer`, but where it is done within `Shop.one_commit`, what it did stands only after that:
    `timer_performed` then tells of it."""
    for timer in next_timers(shop.connection):
        if timer.due <= until_ms:
            return _run_timer(shop, timer)
    return None


def timer_performed(transaction: Transaction) -> Performed:
    """What a timer did, which is committed."""
    _enter_moves(transaction)
    return Performed(Answer(), tuple(transaction.deliveries), True)


def _run_timer(shop: Shop, timer: Due) -> Transaction:
    with shop.transaction(from_ms(max(timer.due, shop.last_ms))) as transaction:
        take_timer(transaction.connection, timer)
        TIMERS[timer.kind](transaction, timer.entity, timer.content)
        publish(transaction)
    return transaction


def _enter_moves(transaction: Transaction) -> None:
    """Write the steps in lifecycles into the journal, once they are committed."""
    for moved in transaction.moves:
        transaction.shop.journal.add(
            Entry(
                at=to_ms(transaction.now),
                direction="inside",
                kind="move",
                return_id=moved.return_id,
                entity=moved.entity,
                state=moved.state,
                action=moved.action,
                to=moved.to,
            )
        )


def _answer(result: Any) -> Answer:
    return result if isinstance(result, Answer) else Answer(result)
