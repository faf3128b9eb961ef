"""`loopsim import`."""

from __future__ import annotations

import json
from pathlib import Path

from loopsim.client import Shop
from tests.cli.terminal import SAMPLE, invoke, run

Here = tuple[str, ...]
IDS = [int(row["id"]) for row in json.loads(SAMPLE.read_text("utf-8"))]


def ids(shop: Shop) -> list[int]:
    return [row["id"] for row in shop.returns()]


def test_a_real_export_fills_a_shop_and_says_with_what(shop: Shop, here: Here) -> None:
    done = run("import", SAMPLE, *here)

    assert done.code == 0
    assert "3 returns of 3 orders" in done.out
    assert "replaced by invented ones" in done.out
    assert ids(shop) == IDS


def test_people_are_kept_where_that_is_asked_for(here: Here) -> None:
    answer = invoke("import", SAMPLE, "--keep-personal-data", "--format", "json", *here).json

    assert (answer["imported"], answer["people_replaced"]) == (3, 0)


def test_it_reads_pages_from_standard_input(shop: Shop, here: Here) -> None:
    page = {"returns": json.loads(SAMPLE.read_text("utf-8")), "nextPageUrl": None, "previousPageUrl": None}

    done = run("import", "-", *here, stdin=b"\xef\xbb\xbf" + json.dumps(page).encode())

    assert done.code == 0
    assert ids(shop) == IDS


def test_what_is_there_is_refused_with_1_and_replaced_where_that_is_asked_for(shop: Shop, here: Here) -> None:
    invoke("import", SAMPLE, *here)

    refused = invoke("import", SAMPLE, *here)
    replaced = invoke("import", SAMPLE, "--replace", *here)

    assert refused.code == 1
    assert str(IDS[0]) in refused.err
    assert "--replace" in refused.err
    assert replaced.code == 0
    assert ids(shop) == IDS


def test_a_broken_row_is_named_and_nothing_is_imported(shop: Shop, here: Here, tmp_path: Path) -> None:
    rows = json.loads(SAMPLE.read_text("utf-8"))
    rows[1]["created_at"] = "yesterday"
    file = tmp_path / "rows.json"
    file.write_text(json.dumps(rows))

    done = invoke("import", file, *here)

    assert done.code == 1
    assert "row 2" in done.err
    assert "created_at" in done.err
    assert ids(shop) == []


def test_what_is_no_json_is_named_by_line(here: Here) -> None:
    done = invoke("import", "-", *here, stdin=b'[\n{"id": }]')

    assert done.code == 1
    assert "Line 2" in done.err


def test_what_is_no_text_ends_with_2(here: Here) -> None:
    assert invoke("import", "-", *here, stdin=b"\xff\xfe\x00").code == 2


def test_returns_go_on_only_where_that_is_asked_for(shop: Shop, here: Here) -> None:
    invoke("import", SAMPLE, *here)
    assert shop.clock.read()["timers"] == 0

    done = invoke("import", SAMPLE, "--replace", "--resume", *here)

    assert done.code == 0
    assert "They stand still" not in done.out
