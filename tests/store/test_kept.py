"""What a shop keeps in memory of what it read."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from loopsim.clock import Clock, to_ms
from loopsim.domain.shop import Settings
from loopsim.domain.webhooks import Subscription
from loopsim.store.kept import LARGEST, MOST, KeptAnswers
from loopsim.store.shop import Shop, blank_pages

START = datetime(2026, 6, 1, 9, tzinfo=UTC)


def hook(id_: int, trigger: Any = "return.created") -> Subscription:
    return Subscription(id=id_, topic="return", trigger=trigger, url="http://127.0.0.1:9/")


def subscribed(shop: Shop) -> list[int]:
    with shop.transaction(START) as transaction:
        return [each.id for each in transaction.all("webhook", Subscription)]


@pytest.fixture
def shop() -> Shop:
    clock = Clock(mode="manual", shop_ms=to_ms(START))
    return Shop.create("kept", None, blank_pages(), Settings(id=1, subdomain="kept", seed=1), clock)


PAGE = (b"x" * (MOST // 4), 1, False)


def test_the_answer_that_was_not_asked_for_longest_gives_way() -> None:
    kept = KeptAnswers()
    for name in ("a", "b", "c", "d"):
        kept.keep(name, PAGE)
    assert kept.get("a") == PAGE
    kept.keep("e", (b"x", 1, False))
    assert kept.get("b") is None
    assert all(kept.get(name) for name in ("a", "c", "d", "e"))


def test_a_large_answer_is_not_kept() -> None:
    kept = KeptAnswers()
    assert kept.keep("all", (b"x" * (LARGEST + 1), 1, False))
    assert kept.get("all") is None


def test_what_gives_way_is_kept_in_the_folder(tmp_path: Path) -> None:
    kept = KeptAnswers(tmp_path)
    pages = {number: (b"%d" % number * (MOST // 8), number, True) for number in range(40)}
    for number, page in pages.items():
        kept.keep(number, page)
    assert all(kept.get(number) == page for number, page in pages.items())
    assert list(tmp_path.iterdir()) == [], "nothing is left behind by whoever is killed"
    kept.clear()
    assert not any(kept.get(number) for number in pages)
    kept.close()


def test_a_full_file_begins_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loopsim.store.kept.MOST_ON_FILE", len(PAGE[0]) * 2)
    kept = KeptAnswers(tmp_path)
    for number in range(7):
        kept.keep(number, PAGE)
    assert [number for number in range(7) if kept.get(number)] == [2, 3, 4, 5, 6]
    kept.close()


def test_a_folder_that_cannot_be_written_keeps_nothing(tmp_path: Path) -> None:
    kept = KeptAnswers(tmp_path / "gone")
    for number in range(6):
        kept.keep(number, PAGE)
    assert [number for number in range(6) if kept.get(number)] == [2, 3, 4, 5]


def test_records_that_are_read_all_the_time_are_read_again_once_they_were_written(shop: Shop) -> None:
    assert subscribed(shop) == []
    with shop.transaction(START) as transaction:
        transaction.put("webhook", 1, hook(1))
        assert [each.id for each in transaction.all("webhook", Subscription)] == [1]
    assert subscribed(shop) == [1]
    with shop.transaction(START) as transaction:
        transaction.delete("webhook", 1)
        transaction.put("webhook", 2, hook(2))
    assert subscribed(shop) == [2]


def test_what_was_undone_is_not_remembered(shop: Shop) -> None:
    assert subscribed(shop) == []

    def fail() -> None:
        with shop.transaction(START) as transaction:
            transaction.put("webhook", 1, hook(1))
            transaction.all("webhook", Subscription)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert subscribed(shop) == []


def test_nobody_changes_the_records_that_others_are_given(shop: Shop) -> None:
    with shop.transaction(START) as transaction:
        transaction.put("webhook", 1, hook(1))
    with shop.transaction(START) as transaction:
        transaction.all("webhook", Subscription).clear()
    assert subscribed(shop) == [1]


@pytest.mark.parametrize("durability", ["process", "power"])
def test_a_shop_in_a_file_writes_ahead_from_the_start(tmp_path: Path, durability: Any) -> None:
    file = tmp_path / "new.db"
    settings, clock = Settings(id=1, subdomain="new", seed=1), Clock(mode="manual", shop_ms=to_ms(START))
    shop = Shop.create("new", file, blank_pages(), settings, clock, durability)
    assert shop.connection.execute("pragma journal_mode").fetchone() == ("wal",)
    template = shop.pages()
    shop.close()
    assert Shop.open("new", file).settings == settings
    copy = Shop.create("copy", None, template, settings, clock)
    assert copy.connection.execute("pragma integrity_check").fetchone() == ("ok",)
