"""Checkout+: the analysis of a cart. No order comes of it; the shop pushes that itself, with the mode it took."""

from __future__ import annotations

from typing import Any

from loopsim.domain import chance
from loopsim.domain.checkout_plus import MODE, charge, why_not
from loopsim.errors import Invalid
from loopsim.operations.perform import Call, operation
from loopsim.store.transaction import Transaction

NEITHER = {"sessionId": ["The session id field is required when cart id is not present."]}


@operation("analyzeCart")
def analyze_cart(tx: Transaction, call: Call) -> Any:
    """What may be offered for a cart. The same session or cart always has the same session id."""
    body = call.body
    session_id, cart_id = body.get("sessionId"), body.get("cartId")
    if not session_id and not cart_id:
        raise Invalid(NEITHER)
    session_id = session_id or chance.uuid4(tx.settings.seed, "checkout_session", cart_id)
    cart = body["cart"]
    reason = why_not(cart, enabled=tx.settings.checkout_plus, currency=tx.settings.currency)
    answer = {
        "eligible": reason is None,
        "reason": reason,
        "sessionId": session_id,
        "mode": [] if reason else list(MODE),
        "chargeInstructions": None if reason else {"amount": charge(cart), "currency": cart["currencyCode"]},
    }
    tx.put("checkout_session", session_id, answer)
    return answer
