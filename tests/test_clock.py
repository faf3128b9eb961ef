from __future__ import annotations

import pytest

from loopsim.clock import END, END_MS, Clock, Mode, from_ms, never_back

SECOND, YEAR = 1000, 365 * 86_400_000


def test_a_wall_that_goes_back_stands_still() -> None:
    shown = iter([5.0, 3.0, 4.0, 5.5, 1e9, 6.0, 1e15])
    wall = never_back(lambda: next(shown))
    assert [wall() for _ in range(7)] == [5.0, 5.0, 5.0, 5.5, 1e9, 1e9, END.timestamp()]


@pytest.mark.parametrize(("mode", "rate"), [("real", 1.0), ("scaled", 1e6), ("scaled", 1e300)])
def test_no_clock_runs_beyond_the_end(mode: Mode, rate: float) -> None:
    clock = Clock(mode=mode, rate=rate, shop_ms=END_MS - SECOND)
    assert from_ms(clock.now_ms(9000 * YEAR)) == END
    assert clock.at(END_MS + YEAR, 0).now_ms(0) == END_MS
    assert clock.switched("manual", 1.0, 9000 * YEAR).shop_ms == END_MS


@pytest.mark.parametrize(("mode", "rate"), [("real", 1.0), ("scaled", 1e6)])
def test_what_is_due_after_the_end_is_never_due(mode: Mode, rate: float) -> None:
    clock = Clock(mode=mode, rate=rate, shop_ms=END_MS - SECOND)
    assert clock.wall_delay(END_MS, 0) is not None
    assert clock.wall_delay(END_MS + 1, 0) is None


@pytest.mark.parametrize("rate", [5e-324, 1e-9, 1.0, 1e6])
def test_a_clock_never_shows_less_than_before(rate: float) -> None:
    clock = Clock(mode="scaled", rate=rate, shop_ms=7, wall_ms=100)
    shown = [clock.now_ms(wall_ms) for wall_ms in (0, 99, 100, 101, 10**9, 10**15)]
    assert shown == sorted(shown)
    assert shown[0] == 7
