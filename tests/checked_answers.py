"""Every answer that any test provokes from a server in this process is held against the contract.

A plugin of the suite (`pytest_plugins` in conftest.py): it listens where the server hands its answers on, and the test
in which an answer broke its schema, its key order or the list of its statuses fails, whatever else it looked at.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from loopsim.contract.responses import check_response
from loopsim.errors import Refusal
from loopsim.operations.perform import Answer
from loopsim.server.control_api import ControlApi
from loopsim.server.loop_api import Exchange, LoopApi
from loopsim.store.shop import Shop

JSON = "application/json"
_broken: list[str] = []
_lock = threading.Lock()


def _is_imported(shop: Shop) -> bool:
    """Whether the shop has returns from an export, which may show fields that Loop added later."""
    return any(return_.overlay for return_ in shop.records.returns())


def _hold(operation: Any, status: int, media: str, body: bytes, shop: Shop | None = None) -> None:
    wrong = check_response(operation, status, media, body)
    if wrong and shop is not None and _is_imported(shop):
        wrong = check_response(operation, status, media, body, allow_unknown=True)
    if wrong:
        with _lock:
            _broken.extend(f"{operation.id} {status}: {each}" for each in wrong)


@pytest.fixture(scope="session", autouse=True)
def _listening() -> Iterator[None]:
    finishing, finishing_control = LoopApi._finish, ControlApi._finish

    def finish(self: LoopApi, exchange: Exchange, answer: Answer) -> Any:
        head, body = finishing(self, exchange, answer)
        operation = exchange.place.operation
        made_up = exchange.fault is not None or not exchange.place.simulated or exchange.shop is None
        if not made_up and operation.id != "getQrPicture" and exchange.place.refusal is None:
            _hold(operation, answer.status, answer.headers.get("content-type", JSON), body, exchange.shop)
        return head, body

    def finish_control(self: ControlApi, asked: Any, answer: Any) -> Any:
        status, head, body = finishing_control(self, asked, answer)
        operation = asked.operation
        refused_elsewhere = isinstance(answer, Refusal) and answer.code not in operation.errors
        if status != 501 and not self._stopping and operation.id != "unrouted" and not refused_elsewhere:
            _hold(operation, status, dict(head)[b"content-type"].decode(), body)
        return status, head, body

    patch = pytest.MonkeyPatch()
    patch.setattr(LoopApi, "_finish", finish)
    patch.setattr(ControlApi, "_finish", finish_control)
    yield
    patch.undo()


@pytest.fixture(autouse=True)
def _answers_keep_the_contract(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    with _lock:
        broken, _broken[:] = list(_broken), []
    if request.node.get_closest_marker("breaks_the_contract") is None:
        assert not broken
