"""Checkout+: what may be offered for a cart. All figures and words in here are assumed (`FACTS.md#checkout-plus-*`)."""

from __future__ import annotations

from typing import Any

MODE = ("returns_coverage",)
PER_CENT = 2


def why_not(cart: dict[str, Any], *, enabled: bool, currency: str) -> str | None:
    """Why a cart may be offered nothing; None where it may."""
    if not enabled:
        return "NOT_ENABLED"
    if cart["currencyCode"] != currency:
        return "CURRENCY_NOT_SUPPORTED"
    pieces = sum(line.get("quantity", 1) or 0 for line in cart.get("lines") or ())
    return None if pieces > 0 and cart["totalAmount"] > 0 else "EMPTY_CART"


def charge(cart: dict[str, Any]) -> int | float:
    """What the shopper pays for the offer, in the unit that the cart's amounts have: whole ones stay whole."""
    total: int | float = cart["totalAmount"]
    if isinstance(total, int):
        return (total * PER_CENT + 50) // 100
    return round(total * PER_CENT / 100, 2)
