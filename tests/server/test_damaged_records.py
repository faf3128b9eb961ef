"""A record damaged while the server runs: an error that names it, in the words of each API, and no traceback."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from loopsim.bootstrap import Options
from loopsim.client import ControlError, Loopsim, Shop
from loopsim.embedded import EmbeddedServer
from tests.e2e.hostile import Wire


@pytest.fixture
def server() -> Iterator[EmbeddedServer]:
    with EmbeddedServer(Options(port=0, clock="manual")) as running:
        yield running


@pytest.fixture
def shop(server: EmbeddedServer) -> Iterator[Shop]:
    with Loopsim(server.url) as client:
        yield client.shop("default")


@pytest.fixture
def damaged(server: EmbeddedServer, shop: Shop) -> int:
    """A return of which one bit is another."""
    id_: int = shop.act("customer.submits_return")["id"]
    connection = server.running.runtime.world.shops["default"].connection
    (doc,) = connection.execute("select doc from returns where id = ?", (id_,)).fetchone()
    flipped = bytearray(doc)
    flipped[len(doc) // 2] ^= 1
    connection.execute("update returns set doc = ?, details = null where id = ?", (bytes(flipped), id_))
    connection.execute("delete from list_rows")
    return id_


@pytest.mark.parametrize(
    "call",
    [
        "GET /warehouse/return/details?return_id={id}",
        "GET /warehouse/return/list",
        "GET /warehouse/reporting/asn",
        "POST /warehouse/return/{id}/flag",
    ],
)
def test_loops_api_answers_in_its_own_words(
    server: EmbeddedServer, damaged: int, call: str, caplog: pytest.LogCaptureFixture
) -> None:
    method, path = call.format(id=damaged).split()
    wire = Wire(server.url)
    reply = wire.call(method, f"/api/v1{path}", None, {"X-Authorization": server.key})
    wire.close()
    assert (reply.status, reply.body) == (500, {"message": "Server Error"})
    (said,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert f"Return {damaged} of shop default is damaged and cannot be read." in said.getMessage()
    assert said.exc_info is None


def test_the_control_api_names_what_is_damaged(shop: Shop, damaged: int) -> None:
    with pytest.raises(ControlError, match=f"Return {damaged} of shop default is damaged .* Reset the shop") as refused:
        shop.act("staff.flags", return_id=damaged)
    assert refused.value.status == 500


def test_time_goes_on_without_it(shop: Shop, damaged: int, caplog: pytest.LogCaptureFixture) -> None:
    before = shop.clock.advance(by="1d")
    assert before["stopped"] == "goal"
    assert f"Return {damaged} of shop default is damaged" in caplog.text
    assert "Traceback" not in caplog.text
    shop.reset()
    assert shop.returns() == []
