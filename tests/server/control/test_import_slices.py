"""An import takes turns with the other shops of its server, and has its own shop for itself until it is done."""

from __future__ import annotations

import copy
import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from loopsim.bootstrap import Options, Running
from loopsim.client import ControlError, Loopsim, Shop
from loopsim.embedded import EmbeddedServer
from loopsim.errors import SetupError
from loopsim.store.shop import Shop as OpenShop
from tests.server.control.conftest import MOMENT, PATIENCE, Held, Receiver, call_loop

SAMPLE: dict[str, Any] = json.loads(
    (Path(__file__).parents[3] / "fixtures/samples/returns-export.json").read_text("utf-8")
)[0]
ALL_OF_JULY = "/warehouse/return/list?from=2026-07-01&to=2026-08-01"


def rows(count: int) -> list[dict[str, Any]]:
    made = []
    for number in range(1, count + 1):
        row = copy.deepcopy(SAMPLE)
        row.update(id=str(600_000_000 + number), provider_order_id=str(5_000_000_000 + number), exchanges=[])
        ids = {"line_item_id": str(400_000_000 + number), "provider_line_item_id": str(7_000_000 + number)}
        row["line_items"][0].update(ids)
        made.append(row)
    return made


def until(happened: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0)


@pytest.fixture
def other(server: Loopsim) -> Iterator[Shop]:
    """The shop beside the one that imports."""
    made = server.create_shop(clock={"mode": "manual"}, moment=MOMENT, quiet_for=0, rate_limit=1_000_000)
    yield made
    made.delete()


