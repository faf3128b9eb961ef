"""What a webhook is: its bytes, its headers, its keys and their types."""

from __future__ import annotations

from typing import Any

import pytest

from tests.quirks.bench import Bench, signature
from tests.quirks.catalogue import shows
from tests.quirks.conftest import OpenShop
from tests.quirks.test_fields import EXCHANGED

# captures.md 2, in order
RETURN = [
    "topic", "trigger", "id", "state", "created_at", "total", "order_id", "order_name", "provider_order_id",
    "order_number", "customer", "address", "currency", "return_product_total", "return_discount_total",
    "return_tax_total", "return_total", "return_credit_total", "exchange_product_total", "exchange_discount_total",
    "exchange_tax_total", "exchange_total", "exchange_credit_total", "gift_card", "handling_fee", "refund", "refunds",
    "upsell", "line_items", "exchanges", "carrier", "tracking_number", "label_status", "label_updated_at",
]  # fmt: skip
ADDRESS = ["name", "company", "address1", "address2", "city", "state", "zip", "country", "country_code", "phone"]
LINE_ITEM = [
    "line_item_id", "provider_line_item_id", "product_id", "variant_id", "sku", "barcode", "title", "price",
    "discount", "tax", "refund", "returned_at", "exchange_variant", "return_reason", "parent_return_reason", "outcome",
]  # fmt: skip
KNOWN_HEADERS = {
    "host", "content-type", "content-length", "user-agent", "x-loop-signature", "accept", "accept-encoding",
    "connection",
}  # fmt: skip


def created(shop: Bench, *items: Any, **more: Any) -> Any:
    """The `return.created` of a new return."""
    shop.listen(("return", "return.created"))
    shop.submit(*items, **more)
    return shop.heard_one()


@shows("webhook-php-json")
def test_the_body_is_what_php_json_encode_prints(open_shop: OpenShop) -> None:
    shop = open_shop(world="eu-multi-currency")

    body = created(shop, {"reason": "zu groß / 🍀"}, order="#EU-1001").body

    assert body.isascii()
    assert rb'"return_reason":"zu gro\u00df \/ \ud83c\udf40"' in body
    assert rb"https:\/\/" in body
    assert body.startswith(b'{"topic":"return","trigger":"return.created",')
    assert not body.endswith(b"\n")


@shows("webhook-signature")
def test_the_signature_is_base64_of_hmac_sha256_over_these_bytes(shop: Bench) -> None:
    heard = created(shop)

    assert heard.headers["x-loop-signature"] == signature(heard.body, shop.control.secret)
    assert len(shop.control.secret) == 16


@shows("webhook-no-ids")
def test_nothing_tells_one_delivery_from_another_but_its_content(shop: Bench) -> None:
    heard = created(shop)

    assert heard.headers.keys() <= KNOWN_HEADERS
    assert {"event_id", "delivery_id", "webhook_id", "timestamp", "attempt"}.isdisjoint(heard.json)


@shows("webhook-key-order")
def test_keys_come_in_the_captured_order_with_newer_ones_between(shop: Bench) -> None:
    payload = created(shop, EXCHANGED).json

    assert [key for key in payload if key in RETURN] == RETURN
    assert list(payload["address"]) == ADDRESS
    assert list(payload["line_items"][0])[: len(LINE_ITEM)] == LINE_ITEM


@shows("webhook-plain-http")
def test_webhooks_go_to_plain_http_on_loopback_as_a_json_object(shop: Bench) -> None:
    shop.listen(("return", "return.created"), url=shop.receiver.url.replace("127.0.0.1", "localhost"))
    shop.submit()

    heard = shop.heard_one()

    assert heard.path == "/loop"
    assert heard.headers["content-type"] == "application/json"
    assert isinstance(heard.json, dict)
    assert heard.json["topic"] == "return"


# ids by topic


@shows("payload-processing-ids")
def test_return_processing_has_the_return_as_a_number(shop: Bench) -> None:
    shop.listen(("return.processing", "return.processing.failed"))
    return_id = shop.submit()
    shop.control.processing.fails_next()
    shop.act(return_id, "process")
    shop.advance(5)

    heard = shop.heard_one()

    assert heard.json["return_id"] == return_id


@shows("payload-return-ids")
def test_topic_return_has_its_ids_as_texts(shop: Bench) -> None:
    payload = created(shop).json

    for name in ("id", "order_id", "provider_order_id", "order_number"):
        assert isinstance(payload[name], str), name
        assert payload[name].isdigit(), name
    assert isinstance(payload["line_items"][0]["line_item_id"], str)
    assert isinstance(payload["shop_id"], int)
    assert isinstance(payload["provider_order_number"], int)


@shows("payload-label-ids")
@pytest.mark.parametrize("trigger", ["label.created", "label.updated"])
def test_the_id_in_topic_label_is_the_returns(shop: Bench, trigger: str) -> None:
    shop.listen(("label", trigger))
    return_id = shop.submit()
    shop.advance(5)
    shop.control.carrier.scans(return_id=return_id, status="pre_transit")

    heard = shop.heard_one()

    assert heard.json["id"] == return_id
    assert type(heard.json["provider_order_id"]) is int
    assert "return_id" not in heard.json


@shows("payload-giftcard-ids")
def test_a_gift_card_names_its_return_as_a_text_and_no_shop(open_shop: OpenShop) -> None:
    shop = open_shop({"gift_card_provider": "third_party"})
    shop.listen(("giftcard", "giftcard.requested"))
    return_id = shop.submit({"outcome": "credit"})
    shop.act(return_id, "process")
    shop.advance(5)

    heard = shop.heard_one()

    assert heard.json["return_id"] == str(return_id)
    assert "shop_id" not in heard.json
    assert type(heard.json["id"]) is int
