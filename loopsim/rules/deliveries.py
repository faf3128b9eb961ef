"""Whether duplicate, swapped and late webhooks do harm."""

from __future__ import annotations

from loopsim.rules.provoked import without_effect
from loopsim.rules.rule import Rule

RULES = (
    Rule(
        name="duplicates-harmless",
        level="error",
        needs="provocation",
        title="Let a webhook that arrives twice do no more than one",
        reason="Loop sends again whenever it is not sure that you heard; a refund paid twice is not noticed by a test.",
        mend="Before acting, look whether the work for this return and event is done. Loop numbers no event, so keep "
        "what you "
        "did, or a hash of the body.",
        fact="hook-at-least-once",
        judge=lambda traffic: without_effect(traffic, "duplicate", "Sent twice"),
        provocation="duplicate",
    ),
    Rule(
        name="order-not-assumed",
        level="error",
        needs="provocation",
        title="Let webhooks that arrive in another order lead to the same end",
        reason="Deliveries are independent, and a retried one comes after later ones: an old state must not replace a "
        "newer.",
        mend="Take a webhook as a hint and read the return before acting, or compare updated_at and ignore what is "
        "older.",
        fact="quirk-delivery-order",
        judge=lambda traffic: without_effect(traffic, "swapped", "Sent in another order"),
        provocation="swapped",
    ),
    Rule(
        name="late-delivery-harmless",
        level="error",
        needs="provocation",
        title="Let a webhook that arrives late change nothing that has moved on",
        reason="After an outage Loop delivers what is minutes or hours old, and its payload is that of its moment.",
        mend="Read the return before acting, or compare updated_at and ignore what is older than what you know.",
        fact="quirk-delivery-order",
        judge=lambda traffic: without_effect(traffic, "late", "Sent late"),
        provocation="late",
    ),
)
