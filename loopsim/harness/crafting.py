"""Payloads that are unlike the samples, made from genuine ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from loopsim.rules.evidence import ProvocationKind

Payload = dict[str, Any]

_LABEL = ("carrier", "tracking_number", "label_status", "label_updated_at")
# What pages or captures show as null for some shop or return.
_NULLABLE = frozenset({
    "edited_at", "order_number", "provider_order_number", "external_order_id", "sales_channel", "label_url",
    "label_rate", "destination_id", "return_method", "package_reference", "parent_reason", "sku", "barcode",
    "exchange_order_id", "exchange_order_name", "gift_card_order_id", "gift_card_order_name", "restock_location_id",
    "condition", "disposition", "url", "rate", "address2", "company",
})  # fmt: skip
_NEW_WORDS = {
    "state": "held",
    "outcome": "trade-in",
    "label_status": "at_customs",
    "type": "consignment",
    "status": "at_customs",
}


def no_label(payload: Payload) -> Payload:
    """As of a return for which no label will come: `N/A` wherever a label would tell something."""
    changed = {**payload, **{name: "N/A" for name in _LABEL if name in payload}}
    changed |= {name: None for name in ("label_url", "label_rate") if name in payload}
    if "labels" in changed:
        changed["labels"] = []
    return changed


def nulls(payload: Payload) -> Payload:
    """With null wherever Loop may send it."""
    return {name: None if name in _NULLABLE else _each(value, nulls) for name, value in payload.items()}


def new_words(payload: Payload) -> Payload:
    """With values that no page names."""
    return {
        name: _NEW_WORDS[name] if name in _NEW_WORDS and isinstance(value, str) else _each(value, new_words)
        for name, value in payload.items()
    }


CHANGES: dict[ProvocationKind, Callable[[Payload], Payload | list[Any]]] = {
    "unknown_enum": new_words,
    "nulls": nulls,
    "not_available": no_label,
    "empty_payload": lambda _payload: [],
}
"""What is made of a genuine payload, by the provocation that it is for."""


def crafted(kind: ProvocationKind, payload: str) -> str:
    """The text of a payload, changed for a provocation, and written as Loop writes."""
    value = json.loads(payload)
    changed = CHANGES[kind](value) if isinstance(value, dict) else value
    return json.dumps(changed, separators=(",", ":")).replace("/", "\\/")


def _each(value: Any, change: Callable[[Payload], Payload]) -> Any:
    if isinstance(value, dict):
        return change(value)
    return [_each(item, change) for item in value] if isinstance(value, list) else value
