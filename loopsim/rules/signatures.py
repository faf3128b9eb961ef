"""Whether the partner believes only what Loop signed, and believes what Loop signed."""

from __future__ import annotations

from loopsim.rules.provoked import without_effect
from loopsim.rules.rule import Judgement, Rule, failed, not_judged
from loopsim.rules.traffic import Delivery, Traffic, shows

_REFUSALS = frozenset({401, 403})


def _accepted(traffic: Traffic) -> Judgement:
    genuine = [each for each in traffic.deliveries if each.genuine and each.sent and not _after_rotation(traffic, each)]
    if not genuine:
        return not_judged("Loop sent no webhook in this story: subscribe the partner to what happens in it.")
    refused = [each for each in genuine if each.status in _REFUSALS]
    return failed(*(shows(f"It answered {each.status} to a rightly signed {each.trigger}.", each) for each in refused))


def _after_rotation(traffic: Traffic, delivery: Delivery) -> bool:
    return traffic.secret_changed_at is not None and delivery.id > traffic.secret_changed_at


RULES = (
    Rule(
        name="signature-verified",
        level="error",
        needs="provocation",
        title="Act on no webhook whose signature is wrong",
        reason="Your address is public. Without this check anybody can have refunds paid by posting JSON to it.",
        mend="Compute base64(HMAC-SHA256(raw body, secret)), compare it with X-Loop-Signature in constant time, and "
        "drop "
        "what differs before you look at it.",
        fact="hook-signature",
        judge=lambda traffic: without_effect(traffic, "forged_signature", "Sent with a forged signature"),
        provocation="forged_signature",
    ),
    Rule(
        name="signature-required",
        level="error",
        needs="provocation",
        title="Act on no webhook without a signature",
        reason="A check that is skipped where the header is missing protects from nobody.",
        mend="Treat a missing X-Loop-Signature like a wrong one.",
        fact="hook-signature",
        judge=lambda traffic: without_effect(traffic, "unsigned", "Sent without a signature"),
        provocation="unsigned",
    ),
    Rule(
        name="signature-over-raw-body",
        level="error",
        needs="provocation",
        title="Verify the signature over the bytes as they arrived",
        reason="Loop signs its own bytes. A check over JSON that was parsed and written again accepts bodies that Loop "
        "never signed, and refuses genuine ones as soon as the writers differ.",
        mend="Keep the raw body (in Express: express.raw()), verify over it, parse afterwards.",
        fact="hook-body",
        judge=lambda traffic: without_effect(traffic, "reserialised", "Sent with other bytes than those signed"),
        provocation="reserialised",
    ),
    Rule(
        name="genuine-signature-accepted",
        level="error",
        needs="traffic",
        title="Accept every webhook that Loop signed",
        reason="What is refused with a 4xx is not sent again: the event is lost.",
        mend="The signature is base64 (not hex) of the binary HMAC-SHA256 over the raw body, with the webhook secret "
        "(not "
        "the API key) as text.",
        fact="hook-signature",
        judge=_accepted,
    ),
)
