"""Crafted deliveries: messages that no event made, with whatever bytes and signature a test wants."""

from __future__ import annotations

from loopsim.domain.webhooks import CRAFTED, Subscription
from loopsim.errors import Invalid, Refusal
from loopsim.operations.perform import Call, operation
from loopsim.store.codec import encode
from loopsim.store.transaction import Transaction

_OWN_HEADERS = frozenset(
    {"connection", "content-length", "expect", "host", "te", "trailer", "transfer-encoding", "upgrade"}
)


@operation("sendDelivery")
def send_delivery(tx: Transaction, call: Call) -> int:
    """Queue a crafted delivery; its id. Raises `Refusal("webhook_not_found")`, and `Invalid` for a header that would
    spoil the request itself."""
    body = call.body
    subscription = tx.get("webhook", body["subscription_id"], Subscription)
    if subscription is None:
        raise Refusal("webhook_not_found")
    if body.get("header", "").lower() in _OWN_HEADERS:
        raise Invalid({"header": [f"{body['header']} says how a message is carried. Name another header."]})
    crafted = {"kind": CRAFTED, "signature": body.get("signature", "genuine")}
    if "header" in body:
        crafted["header"] = body["header"]
    delivery = tx.queue_delivery(
        subscription.id,
        body.get("return_id"),
        body.get("topic", subscription.topic),
        body.get("trigger", subscription.trigger),
        tx.add_payload(body["payload"].encode()),
        encode(crafted),
    )
    return delivery.id
