"""Whether the carts of Shop Now on-store are kept as Loop keeps them: by a token, as a flat list of variant ids."""

from __future__ import annotations

import re

from loopsim.rules.rule import Judgement, Rule, failed, not_judged
from loopsim.rules.traffic import Call, Traffic, shows

_NO_CART = not_judged("The partner kept no cart at Loop in this story.")
_BY_TOKEN = ("getCart", "updateCart", "deleteCart")
_WITH_LIST = ("createCart", "updateCart")
_TOKEN = re.compile(r"[0-9a-f]{64}")


def _token(call: Call) -> str:
    return call.path.rstrip("/").rpartition("/")[2]


def _tokens(traffic: Traffic) -> Judgement:
    calls = traffic.of(*_BY_TOKEN)
    if not calls and not traffic.of("createCart"):
        return _NO_CART
    invented = [call for call in calls if call.refusal == "cart_not_found" and not _TOKEN.fullmatch(_token(call))]
    said = "It asked for a cart by the token {!r}, which Loop never gave."
    return failed(*(shows(said.format(_token(call)), call) for call in invented))


def _lists(traffic: Traffic) -> Judgement:
    calls = traffic.of(*_WITH_LIST)
    if not calls:
        return _NO_CART
    wrong = [call for call in calls if call.refusal == "cart_no_list" or _lacks_cart(call)]
    return failed(
        *(shows(f"Loop found no list of variant ids in its cart: {call.raw_body[:80]}", call) for call in wrong)
    )


def _lacks_cart(call: Call) -> bool:
    return call.refused and isinstance(call.body, dict) and bool(call.body) and "cart" not in call.body


RULES = (
    Rule(
        name="cart-tokens-kept",
        level="error",
        needs="traffic",
        title="Ask for a cart by the token that Loop gave when it was made",
        reason="The token is told once: neither an update nor a refusal, which comes with status 200, has one. Whoever "
        "takes it from there sends shoppers back to a cart that is none, and their credit is lost to them.",
        mend="Keep the token of the first answer that has one, and take an answer with errors for a failure.",
        fact="carts-update",
        judge=_tokens,
    ),
    Rule(
        name="cart-lists-flat",
        level="error",
        needs="traffic",
        title="Send a cart as a flat list of variant ids, one for each piece",
        reason="Loop's carts know no quantities. What is no list of ids is refused with status 200, and the shopper "
        "goes back without it.",
        mend='Repeat the id: two of one and one of another are {"cart": [11, 11, 22]}.',
        fact="carts-create",
        judge=_lists,
    ),
)
