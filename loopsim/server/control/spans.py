"""Lengths of time and moments, as people write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from loopsim.clock import END, EPOCH, to_ms
from loopsim.errors import Invalid

_UNITS = {"w": 7 * 86_400_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000}  # milliseconds


def _part(unit: str) -> str:
    return rf"(?:(\d+(?:\.\d+)?){unit})?"


_SHORT = re.compile("(?=.)" + "".join(map(_part, "wdhms")))
_ISO = re.compile(f"P(?=.){_part('W')}{_part('D')}(?:T(?=.){_part('H')}{_part('M')}{_part('S')})?")
_LONGEST = timedelta(days=36_525)


def span_ms(field: str, value: str | float) -> int:
    """Milliseconds of `90s`, `2h`, `14d`, `1d12h`, ISO 8601 such as `P14D` or `PT2H`, or a number of seconds.

    Raises `Invalid` for the field: what cannot be read, is negative, or longer than a century.
    """
    if isinstance(value, str):
        text = value.strip().replace(" ", "")
        parts = _ISO.fullmatch(text.upper()) or _SHORT.fullmatch(text.lower())
        seconds = _number(text)
        if parts is not None:
            ms = sum(float(part) * unit for part, unit in zip(parts.groups(), _UNITS.values(), strict=True) if part)
        elif seconds is not None:
            ms = seconds * 1000
        else:
            raise Invalid({field: [f"{value!r} is no length of time. Write 90s, 2h, 14d, 1d12h, PT2H, or seconds."]})
    else:
        ms = value * 1000
    if not 0 <= ms <= _LONGEST / timedelta(milliseconds=1):
        raise Invalid({field: ["It must be between nothing and a hundred years."]})
    return round(ms)


def moment_ms(field: str, text: str) -> int:
    """Milliseconds since 1970 of an ISO 8601 moment; without a zone it is UTC. Raises `Invalid` for the field."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid({field: [f"{text!r} is no moment. Write it like 2026-06-01T09:00:00Z."]}) from None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    if not EPOCH <= moment <= END:
        raise Invalid({field: ["It must lie between 1970 and 2999."]})
    return to_ms(moment)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
