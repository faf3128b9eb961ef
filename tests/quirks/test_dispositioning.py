"""Grading and assessing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.quirks.bench import Bench
from tests.quirks.catalogue import shows
from tests.quirks.conftest import OpenShop

BOTH = pytest.mark.parametrize(
    ("path", "judged"),
    [
        ("/dispositioning/grade", {"description": "worn", "condition_category": "grade_b"}),
        ("/dispositioning/assess", {"disposition_outcome": "back_to_stock"}),
    ],
    ids=["grade", "assess"],
)


def units(shop: Bench, count: int) -> list[int]:
    """The ids of so many units of one return."""
    order = shop.order({"variant": "SOCK-M", "quantity": count})
    row = shop.row(shop.submit({"quantity": count}, order=order))
    return [int(line["line_item_id"]) for line in row["line_items"]]


@shows("grade-echo")
@BOTH
def test_the_answer_is_a_bare_array_that_echoes_the_items(shop: Bench, path: str, judged: Any) -> None:
    items = [{"line_item_id": id_, **judged, "note": "a/b"} for id_ in units(shop, 2)]

    reply = shop.post(path, {"items": items})

    assert (reply.status, reply.json) == (200, items)


@shows("grade-30")
@BOTH
def test_thirty_items_are_taken_and_thirty_one_refused(shop: Bench, path: str, judged: Any) -> None:
    items = [{"line_item_id": id_, **judged} for id_ in units(shop, 31)]

    assert shop.post(path, {"items": items[:30]}).status == 200
    refused = shop.post(path, {"items": items})

    assert refused.status == 422
    assert list(refused.json["errors"]) == ["items"]


@shows("grade-foreign")
@BOTH
def test_an_item_of_another_shop_is_forbidden(shop: Bench, open_shop: OpenShop, path: str, judged: Any) -> None:
    (mine,), (foreign,) = units(shop, 1), units(open_shop(id_block=4711), 1)
    items = [{"line_item_id": id_, **judged} for id_ in (mine, foreign)]

    reply = shop.post(path, {"items": items})

    assert reply.status == 403
    (line,) = shop.rows()[0]["line_items"]
    assert (line["condition"], line["disposition"]) == (None, None), "and nothing of the call is done"
