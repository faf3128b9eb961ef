"""`with Loopsim()`: a server in a thread of the user's own process, from a plain script and from unittest."""

from __future__ import annotations

import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from loopsim import Loopsim, Shop
from loopsim.errors import SetupError

SCRIPT = """
from loopsim import Loopsim

with Loopsim() as sim:
    shop = sim.shop(seed=7)
    made = shop.customer.submits_return(items=[{"outcome": "refund"}])
    shop.clock.advance(by="14d")
    print(shop.get_return(made["id"])["state"])
"""

UNITTEST = """
import unittest
from loopsim import Loopsim

class Returns(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sim = Loopsim().start()
        cls.addClassCleanup(cls.sim.stop)

    def test_a_return_is_there(self):
        shop = self.sim.shop(seed=7)
        made = shop.customer.submits_return()
        self.assertEqual(shop.get_return(made["id"])["state"], "open")

unittest.main()
"""


def run(tmp_path: Path, text: str) -> subprocess.CompletedProcess[str]:
    (tmp_path / "script.py").write_text(text, "utf-8")
    return subprocess.run(
        [sys.executable, "-W", "error", "script.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )


def test_a_script_runs_a_lifecycle_without_a_server_of_its_own(tmp_path: Path) -> None:
    done = run(tmp_path, SCRIPT)
    assert (done.stdout, done.stderr, done.returncode) == ("closed\n", "", 0)


def test_unittest_users_start_and_stop_it(tmp_path: Path) -> None:
    done = run(tmp_path, UNITTEST)
    assert done.returncode == 0, done.stderr
    assert "OK" in done.stderr


def test_several_live_in_one_process_and_share_nothing() -> None:
    with Loopsim() as one, Loopsim() as other:
        assert one.url != other.url
        one.shop("mine", seed=7)
        assert [row["name"] for row in other.shops()] == ["default"]


def test_a_shop_that_is_made_stands_still_in_time() -> None:
    with Loopsim() as sim:
        shop = sim.shop(seed=7)
        assert isinstance(shop, Shop)
        assert shop.clock.read()["mode"] == "manual"
        assert sim.shop(shop.name).key == shop.key


def test_it_stops_cleanly_and_starts_again() -> None:
    before = threading.active_count()
    sim = Loopsim()
    with sim:
        url = sim.url
        sim.health()
    assert threading.active_count() == before
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"{url}/_loopsim/health", timeout=5)
    with pytest.raises(SetupError, match="not started"):
        sim.health()
    with sim:
        assert sim.health()["status"] == "ok"


def test_one_that_was_named_is_left_running() -> None:
    with Loopsim() as sim:
        with Loopsim(sim.url) as other:
            other.health()
        assert sim.health()["status"] == "ok"
