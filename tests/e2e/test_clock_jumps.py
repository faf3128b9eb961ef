"""Walls that jump and clocks that are asked for the absurd: a shop's time never goes back, and nothing breaks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from loopsim.bootstrap import Options
from loopsim.client import ControlError, Loopsim, Shop
from loopsim.embedded import EmbeddedServer
from tests.e2e.hostile import MOMENT, PATIENCE, Wire

DAY = 86_400.0
NOW = 1_780_000_000.0
END = "2999-12-31T00:00:00.000Z"


class Wall:
    """A wall clock that a test moves, in seconds since 1970."""

    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def server(wall: Wall) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(Options(port=0), wall=wall) as running:
        yield running


@pytest.fixture
def client(server: EmbeddedServer) -> Iterator[Loopsim]:
    with Loopsim(server.url, timeout=PATIENCE) as client:
        yield client


def seen(server: EmbeddedServer, shop: Shop) -> set[str]:
    """The shop's time as everything tells it."""
    wire = Wire(server.url)
    loop = wire.call("GET", "/api/v1/webhooks", None, {"X-Authorization": shop.key})
    control = wire.call("GET", f"/_loopsim/shops/{shop.name}/clock")
    wire.close()
    assert (loop.status, control.status) == (200, 200)
    row = next(row for row in shop.server.shops() if row["name"] == shop.name)
    return {
        loop.headers["x-loopsim-now"], control.headers["x-loopsim-now"], control.body["clock"]["now"], row["now"],
    }  # fmt: skip


JUMPS = [0, -10, -1e9, -NOW, 3600, 10, -40 * DAY, 400 * DAY, 3, 1e10, 2.6e11, 1e15, 0]


@pytest.mark.parametrize("clock", [{"mode": "real"}, {"mode": "scaled", "rate": 1e6}, {"mode": "scaled", "rate": 1e-9}])
def test_time_does_not_go_back_whatever_the_wall_does(
    server: EmbeddedServer, client: Loopsim, wall: Wall, clock: dict[str, Any]
) -> None:
    shop = client.create_shop(clock=clock)
    last = ""
    for jump in JUMPS:
        wall.at = NOW + jump
        (now,) = seen(server, shop)
        assert now >= last
        last = now
        made = shop.act("customer.submits_return")
        assert shop.get_return(made["id"])["state"] == "open"
        assert seen(server, shop) == {now}
    assert last <= END


def test_a_wall_that_goes_back_does_not_move_what_is_due(server: EmbeddedServer, client: Loopsim, wall: Wall) -> None:
    shop = client.create_shop(clock={"mode": "real"})
    shop.act("customer.submits_return")
    due = [timer["due"] for timer in shop.clock.read()["next"]]
    assert due
    wall.at -= 365 * DAY
    assert [timer["due"] for timer in shop.clock.read()["next"]] == due
    # An advance is of the shop's clock, and runs it at its moment.
    assert shop.clock.advance(next_event=True, quiet_for=0)["now"] == due[0]
    assert seen(server, shop) == {due[0]}


@pytest.fixture
def still(client: Loopsim) -> Shop:
    return client.create_shop(moment=MOMENT, clock={"mode": "manual"})


@pytest.mark.parametrize(
    "asked",
    [{"by": "1000000000d"}, {"by": 1e308}, {"by": 9223372036854775807}, {"by": -1}, {"by": "-1s"}, {"by": "P-1D"},
     {"by": "nan"}, {"by": "inf"}, {"by": ""}, {"by": "1" * 5000}, {"by": None}, {"to": "9999-12-31T23:59:59Z"},
     {"to": "3000-01-01T00:00:00Z"}, {"to": "1969-12-31T23:59:59Z"}, {"to": "0001-01-01T00:00:00Z"},
     {"to": "99999-01-01T00:00:00Z"}, {"to": "tomorrow"}, {"to": "2026-02-30T00:00:00Z"}, {"by": "1h", "to": END}, {}],
)  # fmt: skip
def test_an_absurd_advance_is_refused_and_moves_nothing(
    server: EmbeddedServer, still: Shop, asked: dict[str, Any]
) -> None:
    before = seen(server, still)
    with pytest.raises(ControlError) as refused:
        still.server.call("POST", f"/shops/{still.name}/clock/advance", asked)
    assert (refused.value.status, refused.value.code) == (422, "invalid")
    assert seen(server, still) == before


@pytest.mark.parametrize("moment", ["2026-05-27T16:30:35.999Z", "1970-01-01T00:00:00Z", "2026-05-27T18:30:35+02:00"])
def test_no_clock_is_set_back(server: EmbeddedServer, still: Shop, moment: str) -> None:
    before = seen(server, still)
    calls = {("POST", "clock/advance"): {"to": moment}, ("PUT", "clock"): {"mode": "manual", "at": moment}}
    for (method, path), asked in calls.items():
        with pytest.raises(ControlError) as refused:
            still.server.call(method, f"/shops/{still.name}/{path}", asked)
        assert refused.value.code == "clock_backwards"
    assert seen(server, still) == before


@pytest.mark.parametrize("rate", [0, -1, 1e6 + 1, 1e308])
def test_an_absurd_rate_is_refused(server: EmbeddedServer, still: Shop, rate: float) -> None:
    before = seen(server, still)
    with pytest.raises(ControlError) as refused:
        still.clock.set("scaled", rate=rate)
    assert (refused.value.status, refused.value.code) == (422, "invalid")
    assert seen(server, still) == before
    assert still.clock.read()["mode"] == "manual"


def test_time_ends_and_the_shop_lives_on(server: EmbeddedServer, still: Shop) -> None:
    for _ in range(9):
        still.clock.advance(by="36525d", quiet_for=0)
    made = still.act("customer.submits_return")
    still.clock.advance(to="2999-12-31T00:00:00Z", quiet_for=0)
    assert seen(server, still) == {END}
    with pytest.raises(ControlError) as refused:
        still.clock.advance(by="1s")
    assert refused.value.problem["errors"] == {"by": ["It must not lead beyond the year 2999."]}
    last = still.act("customer.submits_return")
    # What is due after the end never is, and nobody waits for it.
    still.clock.advance(next_event=True, quiet_for=0)
    still.clock.advance(until_idle=True, quiet_for=0)
    assert seen(server, still) == {END}
    still.clock.set("scaled", rate=1_000_000)
    assert seen(server, still) == {END}
    for each in (made, last):
        wire = Wire(server.url)
        path = f"/api/v1/warehouse/return/details?return_id={each['id']}"
        assert wire.call("GET", path, None, {"X-Authorization": still.key}).status == 200
        wire.close()
    assert still.reset()["clock"]["now"][:19] + "Z" == MOMENT


def test_a_delay_of_ages_is_refused_and_one_of_a_century_kept(still: Shop) -> None:
    still.subscribe("http://127.0.0.1:9/", "return", "return.created")
    for seconds in (1e300, 1e15, 4e9):
        with pytest.raises(ControlError) as refused:
            still.fault("delay", params={"seconds": seconds})
        assert refused.value.code == "invalid"
    still.fault("delay", params={"seconds": 3_155_760_000})
    still.act("customer.submits_return")
    assert still.settle(timeout=PATIENCE) == {"settled": True, "open": 0, "waiting": 1}
    assert "2126-05-28" in str(still.clock.read()["next"])