@pytest.fixture(autouse=True)
def _nothing_broke(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert [record.getMessage() for record in caplog.get_records("call") if record.levelname == "ERROR"] == []


def begin(pool: ThreadPoolExecutor, held: Held, shop: Shop, count: int = 10) -> Future[Any]:
    importing = pool.submit(shop.import_returns, rows(count))
    assert held.begun.wait(PATIENCE)
    return importing


def opened(running: Running, shop: Shop) -> OpenShop:
    return running.runtime.world.shops[shop.name]


def wait_for_waiting(running: Running, shop: Shop, count: int) -> None:
    """Until so many calls wait for the shop."""
    until(lambda: (busy := opened(running, shop).busy) is not None and len(busy._waiters) == count)  # type: ignore[attr-defined]


# turns


def test_other_shops_are_served_while_thousands_of_rows_come_in(
    shop: Shop, other: Shop, receiver: Receiver, pool: ThreadPoolExecutor
) -> None:
    other.subscribe(receiver.url, "return", "return.created")
    importing = pool.submit(shop.import_returns, raw=json.dumps(rows(5000)))
    answered, delivered = 0, 0
    while not importing.done():
        if answered % 5 == 0:
            made = other.customer.submits_return()
            assert other.staff.cancels(return_id=made["id"])["state"] == "cancelled", "its unit is free again"
        else:
            assert all(row["state"] == "cancelled" for row in call_loop(other, ALL_OF_JULY))
        delivered = len(receiver.received)
        answered += not importing.done()
    assert importing.result(PATIENCE)["imported"] == 5000
    assert answered >= 25
    assert delivered >= 3
    assert len(call_loop(shop, ALL_OF_JULY)) == 5000


def test_a_broken_last_row_leaves_nothing_and_the_shop_usable(shop: Shop, other: Shop) -> None:
    before = shop.list_orders(limit=1000)
    with pytest.raises(ControlError) as refused:
        shop.import_returns([*rows(500), {**SAMPLE, "state": "lost"}])
    assert (refused.value.status, refused.value.code) == (422, "import_invalid")
    assert refused.value.problem["detail"].startswith("row 501: state")
    assert (shop.returns(), shop.list_orders(limit=1000)) == ([], before)
    # Not even an id was used up.
    assert str(shop.customer.submits_return()["id"]).endswith("00001")
    assert str(other.customer.submits_return()["id"]).endswith("00001")


# its own shop


def test_whatever_is_asked_of_its_shop_waits_and_sees_all_rows(
    running: Running, shop: Shop, other: Shop, held: Held, pool: ThreadPoolExecutor
) -> None:
    importing = begin(pool, held, shop)
    asked = [
        pool.submit(call_loop, shop, ALL_OF_JULY),
        pool.submit(call_loop, shop, "/warehouse/return/600000001/flag", "POST"),
        pool.submit(shop.returns, limit=1000),
        pool.submit(shop.customer.submits_return),
        pool.submit(shop.clock.advance, by="1h"),
        pool.submit(shop.journal),
    ]
    wait_for_waiting(running, shop, len(asked))
    assert other.customer.submits_return()["state"] == "open"
    assert call_loop(other, ALL_OF_JULY) == []
    assert not any(call.done() for call in [importing, *asked])
    held.go_on()
    assert importing.result(PATIENCE)["imported"] == 10
    listed, _, returns, submitted, *_ = (call.result(PATIENCE) for call in asked)
    assert len(listed) == 10
    assert {int(row["id"]) for row in rows(10)} <= {row["id"] for row in returns}
    assert submitted["state"] == "open"
    assert shop.get_return(600_000_001)["flagged"]


def test_a_call_whose_body_comes_while_the_shop_is_busy_waits(
    running: Running, shop: Shop, held: Held, pool: ThreadPoolExecutor
) -> None:
    made = shop.customer.submits_return()
    body = json.dumps({"content": "late"}).encode()
    connection = http.client.HTTPConnection(running.url.removeprefix("http://"), timeout=PATIENCE)
    connection.putrequest("POST", f"/api/v1/warehouse/return/{made['id']}/note")
    for name, value in {"X-Authorization": shop.key, "Content-Type": "application/json"}.items():
        connection.putheader(name, value)
    connection.putheader("Content-Length", str(len(body)))
    connection.endheaders()
    shop.view()
    importing = begin(pool, held, shop)
    connection.send(body)
    wait_for_waiting(running, shop, 1)
    held.go_on()
    assert connection.getresponse().status == 200
    connection.close()
    assert importing.result(PATIENCE)["imported"] == 10


def test_a_second_import_waits_for_the_first(
    running: Running, shop: Shop, held: Held, pool: ThreadPoolExecutor
) -> None:
    begin(pool, held, shop)
    second = pool.submit(shop.import_returns, rows(10))
    wait_for_waiting(running, shop, 1)
    held.go_on()
    with pytest.raises(ControlError) as refused:
        second.result(PATIENCE)
    assert refused.value.code == "import_conflict"


@pytest.mark.parametrize("ending", [Shop.delete, Shop.reset])
def test_deleting_and_resetting_the_shop_wait(
    running: Running, server: Loopsim, shop: Shop, held: Held, pool: ThreadPoolExecutor, ending: Callable[[Shop], Any]
) -> None:
    importing = begin(pool, held, shop)
    asked = [pool.submit(ending, shop), pool.submit(call_loop, shop, "/warehouse/return/600000001/flag", "POST")]
    wait_for_waiting(running, shop, 2)
    held.go_on()
    assert importing.result(PATIENCE)["imported"] == 10
    asked[0].result(PATIENCE)
    # Whichever of the two came first, the other was answered.
    assert asked[1].exception(PATIENCE) is None or "HTTP Error 4" in str(asked[1].exception())
    assert all(row["name"] != shop.name for row in server.shops()) or shop.returns() == []


def test_its_own_deliveries_are_written_down_afterwards_and_others_go_out_meanwhile(
    shop: Shop, other: Shop, receiver: Receiver, held: Held, pool: ThreadPoolExecutor
) -> None:
    receiver.answer = lambda _payload: 200 if held.begun.wait(PATIENCE) else 500
    shop.subscribe(receiver.url, "return", "return.created")
    other.subscribe(receiver.url, "return", "return.created")
    shop.customer.submits_return()
    importing = begin(pool, held, shop)
    other.customer.submits_return()
    assert other.settle(timeout=PATIENCE)["settled"]
    until(lambda: len(receiver.received) == 2)
    held.go_on()
    importing.result(PATIENCE)
    assert shop.settle(timeout=PATIENCE)["settled"]
    (delivery,) = shop.deliveries()
    assert delivery["state"] == "delivered"
    assert len(shop.delivery(delivery["id"])["attempts"]) == 1


def test_timers_that_fall_due_meanwhile_run_afterwards(
    running: Running, server: Loopsim, held: Held, pool: ThreadPoolExecutor
) -> None:
    shop = server.create_shop(clock={"mode": "scaled", "rate": 864_000}, moment=MOMENT)
    made = shop.customer.submits_return()
    importing = begin(pool, held, shop)
    due_ms = opened(running, shop).next_due_ms()
    assert due_ms is not None
    until(lambda: running.runtime.now_ms(opened(running, shop)) > due_ms)
    # The scheduler has had its turn when other shops have had theirs.
    for _ in range(5):
        server.shops()
    held.go_on()
    importing.result(PATIENCE)
    until(lambda: shop.get_return(made["id"])["state"] == "closed")
    shop.delete()


def test_it_is_refused_while_the_clock_is_advanced(
    running: Running, shop: Shop, receiver: Receiver, pool: ThreadPoolExecutor
) -> None:
    answer = threading.Event()
    receiver.answer = lambda _payload: 200 if answer.wait(PATIENCE) else 500
    shop.subscribe(receiver.url, "label", "label.created")
    shop.customer.submits_return()
    advancing = pool.submit(shop.clock.advance, by="1d")
    until(lambda: running.runtime.scheduler.advancing(opened(running, shop)))
    with pytest.raises(ControlError) as refused:
        shop.import_returns(rows(1))
    answer.set()
    assert (refused.value.status, refused.value.code) == (409, "clock_busy")
    assert advancing.result(PATIENCE)["stopped"] == "goal"


# ends before its end


def test_a_client_that_goes_away_leaves_nothing_behind(running: Running, shop: Shop, held: Held) -> None:
    connection = http.client.HTTPConnection(running.url.removeprefix("http://"), timeout=PATIENCE)
    connection.request("POST", f"/_loopsim/shops/{shop.name}/import", json.dumps({"rows": rows(10)}))
    assert held.begun.wait(PATIENCE)
    connection.close()
    until(lambda: opened(running, shop).busy is None)
    assert shop.returns() == []
    held.go_on()
    assert shop.import_returns(rows(10))["imported"] == 10


def test_a_server_that_is_stopped_takes_the_rows_back(tmp_path: Path, held: Held, pool: ThreadPoolExecutor) -> None:
    options = Options(port=0, db=tmp_path)
    with EmbeddedServer(options) as server:
        importing = begin(pool, held, Loopsim(server.url).shop("default"))
        server.stop()
        with pytest.raises((ControlError, SetupError)) as ended:
            importing.result(PATIENCE)
    assert isinstance(ended.value, SetupError) or ended.value.code == "stopping"
    with EmbeddedServer(options) as server:
        shop = Loopsim(server.url).shop("default")
        assert shop.returns() == []
        assert shop.customer.submits_return()["state"] == "open"
