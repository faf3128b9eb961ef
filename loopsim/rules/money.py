"""Whether amounts stay exact on the partner's side."""

from __future__ import annotations

import re
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from loopsim.rules.probed import shown, told
from loopsim.rules.rule import Judgement, Rule, failed, not_judged
from loopsim.rules.traffic import Call, Traffic, shows

_AMOUNT = re.compile(r"-?\d{1,12}\.\d\d")
_CENT = Decimal("0.01")


def _exact(traffic: Traffic) -> Judgement:
    if not traffic.evidence.probes:
        return not_judged("There is no probe to compare amounts with: give one (--probe).")
    compared, findings = False, []
    for return_id, members in told(traffic).items():
        for name, value in shown(traffic, return_id):
            amounts = [(Decimal(text), by) for text, by in members.get(name, ()) if _is_amount(text)]
            has = _decimal(value)
            if not amounts or has is None:
                continue
            compared = True
            if any(has in (amount, amount * 100) for amount, _ in amounts):
                continue
            amount, by = amounts[-1]
            if _damaged(has, amount):
                said = f"Its {name} of return {return_id} is {has}, where Loop told {amount}."
                findings.append(shows(said, *by, return_id=return_id))
    if findings or compared:
        return failed(*findings)
    return not_judged("The probe shows no amount under Loop's name for it (total, refund, return_total, …).")


def _is_amount(value: Any) -> bool:
    return isinstance(value, str) and _AMOUNT.fullmatch(value) is not None


def _decimal(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float) or len(str(value)) > 40:
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) < 10**15 else None


def _damaged(has: Decimal, amount: Decimal) -> bool:
    """Whether this is the amount after rounding or cutting, or after arithmetic with floats, in either unit."""
    ways = ROUND_DOWN, ROUND_HALF_UP
    cut = [amount.quantize(place, way) for place in (Decimal(1), Decimal("0.1")) for way in ways]
    near = abs(has - amount) <= _CENT or abs(has - amount * 100) <= 1
    return near or any(has in (each, each * 100) for each in cut)


def _in_cents(traffic: Traffic) -> Judgement:
    labels = traffic.of("createLabel")
    if not labels:
        return not_judged("The partner made no label in this story.")
    wrong = [call for call in labels if _rate(call) is not None and not isinstance(_rate(call), int)]
    said = "It gave a label's rate as {!r}; Loop takes whole cents."
    return failed(*(shows(said.format(_rate(call)), call) for call in wrong))


def _rate(call: Call) -> Any:
    rate = call.body.get("rate") if isinstance(call.body, dict) else None
    return rate.get("amount") if isinstance(rate, dict) else None


RULES = (
    Rule(
        name="money-exact",
        level="error",
        needs="probe",
        title="Keep amounts to the cent",
        reason="Amounts come as text with two decimals. Read as floats or whole numbers they are off by cents, and "
        "books "
        "do not close.",
        mend="Read them with a decimal type, or as whole cents; never with a float or an integer parser.",
        fact="money-strings",
        judge=_exact,
    ),
    Rule(
        name="label-rates-in-cents",
        level="error",
        needs="traffic",
        title="Give a label's rate in whole cents",
        reason="Elsewhere amounts are text with decimals; here a rate of 10.93 is refused, and 10 is ten cents.",
        mend="Send the rate as a whole number of the smallest unit, with its currency_code.",
        fact="label-object",
        judge=_in_cents,
    ),
)
