"""What the tests of importing share: rows, a shop, and ways to bring the ones into the other."""

from __future__ import annotations

import copy
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from loopsim.clock import Clock, to_ms
from loopsim.domain.policy import Policy
from loopsim.domain.shop import Settings
from loopsim.errors import Refusal
from loopsim.operations import timers  # noqa: F401  (registers what timers do)
from loopsim.operations.control import imports  # noqa: F401  (registers the operation)
from loopsim.operations.perform import Call, perform
from loopsim.store.shop import Shop, blank_pages
from loopsim.wire.returns import list_row

Row = dict[str, Any]

NOW = datetime(2026, 8, 1, 12, tzinfo=UTC)
PAGES = blank_pages()
SAMPLES: list[Row] = json.loads((Path(__file__).parents[2] / "fixtures/samples/returns-export.json").read_text("utf-8"))
OPEN, CLOSED, CANCELLED = SAMPLES

# As captured in July 2019: no updated_at, outcome, barcode, labels; times of items without a zone.
OLD: Row = {
    "id": "1044123",
    "state": "closed",
    "created_at": "2019-07-08T02:55:28+00:00",
    "total": "88.40",
    "order_id": "9876631",
    "order_name": "#90507",
    "provider_order_id": "1032489234792",
    "order_number": "89507",
    "customer": "old.shopper@mail.example",
    "currency": "USD",
    "return_product_total": "104.00",
    "return_discount_total": "15.60",
    "return_tax_total": "0.00",
    "return_total": "88.40",
    "return_credit_total": "0.00",
    "exchange_product_total": "0.00",
    "exchange_discount_total": "0.00",
    "exchange_tax_total": "0.00",
    "exchange_total": "0.00",
    "exchange_credit_total": "0.00",
    "gift_card": "0.00",
    "handling_fee": "0.00",
    "refund": "88.40",
    "upsell": "0.00",
    "line_items": [
        {
            "line_item_id": str(2200100 + unit),
            "provider_line_item_id": "2398423872034",
            "product_id": "298712983102",
            "variant_id": "234982872039",
            "sku": "2039473-Y",
            "title": "Striped Shirt - M / Black",
            "price": "52.00",
            "discount": "7.80",
            "tax": "0.00",
            "refund": "44.20",
            "returned_at": "2019-07-08 02:55:28",
            "exchange_variant": "",
            "return_reason": "Too small",
            "parent_return_reason": None,
        }
        for unit in range(2)
    ],
    "exchanges": [],
    "carrier": "USPS",
    "tracking_number": "9400110200881234567890",
    "label_status": "out_for_delivery",
    "label_updated_at": "2019-07-10T12:00:00+00:00",
}


def new_shop(policy: Policy | None = None, **own: Any) -> Shop:
    shop_settings = Settings(id=1, subdomain="test", seed=11, policy=policy or Policy(), **own)
    return Shop.create("test", None, PAGES, shop_settings, Clock(mode="manual", shop_ms=to_ms(NOW)))


def bring(shop: Shop, rows: Any, **flags: bool) -> dict[str, int]:
    flags.setdefault("keep_personal_data", True)
    answer: dict[str, int] = perform(shop, "importReturns", Call(body={"rows": rows, **flags}), NOW).answer.body
    return answer


def listed(shop: Shop) -> list[Row]:
    return [list_row(return_, shop.settings) for return_ in shop.records.returns()]


def shown(shop: Shop, id_: Any) -> Row:
    return list_row(shop.records.need_return(int(id_)), shop.settings)


def strictly(value: Any) -> str:
    """JSON in which true is not 1, and 1 is not 1.0."""
    return json.dumps(value, sort_keys=True)


def varied(row: Row, **changes: Any) -> Row:
    return {**copy.deepcopy(row), **changes}


def with_line(row: Row, **changes: Any) -> Row:
    changed = copy.deepcopy(row)
    changed["line_items"][0].update(changes)
    return changed


def again(row: Row, number: int, **changes: Any) -> Row:
    """Another return of the same order line."""
    changed = varied(row, id=str(int(row["id"]) + number), **changes)
    for item in changed["line_items"]:
        item["line_item_id"] = str(int(item["line_item_id"]) + number * 1000)
    return changed


def everything(shop: Shop) -> tuple[list[str], dict[str, int]]:
    return list(shop.connection.iterdump()), dict(shop.counters)


def refused(shop: Shop, body: Any, code: str) -> Refusal:
    """The refusal of a body, having seen that it left no trace."""
    before, pages = everything(shop), shop.pages()
    with pytest.raises(Refusal) as refusal:
        perform(shop, "importReturns", Call(body=body), NOW)
    assert refusal.value.code == code
    assert everything(shop) == before
    assert shop.pages() == pages
    return refusal.value


def position(refusal: Refusal) -> str:
    return f"{refusal.params['where']}: {refusal.params['reason']}"


def mailboxes(value: Any) -> set[str]:
    return {each.lower() for each in re.findall(r"[\w.+-]+@[\w.]+", json.dumps(value))}
