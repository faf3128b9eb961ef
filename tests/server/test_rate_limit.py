from __future__ import annotations

from loopsim.server.rate_limit import WINDOW, Window


def test_the_window_begins_with_its_first_call_and_ends_a_minute_later() -> None:
    window = Window()
    assert [window.take(100.0, 2), window.take(130.0, 2), window.take(159.9, 2)] == [True, True, False]
    assert window.take(100.0 + WINDOW, 2)
    assert window.remaining(100.0 + WINDOW, 2) == 1


def test_a_refused_call_does_not_count() -> None:
    window = Window()
    for _ in range(5):
        window.take(0.0, 1)
    assert window.used == 1


def test_retry_after_ends_with_the_window_and_is_never_nothing() -> None:
    window = Window()
    window.take(10.0, 1)
    assert [window.retry_after(10.0), window.retry_after(69.5), window.retry_after(70.0)] == [60, 1, 1]


def test_a_limit_that_is_lowered_leaves_nothing_rather_than_less() -> None:
    window = Window()
    for _ in range(5):
        window.take(0.0, 10)
    assert window.remaining(1.0, 3) == 0


def test_before_the_first_call_everything_remains() -> None:
    assert Window().remaining(0.0, 300) == 300
