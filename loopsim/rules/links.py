"""Whether the links that a partner signs itself lead into the portal."""

from __future__ import annotations

import re

from loopsim.rules.rule import Judgement, Rule, failed, not_judged
from loopsim.rules.traffic import Call, Traffic, shows

_HEX = re.compile(r"[0-9a-f]{64}")


def _signed(traffic: Traffic) -> Judgement:
    followed = traffic.of("followPartnerLink")
    if not followed:
        return not_judged("Nobody followed a link that the partner had signed in this story.")
    wrong = [call for call in followed if call.refusal == "wrong_hmac"]
    return failed(*(shows(f"Loop refuses a link that it signed: {_why(call)}.", call) for call in wrong))


def _why(call: Call) -> str:
    given = call.query.get("hmac", "")
    if not given:
        return "it bears no hmac"
    if not _HEX.fullmatch(given):
        return f"its hmac is no SHA-256 in lower-case hexadecimal digits but {given[:16]}…"
    names = ", ".join(sorted(name for name in call.query if name != "hmac"))
    return f"its hmac is not over {names}, in this order"


RULES = (
    Rule(
        name="links-signed-right",
        level="error",
        needs="traffic",
        title="Sign links over all their other parameters, sorted by name",
        reason="Such links stand in e-mails and on pages, where nobody sees that Loop refuses them but the shopper.",
        mend="Encode all parameters but hmac as a query in the order of their names, and send the lower-case "
        "hexadecimal HMAC-SHA256 of just that text with the secret that you share with Loop.",
        fact="deep-links-partner",
        judge=_signed,
    ),
)
