"""A disk that runs full: a clear refusal, nothing acknowledged lost, and work goes on once there is room."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from loopsim.client import ControlError, Loopsim, Shop
from tests.e2e.serving import Server


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with room for about 6 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", place]
    mounted = subprocess.run(mount, capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("a file system of one's own can only be mounted by root")
    yield place
    subprocess.run(["umount", place], check=True)


def _submit_many(shop: Shop, made: list[int]) -> None:
    # What is left in the write-ahead log's last page still takes a few.
    for _ in range(200):
        order = shop.act("orders.makes", lines=[{"variant": "TEE-RED-M", "quantity": 3}])
        made.append(shop.act("customer.submits_return", order=order["order"]["name"])["id"])


def test_a_full_disk_refuses_new_work_and_loses_nothing(small_disk: Path) -> None:
    server = Server(small_disk / "db")
    try:
        shop = Loopsim(server.url).shop("default")
        filler = small_disk / "filler"
        made = [shop.act("customer.submits_return")["id"] for _ in range(3)]
        with pytest.raises(OSError, match="No space"):
            filler.write_bytes(b"x" * 7_000_000)
        with pytest.raises(ControlError) as full:
            _submit_many(shop, made)
        assert full.value.status in {500, 507}
        filler.unlink()
        made.append(shop.act("customer.submits_return")["id"])
        kept = {each["id"] for each in shop.returns(limit=1000)}
        assert set(made) == kept
        server.stop()
        server = Server(small_disk / "db")
        again = Loopsim(server.url).shop("default")
        assert {each["id"] for each in again.returns(limit=1000)} == kept
    finally:
        server.kill()
