"""What a partner's probe shows of a return beside its state, by name, and whether it is what it should be.

Partners write things down in their own way, so what means the same is the same: 12.30, "12.3" and 1230 cents; a moment
with or without a zone, or only its day; and `null`, "" or "N/A" where there is nothing.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from loopsim.harness.journal import brief
from loopsim.harness.matchers import match
from loopsim.harness.probe import ABSENT

SHOWN: dict[str, tuple[Literal["amount", "moment", "text"], str]] = {
    "refund": ("amount", "What it booked as refunded."),
    "credit": ("amount", "What it booked as store credit given."),
    "exchange": ("amount", "What it booked as the worth of new goods sent out."),
    "fee": ("amount", "What it booked as handling fee kept."),
    "upsell": ("amount", "What it booked as paid on top by the customer."),
    "paid_at": ("moment", "When, to its books, the return was paid out."),
    "currency": ("text", "The currency of its amounts."),
    "outcome": ("text", "What the customer gets, in Loop's word for it."),
    "order_name": ("text", "The order that the goods are from."),
    "tracking_number": ("text", "The tracking number of the parcel that it expects."),
    "label_status": ("text", "Where the parcel is, in Loop's word for it."),
}
"""By name: how it is compared, and what it is."""
_AMOUNT = re.compile(r"-?\d+\.\d\d")
_NOTHING = (ABSENT, None, "", "N/A")
_MINUTE = 60


def differs(name: str, wanted: Any, actual: Any) -> bool:
    """Whether what is shown under this name is not what it should be. `wanted` may be a matcher; an amount is a text
    such as "12.30", a moment a text in ISO 8601."""
    kind = SHOWN[name][0]
    if kind == "amount" and isinstance(wanted, str) and _AMOUNT.fullmatch(wanted):
        return _differs_in_amount(Decimal(wanted), actual)
    if kind == "moment" and isinstance(wanted, str) and (moment := _moment(wanted)) is not None:
        return _differs_in_time(moment, actual)
    return bool(match({"it": wanted}, {} if actual in _NOTHING else {"it": actual}))


def said(actual: Any) -> str:
    """What is shown, in a text."""
    return "nothing" if actual in _NOTHING else brief(actual)


def _differs_in_amount(wanted: Decimal, actual: Any) -> bool:
    try:
        has = Decimal(0) if actual in _NOTHING else Decimal(str(actual).strip())
    except InvalidOperation:
        return True
    return has != wanted and has != wanted * 100


def _differs_in_time(wanted: datetime, actual: Any) -> bool:
    if isinstance(actual, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", actual):
        return actual != f"{wanted:%Y-%m-%d}"
    if isinstance(actual, int | float) and not isinstance(actual, bool):
        seconds = actual / 1000 if actual > 1e11 else actual
        return abs(seconds - wanted.timestamp()) > _MINUTE
    moment = _moment(actual) if isinstance(actual, str) else None
    return moment is None or abs((moment - wanted).total_seconds()) > _MINUTE


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
